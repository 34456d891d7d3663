//! `aftersale.remind`: a while before a case's deadline passes, the people who may decide are told, once for each
//! deadline. How long before is ours: platforms say nothing about it. Nor do they say how long there is for proof in a
//! dispute: of that people are told at once (`aftersale.proof`).

use super::report;
use crate::app::channels::account_jobs::payload;
use crate::app::notices;
use crate::error::Answer;
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::aftersale::{AftersaleHappening, AftersaleProgress, WaitsFor};
use qianpu_domain::ids::AftersaleId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ChannelDispute, EvidenceKind};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::aftersale::{Aftersale, aftersale_get, aftersale_reminded};
use qianpu_tenants::store::aftersale_event::aftersale_event_append;
use qianpu_tenants::store::dispute_evidence::evidence_waits;
use qianpu_tenants::store::order::order_get;
use qianpu_tenants::store::order_event::By;
use serde_json::json;

/// Job that reminds people of a deadline; payload `{"aftersale_id", "deadline"}`.
pub const REMIND: &str = "aftersale.remind";

/// Job that tells people that proof is wanted; payload `{"aftersale_id", "native_state"}`.
pub const PROOF: &str = "aftersale.proof";

/// How long before.
const BEFORE: Span = Span::hours(12);
/// A shorter time than this needs no reminder: the case has just come.
const AT_LEAST: Span = Span::hours(1);

/// Puts the reminder of a deadline into the queue.
pub(super) async fn plan(
    tx: &mut TenantTx,
    case: &Aftersale,
    progress: &AftersaleProgress,
    deadline: Timestamp,
) -> Answer<()> {
    if progress.waits_for != WaitsFor::Merchant || deadline.since(tx.now()) < AT_LEAST {
        return Ok(());
    }
    let id = case.id.to_string();
    let job = NewJob {
        kind: REMIND,
        dedup_key: Some(format!("{id}:{}", deadline.seconds())),
        payload: json!({ "aftersale_id": id, "deadline": deadline.seconds().to_string() }),
        run_at: Some(deadline.minus(BEFORE).max(tx.now())),
        priority: 5,
    };
    job_enqueue(tx, job).await?;
    Ok(())
}

/// Has people told that the platform wants proof from the merchant.
pub(super) async fn plan_proof(tx: &mut TenantTx, case: &Aftersale, dispute: &ChannelDispute) -> Answer<()> {
    if dispute.takes != Some(EvidenceKind::Proof) {
        return Ok(());
    }
    let id = case.id.to_string();
    let job = NewJob {
        kind: PROOF,
        dedup_key: Some(id.clone()),
        payload: json!({ "aftersale_id": id, "native_state": dispute.native_state }),
        run_at: None,
        priority: 5,
    };
    job_enqueue(tx, job).await?;
    Ok(())
}

pub async fn run_proof(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: AftersaleId = payload(job, "aftersale_id")?;
    let asked: String = payload(job, "native_state")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let case = aftersale_get(&tx, id).await?;
    let wanted = report::dispute(&case)
        .is_some_and(|one| one.native_state == asked && one.takes == Some(EvidenceKind::Proof));
    // It went on, or somebody was faster.
    if !wanted || evidence_waits(&tx, id).await? {
        return Ok(Done::Nothing);
    }
    let order = order_get(&tx, case.order).await?;
    let now = tx.now();
    let kind = AftersaleHappening::Reminded;
    aftersale_event_append(&mut tx, id, kind, json!({ "proof": true }), By::Actor, now).await?;
    notices::proof_wanted(state, &mut tx, &case, &order.number).await?;
    finish(tx, job).await
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: AftersaleId = payload(job, "aftersale_id")?;
    let deadline: i64 = payload(job, "deadline")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let case = aftersale_get(&tx, id).await?;
    let due = case.progress.deadline.filter(|due| {
        due.seconds() == deadline && case.progress.waits_for == WaitsFor::Merchant && *due > tx.now()
    });
    // Decided meanwhile, or another deadline has its own reminder.
    let Some(due) = due.filter(|_| case.pending.decision.is_none() && case.progress.state.is_open()) else {
        return Ok(Done::Nothing);
    };
    if !aftersale_reminded(&mut tx, &case).await? {
        return Err(qianpu_tenants::error::StoreError::VersionConflict.into());
    }
    let order = order_get(&tx, case.order).await?;
    let now = tx.now();
    let kind = AftersaleHappening::Reminded;
    aftersale_event_append(&mut tx, case.id, kind, json!({}), By::Actor, now).await?;
    notices::aftersale_due(state, &mut tx, &case, &order.number, due).await?;
    finish(tx, job).await
}
