//! `aftersale.sync`: fetches one case at its channel and applies what it says. It does not matter what caused it, how
//! often and in which order. The order of a case that we do not know yet is fetched first.

use super::apply::apply;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::app::orders;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::ChannelCase;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_finish};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::order::order_find;
use serde_json::json;

/// The job for one case; payload `{"channel_account_id", "external_case_id"}`.
pub const SYNC: &str = "aftersale.sync";

/// How often one run meets a faster worker before it is put back.
const TURNS: usize = 5;

/// The job for one case.
pub fn new_job(account: ChannelAccountId, external_id: &str, priority: i64) -> NewJob {
    NewJob {
        kind: SYNC,
        dedup_key: Some(format!("{account}:{external_id}")),
        payload: json!({ "channel_account_id": account.to_string(), "external_case_id": external_id }),
        run_at: None,
        priority,
    }
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let external_id: String = payload(job, "external_case_id")?;
    let failed = |error: CallError| error.job_error(state.clock().now(), job.attempt);
    let call = AccountCall::open(state, &job.ctx, account).await.map_err(failed)?;
    let answer = call.host().aftersale(call.account_ref(), &external_id).await;
    let case = call.settle(answer).await.map_err(failed)?;
    if !order_known(state, &job.ctx, account, &case).await? {
        let fetched = orders::sync::fetch(state, &job.ctx, account, &case.order_id).await;
        let (account, order) = fetched.map_err(failed)?;
        orders::sync::store(state, &job.ctx, &account, &order, orders::sync::Ends::Nothing).await?;
    }
    match store(state, &job.ctx, call.account(), &case, Some(job)).await? {
        true => Ok(Done::Committed),
        false => Ok(Done::Lost),
    }
}

async fn order_known(
    state: &AppState,
    ctx: &TenantCtx,
    account: ChannelAccountId,
    case: &ChannelCase,
) -> Answer<bool> {
    Ok(order_find(&*state.db.read(ctx).await?, account, &case.order_id).await?.is_some())
}

/// Applies a case in a transaction of its own, again when another worker was faster. False when the job that was to end
/// with it belongs to another worker: then nothing was applied.
pub async fn store(
    state: &AppState,
    ctx: &TenantCtx,
    account: &ChannelAccount,
    case: &ChannelCase,
    ends: Option<&ClaimedJob>,
) -> Answer<bool> {
    let mut last = ApiError::new(ErrorCode::VersionConflict);
    for _ in 0..TURNS {
        let mut tx = state.db.begin(ctx).await?;
        match apply(&mut tx, account, case).await {
            Ok(()) => {
                if let Some(job) = ends
                    && !job_finish(&mut tx, job).await?
                {
                    return Ok(false);
                }
                tx.commit().await?;
                return Ok(true);
            }
            Err(error) if error.code().retryable() => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
