//! `/listing_drifts`: products at channels that are not as we left them.

use crate::app::listings::drift::{self, Drift};
use crate::error::Answer;
use crate::http::describe::{Accepted, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::drift::Difference;
use qianpu_domain::ids::{ChannelAccountId, ListingId, SkuId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get(
        "/listing_drifts",
        list_listing_drifts,
        "Products at channels that differ from ours, newest first",
    );
    api.post("/listing_drifts/repair", repair_listing_drifts, "Make every product that differs like ours");
    api.post("/listings/{listing_id}/repair", repair_listing, "Make a product at a channel like ours");
    api.post(
        "/channel_accounts/{channel_account_id}/look",
        look_at_listings,
        "Compare every product of an account with the channel now",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DriftQuery {
    #[param(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DriftBody {
    listing_id: String,
    product_id: String,
    product_title: String,
    channel_account_id: String,
    channel_account_name: String,
    /// What differs; empty when ours has meanwhile become what was read.
    differences: Vec<DifferenceBody>,
    /// When the channel was read.
    #[schema(value_type = String)]
    read_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct DifferenceBody {
    /// `title`, `price`, `stock`, or `missing`: the SKU is not there any more.
    what: &'static str,
    sku_id: Option<String>,
    /// Specification values of the SKU.
    values: Vec<String>,
    /// The title, the price in fen, or the quantity that it should be.
    ours: Option<String>,
    /// What it is.
    theirs: Option<String>,
}

fn difference(drift: &Drift, one: &Difference) -> DifferenceBody {
    let of_sku = |what, sku: &SkuId, ours: Option<String>, theirs: Option<String>| DifferenceBody {
        what,
        sku_id: Some(sku.to_string()),
        values: drift.values.get(sku).cloned().unwrap_or_default(),
        ours,
        theirs,
    };
    match one {
        Difference::Title { ours, theirs } => DifferenceBody {
            what: "title",
            sku_id: None,
            values: Vec::new(),
            ours: Some(ours.clone()),
            theirs: Some(theirs.clone()),
        },
        Difference::Price { sku, ours, theirs } => {
            of_sku("price", sku, Some(ours.get().to_string()), Some(theirs.get().to_string()))
        }
        Difference::Stock { sku, ours, theirs } => {
            of_sku("stock", sku, Some(ours.to_string()), Some(theirs.to_string()))
        }
        Difference::Missing { sku } => of_sku("missing", sku, None, None),
    }
}

impl From<Drift> for DriftBody {
    fn from(drift: Drift) -> Self {
        Self {
            listing_id: drift.row.id.to_string(),
            product_id: drift.row.product.to_string(),
            channel_account_id: drift.row.account.to_string(),
            differences: drift.differences.iter().map(|one| difference(&drift, one)).collect(),
            product_title: drift.product.title,
            channel_account_name: drift.account_name,
            read_at: Time(drift.read_at),
        }
    }
}

async fn list_listing_drifts(
    auth: Authed<perm::ListingRead, Query<DriftQuery>>,
) -> Answer<Json<Page<DriftBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let account = query.channel_account_id.map(|id| id.0);
    let found = drift::list(&auth.state, &auth.grant, account, page).await?;
    Ok(Json(Page::of(found, DriftBody::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RepairBody {
    /// Only products on this account; left out = on all.
    #[schema(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RepairAnswer {
    /// How many products are being made like ours.
    repaired: usize,
    /// Whether some are left for another call.
    more: bool,
}

async fn repair_listing_drifts(
    auth: Authed<perm::ListingWrite, Json<RepairBody>>,
) -> Answer<Accepted<RepairAnswer>> {
    let account = auth.input.0.channel_account_id.map(|id| id.0);
    let (repaired, more) = drift::repair_all(&auth.state, &auth.grant, account).await?;
    Ok(Accepted(RepairAnswer { repaired, more }))
}

async fn repair_listing(auth: Authed<perm::ListingWrite, Path<ListingId>>) -> Answer<NoContent> {
    drift::repair(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

async fn look_at_listings(auth: Authed<perm::ListingWrite, Path<ChannelAccountId>>) -> Answer<NoContent> {
    drift::look(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
