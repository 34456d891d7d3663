//! Deletions of a merchant: asked for, waiting, withdrawn or done with a proof. One at a time per merchant. The row
//! stays when the merchant's others are gone.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{channel_account, invoice, ledger_account, merchant_deletion, order, shop, subscription};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{DeletionId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};

/// A deletion.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// Its id.
    pub id: DeletionId,
    /// The merchant.
    pub merchant: TenantId,
    /// `waiting`, `deleting`, `withdrawn` or `deleted`.
    pub state: String,
    /// Why, in somebody's words.
    pub reason: String,
    /// `merchant` or `provider`.
    pub asked_by_kind: String,
    /// Name of who asked.
    pub asked_by_name: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When everything goes.
    pub due_at: Timestamp,
    /// What stood in its way when it was due, as codes; empty otherwise.
    pub blocked: Vec<String>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// Counts outside the merchant's rows, taken when it began: a JSON object.
    pub outside: Option<String>,
    /// The listing of what went and what stays: JSON.
    pub proof: Option<String>,
    /// SHA-256 of the listing.
    pub proof_sha256: Option<String>,
    /// When everything went.
    pub deleted_at: Option<Timestamp>,
    /// Until when the rest is kept by law.
    pub keep_until: Option<Timestamp>,
}

fn from_model(row: merchant_deletion::Model) -> Deletion {
    let blocked = row.blocked.unwrap_or_default();
    Deletion {
        id: DeletionId(row.id),
        merchant: TenantId(row.tenant_id),
        state: row.state,
        reason: row.reason,
        asked_by_kind: row.asked_by_kind,
        asked_by_name: row.asked_by_name,
        asked_at: Timestamp::from_micros(row.asked_at),
        due_at: Timestamp::from_micros(row.due_at),
        blocked: blocked.split_whitespace().map(str::to_owned).collect(),
        withdrawn_at: row.withdrawn_at.map(Timestamp::from_micros),
        outside: row.outside,
        proof: row.proof,
        proof_sha256: row.proof_sha256,
        deleted_at: row.deleted_at.map(Timestamp::from_micros),
        keep_until: row.keep_until.map(Timestamp::from_micros),
    }
}

/// Asks for it. `Conflict(deletion)` while another one waits.
pub async fn deletion_insert(
    tx: &mut TenantTx,
    asked_by_kind: &str,
    reason: &str,
    due_at: Timestamp,
) -> StoreResult<DeletionId> {
    let id = DeletionId(tx.new_id());
    let (_, by, name) = tx.ctx().actor().audit_parts();
    let now = tx.now().micros();
    let row = merchant_deletion::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id.0),
        provider_id: Set(tx.provider()?),
        state: Set("waiting".to_owned()),
        reason: Set(reason.to_owned()),
        asked_by_kind: Set(asked_by_kind.to_owned()),
        asked_by: Set(by),
        asked_by_name: Set(name),
        asked_at: Set(now),
        due_at: Set(due_at.micros()),
        blocked: Set(None),
        withdrawn_by_name: Set(None),
        withdrawn_at: Set(None),
        outside: Set(None),
        proof: Set(None),
        proof_sha256: Set(None),
        deleted_at: Set(None),
        keep_until: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    let insert = merchant_deletion::Entity::insert(row).on_conflict(conflict);
    match insert.exec_without_returning(tx.conn()).await? {
        1 => Ok(id),
        _ => Err(StoreError::Conflict("deletion")),
    }
}

