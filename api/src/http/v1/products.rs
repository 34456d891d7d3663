//! `/products`, and `/shops/{shop_id}/products` where they are made.

mod views;

use crate::app::products::{
    ProductAction, ProductQuery, product_act, product_create, product_read, product_search, product_update,
};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, page_request};
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ProductId, ShopId};
use qianpu_tenants::authz::perm;
use serde::Deserialize;
use utoipa::IntoParams;
use views::{ProductBody, ProductSummaryView, ProductView};

pub(super) use views::{SkuView, StockView};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/shops/{shop_id}/products", create_product, "Make a product in a shop, as a draft");
    api.get("/products", list_products, "Products, newest first");
    api.get("/products/{product_id}", get_product, "A product with its SKUs and their stock");
    api.put("/products/{product_id}", update_product, "Change a product; SKUs left out are removed");
    api.delete("/products/{product_id}", delete_product, "Delete a product that is not on sale");
    api.post("/products/{product_id}/put_on_sale", put_on_sale, "Put a product on sale");
    api.post("/products/{product_id}/take_off_sale", take_off_sale, "Take a product off sale");
}

async fn create_product(
    auth: Authed<perm::ProductWrite, (Path<ShopId>, Json<ProductBody>)>,
) -> Answer<Created<ProductView>> {
    let Authed { call, grant, input: (Path(shop), Json(body)), .. } = auth;
    let (input, _) = body.input()?;
    Ok(Created(product_create(&call.state.db, &grant, shop, &input).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ProductListQuery {
    #[param(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    /// `draft`, `checking`, `on_sale`, `off_sale` or `withdrawn`.
    state: Option<String>,
    /// Part of a title, or a whole product code.
    search: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_products(
    auth: Authed<perm::ProductRead, Query<ProductListQuery>>,
) -> Answer<Json<Page<ProductSummaryView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let state = match query.state.as_deref() {
        None => None,
        Some(word) => Some(state_of(word)?),
    };
    let wanted = ProductQuery { shop: query.shop_id.map(|id| id.0), state, search: query.search.clone() };
    let found = product_search(&auth.state.db, &auth.grant, &wanted, page).await?;
    Ok(Json(Page::of(found, ProductSummaryView::from)))
}

fn state_of(word: &str) -> Answer<ProductState> {
    let state = ProductState::from_text(word).filter(|state| *state != ProductState::Deleted);
    let unknown = || FieldError::new("state", "unknown", "no such state of a product", "没有这种商品状态");
    Ok(state.ok_or_else(unknown)?)
}

async fn get_product(auth: Authed<perm::ProductRead, Path<ProductId>>) -> Answer<Versioned<ProductView>> {
    let found = product_read(&auth.state.db, &auth.grant, auth.input.0).await?;
    Ok(Versioned { version: found.product.version, body: found.into() })
}

async fn update_product(
    auth: Authed<perm::ProductWrite, (Path<ProductId>, IfMatch, Json<ProductBody>)>,
) -> Answer<Versioned<ProductView>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), Json(body)), .. } = auth;
    let (input, version) = body.input()?;
    let now = product_update(&call.state.db, &grant, id, seen.or(version), &input).await?;
    Ok(Versioned { version: now.product.version, body: now.into() })
}

async fn delete_product(auth: Authed<perm::ProductWrite, Path<ProductId>>) -> Answer<NoContent> {
    product_act(&auth.state.db, &auth.grant, auth.input.0, ProductAction::Delete).await?;
    Ok(NoContent)
}

async fn put_on_sale(auth: Authed<perm::ProductWrite, Path<ProductId>>) -> Answer<Json<ProductView>> {
    act(auth, ProductAction::PutOnSale).await
}

async fn take_off_sale(auth: Authed<perm::ProductWrite, Path<ProductId>>) -> Answer<Json<ProductView>> {
    act(auth, ProductAction::TakeOffSale).await
}

async fn act(
    auth: Authed<perm::ProductWrite, Path<ProductId>>,
    action: ProductAction,
) -> Answer<Json<ProductView>> {
    let Path(id) = auth.input;
    product_act(&auth.state.db, &auth.grant, id, action).await?;
    let grant = auth.caller.grant::<perm::ProductRead>()?;
    Ok(Json(product_read(&auth.state.db, &grant, id).await?.into()))
}
