//! Publishing one product on several accounts: choose, send, and see the result for each.

use crate::app::channels::accounts::{self, category_path};
use crate::app::listings::{self, Publish};
use crate::app::listings::{brand, mapping};
use crate::app::products::product_read;
use crate::app::qualifications;
use crate::error::{Answer, ApiError};
use crate::http::console::channels::words;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::FormView;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use futures_util::{StreamExt, stream};
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ProductId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::{ListingBrand, ListingFilter, ListingRow};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/products/{product_id}/publish", publish_page);
    pages.post("/console/merchant/products/{product_id}/publish", publish_form);
}

/// Accounts whose platforms are asked about brands side by side.
const AT_ONCE: usize = 20;
/// How long the form waits for the brands of all its accounts together. Those that are not known by then are told of.
const BRANDS_WITHIN: Duration = Duration::from_secs(6);

/// The field of a channel's category: each platform has categories of its own.
fn category_field(channel: &str) -> String {
    format!("category_{channel}")
}

/// The field of an account's brand.
fn brand_field(account: &str) -> String {
    format!("brand_{account}")
}

#[derive(Serialize)]
struct BrandChoice {
    value: String,
    label: String,
}

/// The category on one channel.
#[derive(Serialize)]
struct Category {
    field: String,
    channel: String,
}

#[derive(Serialize)]
struct PublishView {
    product_id: String,
    title: String,
    on_sale: bool,
    targets: Vec<Target>,
    categories: Vec<Category>,
    form: FormView,
}

/// Whether a listing is not on its way and not on sale.
fn off(row: &ListingRow) -> bool {
    matches!(row.listing.state, ListingState::Refused | ListingState::Delisted)
}

#[derive(Serialize)]
struct Target {
    id: String,
    name: String,
    kind: String,
    category_field: String,
    state: &'static str,
    usable: bool,
    /// State of the listing there, if there is one.
    listing: Option<&'static str>,
    listing_id: Option<String>,
    checked: bool,
    brand_field: String,
    /// Brands that can be chosen; empty where the account has none.
    brands: Vec<BrandChoice>,
    /// Why the brands could not be read; the one of before stays.
    brands_trouble: Option<String>,
}

/// Brands of accounts, or why they are not known now.
type Offered = BTreeMap<ChannelAccountId, Result<Vec<ListingBrand>, String>>;

/// Asks for the brands of these accounts.
async fn offered<T>(
    auth: &Authed<perm::ListingWrite, T>,
    read: &Grant<perm::AccountRead>,
    of: Vec<ChannelAccountId>,
) -> Offered {
    let late = || auth.state.pages.catalogue().say(auth.info.lang, "listings.brands_late", []);
    let until = tokio::time::Instant::now() + BRANDS_WITHIN;
    let ask = async |id: ChannelAccountId| {
        let asked = tokio::time::timeout_at(until, brand::offered(&auth.state, read, id)).await;
        let told = match asked {
            Ok(found) => found.map_err(|error| why(auth, &error, auth.info.lang)),
            Err(_) => Err(late()),
        };
        (id, told)
    };
    stream::iter(of.into_iter().map(ask)).buffer_unordered(AT_ONCE).collect().await
}

/// What is wrong, with the platform's own words where it has spoken.
fn why<T>(auth: &Authed<perm::ListingWrite, T>, error: &ApiError, lang: Lang) -> String {
    let title = lang.pick(error.code().title_zh(), error.code().title_en());
    match (error.errors().first(), error.detail()) {
        (Some(field), _) => lang.pick(&field.message_zh, &field.message_en).to_owned(),
        (None, Some(detail)) => format!("{title} · {}", auth.state.pages.catalogue().text(lang, detail)),
        (None, None) => title.to_owned(),
    }
}

