//! `/skus`: SKUs across products, to find one by its code.

use super::products::SkuView;
use crate::app::products::sku_search;
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, page_request};
use qianpu_domain::ids::ProductId;
use qianpu_tenants::authz::perm;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/skus", list_skus, "SKUs with their stock, newest first");
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SkuListQuery {
    #[param(value_type = Option<String>)]
    product_id: Option<Id<ProductId>>,
    /// The merchant's own code.
    code: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_skus(auth: Authed<perm::ProductRead, Query<SkuListQuery>>) -> Answer<Json<Page<SkuView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let product = query.product_id.map(|id| id.0);
    let found = sku_search(&auth.state.db, &auth.grant, product, query.code.as_deref(), page).await?;
    Ok(Json(Page::of(found, SkuView::from)))
}
