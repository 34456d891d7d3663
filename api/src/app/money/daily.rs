//! `ledger.check`: once a day for each merchant that has a journal, a subscription or a deposit, whether the books are
//! in order (R12), what stays where money should only pass, and what its deposits come to. The job makes its own successor
//! first, so that a finding never ends the chain; a fault lays the job aside for people to look at and alarms. Should a chain end all the same,
//! the merchant's next journal begins another.

use super::{chain, deposits, findings};
use crate::error::Answer;
use crate::jobs::{Done, JobError, JobResult};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue, job_waits};
use qianpu_tenants::store::ledger_check::{Disorder, ledger_check};
use serde_json::json;

pub const DAILY_JOB: &str = "ledger.check";
const KEY: &str = "daily";
const DAY: Span = Span::days(1);

fn job(at: Timestamp) -> NewJob {
    NewJob {
        kind: DAILY_JOB,
        dedup_key: Some(KEY.to_owned()),
        payload: json!({}),
        run_at: Some(at),
        priority: 9,
    }
}

/// Makes sure that the merchant is looked at every day from tomorrow on.
pub async fn ensure_in(tx: &mut TenantTx) -> StoreResult<()> {
    // Asked first: nearly always it waits already, and then transactions that book do not meet at its row.
    if job_waits(tx, DAILY_JOB, KEY).await? {
        return Ok(());
    }
    let at = tx.now().plus(DAY);
    job_enqueue(tx, job(at)).await?;
    Ok(())
}

/// Everything that is not in order in the books of a merchant; empty when they are.
pub async fn check(state: &AppState, ctx: &TenantCtx) -> Answer<Vec<Disorder>> {
    let tx = state.db.read(ctx).await?;
    let mut found = ledger_check(&tx).await?;
    drop(tx);
    if let Some(broken) = chain::verify(state, ctx).await? {
        found.push(Disorder::Chain { position: broken.position, fault: broken.fault, journal: broken.row });
    }
    Ok(found)
}

/// The daily look.
pub async fn run(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    let mut tx = state.db.begin(&claimed.ctx).await?;
    ensure_in(&mut tx).await?;
    tx.commit().await?;
    // The books first: nothing that is wrong with a deposit may hide what is wrong with them.
    let found = check(state, &claimed.ctx).await?;
    let noted = findings::note(state, &claimed.ctx, &found).await;
    let recomputed = deposits::recompute_all(state, &claimed.ctx).await;
    if found.is_empty() {
        noted?;
        recomputed?;
        return Ok(Done::Nothing);
    }
    let mut tx = state.db.begin(&claimed.ctx).await?;
    let detail = json!({"found": format!("{found:?}")});
    audit_append(&mut tx, AuditAction::LedgerDisorder, "ledger", &claimed.ctx.tenant().to_string(), detail)
        .await?;
    tx.commit().await?;
    if let Err(error) = noted {
        tracing::error!(%error, "what was found in the books of a merchant could not be kept");
    }
    tracing::error!(findings = found.len(), "the books of a merchant are not in order");
    metrics::counter!("qianpu_ledger_disorder_total").increment(1);
    Err(JobError::dead("ledger_disorder", "账目核对不平，请联系平台运营 / The books do not balance"))
}
