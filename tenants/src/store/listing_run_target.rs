//! Pairs of product and account of a run, with what became of each.

use crate::db::TenantTx;
use crate::entity::listing_run_target as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{ChannelAccountId, ListingId, ListingRunId, ProductId};
use qianpu_domain::listing_run::TargetState;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set};
use uuid::Uuid;

/// Rows of one statement while a run is begun.
const AT_ONCE: usize = 500;

/// A pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTarget {
    /// The account.
    pub account: ChannelAccountId,
    /// The product.
    pub product: ProductId,
    /// Its number within the run, from 0.
    pub place: i64,
    /// What became of it.
    pub state: TargetState,
    /// The listing, once there is one.
    pub listing: Option<ListingId>,
    /// Code and words of a refusal, or of what it waits for.
    pub error: Option<(String, String)>,
    /// Tries that led to nothing.
    pub attempts: i64,
    /// Not before this moment.
    pub next_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<RunTarget> {
    Ok(RunTarget {
        account: ChannelAccountId(row.channel_account_id),
        product: ProductId(row.product_id),
        place: row.place,
        state: TargetState::from_text(&row.state).ok_or(StoreError::Corrupt("listing_run_targets.state"))?,
        listing: row.listing_id.map(ListingId),
        error: row.error_code.zip(row.error_text),
        attempts: row.attempts,
        next_at: Timestamp::from_micros(row.next_at),
    })
}

/// Adds pairs, numbered in their order from `first`.
pub async fn target_insert(
    tx: &mut TenantTx,
    run: ListingRunId,
    pairs: &[(ProductId, ChannelAccountId)],
) -> StoreResult<()> {
    let now = tx.now().micros();
    let tenant = tx.tenant();
    let mut place = 0;
    for chunk in pairs.chunks(AT_ONCE) {
        let rows: Vec<row::ActiveModel> = chunk
            .iter()
            .map(|(product, account)| {
                place += 1;
                row::ActiveModel {
                    tenant_id: Set(tenant),
                    run_id: Set(run.0),
                    channel_account_id: Set(account.0),
                    product_id: Set(product.0),
                    place: Set(place),
                    state: Set(TargetState::Waiting.as_str().to_owned()),
                    listing_id: Set(None),
                    error_code: Set(None),
                    error_text: Set(None),
                    attempts: Set(0),
                    next_at: Set(now),
                    updated_at: Set(now),
                }
            })
            .collect();
        row::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

fn of(tx: &TenantTx, run: ListingRunId) -> Select<row::Entity> {
    row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant())).filter(row::Column::RunId.eq(run.0))
}

const OPEN: [&str; 2] = [TargetState::Waiting.as_str(), TargetState::Sending.as_str()];

/// The next pair of an account that has no result yet, whether due or not.
pub async fn target_next(
    tx: &TenantTx,
    run: ListingRunId,
    account: ChannelAccountId,
) -> StoreResult<Option<RunTarget>> {
    let found = of(tx, run)
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::State.is_in(OPEN))
        .order_by_asc(row::Column::NextAt)
        .order_by_asc(row::Column::Place)
        .limit(1)
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}

/// What is to be noted at a pair.
#[derive(Clone, Debug)]
pub struct TargetChange<'a> {
    /// What became of it.
    pub state: TargetState,
    /// The listing.
    pub listing: Option<ListingId>,
    /// Code and words of a refusal, or of what it waits for.
    pub error: Option<(&'a str, &'a str)>,
    /// Tries that led to nothing.
    pub attempts: i64,
    /// Not before this moment.
    pub next_at: Timestamp,
}

