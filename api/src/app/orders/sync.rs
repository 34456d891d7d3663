//! `order.sync`: fetches one order at its channel and applies what it says. A push, the reconciler and a
//! shipment all end here, so it does not matter which of them came, how often and in which order.

use super::apply::{Applied, apply};
use super::desk;
use super::terms::{self, Terms};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::app::channels::push_route::ORDER_JOB;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::ChannelOrder;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_finish};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::json;

/// How often one run meets a faster worker before it is put back.
const TURNS: usize = 5;

/// The job for one order.
pub fn new_job(account: ChannelAccountId, external_id: &str, priority: i64) -> NewJob {
    NewJob {
        kind: ORDER_JOB,
        dedup_key: Some(format!("{account}:{external_id}")),
        payload: json!({ "channel_account_id": account.to_string(), "external_order_id": external_id }),
        run_at: None,
        priority,
    }
}

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let external_id: String = payload(job, "external_order_id")?;
    let fetched = fetch(state, &job.ctx, account, &external_id).await;
    let (account, order) = fetched.map_err(|error| error.job_error(state.clock().now(), job.attempt))?;
    let Some(at) = job.payload["urged_at"].as_i64().map(Timestamp::from_micros) else {
        let stored = store(state, &job.ctx, &account, &order, Ends::Job(job)).await?;
        return Ok(if stored.is_some() { Done::Committed } else { Done::Lost });
    };
    // That the buyer urged stands in the push alone, so it is noted beside what the order says.
    let Some(applied) = store(state, &job.ctx, &account, &order, Ends::Nothing).await? else {
        return Ok(Done::Lost);
    };
    let noted = desk::urged(state, job, &account.name, applied.order, at).await?;
    Ok(if noted { Done::Committed } else { Done::Lost })
}

/// Reads an order at its channel, with no transaction open.
pub async fn fetch(
    state: &AppState,
    ctx: &TenantCtx,
    account: ChannelAccountId,
    external_id: &str,
) -> Result<(ChannelAccount, ChannelOrder), CallError> {
    let call = AccountCall::open(state, ctx, account).await?;
    let answer = call.host().order(call.account_ref(), external_id).await;
    let order = call.settle(answer).await?;
    Ok((call.account().clone(), order))
}

/// What ends in the transaction that applies an order.
#[derive(Debug, Clone, Copy)]
pub enum Ends<'a> {
    /// Nothing.
    Nothing,
    /// This job.
    Job(&'a ClaimedJob),
}

/// Applies an order in a transaction of its own, again when another worker was faster. `None` when the job that
/// was to end with it belongs to another worker: then nothing was applied.
pub async fn store(
    state: &AppState,
    ctx: &TenantCtx,
    account: &ChannelAccount,
    order: &ChannelOrder,
    ends: Ends<'_>,
) -> Answer<Option<Applied>> {
    let terms: Terms = terms::of(state, ctx).await?;
    let mut last = ApiError::new(ErrorCode::VersionConflict);
    for _ in 0..TURNS {
        let mut tx = state.db.begin(ctx).await?;
        match apply(&mut tx, account, order, &terms).await {
            Ok(applied) => {
                if let Ends::Job(job) = ends
                    && !job_finish(&mut tx, job).await?
                {
                    return Ok(None);
                }
                tx.commit().await?;
                tell(ctx, account, &applied);
                return Ok(Some(applied));
            }
            Err(error) if error.code().retryable() => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn tell(ctx: &TenantCtx, account: &ChannelAccount, applied: &Applied) {
    if applied.news.is_empty() {
        return;
    }
    metrics::counter!("qianpu_order_news_total", "channel" => account.channel.clone())
        .increment(u64::try_from(applied.news.len()).unwrap_or(1));
    tracing::info!(tenant_id = %ctx.tenant(), order_id = %applied.order, state = %applied.state, "an order moved on");
}