/// A deletion of the merchant.
pub async fn deletion_get(tx: &TenantTx, id: DeletionId) -> StoreResult<Deletion> {
    let row = merchant_deletion::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// The newest deletion of the merchant.
pub async fn deletion_newest(tx: &TenantTx) -> StoreResult<Option<Deletion>> {
    let row = merchant_deletion::Entity::find()
        .filter(merchant_deletion::Column::TenantId.eq(tx.tenant()))
        .order_by_desc(merchant_deletion::Column::CreatedAt)
        .order_by_desc(merchant_deletion::Column::Id)
        .one(tx.conn())
        .await?;
    Ok(row.map(from_model))
}

/// A deletion of one of the provider's merchants.
pub async fn deletion_get_by_provider(tx: &ProviderTx, id: DeletionId) -> StoreResult<Deletion> {
    merchant_deletion::Entity::find()
        .filter(merchant_deletion::Column::ProviderId.eq(tx.provider()))
        .filter(merchant_deletion::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .ok_or(StoreError::NotFound)
}

fn page_of(rows: Vec<merchant_deletion::Model>, limit: u64) -> Page<Deletion> {
    let key =
        |row: &merchant_deletion::Model| Cursor { at: Timestamp::from_micros(row.created_at), id: row.id };
    Page::from_rows(rows, limit, key).map(from_model)
}

/// Deletions of the merchant, newest first.
pub async fn deletion_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Deletion>> {
    use merchant_deletion::Column;
    let query = merchant_deletion::Entity::find().filter(Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, Column::CreatedAt, Column::Id, page).all(tx.conn()).await?;
    Ok(page_of(rows, page.limit))
}

/// Deletions of the provider's merchants, newest first.
pub async fn deletion_list_by_provider(tx: &ProviderTx, page: PageRequest) -> StoreResult<Page<Deletion>> {
    use merchant_deletion::Column;
    let query = merchant_deletion::Entity::find().filter(Column::ProviderId.eq(tx.provider()));
    let rows = newest_first(query, Column::CreatedAt, Column::Id, page).all(tx.conn()).await?;
    Ok(page_of(rows, page.limit))
}

/// A turn of a deletion.
#[derive(Clone, Debug)]
pub enum DeletionTurn<'a> {
    /// It does not happen.
    Withdrawn,
    /// Something stood in its way: codes, and when it is tried again.
    Postponed(&'a [&'a str], Timestamp),
    /// It begins: what is counted outside the merchant's rows.
    Begun(&'a str),
    /// It is done: the listing, its SHA-256, and until when the rest is kept.
    Done(&'a str, &'a str, Timestamp),
}

/// Notes a turn. `VersionConflict` when it is not in a state for it any more.
pub async fn deletion_turn(tx: &mut TenantTx, id: DeletionId, turn: &DeletionTurn<'_>) -> StoreResult<()> {
    use merchant_deletion::Column;
    let now = tx.now().micros();
    let mut update = merchant_deletion::Entity::update_many().col_expr(Column::UpdatedAt, Expr::value(now));
    let from = match turn {
        DeletionTurn::Withdrawn => {
            let (_, _, name) = tx.ctx().actor().audit_parts();
            update = update
                .col_expr(Column::State, Expr::value("withdrawn"))
                .col_expr(Column::WithdrawnByName, Expr::value(name))
                .col_expr(Column::WithdrawnAt, Expr::value(now));
            "waiting"
        }
        DeletionTurn::Postponed(codes, due_at) => {
            update = update
                .col_expr(Column::Blocked, Expr::value(codes.join(" ")))
                .col_expr(Column::DueAt, Expr::value(due_at.micros()));
            "waiting"
        }
        DeletionTurn::Begun(outside) => {
            update = update
                .col_expr(Column::State, Expr::value("deleting"))
                .col_expr(Column::Outside, Expr::value(*outside))
                .col_expr(Column::Blocked, Expr::value(Option::<String>::None));
            "waiting"
        }
        DeletionTurn::Done(proof, sha256, keep_until) => {
            update = update
                .col_expr(Column::State, Expr::value("deleted"))
                .col_expr(Column::Proof, Expr::value(*proof))
                .col_expr(Column::ProofSha256, Expr::value(*sha256))
                .col_expr(Column::DeletedAt, Expr::value(now))
                .col_expr(Column::KeepUntil, Expr::value(keep_until.micros()));
            "deleting"
        }
    };
    let done = update
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.eq(from))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Something that has to be settled before a merchant can go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocker {
    /// Orders that are neither completed nor cancelled.
    OpenOrders,
    /// Shops that trade, are suspended or are being closed.
    OpenShops,
    /// Invoices that are issued and not paid.
    UnpaidInvoices,
    /// A deposit that was not refunded, in fen.
    Deposit,
    /// Other money that belongs to somebody, in fen.
    Money,
    /// A plan that goes on.
    Subscription,
    /// Channel accounts that are linked.
    LinkedAccounts,
}

impl Blocker {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenOrders => "open_orders",
            Self::OpenShops => "open_shops",
            Self::UnpaidInvoices => "unpaid_invoices",
            Self::Deposit => "deposit",
            Self::Money => "money",
            Self::Subscription => "subscription",
            Self::LinkedAccounts => "linked_accounts",
        }
    }
}

/// Accounts that hold a deposit: available, frozen, on its way back.
const DEPOSIT: [i64; 3] = [2100, 2110, 2120];
/// Accounts that hold other money of the merchant, of buyers, or claims on the merchant.
const MONEY: [i64; 7] = [1120, 2010, 2020, 2030, 2220, 2500, 2900];

/// What stands in the way, each with how many or how much; empty when the merchant can go.
pub async fn deletion_blockers(tx: &TenantTx) -> StoreResult<Vec<(Blocker, i64)>> {
    let own = tx.tenant();
    let orders = order::Entity::find()
        .filter(order::Column::TenantId.eq(own))
        .filter(order::Column::State.is_not_in(["completed", "cancelled"]))
        .count(tx.conn())
        .await?;
    let shops = shop::Entity::find()
        .filter(shop::Column::TenantId.eq(own))
        .filter(shop::Column::State.is_in(["trading", "suspended", "closing"]))
        .count(tx.conn())
        .await?;
    let invoices = invoice::Entity::find()
        .filter(invoice::Column::TenantId.eq(own))
        .filter(invoice::Column::State.is_in(["issued", "overdue"]))
        .count(tx.conn())
        .await?;
    let subscriptions = subscription::Entity::find()
        .filter(subscription::Column::TenantId.eq(own))
        .filter(subscription::Column::State.eq("active"))
        .count(tx.conn())
        .await?;
    let accounts = channel_account::Entity::find()
        .filter(channel_account::Column::TenantId.eq(own))
        .filter(channel_account::Column::State.is_in(["pending", "active", "limited"]))
        .count(tx.conn())
        .await?;
    let held = ledger_account::Entity::find()
        .filter(ledger_account::Column::TenantId.eq(own))
        .filter(ledger_account::Column::Code.is_in(DEPOSIT.into_iter().chain(MONEY)))
        .filter(ledger_account::Column::BalanceFen.ne(0))
        .all(tx.conn())
        .await?;
    let sum = |codes: &[i64]| {
        let own = held.iter().filter(|account| codes.contains(&account.code));
        own.map(|account| account.balance_fen.abs()).sum::<i64>()
    };
    let count = |found: u64| i64::try_from(found).unwrap_or(i64::MAX);
    let all = [
        (Blocker::OpenOrders, count(orders)),
        (Blocker::OpenShops, count(shops)),
        (Blocker::UnpaidInvoices, count(invoices)),
        (Blocker::Deposit, sum(&DEPOSIT)),
        (Blocker::Money, sum(&MONEY)),
        (Blocker::Subscription, count(subscriptions)),
        (Blocker::LinkedAccounts, count(accounts)),
    ];
    Ok(all.into_iter().filter(|(_, found)| *found > 0).collect())
}