/// What a select offers: brands of the platform now, and the one of before where it is not among them any more.
fn choices(
    offered: Vec<ListingBrand>,
    before: Option<&ListingBrand>,
    gone: impl Fn(&str) -> String,
) -> Vec<BrandChoice> {
    let lost = before.filter(|one| !offered.iter().any(|brand| brand.id == one.id));
    let lost = lost.map(|brand| BrandChoice { value: brand.id.clone(), label: gone(&brand.name) });
    let there = offered.into_iter().map(|brand| BrandChoice { value: brand.id, label: brand.name });
    there.chain(lost).collect()
}

/// A form that was refused, and the accounts that were chosen in it.
type Refused<'a> = (FormView, &'a [ChannelAccountId]);

/// What the form shows. The platforms are asked for brands where somebody is to choose.
async fn view<T>(
    auth: &Authed<perm::ListingWrite, T>,
    id: ProductId,
    refused: Option<Refused<'_>>,
    with_brands: bool,
) -> Answer<PublishView> {
    let lang = auth.info.lang;
    let products = auth.caller.grant::<perm::ProductRead>()?;
    let product = product_read(&auth.state.db, &products, id).await?.product;
    let read = auth.caller.grant::<perm::AccountRead>()?;
    let found = accounts::list(&auth.state, &read, None, PageRequest::first(100)).await?;
    let listed = auth.caller.grant::<perm::ListingRead>()?;
    let filter = ListingFilter { product: Some(id), ..ListingFilter::default() };
    let known = listings::list(&auth.state, &listed, filter, PageRequest::first(100)).await?.items;
    let branded = found.items.iter().map(|one| &one.account);
    let branded = branded.filter(|account| account.state.usable() && qualifications::possible(account));
    let asked = if with_brands { branded.map(|account| account.id).collect() } else { Vec::new() };
    let mut brands = offered(auth, &read, asked).await;
    let gone = |name: &str| auth.state.pages.catalogue().say(lang, "listings.brand_gone", [("brand", name)]);
    let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut targets = Vec::new();
    let mut filled = Vec::new();
    for one in found.items {
        let account = one.account;
        let sells = qianpu_host::find(&account.channel).is_some_and(|channel| channel.catalog().is_some());
        if !sells || !account.state.counts() {
            continue;
        }
        let listing = known.iter().find(|row| row.account == account.id);
        if paths.get(&account.channel).is_none_or(Vec::is_empty) {
            let mut path = listing.map(|row| row.category_path.clone()).unwrap_or_default();
            if let Some(category) = product.category.filter(|_| path.is_empty()) {
                path = mapping::remembered(&auth.state, &listed, &account.channel, category).await?;
            }
            if path.is_empty() {
                path = category_path(&account);
            }
            paths.insert(account.channel.clone(), path);
        }
        let before = listing.and_then(|row| row.brand.as_ref());
        let field = brand_field(&account.id.to_string());
        filled.push((field.clone(), before.map(|brand| brand.id.clone()).unwrap_or_default()));
        let (brands, brands_trouble) = match brands.remove(&account.id) {
            Some(Ok(found)) => (choices(found, before, gone), None),
            Some(Err(why)) => (Vec::new(), Some(why)),
            None => (Vec::new(), None),
        };
        targets.push(Target {
            brand_field: field,
            brands,
            brands_trouble,
            id: account.id.to_string(),
            kind: words::kind(&account.kind, lang),
            category_field: category_field(&account.channel),
            state: account.state.as_str(),
            usable: account.state.usable(),
            listing: listing.map(|row| row.listing.state.as_str()),
            listing_id: listing.map(|row| row.id.to_string()),
            checked: account.state.usable()
                && match &refused {
                    Some((_, chosen)) => chosen.contains(&account.id),
                    None => listing.is_none_or(off),
                },
            name: account.name,
        });
    }
    let mut categories = Vec::with_capacity(paths.len());
    for (channel, path) in paths {
        let field = category_field(&channel);
        filled.push((field.clone(), path.join(" / ")));
        categories.push(Category { field, channel: words::channel(&channel, lang) });
    }
    let form = refused.map_or_else(|| FormView::filled(filled), |(form, _)| form);
    let on_sale = product.state == ProductState::OnSale;
    Ok(PublishView { product_id: id.to_string(), title: product.title, on_sale, targets, categories, form })
}

