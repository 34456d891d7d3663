//! `/shops`.

use crate::app::shops::{self, UpdateShop, suspension};
use crate::error::Answer;
use crate::http::describe::Versioned;
use crate::http::extract::{Authed, IfMatch, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{CategoryId, ShopId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::shop::Shop;
use qianpu_tenants::store::shop_suspension::Suspension;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/shops", list_shops, "Shops, newest first");
    api.get("/shops/{shop_id}", get_shop, "One shop");
    api.patch("/shops/{shop_id}", update_shop, "Change name and notice");
    api.post("/shops/{shop_id}/start_trading", start_trading, "Open the doors of an opened shop");
    api.post("/shops/{shop_id}/close", close_shop, "Close a shop: at once, or when its last order is over");
    api.post("/shops/{shop_id}/suspend", suspend_shop, "Stop a trading shop, with a reason");
    api.post("/shops/{shop_id}/resume", resume_shop, "Let a suspended shop trade again");
    api.get("/shops/{shop_id}/suspensions", list_suspensions, "Suspensions of a shop, newest first");
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListShopsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShopView {
    #[schema(value_type = String)]
    id: Id<ShopId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    name: String,
    /// Address in `/s/{slug}/`.
    slug: String,
    notice: String,
    #[schema(value_type = Option<String>)]
    category_id: Option<Id<CategoryId>>,
    /// `opened`, `trading`, `suspended`, `closing` or `closed`.
    state: &'static str,
    opened_at: Time,
    trading_at: Option<Time>,
    version: i64,
}

pub(super) fn shop_view(shop: Shop) -> ShopView {
    ShopView {
        id: Id(shop.id),
        merchant_id: Id(shop.tenant),
        name: shop.name,
        slug: shop.slug,
        notice: shop.notice,
        category_id: shop.category.map(Id),
        state: shop.state.as_str(),
        opened_at: Time(shop.opened_at),
        trading_at: shop.trading_at.map(Time),
        version: shop.version,
    }
}

fn versioned(shop: Shop) -> Versioned<ShopView> {
    Versioned { version: shop.version, body: shop_view(shop) }
}

async fn list_shops(auth: Authed<perm::ShopRead, Query<ListShopsQuery>>) -> Answer<Json<Page<ShopView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(shops::list(&auth.state, &auth.grant, None, page).await?, shop_view)))
}

async fn get_shop(auth: Authed<perm::ShopRead, Path<ShopId>>) -> Answer<Versioned<ShopView>> {
    Ok(versioned(shops::get(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateShopBody {
    #[serde(default)]
    name: Option<String>,
    /// A line for buyers on the shop's home; empty for none.
    #[serde(default)]
    notice: Option<String>,
}

async fn update_shop(
    auth: Authed<perm::ShopManage, (Path<ShopId>, IfMatch, Json<UpdateShopBody>)>,
) -> Answer<Versioned<ShopView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let command = UpdateShop { name: body.name.clone(), notice: body.notice.clone() };
    Ok(versioned(shops::update(&auth.state, &auth.grant, *id, *seen, &command).await?))
}

async fn start_trading(auth: Authed<perm::ShopManage, Path<ShopId>>) -> Answer<Versioned<ShopView>> {
    Ok(versioned(shops::start_trading(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuspendShopBody {
    /// Why; the merchant reads it.
    reason: String,
}

async fn suspend_shop(
    auth: Authed<perm::ShopSuspend, (Path<ShopId>, Json<SuspendShopBody>)>,
) -> Answer<Versioned<ShopView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(versioned(suspension::suspend(&auth.state, &auth.grant, *id, &body.reason).await?))
}

async fn resume_shop(auth: Authed<perm::ShopSuspend, Path<ShopId>>) -> Answer<Versioned<ShopView>> {
    Ok(versioned(suspension::resume(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Serialize, ToSchema)]
struct SuspensionView {
    /// `provider` or `document_expired`.
    cause: &'static str,
    reason: String,
    /// Name of who did it; empty for the daily check of documents.
    suspended_by: String,
    suspended_at: Time,
    lifted_by: Option<String>,
    /// None while it lasts.
    lifted_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SuspensionsView {
    items: Vec<SuspensionView>,
}

fn suspension_view(row: Suspension) -> SuspensionView {
    SuspensionView {
        cause: row.cause.as_str(),
        reason: row.reason,
        suspended_by: row.by,
        suspended_at: Time(row.at),
        lifted_by: row.lifted_by,
        lifted_at: row.lifted_at.map(Time),
    }
}

async fn list_suspensions(auth: Authed<perm::ShopRead, Path<ShopId>>) -> Answer<Json<SuspensionsView>> {
    let shop = shops::get(&auth.state, &auth.grant, auth.input.0).await?;
    let found = suspension::history(&auth.state, &auth.grant, &shop).await?;
    Ok(Json(SuspensionsView { items: found.into_iter().map(suspension_view).collect() }))
}

async fn close_shop(auth: Authed<perm::ShopManage, Path<ShopId>>) -> Answer<Json<ShopView>> {
    Ok(Json(shop_view(shops::close(&auth.state, &auth.grant, auth.input.0).await?)))
}
