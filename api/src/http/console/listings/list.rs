//! The list of listings, by state, product or account.

use super::HOME;
use crate::app::channels::accounts;
use crate::app::listings;
use crate::app::products::product_read;
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::{ChannelAccountId, ProductId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::{ListingFilter, ListingRow};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, listings_page);
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    state: Option<String>,
    product_id: Option<String>,
    channel_account_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ListingsView {
    tabs: Vec<Tab>,
    listings: Vec<ListingLine>,
    next_page: Option<String>,
    filtered: bool,
    /// Listings that are not as we left them at the channel.
    drifted: i64,
    drift_href: String,
}

#[derive(Serialize)]
struct Tab {
    state: &'static str,
    href: String,
    count: i64,
    current: bool,
}

#[derive(Serialize)]
struct ListingLine {
    id: String,
    title: String,
    account: String,
    state: &'static str,
    reason: Option<String>,
    behind: bool,
    updated_at: i64,
}

/// Whether the version on sale there is not the one we want.
pub(super) fn behind(row: &ListingRow) -> bool {
    row.listing.state == ListingState::Listed
        && row.listing.listed_version != Some(row.listing.wanted_version)
}

async fn listings_page(auth: Authed<perm::ListingRead, Query<ListQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let state = query.state.as_deref().and_then(ListingState::from_text);
    let product = query.product_id.as_deref().and_then(|text| text.parse::<ProductId>().ok());
    let account = query.channel_account_id.as_deref().and_then(|text| text.parse::<ChannelAccountId>().ok());
    let filter = ListingFilter { product, account, shops: None, state };
    let found = listings::list(&auth.state, &auth.grant, filter, page).await?;
    let counts = listings::counts(&auth.state, &auth.grant, account).await?;

    let mut kept = String::new();
    for (name, value) in
        [("product_id", &query.product_id), ("channel_account_id", &query.channel_account_id)]
    {
        if let Some(value) = value {
            kept.push_str(&format!("&{name}={value}"));
        }
    }
    let mut tabs = vec![Tab {
        state: "all",
        href: format!("{HOME}?{}", kept.trim_start_matches('&')),
        count: counts.iter().map(|(_, count)| count).sum(),
        current: state.is_none(),
    }];
    for one in ListingState::ALL {
        let count = counts.iter().find(|(state, _)| state == one).map_or(0, |(_, count)| *count);
        let href = format!("{HOME}?state={}{kept}", one.as_str());
        tabs.push(Tab { state: one.as_str(), href, count, current: state == Some(*one) });
    }
    let in_state = state.map(|state| format!("state={}&", state.as_str())).unwrap_or_default();
    let next_page = found.next.map(|next| format!("{HOME}?{in_state}cursor={}{kept}", cursor_text(&next)));
    let titles = titles(&auth, &found.items).await?;
    let names = account_names(&auth).await?;
    let line = |row: &ListingRow| ListingLine {
        id: row.id.to_string(),
        title: titles.get(&row.product).cloned().unwrap_or_default(),
        account: names.get(&row.account).cloned().unwrap_or_default(),
        state: row.listing.state.as_str(),
        behind: behind(row),
        reason: row.listing.reason.clone(),
        updated_at: row.updated_at.micros(),
    };
    let lines = found.items.iter().map(line).collect();
    let filtered = product.is_some() || account.is_some() || state.is_some();
    let drifted = listings::drift::count(&auth.state, &auth.grant, account).await?;
    let drift_href = match account {
        Some(id) => format!("{HOME}/drift?channel_account_id={id}"),
        None => format!("{HOME}/drift"),
    };
    let view = ListingsView { tabs, listings: lines, next_page, filtered, drifted, drift_href };
    auth.page("listings/list", view)
}

/// Titles of the products of one page of listings.
async fn titles<T>(
    auth: &Authed<perm::ListingRead, T>,
    rows: &[ListingRow],
) -> crate::error::Answer<HashMap<ProductId, String>> {
    let mut titles = HashMap::new();
    let Ok(grant) = auth.caller.grant::<perm::ProductRead>() else { return Ok(titles) };
    for row in rows {
        if let Entry::Vacant(unknown) = titles.entry(row.product) {
            // The product may be of a shop that the caller does not work for.
            if let Ok(found) = product_read(&auth.state.db, &grant, row.product).await {
                unknown.insert(found.product.title);
            }
        }
    }
    Ok(titles)
}

/// Names of the merchant's accounts, for those who may see them.
pub(super) async fn account_names<T>(
    auth: &Authed<perm::ListingRead, T>,
) -> crate::error::Answer<HashMap<ChannelAccountId, String>> {
    let Ok(grant) = auth.caller.grant::<perm::AccountRead>() else { return Ok(HashMap::new()) };
    let found = accounts::list(&auth.state, &grant, None, PageRequest::first(100)).await?;
    Ok(found.items.into_iter().map(|view| (view.account.id, view.account.name)).collect())
}
