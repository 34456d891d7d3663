//! What became of applications. A push, a person and the passing of time all lead here, and the platform is asked each
//! time: what a push says is believed in nothing.

use super::{account_of, get};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, QualificationId};
use qianpu_domain::qualification::{Found, QualificationKind, QualificationState, after_look, next_look};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ApplicationStanding, BrandApplication, QualificationState as Theirs};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::qualification::{
    Qualification, qualification_by_application, qualification_get, qualification_open, qualification_save,
};
use serde_json::json;

/// Job that looks what became of an application; payload `{"qualification_id"}`.
pub const LOOK_JOB: &str = "qualification.look";
/// Job after a push; payload `{"channel_account_id", "kind", "named"}`.
pub const SYNC_JOB: &str = "qualification.sync";
/// The first look after sending.
pub const FIRST: Span = Span::seconds(60);

pub(super) fn look_job(id: QualificationId, at: Option<Timestamp>) -> NewJob {
    NewJob {
        kind: LOOK_JOB,
        // A look that is due later does not keep one away that is asked for now.
        dedup_key: Some(if at.is_none() { format!("{id}:now") } else { id.to_string() }),
        payload: json!({ "qualification_id": id.to_string() }),
        run_at: at,
        priority: 6,
    }
}

/// The job that a push leads to. It names an application for a category, or a brand.
pub(crate) fn sync_job(account: ChannelAccountId, kind: QualificationKind, named: &str) -> NewJob {
    NewJob {
        kind: SYNC_JOB,
        dedup_key: Some(format!("{account}:{}:{named}", kind.as_str())),
        payload: json!({ "channel_account_id": account.to_string(), "kind": kind.as_str(), "named": named }),
        run_at: None,
        priority: 6,
    }
}

fn state_of(state: &Theirs) -> Option<QualificationState> {
    match state {
        Theirs::Checking => Some(QualificationState::Checking),
        // One that ran out later had been accepted.
        Theirs::Accepted | Theirs::Expiring | Theirs::Expired => Some(QualificationState::Accepted),
        Theirs::Refused => Some(QualificationState::Refused),
        Theirs::Withdrawn => Some(QualificationState::Withdrawn),
        Theirs::Unknown(_) => None,
    }
}

fn stands(one: &mut Qualification, standing: ApplicationStanding) -> Found {
    one.reason = standing.reason;
    Found::Standing(state_of(&standing.state))
}

/// Asks the platform; notes what it says beside the state.
async fn ask(call: &AccountCall<'_>, one: &mut Qualification) -> Result<Found, CallError> {
    match (one.kind, one.application_id.clone()) {
        (QualificationKind::Category, Some(application_id)) => {
            let answer = call.host().category_application(call.account_ref(), &application_id).await;
            Ok(stands(one, call.settle(answer).await?))
        }
        // No list tells applications without an answer: only their approval can be seen.
        (QualificationKind::Category, None) => {
            let answer = call.host().approved_categories(call.account_ref()).await;
            let approved = call.settle(answer).await?;
            let there = approved.iter().any(|category| category.category_id == one.subject_id);
            Ok(if there { Found::Standing(Some(QualificationState::Accepted)) } else { Found::Unsaid })
        }
        (QualificationKind::Brand, known) => {
            let answer = call.host().brand(call.account_ref(), &one.subject_id).await;
            let Some(brand) = call.settle(answer).await? else { return Ok(Found::Nothing) };
            let ours = match (&known, &brand.application_id) {
                (Some(known), Some(there)) => known == there,
                (Some(_), None) => true,
                // The answer was lost: whatever is newer than what was there before is what we sent.
                (None, there) => there.is_some() && *there != one.earlier_id,
            };
            if !ours {
                // A newer one took the place of ours, or ours never arrived.
                return Ok(if known.is_some() {
                    Found::Standing(Some(QualificationState::Withdrawn))
                } else {
                    Found::Nothing
                });
            }
            one.application_id = known.or(brand.application_id);
            Ok(stands(one, brand.standing))
        }
    }
}

/// Asks the platform how an application is, and keeps it.
async fn look(state: &AppState, ctx: &TenantCtx, before: &Qualification) -> Result<Qualification, CallError> {
    // Nothing is there before it was sent.
    if before.sent_at.is_none() {
        return Ok(before.clone());
    }
    let call = AccountCall::open(state, ctx, before.account).await?;
    let mut one = before.clone();
    let found = ask(&call, &mut one).await?;
    let now = state.clock().now();
    one.state = after_look(before.state, found, before.sent_at, now);
    one.read_at = Some(now);
    let mut tx = state.db.begin(ctx).await?;
    qualification_save(&mut tx, &one).await?;
    tx.commit().await?;
    one.version += 1;
    Ok(one)
}

