//! Taking a push in: find whose it is, let the plugin prove it, store what it says once, acknowledge.
//!
//! Nothing of a refused push is stored but a count. What is genuine leads to an inbox row and a job in one
//! transaction, and only then to the acknowledgement, so a crash makes the platform push again. The push
//! itself is not believed further than "go and fetch".

use super::grants::GRANT_JOB;
use super::push_route::{self, Routed};
use super::{act_for, family};
use crate::app::followers;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, RequestId};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    Channel, LinkMode, Method, Notice, NoticeKind, PushCredentials, PushOrigin, PushReply, RawPush, Secret,
    Verified, Webhook,
};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::inbox::{NewInboxMessage, Stored, inbox_insert};
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::resolve;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::app_authorisation::authorisation_receive;
use qianpu_tenants::store::channel_account::{
    AccountSecrets, ChannelAccount, account_by_user_name, account_get, account_note_push, account_secrets,
};
use qianpu_tenants::store::channel_app::{AppSecrets, ChannelApp, app_get, app_secrets, app_ticket_save};
use qianpu_tenants::store::directory;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The largest push body. The platforms' own are a few kilobytes.
pub const PUSH_LIMIT: usize = 64 * 1024;

/// The job after the platform says that an account took its grant back; it runs in the provider's tenant.
pub const WITHDRAWN_JOB: &str = "channel.withdrawn";

