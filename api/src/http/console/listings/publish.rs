//! Publishing one product on several accounts: choose, send, and see the result for each.

use crate::app::channels::accounts::{self, category_path};
use crate::app::listings::{self, Publish};
use crate::app::products::product_read;
use crate::error::Answer;
use crate::http::console::channels::words;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ProductId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::{ListingFilter, ListingRow};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/products/{product_id}/publish", publish_page);
    pages.post("/console/merchant/products/{product_id}/publish", publish_form);
}

#[derive(Serialize)]
struct PublishView {
    product_id: String,
    title: String,
    on_sale: bool,
    targets: Vec<Target>,
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
    state: &'static str,
    usable: bool,
    /// State of the listing there, if there is one.
    listing: Option<&'static str>,
    listing_id: Option<String>,
    checked: bool,
}

async fn view<T>(
    auth: &Authed<perm::ListingWrite, T>,
    id: ProductId,
    form: Option<FormView>,
) -> Answer<PublishView> {
    let lang = auth.info.lang;
    let products = auth.caller.grant::<perm::ProductRead>()?;
    let product = product_read(&auth.state.db, &products, id).await?.product;
    let read = auth.caller.grant::<perm::AccountRead>()?;
    let found = accounts::list(&auth.state, &read, None, PageRequest::first(100)).await?;
    let listed = auth.caller.grant::<perm::ListingRead>()?;
    let filter = ListingFilter { product: Some(id), ..ListingFilter::default() };
    let known = listings::list(&auth.state, &listed, filter, PageRequest::first(100)).await?.items;
    let mut path = Vec::new();
    let mut targets = Vec::new();
    for one in found.items {
        let account = one.account;
        let sells = qianpu_host::find(&account.channel).is_some_and(|channel| channel.catalog().is_some());
        if !sells || !account.state.counts() {
            continue;
        }
        let listing = known.iter().find(|row| row.account == account.id);
        if path.is_empty() {
            path = listing.map(|row| row.category_path.clone()).unwrap_or_else(|| category_path(&account));
        }
        targets.push(Target {
            id: account.id.to_string(),
            kind: words::kind(&account.kind, lang),
            state: account.state.as_str(),
            usable: account.state.usable(),
            listing: listing.map(|row| row.listing.state.as_str()),
            listing_id: listing.map(|row| row.id.to_string()),
            checked: account.state.usable() && listing.is_none_or(off),
            name: account.name,
        });
    }
    let form = form.unwrap_or_else(|| FormView::filled([("category_path", path.join(" / "))]));
    let on_sale = product.state == ProductState::OnSale;
    Ok(PublishView { product_id: id.to_string(), title: product.title, on_sale, targets, form })
}

async fn publish_page(auth: Authed<perm::ListingWrite, Path<ProductId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, None).await?;
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
        let view = view(&auth, *id, Some(form)).await?;
        return auth.refused_page("listings/publish", view);
    }
    let path = crate::http::console::channels::read_path(fields.text("category_path"));
    let shown = view(&auth, *id, None).await?;
    let mut results = Vec::new();
    for account in wanted {
        let command = Publish { product: *id, account, category_path: Some(path.clone()), attributes: None };
        let target = shown.targets.iter().find(|target| target.id == account.to_string());
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
                let field = error.errors().first();
                let title = lang.pick(error.code().title_zh(), error.code().title_en());
                let why = field.map_or(title, |field| lang.pick(&field.message_zh, &field.message_en));
                TargetResult { name, kind, state: None, listing_id: None, why: Some(why.to_owned()) }
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
