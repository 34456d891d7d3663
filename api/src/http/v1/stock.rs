//! `/stock`: what there is of each SKU, and the merchant's changes of it. Every change takes an
//! `Idempotency-Key`: the same key has one effect.

use super::products::StockView;
use crate::app::stock::{
    StockChange, StockDetail, stock_change, stock_history, stock_make_hot, stock_read, stock_search,
};
use crate::error::{Answer, ApiError};
use crate::http::describe::Draft;
use crate::http::extract::{Authed, Body, IdempotencyKey, Input, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Money, Page, Time, page_request};
use actix_web::{HttpRequest, HttpResponse};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::SkuId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::stock::MovementRow;
use qianpu_tenants::store::stock_view::StockLine;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/stock", list_stock, "Stock of all SKUs, newest SKU first");
    api.get("/stock/{sku_id}", get_stock, "Stock of a SKU");
    api.put("/stock/{sku_id}", set_stock, "Say how many pieces are on hand");
    api.post("/stock/{sku_id}/adjust", adjust_stock, "Add or take pieces");
    api.post("/stock/{sku_id}/split", split_stock, "Split a hot SKU into buckets");
    api.get(
        "/stock/{sku_id}/movements",
        list_stock_movements,
        "What happened to a SKU's stock, newest first",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct StockDetailView {
    sku_id: String,
    product_id: String,
    title: String,
    values: Vec<String>,
    code: Option<String>,
    price: Money,
    stock: StockView,
}

impl From<StockDetail> for StockDetailView {
    fn from(StockDetail { sku, product, level }: StockDetail) -> Self {
        Self {
            sku_id: sku.id.to_string(),
            product_id: product.id.to_string(),
            title: product.title,
            values: sku.values,
            code: sku.code,
            price: sku.price.into(),
            stock: level.into(),
        }
    }
}

impl From<StockLine> for StockDetailView {
    fn from(line: StockLine) -> Self {
        Self {
            sku_id: line.sku.to_string(),
            product_id: line.product.to_string(),
            title: line.title,
            values: line.values,
            code: line.code,
            price: line.price.into(),
            stock: line.level.into(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StockListQuery {
    /// Part of a product's title, or a whole SKU code.
    search: Option<String>,
    /// Only SKUs of which no more than this is available.
    available_at_most: Option<i64>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_stock(
    auth: Authed<perm::ProductRead, Query<StockListQuery>>,
) -> Answer<Json<Page<StockDetailView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let (search, most) = (query.search.as_deref(), query.available_at_most);
    let found = stock_search(&auth.state.db, &auth.grant, search, most, page).await?;
    Ok(Json(Page::of(found, StockDetailView::from)))
}

async fn get_stock(auth: Authed<perm::ProductRead, Path<SkuId>>) -> Answer<Json<StockDetailView>> {
    Ok(Json(stock_read(&auth.state.db, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetStockBody {
    /// Not below what is held.
    on_hand: i64,
    /// Why; shown with the movement.
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AdjustStockBody {
    /// Pieces to add; negative to take.
    change: i64,
    /// Why; shown with the movement.
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SplitStockBody {
    /// 2 to 32; not fewer than there are.
    buckets: i64,
}

/// A count may be sent without a key: said twice, it is the same count.
struct KeyIfGiven(Option<IdempotencyKey>);

impl Input for KeyIfGiven {
    async fn read(request: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        if !request.headers().contains_key("idempotency-key") {
            return Ok(Self(None));
        }
        IdempotencyKey::read(request, body).await.map(|key| Self(Some(key)))
    }
    fn describe(draft: &mut Draft) {
        draft.header("Idempotency-Key", false, "A new random value for every command; the same for a retry.");
    }
}

fn note_of(note: &str) -> Answer<&str> {
    if note.chars().count() <= 200 && !note.chars().any(char::is_control) {
        return Ok(note);
    }
    let error =
        FieldError::new("note", "length", "expected at most 200 characters in one line", "备注最多200个字符");
    Err(error.into())
}

async fn set_stock(
    auth: Authed<perm::StockWrite, (Path<SkuId>, KeyIfGiven, Json<SetStockBody>)>,
) -> Answer<Once<StockDetailView>> {
    let Authed { call, grant, input: (Path(sku), KeyIfGiven(key), Json(body)), .. } = auth;
    let (change, note) = (StockChange::Set(body.on_hand), note_of(&body.note)?);
    let Some(key) = key else {
        let mut tx = call.state.db.begin(grant.ctx()).await?;
        let now = stock_change(&mut tx, &grant, sku, change, note).await?;
        tx.commit().await?;
        return Ok(HttpResponse::Ok().json(StockDetailView::from(now)).into());
    };
    once(&call, &grant, &key, async |tx| {
        Ok(StockDetailView::from(stock_change(tx, &grant, sku, change, note).await?))
    })
    .await
}

async fn adjust_stock(
    auth: Authed<perm::StockWrite, (Path<SkuId>, IdempotencyKey, Json<AdjustStockBody>)>,
) -> Answer<Once<StockDetailView>> {
    let Authed { call, grant, input: (Path(sku), key, Json(body)), .. } = auth;
    let (change, note) = (StockChange::Adjust(body.change), note_of(&body.note)?);
    once(&call, &grant, &key, async |tx| {
        Ok(StockDetailView::from(stock_change(tx, &grant, sku, change, note).await?))
    })
    .await
}

async fn split_stock(
    auth: Authed<perm::StockWrite, (Path<SkuId>, IdempotencyKey, Json<SplitStockBody>)>,
) -> Answer<Once<StockDetailView>> {
    let Authed { call, grant, input: (Path(sku), key, Json(body)), .. } = auth;
    once(&call, &grant, &key, async |tx| {
        Ok(StockDetailView::from(stock_make_hot(tx, &grant, sku, body.buckets).await?))
    })
    .await
}

#[derive(Debug, Serialize, ToSchema)]
struct MovementView {
    id: String,
    /// `set`, `adjust`, `hold`, `release`, `sell`, `sell_direct` or `return`.
    kind: &'static str,
    on_hand_change: i64,
    held_change: i64,
    sold_change: i64,
    order_id: Option<String>,
    note: String,
    /// Who did it.
    actor_name: String,
    #[schema(value_type = String)]
    at: Time,
}

impl From<MovementRow> for MovementView {
    fn from(row: MovementRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.movement.kind.as_str(),
            on_hand_change: row.movement.on_hand,
            held_change: row.movement.held,
            sold_change: row.movement.sold,
            order_id: row.order.map(|id| id.to_string()),
            note: row.note,
            actor_name: row.actor_name,
            at: Time(row.at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct MovementListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_stock_movements(
    auth: Authed<perm::ProductRead, (Path<SkuId>, Query<MovementListQuery>)>,
) -> Answer<Json<Page<MovementView>>> {
    let (Path(sku), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = stock_history(&auth.state.db, &auth.grant, *sku, page).await?;
    Ok(Json(Page::of(found, MovementView::from)))
}
