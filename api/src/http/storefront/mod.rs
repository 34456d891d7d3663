//! The storefront (H5): the shop's home and its products, server-rendered, phone first, readable without a
//! script. Whatever is not there gets the shop's own page that says so.

mod account;
mod channel;
mod home;
mod product;
mod sign_in;

pub(in crate::http) use sign_in::to_sign_in;

use super::extract::{Call, Open, Path2};
use super::host::AtHost;
use super::route::PageRoutes;
use crate::app::storefront::{self, Sizes, Visit};
use crate::error::{Answer, ApiError};
use crate::pages::respond::{PageAnswer, render};
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::MediaId;
use qianpu_domain::shop::ShopState;
use serde::Serialize;

/// Registers the storefront.
pub fn register(pages: &mut PageRoutes<'_>) {
    home::routes(pages);
    product::routes(pages);
    sign_in::routes(pages);
    account::routes(pages);
    channel::routes(pages);
    pages.get("/s/{slug}/m/{media_id}", storefront_picture);
}

/// The head of every page of a shop.
#[derive(Serialize)]
struct ShopView {
    name: String,
    notice: String,
    home: String,
    account: String,
    initial: String,
}

impl ShopView {
    fn of(visit: &Visit) -> Self {
        let shop = &visit.shop;
        Self {
            name: shop.name.clone(),
            notice: shop.notice.clone(),
            home: format!("{}/", visit.front),
            // Where the buyer's cookie is sent.
            account: format!("/s/{}/account", shop.slug),
            initial: shop.name.chars().next().map(String::from).unwrap_or_default(),
        }
    }
}

fn home_of(slug: &str) -> String {
    format!("/s/{slug}/")
}

/// A picture with its measures, so that nothing jumps while it loads.
#[derive(Serialize)]
struct PictureView {
    address: String,
    width: i64,
    height: i64,
}

impl PictureView {
    fn of(front: &str, id: MediaId, sizes: &Sizes) -> Self {
        let (width, height) = sizes.get(&id).copied().unwrap_or((800, 800));
        Self { address: format!("{front}/m/{id}"), width, height }
    }
}

/// What sharing a page shows, and what search engines read.
#[derive(Serialize)]
struct Share {
    title: String,
    description: String,
    address: String,
    picture: Option<String>,
    /// `website` or `product`.
    kind: &'static str,
    /// Shops that are not open are not found by searching.
    hidden: bool,
    json_ld: String,
}

impl Share {
    fn new(call: &Call, title: String, description: String, path: &str) -> Self {
        Self {
            title,
            description,
            address: absolute(call, path),
            picture: None,
            kind: "website",
            hidden: false,
            json_ld: String::new(),
        }
    }
}

impl Share {
    /// Of a page that is nobody else's business.
    fn hidden(call: &Call, title: String) -> Self {
        Self { hidden: true, ..Self::new(call, title, String::new(), call.request.path()) }
    }
}

fn absolute(call: &Call, path: &str) -> String {
    match AtHost::of(&call.request) {
        Some(AtHost::Shop { base, .. }) => format!("{base}{path}"),
        _ => format!("{}{path}", call.state.config.app.public_url.trim_end_matches('/')),
    }
}

/// JSON inside a script element: nothing in it can end the element.
fn json_text(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[derive(Serialize)]
struct NoticeView {
    shop: Option<ShopView>,
    share: Share,
    /// Key of the heading and of the sentence, `storefront.{what}` and `storefront.{what}_text`.
    what: &'static str,
}

/// A page that only says something.
fn notice(call: &Call, visit: Option<&Visit>, what: &'static str, status: StatusCode) -> PageAnswer {
    let title = visit.map_or_else(|| "千铺".to_owned(), |visit| visit.shop.name.clone());
    let share = Share::hidden(call, title);
    let view = NoticeView { shop: visit.map(ShopView::of), share, what };
    render(call, None, status, "storefront/notice", view)
}

/// The shop of an address; from here on the request is the merchant's.
pub(in crate::http) async fn visit(call: &Call, slug: &str) -> Answer<Visit> {
    let visit = storefront::visit(&call.state, slug, call.request_id()).await?;
    call.belongs_to(visit.ctx());
    Ok(visit)
}

/// The shop, or the page that says why there is nothing to see.
async fn visit_or_say<T>(open: &Open<T>, slug: &str) -> Answer<Result<Visit, HttpResponse>> {
    let mut visit = match visit(open, slug).await {
        Ok(visit) => visit,
        Err(error) if error.code() == ErrorCode::NotFound => {
            return Ok(Err(notice(&open.call, None, "no_shop", StatusCode::NOT_FOUND)?));
        }
        Err(error) => return Err(error),
    };
    if let Some(AtHost::Shop { .. }) = AtHost::of(&open.request) {
        visit.front = String::new();
    }
    let said = match visit.shop.state {
        ShopState::Trading => return Ok(Ok(visit)),
        ShopState::Opened => ("not_open_yet", StatusCode::OK),
        ShopState::Suspended => ("suspended", StatusCode::OK),
        ShopState::Closing | ShopState::Closed => ("closed", StatusCode::GONE),
    };
    Ok(Err(notice(&open.call, Some(&visit), said.0, said.1)?))
}

async fn storefront_picture(open: Open<Path2<String, String>>) -> PageAnswer {
    let Path2(slug, id) = &open.input;
    let id: MediaId = id.parse().map_err(|_| ApiError::not_found())?;
    let visit = visit(&open, slug).await?;
    let tag = format!("\"{id}\"");
    let known = open.request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let (media, bytes) = storefront::picture(&open.state, &visit, id).await?;
    let mut response = super::v1::media_content(&media, bytes);
    if known == Some(tag.as_str()) {
        response = HttpResponse::NotModified().finish();
    }
    let headers = response.headers_mut();
    // The bytes of an id never change; a day, because a product may go off sale.
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=86400"));
    headers.insert(header::ETAG, header::HeaderValue::from_str(&tag).map_err(ApiError::internal)?);
    Ok(response)
}
