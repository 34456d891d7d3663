//! Chains of daily jobs: each link makes the next one first, and a watch begins the chains that are missing.

use crate::error::ApiError;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::store::tenant::{TenantRow, TenantState, tenant_list_of_kind};

/// Merchants looked at by one watch.
const MOST_MERCHANTS: u64 = 10_000;

/// Sees to it that every merchant in business has a chain; a new one begins `after` from now. The job needs a key, so
/// that a merchant never has two.
pub async fn begin(
    state: &AppState,
    task: &'static str,
    after: Span,
    job: fn(Timestamp) -> NewJob,
) -> Result<(), ApiError> {
    enqueue(state, None, task, after, job).await
}

/// One job, now, for every merchant in business of a provider.
pub async fn of_provider(
    state: &AppState,
    provider: TenantId,
    task: &'static str,
    job: fn(Timestamp) -> NewJob,
) -> Result<(), ApiError> {
    enqueue(state, Some(provider), task, Span::seconds(0), job).await
}

async fn enqueue(
    state: &AppState,
    provider: Option<TenantId>,
    task: &'static str,
    after: Span,
    job: fn(Timestamp) -> NewJob,
) -> Result<(), ApiError> {
    let system = SystemCtx::for_task(task, RequestId(state.new_id()));
    let lookup = state.db.begin_lookup(&system).await?;
    let merchants = tenant_list_of_kind(&lookup, Surface::Merchant, MOST_MERCHANTS).await?;
    drop(lookup);
    let mine = |merchant: &TenantRow| provider.is_none_or(|provider| merchant.provider == Some(provider));
    for merchant in
        merchants.into_iter().filter(mine).filter(|merchant| merchant.state == TenantState::Active)
    {
        let ctx = TenantCtx::for_system(&state.db, &system, merchant.id).await?;
        let mut tx = state.db.begin(&ctx).await?;
        let at = tx.now().plus(after);
        job_enqueue(&mut tx, job(at)).await?;
        tx.commit().await?;
    }
    Ok(())
}
