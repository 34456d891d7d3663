//! The work of publishing an article: `article.publish` brings the draft to the platform and submits it once,
//! `article.check` asks how far it is, after a push and until it ended.

use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::article::{ArticleState, page};
use qianpu_domain::ids::{ArticleId, ChannelAccountId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ArticleDraft, ArticleRefs, ErrorClass, Publishing};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult, stored};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::article::{
    Article, ArticleMove, article_by_publishing, article_get, article_move,
};
use qianpu_tenants::store::listing::listing_get;
use serde_json::json;

/// Job that brings an article to the platform; payload `{"article_id"}`.
pub const PUBLISH_JOB: &str = "article.publish";
/// Job that asks how far a publishing is; payload `{"article_id"}`.
pub const CHECK_JOB: &str = "article.check";

/// How long after the last look the platform is asked again: pushes get lost.
const AGAIN: Span = Span::minutes(2);
/// The first look: a push that overtakes our own note of the submission finds no article to be about.
const FIRST: Span = Span::seconds(5);

pub(super) fn publish_job(id: ArticleId) -> NewJob {
    NewJob {
        kind: PUBLISH_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({ "article_id": id.to_string() }),
        run_at: None,
        priority: 5,
    }
}

pub(super) fn check_job(id: ArticleId, at: Option<Timestamp>) -> NewJob {
    NewJob {
        kind: CHECK_JOB,
        // A look that is due later does not keep one away that is asked for now.
        dedup_key: Some(match at {
            None => format!("{id}:now"),
            Some(_) => id.to_string(),
        }),
        payload: json!({ "article_id": id.to_string() }),
        run_at: at,
        priority: 5,
    }
}

/// A push says that a publishing ended: it is asked for.
pub(crate) async fn pushed(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    publish_id: &str,
) -> StoreResult<()> {
    if let Some(article) = article_by_publishing(tx, account, publish_id).await?
        && article.state == ArticleState::Publishing
    {
        job_enqueue(tx, check_job(article.id, None)).await?;
    }
    Ok(())
}

