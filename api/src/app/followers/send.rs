//! `follower.send`: brings a message to the platform, once. The platform has no key that makes a second try harmless, so
//! a message whose answer was lost is marked as unknown and not sent again.

use super::reply::{Reply, outgoing};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::follower::{NoRoom, Opening};
use qianpu_domain::ids::FollowerMessageId;
use qianpu_sdk::{ErrorClass, SendOutcome};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob};
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::follower::{follower_get, follower_save};
use qianpu_tenants::store::follower_message::{FollowerMessage, MessageState, message_get, message_move};
use qianpu_tenants::store::reply_rule::rule_count_answer;
use serde_json::json;

/// Job that sends a message; payload `{"follower_message_id"}`.
pub const SEND_JOB: &str = "follower.send";

/// No window is open.
const CLOSED: ErrorCode = ErrorCode::FollowerWindowClosed;
/// The windows are used up.
const USED_UP: ErrorCode = ErrorCode::FollowerWindowUsedUp;

/// The job for a message.
pub(super) fn new_job(message: FollowerMessageId) -> NewJob {
    NewJob {
        kind: SEND_JOB,
        dedup_key: Some(message.to_string()),
        payload: json!({ "follower_message_id": message.to_string() }),
        run_at: None,
        priority: 0,
    }
}

/// Sends the message.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: FollowerMessageId = payload(job, "follower_message_id")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let message = match message_get(&tx, id).await {
        Ok(message) => message,
        // Trimmed or erased meanwhile.
        Err(StoreError::NotFound) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    };
    match message.state {
        MessageState::Waiting => {}
        MessageState::Sending => {
            // An earlier run ended between the call and its result.
            message_move(&mut tx, id, MessageState::Sending, MessageState::Unknown, None).await?;
            return finish(tx, job).await;
        }
        _ => return Ok(Done::Nothing),
    }
    let mut follower = follower_get(&tx, message.follower).await?;
    let account = account_get(&tx, message.account).await?;
    let reply = serde_json::from_str(&message.body).ok().and_then(|value| Reply::read(&value));
    let content = match &reply {
        Some(reply) => match outgoing(state, &tx, account.shop, reply).await {
            Err(StoreError::NotFound) => None,
            other => other?,
        },
        None => None,
    };
    let now = tx.now();
    let ready = match (content, follower.windows.room(now)) {
        (None, _) => Err(ErrorCode::ReplyProductGone),
        (_, Err(NoRoom::Closed)) => Err(CLOSED),
        (_, Err(NoRoom::UsedUp)) => Err(USED_UP),
        (Some(content), Ok(room)) => Ok((content, room.opening)),
    };
    let (content, taken) = match ready {
        Ok(ready) => ready,
        Err(code) => {
            let error = Some((code.as_str(), code.title_zh()));
            message_move(&mut tx, id, MessageState::Waiting, MessageState::Refused, error).await?;
            return finish(tx, job).await;
        }
    };
    follower.windows = follower.windows.spend(now).unwrap_or(follower.windows);
    let call = match AccountCall::open(state, &job.ctx, account.id).await {
        Ok(call) => call,
        Err(CallError::NotUsable(_)) => {
            let code = ErrorCode::ChannelAccountUnusable;
            let error = Some((code.as_str(), code.title_zh()));
            message_move(&mut tx, id, MessageState::Waiting, MessageState::Refused, error).await?;
            return finish(tx, job).await;
        }
        Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
    };
    follower_save(&mut tx, &follower).await?;
    message_move(&mut tx, id, MessageState::Waiting, MessageState::Sending, None).await?;
    tx.commit().await?;
    let answer = call.host().send_message(call.account_ref(), &follower.open_id, &content).await;
    settle(state, job, &message, taken, call.settle(answer).await).await
}

async fn settle(
    state: &AppState,
    job: &ClaimedJob,
    message: &FollowerMessage,
    taken: Opening,
    answer: Result<SendOutcome, CallError>,
) -> JobResult {
    use MessageState::{Refused, Sending, Sent, Unknown, Waiting};
    let mut tx = state.db.begin(&job.ctx).await?;
    let mut follower = follower_get(&tx, message.follower).await?;
    let now = state.clock().now();
    let refused = |code: ErrorCode| (code.as_str().to_owned(), code.title_zh().to_owned());
    let (to, error) = match answer {
        Ok(SendOutcome::Sent) => {
            if let Some(rule) = message.rule {
                rule_count_answer(&mut tx, rule).await?;
            }
            (Sent, None)
        }
        Ok(SendOutcome::Unknown) => (Unknown, None),
        // The platform counts better than we do: what was sent by others is not told to us.
        Ok(SendOutcome::OutOfWindow) => {
            follower.windows = follower.windows.closed();
            follower_save(&mut tx, &follower).await?;
            (Refused, Some(refused(CLOSED)))
        }
        Ok(SendOutcome::TooMany) => {
            follower.windows = follower.windows.used_up();
            follower_save(&mut tx, &follower).await?;
            (Refused, Some(refused(USED_UP)))
        }
        Err(CallError::Channel(error)) if error.class == ErrorClass::Unexpected => {
            (Unknown, Some((error.code().as_str().to_owned(), plain_words(&error))))
        }
        Err(CallError::Channel(error)) if error.retry_after(now).is_none() => {
            follower.windows = follower.windows.given_back(taken);
            follower_save(&mut tx, &follower).await?;
            (Refused, Some((error.code().as_str().to_owned(), plain_words(&error))))
        }
        // Nothing was sent: wait, and look at the window again then.
        Err(error) => {
            follower.windows = follower.windows.given_back(taken);
            follower_save(&mut tx, &follower).await?;
            message_move(&mut tx, message.id, Sending, Waiting, None).await?;
            tx.commit().await?;
            return Err(error.job_error(now, job.attempt));
        }
    };
    let error = error.as_ref().map(|(code, text)| (code.as_str(), text.as_str()));
    message_move(&mut tx, message.id, Sending, to, error).await?;
    finish(tx, job).await
}
