//! `channel.phase`: kinds of accounts that the policy calendar closes to new links or switches off, as its rows begin
//! and end. People are told a month, a week and a day before; on the day the accounts are retired, and they come back
//! when the row ends.
//!
//! The daily job makes its own successor first, so that a failure never ends the chain; a change within the next day
//! gets a job of its own for its very moment, and so does every merchant when a provider changes such a row.

use crate::app::{notices, policies};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, chains};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing;
use qianpu_domain::policy::{
    LinkRefusal, Phase, PhaseCalendar, PhaseChange, PhaseNow, PolicyParams, notice_due,
};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use qianpu_tenants::store::channel_account::{
    AccountFilter, ChannelAccount, account_get, account_link_gate, account_list, account_retire,
};
use qianpu_tenants::store::phase_notice::phase_notice_once;
use serde_json::json;

pub const PHASE_JOB: &str = "channel.phase";
/// A provider's row changed: all its merchants are looked at.
pub const SPREAD_JOB: &str = "channel.phase_spread";
const DAY: Span = Span::days(1);
/// Pages of accounts looked at for one merchant.
const MOST_PAGES: usize = 20;

/// What the calendar says to the merchant of `ctx` about kinds of accounts.
pub async fn calendar(state: &AppState, ctx: &TenantCtx) -> Answer<PhaseCalendar> {
    let rules = policies::rules_for(&state.db, ctx, state.clock().now()).await?;
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;
    Ok(PhaseCalendar::new(&rules, provider, ctx.tenant()))
}

/// Whether an account of a kind may be linked (`renew`: is linked already and may be authorised again).
pub(super) fn decide(calendar: &PhaseCalendar, kind: &str, at: Timestamp, renew: bool) -> Answer<()> {
    let now = calendar.phase(kind, at);
    let refused = match now.phase {
        Phase::Open => false,
        Phase::Closed => !renew,
        Phase::Off => true,
    };
    if refused { Err(super::quota::refused(&LinkRefusal::KindClosed(now))) } else { Ok(()) }
}

/// How a kind of account stands, and what comes next.
#[derive(Debug, Clone)]
pub struct KindPhase {
    pub now: PhaseNow,
    /// The next change that is known.
    pub next: Option<PhaseChange>,
}

pub fn of_kind(calendar: &PhaseCalendar, kind: &str, at: Timestamp) -> KindPhase {
    KindPhase { now: calendar.phase(kind, at), next: calendar.changes(kind, at).into_iter().next() }
}

async fn all_accounts(tx: &TenantTx) -> Answer<Vec<ChannelAccount>> {
    let mut accounts = Vec::new();
    let mut page = PageRequest::first(MAX_LIMIT);
    for _ in 0..MOST_PAGES {
        let found = account_list(tx, &AccountFilter::default(), page).await?;
        accounts.extend(found.items.into_iter().filter(|account| account.state.counts()));
        let Some(next) = found.next else { break };
        page = PageRequest { cursor: Some(next), ..page };
    }
    Ok(accounts)
}

/// Brings an account to what the calendar says of its kind; true when that changed it.
async fn settle(tx: &mut TenantTx, account: &ChannelAccount, now: &PhaseNow) -> Answer<bool> {
    if !account_retire(tx, account.id, now.phase == Phase::Off).await? {
        return Ok(false);
    }
    let fresh = account_get(tx, account.id).await?;
    let detail = json!({
        "from": account.state.as_str(), "to": fresh.state.as_str(), "rule": now.rule.as_ref().map(|rule| &rule.0),
    });
    audit_append(tx, AuditAction::ChannelAccountState, "channel_account", &fresh.id.to_string(), detail)
        .await?;
    if fresh.state.usable() {
        super::call::back_at_work(tx, fresh.id, &fresh.channel).await?;
    }
    Ok(true)
}

