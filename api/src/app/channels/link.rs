//! A merchant links an account through the provider's app: by the platform's page, or by buying in its market.
//! Links by an account's own keys are in [`super::link_direct`].

use super::apps::{callback_url, check_external_id};
use super::attach::{Attachment, attach};
use super::call::channel_error;
use super::{act_for, app_ref, find, phases, quota};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, LinkIntentId, RequestId, ShopId, TenantId};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    AccessToken, Authorisation, Channel, ChannelError, LinkInvitation, LinkMode, LinkRequest, PushFormat,
    Secret, TokenSet,
};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::random;
use qianpu_tenants::resolve;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::app_authorisation::{
    GrantEnd, authorisation_by_code, authorisation_by_external, authorisation_end, authorisation_profile,
    authorisation_secrets,
};
use qianpu_tenants::store::channel_account::{AccountSecrets, account_by_external};
use qianpu_tenants::store::channel_app::app_of_family;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::link_intent::{
    IntentEnd, LINK_LIFETIME, LinkIntent, NewLinkIntent, PURCHASE_LIFETIME, intent_end, intent_get,
    intent_insert, intent_list_open, state_key,
};
use qianpu_tenants::store::shop::shop_get;
use serde_json::json;
use std::time::Duration;

/// A link to begin.
#[derive(Debug, Clone)]
pub struct StartLink {
    pub shop: ShopId,
    pub channel: String,
    pub kind: String,
    /// The account it will be, when the merchant knows: it tells grants apart, and authorises anew.
    pub external_id: Option<String>,
}

/// How the merchant goes on.
#[derive(Debug, Clone)]
pub struct LinkStarted {
    pub intent: LinkIntentId,
    /// Where to go; none = buy the service in the platform's market.
    pub open: Option<LinkPages>,
    pub expires_at: Timestamp,
}

/// The platform's pages.
#[derive(Debug, Clone)]
pub struct LinkPages {
    pub desktop_url: String,
    pub mobile_url: String,
}

/// Begins a link through the provider's app.
pub async fn start(
    state: &AppState,
    grant: &Grant<perm::AccountLink>,
    command: &StartLink,
) -> Answer<LinkStarted> {
    let unknown = || ApiError::new(ErrorCode::ChannelUnknown);
    let channel = find(&command.channel)?;
    let info = channel.info();
    info.kind(&command.kind).ok_or_else(unknown)?;
    let mode = info.link_modes.iter().copied().find(|mode| mode.through_app()).ok_or_else(unknown)?;
    let external_id = command.external_id.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if let Some(external_id) = external_id {
        let mut errors = Vec::new();
        check_external_id("external_id", external_id, &mut errors);
        if !errors.is_empty() {
            return Err(errors.into());
        }
    }
    check_now(state, grant, command.shop, channel, &command.kind, external_id).await?;

    let ctx = grant.ctx();
    let parent = state.db.read_parent(ctx).await?;
    let family = info.app_family.ok_or_else(unknown)?;
    let app = app_of_family(&parent, family).await?;
    let app = app.ok_or_else(|| ApiError::new(ErrorCode::ChannelAppMissing))?;
    drop(parent);
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;

    let token = random::token();
    let lifetime = if mode == LinkMode::Purchase { PURCHASE_LIFETIME } else { LINK_LIFETIME };
    let mut tx = state.db.begin(ctx).await?;
    let new = NewLinkIntent {
        shop: command.shop,
        channel: info.slug,
        kind: &command.kind,
        link_mode: mode.as_str(),
        app: app.id,
        external_id,
        lifetime,
        state_token: &token,
    };
    let intent = intent_insert(&mut tx, &new).await?;
    let mut expires_at = tx.now().plus(lifetime);
    let detail = json!({ "channel": info.slug, "kind": command.kind, "external_id": external_id });
    audit_append(&mut tx, AuditAction::ChannelAccountLinkStarted, "link_intent", &intent.to_string(), detail)
        .await?;
    tx.commit().await?;

    let request = LinkRequest {
        kind: command.kind.clone(),
        redirect_uri: format!("{}?state={token}", callback_url(state, info.app_shape)),
        state: token.clone(),
        external_id: external_id.map(str::to_owned),
    };
    let reference = app_ref(channel, provider, app.id);
    let open = match state.channels.host.begin_link(&reference, &request).await {
        Ok(LinkInvitation::BuyInMarket) => None,
        Ok(LinkInvitation::Open { desktop_url, mobile_url, expires_at: until }) => {
            expires_at = expires_at.min(until);
            Some(LinkPages { desktop_url, mobile_url })
        }
        Err(error) => {
            let mut tx = state.db.begin(ctx).await?;
            intent_end(&mut tx, intent, &IntentEnd::Cancelled).await?;
            tx.commit().await?;
            return Err(channel_error(&error));
        }
    };
    Ok(LinkStarted { intent, open, expires_at })
}

