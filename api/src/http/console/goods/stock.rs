//! Stock in the console: all SKUs, and one SKU with its movements and the form that changes it.

use super::query_of;
use crate::app::stock::{StockChange, stock_change, stock_history, stock_read, stock_search};
use crate::error::ApiError;
use crate::http::extract::{Authed, Fields, IdempotencyKey, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::SkuId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

const LIST: &str = "/console/merchant/stock";
/// What counts as low in the list's second tab.
const LOW: i64 = 10;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(LIST, stock_list_page);
    pages.get("/console/merchant/stock/{sku_id}", stock_page);
    pages.post("/console/merchant/stock/{sku_id}", stock_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    search: Option<String>,
    show: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Line {
    href: String,
    title: String,
    label: String,
    code: Option<String>,
    price: i64,
    on_hand: i64,
    held: i64,
    available: i64,
    sold: i64,
    low: bool,
}

#[derive(Serialize)]
struct ListView {
    rows: Vec<Line>,
    search: String,
    low_only: bool,
    low_at: i64,
    all_href: String,
    low_href: String,
    next_page: Option<String>,
}

async fn stock_list_page(auth: Authed<perm::ProductRead, Query<ListQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let search = query.search.as_deref().unwrap_or_default().trim().to_owned();
    let low_only = query.show.as_deref() == Some("low");
    let page = page_request(None, query.cursor.as_deref())?;
    let most = low_only.then_some(LOW);
    let found = stock_search(&auth.state.db, &auth.grant, Some(&search), most, page).await?;
    let address = |show: &str, cursor: &str| {
        format!("{LIST}?{}", query_of(&[("search", &search), ("show", show), ("cursor", cursor)]))
    };
    let show = if low_only { "low" } else { "" };
    let view = ListView {
        all_href: address("", ""),
        low_href: address("low", ""),
        next_page: found.next.map(|cursor| address(show, &cursor_text(&cursor))),
        rows: found
            .items
            .into_iter()
            .map(|line| Line {
                href: format!("{LIST}/{}", line.sku),
                title: line.title,
                label: line.values.join(" / "),
                code: line.code,
                price: line.price.get(),
                on_hand: line.level.on_hand,
                held: line.level.held,
                available: line.level.available(),
                sold: line.level.sold,
                low: line.level.available() <= LOW,
            })
            .collect(),
        low_only,
        low_at: LOW,
        search,
    };
    auth.page("goods/stock_list", view)
}

#[derive(Serialize)]
struct MovementView {
    at: i64,
    kind: &'static str,
    on_hand: String,
    held: String,
    sold: String,
    order: Option<String>,
    note: String,
    who: String,
}

#[derive(Serialize)]
struct StockPage {
    form: FormView,
    sku_id: String,
    product_href: String,
    title: String,
    label: String,
    code: Option<String>,
    on_hand: i64,
    held: i64,
    available: i64,
    sold: i64,
    movements: Vec<MovementView>,
    next_page: Option<String>,
    may_write: bool,
    /// Makes a form that is sent twice have one effect.
    key: String,
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

async fn stock_page(auth: Authed<perm::ProductRead, (Path<SkuId>, Query<PageQuery>)>) -> PageAnswer {
    let (Path(sku), Query(query)) = &auth.input;
    let form = FormView::filled([("mode", "adjust".to_owned())]);
    let view = page_view(&auth, *sku, query.cursor.as_deref(), form).await?;
    auth.page("goods/stock", view)
}

async fn page_view<T>(
    auth: &Authed<perm::ProductRead, T>,
    sku: SkuId,
    cursor: Option<&str>,
    form: FormView,
) -> Result<StockPage, ApiError> {
    let detail = stock_read(&auth.state.db, &auth.grant, sku).await?;
    let page = page_request(None, cursor)?;
    let history = stock_history(&auth.state.db, &auth.grant, sku, page).await?;
    let change = |number: i64| if number == 0 { String::new() } else { format!("{number:+}") };
    let movements = history.items.into_iter().map(|row| MovementView {
        at: row.at.micros(),
        kind: row.movement.kind.as_str(),
        on_hand: change(row.movement.on_hand),
        held: change(row.movement.held),
        sold: change(row.movement.sold),
        order: row.order.map(|id| id.to_string()),
        note: row.note,
        who: row.actor_name,
    });
    Ok(StockPage {
        form,
        sku_id: sku.to_string(),
        product_href: format!("/console/merchant/products/{}", detail.product.id),
        title: detail.product.title,
        label: detail.sku.values.join(" / "),
        code: detail.sku.code,
        on_hand: detail.level.on_hand,
        held: detail.level.held,
        available: detail.level.available(),
        sold: detail.level.sold,
        movements: movements.collect(),
        next_page: history.next.map(|cursor| format!("{LIST}/{sku}?cursor={}", cursor_text(&cursor))),
        may_write: auth.caller.may(Permission::StockWrite),
        key: qianpu_tenants::random::token(),
    })
}

async fn stock_form(auth: Authed<perm::StockWrite, (Path<SkuId>, Fields)>) -> PageAnswer {
    let (Path(sku), fields) = &auth.input;
    let mut errors = Vec::new();
    let quantity: Option<i64> = fields.parsed("quantity", &mut errors);
    if quantity.is_none() && errors.is_empty() {
        errors.push(FieldError::required("quantity"));
    }
    let outcome = match quantity {
        Some(quantity) if errors.is_empty() => {
            let change = match fields.text("mode") {
                "set" => StockChange::Set(quantity),
                _ => StockChange::Adjust(quantity),
            };
            apply(&auth, *sku, change, fields).await
        }
        _ => Err(errors.into()),
    };
    let error = match outcome {
        Ok(()) => {
            let to = format!("{LIST}/{sku}");
            return Ok(auth.redirect_with(&Flash::success("goods.stock_changed"), &to));
        }
        Err(error) => error,
    };
    if error.code() == ErrorCode::NotFound || error.code().status() >= 500 {
        return Err(error);
    }
    let error = match error.code() {
        code @ (ErrorCode::StockShort | ErrorCode::StockRange) => {
            ApiError::field(FieldError::of("quantity", code))
        }
        _ => error,
    };
    let form = FormView::refused_by(fields, &error, auth.info.lang);
    let reading = Authed {
        grant: auth.caller.grant::<perm::ProductRead>()?,
        call: auth.call.clone(),
        caller: auth.caller.clone(),
        input: (),
    };
    let view = page_view(&reading, *sku, None, form).await?;
    auth.refused_page("goods/stock", view)
}

async fn apply(
    auth: &Authed<perm::StockWrite, (Path<SkuId>, Fields)>,
    sku: SkuId,
    change: StockChange,
    fields: &Fields,
) -> Result<(), ApiError> {
    let note = fields.text("note");
    let asked = format!("{change:?} {note}");
    let key = fields.text("key");
    let sound = (16..=100).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !sound {
        return Err(ApiError::new(ErrorCode::IdempotencyKeyInvalid));
    }
    let key = IdempotencyKey { key: key.to_owned(), body_sha256: Sha256::digest(asked.as_bytes()).into() };
    let _: Once<()> = once(&auth.call, &auth.grant, &key, async |tx| {
        stock_change(tx, &auth.grant, sku, change, note).await?;
        Ok(())
    })
    .await?;
    Ok(())
}