async fn article_of(state: &AppState, job: &ClaimedJob) -> Result<Option<Article>, crate::jobs::JobError> {
    let id: ArticleId = payload(job, "article_id")?;
    let tx = state.db.read(&job.ctx).await?;
    match article_get(&tx, id).await {
        Ok(article) => Ok(Some(article)),
        // Deleted meanwhile.
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn moved(
    state: &AppState,
    job: &ClaimedJob,
    article: &Article,
    to: ArticleState,
    change: ArticleMove,
) -> Result<Article, crate::jobs::JobError> {
    let mut tx = state.db.begin(&job.ctx).await?;
    article_move(&mut tx, article, to, &change).await?;
    let article = article_get(&tx, article.id).await?;
    tx.commit().await?;
    Ok(article)
}

fn refused(text: String) -> ArticleMove {
    ArticleMove { error: Some(text), ..ArticleMove::default() }
}

/// What a person has to do about a failure; none when trying again by itself may help.
fn for_people(error: &CallError) -> Option<String> {
    match error {
        CallError::NotUsable(_) => {
            Some(qianpu_domain::error::ErrorCode::ChannelAccountUnusable.title_zh().to_owned())
        }
        CallError::Channel(error) => match error.class {
            ErrorClass::Reauthorise
            | ErrorClass::FixRequest { .. }
            | ErrorClass::BusinessRefusal
            | ErrorClass::Fatal => Some(plain_words(error)),
            _ => None,
        },
        CallError::Store(_) => None,
    }
}

/// Brings the draft to the platform and submits it.
pub async fn run_publish(state: &AppState, job: &ClaimedJob) -> JobResult {
    use ArticleState::{Publishing as Going, Queued, Refused, Submitting, Unknown};
    let Some(article) = article_of(state, job).await? else { return Ok(Done::Nothing) };
    match article.state {
        Queued => {}
        // An earlier run ended between the call and its result: submitting again might publish it twice.
        Submitting => {
            moved(state, job, &article, Unknown, ArticleMove::default()).await?;
            return Ok(Done::Nothing);
        }
        _ => return Ok(Done::Nothing),
    }
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, article.account).await {
        Ok(call) => call,
        Err(error) => return ended(state, job, &article, error, now).await,
    };
    let draft = draft_of(state, job, &article).await?;
    let refs: ArticleRefs = stored(&article.refs, "articles.refs")?;
    let answer = call.host().save_draft(call.account_ref(), &draft, &refs).await;
    let refs = match call.settle(answer).await {
        Ok(refs) => refs,
        Err(error) => return ended(state, job, &article, error, now).await,
    };
    let Some(draft_id) = refs.draft_id.clone() else {
        let change = refused("平台没有返回草稿编号".to_owned());
        moved(state, job, &article, Refused, change).await?;
        return Ok(Done::Nothing);
    };
    let change = ArticleMove { refs: Some(json!(refs)), ..ArticleMove::default() };
    let article = moved(state, job, &article, Submitting, change).await?;
    let answer = call.host().submit_article(call.account_ref(), &draft_id).await;
    match call.settle(answer).await {
        Ok(publish_id) => {
            let mut tx = state.db.begin(&job.ctx).await?;
            // The draft leaves the platform's box with its publishing.
            let refs = json!(ArticleRefs { draft_id: None, ..refs });
            let change =
                ArticleMove { refs: Some(refs), publish_id: Some(publish_id), ..ArticleMove::default() };
            article_move(&mut tx, &article, Going, &change).await?;
            let first = tx.now().plus(FIRST);
            job_enqueue(&mut tx, check_job(article.id, Some(first))).await?;
            finish(tx, job).await
        }
        // The platform said no: nothing was submitted.
        Err(CallError::Channel(error)) if error.remote.is_some() => {
            let error = CallError::Channel(error);
            let back = moved(state, job, &article, Queued, ArticleMove::default()).await?;
            ended(state, job, &back, error, now).await
        }
        Err(_) => {
            moved(state, job, &article, Unknown, ArticleMove::default()).await?;
            Ok(Done::Nothing)
        }
    }
}

async fn ended(
    state: &AppState,
    job: &ClaimedJob,
    article: &Article,
    error: CallError,
    now: Timestamp,
) -> JobResult {
    match for_people(&error) {
        Some(text) => {
            moved(state, job, article, ArticleState::Refused, refused(text)).await?;
            Ok(Done::Nothing)
        }
        None => Err(error.job_error(now, job.attempt)),
    }
}

async fn draft_of(
    state: &AppState,
    job: &ClaimedJob,
    article: &Article,
) -> Result<ArticleDraft, crate::jobs::JobError> {
    let facts = &article.facts;
    let product_id = match facts.listing {
        None => None,
        Some(listing) => {
            let tx = state.db.read(&job.ctx).await?;
            listing_get(&tx, listing).await?.native_product_id
        }
    };
    Ok(ArticleDraft {
        title: facts.title.clone(),
        author: facts.author.clone(),
        digest: facts.digest.clone(),
        content: page(&facts.content),
        source_url: facts.source_url.clone(),
        cover: facts.cover.to_string(),
        product_id,
    })
}

/// What the platform's number for a refusal means.
fn words(native: &str) -> String {
    let text = match native {
        "2" => "原创声明失败",
        "3" => "发布失败",
        "4" => "平台审核不通过",
        "5" => "发布后文章已被删除",
        "6" => "发布后文章已被平台封禁",
        _ => "平台没有发布",
    };
    format!("{text}（{native}）")
}

/// Asks how far the publishing is.
pub async fn run_check(state: &AppState, job: &ClaimedJob) -> JobResult {
    let Some(article) = article_of(state, job).await? else { return Ok(Done::Nothing) };
    let (ArticleState::Publishing, Some(publish_id)) = (article.state, article.publish_id.clone()) else {
        return Ok(Done::Nothing);
    };
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, article.account).await {
        Ok(call) => call,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let answer = call.host().publishing(call.account_ref(), &publish_id).await;
    let (to, change) = match call.settle(answer).await {
        Ok(Publishing::Going) => {
            let mut tx = state.db.begin(&job.ctx).await?;
            let again = tx.now().plus(AGAIN);
            job_enqueue(&mut tx, check_job(article.id, Some(again))).await?;
            return finish(tx, job).await;
        }
        Ok(Publishing::Published { article_id, url }) => (
            ArticleState::Published,
            ArticleMove { published: Some((article_id, url)), ..ArticleMove::default() },
        ),
        Ok(Publishing::Refused { native }) => (ArticleState::Refused, refused(words(&native))),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    article_move(&mut tx, &article, to, &change).await?;
    finish(tx, job).await
}