/// Refuses at once what would be refused in the end, so that nobody is sent to the platform in vain. An
/// account that is linked already may be authorised anew whatever the quota says.
pub(super) async fn check_now(
    state: &AppState,
    grant: &Grant<perm::AccountLink>,
    shop: ShopId,
    channel: &dyn Channel,
    kind: &str,
    external_id: Option<&str>,
) -> Answer<()> {
    if !grant.covers_shop(shop) {
        return Err(ApiError::not_found());
    }
    let tx = state.db.read(grant.ctx()).await?;
    // First of all the shop: what is not there has no rules.
    shop_get(&tx, shop).await?;
    drop(tx);
    let rules = quota::rules(state, grant.ctx()).await?;
    let tx = state.db.read(grant.ctx()).await?;
    if let Some(external_id) = external_id {
        let known = account_by_external(&tx, channel.info().slug, external_id).await?;
        if let Some(account) = known.filter(|account| account.state.counts()) {
            return if account.shop == shop {
                phases::decide(&rules.phases, kind, tx.now(), true)
            } else {
                Err(ApiError::new(ErrorCode::ChannelAccountLinked))
            };
        }
    }
    phases::decide(&rules.phases, kind, tx.now(), false)?;
    quota::decide(&tx, shop, kind, &rules).await?.map(|_| ()).map_err(|refusal| quota::refused(&refusal))
}

/// Open links of a shop.
pub async fn open_links(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    shop: ShopId,
) -> Answer<Vec<LinkIntent>> {
    if !grant.covers_shop(shop) {
        return Err(ApiError::not_found());
    }
    let tx = state.db.read(grant.ctx()).await?;
    Ok(intent_list_open(&tx, shop).await?)
}

/// One link of the merchant.
pub async fn link(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: LinkIntentId,
) -> Answer<LinkIntent> {
    let tx = state.db.read(grant.ctx()).await?;
    let intent = intent_get(&tx, id).await?;
    if grant.covers_shop(intent.shop) { Ok(intent) } else { Err(ApiError::not_found()) }
}

/// Gives up a link.
pub async fn cancel(state: &AppState, grant: &Grant<perm::AccountLink>, id: LinkIntentId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let intent = intent_get(&tx, id).await?;
    if !grant.covers_shop(intent.shop) {
        return Err(ApiError::not_found());
    }
    if !intent_end(&mut tx, id, &IntentEnd::Cancelled).await? {
        return Err(ApiError::new(ErrorCode::LinkEnded));
    }
    audit_append(
        &mut tx,
        AuditAction::ChannelAccountLinkCancelled,
        "link_intent",
        &id.to_string(),
        json!({}),
    )
    .await?;
    Ok(tx.commit().await?)
}

/// What the way back from the platform's page led to.
#[derive(Debug, Clone)]
pub struct Linked {
    pub tenant: TenantId,
    pub account: ChannelAccountId,
}

