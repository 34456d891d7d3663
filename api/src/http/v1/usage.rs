//! `/usage_events` and `/usage_meters`: what merchants used, reported by their provider.

use crate::app::money::usage::{self, Outcome, ReportUsage, report_in};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{SubscriptionId, TenantId, UsageEventId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::usage::{UsageEvent, UsageMeter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/usage_events", list_usage_events, "Reported use, newest first");
    api.post("/merchants/{merchant_id}/usage_events", report_usage, "Report what a merchant used");
    api.get("/usage_meters", list_usage_meters, "What was used of each metric in each period");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportedUsage {
    /// A metric of the merchant's plan.
    #[schema(example = "sms")]
    metric: String,
    /// Your id of it, at most 100 characters. The same one is counted once for ever.
    event_id: String,
    /// Units, 1 to 10^9.
    quantity: i64,
    /// When it was used; at most 5 minutes ahead.
    #[schema(value_type = String)]
    occurred_at: Time,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportUsageBody {
    /// 1 to 500. Where one of them cannot be, none is stored.
    events: Vec<ReportedUsage>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UsageOutcomeView {
    metric: String,
    event_id: String,
    /// `accepted`; `duplicate`, where it was reported before; `differs`, where it was reported before with another quantity
    /// or time, and the first counts; `rejected`, where it is stored but does not count.
    outcome: &'static str,
    /// Why it was rejected: `too_late` (only the period that runs and the one before are open) or `before_subscription`.
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UsageReportView {
    /// In the order of the request.
    outcomes: Vec<UsageOutcomeView>,
}

async fn report_usage(
    auth: Authed<perm::UsageReport, (Path<TenantId>, Json<ReportUsageBody>)>,
) -> Answer<Json<UsageReportView>> {
    let Authed { call, grant, input: (Path(merchant), Json(body)), .. } = auth;
    let grant = usage::on_merchant(&call.state, &grant, merchant).await?;
    let report = |event: ReportedUsage| ReportUsage {
        metric: event.metric,
        event_id: event.event_id,
        quantity: event.quantity,
        occurred_at: event.occurred_at.0,
    };
    let events: Vec<ReportUsage> = body.events.into_iter().map(report).collect();
    let mut tx = call.state.db.begin(grant.ctx()).await?;
    let outcomes = report_in(&mut tx, &events).await?;
    tx.commit().await?;
    let view = |(event, outcome): (ReportUsage, Outcome)| UsageOutcomeView {
        metric: event.metric,
        event_id: event.event_id,
        outcome: outcome.as_str(),
        reason: if let Outcome::Rejected(reason) = outcome { Some(reason) } else { None },
    };
    Ok(Json(UsageReportView { outcomes: events.into_iter().zip(outcomes).map(view).collect() }))
}

#[derive(Debug, Serialize, ToSchema)]
struct UsageEventView {
    #[schema(value_type = String)]
    id: Id<UsageEventId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    metric: String,
    event_id: String,
    quantity: i64,
    #[schema(value_type = String)]
    occurred_at: Time,
    /// First day of the period it falls into.
    period_start: String,
    /// Null where it counts.
    rejected: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
}

impl From<UsageEvent> for UsageEventView {
    fn from(row: UsageEvent) -> Self {
        Self {
            id: Id(row.id),
            merchant_id: Id(row.merchant),
            metric: row.metric,
            event_id: row.event_id,
            quantity: row.quantity,
            occurred_at: Time(row.occurred_at),
            period_start: row.period_start,
            rejected: row.rejected,
            created_at: Time(row.created_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct UsageEventQuery {
    metric: Option<String>,
    /// Of one merchant; for a provider.
    #[param(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_usage_events(
    auth: Authed<perm::BillingRead, Query<UsageEventQuery>>,
) -> Answer<Json<Page<UsageEventView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let (merchant, metric) = (query.merchant_id.map(|id| id.0), query.metric.as_deref());
    let found = usage::events(&auth.state, &auth.grant, merchant, metric, page).await?;
    Ok(Json(Page::of(found, UsageEventView::from)))
}

#[derive(Debug, Serialize, ToSchema)]
struct UsageMeterView {
    #[schema(value_type = String)]
    subscription_id: Id<SubscriptionId>,
    metric: String,
    /// First day of the period.
    period_start: String,
    /// The day after the period.
    period_end: String,
    /// Units that count.
    quantity: i64,
    /// Units that were billed.
    rated_quantity: i64,
    /// Events that count.
    accepted: i64,
    /// Events that were billed.
    rated: i64,
    /// Events that do not count.
    rejected: i64,
}

impl From<UsageMeter> for UsageMeterView {
    fn from(row: UsageMeter) -> Self {
        Self {
            subscription_id: Id(row.subscription),
            metric: row.metric,
            period_start: row.period_start,
            period_end: row.period_end,
            quantity: row.quantity,
            rated_quantity: row.rated_quantity,
            accepted: row.accepted,
            rated: row.rated,
            rejected: row.rejected,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct UsageMeterQuery {
    /// For a provider: whose.
    #[param(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
}

/// The newest periods first, at most 200.
async fn list_usage_meters(
    auth: Authed<perm::BillingRead, Query<UsageMeterQuery>>,
) -> Answer<Json<Page<UsageMeterView>>> {
    let merchant = auth.input.0.merchant_id.map(|id| id.0);
    let (_, found) = usage::meters(&auth.state, &auth.grant, merchant).await?;
    let items = found.into_iter().map(UsageMeterView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}
