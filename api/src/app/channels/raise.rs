//! `quota.raise`: once a day for each merchant, whether the scores of its shops raise the quota of linked accounts.
//! People are told when it rises, ahead of its fall, and when it has fallen; nothing is ever unlinked here.
//!
//! The job makes its own successor first, so that a failure never ends the chain; [`watch`] begins chains that are
//! missing.

use crate::app::{notices, policies};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, chains};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing;
use qianpu_domain::ids::ShopId;
use qianpu_domain::policy::{
    self, PolicyKind, PolicyRule, Raise, RaiseProgress, RaiseStanding, RaiseTerms, RaiseTurn, RuleId,
    next_standing, raise_progress, raise_terms,
};
use qianpu_domain::score::DayScore;
use qianpu_domain::shop::ShopState;
use qianpu_domain::subject::SubjectKind;
use qianpu_domain::time::{Date, Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use qianpu_tenants::store::channel_account::{account_count, account_link_gate};
use qianpu_tenants::store::shop::{Shop, shop_get, shop_list};
use qianpu_tenants::store::shop_score::{LinkStanding, link_standing_get, link_standing_put, score_list};
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

pub const RAISE_JOB: &str = "quota.raise";
const DAY: Span = Span::days(1);
/// Merchants looked at by the watch.
/// Pages of shops looked at for one merchant.
const MOST_PAGES: usize = 50;

/// The day of a moment, where the installation is.
pub fn day_of(state: &AppState, at: Timestamp) -> Answer<Date> {
    billing::date_in(at, &state.config.app.time_zone).map_err(ApiError::internal)
}

/// Where a shop stands and how far it is.
#[derive(Debug, Clone)]
pub struct RaiseView {
    /// What is kept.
    pub standing: RaiseStanding,
    /// Whether the raise is in force now.
    pub in_force: bool,
    /// How far it is today.
    pub progress: RaiseProgress,
    /// The terms today.
    pub terms: RaiseTerms,
    /// The row they come from.
    pub rule: RuleId,
    /// The day of the last look.
    pub evaluated_on: Option<Date>,
    /// Since when the state holds.
    pub changed_at: Option<Timestamp>,
}

/// The terms that hold for the merchant of `ctx` now.
pub(super) async fn rule(state: &AppState, ctx: &TenantCtx) -> Answer<PolicyRule> {
    policies::rule_in_force(&state.db, ctx, PolicyKind::LinkQuotaRaise).await
}

fn terms(rule: &PolicyRule) -> Answer<RaiseTerms> {
    raise_terms(rule).map_err(|error| ApiError::refused(error.code(), error))
}

/// The raise that is in force for a shop on a day, inside the transaction that links.
pub(super) async fn in_force(
    tx: &TenantTx,
    shop: ShopId,
    rule: &PolicyRule,
    today: Date,
) -> Answer<Option<Raise>> {
    let kept = link_standing_get(tx, shop).await?;
    if !kept.is_some_and(|kept| kept.standing.holds(today)) {
        return Ok(None);
    }
    Ok(Some(Raise { limit: terms(rule)?.limit, rule: rule.id.clone() }))
}

async fn facts(
    tx: &TenantTx,
    zone: &str,
    shop: &Shop,
    today: Date,
    terms: &RaiseTerms,
) -> Answer<RaiseProgress> {
    let merchant = tenant_get(tx).await?;
    let subject = merchant.subject_kind.as_deref().and_then(SubjectKind::from_text);
    // One more than the days: the score that the first of them may carry.
    let scores: Vec<DayScore> = score_list(tx, shop.id, today, u64::from(terms.days) + 1)
        .await?
        .into_iter()
        .map(|row| row.score)
        .collect();
    let since = shop.trading_at.map(|at| billing::date_in(at, zone)).transpose();
    let since = since.map_err(ApiError::internal)?;
    Ok(raise_progress(&scores, since, subject.unwrap_or(SubjectKind::Personal), today, terms))
}

/// Where a shop stands. The caller has checked that it may be seen.
pub async fn of_shop(state: &AppState, ctx: &TenantCtx, shop: ShopId) -> Answer<RaiseView> {
    let rule = rule(state, ctx).await?;
    let terms = terms(&rule)?;
    let today = day_of(state, state.clock().now())?;
    let tx = state.db.read(ctx).await?;
    let shop = shop_get(&tx, shop).await?;
    let kept = link_standing_get(&tx, shop.id).await?;
    let progress = facts(&tx, &state.config.app.time_zone, &shop, today, &terms).await?;
    let standing = kept.as_ref().map_or(RaiseStanding::STANDARD, |kept| kept.standing);
    Ok(RaiseView {
        standing,
        in_force: standing.holds(today),
        progress,
        terms,
        rule: rule.id,
        evaluated_on: kept.as_ref().map(|kept| kept.evaluated_on),
        changed_at: kept.map(|kept| kept.changed_at),
    })
}

/// Accounts of a kind beyond the usual quota.
#[derive(Debug, Clone)]
pub struct Beyond {
    /// Word of the kind.
    pub kind: &'static str,
    /// Linked.
    pub used: u32,
    /// Usual quota.
    pub usual: u32,
}

async fn beyond(tx: &TenantTx, shop: ShopId, rule: &PolicyRule) -> Answer<Vec<Beyond>> {
    let subject = tenant_get(tx).await?.subject_kind;
    let subject = subject.as_deref().and_then(SubjectKind::from_text).unwrap_or(SubjectKind::Personal);
    let mut found = Vec::new();
    for kind in qianpu_host::channels().into_iter().flat_map(|channel| channel.info().kinds) {
        let used = account_count(tx, shop, kind.code).await?;
        let quota = policy::quota(used, subject, kind.code, rule, None)
            .map_err(|error| ApiError::refused(error.code(), error))?;
        if used > quota.usual {
            found.push(Beyond { kind: kind.code, used, usual: quota.usual });
        }
    }
    Ok(found)
}

/// The daily look at one shop. Doing it twice on a day tells nothing twice.
pub async fn evaluate(state: &AppState, ctx: &TenantCtx, shop: ShopId) -> Answer<()> {
    let rule = rule(state, ctx).await?;
    let usual = super::quota::rule(state, ctx).await?;
    let terms = terms(&rule)?;
    let mut tx = state.db.begin(ctx).await?;
    // Two looks at once would both tell; links wait a moment, as they do for each other.
    account_link_gate(&mut tx).await?;
    let today = day_of(state, tx.now())?;
    let shop = shop_get(&tx, shop).await?;
    if matches!(shop.state, ShopState::Closing | ShopState::Closed) {
        return Ok(());
    }
    let was = link_standing_get(&tx, shop.id).await?;
    let standing = was.as_ref().map_or(RaiseStanding::STANDARD, |kept| kept.standing);
    let progress = facts(&tx, &state.config.app.time_zone, &shop, today, &terms).await?;
    let (next, turn) = next_standing(standing, progress.met, today, &terms);
    let changed_at = was.filter(|_| turn.is_none()).map_or(tx.now(), |kept| kept.changed_at);
    let kept = LinkStanding { standing: next, rule: rule.id.clone(), evaluated_on: today, changed_at };
    link_standing_put(&mut tx, shop.id, &kept).await?;
    if let Some(turn) = turn {
        let detail = json!({
            "from": standing.state.as_str(), "to": next.state.as_str(), "rule": rule.id.0,
            "falls_on": next.falls_on.map(|day| day.to_string()), "score": progress.score,
        });
        let id = shop.id.to_string();
        audit_append(&mut tx, AuditAction::LinkQuotaStanding, "shop", &id, detail).await?;
        let over = match turn {
            RaiseTurn::Falling(_) | RaiseTurn::Fell => beyond(&tx, shop.id, &usual).await?,
            RaiseTurn::Reached | RaiseTurn::Recovered => Vec::new(),
        };
        notices::link_quota_turned(state, &mut tx, &shop, turn, (&terms, &progress), &over).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn job(at: Timestamp) -> NewJob {
    NewJob {
        kind: RAISE_JOB,
        dedup_key: Some("daily".to_owned()),
        payload: json!({}),
        run_at: Some(at),
        priority: 9,
    }
}

/// Makes sure that the merchant's shops are looked at every day.
pub(in crate::app) async fn ensure_in(tx: &mut TenantTx) -> Answer<()> {
    let at = tx.now().plus(DAY);
    job_enqueue(tx, job(at)).await?;
    Ok(())
}

/// The daily look at every shop of a merchant.
pub async fn run(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    let ctx = &claimed.ctx;
    let mut tx = state.db.begin(ctx).await?;
    ensure_in(&mut tx).await?;
    tx.commit().await?;
    let mut page = PageRequest::first(MAX_LIMIT);
    for _ in 0..MOST_PAGES {
        let tx = state.db.read(ctx).await?;
        let found = shop_list(&tx, None, page).await?;
        drop(tx);
        for shop in found.items.iter().filter(|shop| shop.trading_at.is_some()) {
            evaluate(state, ctx, shop.id).await?;
        }
        let Some(next) = found.next else { break };
        page = PageRequest { cursor: Some(next), ..page };
    }
    Ok(Done::Nothing)
}

/// Begins the chain of every merchant in business that has none, at start-up and now and then.
pub async fn watch(state: AppState) -> Result<(), ApiError> {
    chains::begin(&state, "quota.watch", Span::seconds(0), job).await
}
