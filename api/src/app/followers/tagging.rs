//! `follower.tag`: puts a tag on many followers, or takes it off, in calls of 50. A step is a short job; what a call did
//! is kept with where the next one begins, and a call that is made twice does no harm. The platform refuses a call as a
//! whole when one of its people cannot have the tag, so a refused call is halved until that one is found.

use super::tags::{tag_of, tagged_account};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::follower_tag::{MOST_CHOSEN, MOST_OF_FOLLOWER, MOST_PER_CALL, TaggingState};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId, FollowerTaggingId};
use qianpu_sdk::{ChannelError, ErrorClass, TagMark};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::follower::{Follower, follower_get};
use qianpu_tenants::store::follower_listing::{Choice, followers_behind, followers_count_chosen};
use qianpu_tenants::store::follower_tag::{FollowerTag, tag_get, tag_note, tag_people, tags_of};
use qianpu_tenants::store::follower_tagging::{
    FollowerTagging, NewTagging, TagRefusal, tagging_get, tagging_insert, tagging_list, tagging_move,
    tagging_runs,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// Job that carries a tagging on by a step; payload `{"follower_tagging_id"}`.
pub const TAG_JOB: &str = "follower.tag";

/// Calls of one step, and how long it may take.
const CALLS: usize = 10;
const SLICE: Duration = Duration::from_secs(5);

fn new_job(id: FollowerTaggingId) -> NewJob {
    NewJob {
        kind: TAG_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({ "follower_tagging_id": id.to_string() }),
        run_at: None,
        priority: 6,
    }
}

/// A tagging that somebody asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The tag.
    pub tag: FollowerTagId,
    /// Whether it is put on.
    pub puts_on: bool,
    /// Whom; none when that was not said once.
    pub choice: Option<Choice>,
}

/// Taggings of an account, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
    page: PageRequest,
) -> Answer<(ChannelAccount, Page<FollowerTagging>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = tagged_account(&tx, grant, account).await?;
    let taggings = tagging_list(&tx, account.id, page).await?;
    Ok((account, taggings))
}

/// One tagging.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    id: FollowerTaggingId,
) -> Answer<FollowerTagging> {
    let tx = state.db.read(grant.ctx()).await?;
    let tagging = tagging_get(&tx, id).await?;
    tagged_account(&tx, grant, tagging.account).await?;
    Ok(tagging)
}

/// Begins to put a tag on followers, or to take it off.
pub async fn begin(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
    wanted: &Wanted,
) -> Answer<FollowerTagging> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    tagged_account(&tx, grant, account).await?;
    let tag = tag_of(&tx, grant, wanted.tag).await?;
    let elsewhere = |field: &str| {
        FieldError::new(field, "other_account", "it belongs to another account", "不属于这个账号")
    };
    if tag.account != account {
        return Err(elsewhere("follower_tag_id").into());
    }
    if tag.fixed {
        let (en, zh) = ("the platform's own tags cannot be put on from here", "平台自带的标签不能在这里打");
        return Err(FieldError::new("follower_tag_id", "fixed", en, zh).into());
    }
    let Some(choice) = &wanted.choice else {
        let en = "say exactly one of follower_ids, with_follower_tag_id, with_scene, everybody";
        let zh = "请只选择一种范围：follower_ids、with_follower_tag_id、with_scene 或 everybody";
        return Err(FieldError::new("follower_ids", "one_of", en, zh).into());
    };
    match choice {
        Choice::These(ids) if ids.is_empty() || ids.len() > MOST_CHOSEN => {
            let (en, zh) =
                (format!("choose 1 to {MOST_CHOSEN} followers"), format!("请选择 1 到 {MOST_CHOSEN} 位粉丝"));
            return Err(FieldError::new("follower_ids", "range", en, zh).into());
        }
        Choice::These(ids) => {
            for id in ids {
                if follower_get(&tx, *id).await?.account != account {
                    return Err(elsewhere("follower_ids").into());
                }
            }
        }
        Choice::Tagged(other) => {
            if tag_of(&tx, grant, *other).await?.account != account {
                return Err(elsewhere("with_follower_tag_id").into());
            }
        }
        Choice::All | Choice::Scene(_) => {}
    }
    if tagging_runs(&tx, tag.id).await? {
        return Err(ApiError::new(ErrorCode::FollowerTaggingOn));
    }
    let total = followers_count_chosen(&tx, account, choice).await?;
    if total == 0 {
        let (en, zh) = ("nobody who follows is meant", "没有符合条件的已关注粉丝");
        return Err(FieldError::new("follower_ids", "nobody", en, zh).into());
    }
    let by = name_of(tx.ctx());
    let new =
        NewTagging { tag: tag.id, tag_name: &tag.name, puts_on: wanted.puts_on, choice, total, by: &by };
    let tagging = tagging_insert(&mut tx, account, &new).await?;
    job_enqueue(&mut tx, new_job(tagging.id)).await?;
    let detail = json!({ "name": tag.name, "on": wanted.puts_on, "people": total });
    audit_append(&mut tx, AuditAction::FollowersTagged, "follower_tag", &tag.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(tagging)
}

