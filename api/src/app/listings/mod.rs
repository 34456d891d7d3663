//! Listings: products published on channel accounts. The merchant asks, jobs do it, and what the platform
//! says decides the state. Where things are: [`draft`] our product in the channel's terms, [`rules`] what makes it
//! another at each account, [`mapping`] remembered categories, [`brand`] brands that are chosen,
//! [`mod@publish`] asking for it, [`publish_job`] sending
//! it, [`facts`] reading what the platform says, [`refresh_job`] fetching the truth after a push, [`stock_job`] and
//! [`stock_push`] keeping quantities equal, [`stock_lag`] how far they are behind, [`runs`] and [`run_step`] many
//! products on many accounts.

pub mod brand;
pub mod catch_up_job;
pub mod draft;
pub mod drift;
pub mod facts;
pub mod mapping;
mod publish;
pub mod publish_job;
pub mod refresh_job;
pub mod rules;
pub mod rules_job;
pub mod run_step;
pub mod runs;
pub mod stock_job;
pub mod stock_lag;
pub mod stock_push;

use crate::app::promotions::discounts::{self, Shown};
use crate::app::qualifications;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::listing::{
    ListingFacts, ListingFilter, ListingRow, listing_counts, listing_get, listing_list, listing_save,
};
use qianpu_tenants::store::listing_reading::{ListingReading, reading_get};
use qianpu_tenants::store::listing_rule::rule_for;
use qianpu_tenants::store::listing_sku::{ListingSku, listing_sku_list};
use qianpu_tenants::store::product::{Product, product_get};
use qianpu_tenants::store::sku::sku_list;
use qianpu_tenants::store::stock::stock_levels;
use serde_json::{Value, json};

pub use publish::{Publish, check_attributes, publish};

/// The job that sends a product.
pub const PUBLISH_JOB: &str = "listing.publish";
/// The job that takes a product off the shelf.
pub const DELIST_JOB: &str = "listing.delist";
/// The job that fetches the truth about a published product.
pub const REFRESH_LISTING_JOB: &str = "listing.refresh";
/// The job that finds out where a SKU's quantity has to be set.
pub const STOCK_JOB: &str = "stock.fan_out";
/// The job that sets the quantities of one listing.
pub const STOCK_PUSH_JOB: &str = "stock.push";
/// The job that publishes some products of a run on one account.
pub const RUN_JOB: &str = "listing.run";
/// The job that applies changed rules.
pub const RULES_JOB: &str = "listing.rules";
/// The job that follows when an account works again.
pub const CATCH_UP_JOB: &str = "listing.catch_up";

/// What [`REFRESH_LISTING_JOB`] needs.
pub fn refresh_listing_payload(account: ChannelAccountId, native_product_id: &str) -> Value {
    json!({ "channel_account_id": account.to_string(), "native_product_id": native_product_id })
}

fn covered<P: Perm>(grant: &Grant<P>, row: ListingRow) -> Answer<ListingRow> {
    if grant.covers_shop(row.shop) { Ok(row) } else { Err(ApiError::not_found()) }
}

fn listing_job(kind: &'static str, id: ListingId) -> NewJob {
    NewJob {
        kind,
        dedup_key: Some(id.to_string()),
        payload: json!({ "listing_id": id.to_string() }),
        run_at: None,
        priority: 5,
    }
}

/// Asks for a listing to be taken off the shelf.
pub async fn delist(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    id: ListingId,
) -> Answer<ListingRow> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let row = covered(grant, listing_get(&tx, id).await?)?;
    let off = row.listing.delist().map_err(|error| ApiError::refused(error.code(), error))?;
    if row.native_product_id.is_none() {
        // The platform does not know it: there is nothing to take off.
        listing_save(&mut tx, &row, &off, &ListingFacts::default()).await?;
    } else {
        job_enqueue(&mut tx, listing_job(DELIST_JOB, id)).await?;
    }
    audit_append(&mut tx, AuditAction::ListingDelist, "listing", &id.to_string(), json!({})).await?;
    let row = listing_get(&tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Asks the platform for the truth now.
pub async fn refresh(state: &AppState, grant: &Grant<perm::ListingWrite>, id: ListingId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let row = covered(grant, listing_get(&tx, id).await?)?;
    let native =
        row.native_product_id.as_deref().ok_or_else(|| ApiError::new(ErrorCode::ListingWrongState))?;
    job_enqueue(&mut tx, refresh_job::new_job(row.account, native, None)).await?;
    Ok(tx.commit().await?)
}

/// Listings the caller may see, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    filter: ListingFilter,
    page: PageRequest,
) -> Answer<Page<ListingRow>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = ListingFilter { shops: grant.shops(), ..filter };
    Ok(listing_list(&tx, &filter, page).await?)
}

/// How many listings there are in each state.
pub async fn counts(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    account: Option<ChannelAccountId>,
) -> Answer<Vec<(ListingState, i64)>> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(listing_counts(&tx, account).await?)
}

/// A SKU of a listing with our quantity beside the channel's.
#[derive(Debug, Clone)]
pub struct SkuDrift {
    pub sku: ListingSku,
    /// Specification values, for people.
    pub values: Vec<String>,
    /// What the channel should offer.
    pub wanted_stock: i64,
}

/// A listing with everything people ask about it.
#[derive(Debug, Clone)]
pub struct ListingDetail {
    pub row: ListingRow,
    pub product: Product,
    pub account_name: String,
    /// Goods of this channel may have a brand.
    pub brands: bool,
    pub skus: Vec<SkuDrift>,
    /// What buyers saw there when it was read last.
    pub reading: Option<ListingReading>,
    /// Its discount that runs or begins later.
    pub discount: Option<Shown>,
}

/// One listing.
pub async fn get(state: &AppState, grant: &Grant<perm::ListingRead>, id: ListingId) -> Answer<ListingDetail> {
    let tx = state.db.read(grant.ctx()).await?;
    let row = covered(grant, listing_get(&tx, id).await?)?;
    let product = product_get(&tx, row.product).await?;
    let account = account_get(&tx, row.account).await?;
    let own = sku_list(&tx, row.product).await?;
    let levels = stock_levels(&tx, &own.iter().map(|sku| sku.id).collect::<Vec<_>>()).await?;
    let rule = rule_for(&tx, row.account, Some(id)).await?;
    let mut skus = Vec::new();
    for sku in listing_sku_list(&tx, id).await? {
        let values = own.iter().find(|one| one.id == sku.sku).map(|one| one.values.clone());
        let wanted_stock = levels.get(&sku.sku).map_or(0, |level| stock_job::offered(level, &rule));
        skus.push(SkuDrift { values: values.unwrap_or_default(), wanted_stock, sku });
    }
    let reading = reading_get(&tx, id).await?;
    let discount = discounts::of_listing(&tx, id).await?;
    let brands = qualifications::possible(&account);
    Ok(ListingDetail { row, product, account_name: account.name, brands, skus, reading, discount })
}
