//! `/order_sources`: what was sold by which account and in which scene.

use crate::app::orders::sources::{self, Sold, Source};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Time};
use qianpu_domain::ids::{ChannelAccountId, ShopId};
use qianpu_domain::order::Scene;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get(
        "/order_sources",
        list_order_sources,
        "Paid orders of the last days by the account and scene that channels name in them",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OrderSourcesQuery {
    /// 1 to 366; 30 without it.
    days: Option<i64>,
    /// Only of this shop.
    #[param(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SceneSalesView {
    /// As in orders: `live_session`, `short_video`, `article`, `window`, …
    scene: &'static str,
    orders: i64,
    total: Money,
    refunded: Money,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderSourceSalesView {
    /// The merchant's own account, when it is one that is linked here.
    #[schema(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    /// Kind of the account; null when the channel named none, and for the storefront.
    kind: Option<String>,
    /// Its id as orders name it.
    external_id: Option<String>,
    name: Option<String>,
    /// `linked`, `cooperating`, `alliance`, or the platform's raw value.
    relation: Option<String>,
    orders: i64,
    total: Money,
    refunded: Money,
    scenes: Vec<SceneSalesView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderSourcesView {
    #[schema(value_type = String)]
    since: Time,
    orders: i64,
    total: Money,
    refunded: Money,
    /// Most sold first.
    sources: Vec<OrderSourceSalesView>,
}

fn scene((scene, sold): (Scene, Sold)) -> SceneSalesView {
    SceneSalesView {
        scene: scene.as_str(),
        orders: sold.orders,
        total: sold.total.into(),
        refunded: sold.refunded.into(),
    }
}

fn source(source: Source) -> OrderSourceSalesView {
    let named = source.named;
    OrderSourceSalesView {
        name: source.linked.as_ref().map(|own| own.name.clone()).or_else(|| named.as_ref()?.name.clone()),
        channel_account_id: source.linked.map(|own| Id(own.id)),
        kind: named.as_ref().map(|named| named.kind.clone()),
        external_id: named.as_ref().map(|named| named.external_id.clone()),
        relation: named.map(|named| named.relation),
        orders: source.sold.orders,
        total: source.sold.total.into(),
        refunded: source.sold.refunded.into(),
        scenes: source.scenes.into_iter().map(scene).collect(),
    }
}

async fn list_order_sources(
    auth: Authed<perm::OrderRead, Query<OrderSourcesQuery>>,
) -> Answer<Json<OrderSourcesView>> {
    let Query(query) = &auth.input;
    let shop = query.shop_id.as_ref().map(|id| id.0);
    let found = sources::of(&auth.state, &auth.grant, shop, query.days.unwrap_or(30)).await?;
    Ok(Json(OrderSourcesView {
        since: Time(found.since),
        orders: found.sold.orders,
        total: found.sold.total.into(),
        refunded: found.sold.refunded.into(),
        sources: found.sources.into_iter().map(source).collect(),
    }))
}
