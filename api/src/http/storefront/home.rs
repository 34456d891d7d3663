//! The shop's home: who it is, and what it sells.

use super::{PictureView, Share, ShopView, json_text, visit_or_say};
use crate::app::products::ProductSummary;
use crate::app::storefront::{self, Sizes};
use crate::http::extract::{Open, Path, Query};
use crate::http::host::AtHost;
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/s/{slug}", storefront_slash);
    pages.get("/s/{slug}/", storefront_home);
}

#[derive(Debug, Deserialize, IntoParams)]
struct HomeQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Card {
    href: String,
    title: String,
    price: i64,
    one_price: bool,
    picture: Option<PictureView>,
    sold_out: bool,
    sold: i64,
}

#[derive(Serialize)]
struct HomeView {
    shop: ShopView,
    share: Share,
    cards: Vec<Card>,
    next_page: Option<String>,
    first_page: bool,
}

async fn storefront_slash(open: Open<Path<String>>) -> PageAnswer {
    let slug: String = url::form_urlencoded::byte_serialize(open.input.0.as_bytes()).collect();
    // At its own host the shop stands at the root.
    let front = match AtHost::of(&open.request) {
        Some(AtHost::Shop { .. }) => String::new(),
        _ => format!("/s/{slug}"),
    };
    Ok(open.redirect(&format!("{front}/")))
}

async fn storefront_home(open: Open<(Path<String>, Query<HomeQuery>)>) -> PageAnswer {
    let (Path(slug), Query(query)) = &open.input;
    let visit = match visit_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let page = page_request(Some(24), query.cursor.as_deref())?;
    let (goods, sizes) = storefront::goods(&open.state, &visit, page).await?;
    let front = &visit.front;
    let home = format!("{front}/");
    let name = visit.shop.name.clone();
    let mut share = Share::new(&open.call, name.clone(), visit.shop.notice.clone(), &home);
    share.json_ld = json_text(&json!({
        "@context": "https://schema.org", "@type": "Store", "name": name, "url": share.address,
    }));
    let cards: Vec<Card> = goods.items.into_iter().map(|item| card(front, item, &sizes)).collect();
    share.picture = cards
        .iter()
        .find_map(|card| card.picture.as_ref())
        .map(|it| super::absolute(&open.call, &it.address));
    let view = HomeView {
        next_page: goods.next.map(|cursor| format!("{home}?cursor={}", cursor_text(&cursor))),
        first_page: query.cursor.is_none(),
        shop: ShopView::of(&visit),
        share,
        cards,
    };
    open.page("storefront/home", view)
}

fn card(front: &str, item: ProductSummary, sizes: &Sizes) -> Card {
    let ProductSummary { product, cover, totals } = item;
    Card {
        href: format!("{front}/p/{}", product.id),
        title: product.title,
        price: totals.price_min.get(),
        one_price: totals.price_min == totals.price_max,
        picture: cover.map(|id| PictureView::of(front, id, sizes)),
        sold_out: totals.available() <= 0,
        sold: totals.sold,
    }
}
