//! Fetching the truth about a published product: after a push, and now and then while the platform has not
//! decided, because pushes get lost.

use super::{REFRESH_LISTING_JOB, facts, publish_job, refresh_listing_payload};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::listing::{Listing, ListingState};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{AuditState, ListingState as Remote, RemoteListing, ShelfState};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::listing::listing_by_native;

/// How long an audit is waited for before the platform is asked.
const ASK_AGAIN: Span = Span::minutes(15);

/// The job for one product at one account.
pub(super) fn new_job(account: ChannelAccountId, native: &str, run_at: Option<Timestamp>) -> NewJob {
    let when = if run_at.is_some() { ":later" } else { "" };
    NewJob {
        kind: REFRESH_LISTING_JOB,
        dedup_key: Some(format!("{account}:{native}{when}")),
        payload: refresh_listing_payload(account, native),
        run_at,
        priority: 5,
    }
}

/// The same after a while.
pub(super) fn later(tx: &TenantTx, account: ChannelAccountId, native: &str) -> NewJob {
    new_job(account, native, Some(tx.now().plus(ASK_AGAIN)))
}

/// Whether the platform has yet to decide about the version that was sent.
pub(super) fn undecided(listing: &Listing) -> bool {
    match listing.state {
        ListingState::Publishing | ListingState::InAudit => true,
        ListingState::Listed => listing.reason.is_none() && listing.listed_version != listing.sent_version,
        ListingState::Queued | ListingState::Refused | ListingState::Delisted => false,
    }
}

/// Fetches and keeps what the platform says.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let native: String = payload(job, "native_product_id")?;
    let tx = state.db.read(&job.ctx).await?;
    let known = listing_by_native(&tx, account, &native).await?;
    drop(tx);
    let now = state.clock().now();
    let Some(row) = known else {
        // Not one of ours, or the push overtook our own bookkeeping: once more, then let it be.
        return if job.attempt < 3 {
            let (code, text) = ("not_found".to_owned(), "商品尚未登记，稍后重试".to_owned());
            Err(crate::jobs::JobError::Retry { after: Some(Span::seconds(5)), code, text })
        } else {
            Ok(Done::Nothing)
        };
    };
    let call = match AccountCall::open(state, &job.ctx, account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut answer = call.host().listing(call.account_ref(), &native).await;
    if let Ok(remote) = &answer
        && approved_but_never_shelved(remote)
        && matches!(row.listing.state, ListingState::InAudit | ListingState::Publishing)
    {
        answer = call.host().list(call.account_ref(), &native).await;
    }
    let remote = match call.settle(answer).await {
        Ok(remote) => remote,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    let Some(row) = listing_by_native(&tx, account, &native).await? else { return Ok(Done::Nothing) };
    let next = match facts::of(&remote) {
        Some(fact) => row.listing.observe(&fact, now),
        None => row.listing.clone(),
    };
    publish_job::save(&mut tx, &state.config, &row, &next, &remote, None, &row.warnings).await?;
    if undecided(&next) {
        let ask = later(&tx, account, &native);
        job_enqueue(&mut tx, ask).await?;
    }
    finish(tx, job).await
}

fn approved_but_never_shelved(remote: &RemoteListing) -> bool {
    remote.state == Remote::Delisted
        && remote.shelf == ShelfState::New
        && remote.audit == AuditState::Approved
}
