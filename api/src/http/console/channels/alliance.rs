//! The alliance of a shop: its promoters and whom it shuts out, its products. The platform is asked when a page is opened, and
//! only for what is looked at.

use super::accounts::HOME;
use crate::app::channels::alliance::{self, Here};
use crate::error::{Answer, ApiError};
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Fields, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{CommissionShare, PromoterSales};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let at = "/console/merchant/channel_accounts/{channel_account_id}/alliance";
    let one = format!("{at}/promoters/{{promoter}}");
    pages.get(at, alliance_page);
    pages.get(&one, promoter_page);
    pages.post(&format!("{one}/block"), block_promoter_form);
    pages.post(&format!("{one}/let_back"), let_promoter_back_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct AlliancePartQuery {
    /// `products`; otherwise the promoters.
    part: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct AllianceListQuery {
    pub(super) cursor: Option<String>,
}

pub(super) fn in_path(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

pub(super) fn base(id: ChannelAccountId) -> String {
    format!("{HOME}/{id}/alliance")
}

pub(super) fn promoter_at(id: ChannelAccountId, promoter: &str) -> String {
    format!("{}/promoters/{}", base(id), in_path(promoter))
}

pub(super) fn product_at(id: ChannelAccountId, product: &str) -> String {
    format!("{}/products/{}", base(id), in_path(product))
}

pub(super) fn listing_at(here: Option<&Here>) -> Option<String> {
    here.map(|here| format!("/console/merchant/listings/{}", here.listing))
}

pub(super) fn wanted(cursor: Option<&str>) -> Option<&str> {
    cursor.filter(|cursor| !cursor.is_empty())
}

pub(super) fn goes_on(at: &str, part: Option<&str>, next: Option<String>) -> Option<String> {
    next.map(|cursor| {
        let part = part.map(|part| ("part", part));
        let pairs: Vec<(&str, &str)> = part.into_iter().chain([("cursor", cursor.as_str())]).collect();
        format!("{at}?{}", query_of(&pairs))
    })
}

/// What goes wrong at the platform, or on the way there, is said on the page.
pub(super) fn told<P: Perm, T, V>(
    auth: &Authed<P, T>,
    trouble: &mut Option<String>,
    answer: Answer<V>,
) -> Answer<Option<V>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if said_on_page(&error) => {
            *trouble = Some(auth.state.pages.catalogue().told(auth.info.lang, &error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn said_on_page(error: &ApiError) -> bool {
    error.code().status() >= 409 && error.code() != ErrorCode::Internal
}

/// What was wanted and is not certain, or was refused.
pub(super) fn failure<P: Perm, T>(auth: &Authed<P, T>, error: &ApiError) -> Flash {
    let why = auth.state.pages.catalogue().told(auth.info.lang, error);
    let unsure = matches!(error.code(), ErrorCode::PromoterInDoubt | ErrorCode::PromotionPlanInDoubt);
    Flash::failure(if unsure { "alliance.in_doubt" } else { "alliance.failed" }).with("why", why)
}

/// Whether the caller may change what the alliance of this account says.
pub(super) fn manages<P: Perm, T>(auth: &Authed<P, T>, account: &ChannelAccount) -> bool {
    auth.caller.grant::<perm::PromotionManage>().is_ok_and(|grant| grant.covers_shop(account.shop))
}

#[derive(Serialize)]
struct Tab {
    name: &'static str,
    href: String,
    current: bool,
}

/// A promoter of a list.
#[derive(Serialize)]
pub(super) struct PromoterRow {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) href: String,
    pub(super) share: Option<Share>,
    pub(super) native_state: Option<String>,
}

/// A part of a price; without a percentage it is shown as the platform counts it.
#[derive(Serialize)]
pub(super) struct Share {
    percent: Option<String>,
    parts: i64,
    of: i64,
}

impl From<CommissionShare> for Share {
    fn from(share: CommissionShare) -> Self {
        Self { percent: share.percent(), parts: share.parts, of: share.of }
    }
}

#[derive(Serialize)]
struct ProductRow {
    id: String,
    title: Option<String>,
    href: String,
    listing_href: Option<String>,
}

#[derive(Serialize)]
struct AllianceView {
    back: String,
    account: String,
    part: &'static str,
    tabs: Vec<Tab>,
    trouble: Option<String>,
    asked: bool,
    promoters: Vec<PromoterRow>,
    products: Vec<ProductRow>,
    /// Where a product is put into it, for whoever may.
    add_href: Option<String>,
    next_page: Option<String>,
}

async fn alliance_page(
    auth: Authed<perm::PromotionRead, (Path<ChannelAccountId>, Query<AlliancePartQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let account = alliance::account(&auth.state, &auth.grant, *id).await?;
    let part = if query.part.as_deref() == Some("products") { "products" } else { "promoters" };
    let at = base(*id);
    let tab = |name| Tab { name, href: format!("{at}?part={name}"), current: name == part };
    let add_href = manages(&auth, &account).then(|| format!("{at}/add"));
    let mut view = AllianceView {
        back: format!("{HOME}/{id}"),
        account: account.name,
        part,
        tabs: ["promoters", "products"].map(tab).into(),
        trouble: None,
        asked: false,
        promoters: Vec::new(),
        products: Vec::new(),
        add_href,
        next_page: None,
    };
    let cursor = wanted(query.cursor.as_deref());
    if part == "products" {
        let found = alliance::products(&auth.state, &auth.grant, *id, cursor).await;
        if let Some(page) = told(&auth, &mut view.trouble, found)? {
            view.asked = true;
            view.next_page = goes_on(&at, Some(part), page.next_cursor);
            let row = |one: alliance::Shown<String>| ProductRow {
                href: product_at(*id, &one.it),
                listing_href: listing_at(one.here.as_ref()),
                title: one.here.map(|here| here.title),
                id: one.it,
            };
            view.products = page.items.into_iter().map(row).collect();
        }
    } else {
        let found = alliance::promoters(&auth.state, &auth.grant, *id, cursor).await;
        if let Some(page) = told(&auth, &mut view.trouble, found)? {
            view.asked = true;
            view.next_page = goes_on(&at, Some(part), page.next_cursor);
            let row = |one: qianpu_sdk::PromoterName| PromoterRow {
                href: promoter_at(*id, &one.id),
                id: one.id,
                name: one.name,
                share: None,
                native_state: None,
            };
            view.promoters = page.items.into_iter().map(row).collect();
        }
    }
    auth.page("channels/alliance", view)
}

/// A figure; without a number it was not told.
#[derive(Serialize)]
struct Cell {
    name: &'static str,
    fen: bool,
    number: Option<i64>,
}

fn cells(sales: &PromoterSales, own: bool) -> Vec<Cell> {
    let fen = |name, number: Option<qianpu_domain::money::Fen>| Cell {
        name,
        fen: true,
        number: number.map(|fen| fen.get()),
    };
    let count = |name, number| Cell { name, fen: false, number };
    let mut cells = vec![
        fen("total", sales.total),
        fen("recent", sales.recent),
        count("orders", sales.orders),
        count("recent_orders", sales.recent_orders),
    ];
    if own {
        cells.push(count("recent_products", sales.recent_products));
        cells.push(count("window_products", sales.window_products));
    }
    cells
}

#[derive(Serialize)]
struct PromotedRow {
    id: String,
    title: Option<String>,
    href: String,
    listing_href: Option<String>,
    share: Option<Share>,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct PromoterView {
    back: String,
    at: String,
    id: String,
    heading: String,
    trouble: Option<String>,
    asked: bool,
    level: Option<i64>,
    blocked: Option<bool>,
    shut_out: bool,
    may_block: bool,
    may_let_back: bool,
    cells: Vec<Cell>,
    /// Why the products could not be read.
    products_trouble: Option<String>,
    products: Vec<PromotedRow>,
    next_page: Option<String>,
}

async fn promoter_page(
    auth: Authed<perm::PromotionRead, (Path2<ChannelAccountId, String>, Query<AllianceListQuery>)>,
) -> PageAnswer {
    let (Path2(id, promoter), Query(query)) = &auth.input;
    let account = alliance::account(&auth.state, &auth.grant, *id).await?;
    let manages = manages(&auth, &account);
    let mut view = PromoterView {
        back: base(*id),
        at: promoter_at(*id, promoter),
        id: promoter.clone(),
        heading: promoter.clone(),
        trouble: None,
        asked: false,
        level: None,
        blocked: None,
        shut_out: false,
        may_block: false,
        may_let_back: false,
        cells: Vec::new(),
        products_trouble: None,
        products: Vec::new(),
        next_page: None,
    };
    let found = alliance::promoter(&auth.state, &auth.grant, *id, promoter).await;
    if let Some(found) = told(&auth, &mut view.trouble, found)? {
        view.asked = true;
        view.heading = found.name.unwrap_or(found.id);
        view.level = found.level;
        view.blocked = found.blocked;
        view.shut_out = found.blocked == Some(true);
        // Where the platform does not say which it is, both can be asked for.
        view.may_block = manages && found.blocked != Some(true);
        view.may_let_back = manages && found.blocked != Some(false);
        view.cells = cells(&found.sales, true);
        let cursor = wanted(query.cursor.as_deref());
        let products = alliance::promoted(&auth.state, &auth.grant, *id, promoter, cursor).await;
        if let Some(page) = told(&auth, &mut view.products_trouble, products)? {
            view.next_page = goes_on(&view.at, None, page.next_cursor);
            let row = |one: alliance::Shown<qianpu_sdk::PromotedProduct>| PromotedRow {
                href: product_at(*id, &one.it.product_id),
                listing_href: listing_at(one.here.as_ref()),
                title: one.here.map(|here| here.title),
                share: one.it.commission.map(Into::into),
                cells: cells(&one.it.sales, false),
                id: one.it.product_id,
            };
            view.products = page.items.into_iter().map(row).collect();
        }
    }
    auth.page("channels/alliance_promoter", view)
}

type Blocking = Authed<perm::PromotionManage, (Path2<ChannelAccountId, String>, Fields)>;

/// Back to the promoter, who is read again there, with what came of it.
async fn after(auth: &Blocking, blocked: bool) -> PageAnswer {
    let (Path2(id, promoter), _) = &auth.input;
    let flash = match alliance::block(&auth.state, &auth.grant, *id, promoter, blocked).await {
        Ok(_) if blocked => Flash::success("alliance.blocked_done"),
        Ok(_) => Flash::success("alliance.let_back_done"),
        Err(error) if said_on_page(&error) => failure(auth, &error),
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &promoter_at(*id, promoter)))
}

async fn block_promoter_form(auth: Blocking) -> PageAnswer {
    after(&auth, true).await
}

async fn let_promoter_back_form(auth: Blocking) -> PageAnswer {
    after(&auth, false).await
}
