//! Accounts with their balances, of one merchant and summed over a provider's.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::ledger_account as account;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::LedgerAccountId;
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::{Currency, Fen};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// An account with its balance in its normal direction.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Its id.
    pub id: LedgerAccountId,
    /// Chart code.
    pub code: AccountCode,
    /// Owner key, empty where the chart names none.
    pub owner: String,
    /// Balance in the account's normal direction.
    pub balance: Fen,
}

fn account_from(row: account::Model) -> StoreResult<AccountRow> {
    Ok(AccountRow {
        id: LedgerAccountId(row.id),
        code: code_of(row.code)?,
        owner: row.owner_key,
        balance: Fen::new(row.balance_fen),
    })
}

/// The merchant's accounts by code and owner, at most 500.
pub async fn account_list(tx: &TenantTx, currency: Currency) -> StoreResult<Vec<AccountRow>> {
    let rows = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Currency.eq(currency.code()))
        .order_by_asc(account::Column::Code)
        .order_by_asc(account::Column::OwnerKey)
        .limit(500)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(account_from).collect()
}

/// The balance of one account; zero when it was never used.
pub async fn account_balance(tx: &TenantTx, currency: Currency, wanted: &AccountRef) -> StoreResult<Fen> {
    let row = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Currency.eq(currency.code()))
        .filter(account::Column::Code.eq(wanted.code.number()))
        .filter(account::Column::OwnerKey.eq(wanted.owner.as_str()))
        .one(tx.conn())
        .await?;
    Ok(row.map_or(Fen::ZERO, |row| Fen::new(row.balance_fen)))
}

/// One account.
pub async fn account_get(tx: &TenantTx, id: LedgerAccountId) -> StoreResult<AccountRow> {
    let row = account::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    account_from(row.ok_or(StoreError::NotFound)?)
}

/// Balances of a provider's merchants by chart code: a roll-up for reports, never an invariant.
pub async fn book_totals(tx: &ProviderTx, currency: Currency) -> StoreResult<Vec<(AccountCode, Fen)>> {
    // sum(bigint) is numeric on PostgreSQL; the cast keeps integers on both databases.
    let rows: Vec<(i64, i64)> = account::Entity::find()
        .select_only()
        .column(account::Column::Code)
        .expr_as(Expr::col(account::Column::BalanceFen).sum().cast_as("bigint"), "total")
        .filter(account::Column::ProviderId.eq(tx.provider()))
        .filter(account::Column::Currency.eq(currency.code()))
        .filter(account::Column::TenantId.is_not_null())
        .group_by(account::Column::Code)
        .order_by_asc(account::Column::Code)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter().map(|(code, total)| Ok((code_of(code)?, Fen::new(total)))).collect()
}

pub(super) fn code_of(number: i64) -> StoreResult<AccountCode> {
    AccountCode::from_number(number).ok_or(StoreError::Corrupt("ledger_accounts.code"))
}
