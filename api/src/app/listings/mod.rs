//! Listings: products published on channel accounts. The merchant asks, jobs do it, and what the platform
//! says decides the state. Where things are: [`draft`] our product in the channel's terms, [`publish_job`]
//! sending it, [`facts`] reading what the platform says, [`refresh_job`] fetching the truth after a push,
//! [`stock_job`] keeping quantities equal.

pub mod catch_up_job;
pub mod draft;
pub mod drift;
pub mod facts;
pub mod publish_job;
pub mod refresh_job;
pub mod stock_job;

use crate::app::channels::accounts::{category_path, check_category_path};
use crate::app::channels::find;
use crate::app::shops::suspension;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, ListingId, ProductId, SkuId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::listing::{
    ListingFacts, ListingFilter, ListingRow, NewListing, listing_counts, listing_find, listing_get,
    listing_insert, listing_list, listing_save,
};
use qianpu_tenants::store::listing_reading::{ListingReading, reading_get};
use qianpu_tenants::store::listing_sku::{ListingSku, listing_sku_list};
use qianpu_tenants::store::product::{Product, product_get};
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::sku::sku_list;
use qianpu_tenants::store::stock::stock_levels;
use serde_json::{Value, json};

/// The job that sends a product.
pub const PUBLISH_JOB: &str = "listing.publish";
/// The job that takes a product off the shelf.
pub const DELIST_JOB: &str = "listing.delist";
/// The job that fetches the truth about a published product.
pub const REFRESH_LISTING_JOB: &str = "listing.refresh";
/// The job that sets the stock of a SKU wherever it is listed.
pub const STOCK_JOB: &str = "stock.fan_out";
/// The job that follows when an account works again.
pub const CATCH_UP_JOB: &str = "listing.catch_up";

/// What [`REFRESH_LISTING_JOB`] needs.
pub fn refresh_listing_payload(account: ChannelAccountId, native_product_id: &str) -> Value {
    json!({ "channel_account_id": account.to_string(), "native_product_id": native_product_id })
}

/// A product to be published on an account.
#[derive(Debug, Clone)]
pub struct Publish {
    pub product: ProductId,
    pub account: ChannelAccountId,
    /// The channel's category ids from the top to the leaf; none = those of before, else the account's.
    pub category_path: Option<Vec<String>>,
}

fn covered<P: Perm>(grant: &Grant<P>, row: ListingRow) -> Answer<ListingRow> {
    if grant.covers_shop(row.shop) { Ok(row) } else { Err(ApiError::not_found()) }
}

/// Asks for a product to be on sale at an account, in its newest version. Asking again for a version that
/// was sent already changes nothing.
pub async fn publish(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    command: &Publish,
) -> Answer<ListingRow> {
    if let Some(path) = &command.category_path {
        check_category_path(path)?;
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_get(&tx, command.account).await?;
    let product = product_get(&tx, command.product).await?;
    if !grant.covers_shop(account.shop) || !grant.covers_shop(product.shop) {
        return Err(ApiError::not_found());
    }
    if account.shop != product.shop {
        let (en, zh) = ("the account belongs to another shop", "该账号属于其他店铺");
        return Err(FieldError::new("channel_account_id", "other_shop", en, zh).into());
    }
    if !account.state.usable() {
        return Err(ApiError::new(ErrorCode::ChannelAccountUnusable));
    }
    if find(&account.channel)?.catalog().is_none() {
        let (en, zh) = ("this kind of account sells no products", "该类账号不支持发布商品");
        return Err(FieldError::new("channel_account_id", "no_catalog", en, zh).into());
    }
    suspension::needs_trading(&shop_get(&tx, product.shop).await?)?;
    if product.state != ProductState::OnSale {
        return Err(ApiError::new(ErrorCode::ProductWrongState));
    }
    let known = listing_find(&tx, product.id, account.id).await?;
    let path = command
        .category_path
        .clone()
        .filter(|path| !path.is_empty())
        .or_else(|| known.as_ref().map(|row| row.category_path.clone()).filter(|path| !path.is_empty()))
        .unwrap_or_else(|| category_path(&account));
    if path.is_empty() {
        return Err(ApiError::new(ErrorCode::CategoryPathMissing));
    }
    let (id, send) = match known {
        None => {
            let new = NewListing {
                shop: product.shop,
                product: product.id,
                account: account.id,
                category_path: &path,
                product_version: product.version,
            };
            (listing_insert(&mut tx, &new).await?, true)
        }
        Some(row) => {
            let mut next = row.listing.request(product.version);
            if row.category_path != path && next.state != ListingState::Publishing {
                // Another category is another product for the platform, whatever our version says.
                next.state = ListingState::Queued;
                next.reason = None;
            }
            let facts = ListingFacts { category_path: Some(&path), ..ListingFacts::default() };
            listing_save(&mut tx, &row, &next, &facts).await?;
            (row.id, matches!(next.state, ListingState::Queued | ListingState::Publishing))
        }
    };
    if send {
        job_enqueue(&mut tx, listing_job(PUBLISH_JOB, id)).await?;
        let detail = json!({
            "product_id": product.id.to_string(), "channel_account_id": account.id.to_string(),
            "version": product.version,
        });
        audit_append(&mut tx, AuditAction::ListingPublish, "listing", &id.to_string(), detail).await?;
    }
    let row = listing_get(&tx, id).await?;
    tx.commit().await?;
    Ok(row)
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

/// Adds the job that sets a SKU's stock at its channels; call it in the transaction that changed the stock.
pub async fn enqueue_stock(tx: &mut TenantTx, sku: SkuId) -> Answer<()> {
    let job = NewJob {
        kind: STOCK_JOB,
        dedup_key: Some(sku.to_string()),
        payload: json!({ "sku_id": sku.to_string() }),
        run_at: None,
        priority: 5,
    };
    job_enqueue(tx, job).await?;
    Ok(())
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
    pub skus: Vec<SkuDrift>,
    /// What buyers saw there when it was read last.
    pub reading: Option<ListingReading>,
}

/// One listing.
pub async fn get(state: &AppState, grant: &Grant<perm::ListingRead>, id: ListingId) -> Answer<ListingDetail> {
    let tx = state.db.read(grant.ctx()).await?;
    let row = covered(grant, listing_get(&tx, id).await?)?;
    let product = product_get(&tx, row.product).await?;
    let account = account_get(&tx, row.account).await?;
    let own = sku_list(&tx, row.product).await?;
    let levels = stock_levels(&tx, &own.iter().map(|sku| sku.id).collect::<Vec<_>>()).await?;
    let mut skus = Vec::new();
    for sku in listing_sku_list(&tx, id).await? {
        let values = own.iter().find(|one| one.id == sku.sku).map(|one| one.values.clone());
        let wanted_stock = levels.get(&sku.sku).map_or(0, stock_job::offered);
        skus.push(SkuDrift { values: values.unwrap_or_default(), wanted_stock, sku });
    }
    let reading = reading_get(&tx, id).await?;
    Ok(ListingDetail { row, product, account_name: account.name, skus, reading })
}
