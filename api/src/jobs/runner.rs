//! The loop that claims and runs jobs. It never holds more jobs than it may run at once, extends the lease
//! of those it runs, puts failures back with growing pauses, and stops by token: it claims nothing more
//! and waits for what runs.

use super::{Done, JobError, JobKind, JobResult, KINDS, PERIODIC, Periodic};
use crate::state::AppState;
use futures_util::FutureExt;
use qianpu_domain::ids::RequestId;
use qianpu_domain::time::Span;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{
    Among, ClaimedJob, JobFailure, LEASE, Share, job_claim_share, job_extend, job_fail, job_finish,
};
use qianpu_tenants::store::webhook_delivery::DELIVER_JOB;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Longest pause between two tries.
const LONGEST_PAUSE: Span = Span::hours(1);

/// Runs jobs and periodic tasks until `stop` is cancelled and everything running has ended.
pub async fn run(state: AppState, stop: CancellationToken) {
    let mut periodic = JoinSet::new();
    for task in PERIODIC {
        periodic.spawn(repeat(state.clone(), task, stop.clone()));
    }
    let lanes = Lane::of(&state).map(|lane| run_lane(state.clone(), lane, stop.clone()));
    futures_util::future::join_all(lanes).await;
    while periodic.join_next().await.is_some() {}
}

/// Kinds of jobs with places of their own, so that those that wait for strangers take none from the others.
#[derive(Clone)]
struct Lane {
    places: usize,
    share: Share<'static>,
}

/// Kinds that call addresses of tenants.
const OUTSIDE: &[&str] = &[DELIVER_JOB];

impl Lane {
    fn of(state: &AppState) -> [Self; 2] {
        let (jobs, webhooks) = (&state.config.jobs, &state.config.webhooks);
        // One tenant never has every place, so that the first job of another need not wait for one to end.
        let most = u64::try_from(jobs.concurrency.saturating_mul(3).div_ceil(4)).unwrap_or(1);
        let inside = Share { kinds: (Among::AllBut, OUTSIDE), per_tenant: most, per_part: most };
        let outside = Share {
            kinds: (Among::Only, OUTSIDE),
            per_tenant: webhooks.per_tenant,
            per_part: webhooks.per_endpoint,
        };
        [
            Self { places: jobs.concurrency, share: inside },
            Self { places: webhooks.concurrency, share: outside },
        ]
    }
}

async fn run_lane(state: AppState, lane: Lane, stop: CancellationToken) {
    let pause = Duration::from_millis(state.config.jobs.poll_milliseconds);
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        while running.try_join_next().is_some() {}
        let free = lane.places.saturating_sub(running.len());
        let claimed = if free == 0 { Ok(Vec::new()) } else { claim(&state, &lane, free).await };
        let nothing = match claimed {
            Ok(jobs) => {
                let nothing = jobs.is_empty();
                for job in jobs {
                    running.spawn(run_one(state.clone(), job));
                }
                nothing
            }
            Err(error) => {
                tracing::warn!(%error, "jobs could not be claimed");
                true
            }
        };
        if nothing {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // A place of a tenant that had all of its own may be free now.
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = stop.cancelled() => {}
            }
        }
    }
    tracing::info!(running = running.len(), "no more jobs are claimed; waiting for those that run");
    while running.join_next().await.is_some() {}
}

/// Runs everything that is due now, one after the other; returns how many jobs ran. For tests and seeding.
pub async fn run_until_idle(state: &AppState) -> Result<usize, StoreError> {
    let (mut count, mut before) = (0, None);
    while before != Some(count) {
        before = Some(count);
        for lane in Lane::of(state) {
            for job in claim(state, &lane, 16).await? {
                count += 1;
                run_one(state.clone(), job).await;
            }
        }
    }
    Ok(count)
}

async fn claim(state: &AppState, lane: &Lane, limit: usize) -> Result<Vec<ClaimedJob>, StoreError> {
    let limit = u64::try_from(limit).unwrap_or(1);
    job_claim_share(&state.db, limit, &lane.share, RequestId(state.new_id())).await
}

