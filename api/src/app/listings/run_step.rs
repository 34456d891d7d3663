//! A step of a run: some products of one account, sent one after the other. Every account has a chain of steps, each a
//! short job, so that a run takes no worker from others for long; what the platform's limits ask for is waited for
//! between two steps, by the chain and not by each product. A step that dies is run again by whoever takes its job
//! over: results are noted per product, and what was cut off on its way is looked for before it is sent again.

use super::RUN_JOB;
use super::publish::{Publish, ask, prepare};
use super::publish_job::{Sent, send};
use crate::app::channels::account_jobs::payload;
use crate::error::ApiError;
use crate::jobs::{JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, ListingId, ListingRunId};
use qianpu_domain::listing::{Listing, ListingState};
use qianpu_domain::listing_run::{MOST_ATTEMPTS, RunOrigin, RunState, TargetState};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue_part};
use qianpu_tenants::store::listing::listing_get;
use qianpu_tenants::store::listing_run::{ListingRun, run_account_waits, run_get, run_move};
use qianpu_tenants::store::listing_run_target::{
    RunTarget, TargetChange, target_next, target_note, target_open,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// Products of one step, and how long it may take.
const MOST: usize = 20;
const SLICE: Duration = Duration::from_secs(5);
/// How long to wait for another job that sends the same product.
const BUSY: Span = Span::seconds(3);

/// The next step of an account.
pub(super) fn new_job(run: ListingRunId, account: ChannelAccountId, run_at: Option<Timestamp>) -> NewJob {
    NewJob {
        kind: RUN_JOB,
        dedup_key: Some(format!("{run}:{account}")),
        payload: json!({ "listing_run_id": run.to_string(), "channel_account_id": account.to_string() }),
        run_at,
        priority: 7,
    }
}

/// What one product led to.
enum One {
    /// It has its result, or waits for its own next try.
    Next,
    /// The whole account has to wait.
    Wait { until: Timestamp, code: String, text: String },
}

/// Runs one step.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let run: ListingRunId = payload(job, "listing_run_id")?;
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let begun = Instant::now();
    let mut sent = 0;
    loop {
        let mut tx = state.db.begin(&job.ctx).await?;
        let now = run_get(&tx, run).await?;
        if now.state != RunState::Running {
            return finish(tx, job).await;
        }
        let Some(target) = target_next(&tx, run, account).await? else {
            run_account_waits(&mut tx, run, account, None).await?;
            // Its last account ends the run.
            if !target_open(&tx, run).await? {
                run_move(&mut tx, run, RunState::Running, RunState::Done).await?;
            }
            return finish(tx, job).await;
        };
        let not_yet = (target.next_at > tx.now()).then_some(target.next_at);
        if not_yet.is_some() || sent == MOST || begun.elapsed() > SLICE {
            let wait = not_yet.map(|until| (until, "busy", ""));
            run_account_waits(&mut tx, run, account, wait).await?;
            job_enqueue_part(&mut tx, new_job(run, account, not_yet), account.0).await?;
            return finish(tx, job).await;
        }
        drop(tx);
        sent += 1;
        match one(state, job, &now, &target).await? {
            One::Next => {}
            One::Wait { until, code, text } => {
                let mut tx = state.db.begin(&job.ctx).await?;
                run_account_waits(&mut tx, run, account, Some((until, &code, &text))).await?;
                job_enqueue_part(&mut tx, new_job(run, account, Some(until)), account.0).await?;
                return finish(tx, job).await;
            }
        }
    }
}

/// Notes a change of a target in its own transaction.
async fn note(
    state: &AppState,
    job: &ClaimedJob,
    run: ListingRunId,
    target: &RunTarget,
    change: &TargetChange<'_>,
) -> StoreResult<()> {
    let mut tx = state.db.begin(&job.ctx).await?;
    target_note(&mut tx, run, target, change).await?;
    tx.commit().await
}

fn settled<'a>(target: &RunTarget, state: TargetState, listing: Option<ListingId>) -> TargetChange<'a> {
    TargetChange { state, listing, error: None, attempts: target.attempts, next_at: target.next_at }
}

/// What a listing's state is as a result.
pub(super) fn result_of(listing: &Listing) -> (TargetState, Option<String>) {
    match listing.state {
        ListingState::Queued | ListingState::Publishing | ListingState::InAudit => {
            (TargetState::InAudit, None)
        }
        // The version on sale is not the one that was sent: it waits for the audit, or did not pass it.
        ListingState::Listed if listing.reason.is_some() => (TargetState::Refused, listing.reason.clone()),
        ListingState::Listed if listing.listed_version != listing.sent_version => {
            (TargetState::InAudit, None)
        }
        ListingState::Listed => (TargetState::Published, None),
        ListingState::Refused | ListingState::Delisted => (TargetState::Refused, listing.reason.clone()),
    }
}

