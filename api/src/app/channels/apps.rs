//! The provider's channel apps (WeChat: third-party platforms 第三方平台).

use super::call::channel_error;
use super::{app_ref, family, find};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ChannelAppId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_host::AppRef;
use qianpu_sdk::{AppShape, AppStyle, Channel};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::random;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::channel_account::account_count_by_app;
use qianpu_tenants::store::channel_app::{
    ChannelApp, ChannelAppChange, NewChannelApp, app_get, app_insert, app_list, app_save,
};
use qianpu_tenants::store::channel_token::token_expiry;
use serde_json::json;
use std::collections::BTreeMap;

/// A verify ticket older than this means that pushes do not reach us: the platform sends one every ten
/// minutes, and it is good for twelve hours.
pub const TICKET_LATE: Span = Span::minutes(30);

/// An app to be.
#[derive(Debug, Clone)]
pub struct CreateChannelApp {
    /// A channel of the family the app serves.
    pub channel: String,
    /// The app's id at the platform.
    pub app_id: String,
    /// Its secret.
    pub secret: Plain,
    /// The token both sides know, for signatures of pushes; at platforms where the provider chooses one.
    pub token: Option<Plain>,
    /// The key pushes are encrypted with; at platforms where the provider chooses one.
    pub encoding_aes_key: Option<Plain>,
    /// What the channel asks for besides ([`qianpu_sdk::AppShape::settings`]).
    pub settings: BTreeMap<String, String>,
}

/// An app with what people look at first.
#[derive(Debug, Clone)]
pub struct ChannelAppView {
    /// The app.
    pub app: ChannelApp,
    /// For the platform's field "authorisation events" (授权事件接收 URL).
    pub hook_url: String,
    /// For the platform's field "messages and events" (消息与事件接收 URL).
    pub message_hook_url: String,
    /// Until when its token is good.
    pub token_expires_at: Option<Timestamp>,
    /// Accounts linked through it.
    pub linked_accounts: u64,
    /// Whether tickets have stopped coming.
    pub ticket_late: bool,
    /// Whether the platform pushes tickets to the app, and the app has a token.
    pub tickets: bool,
    /// Where the platform sends browsers back to.
    pub callback_url: String,
}

/// Checks what somebody typed as an id at a platform.
pub(super) fn check_external_id(path: &str, text: &str, errors: &mut Vec<FieldError>) {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if text.is_empty() {
        errors.push(FieldError::required(path));
    } else if text.len() > 64 || !plain {
        let (en, zh) = ("letters and digits, at most 64", "仅限字母和数字，最多 64 位");
        errors.push(FieldError::new(path, "invalid", en, zh));
    }
}

/// Checks the secret, the push token and the push key of an app or a direct link.
fn check_secrets(secret: &Plain, token: &Plain, key: &Plain, errors: &mut Vec<FieldError>) {
    check_secret(secret, errors);
    let alphanumeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(3..=32).contains(&token.expose().len()) || !alphanumeric(token.expose()) {
        let (en, zh) = ("3 to 32 letters and digits", "3 到 32 位字母或数字");
        errors.push(FieldError::new("token", "invalid", en, zh));
    }
    if key.expose().len() != 43 || !alphanumeric(key.expose()) {
        let (en, zh) = ("exactly 43 letters and digits", "应为 43 位字母或数字");
        errors.push(FieldError::new("encoding_aes_key", "invalid", en, zh));
    }
}

fn check_secret(secret: &Plain, errors: &mut Vec<FieldError>) {
    if secret.expose().is_empty() {
        errors.push(FieldError::required("secret"));
    } else if secret.expose().len() > 200 || !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        let (en, zh) = ("visible characters, at most 200", "仅限可见字符，最多 200 位");
        errors.push(FieldError::new("secret", "invalid", en, zh));
    }
}

