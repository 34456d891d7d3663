//! `follower.read`: who follows an account, as its platform lists them. Pushes tell only of those who do something, so
//! the list is read when somebody asks: first the ids in pages of 10,000, then what the platform tells about each, in
//! hundreds. Each step is a short job that keeps its result and the next step together, so a reading that dies goes on
//! where it was.

use super::tags::{tagged_account, told};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::Answer;
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::follower_tag::{MOST_DETAILS, ReadingPhase};
use qianpu_domain::ids::{ChannelAccountId, FollowerId};
use qianpu_sdk::Fan;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::follower::Follower;
use qianpu_tenants::store::follower_listing::{
    Choice, Detail, followers_behind, followers_detailed, followers_listed, followers_unlisted,
};
use qianpu_tenants::store::follower_reading::{FollowerReading, reading_begin, reading_get, reading_move};
use qianpu_tenants::store::follower_tag::tags_take;
use serde_json::json;
use std::collections::HashMap;

/// Job that carries a reading on by a step; payload `{"channel_account_id"}`.
pub const READ_JOB: &str = "follower.read";

/// Calls for details of one step.
const CALLS: usize = 5;

fn new_job(account: ChannelAccountId) -> NewJob {
    NewJob {
        kind: READ_JOB,
        dedup_key: Some(account.to_string()),
        payload: json!({ "channel_account_id": account.to_string() }),
        run_at: None,
        priority: 7,
    }
}

/// The reading of an account that goes on, or the last one.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
) -> Answer<(ChannelAccount, Option<FollowerReading>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = tagged_account(&tx, grant, account).await?;
    let reading = reading_get(&tx, account.id).await?;
    Ok((account, reading))
}

/// Begins a reading, unless one goes on.
pub async fn begin(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
) -> Answer<FollowerReading> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    tagged_account(&tx, grant, account).await?;
    if !reading_get(&tx, account).await?.is_some_and(|reading| reading.phase.goes_on()) {
        reading_begin(&mut tx, account).await?;
        let id = account.to_string();
        audit_append(&mut tx, AuditAction::FollowersRead, "channel_account", &id, json!({})).await?;
    }
    job_enqueue(&mut tx, new_job(account)).await?;
    let reading = reading_get(&tx, account).await?.ok_or_else(crate::error::ApiError::not_found)?;
    tx.commit().await?;
    Ok(reading)
}

/// Carries a reading on by a step.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let tx = state.db.read(&job.ctx).await?;
    let reading = reading_get(&tx, account).await?;
    drop(tx);
    let Some(reading) = reading.filter(|reading| reading.phase.goes_on()) else { return Ok(Done::Nothing) };
    let call = match AccountCall::open(state, &job.ctx, account).await {
        Ok(call) => call,
        Err(error) => return stopped(state, job, &reading, error).await,
    };
    match reading.phase {
        ReadingPhase::List => list(state, job, &reading, &call).await,
        _ => details(state, job, &reading, &call).await,
    }
}

async fn list(
    state: &AppState,
    job: &ClaimedJob,
    reading: &FollowerReading,
    call: &AccountCall<'_>,
) -> JobResult {
    let first = reading.behind.is_none();
    let tags = if first {
        let tags = call.host().fan_tags(call.account_ref()).await;
        match call.settle(tags).await {
            Ok(tags) => Some(tags.into_iter().map(told).collect::<Vec<_>>()),
            Err(error) => return stopped(state, job, reading, error).await,
        }
    } else {
        None
    };
    let page = call.host().fans(call.account_ref(), reading.behind.as_deref()).await;
    let page = match call.settle(page).await {
        Ok(page) => page,
        Err(error) => return stopped(state, job, reading, error).await,
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    if let Some(tags) = tags {
        tags_take(&mut tx, reading.account, &tags).await?;
    }
    followers_listed(&mut tx, reading.account, &page.open_ids, reading.started_at).await?;
    let mut to = reading.clone();
    to.error = None;
    to.total = i64::try_from(page.total).unwrap_or(i64::MAX);
    to.listed += i64::try_from(page.open_ids.len()).unwrap_or(i64::MAX);
    to.behind = page.next;
    if to.behind.is_none() {
        let gone = followers_unlisted(&mut tx, reading.account, reading.started_at).await?;
        to.gone = i64::try_from(gone).unwrap_or(i64::MAX);
        to.phase = ReadingPhase::Details;
    }
    if !reading_move(&mut tx, reading, &to).await? {
        return Ok(Done::Nothing);
    }
    job_enqueue(&mut tx, new_job(reading.account)).await?;
    finish(tx, job).await
}

fn detail(fan: Fan) -> Detail {
    Detail {
        follows: fan.follows,
        followed_at: fan.followed_at,
        union_id: fan.union_id,
        scene: fan.scene,
        tag_ids: fan.tag_ids,
    }
}

async fn details(
    state: &AppState,
    job: &ClaimedJob,
    reading: &FollowerReading,
    call: &AccountCall<'_>,
) -> JobResult {
    let behind: Option<FollowerId> = reading.behind.as_deref().and_then(|id| id.parse().ok());
    let tx = state.db.read(&job.ctx).await?;
    let most = MOST_DETAILS * CALLS;
    let people = followers_behind(&tx, reading.account, &Choice::All, behind, most as u64).await?;
    drop(tx);
    let mut read: Vec<(Follower, Detail)> = Vec::with_capacity(people.len());
    for hundred in people.chunks(MOST_DETAILS) {
        let ids: Vec<String> = hundred.iter().map(|one| one.open_id.clone()).collect();
        let told = call.host().fan_details(call.account_ref(), &ids).await;
        let told = match call.settle(told).await {
            Ok(told) => told,
            Err(error) => return stopped(state, job, reading, error).await,
        };
        let mut told: HashMap<String, Fan> = told.into_iter().map(|fan| (fan.open_id.clone(), fan)).collect();
        for one in hundred {
            if let Some(fan) = told.remove(&one.open_id) {
                read.push((one.clone(), detail(fan)));
            }
        }
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    followers_detailed(&mut tx, reading.account, &read, reading.started_at).await?;
    let mut to = reading.clone();
    to.error = None;
    to.detailed += i64::try_from(read.len()).unwrap_or(i64::MAX);
    to.behind = people.last().map(|last| last.id.to_string());
    if people.len() < most {
        to.phase = ReadingPhase::Done;
        to.behind = None;
    }
    if !reading_move(&mut tx, reading, &to).await? {
        return Ok(Done::Nothing);
    }
    if to.phase.goes_on() {
        job_enqueue(&mut tx, new_job(reading.account)).await?;
    }
    finish(tx, job).await
}

/// The reading waits and says why, or ends where only a person can help.
async fn stopped(
    state: &AppState,
    job: &ClaimedJob,
    reading: &FollowerReading,
    error: CallError,
) -> JobResult {
    let now = state.clock().now();
    let mut to = reading.clone();
    let ends = match &error {
        CallError::NotUsable(_) => {
            let code = ErrorCode::ChannelAccountUnusable;
            to.error = Some((code.as_str().to_owned(), code.title_zh().to_owned()));
            true
        }
        CallError::Channel(error) => {
            to.error = Some((error.code().as_str().to_owned(), plain_words(error)));
            error.retry_after(now).is_none()
        }
        CallError::Store(_) => return Err(error.job_error(now, job.attempt)),
    };
    if ends {
        to.phase = ReadingPhase::Failed;
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    reading_move(&mut tx, reading, &to).await?;
    if ends {
        return finish(tx, job).await;
    }
    tx.commit().await?;
    Err(error.job_error(now, job.attempt))
}