/// Carries a tagging on by a step.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: FollowerTaggingId = payload(job, "follower_tagging_id")?;
    let begun = Instant::now();
    for _ in 0..CALLS {
        let tx = state.db.read(&job.ctx).await?;
        let tagging = tagging_get(&tx, id).await?;
        if tagging.state != TaggingState::Running {
            return Ok(Done::Nothing);
        }
        let tag = match tag_get(&tx, tagging.tag).await {
            Ok(tag) => tag,
            Err(StoreError::NotFound) => {
                drop(tx);
                let error = ("not_found".to_owned(), "标签已被删除".to_owned());
                return failed(state, job, &tagging, error).await;
            }
            Err(error) => return Err(error.into()),
        };
        let most = MOST_PER_CALL as u64;
        let people = followers_behind(&tx, tagging.account, &tagging.choice, tagging.behind, most).await?;
        drop(tx);
        if people.is_empty() {
            return ended(state, job, &tagging, &tag).await;
        }
        match fifty(state, job, &tagging, &tag, people).await? {
            Went::On => {}
            Went::Taken => return Ok(Done::Nothing),
            Went::Wrong(error) => return stopped(state, job, &tagging, error).await,
        }
        if begun.elapsed() > SLICE {
            break;
        }
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    job_enqueue(&mut tx, new_job(id)).await?;
    finish(tx, job).await
}

enum Went {
    On,
    /// Somebody else carries it on.
    Taken,
    Wrong(CallError),
}

/// Whether the platform refuses because of one of the people, and not because of the tag, the account or the hour.
fn because_of_people(error: &ChannelError) -> bool {
    match &error.class {
        ErrorClass::BusinessRefusal => true,
        ErrorClass::FixRequest { fields } => !fields.iter().any(|field| field.path == "tag_id"),
        _ => false,
    }
}

async fn fifty(
    state: &AppState,
    job: &ClaimedJob,
    tagging: &FollowerTagging,
    tag: &FollowerTag,
    people: Vec<Follower>,
) -> Result<Went, JobError> {
    let ids: Vec<FollowerId> = people.iter().map(|one| one.id).collect();
    let has = tags_of(&*state.db.read(&job.ctx).await?, &ids).await?;
    let mut to = tagging.clone();
    to.error = None;
    to.behind = ids.last().copied();
    let mut batch = Vec::with_capacity(people.len());
    for one in people {
        let own = has.get(&one.id).map(Vec::as_slice).unwrap_or_default();
        if tagging.puts_on && own.len() >= MOST_OF_FOLLOWER && !own.contains(&tag.id) {
            refuse(&mut to, &one, format!("已有 {MOST_OF_FOLLOWER} 个标签"));
        } else {
            batch.push(one);
        }
    }
    let call = match AccountCall::open(state, &job.ctx, tagging.account).await {
        Ok(call) => call,
        Err(error) => return Ok(Went::Wrong(error)),
    };
    let mut marked = Vec::new();
    let mut batches = vec![batch];
    while let Some(batch) = batches.pop() {
        if batch.is_empty() {
            continue;
        }
        let open_ids = batch.iter().map(|one| one.open_id.clone()).collect();
        let mark = TagMark { tag_id: tag.native_id.clone(), open_ids, on: tagging.puts_on };
        let answer = call.host().mark_fans(call.account_ref(), &mark).await;
        match call.settle(answer).await {
            Ok(()) => marked.extend(batch.iter().map(|one| one.id)),
            Err(CallError::Channel(error)) if because_of_people(&error) => match batch.as_slice() {
                [one] => refuse(&mut to, one, plain_words(&error)),
                _ => {
                    let mut first = batch;
                    let second = first.split_off(first.len() / 2);
                    batches.extend([first, second]);
                }
            },
            Err(error) => return Ok(Went::Wrong(error)),
        }
    }
    to.done += i64::try_from(marked.len()).unwrap_or(i64::MAX);
    let mut tx = state.db.begin(&job.ctx).await?;
    if !tagging_move(&mut tx, tagging, &to).await? {
        return Ok(Went::Taken);
    }
    tag_note(&mut tx, tag.id, &marked, tagging.puts_on).await?;
    tx.commit().await?;
    Ok(Went::On)
}

fn refuse(to: &mut FollowerTagging, one: &Follower, text: String) {
    to.refused += 1;
    to.refusals.push(TagRefusal { follower: one.id.to_string(), text });
}

async fn ended(
    state: &AppState,
    job: &ClaimedJob,
    tagging: &FollowerTagging,
    tag: &FollowerTag,
) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    let mut to = tagging.clone();
    (to.state, to.error) = (TaggingState::Done, None);
    tagging_move(&mut tx, tagging, &to).await?;
    let people = followers_count_chosen(&tx, tag.account, &Choice::Tagged(tag.id)).await?;
    tag_people(&mut tx, tag.id, i64::try_from(people).unwrap_or(i64::MAX)).await?;
    finish(tx, job).await
}

async fn failed(
    state: &AppState,
    job: &ClaimedJob,
    tagging: &FollowerTagging,
    error: (String, String),
) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    let mut to = tagging.clone();
    (to.state, to.error) = (TaggingState::Failed, Some(error));
    tagging_move(&mut tx, tagging, &to).await?;
    finish(tx, job).await
}

/// The tagging waits and says why, or ends where only a person can help.
async fn stopped(
    state: &AppState,
    job: &ClaimedJob,
    tagging: &FollowerTagging,
    error: CallError,
) -> JobResult {
    let now = state.clock().now();
    let words = match &error {
        CallError::NotUsable(_) => {
            let code = ErrorCode::ChannelAccountUnusable;
            return failed(state, job, tagging, (code.as_str().to_owned(), code.title_zh().to_owned())).await;
        }
        CallError::Channel(error) => (error.code().as_str().to_owned(), plain_words(error)),
        CallError::Store(_) => return Err(error.job_error(now, job.attempt)),
    };
    if let CallError::Channel(cause) = &error
        && cause.retry_after(now).is_none()
    {
        return failed(state, job, tagging, words).await;
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    let to = FollowerTagging { error: Some(words), ..tagging.clone() };
    tagging_move(&mut tx, tagging, &to).await?;
    tx.commit().await?;
    Err(error.job_error(now, job.attempt))
}
