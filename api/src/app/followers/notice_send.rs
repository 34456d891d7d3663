//! `notice.send` brings a notice to the platform; `notice.settled` notes what a push says became of it. A notice whose
//! answer was lost is sent again only where the platform takes one key once, and only as long as it does.

use super::notice_words;
use super::templates::kind;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::follower::FollowerState;
use qianpu_domain::follower_notice::{AGAIN_WITHIN, NoticeState};
use qianpu_domain::ids::{ChannelAccountId, FollowerNoticeId};
use qianpu_domain::time::Span;
use qianpu_sdk::{ErrorClass, Notice, NoticeOutcome, TemplateNotice};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::follower::{follower_by_open_id, follower_get};
use qianpu_tenants::store::follower_notice::{
    FollowerNotice, NoticeMove, notice_about, notice_get, notice_move,
};
use qianpu_tenants::store::message_template::{template_get, template_list};
use serde_json::{Value, json};

/// Job that brings a notice to the platform; payload `{"follower_notice_id"}`.
pub const SEND_JOB: &str = "notice.send";
/// Job that notes what became of notices; payload `{"channel_account_id", "results"}`.
pub const SETTLED_JOB: &str = "notice.settled";

/// How often a push looks for its notice: it may overtake our own note of the sending.
const LOOKS: i64 = 10;

pub(super) fn new_job(id: FollowerNoticeId) -> NewJob {
    NewJob {
        kind: SEND_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({ "follower_notice_id": id.to_string() }),
        run_at: None,
        priority: 3,
    }
}

async fn moved(
    state: &AppState,
    job: &ClaimedJob,
    notice: &FollowerNotice,
    to: NoticeState,
    change: NoticeMove<'_>,
) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    notice_move(&mut tx, notice, to, &change).await?;
    finish(tx, job).await
}

/// Brings a notice to the platform.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: FollowerNoticeId = payload(job, "follower_notice_id")?;
    let tx = state.db.read(&job.ctx).await?;
    let notice = match notice_get(&tx, id).await {
        Ok(notice) => notice,
        // Trimmed, or erased with the buyer.
        Err(StoreError::NotFound) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    };
    let follower = follower_get(&tx, notice.follower).await?;
    let template = template_get(&tx, notice.template).await?;
    drop(tx);
    let now = state.clock().now();
    let repeats = template.kind == qianpu_domain::follower_notice::TemplateKind::Template
        && notice.first_sent_at.is_none_or(|at| now.since(at) < AGAIN_WITHIN);
    match notice.state {
        NoticeState::Waiting => {}
        // An earlier run ended between the call and its result.
        NoticeState::Sending if repeats => {}
        NoticeState::Sending => {
            return moved(state, job, &notice, NoticeState::Unknown, NoticeMove::default()).await;
        }
        _ => return Ok(Done::Nothing),
    }
    if follower.state != FollowerState::Following || follower.erased_at.is_some() {
        let code = ErrorCode::FollowerNotReachable;
        let error = Some((code.as_str(), code.as_str()));
        let change = NoticeMove { error, plain: Some(code.as_str()), ..NoticeMove::default() };
        return moved(state, job, &notice, NoticeState::Refused, change).await;
    }
    let call = match AccountCall::open(state, &job.ctx, notice.account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(_)) => {
            let code = ErrorCode::ChannelAccountUnusable;
            let error = Some((code.as_str(), code.as_str()));
            let change = NoticeMove { error, plain: Some(code.as_str()), ..NoticeMove::default() };
            return moved(state, job, &notice, NoticeState::Refused, change).await;
        }
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    if !notice_move(&mut tx, &notice, NoticeState::Sending, &NoticeMove::default()).await? {
        return Ok(Done::Nothing);
    }
    tx.commit().await?;
    let sending = notice_get(&*state.db.read(&job.ctx).await?, id).await?;
    let wanted = TemplateNotice {
        kind: kind(template.kind),
        template_id: template.native_id,
        fields: notice.fields.clone(),
        url: notice.url.clone(),
        key: notice.id.0.simple().to_string(),
    };
    let answer = call.host().send_notice(call.account_ref(), &follower.open_id, &wanted).await;
    settle(state, job, &sending, call.settle(answer).await).await
}

