//! One listing: where it stands, what the platform says, and our stock beside the channel's.

use super::HOME;
use super::list::behind;
use crate::app::listings::{self, Publish};
use crate::app::promotions::discounts::{Shown, ShownSku};
use crate::error::ApiError;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ListingId;
use qianpu_domain::listing::ListingState;
use qianpu_domain::money::Fen;
use qianpu_domain::promotion::DiscountState;
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/listings/{listing_id}", listing_page);
    pages.post("/console/merchant/listings/{listing_id}/publish", publish_again_form);
    pages.post("/console/merchant/listings/{listing_id}/delist", delist_form);
    pages.post("/console/merchant/listings/{listing_id}/refresh", refresh_form);
}

#[derive(Serialize)]
struct ListingView {
    id: String,
    title: String,
    product_id: String,
    account: String,
    account_id: String,
    state: &'static str,
    reason: Option<String>,
    behind: bool,
    product_version: i64,
    sent_version: Option<i64>,
    listed_version: Option<i64>,
    native_product_id: Option<String>,
    native_state: Option<String>,
    category_path: String,
    brand: Option<String>,
    /// It may have a brand.
    brands: bool,
    /// What the platform refused is its brand, or that it has none.
    brand_refused: bool,
    warnings: Vec<String>,
    updated_at: i64,
    skus: Vec<SkuLine>,
    may_write: bool,
    may_publish: bool,
    may_delist: bool,
    may_refresh: bool,
    seen_title: Option<String>,
    seen_at: Option<i64>,
    drifted: bool,
    discount: Option<DiscountNote>,
}

#[derive(Serialize)]
struct DiscountNote {
    href: String,
    running: bool,
    starts_at: i64,
    ends_at: i64,
    prices: Vec<DiscountPrice>,
}

#[derive(Serialize)]
struct DiscountPrice {
    values: String,
    price: i64,
    quantity: i64,
}

fn discount_note(shown: Shown) -> DiscountNote {
    let price = |sku: ShownSku| DiscountPrice {
        values: sku.values.join(" / "),
        price: sku.price.get(),
        quantity: sku.quantity,
    };
    DiscountNote {
        href: format!("/console/merchant/channel_accounts/{}/discounts", shown.row.account),
        running: shown.state == DiscountState::Running,
        starts_at: shown.row.terms.starts_at.micros(),
        ends_at: shown.row.terms.ends_at.micros(),
        prices: shown.skus.into_iter().map(price).collect(),
    }
}

#[derive(Serialize)]
struct SkuLine {
    values: String,
    native_sku_id: Option<String>,
    wanted_stock: i64,
    pushed_stock: Option<i64>,
    differs: bool,
    pushed_at: Option<i64>,
    /// What buyers saw there when it was read last.
    seen_price: Option<i64>,
    seen_stock: Option<i64>,
    error: Option<String>,
}

/// Whether a refusal speaks of the brand. No document tells numbers of such refusals, so the words decide; nothing but a hint
/// hangs on it.
fn names_the_brand(words: &str) -> bool {
    ["brand", "品牌"].iter().any(|word| words.contains(word))
}

async fn listing_page(auth: Authed<perm::ListingRead, Path<ListingId>>) -> PageAnswer {
    let detail = listings::get(&auth.state, &auth.grant, auth.input.0).await?;
    let row = &detail.row;
    let state = row.listing.state;
    let newer = row.listing.sent_version != Some(detail.product.version);
    let reading = detail.reading.as_ref();
    let seen = |sku| reading.and_then(|reading| reading.shown.skus.iter().find(|there| there.sku == sku));
    let skus = detail.skus.iter().map(|drift| SkuLine {
        values: drift.values.join(" / "),
        native_sku_id: drift.sku.native_sku_id.clone(),
        wanted_stock: drift.wanted_stock,
        pushed_stock: drift.sku.pushed_stock,
        differs: drift.sku.pushed_stock != Some(drift.wanted_stock),
        pushed_at: drift.sku.pushed_at.map(|at| at.micros()),
        seen_price: seen(drift.sku.sku).and_then(|there| there.price).map(Fen::get),
        seen_stock: seen(drift.sku.sku).and_then(|there| there.stock),
        error: drift.sku.error_text.clone(),
    });
    let view = ListingView {
        id: row.id.to_string(),
        title: detail.product.title.clone(),
        product_id: row.product.to_string(),
        account: detail.account_name.clone(),
        account_id: row.account.to_string(),
        state: state.as_str(),
        reason: row.listing.reason.clone(),
        behind: behind(row) || (newer && state == ListingState::Listed),
        product_version: detail.product.version,
        sent_version: row.listing.sent_version,
        listed_version: row.listing.listed_version,
        native_product_id: row.native_product_id.clone(),
        native_state: row.native_state.clone(),
        category_path: row.category_path.join(" / "),
        brand: row.brand.as_ref().map(|brand| brand.name.clone()),
        brands: detail.brands,
        brand_refused: detail.brands
            && state == ListingState::Refused
            && row.listing.reason.as_deref().is_some_and(names_the_brand),
        warnings: row.warnings.clone(),
        updated_at: row.updated_at.micros(),
        skus: skus.collect(),
        may_write: auth.caller.may(Permission::ListingWrite),
        may_publish: newer || matches!(state, ListingState::Refused | ListingState::Delisted),
        may_delist: matches!(state, ListingState::Listed | ListingState::InAudit | ListingState::Queued),
        may_refresh: row.native_product_id.is_some(),
        seen_title: reading.and_then(|reading| reading.shown.title.clone()),
        seen_at: reading.map(|reading| reading.read_at.micros()),
        drifted: reading.is_some_and(|reading| reading.differences > 0),
        discount: detail
            .discount
            .clone()
            .filter(|_| auth.caller.may(Permission::PromotionRead))
            .map(discount_note),
    };
    auth.page("listings/listing", view)
}

fn address(id: ListingId) -> String {
    format!("{HOME}/{id}")
}

/// A refusal becomes a message on the listing's page; what is not there stays not there.
fn said<T>(
    auth: &Authed<perm::ListingWrite, T>,
    id: ListingId,
    good: &'static str,
    outcome: Result<(), ApiError>,
) -> PageAnswer {
    let flash = match outcome {
        Ok(()) => Flash::success(good),
        Err(error) if error.code().status() == 404 || error.code().status() >= 500 => return Err(error),
        Err(error) => {
            let why = auth.info.lang.pick(error.code().title_zh(), error.code().title_en());
            Flash::failure("listings.refused").with("why", why)
        }
    };
    Ok(auth.redirect_with(&flash, &address(id)))
}

async fn publish_again_form(auth: Authed<perm::ListingWrite, (Path<ListingId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let read = auth.caller.grant::<perm::ListingRead>()?;
    let row = listings::get(&auth.state, &read, *id).await?.row;
    let command = Publish::as_before(row.product, row.account);
    let outcome = listings::publish(&auth.state, &auth.grant, &command).await.map(drop);
    said(&auth, *id, "listings.queued", outcome)
}

async fn delist_form(auth: Authed<perm::ListingWrite, (Path<ListingId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let outcome = listings::delist(&auth.state, &auth.grant, *id).await.map(drop);
    said(&auth, *id, "listings.delist_queued", outcome)
}

async fn refresh_form(auth: Authed<perm::ListingWrite, (Path<ListingId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let outcome = listings::refresh(&auth.state, &auth.grant, *id).await;
    said(&auth, *id, "listings.refresh_queued", outcome)
}
