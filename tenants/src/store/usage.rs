//! Metered use of a merchant: what was reported, once for ever, and what it comes to for each metric and period.
//!
//! Invariants: an event is counted when it is stored, in one transaction, so that a meter is the sum of its accepted
//! events; what was billed of a meter moves with the line that bills it.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{usage_event as event, usage_meter as meter};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{SubscriptionId, TenantId, UsageEventId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set};

/// An event to be.
#[derive(Clone, Debug)]
pub struct NewUsage<'a> {
    /// What is counted.
    pub metric: &'a str,
    /// The reporter's id of it.
    pub event_id: &'a str,
    /// How much.
    pub quantity: i64,
    /// When it was used.
    pub occurred_at: Timestamp,
    /// First day of the subscription's period it falls into.
    pub period_start: &'a str,
    /// The day after that period.
    pub period_end: &'a str,
    /// Why it does not count; none when it does.
    pub rejected: Option<&'a str>,
}

/// Reported use.
#[derive(Clone, Debug)]
pub struct UsageEvent {
    /// Its id.
    pub id: UsageEventId,
    /// The merchant.
    pub merchant: TenantId,
    /// What is counted.
    pub metric: String,
    /// The reporter's id of it.
    pub event_id: String,
    /// How much.
    pub quantity: i64,
    /// When it was used.
    pub occurred_at: Timestamp,
    /// First day of the period it falls into.
    pub period_start: String,
    /// Why it does not count; none when it does.
    pub rejected: Option<String>,
    /// When it was reported.
    pub created_at: Timestamp,
}

/// What was used of a metric in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageMeter {
    /// The merchant.
    pub merchant: TenantId,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What is counted.
    pub metric: String,
    /// First day of the period.
    pub period_start: String,
    /// The day after the period.
    pub period_end: String,
    /// How much.
    pub quantity: i64,
    /// Events that count.
    pub accepted: i64,
    /// Events that do not.
    pub rejected: i64,
    /// Events that were billed.
    pub rated: i64,
    /// How much was billed.
    pub rated_quantity: i64,
    /// Net of what was billed, in fen.
    pub rated_net_fen: i64,
    /// Tax of what was billed, in fen.
    pub rated_tax_fen: i64,
    /// Lines that billed it.
    pub parts: i64,
}

/// Stores an event and counts it. False when the metric has one of this id, whatever it says: nothing is written then.
pub async fn usage_record(tx: &mut TenantTx, of: SubscriptionId, new: &NewUsage<'_>) -> StoreResult<bool> {
    let state = if new.rejected.is_none() { "accepted" } else { "rejected" };
    let row = event::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        provider_id: Set(tx.provider()?),
        subscription_id: Set(of.0),
        metric: Set(new.metric.to_owned()),
        event_id: Set(new.event_id.to_owned()),
        quantity: Set(new.quantity),
        occurred_at: Set(new.occurred_at.micros()),
        period_start: Set(new.period_start.to_owned()),
        state: Set(state.to_owned()),
        reason: Set(new.rejected.map(str::to_owned)),
        created_at: Set(tx.now().micros()),
    };
    let once = OnConflict::columns([event::Column::TenantId, event::Column::Metric, event::Column::EventId])
        .do_nothing()
        .to_owned();
    if event::Entity::insert(row).on_conflict(once).exec_without_returning(tx.conn()).await? == 0 {
        return Ok(false);
    }
    count(tx, of, new).await?;
    Ok(true)
}

