//! `/subscriptions`.

use super::plans::PlanTermsView;
use crate::app::money::invoices::issue_terms;
use crate::app::money::subscriptions::{self, end_in, offer, on_merchant, subscribe_in};
use crate::error::Answer;
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{PlanId, PlanVersionId, SubscriptionId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::subscription::Subscription;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/subscriptions", list_subscriptions, "Subscriptions, newest first");
    api.post("/subscriptions", create_subscription, "Put a merchant on a plan from today");
    api.get("/subscriptions/{subscription_id}", get_subscription, "One subscription");
    api.post("/subscriptions/{subscription_id}/end", end_subscription, "End a subscription now");
}

#[derive(Debug, Serialize, ToSchema)]
struct SubscriptionView {
    #[schema(value_type = String)]
    id: Id<SubscriptionId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = String)]
    plan_id: Id<PlanId>,
    #[schema(value_type = String)]
    plan_version_id: Id<PlanVersionId>,
    plan_name_zh: String,
    plan_name_en: String,
    /// The pinned terms.
    terms: PlanTermsView,
    /// `active` or `ended`.
    state: &'static str,
    /// The day that periods are counted from, `YYYY-MM-DD` in `zone`: the first day of the first period, or, after a change
    /// with a period's end, that of the subscription before.
    anchor_date: String,
    zone: String,
    /// The subscription that it followed by a change of plan.
    #[schema(value_type = Option<String>)]
    predecessor_id: Option<Id<SubscriptionId>>,
    #[schema(value_type = String)]
    started_at: Time,
}

impl From<Subscription> for SubscriptionView {
    fn from(row: Subscription) -> Self {
        Self {
            id: Id(row.id),
            merchant_id: Id(row.merchant),
            plan_id: Id(row.plan),
            plan_version_id: Id(row.plan_version),
            plan_name_zh: row.plan_name_zh,
            plan_name_en: row.plan_name_en,
            terms: row.terms.into(),
            state: if row.active { "active" } else { "ended" },
            anchor_date: row.anchor_date,
            zone: row.zone,
            predecessor_id: row.predecessor.map(Id),
            started_at: Time(row.started_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SubscriptionListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_subscriptions(
    auth: Authed<perm::BillingRead, Query<SubscriptionListQuery>>,
) -> Answer<Json<Page<SubscriptionView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = subscriptions::list(&auth.state, &auth.grant, page).await?;
    Ok(Json(Page::of(found, SubscriptionView::from)))
}

async fn get_subscription(
    auth: Authed<perm::BillingRead, Path<SubscriptionId>>,
) -> Answer<Json<SubscriptionView>> {
    Ok(Json(subscriptions::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSubscriptionBody {
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    /// Its newest version is pinned.
    #[schema(value_type = String)]
    plan_id: Id<PlanId>,
}

async fn create_subscription(
    auth: Authed<perm::PlanManage, (IdempotencyKey, Json<CreateSubscriptionBody>)>,
) -> Answer<Once<SubscriptionView, 201>> {
    let Authed { call, grant, input: (key, Json(body)), .. } = auth;
    let offer = offer(&call.state, &grant, body.merchant_id.0, body.plan_id.0).await?;
    once(&call, &offer.grant, &key, async |tx| Ok(SubscriptionView::from(subscribe_in(tx, &offer).await?)))
        .await
}

async fn end_subscription(
    auth: Authed<perm::PlanManage, (Path<SubscriptionId>, IdempotencyKey)>,
) -> Answer<Once<SubscriptionView>> {
    let Authed { call, grant, input: (Path(id), key), .. } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let (state, terms) = (call.state.clone(), issue_terms(&call.state, grant.ctx()).await?);
    once(&call, &grant, &key, async |tx| Ok(SubscriptionView::from(end_in(&state, tx, &terms, id).await?)))
        .await
}
