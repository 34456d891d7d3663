//! Keeping the quantity of a SKU equal at every account where it is listed. It is always set, never added,
//! and only where it differs from what was set last; many changes in a row become one call.

use super::STOCK_JOB;
use super::publish_job::refs_of;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::jobs::{Done, JobError, JobResult};
use crate::state::AppState;
use qianpu_domain::ids::SkuId;
use qianpu_domain::listing::ListingState;
use qianpu_domain::stock::StockLevel as OwnLevel;
use qianpu_sdk::{ChannelError, StockLevel};
use qianpu_tenants::jobs::{ClaimedJob, NewJob};
use qianpu_tenants::store::listing::{ListingRow, listing_get};
use qianpu_tenants::store::listing_sku::{ListingSku, listing_sku_of, listing_sku_pushed};
use qianpu_tenants::store::stock_view::stock_sellable;
use serde_json::json;

/// Pieces that are never offered at a channel.
const SAFETY_STOCK: i64 = 0;

/// What a channel may offer of a level.
pub fn offered(level: &OwnLevel) -> i64 {
    (level.available() - SAFETY_STOCK).max(0)
}

/// The job for one SKU.
pub fn new_job(sku: SkuId) -> NewJob {
    NewJob {
        kind: STOCK_JOB,
        dedup_key: Some(sku.to_string()),
        payload: json!({ "sku_id": sku.to_string() }),
        run_at: None,
        priority: 5,
    }
}

/// Sets the SKU's quantity wherever it differs. One account's failure does not hold up the others.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let sku: SkuId = payload(job, "sku_id")?;
    let tx = state.db.read(&job.ctx).await?;
    let mut places: Vec<(ListingSku, ListingRow)> = Vec::new();
    for place in listing_sku_of(&tx, sku).await? {
        let row = listing_get(&tx, place.listing).await?;
        places.push((place, row));
    }
    let wanted = offered(&stock_sellable(&tx, sku).await?);
    drop(tx);
    let mut failure: Option<JobError> = None;
    for (place, row) in places {
        let at_channel = matches!(row.listing.state, ListingState::Listed | ListingState::InAudit);
        if !at_channel || row.native_product_id.is_none() || place.pushed_stock == Some(wanted) {
            continue;
        }
        if let Err(error) = set(state, job, sku, wanted, &row).await? {
            failure = Some(match (failure, error) {
                // What may pass is tried again before anything is laid aside.
                (Some(kept @ JobError::Retry { .. }), _) => kept,
                (_, next) => next,
            });
        }
    }
    failure.map_or(Ok(Done::Nothing), Err)
}

async fn set(
    state: &AppState,
    job: &ClaimedJob,
    sku: SkuId,
    wanted: i64,
    row: &ListingRow,
) -> Result<Result<(), JobError>, JobError> {
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, row.account).await {
        Ok(call) => call,
        // Unlinked, or waiting to be authorised: catching up sets the stock when it is back.
        Err(CallError::NotUsable(_)) => return Ok(Ok(())),
        Err(error) => return Ok(Err(error.job_error(now, job.attempt))),
    };
    let levels = [StockLevel { out_sku_id: sku.to_string(), quantity: wanted }];
    let answer = call.host().set_stock(call.account_ref(), &refs_of(row), &levels).await;
    let refused: Option<ChannelError> = match call.settle(answer).await {
        Ok(outcomes) => outcomes.into_iter().find_map(|outcome| outcome.error),
        Err(CallError::Channel(error)) => Some(error),
        Err(error) => return Ok(Err(error.job_error(now, job.attempt))),
    };
    let words = refused.as_ref().map(plain_words);
    let outcome = words.as_deref().map_or(Ok(wanted), Err);
    let mut tx = state.db.begin(&job.ctx).await?;
    listing_sku_pushed(&mut tx, row.id, sku, outcome).await?;
    super::drift::stock_was_set(&mut tx, row).await?;
    tx.commit().await?;
    Ok(match refused {
        None => Ok(()),
        Some(error) => Err(CallError::Channel(error).job_error(now, job.attempt)),
    })
}
