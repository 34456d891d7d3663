//! Claims under a platform's guarantee 保障单: read at the platform each time, and answered there at once. A push about one
//! leads to [`run`], which asks what it asks of the merchant and takes what is settled off the home page.

use super::dispute::pictures_exist;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::aftersale::{MOST_EVIDENCE_PICTURES, MOST_EVIDENCE_WORDS};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, MediaId, OrderId};
use qianpu_sdk::{
    ErrorClass, GuaranteeAnswer, GuaranteeClaim, GuaranteeMove, GuaranteeQuery, NoticeKind, Picture,
};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::inbox::inbox_settle;
use qianpu_tenants::jobs::{ClaimedJob, NewJob};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_get, account_list};
use qianpu_tenants::store::order::order_find;
use serde_json::json;

/// Job that asks what a push was about; payload `{"channel_account_id", "claim_id"}`.
pub const FOLLOW: &str = "guarantee.follow";
/// The longest id of a claim that is asked for.
const LONGEST_ID: usize = 64;

/// Whether an account's channel has guarantees.
pub fn possible(account: &ChannelAccount) -> bool {
    qianpu_host::find(&account.channel).is_some_and(|channel| channel.guarantees().is_some())
}

/// The account, if the caller may see it and its channel has guarantees.
async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    if grant.covers_shop(account.shop) && possible(&account) {
        Ok(account)
    } else {
        Err(ApiError::not_found())
    }
}

/// The account by itself.
pub async fn account<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await
}

/// Accounts whose channel has guarantees, newest first; at most 100.
pub async fn accounts<P: Perm>(state: &AppState, grant: &Grant<P>) -> Answer<Vec<ChannelAccount>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    let found = account_list(&tx, &filter, PageRequest::first(100)).await?.items;
    Ok(found.into_iter().filter(|account| account.state.counts() && possible(account)).collect())
}

/// A claim with the order it is about, where that is here.
#[derive(Debug, Clone)]
pub struct Shown {
    pub claim: GuaranteeClaim,
    /// Its id and number.
    pub order: Option<(OrderId, String)>,
}

/// A page of claims.
#[derive(Debug, Clone)]
pub struct Listed {
    pub items: Vec<Shown>,
    pub next: Option<String>,
}

async fn shown(tx: &TenantTx, account: ChannelAccountId, claim: GuaranteeClaim) -> Answer<Shown> {
    let order = order_find(tx, account, &claim.order_id).await?;
    Ok(Shown { order: order.map(|order| (order.id, order.number)), claim })
}

/// Asks the platform for a page of claims.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    id: ChannelAccountId,
    query: &GuaranteeQuery,
) -> Answer<Listed> {
    account(state, grant, id).await?;
    let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > LONGEST_ID);
    if long(&query.cursor) || long(&query.order_id) {
        return Err(ApiError::new(ErrorCode::InvalidCursor));
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().guarantees(call.account_ref(), query).await;
    let page = call.settle(answer).await.map_err(|error| match ours(&error, "cursor") {
        true => ApiError::new(ErrorCode::InvalidCursor),
        false => refused(error),
    })?;
    let tx = state.db.read(grant.ctx()).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for claim in page.items {
        items.push(shown(&tx, id, claim).await?);
    }
    Ok(Listed { items, next: page.next_cursor })
}

async fn fetch<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    claim_id: &str,
) -> Answer<GuaranteeClaim> {
    if claim_id.len() > LONGEST_ID {
        return Err(ApiError::not_found());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().guarantee(call.account_ref(), claim_id).await;
    match call.settle(answer).await {
        Ok(claim) => claim.ok_or_else(ApiError::not_found),
        // What cannot be an id of a claim is no claim.
        Err(error) if ours(&error, "claim_id") => Err(ApiError::not_found()),
        Err(error) => Err(error.into()),
    }
}

/// Asks the platform for one claim.
pub async fn get<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    claim_id: &str,
) -> Answer<Shown> {
    account(state, grant, id).await?;
    let claim = fetch(state, grant, id, claim_id).await?;
    shown(&*state.db.read(grant.ctx()).await?, id, claim).await
}

/// What a merchant says about a claim.
#[derive(Debug, Clone)]
pub struct Say {
    pub step: GuaranteeMove,
    pub words: String,
    pub pictures: Vec<MediaId>,
    pub level: Option<i64>,
}