async fn repeat(state: AppState, task: &'static Periodic, stop: CancellationToken) {
    let every = Duration::from_micros(task.every.as_micros().unsigned_abs()).max(Duration::from_secs(1));
    loop {
        let work = AssertUnwindSafe((task.run)(state.clone())).catch_unwind();
        match work.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(task = task.name, %error, "a periodic task failed"),
            Err(_) => tracing::error!(task = task.name, "a periodic task panicked"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn run_one(state: AppState, job: ClaimedJob) {
    let span = tracing::info_span!(
        "job",
        kind = %job.kind,
        job_id = %job.id,
        tenant_id = %job.ctx.tenant(),
        attempt = job.attempt,
    );
    async {
        let kind = KINDS.iter().find(|kind| kind.name == job.kind);
        let outcome = match kind {
            Some(kind) => held(&state, kind, &job).await,
            // A newer release may know it; this one must not throw it away.
            None => Err(JobError::retry("unknown_kind", "this release does not know the job")),
        };
        let label = match &outcome {
            Ok(_) => "done",
            Err(JobError::Retry { .. }) => "retry",
            Err(JobError::Dead { .. }) => "dead",
        };
        metrics::counter!("qianpu_jobs_total", "kind" => job.kind.clone(), "outcome" => label).increment(1);
        if let Err(error) = settle(&state, kind, &job, outcome).await {
            // The lease runs out and somebody tries again.
            tracing::warn!(%error, "a job's outcome could not be stored");
        }
    }
    .instrument(span)
    .await;
}

/// Runs the handler and keeps the lease meanwhile. A lost lease ends the handler.
async fn held(state: &AppState, kind: &JobKind, job: &ClaimedJob) -> JobResult {
    let handler = AssertUnwindSafe((kind.run)(state.clone(), job.clone())).catch_unwind();
    let beat = Duration::from_micros(LEASE.as_micros().unsigned_abs() / 3);
    let lost = async {
        loop {
            tokio::time::sleep(beat).await;
            match job_extend(&state.db, job).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "a lease could not be extended"),
            }
        }
    };
    match unless(handler, lost).await {
        Some(outcome) => outcome.unwrap_or_else(|_| Err(JobError::retry("internal", "the job panicked"))),
        None => Ok(Done::Lost),
    }
}

/// What `work` leads to, or nothing when `lost` ends first. Both go on all the time: a lease that is being
/// extended may wait for the very transaction that the work has open, and must not keep the work from ending it.
async fn unless<T>(work: impl Future<Output = T>, lost: impl Future<Output = ()>) -> Option<T> {
    tokio::select! {
        outcome = work => Some(outcome),
        () = lost => None,
    }
}

async fn settle(
    state: &AppState,
    kind: Option<&JobKind>,
    job: &ClaimedJob,
    outcome: JobResult,
) -> Result<(), StoreError> {
    let failure = match outcome {
        Ok(Done::Committed) => return Ok(()),
        Ok(Done::Lost) => {
            tracing::warn!("the job was taken over by another worker");
            return Ok(());
        }
        Ok(Done::Nothing) => {
            let mut tx = state.db.begin(&job.ctx).await?;
            job_finish(&mut tx, job).await?;
            return tx.commit().await;
        }
        Err(error) => failure(kind.map_or(i64::MAX, |kind| kind.most_attempts), job.attempt, error),
    };
    match &failure {
        JobFailure::RetryLater { code, after, .. } => {
            tracing::info!(error.code = %code, after_s = after.as_seconds(), "the job will be tried again");
        }
        JobFailure::Dead { code, text } => {
            tracing::warn!(error.code = %code, text = %text, "the job was laid aside");
        }
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    job_fail(&mut tx, job, &failure).await?;
    tx.commit().await
}

fn failure(most_attempts: i64, attempt: i64, error: JobError) -> JobFailure {
    match error {
        JobError::Dead { code, text } => JobFailure::Dead { code, text },
        JobError::Retry { code, text, .. } if attempt >= most_attempts => JobFailure::Dead { code, text },
        JobError::Retry { after, code, text } => {
            JobFailure::RetryLater { after: after.unwrap_or_else(|| back_off(attempt)), code, text }
        }
    }
}

/// 2, 4, 8, … seconds, at most an hour.
fn back_off(attempt: i64) -> Span {
    let exponent = u32::try_from(attempt.clamp(1, 12)).unwrap_or(12);
    Span::seconds(2_i64.pow(exponent)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lease_that_waits_for_the_works_own_transaction_does_not_stop_the_work() {
        let gate = tokio::sync::Mutex::new(());
        let beat = Duration::from_millis(5);
        let work = async {
            let open = gate.lock().await;
            tokio::time::sleep(beat * 5).await;
            drop(open);
            "done"
        };
        let lost = async {
            loop {
                tokio::time::sleep(beat).await;
                drop(gate.lock().await);
            }
        };
        assert_eq!(tokio::time::timeout(beat * 2000, unless(work, lost)).await, Ok(Some("done")));
        let never = std::future::pending::<()>();
        assert_eq!(unless(never, async {}).await, None);
    }

    #[test]
    fn failures_are_retried_with_growing_pauses_and_then_laid_aside() {
        assert_eq!(back_off(1), Span::seconds(2));
        assert_eq!(back_off(5), Span::seconds(32));
        assert_eq!(back_off(40), LONGEST_PAUSE);
        let retry = || JobError::retry("x", "y");
        assert!(matches!(failure(3, 2, retry()), JobFailure::RetryLater { .. }));
        assert!(matches!(failure(3, 3, retry()), JobFailure::Dead { .. }));
    }
}