/// Looks what became of an application, and again until nothing changes any more.
pub async fn run_look(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: QualificationId = payload(job, "qualification_id")?;
    let before = qualification_get(&*state.db.read(&job.ctx).await?, id).await?;
    if !before.state.open() {
        return Ok(Done::Nothing);
    }
    let now = state.clock().now();
    let after = match look(state, &job.ctx, &before).await {
        Ok(after) => after,
        // Unlinked meanwhile: there is nobody to ask.
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        // Somebody else keeps it just now: its outcome is looked at next time.
        Err(CallError::Store(StoreError::VersionConflict)) => before.clone(),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    if after.state.open()
        && let Some(next) = next_look(after.created_at, tx.now())
    {
        job_enqueue(&mut tx, look_job(id, Some(next))).await?;
    }
    finish(tx, job).await
}

/// After a push: looks at what it may be about.
pub async fn run_sync(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let kind = job.payload["kind"].as_str().and_then(QualificationKind::from_text);
    let named = job.payload["named"].as_str().unwrap_or_default();
    let Some(kind) = kind else { return Ok(Done::Nothing) };
    let tx = state.db.read(&job.ctx).await?;
    let mut rows = qualification_open(&tx, account, kind).await?;
    match kind {
        // One whose answer was lost has no id yet, and may be the one.
        QualificationKind::Category => {
            rows.retain(|one| one.application_id.as_deref().is_none_or(|id| id == named));
            if rows.is_empty() {
                rows.extend(qualification_by_application(&tx, account, kind, named).await?);
            }
        }
        QualificationKind::Brand => rows.retain(|one| one.subject_id == named),
    }
    drop(tx);
    let now = state.clock().now();
    for one in rows.iter().filter(|one| one.state.open()) {
        match look(state, &job.ctx, one).await {
            Ok(_) => {}
            Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
            Err(CallError::Store(StoreError::VersionConflict)) => {
                return Err(JobError::Retry {
                    after: Some(Span::seconds(1)),
                    code: "conflict".to_owned(),
                    text: "申请正在更新".to_owned(),
                });
            }
            Err(error) => return Err(error.job_error(now, job.attempt)),
        }
    }
    Ok(Done::Nothing)
}

/// Looks what became of an application: the button "look again".
pub async fn look_now(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: QualificationId,
) -> Answer<Qualification> {
    let before = get(state, grant, id).await?;
    if !before.state.open() {
        return Ok(before);
    }
    match look(state, grant.ctx(), &before).await {
        Ok(after) => Ok(after),
        Err(CallError::Store(StoreError::VersionConflict)) => get(state, grant, id).await,
        Err(error) => Err(error.into()),
    }
}

async fn note(
    state: &AppState,
    ctx: &TenantCtx,
    one: &Qualification,
    action: AuditAction,
    to: Option<QualificationState>,
) -> Answer<()> {
    let mut tx = state.db.begin(ctx).await?;
    if let Some(to) = to {
        let changed = Qualification { state: to, ..one.clone() };
        qualification_save(&mut tx, &changed).await?;
    }
    let detail =
        json!({ "kind": one.kind.as_str(), "subject_id": one.subject_id, "subject_name": one.subject_name });
    audit_append(&mut tx, action, "qualification", &one.id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}

/// Withdraws an application: here, while nothing was sent; else at the platform, and reads what came of it.
pub async fn withdraw(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: QualificationId,
) -> Answer<Qualification> {
    let ctx = grant.ctx();
    let one = get(state, grant, id).await?;
    let application_id = match (one.state, &one.application_id) {
        (QualificationState::Sent, _) if one.sent_at.is_none() => {
            let to = Some(QualificationState::Withdrawn);
            note(state, ctx, &one, AuditAction::QualificationWithdrawn, to).await?;
            return get(state, grant, id).await;
        }
        (QualificationState::Checking, Some(application_id)) => application_id.clone(),
        _ => return Err(ApiError::new(ErrorCode::QualificationWrongState)),
    };
    let call = AccountCall::open(state, ctx, one.account).await?;
    note(state, ctx, &one, AuditAction::QualificationWithdrawn, None).await?;
    let answer = match one.kind {
        QualificationKind::Category => {
            call.host().withdraw_category(call.account_ref(), &application_id).await
        }
        QualificationKind::Brand => {
            let wanted = BrandApplication { brand_id: one.subject_id.clone(), application_id };
            call.host().withdraw_brand(call.account_ref(), &wanted).await
        }
    };
    let told = call.settle(answer).await;
    // Decided before it could be withdrawn: what the platform says is shown at once.
    match look(state, ctx, &one).await {
        Ok(_) | Err(CallError::Store(StoreError::VersionConflict)) => {}
        Err(error) => tracing::info!(qualification_id = %id, %error, "an application was not read back"),
    }
    told?;
    get(state, grant, id).await
}

/// Somebody who looked at the platform says that an application whose answer was lost did not arrive.
pub async fn give_up(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: QualificationId,
) -> Answer<Qualification> {
    let one = get(state, grant, id).await?;
    if one.state != QualificationState::InDoubt {
        return Err(ApiError::new(ErrorCode::QualificationWrongState));
    }
    note(state, grant.ctx(), &one, AuditAction::QualificationGivenUp, Some(QualificationState::NotMade))
        .await?;
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, one.account).await?;
    Ok(qualification_get(&tx, id).await?)
}