/// Notes something at a pair that has no result yet. False when it has one.
pub async fn target_note(
    tx: &mut TenantTx,
    run: ListingRunId,
    target: &RunTarget,
    change: &TargetChange<'_>,
) -> StoreResult<bool> {
    let (code, text) = change.error.map(|(code, text)| (code.to_owned(), text.to_owned())).unzip();
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(change.state.as_str()))
        .col_expr(row::Column::ListingId, Expr::value(change.listing.map(|id| id.0)))
        .col_expr(row::Column::ErrorCode, Expr::value(code))
        .col_expr(row::Column::ErrorText, Expr::value(text))
        .col_expr(row::Column::Attempts, Expr::value(change.attempts))
        .col_expr(row::Column::NextAt, Expr::value(change.next_at.micros()))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::RunId.eq(run.0))
        .filter(row::Column::ChannelAccountId.eq(target.account.0))
        .filter(row::Column::ProductId.eq(target.product.0))
        .filter(row::Column::State.is_in(OPEN))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Moves every pair of a run in one of these states to another: cancelling, and trying the refused again.
pub async fn target_move_all(
    tx: &mut TenantTx,
    run: ListingRunId,
    from: &[TargetState],
    to: TargetState,
) -> StoreResult<u64> {
    let now = tx.now().micros();
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(to.as_str()))
        .col_expr(row::Column::ErrorCode, Expr::value(None::<String>))
        .col_expr(row::Column::ErrorText, Expr::value(None::<String>))
        .col_expr(row::Column::Attempts, Expr::value(0_i64))
        .col_expr(row::Column::NextAt, Expr::value(now))
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::RunId.eq(run.0))
        .filter(row::Column::State.is_in(from.iter().map(|state| state.as_str())))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// The platform decided about a listing: pairs of every run that waited for its audit follow.
pub async fn target_judged(
    tx: &mut TenantTx,
    listing: ListingId,
    state: TargetState,
    error: Option<(&str, &str)>,
) -> StoreResult<()> {
    let (code, text) = error.map(|(code, text)| (code.to_owned(), text.to_owned())).unzip();
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.as_str()))
        .col_expr(row::Column::ErrorCode, Expr::value(code))
        .col_expr(row::Column::ErrorText, Expr::value(text))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ListingId.eq(listing.0))
        .filter(row::Column::State.eq(TargetState::InAudit.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// How many pairs of a run there are of each account and state.
pub async fn target_counts(
    tx: &TenantTx,
    run: ListingRunId,
) -> StoreResult<Vec<(ChannelAccountId, TargetState, i64)>> {
    let rows: Vec<(Uuid, String, i64)> = of(tx, run)
        .select_only()
        .column(row::Column::ChannelAccountId)
        .column(row::Column::State)
        .column_as(row::Column::ProductId.count(), "count")
        .group_by(row::Column::ChannelAccountId)
        .group_by(row::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|(account, state, count)| {
            let state =
                TargetState::from_text(&state).ok_or(StoreError::Corrupt("listing_run_targets.state"))?;
            Ok((ChannelAccountId(account), state, count))
        })
        .collect()
}

/// Whether a run has pairs without a result.
pub async fn target_open(tx: &TenantTx, run: ListingRunId) -> StoreResult<bool> {
    Ok(of(tx, run).filter(row::Column::State.is_in(OPEN)).limit(1).one(tx.conn()).await?.is_some())
}

/// Pairs of a run in the order they were chosen, after a place; optionally of some states or one account.
pub async fn target_list(
    tx: &TenantTx,
    run: ListingRunId,
    states: &[TargetState],
    account: Option<ChannelAccountId>,
    after: i64,
    limit: u64,
) -> StoreResult<Vec<RunTarget>> {
    let mut query = of(tx, run).filter(row::Column::Place.gt(after));
    if !states.is_empty() {
        query = query.filter(row::Column::State.is_in(states.iter().map(|state| state.as_str())));
    }
    if let Some(account) = account {
        query = query.filter(row::Column::ChannelAccountId.eq(account.0));
    }
    let rows = query.order_by_asc(row::Column::Place).limit(limit).all(tx.conn()).await?;
    rows.into_iter().map(from_model).collect()
}
