//! Sending a product to an account, and taking it off.

use super::draft::{Drafted, Subject};
use super::{PUBLISH_JOB, draft, drift, facts, listing_job, refresh_job, run_step, stock_push};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::config::Config;
use crate::error::ApiError;
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ListingId, SkuId};
use qianpu_domain::listing::{Content, Listing, ListingState};
use qianpu_domain::listing_run::TargetState;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ChannelError, ErrorClass, ProductDraft, Published, PublishedRefs, RemoteListing};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreResult, stored};
use qianpu_tenants::jobs::{ClaimedJob, job_enqueue, job_is_held};
use qianpu_tenants::store::listing::{ListingFacts, ListingRow, listing_get, listing_save};
use qianpu_tenants::store::listing_run_target::target_judged;
use qianpu_tenants::store::listing_sku::{listing_sku_pushed, listing_sku_put};
use serde_json::json;

/// Ids the channel gave, as stored.
pub(super) fn refs_of(row: &ListingRow) -> StoreResult<PublishedRefs> {
    stored(&row.refs, "listings.refs")
}

/// Queues what has to be sent again although its version was sent already.
pub(super) async fn queue_again(tx: &mut TenantTx, row: &ListingRow, version: i64) -> StoreResult<()> {
    let next = row.listing.request(version, Content::Changed);
    listing_save(tx, row, &next, &ListingFacts::default()).await?;
    job_enqueue(tx, listing_job(PUBLISH_JOB, row.id)).await?;
    Ok(())
}

/// What sending led to.
pub(super) enum Sent {
    /// There is nothing to send, or the platform has it; where it stands now is at the listing.
    Settled,
    /// The platform will not take it; the words stand at the listing.
    Refused,
    /// Another job sends this product now.
    Busy,
}

/// How long to wait for another job that sends the same product.
const BUSY: Span = Span::seconds(3);

/// Sends a product.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    match send(state, job, payload(job, "listing_id")?).await? {
        Sent::Settled | Sent::Refused => Ok(Done::Nothing),
        Sent::Busy => Err(JobError::Retry {
            after: Some(BUSY),
            code: "busy".to_owned(),
            text: "该商品正在由另一任务发送，稍后继续".to_owned(),
        }),
    }
}

