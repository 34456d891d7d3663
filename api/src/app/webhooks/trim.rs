//! `webhooks.trim`: once a day for each tenant with endpoints, what is too old in the log of deliveries. The job
//! makes its successor first, so that a failure does not end the chain.

use crate::error::Answer;
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::time::Span;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::webhook_delivery::{MOST_KEPT, delivery_trim};
use qianpu_tenants::store::webhook_endpoint::{endpoint_purge, endpoint_to_trim};
use serde_json::json;

pub const TRIM_JOB: &str = "webhooks.trim";
/// Rows that one transaction removes.
const BATCH: u64 = 500;

/// Makes sure that the tenant's log is trimmed from tomorrow on.
pub(super) async fn ensure_in(tx: &mut TenantTx) -> Answer<()> {
    let job = NewJob {
        kind: TRIM_JOB,
        dedup_key: Some("daily".to_owned()),
        payload: json!({}),
        run_at: Some(tx.now().plus(Span::days(1))),
        priority: 9,
    };
    job_enqueue(tx, job).await?;
    Ok(())
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    let endpoints = endpoint_to_trim(&tx).await?;
    if endpoints.is_empty() {
        // The next endpoint begins a chain anew.
        return Ok(Done::Nothing);
    }
    ensure_in(&mut tx).await?;
    tx.commit().await?;
    for (endpoint, deleted) in endpoints {
        let keep = if deleted { 0 } else { MOST_KEPT };
        loop {
            let mut tx = state.db.begin(&job.ctx).await?;
            let removed = delivery_trim(&mut tx, endpoint, keep, BATCH).await?;
            tx.commit().await?;
            if removed < BATCH {
                break;
            }
        }
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    endpoint_purge(&mut tx).await?;
    tx.commit().await?;
    Ok(Done::Nothing)
}