/// The merchant's browser comes back with our state and the platform's code. The state alone says for whom
/// it is; coming back twice is harmless.
pub async fn complete(state: &AppState, request: RequestId, state_token: &str, code: &str) -> Answer<Linked> {
    let found = resolve::by_link(&state.db, directory::LINK_STATE, &state_key(state_token), request).await?;
    let (ctx, id) = found.ok_or_else(ApiError::not_found)?;
    let tx = state.db.read(&ctx).await?;
    let intent = intent_get(&tx, LinkIntentId(id)).await?;
    let now = tx.now();
    drop(tx);
    match (intent.state.as_str(), intent.account) {
        ("linked", Some(account)) => return Ok(Linked { tenant: ctx.tenant(), account }),
        ("pending", _) if intent.expires_at > now => {}
        _ => return Err(ApiError::new(ErrorCode::LinkEnded)),
    }
    let channel = find(&intent.channel)?;
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;
    let provider_ctx = act_for(state, &ctx, provider).await?;
    let authorisation = exchange(state, &provider_ctx, channel, &intent, code).await?;
    let wrong = || ApiError::new(ErrorCode::LinkWrongAccount);
    if intent.external_id.as_ref().is_some_and(|wanted| *wanted != authorisation.external_id) {
        return Err(wrong());
    }
    let reference = app_ref(channel, provider, intent.app);
    let profile = match &authorisation.profile {
        Some(profile) => profile.clone(),
        None => {
            let asked = state.channels.host.authorised_profile(&reference, &authorisation.external_id).await;
            asked.map_err(|error| channel_error(&error))?
        }
    };
    if profile.kind.as_ref().is_some_and(|kind| *kind != intent.kind) {
        return Err(wrong());
    }
    let mode =
        LinkMode::parse(&intent.link_mode).ok_or_else(|| ApiError::internal("an unknown link mode"))?;
    let attachment = Attachment {
        shop: intent.shop,
        channel,
        kind: &intent.kind,
        mode,
        app: Some(intent.app),
        own_app_id: None,
        external_id: &authorisation.external_id,
        profile: &profile,
        tokens: Some(&authorisation.tokens),
        scopes: &authorisation.scopes,
        push_format: push_format(channel, mode),
        secrets: &no_secrets(),
        intent: Some(intent.id),
    };
    let account = attach(state, &ctx, &attachment).await?;
    // The same grant comes as a push too; it has nothing left to do.
    let mut tx = state.db.begin(&provider_ctx).await?;
    if let Some(grant) = authorisation_by_external(&tx, intent.app, &authorisation.external_id).await? {
        let shown = serde_json::to_value(&profile).unwrap_or_default();
        authorisation_profile(&mut tx, grant.id, profile.kind.as_deref(), &shown).await?;
        authorisation_end(&mut tx, grant.id, &GrantEnd::Linked(ctx.tenant(), account)).await?;
        tx.commit().await?;
    }
    Ok(Linked { tenant: ctx.tenant(), account })
}

/// The code can be exchanged once, and the push of the same grant may have done it a moment ago.
async fn exchange(
    state: &AppState,
    provider: &TenantCtx,
    channel: &'static dyn Channel,
    intent: &LinkIntent,
    code: &str,
) -> Answer<Authorisation> {
    let plain = Plain::from(code.to_owned());
    if let Some(done) = exchanged(state, provider, intent, &plain).await? {
        return Ok(done);
    }
    let reference = app_ref(channel, provider.tenant(), intent.app);
    let secret = Secret::new(code.to_owned());
    let error: ChannelError = match state.channels.host.complete_link(&reference, &secret).await {
        Ok(authorisation) => return Ok(authorisation),
        Err(error) => error,
    };
    for _ in 0..10 {
        if let Some(done) = exchanged(state, provider, intent, &plain).await? {
            return Ok(done);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(channel_error(&error))
}

async fn exchanged(
    state: &AppState,
    provider: &TenantCtx,
    intent: &LinkIntent,
    code: &Plain,
) -> Answer<Option<Authorisation>> {
    let tx = state.db.read(provider).await?;
    let Some(grant) = authorisation_by_code(&tx, intent.app, code).await? else { return Ok(None) };
    let secrets = authorisation_secrets(&tx, &state.channels.sealer, grant.id).await?;
    Ok(secrets.access.map(|(token, expires_at)| Authorisation {
        external_id: grant.external_id,
        tokens: TokenSet {
            access_token: AccessToken { value: Secret::new(token.into_inner()), expires_at },
            refresh_token: secrets.refresh.map(|token| Secret::new(token.into_inner())),
        },
        scopes: super::grants::scopes(&grant.profile),
        profile: None,
    }))
}

/// The format of pushes of a way of linking: the platform's own default.
pub(super) fn push_format(channel: &dyn Channel, mode: LinkMode) -> PushFormat {
    channel.info().formats(mode).first().copied().unwrap_or(PushFormat::Xml)
}

/// An account linked through an app has no secrets of its own.
pub(super) fn no_secrets() -> AccountSecrets {
    AccountSecrets { secret: None, push_token: None, aes_key: None, previous_aes_key: None }
}