/// Carries out one product on one account.
async fn one(
    state: &AppState,
    job: &ClaimedJob,
    run: &ListingRun,
    target: &RunTarget,
) -> Result<One, JobError> {
    let (origin, run) = (run.origin, run.id);
    let begun_before = target.state == TargetState::Sending;
    let command = Publish::as_before(target.product, target.account);
    let mut tx = state.db.begin(&job.ctx).await?;
    let prepared = match prepare(&tx, state, &command).await {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(tx);
            return refused(state, job, run, target, &error).await;
        }
    };
    if origin == RunOrigin::Rules && !prepared.known.as_ref().is_some_and(|row| row.listing.is_there()) {
        // Rules bring nothing back that was refused or taken off.
        let listing = prepared.known.as_ref().map(|row| row.id);
        target_note(&mut tx, run, target, &settled(target, TargetState::Unchanged, listing)).await?;
        tx.commit().await?;
        return Ok(One::Next);
    }
    let (row, sends) = match ask(&mut tx, &prepared).await {
        Ok(asked) => asked,
        Err(error) => {
            drop(tx);
            return refused(state, job, run, target, &error).await;
        }
    };
    if !sends {
        let (result, words) = result_of(&row.listing);
        let result = match result {
            TargetState::Published if !begun_before => TargetState::Unchanged,
            other => other,
        };
        let words = words.unwrap_or_default();
        let error =
            (result == TargetState::Refused).then_some((ErrorCode::ChannelRefused.as_str(), words.as_str()));
        let change = TargetChange { error, ..settled(target, result, Some(row.id)) };
        target_note(&mut tx, run, target, &change).await?;
        tx.commit().await?;
        return Ok(One::Next);
    }
    target_note(&mut tx, run, target, &settled(target, TargetState::Sending, Some(row.id))).await?;
    tx.commit().await?;
    match send(state, job, row.id).await {
        Ok(Sent::Busy) => {
            let next_at = state.clock().now().plus(BUSY);
            let change = TargetChange { next_at, ..settled(target, TargetState::Sending, Some(row.id)) };
            note(state, job, run, target, &change).await?;
            Ok(One::Next)
        }
        Ok(Sent::Settled | Sent::Refused) => {
            let mut tx = state.db.begin(&job.ctx).await?;
            judged(&mut tx, run, target, row.id).await?;
            tx.commit().await?;
            Ok(One::Next)
        }
        Err(JobError::Retry { after, code, text }) => {
            later(state, job, run, target, row.id, (after.unwrap_or(BUSY), code, text)).await
        }
        Err(JobError::Dead { code, text }) => {
            let change = TargetChange {
                error: Some((&code, &text)),
                ..settled(target, TargetState::Refused, Some(row.id))
            };
            note(state, job, run, target, &change).await?;
            Ok(One::Next)
        }
    }
}

async fn judged(tx: &mut TenantTx, run: ListingRunId, target: &RunTarget, id: ListingId) -> StoreResult<()> {
    let row = listing_get(tx, id).await?;
    let (result, words) = result_of(&row.listing);
    let words = words.unwrap_or_default();
    let error =
        (result == TargetState::Refused).then_some((ErrorCode::ChannelRefused.as_str(), words.as_str()));
    let change = TargetChange { error, ..settled(target, result, Some(id)) };
    target_note(tx, run, target, &change).await?;
    Ok(())
}

/// Our own rules refuse it; what may pass is tried again.
async fn refused(
    state: &AppState,
    job: &ClaimedJob,
    run: ListingRunId,
    target: &RunTarget,
    error: &ApiError,
) -> Result<One, JobError> {
    let code = error.code();
    // Somebody else changed the listing at the same moment.
    if code.retryable() || matches!(code, ErrorCode::VersionConflict | ErrorCode::Conflict) {
        return Err(JobError::retry(code.as_str(), error.to_string()));
    }
    let words = error.errors().first().map_or(code.title_zh(), |field| field.message_zh.as_str());
    let change = TargetChange {
        error: Some((code.as_str(), words)),
        ..settled(target, TargetState::Refused, target.listing)
    };
    note(state, job, run, target, &change).await?;
    Ok(One::Next)
}

/// The platform has no time, or no quota left, for the account: the chain waits. A product that fails again and again
/// while others get through counts as refused in the end.
async fn later(
    state: &AppState,
    job: &ClaimedJob,
    run: ListingRunId,
    target: &RunTarget,
    listing: ListingId,
    (after, code, text): (Span, String, String),
) -> Result<One, JobError> {
    let now = state.clock().now();
    let quota = code == ErrorCode::ChannelQuota.as_str();
    let attempts = target.attempts + i64::from(!quota);
    let until = now.plus(after);
    let given_up = attempts >= MOST_ATTEMPTS;
    let change = TargetChange {
        state: if given_up { TargetState::Refused } else { TargetState::Sending },
        listing: Some(listing),
        error: Some((&code, &text)),
        attempts,
        // Behind the others, so that one product holds up none of them.
        next_at: if quota { target.next_at } else { until },
    };
    note(state, job, run, target, &change).await?;
    if given_up {
        return Ok(One::Next);
    }
    Ok(One::Wait { until, code, text })
}
