//! Accounts that granted the provider's app by a push. A grant is exchanged for tokens at once, and linked
//! when it is clear for whom: the account was linked before; one merchant expects exactly this account; or
//! only one merchant waits for any account of the kind. Everything else is parked until the provider
//! assigns it: a grant is never given to the wrong merchant silently.

use super::account_jobs::payload;
use super::attach::{Attachment, attach};
use super::call::{channel_error, channel_job_error};
use super::link::{no_secrets, push_format};
use super::{act_for, app_ref, apps, family, of_kind};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{AppAuthorisationId, ChannelAccountId, LinkIntentId, ShopId, TenantId};
use qianpu_host::AppRef;
use qianpu_sdk::{AccessToken, AccountProfile, ChannelError, Secret, TokenSet};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::resolve;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::app_authorisation::{
    AppAuthorisation, GrantEnd, GrantSecrets, authorisation_end, authorisation_exchanged, authorisation_get,
    authorisation_list, authorisation_profile, authorisation_secrets,
};
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::channel_app::{ChannelApp, app_get};
use qianpu_tenants::store::link_intent::{LinkIntent, intent_list_pending_by_app};
use serde_json::{Value, json};

/// The job that exchanges and links a grant; it runs in the provider's tenant.
pub const GRANT_JOB: &str = "channel.grant";