/// Checks the push token and key: given where the platform has them, absent where it does not.
pub(super) fn check_push_keys(
    style: AppStyle,
    secret: &Plain,
    token: Option<&Plain>,
    key: Option<&Plain>,
    errors: &mut Vec<FieldError>,
) {
    if style.has_push_keys() {
        let none = Plain::from(String::new());
        return check_secrets(secret, token.unwrap_or(&none), key.unwrap_or(&none), errors);
    }
    check_secret(secret, errors);
    for (path, given) in [("token", token), ("encoding_aes_key", key)] {
        if given.is_some_and(|text| !text.expose().is_empty()) {
            let en = "this platform signs pushes with the app's secret";
            errors.push(FieldError::new(path, "unsupported", en, "该平台使用应用密钥签名推送，无需填写"));
        }
    }
}

/// Checks what the channel asks for besides: every setting is needed, and no other is known.
fn check_settings(shape: AppShape, given: &BTreeMap<String, String>, errors: &mut Vec<FieldError>) {
    for setting in shape.settings {
        check_external_id(setting.name, given.get(setting.name).map_or("", String::as_str), errors);
    }
    for name in given.keys().filter(|name| !shape.settings.iter().any(|known| known.name == name.as_str())) {
        errors.push(FieldError::new(name, "unknown", "this channel has no such setting", "该渠道没有此设置"));
    }
}

/// Adds an app. The platform's pushes are accepted from now on.
pub async fn create(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    command: &CreateChannelApp,
) -> Answer<ChannelAppView> {
    let channel = find(&command.channel)?;
    let family = channel.info().app_family.ok_or_else(|| ApiError::new(ErrorCode::ChannelUnknown))?;
    let mut errors = Vec::new();
    check_external_id("component_app_id", &command.app_id, &mut errors);
    let shape = channel.info().app_shape;
    let (token, key) = (command.token.as_ref(), command.encoding_aes_key.as_ref());
    check_push_keys(shape.style, &command.secret, token, key, &mut errors);
    check_settings(shape, &command.settings, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let hook_token = random::token();
    let none = Plain::from(String::new());
    let mut tx = state.db.begin(grant.ctx()).await?;
    let new = NewChannelApp {
        channel: channel.info().slug,
        family,
        app_id: &command.app_id,
        secret: &command.secret,
        push_token: token.unwrap_or(&none),
        aes_key: key.unwrap_or(&none),
        hook_token: &hook_token,
        settings: &json!(command.settings),
    };
    let id = app_insert(&mut tx, &state.channels.sealer, &new).await?;
    let detail = json!({ "channel": channel.info().slug, "component_app_id": command.app_id });
    audit_append(&mut tx, AuditAction::ChannelAppCreated, "channel_app", &id.to_string(), detail).await?;
    tx.commit().await?;
    get(state, grant, id).await
}

/// What may be changed on an app.
#[derive(Debug, Clone, Default)]
pub struct ChangeChannelApp {
    /// A new secret.
    pub secret: Option<Plain>,
    /// A new push token.
    pub token: Option<Plain>,
    /// A new push key; pushes under the one before are still accepted.
    pub encoding_aes_key: Option<Plain>,
    /// Whether it is used.
    pub active: Option<bool>,
}

/// Changes an app.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    id: ChannelAppId,
    seen: Option<i64>,
    command: &ChangeChannelApp,
) -> Answer<ChannelAppView> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let app = app_get(&tx, id).await?;
    let shape = speaker(&app)?.info().app_shape;
    let filler = Plain::from("aaa".to_owned());
    let key_filler = Plain::from("a".repeat(43));
    let chosen = shape.style.has_push_keys();
    let mut errors = Vec::new();
    check_push_keys(
        shape.style,
        command.secret.as_ref().unwrap_or(&filler),
        command.token.as_ref().or_else(|| chosen.then_some(&filler)),
        command.encoding_aes_key.as_ref().or_else(|| chosen.then_some(&key_filler)),
        &mut errors,
    );
    if !errors.is_empty() {
        return Err(errors.into());
    }
    if seen.is_some_and(|seen| seen != app.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    let change = ChannelAppChange {
        secret: command.secret.as_ref(),
        push_token: command.token.as_ref(),
        aes_key: command.encoding_aes_key.as_ref(),
        settings: None,
        active: command.active,
    };
    app_save(&mut tx, &state.channels.sealer, &app, &change).await?;
    let detail = json!({
        "secret": command.secret.is_some(), "token": command.token.is_some(),
        "encoding_aes_key": command.encoding_aes_key.is_some(), "active": command.active,
    });
    audit_append(&mut tx, AuditAction::ChannelAppChanged, "channel_app", &id.to_string(), detail).await?;
    tx.commit().await?;
    get(state, grant, id).await
}

