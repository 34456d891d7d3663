//! Where a product is published: the part of the product's page that belongs to channels.

use super::list::behind;
use crate::app::channels::accounts;
use crate::app::listings;
use crate::error::Answer;
use crate::http::extract::Authed;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ProductId;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::ListingFilter;
use serde::Serialize;
use std::collections::HashMap;

/// The panel; not shown to those who may not see listings.
#[derive(Serialize)]
pub(in crate::http::console) struct Panel {
    shown: bool,
    may_publish: bool,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    account: String,
    state: &'static str,
    reason: Option<String>,
    behind: bool,
    updated_at: i64,
}

/// The panel of a product.
pub(in crate::http::console) async fn of<P: Perm, T>(
    auth: &Authed<P, T>,
    product: ProductId,
) -> Answer<Panel> {
    let Ok(grant) = auth.caller.grant::<perm::ListingRead>() else {
        return Ok(Panel { shown: false, may_publish: false, rows: Vec::new() });
    };
    let filter = ListingFilter { product: Some(product), ..ListingFilter::default() };
    let found = listings::list(&auth.state, &grant, filter, PageRequest::first(50)).await?;
    let mut names = HashMap::new();
    if let Ok(grant) = auth.caller.grant::<perm::AccountRead>() {
        let accounts = accounts::list(&auth.state, &grant, None, PageRequest::first(100)).await?;
        names.extend(accounts.items.into_iter().map(|view| (view.account.id, view.account.name)));
    }
    let rows = found.items.into_iter().map(|row| Row {
        id: row.id.to_string(),
        account: names.get(&row.account).cloned().unwrap_or_else(|| row.account.to_string()),
        state: row.listing.state.as_str(),
        behind: behind(&row),
        reason: row.listing.reason,
        updated_at: row.updated_at.micros(),
    });
    let may_publish = auth.caller.may(Permission::ListingWrite);
    Ok(Panel { shown: true, may_publish, rows: rows.collect() })
}
