//! `/plan_changes`, and how a subscription comes to one.

use super::credit_notes::CreditNoteView;
use super::invoices::{InvoiceLineView, InvoiceView};
use super::plans::PlanTermsView;
use crate::app::money::plan_changes::{self, Changed, change_in, offer, preview, withdraw_in, withdrawal};
use crate::error::Answer;
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::billing::date_text;
use qianpu_domain::ids::{PlanChangeId, PlanId, PlanVersionId, SubscriptionId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::plan_change::PlanChange;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/plan_changes", list_plan_changes, "Changes of plans, newest first");
    api.get("/plan_changes/{plan_change_id}", get_plan_change, "One change of plan");
    api.post(
        "/subscriptions/{subscription_id}/plan_change/preview",
        preview_plan_change,
        "What a change to another plan would bring",
    );
    api.post(
        "/subscriptions/{subscription_id}/plan_change",
        create_plan_change,
        "Change a subscription to another plan, now or with the next period",
    );
    api.post(
        "/plan_changes/{plan_change_id}/withdraw",
        withdraw_plan_change,
        "Withdraw a change that waits for the next period",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct PlanChangeView {
    #[schema(value_type = String)]
    id: Id<PlanChangeId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    /// The subscription that it ends.
    #[schema(value_type = String)]
    subscription_id: Id<SubscriptionId>,
    #[schema(value_type = String)]
    plan_id: Id<PlanId>,
    /// The version that is pinned.
    #[schema(value_type = String)]
    plan_version_id: Id<PlanVersionId>,
    plan_name_zh: String,
    plan_name_en: String,
    terms: PlanTermsView,
    /// By the ranks of both plans: `up`, `same` or `down`.
    direction: &'static str,
    /// `now` or `period_end`.
    timing: &'static str,
    /// The rule of the policy `plan_change` that said so.
    rule_id: String,
    /// First day of the new plan.
    effective_on: String,
    /// `pending`, `done` or `withdrawn`.
    state: String,
    /// The subscription that it began.
    #[schema(value_type = Option<String>)]
    successor_id: Option<Id<SubscriptionId>>,
    #[schema(value_type = String)]
    created_at: Time,
}

impl From<PlanChange> for PlanChangeView {
    fn from(row: PlanChange) -> Self {
        Self {
            id: Id(row.id),
            merchant_id: Id(row.merchant),
            subscription_id: Id(row.subscription),
            plan_id: Id(row.target.plan),
            plan_version_id: Id(row.target.version),
            plan_name_zh: row.target.name_zh,
            plan_name_en: row.target.name_en,
            terms: row.target.terms.into(),
            direction: row.direction.as_str(),
            timing: row.timing.as_str(),
            rule_id: row.rule,
            effective_on: row.effective_on,
            state: row.state,
            successor_id: row.successor.map(Id),
            created_at: Time(row.created_at),
        }
    }
}

/// What the new plan allows less of than there is.
#[derive(Debug, Serialize, ToSchema)]
struct PlanChangeOverLimit {
    /// `shops`, `staff`, `linked_accounts` or `products`.
    name: &'static str,
    used: i64,
    limit: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct PlanChangeResult {
    /// In a preview with an id that will not come back.
    change: PlanChangeView,
    /// What is given back of invoices of the plan before.
    credit_notes: Vec<CreditNoteView>,
    /// What was used of the plan before; where the change waits, as far as it is known.
    used: Vec<InvoiceLineView>,
    /// The new plan's fee of its first period.
    net: Money,
    tax: Money,
    total: Money,
    /// First day of that period.
    period_start: String,
    /// The day after it.
    period_end: String,
    /// What the wallet pays of the first invoice.
    from_wallet: Money,
    /// What is to be paid of it by a transfer.
    due: Money,
    /// What the wallet holds afterwards.
    wallet: Money,
    /// The first invoice; null while the change waits.
    invoice: Option<InvoiceView>,
    /// What there is more of than the new plan allows: it stays, and none can be added.
    over_limit: Vec<PlanChangeOverLimit>,
}

impl From<Changed> for PlanChangeResult {
    fn from(changed: Changed) -> Self {
        let over = |(what, used, limit): (qianpu_domain::billing::Limited, i64, i64)| PlanChangeOverLimit {
            name: what.as_str(),
            used,
            limit,
        };
        Self {
            change: changed.change.into(),
            credit_notes: changed.credits.into_iter().map(CreditNoteView::from).collect(),
            used: changed.used.into_iter().map(InvoiceLineView::from).collect(),
            net: changed.fee.net.into(),
            tax: changed.fee.tax.into(),
            total: changed.fee.total.into(),
            period_start: date_text(changed.period.start),
            period_end: date_text(changed.period.end),
            from_wallet: changed.from_wallet.into(),
            due: changed.due.into(),
            wallet: changed.wallet.into(),
            invoice: changed.invoice.map(InvoiceView::from),
            over_limit: changed.over_limit.into_iter().map(over).collect(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanChangeBody {
    /// Its newest version is pinned; of the own plan too, where it has a newer one.
    #[schema(value_type = String)]
    plan_id: Id<PlanId>,
}

async fn preview_plan_change(
    auth: Authed<perm::PlanChange, (Path<SubscriptionId>, Json<PlanChangeBody>)>,
) -> Answer<Json<PlanChangeResult>> {
    let (Path(id), Json(body)) = &auth.input;
    let offer = offer(&auth.state, &auth.grant, *id, body.plan_id.0).await?;
    Ok(Json(preview(&auth.state, &offer).await?.into()))
}

async fn create_plan_change(
    auth: Authed<perm::PlanChange, (Path<SubscriptionId>, IdempotencyKey, Json<PlanChangeBody>)>,
) -> Answer<Once<PlanChangeResult, 201>> {
    let Authed { call, grant, input: (Path(id), key, Json(body)), .. } = auth;
    let offer = offer(&call.state, &grant, id, body.plan_id.0).await?;
    let state = call.state.clone();
    once(&call, &offer.grant, &key, async |tx| {
        Ok(PlanChangeResult::from(Box::pin(change_in(&state, tx, &offer)).await?))
    })
    .await
}

async fn withdraw_plan_change(
    auth: Authed<perm::PlanChange, (Path<PlanChangeId>, IdempotencyKey)>,
) -> Answer<Once<PlanChangeView>> {
    let Authed { call, grant, input: (Path(id), key), .. } = auth;
    let wanted = withdrawal(&call.state, &grant, id).await?;
    let state = call.state.clone();
    once(&call, &wanted.grant, &key, async |tx| {
        Ok(PlanChangeView::from(withdraw_in(&state, tx, &wanted).await?))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PlanChangeListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_plan_changes(
    auth: Authed<perm::BillingRead, Query<PlanChangeListQuery>>,
) -> Answer<Json<Page<PlanChangeView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = plan_changes::list(&auth.state, &auth.grant, page).await?;
    Ok(Json(Page::of(found, PlanChangeView::from)))
}

async fn get_plan_change(
    auth: Authed<perm::BillingRead, Path<PlanChangeId>>,
) -> Answer<Json<PlanChangeView>> {
    Ok(Json(plan_changes::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}