async fn count(tx: &TenantTx, of: SubscriptionId, new: &NewUsage<'_>) -> StoreResult<()> {
    let now = tx.now().micros();
    let (accepted, rejected) = if new.rejected.is_none() { (1, 0) } else { (0, 1) };
    let quantity = if accepted == 1 { new.quantity } else { 0 };
    let row = meter::ActiveModel {
        tenant_id: Set(tx.tenant()),
        subscription_id: Set(of.0),
        metric: Set(new.metric.to_owned()),
        period_start: Set(new.period_start.to_owned()),
        period_end: Set(new.period_end.to_owned()),
        provider_id: Set(tx.provider()?),
        quantity: Set(quantity),
        accepted: Set(accepted),
        rejected: Set(rejected),
        rated: Set(0),
        rated_quantity: Set(0),
        rated_net_fen: Set(0),
        rated_tax_fen: Set(0),
        parts: Set(0),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let key = [
        meter::Column::TenantId,
        meter::Column::SubscriptionId,
        meter::Column::Metric,
        meter::Column::PeriodStart,
    ];
    let mine = |column: meter::Column| Expr::col((meter::Entity, column));
    let there = OnConflict::columns(key)
        .value(meter::Column::Quantity, mine(meter::Column::Quantity).add(quantity))
        .value(meter::Column::Accepted, mine(meter::Column::Accepted).add(accepted))
        .value(meter::Column::Rejected, mine(meter::Column::Rejected).add(rejected))
        .value(meter::Column::UpdatedAt, Expr::value(now))
        .to_owned();
    meter::Entity::insert(row).on_conflict(there).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The event of a metric with the reporter's id.
pub async fn usage_event_of(tx: &TenantTx, metric: &str, event_id: &str) -> StoreResult<Option<UsageEvent>> {
    let row = event::Entity::find()
        .filter(event::Column::TenantId.eq(tx.tenant()))
        .filter(event::Column::Metric.eq(metric))
        .filter(event::Column::EventId.eq(event_id))
        .one(tx.conn())
        .await?;
    Ok(row.map(event_from))
}

fn of_metric(query: Select<event::Entity>, metric: Option<&str>) -> Select<event::Entity> {
    match metric {
        Some(metric) => query.filter(event::Column::Metric.eq(metric)),
        None => query,
    }
}

/// The merchant's events, newest first; of one metric when given.
pub async fn usage_event_list(
    tx: &TenantTx,
    metric: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<UsageEvent>> {
    let query = event::Entity::find().filter(event::Column::TenantId.eq(tx.tenant()));
    let query = newest_first(of_metric(query, metric), event::Column::CreatedAt, event::Column::Id, page);
    Ok(paged(query.all(tx.conn()).await?, page))
}

/// Events of the provider's merchants, newest first; of one merchant, or one metric, when given.
pub async fn usage_event_list_by_provider(
    tx: &ProviderTx,
    merchant: Option<TenantId>,
    metric: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<UsageEvent>> {
    let query = event::Entity::find().filter(event::Column::ProviderId.eq(tx.provider()));
    let query = match merchant {
        Some(merchant) => query.filter(event::Column::TenantId.eq(merchant.0)),
        None => query.filter(event::Column::TenantId.is_not_null()),
    };
    let query = newest_first(of_metric(query, metric), event::Column::CreatedAt, event::Column::Id, page);
    Ok(paged(query.all(tx.conn()).await?, page))
}

fn paged(rows: Vec<event::Model>, page: PageRequest) -> Page<UsageEvent> {
    let key = |row: &event::Model| Cursor { at: Timestamp::from_micros(row.created_at), id: row.id };
    Page::from_rows(rows, page.limit, key).map(event_from)
}

/// Meters of the merchant, those of the newest periods first, at most 200.
pub async fn usage_meter_list(tx: &TenantTx) -> StoreResult<Vec<UsageMeter>> {
    let rows = meter::Entity::find()
        .filter(meter::Column::TenantId.eq(tx.tenant()))
        .order_by_desc(meter::Column::PeriodStart)
        .order_by_asc(meter::Column::Metric)
        .limit(200)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(meter_from).collect())
}

/// Meters of a subscription with use that was not billed, the oldest periods first, at most 200.
pub async fn usage_meters_to_rate(tx: &TenantTx, of: SubscriptionId) -> StoreResult<Vec<UsageMeter>> {
    let rows = meter::Entity::find()
        .filter(meter::Column::TenantId.eq(tx.tenant()))
        .filter(meter::Column::SubscriptionId.eq(of.0))
        .filter(Expr::col(meter::Column::RatedQuantity).lt(Expr::col(meter::Column::Quantity)))
        .order_by_asc(meter::Column::PeriodStart)
        .order_by_asc(meter::Column::Metric)
        .limit(200)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(meter_from).collect())
}

/// Notes that a meter was billed as it was read, with the line that bills it. `VersionConflict` when somebody else did.
pub async fn usage_meter_rate(
    tx: &mut TenantTx,
    was: &UsageMeter,
    net_fen: i64,
    tax_fen: i64,
) -> StoreResult<()> {
    let set = |column: meter::Column, by: i64| (column, Expr::col(column).add(by));
    let mut update = meter::Entity::update_many()
        .col_expr(meter::Column::Rated, Expr::value(was.accepted))
        .col_expr(meter::Column::RatedQuantity, Expr::value(was.quantity))
        .col_expr(meter::Column::UpdatedAt, Expr::value(tx.now().micros()));
    for (column, value) in [
        set(meter::Column::RatedNetFen, net_fen),
        set(meter::Column::RatedTaxFen, tax_fen),
        set(meter::Column::Parts, 1),
    ] {
        update = update.col_expr(column, value);
    }
    let done = update
        .filter(meter::Column::TenantId.eq(tx.tenant()))
        .filter(meter::Column::SubscriptionId.eq(was.subscription.0))
        .filter(meter::Column::Metric.eq(was.metric.as_str()))
        .filter(meter::Column::PeriodStart.eq(was.period_start.as_str()))
        .filter(meter::Column::Parts.eq(was.parts))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

fn event_from(row: event::Model) -> UsageEvent {
    UsageEvent {
        id: UsageEventId(row.id),
        merchant: TenantId(row.tenant_id),
        metric: row.metric,
        event_id: row.event_id,
        quantity: row.quantity,
        occurred_at: Timestamp::from_micros(row.occurred_at),
        period_start: row.period_start,
        rejected: row.reason,
        created_at: Timestamp::from_micros(row.created_at),
    }
}

fn meter_from(row: meter::Model) -> UsageMeter {
    UsageMeter {
        merchant: TenantId(row.tenant_id),
        subscription: SubscriptionId(row.subscription_id),
        metric: row.metric,
        period_start: row.period_start,
        period_end: row.period_end,
        quantity: row.quantity,
        accepted: row.accepted,
        rejected: row.rejected,
        rated: row.rated,
        rated_quantity: row.rated_quantity,
        rated_net_fen: row.rated_net_fen,
        rated_tax_fen: row.rated_tax_fen,
        parts: row.parts,
    }
}
