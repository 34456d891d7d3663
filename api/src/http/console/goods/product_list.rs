//! The list of products: tabs by state, search, actions on many at once.

use super::{picture_address, query_of};
use crate::app::products::{
    ProductAction, ProductQuery, ProductSummary, product_act, product_counts, product_search,
};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::ids::{ProductId, ShopId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const LIST: &str = "/console/merchant/products";
/// States that have a tab.
const TABS: [ProductState; 5] = [
    ProductState::OnSale,
    ProductState::Draft,
    ProductState::Checking,
    ProductState::OffSale,
    ProductState::Withdrawn,
];

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(LIST, product_list_page);
    pages.post("/console/merchant/products/act", product_list_act);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    state: Option<String>,
    search: Option<String>,
    shop_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    /// Key of the badge's text; empty for all.
    state: &'static str,
    href: String,
    count: i64,
    current: bool,
}

#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    href: String,
    title: String,
    code: Option<String>,
    cover: Option<String>,
    state: &'static str,
    price_min: i64,
    price_max: i64,
    one_price: bool,
    available: i64,
    held: i64,
    sold: i64,
    skus: i64,
    at: i64,
}

impl From<ProductSummary> for Row {
    fn from(ProductSummary { product, cover, totals }: ProductSummary) -> Self {
        Self {
            href: format!("{LIST}/{}", product.id),
            id: product.id.to_string(),
            title: product.title,
            code: product.code,
            cover: cover.map(picture_address),
            state: product.state.as_str(),
            price_min: totals.price_min.get(),
            price_max: totals.price_max.get(),
            one_price: totals.price_min == totals.price_max,
            available: totals.available(),
            held: totals.held,
            sold: totals.sold,
            skus: totals.skus,
            at: product.created_at.micros(),
        }
    }
}

#[derive(Serialize)]
struct ListView {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    search: String,
    state: String,
    shop_id: String,
    next_page: Option<String>,
    may_write: bool,
    may_import: bool,
    /// The address to come back to after an action.
    return_to: String,
    /// Nothing is there at all, not only nothing that matches.
    none_yet: bool,
}

async fn product_list_page(auth: Authed<perm::ProductRead, Query<ListQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let (state, search, shop_id) = (text(&query.state), text(&query.search), text(&query.shop_id));
    let shop: Option<ShopId> = match shop_id.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| ApiError::not_found())?),
    };
    let wanted = ProductQuery {
        shop,
        state: ProductState::from_text(&state).filter(|state| TABS.contains(state)),
        search: Some(search.clone()).filter(|text| !text.is_empty()),
    };
    let page = page_request(None, query.cursor.as_deref())?;
    let (all, counts) = product_counts(&auth.state.db, &auth.grant, &wanted).await?;
    let found = product_search(&auth.state.db, &auth.grant, &wanted, page).await?;
    let address = |state: &str, cursor: &str| {
        let pairs = [("state", state), ("search", &search), ("shop_id", &shop_id), ("cursor", cursor)];
        let query = query_of(&pairs);
        if query.is_empty() { LIST.to_owned() } else { format!("{LIST}?{query}") }
    };
    let mut tabs =
        vec![Tab { state: "", href: address("", ""), count: all, current: wanted.state.is_none() }];
    for known in TABS {
        let count = counts.iter().find(|(state, _)| *state == known).map_or(0, |(_, count)| *count);
        let current = wanted.state == Some(known);
        if count > 0 || current || matches!(known, ProductState::OnSale | ProductState::Draft) {
            tabs.push(Tab { state: known.as_str(), href: address(known.as_str(), ""), count, current });
        }
    }
    let view = ListView {
        tabs,
        next_page: found.next.map(|cursor| address(&state, &cursor_text(&cursor))),
        rows: found.items.into_iter().map(Row::from).collect(),
        return_to: address(&state, query.cursor.as_deref().unwrap_or_default()),
        none_yet: all == 0 && search.is_empty(),
        search,
        state,
        shop_id,
        may_write: auth.caller.may(Permission::ProductWrite),
        may_import: auth.caller.may(Permission::ImportRun),
    };
    auth.page("goods/products", view)
}

/// At most as many as a page shows.
const MOST: usize = 100;

async fn product_list_act(auth: Authed<perm::ProductWrite, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let action = ProductAction::parse(fields.text("action")).ok_or_else(ApiError::not_found)?;
    let ids: Vec<ProductId> = fields.all("id").filter_map(|text| text.parse().ok()).take(MOST).collect();
    let back = own_address(fields.text("back"));
    if ids.is_empty() {
        return Ok(auth.redirect_with(&Flash::failure("goods.none_chosen"), &back));
    }
    let mut done = 0;
    for id in &ids {
        // Each product is refused by itself; a fault of ours ends the whole.
        match product_act(&auth.state.db, &auth.grant, *id, action).await {
            Ok(()) => done += 1,
            Err(error) if error.code().status() < 500 => {}
            Err(error) => return Err(error),
        }
    }
    let refused = ids.len() - done;
    let flash = if refused == 0 {
        Flash::success("goods.acted").with("done", done)
    } else {
        Flash::failure("goods.acted_partly").with("done", done).with("refused", refused)
    };
    Ok(auth.redirect_with(&flash, &back))
}

/// Only back to the list.
fn own_address(back: &str) -> String {
    let inside = back == LIST || back.strip_prefix(LIST).is_some_and(|rest| rest.starts_with('?'));
    if inside && back.bytes().all(|b| b.is_ascii_graphic()) { back.to_owned() } else { LIST.to_owned() }
}

/// One action from the product's own page.
pub(super) async fn act_and_tell(
    auth: &Authed<perm::ProductWrite, (crate::http::extract::Path<ProductId>, Fields)>,
) -> Answer<(Flash, String)> {
    let id = auth.input.0.0;
    let action = ProductAction::parse(auth.input.1.text("action")).ok_or_else(ApiError::not_found)?;
    let page = format!("{LIST}/{id}");
    match product_act(&auth.state.db, &auth.grant, id, action).await {
        Ok(()) if action == ProductAction::Delete => Ok((Flash::success("goods.deleted"), LIST.to_owned())),
        Ok(()) if action == ProductAction::PutOnSale => Ok((Flash::success("goods.put_on_sale_done"), page)),
        Ok(()) => Ok((Flash::success("goods.taken_off_sale_done"), page)),
        Err(error) if error.code() == qianpu_domain::error::ErrorCode::NotFound => Err(error),
        Err(error) if error.errors().is_empty() && error.code().status() < 500 => {
            Ok((Flash::failure("goods.wrong_state"), page))
        }
        Err(error) if error.code().status() < 500 => Ok((Flash::failure("goods.category_not_open"), page)),
        Err(error) => Err(error),
    }
}
