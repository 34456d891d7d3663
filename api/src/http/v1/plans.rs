//! `/plans`.

use super::charges::{PlanCharge, read_charges};
use crate::app::money::plans::{self, CreatePlan};
use crate::error::Answer;
use crate::http::describe::Created;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time};
use qianpu_domain::billing::{Interval, PlanTerms};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PlanId, PlanVersionId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::plan::{Plan, PlanVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/plans", list_plans, "Plans of the provider by code");
    api.post("/plans", create_plan, "Add a plan with its first version");
    api.get("/plans/{plan_id}", get_plan, "A plan with all its versions");
    api.post("/plans/{plan_id}/versions", add_plan_version, "Add the next version of a plan");
    api.put("/plans/{plan_id}/rank", set_plan_rank, "Set a plan's rank among the others");
}

/// A named limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanLimit {
    /// `shops`, `linked_accounts`, …
    #[schema(example = "shops")]
    name: String,
    limit: i64,
}

/// What a plan costs and allows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanTermsBody {
    /// Of one period, tax inside.
    fee: Money,
    /// How often the fee is charged: `month` (where nothing is said), `quarter` or `year`.
    #[serde(default)]
    interval: Option<String>,
    /// Tax rate inside prices, in parts per million: 60000 is 6 %.
    #[schema(example = 60000)]
    tax_ppm: i64,
    /// The provider's share of orders, in parts per million: 20000 is 2 %.
    #[schema(example = 20000)]
    take_rate_ppm: i64,
    #[serde(default)]
    limits: Vec<PlanLimit>,
    /// At most 20, each with a metric of its own; tax inside. Billed with the period after.
    #[serde(default)]
    charges: Vec<PlanCharge>,
}

impl PlanTermsBody {
    fn terms(self) -> Answer<PlanTerms> {
        let unknown = || {
            FieldError::new("interval", "unknown", "month, quarter or year", "应为 month、quarter 或 year")
        };
        let interval = match self.interval.as_deref() {
            None => Interval::Month,
            Some(word) => Interval::from_text(word).ok_or_else(unknown)?,
        };
        Ok(PlanTerms {
            interval,
            fee: self.fee.fen("fee")?,
            tax_ppm: self.tax_ppm,
            take_rate_ppm: self.take_rate_ppm,
            limits: self.limits.into_iter().map(|row| (row.name, row.limit)).collect(),
            charges: read_charges(self.charges)?,
        })
    }
}

/// The terms as they are shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanTermsView {
    /// Of one period.
    fee: Money,
    /// `month`, `quarter` or `year`.
    interval: &'static str,
    tax_ppm: i64,
    take_rate_ppm: i64,
    limits: Vec<PlanLimit>,
    /// What use costs, beside the fee.
    charges: Vec<PlanCharge>,
}

impl From<PlanTerms> for PlanTermsView {
    fn from(terms: PlanTerms) -> Self {
        Self {
            fee: terms.fee.into(),
            interval: terms.interval.as_str(),
            tax_ppm: terms.tax_ppm,
            take_rate_ppm: terms.take_rate_ppm,
            limits: terms.limits.into_iter().map(|(name, limit)| PlanLimit { name, limit }).collect(),
            charges: terms.charges.into_iter().map(PlanCharge::from).collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PlanVersionView {
    #[schema(value_type = String)]
    id: Id<PlanVersionId>,
    /// 1 for the first.
    number: i64,
    terms: PlanTermsView,
    #[schema(value_type = String)]
    effective_at: Time,
}

impl From<PlanVersion> for PlanVersionView {
    fn from(version: PlanVersion) -> Self {
        Self {
            id: Id(version.id),
            number: version.number,
            terms: version.terms.into(),
            effective_at: Time(version.effective_at),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PlanView {
    #[schema(value_type = String)]
    id: Id<PlanId>,
    code: String,
    name_zh: String,
    name_en: String,
    /// A change to a plan of a higher one is an upgrade.
    rank: i64,
    /// The newest version, which new subscriptions pin.
    version: PlanVersionView,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        Self {
            id: Id(plan.id),
            code: plan.code,
            name_zh: plan.name_zh,
            name_en: plan.name_en,
            rank: plan.rank,
            version: plan.version.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PlanDetailView {
    #[serde(flatten)]
    plan: PlanView,
    /// Newest first.
    versions: Vec<PlanVersionView>,
}

impl From<(Plan, Vec<PlanVersion>)> for PlanDetailView {
    fn from((plan, versions): (Plan, Vec<PlanVersion>)) -> Self {
        Self { plan: plan.into(), versions: versions.into_iter().map(PlanVersionView::from).collect() }
    }
}

async fn list_plans(auth: Authed<perm::PlanRead>) -> Answer<Json<Page<PlanView>>> {
    let items = plans::list(&auth.state, &auth.grant).await?.into_iter().map(PlanView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

async fn get_plan(auth: Authed<perm::PlanRead, Path<PlanId>>) -> Answer<Json<PlanDetailView>> {
    Ok(Json(plans::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreatePlanBody {
    /// Short word, unique within the provider.
    #[schema(example = "basic")]
    code: String,
    name_zh: String,
    name_en: String,
    /// 0 to 100: a change to a plan of a higher one is an upgrade.
    #[serde(default)]
    rank: i64,
    terms: PlanTermsBody,
}

async fn create_plan(
    auth: Authed<perm::PlanManage, Json<CreatePlanBody>>,
) -> Answer<Created<PlanDetailView>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let command = CreatePlan {
        code: body.code,
        name_zh: body.name_zh,
        name_en: body.name_en,
        rank: body.rank,
        terms: body.terms.terms()?,
    };
    Ok(Created(plans::create(&call.state, &grant, &command).await?.into()))
}

async fn add_plan_version(
    auth: Authed<perm::PlanManage, (Path<PlanId>, Json<PlanTermsBody>)>,
) -> Answer<Created<PlanDetailView>> {
    let Authed { call, grant, input: (Path(id), Json(body)), .. } = auth;
    Ok(Created(plans::add_version(&call.state, &grant, id, &body.terms()?).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanRankBody {
    /// 0 to 100.
    rank: i64,
}

async fn set_plan_rank(
    auth: Authed<perm::PlanManage, (Path<PlanId>, Json<PlanRankBody>)>,
) -> Answer<Json<PlanDetailView>> {
    let Authed { call, grant, input: (Path(id), Json(body)), .. } = auth;
    Ok(Json(plans::set_rank(&call.state, &grant, id, body.rank).await?.into()))
}