/// Scopes in a stored profile.
pub(super) fn scopes(profile: &Value) -> Vec<String> {
    let list = profile["scopes"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect()
}

/// Exchanges and links one grant.
pub async fn run_grant(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: AppAuthorisationId = payload(job, "authorisation_id")?;
    let now = state.clock().now();
    match settle(state, &job.ctx, id).await {
        Ok(()) => Ok(Done::Nothing),
        Err(GrantError::Channel(error)) => Err(channel_job_error(&error, now, job.attempt)),
        Err(GrantError::Api(error)) => Err(error.into()),
    }
}

enum GrantError {
    Channel(ChannelError),
    Api(ApiError),
}

impl From<ApiError> for GrantError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for GrantError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

async fn settle(state: &AppState, ctx: &TenantCtx, id: AppAuthorisationId) -> Result<(), GrantError> {
    let tx = state.db.read(ctx).await?;
    let grant = authorisation_get(&tx, id).await?;
    if grant.state != "received" {
        return Ok(());
    }
    let app = app_get(&tx, grant.app).await?;
    drop(tx);
    let reference = app_ref(apps::speaker(&app)?, ctx.tenant(), app.id);
    let known = linked_before(state, ctx, &app, &grant).await?;
    let tokens = tokens(state, ctx, &reference, &grant, known.is_some()).await?;
    let profile = state.channels.host.authorised_profile(&reference, &grant.external_id).await;
    let profile = profile.map_err(GrantError::Channel)?;
    let mut tx = state.db.begin(ctx).await?;
    let shown = serde_json::to_value(&profile).unwrap_or_default();
    authorisation_profile(&mut tx, id, profile.kind.as_deref(), &shown).await?;
    tx.commit().await?;

    let end = match known {
        Some((merchant, account)) => {
            renew(state, ctx, &app, &merchant, account, tokens.as_ref(), &profile).await?
        }
        None => match choose(state, ctx, &app, &grant, &profile).await? {
            Choice::Intent(intent) => {
                let merchant = act_for(state, ctx, intent.tenant).await?;
                let target = Target { shop: intent.shop, kind: &intent.kind, intent: Some(intent.id) };
                link_to(state, &app, &merchant, &target, &grant.external_id, tokens.as_ref(), &profile)
                    .await?
            }
            Choice::Nobody(why) => End::Unmatched(why),
        },
    };
    let mut tx = state.db.begin(ctx).await?;
    let grant_end = match &end {
        End::Linked(merchant, account) => GrantEnd::Linked(*merchant, *account),
        End::Unmatched(why) => GrantEnd::Unmatched(why),
        End::Refused(why) => GrantEnd::Refused(why),
    };
    authorisation_end(&mut tx, id, &grant_end).await?;
    let detail = json!({ "external_id": grant.external_id, "outcome": end.word() });
    audit_append(&mut tx, AuditAction::AppAuthorisationSettled, "app_authorisation", &id.to_string(), detail)
        .await?;
    tx.commit().await?;
    Ok(())
}

enum End {
    Linked(TenantId, ChannelAccountId),
    Unmatched(&'static str),
    Refused(&'static str),
}

impl End {
    fn word(&self) -> &'static str {
        match self {
            Self::Linked(..) => "linked",
            Self::Unmatched(why) | Self::Refused(why) => why,
        }
    }
}

/// The account of this grant, when it is linked already. Only accounts of this provider's merchants count;
/// one of another provider makes the grant refused further down, by the directory.
async fn linked_before(
    state: &AppState,
    ctx: &TenantCtx,
    app: &ChannelApp,
    grant: &AppAuthorisation,
) -> Answer<Option<(TenantCtx, ChannelAccountId)>> {
    for channel in family(&app.family) {
        let slug = channel.info().slug;
        let found =
            resolve::by_external_account(&state.db, slug, &grant.external_id, ctx.request_id()).await?;
        if let Some((merchant, account)) = found
            && merchant.provider() == Some(ctx.tenant())
        {
            return Ok(Some((merchant, ChannelAccountId(account))));
        }
    }
    Ok(None)
}

/// The tokens of a grant: kept from an earlier try, or exchanged for the code now. The browser of the
/// merchant may have used the code first; then the list of grants has the refresh token.
async fn tokens(
    state: &AppState,
    ctx: &TenantCtx,
    reference: &AppRef,
    grant: &AppAuthorisation,
    linked: bool,
) -> Result<Option<TokenSet>, GrantError> {
    let sealer = &state.channels.sealer;
    let tx = state.db.read(ctx).await?;
    let GrantSecrets { code, access, refresh } = authorisation_secrets(&tx, sealer, grant.id).await?;
    drop(tx);
    let Some(code) = code else {
        return Ok(access.map(|(token, expires_at)| TokenSet {
            access_token: AccessToken { value: Secret::new(token.into_inner()), expires_at },
            refresh_token: refresh.map(|token| Secret::new(token.into_inner())),
        }));
    };
    let tokens = match state.channels.host.complete_link(reference, &Secret::new(code.into_inner())).await {
        Ok(done) => done.tokens,
        Err(error) if error.retry_after(state.clock().now()).is_some() => {
            return Err(GrantError::Channel(error));
        }
        // The code was used by the browser, whose link is complete.
        Err(_) if linked => return Ok(None),
        Err(error) => match listed_refresh_token(state, reference, &grant.external_id).await? {
            Some(refresh) => {
                let now = state.clock().now();
                // Ended already: the first call refreshes it.
                let access_token = AccessToken { value: Secret::new(String::new()), expires_at: now };
                TokenSet { access_token, refresh_token: Some(refresh) }
            }
            None => return Err(GrantError::Channel(error)),
        },
    };
    let mut tx = state.db.begin(ctx).await?;
    let access = Plain::from(tokens.access_token.value.expose().clone());
    let refresh = tokens.refresh_token.as_ref().map(|token| Plain::from(token.expose().clone()));
    let access = Some((&access, tokens.access_token.expires_at));
    authorisation_exchanged(&mut tx, sealer, grant.id, access, refresh.as_ref()).await?;
    tx.commit().await?;
    Ok(Some(tokens))
}

async fn listed_refresh_token(
    state: &AppState,
    reference: &AppRef,
    external_id: &str,
) -> Result<Option<Secret<String>>, GrantError> {
    let mut cursor = None;
    for _ in 0..50 {
        let page = state.channels.host.authorised_accounts(reference, cursor.as_deref()).await;
        let page = page.map_err(GrantError::Channel)?;
        if let Some(row) = page.items.into_iter().find(|row| row.external_id == external_id) {
            return Ok(row.refresh_token);
        }
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    Ok(None)
}

enum Choice {
    Intent(Box<LinkIntent>),
    Nobody(&'static str),
}

async fn choose(
    state: &AppState,
    ctx: &TenantCtx,
    app: &ChannelApp,
    grant: &AppAuthorisation,
    profile: &AccountProfile,
) -> Answer<Choice> {
    let across = ctx.provider_view().ok_or_else(ApiError::not_found)?;
    let tx = state.db.read_provider(&across).await?;
    let mut waiting = intent_list_pending_by_app(&tx, app.id).await?;
    drop(tx);
    waiting.retain(|intent| profile.kind.as_ref().is_none_or(|kind| *kind == intent.kind));
    let (expecting, open): (Vec<_>, Vec<_>) = waiting
        .into_iter()
        .filter(|intent| intent.external_id.as_ref().is_none_or(|wanted| *wanted == grant.external_id))
        .partition(|intent| intent.external_id.is_some());
    let candidates = if expecting.is_empty() { open } else { expecting };
    let mut candidates = candidates.into_iter();
    let Some(newest) = candidates.next() else { return Ok(Choice::Nobody("nobody_waits")) };
    let same = |other: &LinkIntent| {
        other.tenant == newest.tenant && other.shop == newest.shop && other.kind == newest.kind
    };
    if candidates.all(|other| same(&other)) {
        Ok(Choice::Intent(Box::new(newest)))
    } else {
        Ok(Choice::Nobody("several_wait"))
    }
}

async fn renew(
    state: &AppState,
    ctx: &TenantCtx,
    app: &ChannelApp,
    merchant: &TenantCtx,
    account: ChannelAccountId,
    tokens: Option<&TokenSet>,
    profile: &AccountProfile,
) -> Result<End, GrantError> {
    let merchant_ctx = act_for(state, ctx, merchant.tenant()).await?;
    let tx = state.db.read(&merchant_ctx).await?;
    let row = account_get(&tx, account).await?;
    drop(tx);
    let target = Target { shop: row.shop, kind: &row.kind, intent: None };
    link_to(state, app, &merchant_ctx, &target, &row.external_id, tokens, profile).await
}

/// Where a grant goes.
struct Target<'a> {
    shop: ShopId,
    kind: &'a str,
    intent: Option<LinkIntentId>,
}

async fn link_to(
    state: &AppState,
    app: &ChannelApp,
    merchant: &TenantCtx,
    target: &Target<'_>,
    external_id: &str,
    tokens: Option<&TokenSet>,
    profile: &AccountProfile,
) -> Result<End, GrantError> {
    let (channel, mode) =
        of_kind(&app.family, target.kind).ok_or_else(|| ApiError::new(ErrorCode::ChannelUnknown))?;
    let attachment = Attachment {
        shop: target.shop,
        channel,
        kind: target.kind,
        mode,
        app: Some(app.id),
        own_app_id: None,
        external_id,
        profile,
        tokens,
        scopes: &profile.scopes,
        push_format: push_format(channel, mode),
        secrets: &no_secrets(),
        intent: target.intent,
    };
    match attach(state, merchant, &attachment).await {
        Ok(account) => Ok(End::Linked(merchant.tenant(), account)),
        Err(error) if error.code().status() < 500 => Ok(End::Refused(error.code().as_str())),
        Err(error) => Err(error.into()),
    }
}

/// Grants of the provider's apps; of one state when given.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    of: Option<&str>,
    page: PageRequest,
) -> Answer<Page<AppAuthorisation>> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(authorisation_list(&tx, of, page).await?)
}

/// The provider says for whom a parked grant is.
pub async fn assign(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    id: AppAuthorisationId,
    merchant: TenantId,
    shop: ShopId,
) -> Answer<ChannelAccountId> {
    let on_merchant = grant.on_merchant(&state.db, merchant).await?;
    let tx = state.db.read(grant.ctx()).await?;
    let parked = authorisation_get(&tx, id).await?;
    let app = app_get(&tx, parked.app).await?;
    drop(tx);
    if !matches!(parked.state.as_str(), "unmatched" | "refused") {
        return Err(ApiError::new(ErrorCode::LinkEnded));
    }
    let profile: AccountProfile =
        serde_json::from_value(parked.profile.clone()).map_err(ApiError::internal)?;
    let kind = parked.kind.as_deref().ok_or_else(|| ApiError::new(ErrorCode::ChannelUnknown))?;
    let (channel, mode) =
        of_kind(&app.family, kind).ok_or_else(|| ApiError::new(ErrorCode::ChannelUnknown))?;
    let reference = app_ref(channel, grant.ctx().tenant(), app.id);
    let tokens = match tokens(state, grant.ctx(), &reference, &parked, false).await {
        Ok(tokens) => tokens,
        Err(GrantError::Channel(error)) => return Err(channel_error(&error)),
        Err(GrantError::Api(error)) => return Err(error),
    };
    let attachment = Attachment {
        shop,
        channel,
        kind,
        mode,
        app: Some(app.id),
        own_app_id: None,
        external_id: &parked.external_id,
        profile: &profile,
        tokens: tokens.as_ref(),
        scopes: &profile.scopes,
        push_format: push_format(channel, mode),
        secrets: &no_secrets(),
        intent: None,
    };
    let account = attach(state, on_merchant.ctx(), &attachment).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    authorisation_end(&mut tx, id, &GrantEnd::Linked(merchant, account)).await?;
    let detail = json!({ "merchant_id": merchant.to_string(), "account_id": account.to_string() });
    audit_append(
        &mut tx,
        AuditAction::AppAuthorisationAssigned,
        "app_authorisation",
        &id.to_string(),
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(account)
}
