//! Bank transfers that merchants declare and the provider's finance staff decide.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::receipt;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{DepositId, InvoiceId, ReceiptId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, SqlErr,
};

/// What a receipt pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptFor {
    /// A deposit.
    Deposit(DepositId),
    /// An invoice.
    Invoice(InvoiceId),
}

/// A bank transfer that a merchant declares and the provider's finance staff confirm or refuse.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Its id.
    pub id: ReceiptId,
    /// The merchant.
    pub merchant: TenantId,
    /// What it pays.
    pub pays: ReceiptFor,
    /// How much.
    pub amount: Fen,
    /// The bank's reference, unique per merchant among those that are declared or confirmed.
    pub bank_reference: String,
    /// `declared`, `confirmed`, `refused` or `reversed`.
    pub state: String,
    /// Why it was refused, or its confirmation taken back.
    pub reason: Option<String>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When its confirmation was taken back.
    pub reversed_at: Option<Timestamp>,
}

/// Declares a transfer. `Conflict(bank_reference)` when the reference was used.
pub async fn receipt_insert(
    tx: &mut TenantTx,
    pays: ReceiptFor,
    amount: Fen,
    bank_reference: &str,
) -> StoreResult<ReceiptId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    let (purpose, deposit, invoice) = match pays {
        ReceiptFor::Deposit(id) => ("deposit", Some(id.0), None),
        ReceiptFor::Invoice(id) => ("invoice", None, Some(id.0)),
    };
    let row = receipt::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        purpose: Set(purpose.to_owned()),
        invoice_id: Set(invoice),
        deposit_id: Set(deposit),
        amount_fen: Set(amount.get()),
        bank_reference: Set(bank_reference.to_owned()),
        state: Set("declared".to_owned()),
        reason: Set(None),
        declared_by: Set(actor),
        decided_by: Set(None),
        decided_at: Set(None),
        reversed_by: Set(None),
        reversed_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("bank_reference"),
        _ => error.into(),
    })?;
    Ok(ReceiptId(id))
}