fn count(channel: &str, outcome: &'static str) {
    let labels = [("channel", channel.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("qianpu_pushes_total", &labels).increment(1);
}

fn secret(plain: &Plain) -> Secret<String> {
    Secret::new(plain.expose().to_owned())
}

/// A push to the address of one account. `NotFound` when nobody has this address.
pub async fn receive_for_account(
    state: &AppState,
    request: RequestId,
    channel: &str,
    token: &str,
    push: &RawPush,
) -> Answer<PushReply> {
    let unknown = || {
        count("unknown", "unknown_address");
        ApiError::not_found()
    };
    let plugin = qianpu_host::find(channel).ok_or_else(unknown)?;
    let slug = plugin.info().slug;
    let found = resolve::by_hook_token(&state.db, directory::ACCOUNT_HOOK, token, slug, request).await?;
    let (ctx, id) = found.ok_or_else(unknown)?;
    let tx = state.db.read(&ctx).await?;
    let account = account_get(&tx, ChannelAccountId(id)).await?;
    let secrets = account_secrets(&tx, &state.channels.sealer, account.id).await?;
    drop(tx);
    let (Some(webhook), Some(credentials)) = (plugin.webhook(), direct_credentials(&account, &secrets))
    else {
        return Err(unknown());
    };
    if account.channel != slug {
        return Err(unknown());
    }
    let verified = match open(webhook, slug, push, &credentials, state.clock().now()) {
        Opened::Answered(reply) => return Ok(reply),
        Opened::Verified(verified) => verified,
    };
    let notices = match webhook.decode(&verified) {
        Ok(notices) => notices,
        Err(error) => {
            keep_unreadable(state, &ctx, id, slug, &verified, &error.to_string()).await?;
            return Ok(webhook.acknowledge(&verified));
        }
    };
    for notice in &notices {
        // A direct link receives for itself only.
        let other = notice.account_external_id.as_ref().is_some_and(|named| *named != account.external_id);
        if other {
            count(slug, "other_account");
            continue;
        }
        take(state, &ctx, &account, notice).await?;
    }
    Ok(webhook.acknowledge(&verified))
}

fn direct_credentials(account: &ChannelAccount, secrets: &AccountSecrets) -> Option<PushCredentials> {
    if !account.state.counts() {
        return None;
    }
    Some(PushCredentials {
        app_ids: vec![account.external_id.clone()],
        token: secret(secrets.push_token.as_ref()?),
        encoding_aes_key: secret(secrets.aes_key.as_ref()?),
        previous_encoding_aes_key: secrets.previous_aes_key.as_ref().map(secret),
        formats: vec![super::format(&account.push_format)?],
        max_age: PushCredentials::DEFAULT_MAX_AGE,
    })
}

/// A push to the address of a provider's app: about the app itself, or relayed for the account `about`.
pub async fn receive_for_app(
    state: &AppState,
    request: RequestId,
    channel: &str,
    token: &str,
    about: Option<&str>,
    push: &RawPush,
) -> Answer<PushReply> {
    let unknown = || {
        count("unknown", "unknown_address");
        ApiError::not_found()
    };
    let found = resolve::by_hook_token(&state.db, directory::APP_HOOK, token, channel, request).await?;
    let (ctx, id) = found.ok_or_else(unknown)?;
    let tx = state.db.read(&ctx).await?;
    let app = app_get(&tx, ChannelAppId(id)).await?;
    let secrets = app_secrets(&tx, &state.channels.sealer, app.id).await?;
    drop(tx);
    // The address may be written with any channel of the family, or with the family's own name.
    let plugin = family(&app.family)
        .find(|plugin| plugin.info().slug == channel)
        .or_else(|| family(&app.family).next().filter(|_| app.family == channel));
    let plugin = plugin.filter(|_| app.active).ok_or_else(unknown)?;
    let slug = plugin.info().slug;
    let webhook = plugin.webhook().ok_or_else(unknown)?;
    let credentials = app_credentials(&app, &secrets, about);
    let verified = match open(webhook, slug, push, &credentials, state.clock().now()) {
        Opened::Answered(reply) => return Ok(reply),
        Opened::Verified(verified) => verified,
    };
    let notices = match webhook.decode(&verified) {
        Ok(notices) => notices,
        Err(error) => {
            keep_unreadable(state, &ctx, id, slug, &verified, &error.to_string()).await?;
            return Ok(webhook.acknowledge(&verified));
        }
    };
    for notice in &notices {
        match &notice.kind {
            NoticeKind::AppTicket => take_ticket(state, &ctx, &app, notice).await?,
            NoticeKind::AccountAuthorized | NoticeKind::AccountUpdated | NoticeKind::AccountUnauthorized => {
                take_grant(state, &ctx, &app, notice).await?;
            }
            _ => take_relayed(state, &ctx, &app, slug, about, notice).await?,
        }
    }
    Ok(webhook.acknowledge(&verified))
}

/// A relayed message carries the app's id inside. Senders that put the account's own id there are taken
/// too, when it is the account that the address names: the keys are the app's either way.
fn app_credentials(app: &ChannelApp, secrets: &AppSecrets, about: Option<&str>) -> PushCredentials {
    let mut formats = Vec::new();
    for channel in family(&app.family) {
        for mode in [LinkMode::AuthorisationLink, LinkMode::Purchase] {
            for format in channel.info().formats(mode) {
                if !formats.contains(format) {
                    formats.push(*format);
                }
            }
        }
    }
    let own_keys = family(&app.family).all(|channel| channel.info().app_shape.style.has_push_keys());
    PushCredentials {
        app_ids: std::iter::once(app.app_id.as_str()).chain(about).map(str::to_owned).collect(),
        token: secret(if own_keys { &secrets.push_token } else { &secrets.secret }),
        encoding_aes_key: secret(&secrets.aes_key),
        previous_encoding_aes_key: secrets.previous_aes_key.as_ref().map(secret),
        formats,
        max_age: PushCredentials::DEFAULT_MAX_AGE,
    }
}

enum Opened {
    /// Nothing more to do: the check of the address was answered, or the push refused.
    Answered(PushReply),
    Verified(Verified),
}

fn open(
    webhook: &dyn Webhook,
    channel: &'static str,
    push: &RawPush,
    credentials: &PushCredentials,
    now: Timestamp,
) -> Opened {
    let refused = |refusal: qianpu_sdk::PushRefusal| {
        count(channel, refusal.as_str());
        Opened::Answered(webhook.refuse(refusal))
    };
    if push.method == Method::Get {
        return match webhook.handshake(push, credentials, now) {
            Ok(reply) => {
                count(channel, "address_checked");
                Opened::Answered(reply)
            }
            Err(refusal) => refused(refusal),
        };
    }
    match webhook.verify(push, credentials, now) {
        Ok(verified) => Opened::Verified(verified),
        Err(refusal) => refused(refusal),
    }
}

/// Stores one notice about an account, with the job it leads to.
async fn take(state: &AppState, ctx: &TenantCtx, account: &ChannelAccount, notice: &Notice) -> Answer<()> {
    let mut tx = state.db.begin(ctx).await?;
    let stored = inbox_insert(&mut tx, &message(account.id.0, notice, &notice.hint.to_string())).await?;
    if stored == Stored::Duplicate {
        count_of(account, "duplicate");
        return Ok(());
    }
    account_note_push(&mut tx, account.id).await?;
    match push_route::job_for(account, notice) {
        Routed::Job(job) => {
            job_enqueue(&mut tx, job).await?;
        }
        Routed::Kept => {}
    }
    followers::heard::note(&mut tx, account, notice).await?;
    if let (NoticeKind::ContentPublished, Some(publish_id)) = (&notice.kind, &notice.subject_id) {
        followers::publish::pushed(&mut tx, account.id, publish_id).await?;
    }
    if notice.kind == NoticeKind::MessageSettled {
        followers::notice_send::pushed(&mut tx, account.id, notice).await?;
    }
    tx.commit().await?;
    count_of(account, "stored");
    Ok(())
}

fn count_of(account: &ChannelAccount, outcome: &'static str) {
    if let Some(plugin) = qianpu_host::find(&account.channel) {
        count(plugin.info().slug, outcome);
    }
}

fn message<'a>(owner: uuid::Uuid, notice: &'a Notice, payload: &'a str) -> NewInboxMessage<'a> {
    NewInboxMessage {
        owner,
        dedup_key: &notice.dedup_key,
        kind: notice.kind.as_str(),
        subject: notice.subject_id.as_deref().unwrap_or_default(),
        payload,
    }
}

/// A verify ticket goes straight to the app: it comes every ten minutes and the newest is all that counts.
async fn take_ticket(state: &AppState, ctx: &TenantCtx, app: &ChannelApp, notice: &Notice) -> Answer<()> {
    let Some(ticket) = &notice.secret else { return Ok(()) };
    let ticket = Plain::from(ticket.expose().clone());
    let mut tx = state.db.begin(ctx).await?;
    // A time in the future would shut out every ticket until then.
    let at = notice.occurred_at.min(tx.now());
    app_ticket_save(&mut tx, &state.channels.sealer, app.id, &ticket, at).await?;
    tx.commit().await?;
    count(plugin_slug(app), "ticket");
    Ok(())
}

fn plugin_slug(app: &ChannelApp) -> &'static str {
    qianpu_host::find(&app.channel).map_or("unknown", |plugin| plugin.info().slug)
}

async fn take_grant(state: &AppState, ctx: &TenantCtx, app: &ChannelApp, notice: &Notice) -> Answer<()> {
    let Some(external_id) = notice.account_external_id.as_deref() else { return Ok(()) };
    let mut tx = state.db.begin(ctx).await?;
    if inbox_insert(&mut tx, &message(app.id.0, notice, &notice.hint.to_string())).await? == Stored::Duplicate
    {
        count(plugin_slug(app), "duplicate");
        return Ok(());
    }
    let job = if notice.kind == NoticeKind::AccountUnauthorized {
        NewJob {
            kind: WITHDRAWN_JOB,
            dedup_key: Some(external_id.to_owned()),
            payload: json!({ "channel_app_id": app.id.to_string(), "external_id": external_id }),
            run_at: None,
            priority: 0,
        }
    } else {
        let code = notice.secret.as_ref().map(|code| Plain::from(code.expose().clone()));
        let sealer = &state.channels.sealer;
        let id = authorisation_receive(&mut tx, sealer, app.id, external_id, code.as_ref()).await?;
        NewJob {
            kind: GRANT_JOB,
            dedup_key: Some(id.to_string()),
            payload: json!({ "authorisation_id": id.to_string() }),
            run_at: None,
            priority: 0,
        }
    };
    job_enqueue(&mut tx, job).await?;
    tx.commit().await?;
    count(plugin_slug(app), "stored");
    Ok(())
}

/// A push that the app receives for a merchant's account: it must be linked through this very app, by a
/// merchant of the app's own provider. Others are acknowledged and counted, nothing is stored.
async fn take_relayed(
    state: &AppState,
    ctx: &TenantCtx,
    app: &ChannelApp,
    slug: &'static str,
    about: Option<&str>,
    notice: &Notice,
) -> Answer<()> {
    let Some((merchant, account)) = relayed_account(state, ctx, app, about, notice).await? else {
        count(slug, "unknown_account");
        return Ok(());
    };
    take(state, &merchant, &account, notice).await
}

async fn relayed_account(
    state: &AppState,
    ctx: &TenantCtx,
    app: &ChannelApp,
    about: Option<&str>,
    notice: &Notice,
) -> Answer<Option<(TenantCtx, ChannelAccount)>> {
    if let Some(external_id) = about.or(notice.account_external_id.as_deref()) {
        for channel in family(&app.family) {
            if let Some(found) = account_of(state, ctx, app, channel, external_id).await? {
                return Ok(Some(found));
            }
        }
        return Ok(None);
    }
    // An address without the account's id: the message names its receiver.
    let (Some(user_name), Some(across)) = (notice.account_user_name.as_deref(), ctx.provider_view()) else {
        return Ok(None);
    };
    let tx = state.db.read_provider(&across).await?;
    let Some(account) = account_by_user_name(&tx, app.id, user_name).await? else { return Ok(None) };
    drop(tx);
    let merchant = act_for(state, ctx, account.tenant).await?;
    Ok(Some((merchant, account)))
}

async fn account_of(
    state: &AppState,
    ctx: &TenantCtx,
    app: &ChannelApp,
    channel: &dyn Channel,
    external_id: &str,
) -> Answer<Option<(TenantCtx, ChannelAccount)>> {
    let slug = channel.info().slug;
    let found = resolve::by_external_account(&state.db, slug, external_id, ctx.request_id()).await?;
    let Some((merchant, id)) = found else { return Ok(None) };
    if merchant.provider() != Some(ctx.tenant()) {
        return Ok(None);
    }
    let tx = state.db.read(&merchant).await?;
    let account = account_get(&tx, ChannelAccountId(id)).await?;
    Ok((account.app == Some(app.id)).then_some((merchant, account)))
}

/// A push that is genuine and still cannot be read is kept, sealed, and acknowledged: the platform would
/// only repeat it. Somebody has to look.
async fn keep_unreadable(
    state: &AppState,
    ctx: &TenantCtx,
    owner: uuid::Uuid,
    slug: &'static str,
    verified: &Verified,
    why: &str,
) -> Answer<()> {
    let sealed = state.channels.sealer.seal(ctx, "inbox.unreadable", &verified.plaintext)?;
    let payload = json!({ "sealed": hex::encode(sealed) }).to_string();
    let key = format!("unreadable:{}", hex::encode(Sha256::digest(&verified.plaintext)));
    let mut tx = state.db.begin(ctx).await?;
    let kept = NewInboxMessage { owner, dedup_key: &key, kind: "unreadable", subject: "", payload: &payload };
    inbox_insert(&mut tx, &kept).await?;
    tx.commit().await?;
    count(slug, "unreadable");
    tracing::error!(
        channel = slug,
        reason = why,
        "a genuine push could not be read; it is kept in the inbox"
    );
    Ok(())
}

/// The raw push, as the plugin wants it.
pub fn raw(
    origin: PushOrigin,
    method: Method,
    query: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> RawPush {
    let query = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    RawPush { origin, method, query, headers, body }
}