async fn publish_page(auth: Authed<perm::ListingWrite, Path<ProductId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, None, true).await?;
    auth.page("listings/publish", view)
}

#[derive(Serialize)]
struct ResultsView {
    product_id: String,
    title: String,
    results: Vec<TargetResult>,
    done: usize,
    refused: usize,
}

#[derive(Serialize)]
struct TargetResult {
    name: String,
    kind: String,
    /// State of the listing; none when it was refused.
    state: Option<&'static str>,
    listing_id: Option<String>,
    why: Option<String>,
}

async fn publish_form(auth: Authed<perm::ListingWrite, (Path<ProductId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let lang = auth.info.lang;
    let wanted: Vec<ChannelAccountId> =
        fields.all("account").filter_map(|text| text.parse().ok()).take(100).collect();
    if wanted.is_empty() {
        let error = FieldError::new("", "required", "choose at least one account", "请至少选择一个账号");
        let form = FormView::refused(fields, &[error], lang);
        let view = view(&auth, *id, Some((form, &wanted)), true).await?;
        return auth.refused_page("listings/publish", view);
    }
    let mut brands = BTreeMap::new();
    let mut wrong = Vec::new();
    // An account without the field was not asked or did not answer: it keeps the brand of before.
    let typed = wanted.iter().filter_map(|account| {
        let field = brand_field(&account.to_string());
        let typed = fields.all(&field).next()?.to_owned();
        Some((*account, field, typed))
    });
    let check = async |(account, field, typed): (ChannelAccountId, String, String)| {
        (account, field, brand::choose(&auth.state, &auth.grant, account, &typed).await)
    };
    let checked: Vec<_> = stream::iter(typed.map(check)).buffered(AT_ONCE).collect().await;
    for (account, field, brand) in checked {
        match brand {
            Ok(brand) => {
                brands.insert(account, brand);
            }
            Err(error) if (409..=504).contains(&error.code().status()) => {
                let (en, zh) = (why(&auth, &error, Lang::En), why(&auth, &error, Lang::Zh));
                wrong.push(FieldError::new(field, error.code().as_str(), en, zh));
            }
            Err(error) => return Err(error),
        }
    }
    if !wrong.is_empty() {
        let form = FormView::refused(fields, &wrong, lang);
        let view = view(&auth, *id, Some((form, &wanted)), true).await?;
        return auth.refused_page("listings/publish", view);
    }
    let shown = view(&auth, *id, None, false).await?;
    let mut results = Vec::new();
    for account in wanted {
        let target = shown.targets.iter().find(|target| target.id == account.to_string());
        // Left empty, it is what was chosen before, or the account's own.
        let typed = target.map(|one| fields.text(&one.category_field)).unwrap_or_default();
        let command = Publish {
            product: *id,
            account,
            category_path: Some(crate::http::console::channels::read_path(typed))
                .filter(|path| !path.is_empty()),
            attributes: None,
            brand: brands.remove(&account),
        };
        let (name, kind) = target.map(|one| (one.name.clone(), one.kind.clone())).unwrap_or_default();
        let result = match listings::publish(&auth.state, &auth.grant, &command).await {
            Ok(row) => TargetResult {
                name,
                kind,
                state: Some(row.listing.state.as_str()),
                listing_id: Some(row.id.to_string()),
                why: None,
            },
            Err(error) if error.code().status() < 500 => {
                let why = Some(why(&auth, &error, lang));
                TargetResult { name, kind, state: None, listing_id: None, why }
            }
            Err(error) => return Err(error),
        };
        results.push(result);
    }
    let refused = results.iter().filter(|result| result.why.is_some()).count();
    let done = results.len() - refused;
    let view = ResultsView { product_id: shown.product_id, title: shown.title, results, done, refused };
    auth.page("listings/results", view)
}