/// Sends a listing that waits for it. Running it again does no harm: what was cut off is looked for first.
pub(super) async fn send(state: &AppState, job: &ClaimedJob, id: ListingId) -> Result<Sent, JobError> {
    let now = state.clock().now();
    let tx = state.db.read(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    drop(tx);
    if !matches!(row.listing.state, ListingState::Queued | ListingState::Publishing) {
        return Ok(Sent::Settled);
    }
    let call = match AccountCall::open(state, &job.ctx, row.account).await {
        Ok(call) => call,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let Some((refs, drafted)) = begin(state, job, id).await? else { return Ok(Sent::Busy) };
    let answer = call.host().publish(call.account_ref(), &drafted.draft, &refs).await;
    match call.settle(answer).await {
        Ok(published) => {
            store(state, job, id, &drafted.draft, &published, now).await?;
            match published.unfinished {
                None => Ok(Sent::Settled),
                Some(error) => failed(state, job, id, error, None).await,
            }
        }
        // A bare error says that nothing was made: what was known before is known still.
        Err(CallError::Channel(error)) => failed(state, job, id, error, Some(&refs)).await,
        Err(error) => Err(error.job_error(now, job.attempt)),
    }
}

/// Notes that sending begins, with the product's newest version; nothing while another job sends it.
async fn begin(
    state: &AppState,
    job: &ClaimedJob,
    id: ListingId,
) -> Result<Option<(PublishedRefs, Drafted)>, JobError> {
    let mut tx = state.db.begin(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    if let Some(other) = row.sender.filter(|sender| *sender != job.id)
        && job_is_held(&tx, other).await?
    {
        return Ok(None);
    }
    let drafted = draft::read(&tx, &state.config, &Subject::of(&row)).await?;
    let refs = refs_of(&row)?;
    // Should nobody live to note the answer, the next try looks for the product before it makes another.
    let marked = PublishedRefs { in_doubt: refs.product_id.is_none(), ..refs.clone() };
    let marked = json!(marked);
    let mut wanted = row.listing.clone();
    wanted.wanted_version = drafted.version;
    let next = wanted.begin().map_err(|error| ApiError::refused(error.code(), error))?;
    let facts = ListingFacts {
        sending: Some((&drafted.hash, job.id)),
        refs: Some(&marked),
        ..ListingFacts::default()
    };
    listing_save(&mut tx, &row, &next, &facts).await?;
    tx.commit().await?;
    Ok(Some((refs, drafted)))
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
    let first = refs_of(&row)?.product_id.is_none();
    let next = match facts::of(&published.listing) {
        Some(fact) if published.unfinished.is_none() => row.listing.observe(&fact, at),
        _ => row.listing.clone(),
    };
    save(&mut tx, &state.config, &row, &next, &published.listing, Some(&published.refs), &published.warnings)
        .await?;
    for sku in &draft.skus {
        let Ok(sku_id) = sku.out_sku_id.parse::<SkuId>() else { continue };
        if first && published.refs.skus.contains_key(&sku.out_sku_id) {
            listing_sku_pushed(&mut tx, id, sku_id, Ok(sku.stock)).await?;
        }
    }
    // Stock may have changed while the product was on its way.
    stock_push::enqueue(&mut tx, &row).await?;
    if refresh_job::undecided(&next) {
        let ask = refresh_job::later(&tx, row.account, &published.listing.product_id);
        job_enqueue(&mut tx, ask).await?;
    }
    tx.commit().await
}

/// Saves a listing with what the platform said, and the channel's ids of its SKUs.
pub(super) async fn save(
    tx: &mut TenantTx,
    config: &Config,
    row: &ListingRow,
    next: &Listing,
    remote: &RemoteListing,
    refs: Option<&PublishedRefs>,
    warnings: &[String],
) -> StoreResult<()> {
    let mut refs = refs.cloned().map_or_else(|| refs_of(row), Ok)?;
    refs.skus.extend(remote.skus.clone());
    let refs_json = json!(refs);
    let native = refs.product_id.as_deref().or(Some(remote.product_id.as_str())).filter(|id| !id.is_empty());
    let facts = ListingFacts {
        native_product_id: native,
        native_state: Some(&remote.native),
        refs: Some(&refs_json),
        warnings: Some(warnings),
        ..ListingFacts::default()
    };
    listing_save(tx, row, next, &facts).await?;
    for (own, channel) in &refs.skus {
        if let Ok(sku) = own.parse::<SkuId>() {
            listing_sku_put(tx, row.id, sku, Some(channel)).await?;
        }
    }
    // Runs that wait for the audit of this listing learn how it went.
    let (result, words) = run_step::result_of(next);
    if result != TargetState::InAudit {
        let words = words.unwrap_or_default();
        let refused = result == TargetState::Refused;
        let error = refused.then_some((ErrorCode::ChannelRefused.as_str(), words.as_str()));
        target_judged(tx, row.id, result, error).await?;
    }
    drift::keep(tx, config, row.id, remote).await
}

/// What the platform refuses is shown at the listing, in its words; what may pass is tried again.
async fn failed(
    state: &AppState,
    job: &ClaimedJob,
    id: ListingId,
    error: ChannelError,
    refs: Option<&PublishedRefs>,
) -> Result<Sent, JobError> {
    let words = plain_words(&error);
    let refused = matches!(
        error.class,
        ErrorClass::FixRequest { .. } | ErrorClass::BusinessRefusal | ErrorClass::Fatal
    );
    let mut tx = state.db.begin(&job.ctx).await?;
    let row = listing_get(&tx, id).await?;
    let refs = refs.map(|refs| json!(refs));
    if refused {
        let next = row.listing.refuse(&words).map_err(|error| ApiError::refused(error.code(), error))?;
        let facts = ListingFacts { refs: refs.as_ref(), ..ListingFacts::default() };
        listing_save(&mut tx, &row, &next, &facts).await?;
        tx.commit().await?;
        return Ok(Sent::Refused);
    }
    let warnings = [words];
    let facts = ListingFacts { refs: refs.as_ref(), warnings: Some(&warnings), ..ListingFacts::default() };
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
    save(&mut tx, &state.config, &row, &next, &remote, None, &[]).await?;
    finish(tx, job).await
}