/// Checks the words, the part and how many pictures there are.
pub fn check(step: GuaranteeMove, words: &str, pictures: usize, level: Option<i64>) -> Answer<()> {
    let mut errors = Vec::new();
    let speaks = matches!(step, GuaranteeMove::Refuse | GuaranteeMove::Prove);
    if speaks && words.is_empty() {
        errors.push(FieldError::required("words"));
    }
    if words.chars().count() > MOST_EVIDENCE_WORDS {
        errors.push(FieldError::new("words", "too_long", "at most 500 characters", "最多500个字"));
    }
    if speaks && pictures == 0 {
        errors.push(FieldError::required("pictures"));
    }
    if pictures > MOST_EVIDENCE_PICTURES {
        errors.push(FieldError::new("pictures", "too_many", "at most 20 pictures", "最多20张图片"));
    }
    if step == GuaranteeMove::Offer && !level.is_some_and(|level| GuaranteeAnswer::LEVELS.contains(&level)) {
        let (en, zh) = ("10, 30, 50, 80 or 100", "请选择 10、30、50、80 或 100");
        errors.push(FieldError::new("level", "unknown", en, zh));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

const fn action(step: GuaranteeMove) -> AuditAction {
    match step {
        GuaranteeMove::Accept => AuditAction::GuaranteeAccepted,
        GuaranteeMove::Refuse => AuditAction::GuaranteeRefused,
        GuaranteeMove::Offer => AuditAction::GuaranteeOffered,
        GuaranteeMove::Prove => AuditAction::GuaranteeProved,
    }
}

/// Whether the plugin itself would not take this field.
fn ours(error: &CallError, field: &str) -> bool {
    let CallError::Channel(channel) = error else { return false };
    let named = matches!(&channel.class, ErrorClass::FixRequest { fields } if fields.iter().any(|one| one.path == field));
    named && channel.remote.is_none()
}

/// A refusal of ours that names a field stands at it.
pub(in crate::app) fn refused(error: CallError) -> ApiError {
    let CallError::Channel(channel) = &error else { return error.into() };
    match &channel.class {
        ErrorClass::FixRequest { fields } if channel.remote.is_none() && !fields.is_empty() => {
            let field = |one: &qianpu_sdk::FieldError| {
                FieldError::new(one.path.clone(), "refused", one.message.clone(), one.message.clone())
            };
            fields.iter().map(field).collect::<Vec<_>>().into()
        }
        _ => error.into(),
    }
}

fn answer_of(state: &AppState, claim_id: &str, command: &Say) -> GuaranteeAnswer {
    let base = state.config.app.public_url.trim_end_matches('/');
    let picture = |id: &MediaId| Picture { url: format!("{base}/media/{id}"), asset: Some(id.to_string()) };
    GuaranteeAnswer {
        claim_id: claim_id.to_owned(),
        step: command.step,
        words: command.words.trim().to_owned(),
        pictures: command.pictures.iter().map(picture).collect(),
        level: command.level,
    }
}

/// Says it at the platform, and asks what the claim is then. Who wants to is written down first. A lost answer is
/// looked for in the claim; where it does not show, the caller is told that it is in doubt.
pub async fn answer(
    state: &AppState,
    grant: &Grant<perm::AftersaleHandle>,
    id: ChannelAccountId,
    claim_id: &str,
    command: &Say,
) -> Answer<Shown> {
    let ctx = grant.ctx();
    let words = command.words.trim();
    let before = get(state, grant, id, claim_id).await?;
    check(command.step, words, command.pictures.len(), command.level)?;
    let tx = state.db.read(ctx).await?;
    pictures_exist(&tx, &command.pictures).await?;
    drop(tx);
    let said = answer_of(state, claim_id, command);
    if before.claim.shows(&said) {
        return Ok(before);
    }
    if !before.claim.takes.contains(&command.step) {
        return Err(ApiError::new(ErrorCode::AftersaleWrongState));
    }
    let call = AccountCall::open(state, ctx, id).await?;
    let mut tx = state.db.begin(ctx).await?;
    let detail = json!({ "claim_id": claim_id, "order_id": before.claim.order_id,
        "pictures": command.pictures.len(), "level": command.level });
    audit_append(&mut tx, action(command.step), "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    let told = call.settle(call.host().guarantee_answer(call.account_ref(), &said).await).await;
    match told {
        Ok(_) => {}
        Err(error) if error.certain().is_some() => return Err(refused(error)),
        Err(CallError::Channel(error)) => {
            let found = fetch(state, grant, id, claim_id).await;
            if !found.as_ref().is_ok_and(|claim| claim.shows(&said)) {
                let doubt = ApiError::new(ErrorCode::GuaranteeInDoubt);
                return Err(doubt.with_detail(plain_words(&error)).with_internal(&error));
            }
        }
        Err(error) => return Err(error.into()),
    }
    let after = match fetch(state, grant, id, claim_id).await {
        Ok(claim) => claim,
        // It was taken; only the look at it failed.
        Err(error) => {
            tracing::info!(account_id = %id, %error, "a guarantee claim could not be read back");
            GuaranteeClaim { takes: Vec::new(), ..before.claim }
        }
    };
    let mut tx = state.db.begin(ctx).await?;
    settle_pushes(&mut tx, id, &after).await?;
    let shown = shown(&tx, id, after).await?;
    tx.commit().await?;
    Ok(shown)
}

/// Pushes about a claim wait for people only while the claim waits for the merchant, and then the newest alone.
async fn settle_pushes(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    claim: &GuaranteeClaim,
) -> Result<(), StoreError> {
    let kind = NoticeKind::GuaranteeChanged;
    let waits = claim.state.waits_for_merchant();
    inbox_settle(tx, account.0, kind.as_str(), &claim.external_id, waits).await
}

/// The job for a claim that a push named.
pub fn new_job(account: ChannelAccountId, claim_id: &str) -> NewJob {
    NewJob {
        kind: FOLLOW,
        dedup_key: Some(format!("{account}:{claim_id}")),
        payload: json!({ "channel_account_id": account.to_string(), "claim_id": claim_id }),
        run_at: None,
        priority: 4,
    }
}

/// Asks for the claim, and takes what it no longer asks of the merchant off the home page. One that the platform does not
/// know stays: somebody looks.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let claim_id: String = payload(job, "claim_id")?;
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let answer = call.host().guarantee(call.account_ref(), &claim_id).await;
    let claim = match call.settle(answer).await {
        Ok(Some(claim)) => claim,
        Ok(None) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    settle_pushes(&mut tx, account, &claim).await?;
    finish(tx, job).await
}
