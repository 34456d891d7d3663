//! What was sold by which account and in which scene.

use super::super::channels::words;
use crate::app::orders::sources::{self, Sold, Source};
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::order::Scene;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/order_sources", order_sources_page);
}

#[derive(Deserialize, IntoParams)]
struct SourcesQuery {
    days: Option<i64>,
}

#[derive(Serialize)]
struct SceneRow {
    scene: &'static str,
    orders: i64,
    total: i64,
    /// Parts per hundred of the page's most, for the bar.
    width: i64,
}

#[derive(Serialize)]
struct SourceRow {
    name: Option<String>,
    kind: Option<String>,
    /// A word that has texts, or nothing.
    relation: Option<&'static str>,
    href: Option<String>,
    orders: i64,
    total: i64,
    refunded: i64,
    scenes: Vec<SceneRow>,
}

#[derive(Serialize)]
struct DaysTab {
    days: i64,
    href: String,
    current: bool,
}

#[derive(Serialize)]
struct SourcesView {
    tabs: Vec<DaysTab>,
    orders: i64,
    total: i64,
    refunded: i64,
    sources: Vec<SourceRow>,
}

async fn order_sources_page(auth: Authed<perm::OrderRead, Query<SourcesQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let lang = auth.info.lang;
    let days = query.days.unwrap_or(30);
    let found = sources::of(&auth.state, &auth.grant, None, days).await?;
    let all = || found.sources.iter().flat_map(|source| source.scenes.iter());
    let most = all().map(|(_, sold)| sold.total.get()).max().unwrap_or(0).max(1);
    let scene = |(scene, sold): (Scene, Sold)| SceneRow {
        scene: scene.as_str(),
        orders: sold.orders,
        total: sold.total.get(),
        width: sold.total.get().saturating_mul(100) / most,
    };
    let row = |source: Source| {
        let named = source.named.as_ref();
        SourceRow {
            name: match (&source.linked, named) {
                (Some(own), _) => Some(own.name.clone()),
                (None, Some(named)) => Some(named.name.clone().unwrap_or_else(|| named.external_id.clone())),
                (None, None) => None,
            },
            kind: named.map(|named| words::kind(&named.kind, lang)),
            relation: named.and_then(|named| {
                ["linked", "cooperating", "alliance"].into_iter().find(|word| *word == named.relation)
            }),
            href: source.linked.map(|own| format!("{}/{}", super::ACCOUNTS, own.id)),
            orders: source.sold.orders,
            total: source.sold.total.get(),
            refunded: source.sold.refunded.get(),
            scenes: source.scenes.into_iter().map(scene).collect(),
        }
    };
    let tab = |choice: i64| DaysTab {
        days: choice,
        href: format!("/console/merchant/order_sources?days={choice}"),
        current: choice == days,
    };
    let (sold, sources) = (found.sold, found.sources.clone());
    let view = SourcesView {
        tabs: [7, 30, 90].map(tab).into(),
        orders: sold.orders,
        total: sold.total.get(),
        refunded: sold.refunded.get(),
        sources: sources.into_iter().map(row).collect(),
    };
    auth.page("live/sources", view)
}
