//! Products of the alliance with their plans, and who sells by them. What can be changed of a plan is in `alliance_changes`.

use super::alliance::{
    AllianceListQuery, PromoterRow, Share, base, goes_on, listing_at, manages, product_at, promoter_at, told,
    wanted,
};
use super::alliance_changes::plan_at;
use crate::app::channels::alliance;
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Path2, Path3, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{PlanKind, PlanState, PlanTerms, PlanWay, PlanWish};
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let at = "/console/merchant/channel_accounts/{channel_account_id}/alliance/products/{external_product}";
    pages.get(at, alliance_product_page);
    pages.get(&format!("{at}/plans/{{plan}}"), plan_page);
}

#[derive(Serialize)]
struct PlanRow {
    id: String,
    href: String,
    kind: &'static str,
    native_kind: Option<String>,
}

fn raw_kind(kind: &PlanKind) -> Option<String> {
    match kind {
        PlanKind::Other(raw) => Some(raw.clone()),
        _ => None,
    }
}

#[derive(Serialize)]
struct AllianceProductView {
    back: String,
    id: String,
    heading: String,
    listing_href: Option<String>,
    trouble: Option<String>,
    asked: bool,
    plans: Vec<PlanRow>,
    /// Where a plan for everyone is made, where there is none yet and the caller may.
    add_href: Option<String>,
    next_page: Option<String>,
}

async fn alliance_product_page(
    auth: Authed<perm::PromotionRead, (Path2<ChannelAccountId, String>, Query<AllianceListQuery>)>,
) -> PageAnswer {
    let (Path2(id, product), Query(query)) = &auth.input;
    let account = alliance::account(&auth.state, &auth.grant, *id).await?;
    let here = alliance::here(&auth.state, &auth.grant, *id, product).await?;
    let at = product_at(*id, product);
    let mut view = AllianceProductView {
        back: format!("{}?part=products", base(*id)),
        id: product.clone(),
        listing_href: listing_at(here.as_ref()),
        heading: here.map_or_else(|| product.clone(), |here| here.title),
        trouble: None,
        asked: false,
        plans: Vec::new(),
        add_href: None,
        next_page: None,
    };
    let cursor = wanted(query.cursor.as_deref());
    let found = alliance::plans(&auth.state, &auth.grant, *id, product, cursor).await;
    if let Some(page) = told(&auth, &mut view.trouble, found)? {
        view.asked = true;
        let alone = cursor.is_none() && page.items.iter().all(|plan| plan.kind != PlanKind::Everyone);
        if alone && manages(&auth, &account) {
            view.add_href = Some(format!("{}/add?{}", base(*id), query_of(&[("product", product.as_str())])));
        }
        view.next_page = goes_on(&at, None, page.next_cursor);
        let row = |plan: qianpu_sdk::PromotionPlan| PlanRow {
            href: plan_at(*id, product, &plan.id),
            kind: plan.kind.as_str(),
            native_kind: raw_kind(&plan.kind),
            id: plan.id,
        };
        view.plans = page.items.into_iter().map(row).collect();
    }
    auth.page("channels/alliance_product", view)
}

#[derive(Serialize)]
struct Terms {
    way: &'static str,
    native_way: Option<String>,
    state: &'static str,
    native_state: Option<String>,
    share: Option<Share>,
    begins_at: Option<i64>,
    ends_at: Option<i64>,
    for_ever: bool,
    category_barred: bool,
    barred: bool,
}

impl From<PlanTerms> for Terms {
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
            share: told.commission.map(Into::into),
            begins_at: told.begins_at.map(|at| at.micros()),
            ends_at: told.ends_at.map(|at| at.micros()),
            for_ever: told.for_ever == Some(true),
            category_barred: told.category_barred == Some(true),
            barred: told.barred == Some(true),
        }
    }
}

/// What the caller may want of a plan, with what was seen of it.
#[derive(Serialize)]
struct Changes {
    commission: bool,
    take_down: bool,
    put_up: bool,
    state: &'static str,
    parts: Option<i64>,
    of: Option<i64>,
    /// The commission in words, for the question before.
    share: String,
}

fn changes(terms: &PlanTerms) -> Changes {
    let open = |wish: PlanWish| terms.takes(&wish) && !terms.fulfils(&wish);
    Changes {
        commission: terms.takes(&PlanWish::Commission { percent: 0 }),
        take_down: open(PlanWish::TakeDown),
        put_up: open(PlanWish::PutUp),
        state: terms.state.as_str(),
        parts: terms.commission.map(|share| share.parts),
        of: terms.commission.map(|share| share.of),
        share: terms
            .commission
            .and_then(|share| share.percent())
            .map_or_else(|| "—".to_owned(), |percent| format!("{percent}%")),
    }
}

#[derive(Serialize)]
struct PlanView {
    back: String,
    at: String,
    /// None for whoever only looks.
    changes: Option<Changes>,
    product: String,
    id: String,
    listing_href: Option<String>,
    trouble: Option<String>,
    asked: bool,
    kind: &'static str,
    native_kind: Option<String>,
    terms: Option<Terms>,
    /// Why those who sell by it could not be read.
    promoters_trouble: Option<String>,
    promoters: Vec<PromoterRow>,
    next_page: Option<String>,
}

type PlanPath = Path3<ChannelAccountId, String, String>;

async fn plan_page(auth: Authed<perm::PromotionRead, (PlanPath, Query<AllianceListQuery>)>) -> PageAnswer {
    let (Path3(id, product, plan), Query(query)) = &auth.input;
    let account = alliance::account(&auth.state, &auth.grant, *id).await?;
    let here = alliance::here(&auth.state, &auth.grant, *id, product).await?;
    let at = plan_at(*id, product, plan);
    let mut view = PlanView {
        back: product_at(*id, product),
        at: at.clone(),
        changes: None,
        id: plan.clone(),
        listing_href: listing_at(here.as_ref()),
        product: here.map_or_else(|| product.clone(), |here| here.title),
        trouble: None,
        asked: false,
        kind: "other",
        native_kind: None,
        terms: None,
        promoters_trouble: None,
        promoters: Vec::new(),
        next_page: None,
    };
    let found = alliance::plan(&auth.state, &auth.grant, *id, product, plan).await;
    if let Some(found) = told(&auth, &mut view.trouble, found)? {
        view.asked = true;
        view.kind = found.plan.kind.as_str();
        view.native_kind = raw_kind(&found.plan.kind);
        view.changes = found.terms.as_ref().filter(|_| manages(&auth, &account)).map(changes);
        view.terms = found.terms.map(Into::into);
        let cursor = wanted(query.cursor.as_deref());
        let sellers = alliance::plan_promoters(&auth.state, &auth.grant, *id, (product, plan), cursor).await;
        if let Some(page) = told(&auth, &mut view.promoters_trouble, sellers)? {
            view.next_page = goes_on(&at, None, page.next_cursor);
            let row = |one: qianpu_sdk::PlanPromoter| PromoterRow {
                href: promoter_at(*id, &one.id),
                id: one.id,
                name: one.name,
                share: one.commission.map(Into::into),
                native_state: one.native_state,
            };
            view.promoters = page.items.into_iter().map(row).collect();
        }
    }
    auth.page("channels/alliance_plan", view)
}
