//! `/channel_accounts/{id}/alliance/products/…`: changing plans of a shop's alliance, and putting products into it, at the
//! platform.

use super::alliance::PromotionDetailBody;
use crate::app::channels::alliance_plans::{self, Seen};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path2, Path3};
use crate::http::route::Api;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{CommissionShare, PlanWish};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    let at = "/channel_accounts/{channel_account_id}/alliance/products/{external_product}/plans";
    let one = |rest: &str| format!("{at}/{{plan}}/{rest}");
    api.post(at, add_alliance_product, "Put a product into the alliance, to be sold by every promoter");
    api.post(
        &one("commission"),
        change_plan_commission,
        "Change the commission of a plan at the platform; one that was taken down is put up by it",
    );
    api.post(&one("take_down"), take_promotion_plan_down, "Take a plan down at the platform");
    api.post(&one("put_up"), put_promotion_plan_up, "Put a plan up again at the platform");
}

/// A part of the price, as it was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeenCommissionBody {
    #[schema(example = 10)]
    parts: i64,
    #[schema(example = 100)]
    of: i64,
}

/// What the caller read of the plan: where it says something else by now, nothing is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeenPlanBody {
    /// `state` of its terms.
    #[schema(example = "on")]
    state: String,
    /// `parts` and `of` of the commission of its terms; null where they have none.
    commission: Option<SeenCommissionBody>,
}

impl SeenPlanBody {
    fn seen(&self) -> Seen {
        let share = |one: &SeenCommissionBody| CommissionShare { parts: one.parts, of: one.of };
        Seen { state: self.state.clone(), commission: self.commission.as_ref().map(share) }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanCommissionBody {
    /// Whole hundredths of the price, 0 to 90.
    #[schema(example = 12, minimum = 0, maximum = 90)]
    percent: i64,
    seen: SeenPlanBody,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanStandingBody {
    seen: SeenPlanBody,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AllianceAdditionBody {
    /// Whole hundredths of the price, 0 to 90.
    #[schema(example = 10, minimum = 0, maximum = 90)]
    percent: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct AllianceAddedBody {
    /// The plan the product is sold by; null where the platform does not name it yet.
    plan: Option<PromotionDetailBody>,
}

type Changing<T> = Authed<perm::PromotionManage, (Path3<ChannelAccountId, String, String>, Json<T>)>;

async fn change<T: 'static>(
    auth: &Changing<T>,
    wish: PlanWish,
    seen: &SeenPlanBody,
) -> Answer<Json<PromotionDetailBody>> {
    let Path3(id, product, plan) = &auth.input.0;
    let (state, grant) = (&auth.state, &auth.grant);
    let found = alliance_plans::change(state, grant, *id, (product, plan), wish, &seen.seen()).await?;
    Ok(Json(found.into()))
}

async fn change_plan_commission(auth: Changing<PlanCommissionBody>) -> Answer<Json<PromotionDetailBody>> {
    let body = &auth.input.1.0;
    change(&auth, PlanWish::Commission { percent: body.percent }, &body.seen).await
}

async fn take_promotion_plan_down(auth: Changing<PlanStandingBody>) -> Answer<Json<PromotionDetailBody>> {
    change(&auth, PlanWish::TakeDown, &auth.input.1.0.seen).await
}

async fn put_promotion_plan_up(auth: Changing<PlanStandingBody>) -> Answer<Json<PromotionDetailBody>> {
    change(&auth, PlanWish::PutUp, &auth.input.1.0.seen).await
}

async fn add_alliance_product(
    auth: Authed<perm::PromotionManage, (Path2<ChannelAccountId, String>, Json<AllianceAdditionBody>)>,
) -> Answer<Json<AllianceAddedBody>> {
    let (Path2(id, product), Json(body)) = &auth.input;
    let added = alliance_plans::add(&auth.state, &auth.grant, *id, product, body.percent).await?;
    Ok(Json(AllianceAddedBody { plan: added.map(Into::into) }))
}