/// Confirms (no reason) or refuses (with a reason) a declared receipt. `VersionConflict` when it was decided.
pub async fn receipt_decide(tx: &mut TenantTx, id: ReceiptId, refused: Option<&str>) -> StoreResult<()> {
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    let state = if refused.is_some() { "refused" } else { "confirmed" };
    let done = receipt::Entity::update_many()
        .col_expr(receipt::Column::State, Expr::value(state))
        .col_expr(receipt::Column::Reason, Expr::value(refused.map(str::to_owned)))
        .col_expr(receipt::Column::DecidedBy, Expr::value(actor))
        .col_expr(receipt::Column::DecidedAt, Expr::value(tx.now().micros()))
        .col_expr(receipt::Column::Version, Expr::col(receipt::Column::Version).add(1))
        .col_expr(receipt::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(receipt::Column::TenantId.eq(tx.tenant()))
        .filter(receipt::Column::Id.eq(id.0))
        .filter(receipt::Column::State.eq("declared"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Takes the confirmation of a receipt back. `VersionConflict` when it is not confirmed, or not any more.
pub async fn receipt_reverse(tx: &mut TenantTx, id: ReceiptId, reason: &str) -> StoreResult<()> {
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    let done = receipt::Entity::update_many()
        .col_expr(receipt::Column::State, Expr::value("reversed"))
        .col_expr(receipt::Column::Reason, Expr::value(reason))
        .col_expr(receipt::Column::ReversedBy, Expr::value(actor))
        .col_expr(receipt::Column::ReversedAt, Expr::value(tx.now().micros()))
        .col_expr(receipt::Column::Version, Expr::col(receipt::Column::Version).add(1))
        .col_expr(receipt::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(receipt::Column::TenantId.eq(tx.tenant()))
        .filter(receipt::Column::Id.eq(id.0))
        .filter(receipt::Column::State.eq("confirmed"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// One receipt.
pub async fn receipt_get(tx: &TenantTx, id: ReceiptId) -> StoreResult<Receipt> {
    let row =
        receipt::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?.ok_or(StoreError::NotFound)?;
    receipt_from(row)
}

/// A receipt of one of the provider's merchants.
pub async fn receipt_get_by_provider(tx: &ProviderTx, id: ReceiptId) -> StoreResult<Receipt> {
    let row = receipt::Entity::find()
        .filter(receipt::Column::ProviderId.eq(tx.provider()))
        .filter(receipt::Column::TenantId.is_not_null())
        .filter(receipt::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    receipt_from(row.ok_or(StoreError::NotFound)?)
}

/// The receipts declared for one invoice or deposit, newest first, at most 50.
pub async fn receipt_list_of(tx: &TenantTx, pays: ReceiptFor) -> StoreResult<Vec<Receipt>> {
    let paid = match pays {
        ReceiptFor::Deposit(id) => receipt::Column::DepositId.eq(id.0),
        ReceiptFor::Invoice(id) => receipt::Column::InvoiceId.eq(id.0),
    };
    let rows = receipt::Entity::find()
        .filter(receipt::Column::TenantId.eq(tx.tenant()))
        .filter(paid)
        .order_by_desc(receipt::Column::CreatedAt)
        .order_by_desc(receipt::Column::Id)
        .limit(50)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(receipt_from).collect()
}

/// How many receipts of the provider's merchants are in each state.
pub async fn receipt_counts_by_provider(tx: &ProviderTx) -> StoreResult<Vec<(String, i64)>> {
    Ok(receipt::Entity::find()
        .select_only()
        .column(receipt::Column::State)
        .column_as(receipt::Column::Id.count(), "count")
        .filter(receipt::Column::ProviderId.eq(tx.provider()))
        .filter(receipt::Column::TenantId.is_not_null())
        .group_by(receipt::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?)
}

/// The merchant's receipts, newest first.
pub async fn receipt_list(
    tx: &TenantTx,
    state: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<Receipt>> {
    let mut query = receipt::Entity::find().filter(receipt::Column::TenantId.eq(tx.tenant()));
    if let Some(state) = state {
        query = query.filter(receipt::Column::State.eq(state));
    }
    paged(
        newest_first(query, receipt::Column::CreatedAt, receipt::Column::Id, page).all(tx.conn()).await?,
        page,
    )
}

/// Receipts of the provider's merchants in a state, newest first.
pub async fn receipt_list_by_provider(
    tx: &ProviderTx,
    state: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<Receipt>> {
    let mut query = receipt::Entity::find()
        .filter(receipt::Column::ProviderId.eq(tx.provider()))
        .filter(receipt::Column::TenantId.is_not_null());
    if let Some(state) = state {
        query = query.filter(receipt::Column::State.eq(state));
    }
    paged(
        newest_first(query, receipt::Column::CreatedAt, receipt::Column::Id, page).all(tx.conn()).await?,
        page,
    )
}

fn paged(rows: Vec<receipt::Model>, page: PageRequest) -> StoreResult<Page<Receipt>> {
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(receipt_from).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

fn receipt_from(row: receipt::Model) -> StoreResult<Receipt> {
    let pays = match (row.deposit_id, row.invoice_id) {
        (Some(id), _) => ReceiptFor::Deposit(DepositId(id)),
        (None, Some(id)) => ReceiptFor::Invoice(InvoiceId(id)),
        (None, None) => return Err(StoreError::Corrupt("a receipt for nothing")),
    };
    Ok(Receipt {
        id: ReceiptId(row.id),
        merchant: TenantId(row.tenant_id),
        pays,
        amount: Fen::new(row.amount_fen),
        bank_reference: row.bank_reference,
        state: row.state,
        reason: row.reason,
        created_at: Timestamp::from_micros(row.created_at),
        decided_at: row.decided_at.map(Timestamp::from_micros),
        reversed_at: row.reversed_at.map(Timestamp::from_micros),
    })
}
