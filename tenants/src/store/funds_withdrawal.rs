//! Withdrawals of shops' money: ours, and those that were asked for at the platform itself.

use crate::db::TenantTx;
use crate::entity::funds_withdrawal as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ChannelAccountId, FundsWithdrawalId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_domain::withdrawal::{CodeState, WithdrawalState};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

/// A withdrawal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FundsWithdrawal {
    /// Its id.
    pub id: FundsWithdrawalId,
    /// The account.
    pub account: ChannelAccountId,
    /// How much.
    pub amount: Fen,
    /// Where it stands.
    pub state: WithdrawalState,
    /// The platform's raw state.
    pub native_state: String,
    /// How far the code is.
    pub code: Option<CodeState>,
    /// Who scanned it.
    pub scanned_by: Option<String>,
    /// What the platform says against the scan.
    pub problem: Option<String>,
    /// By which the code is asked for; never shown.
    pub ticket: Option<String>,
    /// The platform's id.
    pub external_id: Option<String>,
    /// Our own note.
    pub note: String,
    /// What stands on the bank's statement.
    pub bank_memo: String,
    /// The bank.
    pub bank: Option<String>,
    /// The last digits of the account's number.
    pub bank_tail: Option<String>,
    /// Why it failed or was refused.
    pub reason: Option<String>,
    /// Who asked; none for one that was asked for at the platform.
    pub asked_by: Option<String>,
    /// When the call that asks was begun. It is made once.
    pub sent_at: Option<Timestamp>,
    /// For guarded updates.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<FundsWithdrawal> {
    let state = WithdrawalState::from_text(&row.state);
    Ok(FundsWithdrawal {
        id: FundsWithdrawalId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        amount: Fen::new(row.amount_fen),
        state: state.ok_or(StoreError::Corrupt("funds_withdrawals.state"))?,
        native_state: row.native_state,
        code: row.code_state.as_deref().and_then(CodeState::from_text),
        scanned_by: row.scanned_by,
        problem: row.problem,
        ticket: row.ticket,
        external_id: row.external_id,
        note: row.note,
        bank_memo: row.bank_memo,
        bank: row.bank,
        bank_tail: row.bank_tail,
        reason: row.reason,
        asked_by: row.asked_by,
        sent_at: row.sent_at.map(Timestamp::from_micros),
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

/// A withdrawal to be kept.
#[derive(Clone, Debug)]
pub struct NewWithdrawal<'a> {
    /// The account.
    pub account: ChannelAccountId,
    /// How much.
    pub amount: Fen,
    /// Where it stands.
    pub state: WithdrawalState,
    /// Our own note.
    pub note: &'a str,
    /// What stands on the bank's statement.
    pub bank_memo: &'a str,
    /// Who asked; none for one that was asked for at the platform.
    pub asked_by: Option<&'a str>,
    /// The platform's id.
    pub external_id: Option<&'a str>,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Keeps a withdrawal. One of ours that waits refuses a second (`Conflict`).
pub async fn withdrawal_insert(tx: &mut TenantTx, new: &NewWithdrawal<'_>) -> StoreResult<FundsWithdrawal> {
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: new.account.0,
        amount_fen: new.amount.get(),
        state: new.state.as_str().to_owned(),
        native_state: String::new(),
        code_state: None,
        scanned_by: None,
        problem: None,
        ticket: None,
        external_id: new.external_id.map(str::to_owned),
        note: new.note.to_owned(),
        bank_memo: new.bank_memo.to_owned(),
        bank: None,
        bank_tail: None,
        reason: None,
        asked_by: new.asked_by.map(str::to_owned),
        sent_at: None,
        version: 1,
        created_at: new.at.micros(),
        updated_at: tx.now().micros(),
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// One withdrawal.
pub async fn withdrawal_get(tx: &TenantTx, id: FundsWithdrawalId) -> StoreResult<FundsWithdrawal> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Withdrawals of an account, newest first.
pub async fn withdrawal_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<FundsWithdrawal>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

async fn one_where(
    tx: &TenantTx,
    account: ChannelAccountId,
    condition: sea_orm::sea_query::SimpleExpr,
) -> StoreResult<Option<FundsWithdrawal>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(condition)
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}

/// The withdrawal with this id of the platform.
pub async fn withdrawal_by_external(
    tx: &TenantTx,
    account: ChannelAccountId,
    external_id: &str,
) -> StoreResult<Option<FundsWithdrawal>> {
    one_where(tx, account, row::Column::ExternalId.eq(external_id)).await
}

/// The withdrawal whose code has this ticket.
pub async fn withdrawal_by_ticket(
    tx: &TenantTx,
    account: ChannelAccountId,
    ticket: &str,
) -> StoreResult<Option<FundsWithdrawal>> {
    one_where(tx, account, row::Column::Ticket.eq(ticket)).await
}

/// The one of ours that another has to wait for.
pub async fn withdrawal_open(
    tx: &TenantTx,
    account: ChannelAccountId,
) -> StoreResult<Option<FundsWithdrawal>> {
    let open = [WithdrawalState::Asking, WithdrawalState::Waiting].map(WithdrawalState::as_str);
    one_where(tx, account, row::Column::State.is_in(open).and(row::Column::AskedBy.is_not_null())).await
}

/// Keeps a withdrawal as it is now, if it is still as it was seen.
pub async fn withdrawal_save(tx: &mut TenantTx, one: &FundsWithdrawal) -> StoreResult<()> {
    use row::Column as C;
    let short = |text: &Option<String>| text.as_ref().map(|text| text.chars().take(500).collect::<String>());
    let done = row::Entity::update_many()
        .col_expr(C::State, Expr::value(one.state.as_str()))
        .col_expr(C::NativeState, Expr::value(one.native_state.as_str()))
        .col_expr(C::CodeState, Expr::value(one.code.map(CodeState::as_str)))
        .col_expr(C::ScannedBy, Expr::value(one.scanned_by.clone()))
        .col_expr(C::Problem, Expr::value(short(&one.problem)))
        .col_expr(C::Ticket, Expr::value(one.ticket.clone()))
        .col_expr(C::ExternalId, Expr::value(one.external_id.clone()))
        .col_expr(C::Bank, Expr::value(one.bank.clone()))
        .col_expr(C::BankTail, Expr::value(one.bank_tail.clone()))
        .col_expr(C::Reason, Expr::value(short(&one.reason)))
        .col_expr(C::SentAt, Expr::value(one.sent_at.map(Timestamp::micros)))
        .col_expr(C::Version, Expr::value(one.version + 1))
        .col_expr(C::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(one.id.0))
        .filter(C::Version.eq(one.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}
