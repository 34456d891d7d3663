//! What linked shops have at their platforms, as it was read last. The bank account is masked before it comes here.

use crate::db::TenantTx;
use crate::entity::account_funds as row;
use crate::error::StoreResult;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::EntityTrait;
use sea_orm::sea_query::OnConflict;

/// What an account has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountFunds {
    /// To be taken out.
    pub available: Fen,
    /// Of orders that are not settled yet.
    pub pending: Fen,
    /// The shop's number at the payment service.
    pub sub_merchant: Option<String>,
    /// The bank that withdrawals go to.
    pub bank: Option<String>,
    /// The holder, masked.
    pub bank_holder: Option<String>,
    /// The last digits of the number.
    pub bank_tail: Option<String>,
    /// When it was read.
    pub read_at: Timestamp,
}

/// What an account has; none before it was read.
pub async fn funds_get(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Option<AccountFunds>> {
    let found = row::Entity::find_by_id((tx.tenant(), account.0)).one(tx.conn()).await?;
    Ok(found.map(|row| AccountFunds {
        available: Fen::new(row.available_fen),
        pending: Fen::new(row.pending_fen),
        sub_merchant: row.sub_merchant,
        bank: row.bank,
        bank_holder: row.bank_holder,
        bank_tail: row.bank_tail,
        read_at: Timestamp::from_micros(row.read_at),
    }))
}

/// Keeps what was read now.
pub async fn funds_put(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    funds: &AccountFunds,
) -> StoreResult<()> {
    use row::Column as C;
    let funds = funds.clone();
    let model = row::Model {
        tenant_id: tx.tenant(),
        channel_account_id: account.0,
        available_fen: funds.available.get(),
        pending_fen: funds.pending.get(),
        sub_merchant: funds.sub_merchant,
        bank: funds.bank,
        bank_holder: funds.bank_holder,
        bank_tail: funds.bank_tail,
        read_at: funds.read_at.micros(),
    };
    row::Entity::insert(row::ActiveModel::from(model))
        .on_conflict(
            OnConflict::columns([C::TenantId, C::ChannelAccountId])
                .update_columns([
                    C::AvailableFen,
                    C::PendingFen,
                    C::SubMerchant,
                    C::Bank,
                    C::BankHolder,
                    C::BankTail,
                    C::ReadAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}
