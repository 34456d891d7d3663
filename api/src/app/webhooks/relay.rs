//! `outbox.relay`: carries a merchant's events to the endpoints of its provider. They are written in the provider's
//! own transaction and marked in the merchant's after it; a second run in between changes nothing.

use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::outbox::{RELAY_BATCH, outbox_published, outbox_waiting, relay_enqueue};
use qianpu_tenants::store::webhook_delivery::fan_out;

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let waiting = outbox_waiting(&*state.db.read(&job.ctx).await?).await?;
    let Some(provider) = job.ctx.provider().filter(|_| !waiting.ids.is_empty()) else {
        return Ok(Done::Nothing);
    };
    let system = SystemCtx::for_task("webhook relay", job.ctx.request_id());
    let provider = TenantCtx::for_system(&state.db, &system, provider).await?;
    let mut tx = state.db.begin(&provider).await?;
    for event in &waiting.events {
        fan_out(&mut tx, event).await?;
    }
    tx.commit().await?;
    let mut tx = state.db.begin(&job.ctx).await?;
    outbox_published(&mut tx, &waiting.ids).await?;
    if u64::try_from(waiting.ids.len()).is_ok_and(|count| count >= RELAY_BATCH) {
        relay_enqueue(&mut tx).await?;
    }
    finish(tx, job).await
}
