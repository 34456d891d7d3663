//! `orders.reconcile`: asks a channel which orders changed since the last time, and has each one fetched. So a
//! push that never came costs minutes, and no order. One job per account, which puts its own successor into
//! the queue; it is never laid aside while the account can be used.
//!
//! Windows overlap, because platforms stamp changes with their own clock and list them with a delay.

use super::sync;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::attach::RECONCILE_JOB;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::ApiError;
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::channel::AccountState;
use qianpu_domain::ids::{ChannelAccountId, RequestId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ErrorClass, TimeWindow};
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::{AccountFilter, account_list, account_note_reconciled};
use qianpu_tenants::store::order::order_synced_since;
use qianpu_tenants::store::tenant::tenant_list_of_kind;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How far a window reaches back into the one before.
const OVERLAP: Span = Span::minutes(2);
/// The longest window platforms accept.
const LONGEST: Span = Span::days(7);
/// How far before the link the first window begins: orders that wait to be sent are ours to send.
const BEFORE_LINK: Span = Span::days(7);
/// Pages of one run; the next run goes on with the rest.
const MOST_PAGES: usize = 10;
/// Merchants looked at by the watch.
const MOST_MERCHANTS: u64 = 10_000;

/// Where an account's reconciler stands, as kept on the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Everything before is done, in seconds.
    done_until: i64,
    /// A window in the middle of its pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenWindow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OpenWindow {
    from: i64,
    to: i64,
    /// Where the next page starts.
    page: String,
}

/// The window to ask for, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ask {
    window: TimeWindow,
    page: Option<String>,
}

fn ask(kept: Option<&str>, linked_at: Timestamp, now: Timestamp) -> Ask {
    let progress: Option<Progress> = kept.and_then(|text| serde_json::from_str(text).ok());
    if let Some(Progress { open: Some(open), .. }) = &progress {
        let window =
            TimeWindow { from: Timestamp::from_seconds(open.from), to: Timestamp::from_seconds(open.to) };
        return Ask { window, page: Some(open.page.clone()) };
    }
    let from = match progress {
        Some(progress) => Timestamp::from_seconds(progress.done_until).minus(OVERLAP),
        None => linked_at.minus(BEFORE_LINK),
    };
    let now = Timestamp::from_seconds(now.seconds());
    let from = Timestamp::from_seconds(from.min(now).seconds());
    Ask { window: TimeWindow { from, to: now.min(from.plus(LONGEST)) }, page: None }
}

/// What is kept after a run that ended before `next`, or at the end of the window.
fn keep(window: TimeWindow, next: Option<String>) -> Progress {
    match next {
        Some(page) => Progress {
            done_until: window.from.seconds(),
            open: Some(OpenWindow { from: window.from.seconds(), to: window.to.seconds(), page }),
        },
        None => Progress { done_until: window.to.seconds(), open: None },
    }
}

/// The job that looks through an account's orders.
pub fn new_job(account: ChannelAccountId, run_at: Option<Timestamp>) -> NewJob {
    NewJob {
        kind: RECONCILE_JOB,
        dedup_key: Some(account.to_string()),
        payload: json!({ "channel_account_id": account.to_string() }),
        run_at,
        priority: 5,
    }
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ChannelAccountId = payload(job, "channel_account_id")?;
    let interval = Span::seconds(state.config.orders.reconcile_seconds);
    let call = match AccountCall::open(state, &job.ctx, id).await {
        Ok(call) => call,
        // Linking it again, or the watch, starts a new one.
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
    };
    let account = call.account().clone();
    let Ask { window, mut page } =
        ask(account.reconcile_cursor.as_deref(), account.linked_at, state.clock().now());
    let mut pages = 0;
    loop {
        let answer = call.host().orders_changed(call.account_ref(), window, page.as_deref()).await;
        let changed = match call.settle(answer).await {
            Ok(changed) => changed,
            Err(error) => return put_off(state, job, id, window, page.is_some(), interval, error).await,
        };
        let mut tx = state.db.begin(&job.ctx).await?;
        let known = order_synced_since(&tx, id, &changed.items, window.to).await?;
        for external_id in changed.items.iter().filter(|id| !known.contains(id)) {
            job_enqueue(&mut tx, sync::new_job(id, external_id, 3)).await?;
        }
        page = changed.next_cursor;
        pages += 1;
        let kept = serde_json::to_string(&keep(window, page.clone())).map_err(ApiError::internal)?;
        account_note_reconciled(&mut tx, id, Some(&kept)).await?;
        if page.is_some() && pages < MOST_PAGES {
            tx.commit().await?;
            continue;
        }
        let now = tx.now();
        // Behind by more than one window, or by pages: go on at once.
        let behind = page.is_some() || now.since(window.to) > interval;
        let next = if behind { now } else { now.plus(interval) };
        job_enqueue(&mut tx, new_job(id, Some(next))).await?;
        return finish(tx, job).await;
    }
}