async fn settle(
    state: &AppState,
    job: &ClaimedJob,
    notice: &FollowerNotice,
    answer: Result<NoticeOutcome, CallError>,
) -> JobResult {
    let now = state.clock().now();
    match answer {
        Ok(NoticeOutcome::Sent { message_id }) => {
            let change = NoticeMove { message_id: message_id.as_deref(), ..NoticeMove::default() };
            moved(state, job, notice, NoticeState::Sent, change).await
        }
        Ok(NoticeOutcome::Refused { why, words }) => {
            let text = format!("{} ({})", words.message, words.code);
            let change = NoticeMove {
                error: Some((&words.code, &text)),
                plain: Some(notice_words::of_refusal(why)),
                ..NoticeMove::default()
            };
            moved(state, job, notice, NoticeState::Refused, change).await
        }
        Ok(NoticeOutcome::Unknown { again }) => {
            let first = notice.first_sent_at.unwrap_or(now);
            if again && now.since(first) < AGAIN_WITHIN {
                // It stays on its way; the next try has the same key.
                return Err(JobError::Retry {
                    after: Some(Span::seconds(5)),
                    code: ErrorCode::UpstreamFailed.as_str().to_owned(),
                    text: "没有收到平台的回答，稍后用同一个编号重试".to_owned(),
                });
            }
            moved(state, job, notice, NoticeState::Unknown, NoticeMove::default()).await
        }
        Err(CallError::Channel(error)) if error.class == ErrorClass::Unexpected => {
            let words = plain_words(&error);
            let change = NoticeMove { error: Some((error.code().as_str(), &words)), ..NoticeMove::default() };
            moved(state, job, notice, NoticeState::Unknown, change).await
        }
        Err(CallError::Channel(error)) if error.retry_after(now).is_none() => {
            let words = plain_words(&error);
            let code = error.code();
            let change = NoticeMove {
                error: Some((code.as_str(), &words)),
                plain: Some(code.as_str()),
                ..NoticeMove::default()
            };
            moved(state, job, notice, NoticeState::Refused, change).await
        }
        // Nothing was sent: it waits, for the quota of another day for example, and says why.
        Err(error) => {
            if let CallError::Channel(cause) = &error {
                let words = plain_words(cause);
                let change =
                    NoticeMove { error: Some((cause.code().as_str(), &words)), ..NoticeMove::default() };
                let mut tx = state.db.begin(&job.ctx).await?;
                notice_move(&mut tx, notice, NoticeState::Waiting, &change).await?;
                tx.commit().await?;
            }
            Err(error.job_error(now, job.attempt))
        }
    }
}

/// A push says what became of notices.
pub(crate) async fn pushed(tx: &mut TenantTx, account: ChannelAccountId, notice: &Notice) -> StoreResult<()> {
    let job = NewJob {
        kind: SETTLED_JOB,
        dedup_key: Some(notice.dedup_key.chars().take(200).collect()),
        payload: json!({ "channel_account_id": account.to_string(), "results": notice.hint["results"] }),
        run_at: None,
        priority: 3,
    };
    job_enqueue(tx, job).await.map(drop)
}

/// Notes what became of notices.
pub async fn run_settled(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let mut missing = false;
    for result in job.payload["results"].as_array().into_iter().flatten().take(100) {
        let Some(notice) = about(&tx, account, result).await? else {
            missing = true;
            continue;
        };
        // What was settled stays: the platform tells of each once, and pushes may come twice.
        if !matches!(notice.state, NoticeState::Sending | NoticeState::Sent | NoticeState::Unknown) {
            continue;
        }
        let native = result["native"].as_str().unwrap_or_default();
        if result["delivered"] == true {
            notice_move(&mut tx, &notice, NoticeState::Delivered, &NoticeMove::default()).await?;
        } else {
            let change = NoticeMove {
                error: Some(("failed", native)),
                plain: Some(notice_words::of_failure(native)),
                ..NoticeMove::default()
            };
            notice_move(&mut tx, &notice, NoticeState::Failed, &change).await?;
        }
    }
    if missing && job.attempt < LOOKS {
        tx.commit().await?;
        return Err(JobError::Retry {
            after: Some(Span::seconds(2)),
            code: "not_found".to_owned(),
            text: "还没有找到这条推送所说的通知".to_owned(),
        });
    }
    // Others send in the account's name too; what they sent is not ours to note.
    finish(tx, job).await
}

async fn about(
    tx: &TenantTx,
    account: ChannelAccountId,
    result: &Value,
) -> StoreResult<Option<FollowerNotice>> {
    if let Some(id) = result["message_id"].as_str() {
        return notice_about(tx, account, Some(id), None).await;
    }
    let (Some(native), Some(open_id)) = (result["template_id"].as_str(), result["open_id"].as_str()) else {
        return Ok(None);
    };
    let template = template_list(tx, account).await?.into_iter().find(|own| own.native_id == native);
    let follower = follower_by_open_id(tx, account, open_id).await?;
    match (template, follower) {
        (Some(template), Some(follower)) => {
            notice_about(tx, account, None, Some((template.id, follower.id))).await
        }
        _ => Ok(None),
    }
}