/// Looks at the accounts of the merchant of `ctx` now. Doing it twice changes and tells nothing twice. Returns the next
/// moment at which something changes.
pub async fn evaluate(state: &AppState, ctx: &TenantCtx) -> Answer<Option<Timestamp>> {
    let calendar = calendar(state, ctx).await?;
    let mut tx = state.db.begin(ctx).await?;
    // Two looks at once would both tell; links wait a moment, as they do for each other.
    account_link_gate(&mut tx).await?;
    let now = tx.now();
    let accounts = all_accounts(&tx).await?;
    let mut kinds: Vec<&str> = accounts.iter().map(|account| account.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut soonest = None;
    for kind in kinds {
        let standing = of_kind(&calendar, kind, now);
        let mut retired = Vec::new();
        let names: Vec<&str> = accounts
            .iter()
            .filter(|account| account.kind == kind)
            .map(|account| account.name.as_str())
            .collect();
        for account in accounts.iter().filter(|account| account.kind == kind) {
            let changed = settle(&mut tx, account, &standing.now).await?;
            if changed && standing.now.phase == Phase::Off {
                retired.push(account.name.as_str());
            }
        }
        if !retired.is_empty() {
            notices::kind_switched_off(state, &mut tx, kind, &retired).await?;
        }
        if let Some(change) = standing.next {
            tell_ahead(state, &mut tx, kind, &change, &names).await?;
            soonest = Some(soonest.map_or(change.at, |at: Timestamp| at.min(change.at)));
        }
    }
    tx.commit().await?;
    Ok(soonest)
}

/// Tells of a change for the worse when its notice is due and was not given.
async fn tell_ahead(
    state: &AppState,
    tx: &mut TenantTx,
    kind: &str,
    change: &PhaseChange,
    names: &[&str],
) -> Answer<()> {
    if change.now.phase == Phase::Open {
        return Ok(());
    }
    let zone = &state.config.app.time_zone;
    let day = |at| billing::date_in(at, zone).map_err(ApiError::internal);
    let (today, begins) = (day(tx.now())?, day(change.at)?);
    let left = today.until(begins).map_or(i64::MAX, |span| i64::from(span.get_days()));
    let Some(due) = notice_due(left) else { return Ok(()) };
    if phase_notice_once(tx, kind, change, due).await? {
        notices::kind_changes_on(state, tx, kind, change.now.phase, begins, names).await?;
    }
    Ok(())
}

fn job(at: Timestamp) -> NewJob {
    NewJob {
        kind: PHASE_JOB,
        dedup_key: Some("daily".to_owned()),
        payload: json!({}),
        run_at: Some(at),
        priority: 9,
    }
}

/// One look beside the daily ones.
fn look_at(at: Timestamp) -> NewJob {
    let dedup_key = Some(format!("at {}", at.micros()));
    NewJob { kind: PHASE_JOB, dedup_key, payload: json!({}), run_at: Some(at), priority: 5 }
}

/// One look at a merchant's accounts.
pub async fn run(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    let ctx = &claimed.ctx;
    let mut tx = state.db.begin(ctx).await?;
    let tomorrow = tx.now().plus(DAY);
    job_enqueue(&mut tx, job(tomorrow)).await?;
    tx.commit().await?;
    if let Some(soonest) = evaluate(state, ctx).await? {
        let mut tx = state.db.begin(ctx).await?;
        if soonest <= tx.now().plus(DAY) {
            job_enqueue(&mut tx, look_at(soonest)).await?;
            tx.commit().await?;
        }
    }
    Ok(Done::Nothing)
}

/// A row of the provider's changed: its merchants are looked at, in the transaction that changes it.
pub(in crate::app) async fn rule_changed(tx: &mut TenantTx, params: &PolicyParams) -> Answer<()> {
    if matches!(params, PolicyParams::ChannelPhase(_)) {
        let spread = NewJob {
            kind: SPREAD_JOB,
            dedup_key: Some(format!("at {}", tx.now().micros())),
            payload: json!({}),
            run_at: None,
            priority: 5,
        };
        job_enqueue(tx, spread).await?;
    }
    Ok(())
}

/// Has every merchant of a provider looked at.
pub async fn run_spread(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    chains::of_provider(state, claimed.ctx.tenant(), "phase.spread", look_at).await?;
    Ok(Done::Nothing)
}

/// Begins the chain of every merchant in business that has none, at start-up and now and then.
pub async fn watch(state: AppState) -> Result<(), ApiError> {
    chains::begin(&state, "phase.watch", Span::seconds(0), job).await
}