/// A reconciler waits as long as the platform says, and at least one interval; it does not die.
async fn put_off(
    state: &AppState,
    job: &ClaimedJob,
    id: ChannelAccountId,
    window: TimeWindow,
    in_pages: bool,
    interval: Span,
    error: CallError,
) -> JobResult {
    let CallError::Channel(error) = error else {
        return Err(error.job_error(state.clock().now(), job.attempt));
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    let after = error.retry_after(tx.now()).unwrap_or(interval).max(interval);
    tracing::info!(account_id = %id, error.code = error.code().as_str(), words = %plain_words(&error), "orders could not be listed");
    if in_pages && !matches!(error.class, ErrorClass::RetryLater { .. } | ErrorClass::Quota { .. }) {
        // The platform may have forgotten the page: begin the window again.
        let kept = Progress { done_until: window.from.plus(OVERLAP).seconds(), open: None };
        let kept = serde_json::to_string(&kept).map_err(ApiError::internal)?;
        account_note_reconciled(&mut tx, id, Some(&kept)).await?;
    }
    let next = tx.now().plus(after);
    job_enqueue(&mut tx, new_job(id, Some(next))).await?;
    finish(tx, job).await
}

/// Makes sure that every usable account has its reconciler, at start-up and now and then.
pub async fn watch(state: AppState) -> Result<(), ApiError> {
    let request = RequestId(state.new_id());
    let system = SystemCtx::for_task("orders.watch", request);
    let lookup = state.db.begin_lookup(&system).await?;
    let merchants = tenant_list_of_kind(&lookup, Surface::Merchant, MOST_MERCHANTS).await?;
    drop(lookup);
    for merchant in merchants {
        let ctx = TenantCtx::for_system(&state.db, &system, merchant.id).await?;
        let tx = state.db.read(&ctx).await?;
        let accounts = account_list(&tx, &AccountFilter::default(), PageRequest::first(100)).await?;
        drop(tx);
        let usable = |state: AccountState| state.usable();
        let with_orders =
            |slug: &str| qianpu_host::find(slug).is_some_and(|channel| channel.orders().is_some());
        let wanted: Vec<ChannelAccountId> = accounts
            .items
            .iter()
            .filter(|account| usable(account.state) && with_orders(&account.channel))
            .map(|account| account.id)
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut tx = state.db.begin(&ctx).await?;
        for id in wanted {
            job_enqueue(&mut tx, new_job(id, None)).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn check(kept: Option<&str>, now: i64, from: i64, to: i64, page: Option<&str>) {
        let got = ask(kept, at(2_000_000), at(now));
        let expected =
            Ask { window: TimeWindow { from: at(from), to: at(to) }, page: page.map(str::to_owned) };
        assert_eq!(got, expected, "{kept:?} at {now}");
    }

    #[test]
    fn windows() {
        const DAY: i64 = 86_400;
        // The first one begins before the link and ends after seven days at the most.
        check(None, 2_000_010, 2_000_000 - 7 * DAY, 2_000_000, None);
        check(Some("garbage"), 2_000_010, 2_000_000 - 7 * DAY, 2_000_000, None);
        check(Some(r#"{"done_until":2000000}"#), 2_000_300, 2_000_000 - 120, 2_000_300, None);
        check(Some(r#"{"done_until":2000000}"#), 2_000_000 + 30 * DAY, 1_999_880, 1_999_880 + 7 * DAY, None);
        let open = r#"{"done_until":100,"open":{"from":100,"to":200,"page":"k"}}"#;
        check(Some(open), 2_000_300, 100, 200, Some("k"));
        // A clock that went back asks for nothing rather than for a window that ends before it begins.
        check(Some(r#"{"done_until":3000000}"#), 2_000_000, 2_000_000, 2_000_000, None);
    }

    #[test]
    fn what_is_kept_leads_to_the_rest_of_the_window_or_to_the_next() {
        let window = TimeWindow { from: at(100), to: at(200) };
        let middle = serde_json::to_string(&keep(window, Some("k".to_owned()))).unwrap();
        assert_eq!(ask(Some(&middle), at(0), at(900)), Ask { window, page: Some("k".to_owned()) });
        let end = serde_json::to_string(&keep(window, None)).unwrap();
        assert_eq!(ask(Some(&end), at(0), at(900)).window, TimeWindow { from: at(80), to: at(900) });
    }
}
