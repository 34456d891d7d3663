//! `/channel_accounts/{id}/alliance`: promoters, products and plans of a shop's alliance, at the platform.

use crate::app::channels::alliance::{self, Plan, Shown};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Path2, Path3, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Time};
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_sdk::{
    CommissionShare, PlanKind, PlanPromoter, PlanState, PlanTerms, PlanWay, PromotedProduct, Promoter,
    PromoterName, PromoterSales, PromotionPlan,
};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let at = "/channel_accounts/{channel_account_id}/alliance";
    let of = |rest: &str| format!("{at}/{rest}");
    let one = |rest: &str| format!("{at}/promoters/{{promoter}}{rest}");
    let plan = |rest: &str| format!("{at}/products/{{external_product}}/plans/{{plan}}{rest}");
    api.get(
        &of("promoters"),
        list_promoters,
        "Promoters of a shop, asked of the platform; at most 20 a page",
    );
    api.get(&one(""), get_promoter, "A promoter, asked of the platform");
    api.get(&one("/products"), list_promoted_products, "Products that a promoter sells; at most 20 a page");
    api.post(&one("/block"), block_promoter, "Shut a promoter out at the platform");
    api.post(&one("/let_back"), let_promoter_back, "Let a promoter back who was shut out");
    api.get(&of("products"), list_alliance_products, "Products of a shop in the alliance; at most 50 a page");
    api.get(
        &of("products/{external_product}/plans"),
        list_promotion_plans,
        "Plans that a product is promoted by; at most 20 a page",
    );
    api.get(&plan(""), get_promotion_plan, "A plan with what it says");
    api.get(&plan("/promoters"), list_promotion_sellers, "Promoters who sell by a plan; at most 20 a page");
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AlliancePageQuery {
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PromoterNameBody {
    external_id: String,
    name: Option<String>,
}

impl From<PromoterName> for PromoterNameBody {
    fn from(one: PromoterName) -> Self {
        Self { external_id: one.id, name: one.name }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromoterNamesBody {
    items: Vec<PromoterNameBody>,
    next_cursor: Option<String>,
}

/// What a promoter sold. What the platform did not tell is null; that is not 0.
#[derive(Debug, Serialize, ToSchema)]
struct PromoterSalesBody {
    /// Ever.
    total: Option<Money>,
    /// In thirty days.
    recent: Option<Money>,
    /// Ever.
    orders: Option<i64>,
    /// In thirty days.
    recent_orders: Option<i64>,
    /// Products that were sold in thirty days.
    recent_products: Option<i64>,
    /// Products in the promoter's window.
    window_products: Option<i64>,
}

impl From<PromoterSales> for PromoterSalesBody {
    fn from(told: PromoterSales) -> Self {
        Self {
            total: told.total.map(Money::from),
            recent: told.recent.map(Money::from),
            orders: told.orders,
            recent_orders: told.recent_orders,
            recent_products: told.recent_products,
            window_products: told.window_products,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromoterBody {
    external_id: String,
    name: Option<String>,
    /// The level at the platform.
    level: Option<i64>,
    /// Whether the shop shut the promoter out; null where the platform does not say.
    blocked: Option<bool>,
    sales: PromoterSalesBody,
}

impl From<Promoter> for PromoterBody {
    fn from(one: Promoter) -> Self {
        Self {
            external_id: one.id,
            name: one.name,
            level: one.level,
            blocked: one.blocked,
            sales: one.sales.into(),
        }
    }
}

/// A part of the price.
#[derive(Debug, Serialize, ToSchema)]
struct CommissionBody {
    /// As the platform counts it: so many parts …
    parts: i64,
    /// … of so many.
    of: i64,
    /// The same in digits; null where it is no percentage.
    #[schema(example = "12.5")]
    percent: Option<String>,
}

impl From<CommissionShare> for CommissionBody {
    fn from(share: CommissionShare) -> Self {
        Self { parts: share.parts, of: share.of, percent: share.percent() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromotedProductBody {
    external_product_id: String,
    /// The listing here, where it is known.
    #[schema(value_type = Option<String>)]
    listing_id: Option<Id<ListingId>>,
    sales: PromoterSalesBody,
    commission: Option<CommissionBody>,
    /// How the commission is split, as the platform writes it.
    native_split: Option<String>,
}

impl From<Shown<PromotedProduct>> for PromotedProductBody {
    fn from(Shown { it, here }: Shown<PromotedProduct>) -> Self {
        Self {
            external_product_id: it.product_id,
            listing_id: here.map(|here| Id(here.listing)),
            sales: it.sales.into(),
            commission: it.commission.map(Into::into),
            native_split: it.native_split,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromotedProductsBody {
    items: Vec<PromotedProductBody>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AllianceProductBody {
    external_product_id: String,
    /// The title here, where it is known: the platform tells none.
    title: Option<String>,
    /// The listing here, where it is known.
    #[schema(value_type = Option<String>)]
    listing_id: Option<Id<ListingId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AllianceProductsBody {
    items: Vec<AllianceProductBody>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PromotionPlanBody {
    external_id: String,
    /// Who may sell by it: `everyone`, `chosen`, `named` or `other`.
    kind: &'static str,
    /// The platform's own value where the kind is `other`.
    native_kind: Option<String>,
}

impl From<PromotionPlan> for PromotionPlanBody {
    fn from(plan: PromotionPlan) -> Self {
        let native_kind = match &plan.kind {
            PlanKind::Other(raw) => Some(raw.clone()),
            _ => None,
        };
        Self { external_id: plan.id, kind: plan.kind.as_str(), native_kind }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromotionPlansBody {
    items: Vec<PromotionPlanBody>,
    next_cursor: Option<String>,
}

/// What a plan says. What the platform did not tell is null.
#[derive(Debug, Serialize, ToSchema)]
struct PromotionTermsBody {
    /// How the product is offered: `ordinary`, `directed`, `exclusive` or `other`.
    way: &'static str,
    /// The platform's own value where the way is `other`.
    native_way: Option<String>,
    /// `on`, `off`, `deleted`, `unfit`, `pending` or `other`.
    state: &'static str,
    /// The platform's own value where the state is `other`.
    native_state: Option<String>,
    commission: Option<CommissionBody>,
    #[schema(value_type = Option<String>)]
    begins_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    ends_at: Option<Time>,
    for_ever: Option<bool>,
    /// Whether the product's category may not be sold.
    category_barred: Option<bool>,
    /// Whether the platform barred it.
    barred: Option<bool>,
}

impl From<PlanTerms> for PromotionTermsBody {
    fn from(told: PlanTerms) -> Self {
        let native_way = match &told.way {
            PlanWay::Other(raw) => Some(raw.clone()),
            _ => None,
        };
        let native_state = match &told.state {
            PlanState::Other(raw) => Some(raw.clone()),
            _ => None,
        };
        Self {
            way: told.way.as_str(),
            native_way,
            state: told.state.as_str(),
            native_state,
            commission: told.commission.map(Into::into),
            begins_at: told.begins_at.map(Time),
            ends_at: told.ends_at.map(Time),
            for_ever: told.for_ever,
            category_barred: told.category_barred,
            barred: told.barred,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PromotionDetailBody {
    #[serde(flatten)]
    plan: PromotionPlanBody,
    /// Null where the platform does not tell them.
    terms: Option<PromotionTermsBody>,
}

impl From<Plan> for PromotionDetailBody {
    fn from(found: Plan) -> Self {
        Self { plan: found.plan.into(), terms: found.terms.map(Into::into) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromotionSellerBody {
    external_id: String,
    name: Option<String>,
    commission: Option<CommissionBody>,
    /// Where it stands with this plan, as the platform writes it.
    native_state: Option<String>,
}

impl From<PlanPromoter> for PromotionSellerBody {
    fn from(one: PlanPromoter) -> Self {
        Self {
            external_id: one.id,
            name: one.name,
            commission: one.commission.map(Into::into),
            native_state: one.native_state,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct PromotionSellersBody {
    items: Vec<PromotionSellerBody>,
    next_cursor: Option<String>,
}

type PlanPath = Path3<ChannelAccountId, String, String>;
type All = Authed<perm::PromotionRead, (Path<ChannelAccountId>, Query<AlliancePageQuery>)>;
type Of = Authed<perm::PromotionRead, (Path2<ChannelAccountId, String>, Query<AlliancePageQuery>)>;

async fn list_promoters(auth: All) -> Answer<Json<PromoterNamesBody>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = alliance::promoters(&auth.state, &auth.grant, *id, query.cursor.as_deref()).await?;
    let items = page.items.into_iter().map(Into::into).collect();
    Ok(Json(PromoterNamesBody { items, next_cursor: page.next_cursor }))
}

async fn get_promoter(
    auth: Authed<perm::PromotionRead, Path2<ChannelAccountId, String>>,
) -> Answer<Json<PromoterBody>> {
    let Path2(id, promoter) = &auth.input;
    Ok(Json(alliance::promoter(&auth.state, &auth.grant, *id, promoter).await?.into()))
}

async fn list_promoted_products(auth: Of) -> Answer<Json<PromotedProductsBody>> {
    let (Path2(id, promoter), Query(query)) = &auth.input;
    let cursor = query.cursor.as_deref();
    let page = alliance::promoted(&auth.state, &auth.grant, *id, promoter, cursor).await?;
    let items = page.items.into_iter().map(Into::into).collect();
    Ok(Json(PromotedProductsBody { items, next_cursor: page.next_cursor }))
}

type Blocking = Authed<perm::PromotionManage, Path2<ChannelAccountId, String>>;

async fn block_promoter(auth: Blocking) -> Answer<Json<PromoterBody>> {
    let Path2(id, promoter) = &auth.input;
    Ok(Json(alliance::block(&auth.state, &auth.grant, *id, promoter, true).await?.into()))
}

async fn let_promoter_back(auth: Blocking) -> Answer<Json<PromoterBody>> {
    let Path2(id, promoter) = &auth.input;
    Ok(Json(alliance::block(&auth.state, &auth.grant, *id, promoter, false).await?.into()))
}

async fn list_alliance_products(auth: All) -> Answer<Json<AllianceProductsBody>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = alliance::products(&auth.state, &auth.grant, *id, query.cursor.as_deref()).await?;
    let row = |one: Shown<String>| AllianceProductBody {
        external_product_id: one.it,
        title: one.here.as_ref().map(|here| here.title.clone()),
        listing_id: one.here.map(|here| Id(here.listing)),
    };
    let items = page.items.into_iter().map(row).collect();
    Ok(Json(AllianceProductsBody { items, next_cursor: page.next_cursor }))
}

async fn list_promotion_plans(auth: Of) -> Answer<Json<PromotionPlansBody>> {
    let (Path2(id, product), Query(query)) = &auth.input;
    let cursor = query.cursor.as_deref();
    let page = alliance::plans(&auth.state, &auth.grant, *id, product, cursor).await?;
    let items = page.items.into_iter().map(Into::into).collect();
    Ok(Json(PromotionPlansBody { items, next_cursor: page.next_cursor }))
}

async fn get_promotion_plan(
    auth: Authed<perm::PromotionRead, PlanPath>,
) -> Answer<Json<PromotionDetailBody>> {
    let Path3(id, product, plan) = &auth.input;
    Ok(Json(alliance::plan(&auth.state, &auth.grant, *id, product, plan).await?.into()))
}

async fn list_promotion_sellers(
    auth: Authed<perm::PromotionRead, (PlanPath, Query<AlliancePageQuery>)>,
) -> Answer<Json<PromotionSellersBody>> {
    let (Path3(id, product, plan), Query(query)) = &auth.input;
    let cursor = query.cursor.as_deref();
    let page = alliance::plan_promoters(&auth.state, &auth.grant, *id, (product, plan), cursor).await?;
    let items = page.items.into_iter().map(Into::into).collect();
    Ok(Json(PromotionSellersBody { items, next_cursor: page.next_cursor }))
}
