//! Pushes to a provider's app: about the app itself, or relayed for an account that is linked through it.

use super::grants::GRANT_JOB;
use super::push::{count, keep_unreadable, message, secret};
use super::push_open::{Opened, Receiver};
use super::push_store::{self, Fate};
use super::{act_for, family};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, RequestId};
use qianpu_sdk::{Channel, LinkMode, Notice, NoticeKind, PushCredentials, PushReply, RawPush, Received};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::inbox::{Stored, inbox_insert};
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::resolve;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::app_authorisation::authorisation_receive;
use qianpu_tenants::store::channel_account::{ChannelAccount, PushProof, account_by_user_name, account_get};
use qianpu_tenants::store::channel_app::{AppSecrets, ChannelApp, app_get, app_secrets, app_ticket_save};
use qianpu_tenants::store::directory;
use serde_json::json;

/// The job after the platform says that an account took its grant back; it runs in the provider's tenant.
pub const WITHDRAWN_JOB: &str = "channel.withdrawn";

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
    let plugin = Receiver::of(plugin).ok_or_else(unknown)?;
    let slug = plugin.slug;
    let credentials = app_credentials(&app, &secrets, about);
    let received = match plugin.open(push, &credentials, state.clock().now()).await? {
        Opened::Answered(reply) => return Ok(reply),
        Opened::Refused(refusal) => return plugin.refuse(refusal).await,
        Opened::Received(received) => received,
    };
    let Received { verified, notices, reply } = received;
    let notices = match notices {
        Ok(notices) => notices,
        Err(error) => {
            let tx = state.db.begin(&ctx).await?;
            keep_unreadable(state, tx, id, slug, &verified, &error.to_string()).await?;
            return Ok(reply);
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
    Ok(reply)
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
    let named = about.or(notice.account_external_id.as_deref());
    let known = &state.channels.known;
    if let Some((merchant, account)) = named.and_then(|named| known.relayed(app.id, named)) {
        let merchant = merchant.of_request(ctx.request_id());
        let proof = PushProof::Relayed { app: app.id, account, looked_up: false };
        if push_store::store(state, &merchant, proof, vec![notice.clone()]).await? == Fate::Taken {
            return Ok(());
        }
    }
    if let Some((merchant, account)) = relayed_account(state, ctx, app, about, notice).await? {
        if let Some(named) = named {
            known.keep_relayed(app.id, named, &merchant, account.id);
        }
        let proof = PushProof::Relayed { app: app.id, account: account.id, looked_up: true };
        if push_store::store(state, &merchant, proof, vec![notice.clone()]).await? == Fate::Taken {
            return Ok(());
        }
    }
    count(slug, "unknown_account");
    Ok(())
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
