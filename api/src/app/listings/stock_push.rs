//! Setting the quantities of one listing. They are always set, never added, and only where they differ from what was
//! set last. Each listing has its own job, so a slow or failing account holds up no other.

use super::publish_job::refs_of;
use super::stock_job::offered;
use super::{STOCK_PUSH_JOB, drift};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::jobs::{Done, JobError, JobResult};
use crate::state::AppState;
use qianpu_domain::ids::{ListingId, SkuId};
use qianpu_domain::listing::ListingState;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ChannelError, StockLevel};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue_part, job_twin_is_held};
use qianpu_tenants::store::listing::{ListingRow, listing_get};
use qianpu_tenants::store::listing_rule::rule_for;
use qianpu_tenants::store::listing_sku::{
    ListingSku, listing_sku_due, listing_sku_list, listing_sku_pushed, listing_sku_settled,
};
use qianpu_tenants::store::stock_view::stock_sellable;
use serde_json::json;

/// How long to wait for another push of the same listing.
const BUSY: Span = Span::seconds(1);

/// Whether quantities can be set at the channel now.
fn at_channel(row: &ListingRow) -> bool {
    row.native_product_id.is_some()
        && matches!(row.listing.state, ListingState::Listed | ListingState::InAudit)
}

/// Adds the job of a listing. It belongs to its account, latest wins.
pub(super) async fn enqueue(tx: &mut TenantTx, row: &ListingRow) -> StoreResult<()> {
    let job = NewJob {
        kind: STOCK_PUSH_JOB,
        dedup_key: Some(row.id.to_string()),
        payload: json!({ "listing_id": row.id.to_string() }),
        run_at: None,
        priority: 5,
    };
    job_enqueue_part(tx, job, row.account.0).await?;
    Ok(())
}

/// Marks a place whose quantity differs as waiting since then, and adds its listing's job.
pub(super) async fn want(
    tx: &mut TenantTx,
    row: &ListingRow,
    place: &ListingSku,
    since: Timestamp,
) -> StoreResult<()> {
    if !at_channel(row) {
        return Ok(());
    }
    let rule = rule_for(tx, row.account, Some(row.id)).await?;
    let wanted = offered(&stock_sellable(tx, place.sku).await?, &rule);
    if place.pushed_stock == Some(wanted) {
        // It went there and back while the change waited.
        return if place.due_at.is_some() {
            listing_sku_settled(tx, row.id, place.sku).await
        } else {
            Ok(())
        };
    }
    listing_sku_due(tx, row.id, place.sku, since).await?;
    enqueue(tx, row).await
}

/// The same for every SKU of a listing, since now.
pub(super) async fn want_all(tx: &mut TenantTx, row: &ListingRow) -> StoreResult<()> {
    let since = tx.now();
    for place in listing_sku_list(tx, row.id).await? {
        want(tx, row, &place, since).await?;
    }
    Ok(())
}

/// Sets what differs.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ListingId = payload(job, "listing_id")?;
    let now = state.clock().now();
    let tx = state.db.read(&job.ctx).await?;
    if job_twin_is_held(&tx, job).await? {
        // Two calls under way could arrive in the wrong order.
        let (code, text) = ("busy".to_owned(), "该商品的库存正在同步，稍后继续".to_owned());
        return Err(JobError::Retry { after: Some(BUSY), code, text });
    }
    let row = listing_get(&tx, id).await?;
    let rule = rule_for(&tx, row.account, Some(id)).await?;
    let mut levels: Vec<(SkuId, i64)> = Vec::new();
    if at_channel(&row) {
        for place in listing_sku_list(&tx, id).await? {
            let wanted = offered(&stock_sellable(&tx, place.sku).await?, &rule);
            if place.pushed_stock != Some(wanted) {
                levels.push((place.sku, wanted));
            }
        }
    }
    drop(tx);
    if levels.is_empty() {
        return Ok(Done::Nothing);
    }
    let call = match AccountCall::open(state, &job.ctx, row.account).await {
        Ok(call) => call,
        // Unlinked, or waiting to be authorised: catching up sets the stock when it is back.
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let wanted: Vec<StockLevel> = levels
        .iter()
        .map(|(sku, quantity)| StockLevel { out_sku_id: sku.to_string(), quantity: *quantity })
        .collect();
    let refs = refs_of(&row)?;
    let answer = call.host().set_stock(call.account_ref(), &refs, &wanted).await;
    let (outcomes, whole) = match call.settle(answer).await {
        Ok(outcomes) => (outcomes, None),
        Err(CallError::Channel(error)) => (Vec::new(), Some(error)),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let refusal = |sku: SkuId| -> Option<ChannelError> {
        if whole.is_some() {
            return whole.clone();
        }
        let name = sku.to_string();
        match outcomes.iter().find(|outcome| outcome.out_sku_id == name) {
            Some(outcome) => outcome.error.clone(),
            None => Some(ChannelError::unexpected("the channel said nothing about this SKU")),
        }
    };
    let mut failure: Option<JobError> = None;
    let mut tx = state.db.begin(&job.ctx).await?;
    for (sku, quantity) in levels {
        let refused = refusal(sku);
        let words = refused.as_ref().map(plain_words);
        listing_sku_pushed(&mut tx, id, sku, words.as_deref().map_or(Ok(quantity), Err)).await?;
        if let Some(error) = refused {
            let error = CallError::Channel(error).job_error(now, job.attempt);
            failure = Some(match (failure, error) {
                // What may pass is tried again before anything is laid aside.
                (Some(kept @ JobError::Retry { .. }), _) => kept,
                (_, next) => next,
            });
        }
    }
    drift::stock_was_set(&mut tx, &row).await?;
    tx.commit().await?;
    failure.map_or(Ok(Done::Nothing), Err)
}
