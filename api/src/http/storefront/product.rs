//! The page of a product. It shows where the product can be bought, and only what is true: a channel is
//! named when the product is on sale there now.

use super::{PictureView, Share, ShopView, absolute, json_text, notice, visit_or_say};
use crate::app::products::SkuDetail;
use crate::app::storefront::{self, ShopProduct, Visit};
use crate::http::extract::{Call, Open, Path2};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use actix_web::http::StatusCode;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ProductId;
use qianpu_domain::money::Fen;
use serde::Serialize;
use serde_json::{Value, json};

/// From how many pieces on the exact number is nobody's business.
const PLENTY: i64 = 10;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/s/{slug}/p/{product_id}", storefront_product);
}

#[derive(Serialize)]
struct SkuView {
    label: String,
    price: i64,
    market_price: Option<i64>,
    /// `plenty`, `few` or `none`.
    stock: &'static str,
    left: i64,
}

#[derive(Serialize)]
struct SoldAt {
    kind: &'static str,
    name: String,
}

#[derive(Serialize)]
struct ProductView {
    shop: ShopView,
    share: Share,
    title: String,
    subtitle: String,
    price: i64,
    price_max: i64,
    one_price: bool,
    market_price: Option<i64>,
    pictures: Vec<PictureView>,
    several_pictures: bool,
    paragraphs: Vec<String>,
    skus: Vec<SkuView>,
    several_skus: bool,
    spec_names: String,
    stock: &'static str,
    left: i64,
    sold: i64,
    sold_at: Vec<SoldAt>,
}

async fn storefront_product(open: Open<Path2<String, String>>) -> PageAnswer {
    let Path2(slug, id) = &open.input;
    let visit = match visit_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let found = match id.parse::<ProductId>() {
        Ok(id) => storefront::product(&open.state, &visit, id).await,
        Err(_) => return notice(&open.call, Some(&visit), "no_product", StatusCode::NOT_FOUND),
    };
    match found {
        Ok(found) => open.page("storefront/product", view(&open.call, &visit, found)),
        Err(error) if error.code() == ErrorCode::NotFound => {
            notice(&open.call, Some(&visit), "no_product", StatusCode::NOT_FOUND)
        }
        Err(error) => Err(error),
    }
}

fn stock_word(available: i64) -> &'static str {
    match available {
        i64::MIN..=0 => "none",
        1..=PLENTY => "few",
        _ => "plenty",
    }
}

fn view(call: &Call, visit: &Visit, found: ShopProduct) -> ProductView {
    let ShopProduct { product, pictures, sizes, skus, sold_at } = found;
    let lang = call.info.lang;
    let front = &visit.front;
    let path = format!("{front}/p/{}", product.id);
    let pictures: Vec<PictureView> =
        pictures.into_iter().map(|id| PictureView::of(front, id, &sizes)).collect();
    let prices = || skus.iter().map(|detail| detail.sku.price.get());
    let (low, high) = (prices().min().unwrap_or(0), prices().max().unwrap_or(0));
    let left: i64 = skus.iter().map(|detail| detail.level.available()).sum();
    let sold: i64 = skus.iter().map(|detail| detail.level.sold).sum();
    let market_price = match skus.as_slice() {
        [only] => only.sku.market_price.map(Fen::get),
        _ => None,
    };
    let about = if product.subtitle.is_empty() { &product.description } else { &product.subtitle };
    let about: String = about.lines().next().unwrap_or_default().chars().take(120).collect();
    let mut share = Share::new(call, product.title.clone(), about, &path);
    share.kind = "product";
    share.picture = pictures.first().map(|picture| absolute(call, &picture.address));
    let all: Vec<String> = pictures.iter().map(|picture| absolute(call, &picture.address)).collect();
    share.json_ld = json_text(&structured(&product.title, &share, all, low, high, left, skus.len()));
    let names: Vec<&str> = product.specifications.iter().map(|spec| spec.name.as_str()).collect();
    ProductView {
        shop: ShopView::of(visit),
        share,
        subtitle: product.subtitle,
        price: low,
        price_max: high,
        one_price: low == high,
        market_price,
        several_pictures: pictures.len() > 1,
        pictures,
        paragraphs: product.description.lines().map(str::to_owned).collect(),
        several_skus: skus.len() > 1,
        spec_names: names.join(" / "),
        skus: skus.into_iter().map(sku_view).collect(),
        stock: stock_word(left),
        left,
        sold,
        sold_at: sold_at
            .into_iter()
            .map(|place| SoldAt { kind: lang.pick(place.kind_zh, place.kind_en), name: place.name })
            .collect(),
        title: product.title,
    }
}

fn sku_view(detail: SkuDetail) -> SkuView {
    let left = detail.level.available();
    SkuView {
        label: detail.sku.values.join(" / "),
        price: detail.sku.price.get(),
        market_price: detail.sku.market_price.map(Fen::get),
        stock: stock_word(left),
        left,
    }
}

/// What search engines read (schema.org).
fn structured(
    title: &str,
    share: &Share,
    pictures: Vec<String>,
    low: i64,
    high: i64,
    left: i64,
    offers: usize,
) -> Value {
    let yuan = |fen: i64| format!("{}.{:02}", fen / 100, fen % 100);
    let availability = if left > 0 { "https://schema.org/InStock" } else { "https://schema.org/OutOfStock" };
    json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": title,
        "description": share.description,
        "image": pictures,
        "url": share.address,
        "offers": {
            "@type": "AggregateOffer",
            "priceCurrency": "CNY",
            "lowPrice": yuan(low),
            "highPrice": yuan(high),
            "offerCount": offers,
            "availability": availability,
        },
    })
}
