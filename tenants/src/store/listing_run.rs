//! Runs that publish many products on many accounts, and what each account of a run waits for.

use crate::db::TenantTx;
use crate::entity::{listing_run as row, listing_run_account};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ChannelAccountId, ListingRunId};
use qianpu_domain::listing_run::{RunOrigin, RunState};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRun {
    /// Its id.
    pub id: ListingRunId,
    /// Why it was begun.
    pub origin: RunOrigin,
    /// Where it stands.
    pub state: RunState,
    /// Products that were chosen.
    pub products: i64,
    /// Accounts that were chosen.
    pub accounts: i64,
    /// Pairs of both.
    pub total: i64,
    /// Who began it.
    pub created_by: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
}

/// A run to be.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Why it is begun.
    pub origin: RunOrigin,
    /// Products that were chosen.
    pub products: i64,
    /// Accounts that were chosen.
    pub accounts: &'a [ChannelAccountId],
    /// Pairs of both.
    pub total: i64,
    /// Who begins it.
    pub created_by: &'a str,
}

/// What an account of a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAccount {
    /// The account.
    pub account: ChannelAccountId,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Code and words of what it waits for.
    pub why: Option<(String, String)>,
}

fn from_model(row: row::Model) -> StoreResult<ListingRun> {
    Ok(ListingRun {
        id: ListingRunId(row.id),
        origin: RunOrigin::from_text(&row.origin).ok_or(StoreError::Corrupt("listing_runs.origin"))?,
        state: RunState::from_text(&row.state).ok_or(StoreError::Corrupt("listing_runs.state"))?,
        products: row.products,
        accounts: row.accounts,
        total: row.total,
        created_by: row.created_by,
        finished_at: row.finished_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// Adds a run with its accounts.
pub async fn run_insert(tx: &mut TenantTx, new: &NewRun<'_>) -> StoreResult<ListingRunId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        origin: Set(new.origin.as_str().to_owned()),
        state: Set(RunState::Running.as_str().to_owned()),
        products: Set(new.products),
        accounts: Set(i64::try_from(new.accounts.len()).unwrap_or(i64::MAX)),
        total: Set(new.total),
        created_by: Set(new.created_by.to_owned()),
        version: Set(1),
        finished_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    model.insert(tx.conn()).await?;
    let accounts = new.accounts.iter().map(|account| listing_run_account::ActiveModel {
        tenant_id: Set(tx.tenant()),
        run_id: Set(id),
        channel_account_id: Set(account.0),
        waits_until: Set(None),
        wait_code: Set(None),
        wait_text: Set(None),
    });
    listing_run_account::Entity::insert_many(accounts).exec_without_returning(tx.conn()).await?;
    Ok(ListingRunId(id))
}

/// A run of the merchant.
pub async fn run_get(tx: &TenantTx, id: ListingRunId) -> StoreResult<ListingRun> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Runs of the merchant, newest first.
pub async fn run_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<ListingRun>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |run| Cursor { at: run.created_at, id: run.id.0 }))
}

/// Moves a run from one state to another. False when it is not in the first any more.
pub async fn run_move(
    tx: &mut TenantTx,
    id: ListingRunId,
    from: RunState,
    to: RunState,
) -> StoreResult<bool> {
    let now = tx.now().micros();
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(to.as_str()))
        .col_expr(row::Column::FinishedAt, Expr::value((to != RunState::Running).then_some(now)))
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq(from.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Accounts of a run.
pub async fn run_accounts(tx: &TenantTx, id: ListingRunId) -> StoreResult<Vec<RunAccount>> {
    use listing_run_account::Column;
    let rows = listing_run_account::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::RunId.eq(id.0))
        .order_by_asc(Column::ChannelAccountId)
        .limit(100)
        .all(tx.conn())
        .await?;
    let one = |row: listing_run_account::Model| RunAccount {
        account: ChannelAccountId(row.channel_account_id),
        until: row.waits_until.map(Timestamp::from_micros),
        why: row.wait_code.zip(row.wait_text),
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Notes what an account of a run waits for; nothing when it goes on.
pub async fn run_account_waits(
    tx: &mut TenantTx,
    id: ListingRunId,
    account: ChannelAccountId,
    wait: Option<(Timestamp, &str, &str)>,
) -> StoreResult<()> {
    use listing_run_account::Column;
    listing_run_account::Entity::update_many()
        .col_expr(Column::WaitsUntil, Expr::value(wait.map(|(until, _, _)| until.micros())))
        .col_expr(Column::WaitCode, Expr::value(wait.map(|(_, code, _)| code.to_owned())))
        .col_expr(Column::WaitText, Expr::value(wait.map(|(_, _, text)| text.to_owned())))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::RunId.eq(id.0))
        .filter(Column::ChannelAccountId.eq(account.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
