//! Ours against the channel's: products that were changed there, and the buttons that make them like ours again.

use super::HOME;
use super::list::account_names;
use crate::app::listings::drift::{self, Drift};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::drift::Difference;
use qianpu_domain::ids::{ChannelAccountId, ListingId, SkuId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const DRIFT: &str = "/console/merchant/listings/drift";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(DRIFT, drift_page);
    pages.post("/console/merchant/listings/drift/repair", repair_all_form);
    pages.post("/console/merchant/listings/drift/look", look_form);
    pages.post("/console/merchant/listings/{listing_id}/repair", repair_form);
}

#[derive(Deserialize, IntoParams)]
struct DriftQuery {
    channel_account_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct DriftView {
    accounts: Vec<AccountChoice>,
    account: Option<String>,
    drifts: Vec<DriftRow>,
    next_page: Option<String>,
    may_write: bool,
}

#[derive(Serialize)]
struct AccountChoice {
    id: String,
    name: String,
    chosen: bool,
}

#[derive(Serialize)]
struct DriftRow {
    id: String,
    title: String,
    account: String,
    differences: Vec<DifferenceRow>,
    read_at: i64,
}

#[derive(Serialize)]
struct DifferenceRow {
    what: &'static str,
    sku: String,
    /// A text, a number, or fen where it is about a price.
    ours: serde_json::Value,
    theirs: serde_json::Value,
}

fn row(drift: &Drift, one: &Difference) -> DifferenceRow {
    let values = |sku: &SkuId| drift.values.get(sku).map(|values| values.join(" / ")).unwrap_or_default();
    let null = || serde_json::Value::Null;
    let (what, sku, ours, theirs) = match one {
        Difference::Title { ours, theirs } => {
            ("title", String::new(), ours.as_str().into(), theirs.as_str().into())
        }
        Difference::Price { sku, ours, theirs } => {
            ("price", values(sku), ours.get().into(), theirs.get().into())
        }
        Difference::Stock { sku, ours, theirs } => ("stock", values(sku), (*ours).into(), (*theirs).into()),
        Difference::Missing { sku } => ("missing", values(sku), null(), null()),
    };
    DifferenceRow { what, sku, ours, theirs }
}

async fn drift_page(auth: Authed<perm::ListingRead, Query<DriftQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let account = query.channel_account_id.as_deref().and_then(|text| text.parse::<ChannelAccountId>().ok());
    let found = drift::list(&auth.state, &auth.grant, account, page).await?;
    let kept = account.map(|id| format!("&channel_account_id={id}")).unwrap_or_default();
    let next_page = found.next.map(|next| format!("{DRIFT}?cursor={}{kept}", cursor_text(&next)));
    let mut accounts: Vec<AccountChoice> = account_names(&auth)
        .await?
        .into_iter()
        .map(|(id, name)| AccountChoice { id: id.to_string(), name, chosen: account == Some(id) })
        .collect();
    accounts.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let drifts = found.items.iter().map(|drift| DriftRow {
        id: drift.row.id.to_string(),
        title: drift.product.title.clone(),
        account: drift.account_name.clone(),
        differences: drift.differences.iter().map(|one| row(drift, one)).collect(),
        read_at: drift.read_at.micros(),
    });
    let view = DriftView {
        accounts,
        account: account.map(|id| id.to_string()),
        drifts: drifts.collect(),
        next_page,
        may_write: auth.caller.may(Permission::ListingWrite),
    };
    auth.page("listings/drift", view)
}

/// The account a form is about; none = all of them.
fn account_of(fields: &Fields) -> Option<ChannelAccountId> {
    fields.text("channel_account_id").parse().ok()
}

fn back(account: Option<ChannelAccountId>) -> String {
    match account {
        Some(id) => format!("{DRIFT}?channel_account_id={id}"),
        None => DRIFT.to_owned(),
    }
}

async fn repair_all_form(auth: Authed<perm::ListingWrite, Fields>) -> PageAnswer {
    let account = account_of(&auth.input);
    let (repaired, more) = drift::repair_all(&auth.state, &auth.grant, account).await?;
    let said = if more { "listings.repairing_some" } else { "listings.repairing" };
    let flash = Flash::success(said).with("count", repaired.to_string());
    Ok(auth.redirect_with(&flash, &back(account)))
}

async fn look_form(auth: Authed<perm::ListingWrite, Fields>) -> PageAnswer {
    let account = account_of(&auth.input);
    match account {
        Some(account) => drift::look(&auth.state, &auth.grant, account).await?,
        None => drift::look_at_all(&auth.state, &auth.grant).await?,
    }
    Ok(auth.redirect_with(&Flash::success("listings.looking"), &back(account)))
}

async fn repair_form(auth: Authed<perm::ListingWrite, (Path<ListingId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    drift::repair(&auth.state, &auth.grant, *id).await?;
    let flash = Flash::success("listings.repairing").with("count", "1");
    let to = if fields.text("back") == "drift" { back(account_of(fields)) } else { format!("{HOME}/{id}") };
    Ok(auth.redirect_with(&flash, &to))
}
