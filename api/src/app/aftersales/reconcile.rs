//! `aftersales.reconcile`: finds cases that were never pushed, and looks at open ones again. Platforms list cases by the
//! time they were made, a day at most, and tell of later changes by push alone; so every case that is not over is read
//! again when it was not for a while. One job per account, which puts its own successor into the queue and carries
//! where it stands in its payload.

use super::sync;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::ApiError;
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{ChannelAccountId, RequestId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::TimeWindow;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::aftersale::{aftersale_find, aftersale_stale};
use qianpu_tenants::store::channel_account::{AccountFilter, account_list};
use qianpu_tenants::store::tenant::tenant_list_of_kind;
use serde_json::json;

/// Job that looks through an account's cases; payload `{"channel_account_id", "done_until"}`.
pub const RECONCILE: &str = "aftersales.reconcile";

/// The longest window platforms accept, with a second to spare.
const LONGEST: Span = Span::seconds(86_399);
/// How far a window reaches back into the one before.
const OVERLAP: Span = Span::minutes(10);
/// How far back the first look goes: cases are open for some days.
const FIRST: Span = Span::days(15);
/// An open case is read again after this long.
const STALE: Span = Span::minutes(15);
/// Cases that ended without a refund may go to the platform's people for so long; a day more than the platform's rule.
const DISPUTABLE: Span = Span::days(8);
/// Windows of one run; pages of one window.
const MOST_WINDOWS: usize = 5;
const MOST_PAGES: usize = 20;
/// Open cases of one run.
const MOST_OPEN: u64 = 200;
/// Merchants looked at by the watch.
const MOST_MERCHANTS: u64 = 10_000;

/// The job that looks through an account's cases; `done_until` in seconds, 0 for the first look.
pub fn new_job(account: ChannelAccountId, done_until: i64, run_at: Option<Timestamp>) -> NewJob {
    NewJob {
        kind: RECONCILE,
        dedup_key: Some(account.to_string()),
        payload: json!({ "channel_account_id": account.to_string(), "done_until": done_until.to_string() }),
        run_at,
        priority: 5,
    }
}

/// The next window after what is done; never longer than platforms accept, never turned around.
fn window(done_until: i64, now: Timestamp) -> TimeWindow {
    let now = Timestamp::from_seconds(now.seconds());
    let from = match done_until {
        0 => now.minus(FIRST),
        until => Timestamp::from_seconds(until).minus(OVERLAP),
    };
    let from = from.min(now);
    TimeWindow { from, to: now.min(from.plus(LONGEST)) }
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ChannelAccountId = payload(job, "channel_account_id")?;
    let mut done_until: i64 = payload(job, "done_until")?;
    let interval = Span::seconds(state.config.orders.reconcile_seconds);
    let call = match AccountCall::open(state, &job.ctx, id).await {
        Ok(call) => call,
        // Linking it again, or the watch, starts a new one.
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
    };
    let mut found = Vec::new();
    let mut behind = true;
    for _ in 0..MOST_WINDOWS {
        let now = state.clock().now();
        let window = window(done_until, now);
        let mut page: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let answer = call.host().aftersales(call.account_ref(), window, page.as_deref()).await;
            match call.settle(answer).await {
                Ok(listed) => {
                    found.extend(listed.items.into_iter().map(|id| (id, window.to)));
                    page = listed.next_cursor;
                }
                Err(CallError::Channel(error)) => {
                    let words = plain_words(&error);
                    tracing::info!(account_id = %id, error.code = error.code().as_str(), %words, "cases could not be listed");
                    let after = error.retry_after(now).unwrap_or(interval).max(interval);
                    return carry_on(state, job, id, &found, done_until, now.plus(after)).await;
                }
                Err(error) => return Err(error.job_error(now, job.attempt)),
            }
            if page.is_none() {
                break;
            }
        }
        done_until = window.to.seconds();
        if now.since(window.to) < Span::seconds(1) {
            behind = false;
            break;
        }
    }
    let now = state.clock().now();
    carry_on(state, job, id, &found, done_until, if behind { now } else { now.plus(interval) }).await
}

/// Has the cases read that are new or were not read for a while, and queues the successor.
async fn carry_on(
    state: &AppState,
    job: &ClaimedJob,
    id: ChannelAccountId,
    found: &[(String, Timestamp)],
    done_until: i64,
    next: Timestamp,
) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    for (external_id, told_until) in found {
        let known = aftersale_find(&tx, id, external_id).await?;
        // What was read after the window ended holds all that the window told.
        if known.is_none_or(|case| case.synced_at < *told_until) {
            job_enqueue(&mut tx, sync::new_job(id, external_id, 3)).await?;
        }
    }
    let now = tx.now();
    for external_id in aftersale_stale(&tx, id, now.minus(STALE), now.minus(DISPUTABLE), MOST_OPEN).await? {
        job_enqueue(&mut tx, sync::new_job(id, &external_id, 5)).await?;
    }
    job_enqueue(&mut tx, new_job(id, done_until, Some(next))).await?;
    finish(tx, job).await
}

/// Makes sure that every usable account that has cases has its reconciler, at start-up and now and then.
pub async fn watch(state: AppState) -> Result<(), ApiError> {
    let request = RequestId(state.new_id());
    let system = SystemCtx::for_task("aftersales.watch", request);
    let lookup = state.db.begin_lookup(&system).await?;
    let merchants = tenant_list_of_kind(&lookup, Surface::Merchant, MOST_MERCHANTS).await?;
    drop(lookup);
    for merchant in merchants {
        let ctx = TenantCtx::for_system(&state.db, &system, merchant.id).await?;
        let tx = state.db.read(&ctx).await?;
        let accounts = account_list(&tx, &AccountFilter::default(), PageRequest::first(100)).await?;
        drop(tx);
        let with_cases =
            |slug: &str| qianpu_host::find(slug).is_some_and(|channel| channel.aftersale().is_some());
        let wanted: Vec<ChannelAccountId> = accounts
            .items
            .iter()
            .filter(|account| account.state.usable() && with_cases(&account.channel))
            .map(|account| account.id)
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut tx = state.db.begin(&ctx).await?;
        for id in wanted {
            job_enqueue(&mut tx, new_job(id, 0, None)).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_each_other_and_stay_short() {
        const NOW: i64 = 10_000_000;
        for (done, from, to) in [
            (0, NOW - 15 * 86_400, NOW - 15 * 86_400 + 86_399),
            (NOW - 300, NOW - 900, NOW),
            (NOW - 3 * 86_400, NOW - 3 * 86_400 - 600, NOW - 2 * 86_400 - 601),
            // A clock that went back.
            (NOW + 5_000, NOW, NOW),
        ] {
            let got = window(done, Timestamp::from_seconds(NOW));
            assert_eq!((got.from.seconds(), got.to.seconds()), (from, to), "{done}");
        }
    }
}