/// One app. Its secrets are never shown again.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    id: ChannelAppId,
) -> Answer<ChannelAppView> {
    let tx = state.db.read(grant.ctx()).await?;
    let app = app_get(&tx, id).await?;
    drop(tx);
    view(state, grant, app).await
}

/// The provider's apps, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    page: PageRequest,
) -> Answer<Page<ChannelAppView>> {
    let tx = state.db.read(grant.ctx()).await?;
    let found = app_list(&tx, page).await?;
    drop(tx);
    let mut items = Vec::with_capacity(found.items.len());
    for app in found.items {
        items.push(view(state, grant, app).await?);
    }
    Ok(Page { items, next: found.next })
}

async fn view(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    app: ChannelApp,
) -> Answer<ChannelAppView> {
    let tx = state.db.read(grant.ctx()).await?;
    let token_expires_at = token_expiry(&tx, app.id.0).await?;
    drop(tx);
    let across = state.db.read_provider(&grant.provider_ctx()?).await?;
    let linked_accounts = account_count_by_app(&across, app.id).await?;
    let late = |at: Timestamp| across.now().since(at) > TICKET_LATE;
    let shape = speaker(&app)?.info().app_shape;
    let tickets = shape.style.has_token();
    let ticket_late = tickets && app.ticket_at.map_or_else(|| late(app.created_at), late);
    let hook_url = hook_url(state, &app);
    // Where the app has push keys of its own, its address is told per account; else one address takes everything.
    let message_hook_url = if tickets { format!("{hook_url}/$APPID$") } else { hook_url.clone() };
    let callback_url = callback_url(state, shape);
    Ok(ChannelAppView {
        callback_url,
        tickets,
        app,
        hook_url,
        message_hook_url,
        token_expires_at,
        linked_accounts,
        ticket_late,
    })
}

/// Where the platform of a channel sends a merchant's browser back to, with the code.
pub fn callback_url(state: &AppState, shape: AppShape) -> String {
    let base = state.config.app.public_url.trim_end_matches('/');
    format!("{base}/channels/{}/callback", shape.callback)
}

/// The push address of an app.
pub fn hook_url(state: &AppState, app: &ChannelApp) -> String {
    let base = state.config.app.public_url.trim_end_matches('/');
    format!("{base}/hooks/{}/apps/{}", app.channel, app.hook_token)
}

/// Asks the platform to (re)start pushing verify tickets.
pub async fn request_ticket(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    id: ChannelAppId,
) -> Answer<()> {
    let reference = reference(state, grant, id).await?;
    state.channels.host.request_ticket(&reference).await.map_err(|error| channel_error(&error))?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    audit_append(&mut tx, AuditAction::ChannelAppTicketRequested, "channel_app", &id.to_string(), json!({}))
        .await?;
    Ok(tx.commit().await?)
}

async fn reference(
    state: &AppState,
    grant: &Grant<perm::ChannelAppManage>,
    id: ChannelAppId,
) -> Answer<AppRef> {
    let tx = state.db.read(grant.ctx()).await?;
    let app = app_get(&tx, id).await?;
    Ok(app_ref(speaker(&app)?, grant.ctx().tenant(), app.id))
}

/// The channel whose plugin speaks for an app.
pub(super) fn speaker(app: &ChannelApp) -> Answer<&'static dyn Channel> {
    family(&app.family)
        .find(|channel| channel.info().slug == app.channel)
        .ok_or_else(|| ApiError::internal("a channel app of an unknown channel"))
}
