//! What pushes about accounts lead to: a grant taken back, an account renamed or closed. Each job asks the
//! platform first, because pushes come late and in any order.

use super::call::{AccountCall, CallError, channel_job_error};
use super::{act_for, app_ref, apps, family};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::channel::{AccountEvent, AccountState, next};
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId};
use qianpu_sdk::{AccountProfile, ChannelError, ErrorClass};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::resolve;
use qianpu_tenants::store::app_authorisation::{GrantEnd, authorisation_by_external, authorisation_end};
use qianpu_tenants::store::channel_account::{AccountChange, account_get, account_save};
use qianpu_tenants::store::channel_app::app_get;
use qianpu_tenants::store::channel_token::token_delete;
use qianpu_tenants::store::exchange_log::exchange_trim;
use serde_json::{Value, json};
use uuid::Uuid;

/// The job that reads an account's profile anew.
pub const REFRESH_JOB: &str = "account.refresh";

pub(super) fn refresh_payload(id: ChannelAccountId, said_closed: bool) -> Value {
    json!({ "channel_account_id": id.to_string(), "said_closed": said_closed })
}

/// A value of a job's payload with a textual form, such as an id.
pub fn payload<T: std::str::FromStr>(job: &ClaimedJob, name: &str) -> Result<T, JobError> {
    let value = job.payload[name].as_str().and_then(|text| text.parse().ok());
    value.ok_or_else(|| JobError::dead("bad_request", "任务内容无法识别"))
}

/// Reads an account's profile anew; closes the account when the platform says so, twice.
pub async fn run_refresh(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ChannelAccountId = payload(job, "channel_account_id")?;
    let said_closed = job.payload["said_closed"].as_bool().unwrap_or(false);
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, id).await {
        Ok(call) => call,
        // Unlinked meanwhile, or waiting to be authorised again: nothing to read.
        Err(CallError::NotUsable(_)) => {
            if said_closed {
                close(state, &job.ctx, id).await?;
            }
            return Ok(Done::Nothing);
        }
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let answer = call.host().profile(call.account_ref()).await;
    let gone = |error: &ChannelError| matches!(error.class, ErrorClass::Fatal | ErrorClass::Reauthorise);
    match call.settle(answer).await {
        Ok(profile) if said_closed && profile.active != Some(true) => close(state, &job.ctx, id).await?,
        Ok(profile) => keep(state, &job.ctx, id, &profile).await?,
        Err(CallError::Channel(error)) if said_closed && gone(&error) => close(state, &job.ctx, id).await?,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    }
    Ok(Done::Nothing)
}

async fn keep(
    state: &AppState,
    ctx: &TenantCtx,
    id: ChannelAccountId,
    profile: &AccountProfile,
) -> StoreResult<()> {
    let mut tx = state.db.begin(ctx).await?;
    let account = account_get(&tx, id).await?;
    let name = profile.name.as_deref().filter(|name| !name.is_empty());
    let change = AccountChange {
        state: (profile.active == Some(false)).then(|| next(account.state, AccountEvent::Limited)),
        native_state: profile.native_state.as_deref(),
        name,
        user_name: profile.user_name.as_deref(),
        ..AccountChange::default()
    };
    account_save(&mut tx, &account, &change).await?;
    if name.is_some_and(|name| name != account.name) {
        let detail = json!({ "from": account.name, "to": name });
        audit_append(&mut tx, AuditAction::ChannelAccountRenamed, "channel_account", &id.to_string(), detail)
            .await?;
    }
    tx.commit().await
}

async fn close(state: &AppState, ctx: &TenantCtx, id: ChannelAccountId) -> StoreResult<()> {
    end(state, ctx, id, AccountEvent::Closed, AuditAction::ChannelAccountClosed).await
}

/// Ends a link because the platform says so.
async fn end(
    state: &AppState,
    ctx: &TenantCtx,
    id: ChannelAccountId,
    event: AccountEvent,
    action: AuditAction,
) -> StoreResult<()> {
    let mut tx = state.db.begin(ctx).await?;
    let account = account_get(&tx, id).await?;
    let to = next(account.state, event);
    if to == account.state {
        return Ok(());
    }
    let change = AccountChange { state: Some(to), ..AccountChange::default() };
    account_save(&mut tx, &account, &change).await?;
    token_delete(&mut tx, id.0).await?;
    let detail = json!({ "channel": account.channel, "external_id": account.external_id });
    audit_append(&mut tx, action, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await
}

/// An account took its grant back, says a push. It may have granted again since: the platform is asked.
pub async fn run_withdrawn(state: &AppState, job: &ClaimedJob) -> JobResult {
    let app: ChannelAppId = payload(job, "channel_app_id")?;
    let external_id: String = payload(job, "external_id")?;
    let external_id = external_id.as_str();
    let ctx = &job.ctx;
    let now = state.clock().now();
    let tx = state.db.read(ctx).await?;
    let app = app_get(&tx, app).await?;
    drop(tx);
    let speaker = apps::speaker(&app)?;
    let reference = app_ref(speaker, ctx.tenant(), app.id);
    match state.channels.host.authorised_profile(&reference, external_id).await {
        Ok(_) => return Ok(Done::Nothing),
        Err(error) if error.retry_after(now).is_some() => {
            return Err(channel_job_error(&error, now, job.attempt));
        }
        // Every other refusal says that the app may not look at the account any more.
        Err(_) => {}
    }
    for channel in family(&app.family) {
        let slug = channel.info().slug;
        let found = resolve::by_external_account(&state.db, slug, external_id, ctx.request_id()).await;
        let Some((merchant, id)) = found? else { continue };
        if merchant.provider() != Some(ctx.tenant()) {
            continue;
        }
        let id = ChannelAccountId(id);
        let tx = state.db.read(&merchant).await?;
        let account = account_get(&tx, id).await?;
        drop(tx);
        if account.app == Some(app.id) && account.state != AccountState::Revoked {
            let acting = act_for(state, ctx, merchant.tenant()).await?;
            end(state, &acting, id, AccountEvent::Unlinked, AuditAction::ChannelAccountGrantWithdrawn)
                .await?;
        }
    }
    let mut tx = state.db.begin(ctx).await?;
    if let Some(grant) = authorisation_by_external(&tx, app.id, external_id).await? {
        authorisation_end(&mut tx, grant.id, &GrantEnd::Withdrawn).await?;
        tx.commit().await?;
    }
    Ok(Done::Nothing)
}

/// Forgets old exchanges of one account or app.
pub async fn run_trim(state: &AppState, job: &ClaimedJob) -> JobResult {
    let owner: Uuid = payload(job, "owner_id")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    exchange_trim(&mut tx, owner).await?;
    finish(tx, job).await
}
