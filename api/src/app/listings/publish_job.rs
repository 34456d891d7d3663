//! Sending a product to an account, and taking it off.

use super::{draft, drift, facts, listing_job, refresh_job};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::ApiError;
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::{ListingId, SkuId};
use qianpu_domain::listing::{Listing, ListingState};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{ChannelError, ErrorClass, ProductDraft, Published, PublishedRefs, RemoteListing};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, job_enqueue};
use qianpu_tenants::store::listing::{ListingFacts, ListingRow, listing_get, listing_save};
use qianpu_tenants::store::listing_sku::{listing_sku_list, listing_sku_pushed, listing_sku_put};
use serde_json::Value;

/// Ids the channel gave, as stored.
pub(super) fn refs_of(row: &ListingRow) -> PublishedRefs {
    serde_json::from_value(row.refs.clone()).unwrap_or_default()
}

/// Sends a product.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ListingId = payload(job, "listing_id")?;
    let now = state.clock().now();
    let tx = state.db.read(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    drop(tx);
    if !matches!(row.listing.state, ListingState::Queued | ListingState::Publishing) {
        return Ok(Done::Nothing);
    }
    let call = match AccountCall::open(state, &job.ctx, row.account).await {
        Ok(call) => call,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let (row, draft) = begin(state, job, id).await?;
    let refs = refs_of(&row);
    let answer = call.host().publish(call.account_ref(), &draft, &refs).await;
    match call.settle(answer).await {
        Ok(published) => {
            store(state, job, id, &draft, &published, now).await?;
            match published.unfinished {
                None => Ok(Done::Nothing),
                Some(error) => failed(state, job, id, error).await,
            }
        }
        Err(CallError::Channel(error)) => failed(state, job, id, error).await,
        Err(error) => Err(error.job_error(now, job.attempt)),
    }
}

/// Notes that sending begins, with the product's newest version.
async fn begin(
    state: &AppState,
    job: &ClaimedJob,
    id: ListingId,
) -> Result<(ListingRow, ProductDraft), crate::jobs::JobError> {
    let mut tx = state.db.begin(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    let (draft, version) = draft::read(&tx, &state.config, row.product, &row.category_path).await?;
    let mut wanted = row.listing.clone();
    wanted.wanted_version = version;
    let next = wanted.begin().map_err(|error| ApiError::refused(error.code(), error))?;
    listing_save(&mut tx, &row, &next, &ListingFacts::default()).await?;
    let row = listing_get(&tx, id).await?;
    tx.commit().await?;
    Ok((row, draft))
}

/// Keeps what publishing led to. The ids are kept whatever else happened: without them the next try would
/// make a second product.
async fn store(
    state: &AppState,
    job: &ClaimedJob,
    id: ListingId,
    draft: &ProductDraft,
    published: &Published,
    at: Timestamp,
) -> StoreResult<()> {
    let mut tx = state.db.begin(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    let first = refs_of(&row).product_id.is_none();
    let next = match facts::of(&published.listing) {
        Some(fact) if published.unfinished.is_none() => row.listing.observe(&fact, at),
        _ => row.listing.clone(),
    };
    save(&mut tx, &row, &next, &published.listing, Some(&published.refs), &published.warnings).await?;
    for sku in &draft.skus {
        let Ok(sku_id) = sku.out_sku_id.parse::<SkuId>() else { continue };
        if first && published.refs.skus.contains_key(&sku.out_sku_id) {
            listing_sku_pushed(&mut tx, id, sku_id, Ok(sku.stock)).await?;
        }
    }
    for sku in listing_sku_list(&tx, id).await? {
        // Stock may have changed while the product was on its way.
        job_enqueue(&mut tx, super::stock_job::new_job(sku.sku)).await?;
    }
    if refresh_job::undecided(&next) {
        let ask = refresh_job::later(&tx, row.account, &published.listing.product_id);
        job_enqueue(&mut tx, ask).await?;
    }
    tx.commit().await
}

/// Saves a listing with what the platform said, and the channel's ids of its SKUs.
pub(super) async fn save(
    tx: &mut TenantTx,
    row: &ListingRow,
    next: &Listing,
    remote: &RemoteListing,
    refs: Option<&PublishedRefs>,
    warnings: &[String],
) -> StoreResult<()> {
    let mut refs = refs.cloned().unwrap_or_else(|| refs_of(row));
    refs.skus.extend(remote.skus.clone());
    let refs_json: Value = serde_json::to_value(&refs).unwrap_or_default();
    let native = refs.product_id.as_deref().or(Some(remote.product_id.as_str())).filter(|id| !id.is_empty());
    let facts = ListingFacts {
        native_product_id: native,
        native_state: Some(&remote.native),
        refs: Some(&refs_json),
        category_path: None,
        warnings: Some(warnings),
    };
    listing_save(tx, row, next, &facts).await?;
    for (own, channel) in &refs.skus {
        if let Ok(sku) = own.parse::<SkuId>() {
            listing_sku_put(tx, row.id, sku, Some(channel)).await?;
        }
    }
    drift::keep(tx, row.id, remote).await
}

/// What the platform refuses is shown at the listing, in its words; what may pass is tried again.
async fn failed(state: &AppState, job: &ClaimedJob, id: ListingId, error: ChannelError) -> JobResult {
    let words = plain_words(&error);
    let refused = matches!(
        error.class,
        ErrorClass::FixRequest { .. } | ErrorClass::BusinessRefusal | ErrorClass::Fatal
    );
    let mut tx = state.db.begin(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    if refused {
        let next = row.listing.refuse(&words).map_err(|error| ApiError::refused(error.code(), error))?;
        listing_save(&mut tx, &row, &next, &ListingFacts::default()).await?;
        return finish(tx, job).await;
    }
    let warnings = [words];
    let facts = ListingFacts { warnings: Some(&warnings), ..ListingFacts::default() };
    listing_save(&mut tx, &row, &row.listing, &facts).await?;
    tx.commit().await?;
    Err(CallError::Channel(error).job_error(state.clock().now(), job.attempt))
}

/// Takes a product off the shelf.
pub async fn run_delist(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ListingId = payload(job, "listing_id")?;
    let now = state.clock().now();
    let tx = state.db.read(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    drop(tx);
    let Some(native) = row.native_product_id.clone() else { return Ok(Done::Nothing) };
    let call = match AccountCall::open(state, &job.ctx, row.account).await {
        Ok(call) => call,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let answer = call.host().delist(call.account_ref(), &native).await;
    let remote = match call.settle(answer).await {
        Ok(remote) => remote,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    if row.listing.state == ListingState::Publishing {
        // A newer wish is on its way; it is taken off again once it has arrived.
        job_enqueue(&mut tx, listing_job(super::DELIST_JOB, id)).await?;
        return finish(tx, job).await;
    }
    let mut next = row.listing.delist().map_err(|error| ApiError::refused(error.code(), error))?;
    next.fact_at = Some(now);
    save(&mut tx, &row, &next, &remote, None, &[]).await?;
    finish(tx, job).await
}
