//! Taking a push in: find whose it is, let the plugin prove it, store what it says once, acknowledge.
//!
//! Nothing of a refused push is stored but a count. What is genuine leads to an inbox row and a job in one
//! transaction, and only then to the acknowledgement, so a crash makes the platform push again. The push
//! itself is not believed further than "go and fetch".

use super::accounts::own_app_id;
use super::push_known::{self, Known};
use super::push_open::{Opened, Receiver};
use super::push_store::{self, Fate};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::RequestId;
use qianpu_sdk::{
    Method, Notice, PushCredentials, PushOrigin, PushRefusal, PushReply, RawPush, Received, Secret, Verified,
};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::inbox::{NewInboxMessage, inbox_insert};
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::channel_account::{AccountSecrets, ChannelAccount, PushProof, push_accounts_now};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The largest push body. The platforms' own are a few kilobytes.
pub const PUSH_LIMIT: usize = 64 * 1024;

pub(super) fn count(channel: &str, outcome: &'static str) {
    let labels = [("channel", channel.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("qianpu_pushes_total", &labels).increment(1);
}

pub(super) fn secret(plain: &Plain) -> Secret<String> {
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
    let plugin = Receiver::of(plugin).ok_or_else(unknown)?;
    if let Some(known) = state.channels.known.find(token, state.clock().now()) {
        if let Some(reply) = receive(state, request, plugin, &known, push).await?.genuine() {
            return Ok(reply);
        }
        state.channels.known.forget(token);
    }
    let known = push_known::read(state, request, plugin.slug, token).await?.ok_or_else(unknown)?;
    match receive(state, request, plugin, &known, push).await? {
        Outcome::Reply(reply) => Ok(reply),
        Outcome::Refused(refusal) => plugin.refuse(refusal).await,
        // It changed while the push was on its way in; the platform pushes again.
        Outcome::Changed => Err(unknown()),
    }
}

/// What became of a push to an account.
enum Outcome {
    Reply(PushReply),
    Refused(PushRefusal),
    /// The account is no longer what the push was checked with.
    Changed,
}

impl Outcome {
    fn genuine(self) -> Option<PushReply> {
        match self {
            Self::Reply(reply) => Some(reply),
            Self::Refused(_) | Self::Changed => None,
        }
    }
}

async fn receive(
    state: &AppState,
    request: RequestId,
    plugin: Receiver,
    known: &Known,
    push: &RawPush,
) -> Answer<Outcome> {
    let (account, slug) = (&known.found.account, plugin.slug);
    if account.channel != slug {
        return Ok(Outcome::Changed);
    }
    let ctx = known.ctx.of_request(request);
    let received = match plugin.open(push, &known.credentials, state.clock().now()).await? {
        Opened::Answered(reply) => return Ok(Outcome::Reply(reply)),
        Opened::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
        Opened::Received(received) => received,
    };
    let Received { verified, notices, reply } = received;
    let proof = PushProof::Own(known.found.clone());
    let notices = match notices {
        Ok(notices) => notices,
        Err(error) => {
            let tx = state.db.begin(&ctx).await?;
            let Some(Some(account)) = push_accounts_now(&tx, &[&proof]).await?.pop() else {
                return Ok(Outcome::Changed);
            };
            keep_unreadable(state, tx, account.id.0, slug, &verified, &error.to_string()).await?;
            return Ok(Outcome::Reply(reply));
        }
    };
    // A direct link receives for itself only.
    let named_other = |notice: &Notice| {
        notice.account_external_id.as_ref().is_some_and(|named| *named != account.external_id)
    };
    let (others, own): (Vec<_>, Vec<_>) = notices.into_iter().partition(named_other);
    for _ in others {
        count(slug, "other_account");
    }
    if own.is_empty() {
        return Ok(Outcome::Reply(reply));
    }
    match push_store::store(state, &ctx, proof, own).await? {
        Fate::Taken => Ok(Outcome::Reply(reply)),
        Fate::Changed => Ok(Outcome::Changed),
    }
}

pub(super) fn direct_credentials(
    account: &ChannelAccount,
    secrets: &AccountSecrets,
) -> Option<PushCredentials> {
    if !account.state.counts() {
        return None;
    }
    let formats = vec![super::format(&account.push_format)?];
    let max_age = PushCredentials::DEFAULT_MAX_AGE;
    // Where the account has an app of its own, that app's id and secret sign its pushes.
    if let Some(app_id) = own_app_id(account) {
        return Some(PushCredentials {
            app_ids: vec![app_id.to_owned()],
            token: secret(secrets.secret.as_ref()?),
            encoding_aes_key: Secret::new(String::new()),
            previous_encoding_aes_key: None,
            formats,
            max_age,
        });
    }
    Some(PushCredentials {
        app_ids: vec![account.external_id.clone()],
        token: secret(secrets.push_token.as_ref()?),
        encoding_aes_key: secret(secrets.aes_key.as_ref()?),
        previous_encoding_aes_key: secrets.previous_aes_key.as_ref().map(secret),
        formats,
        max_age,
    })
}

pub(super) fn count_of(account: &ChannelAccount, outcome: &'static str) {
    if let Some(plugin) = qianpu_host::find(&account.channel) {
        count(plugin.info().slug, outcome);
    }
}

pub(super) fn message<'a>(owner: uuid::Uuid, notice: &'a Notice, payload: &'a str) -> NewInboxMessage<'a> {
    NewInboxMessage {
        owner,
        dedup_key: &notice.dedup_key,
        kind: notice.kind.as_str(),
        native_type: &notice.native_type,
        subject: notice.subject_id.as_deref().unwrap_or_default(),
        payload,
    }
}

/// A push that is genuine and still cannot be read is kept, sealed, and acknowledged: the platform would
/// only repeat it. Somebody has to look.
pub(super) async fn keep_unreadable(
    state: &AppState,
    mut tx: TenantTx,
    owner: uuid::Uuid,
    slug: &'static str,
    verified: &Verified,
    why: &str,
) -> Answer<()> {
    let sealed = state.channels.sealer.seal(tx.ctx(), "inbox.unreadable", &verified.plaintext)?;
    let payload = json!({ "sealed": hex::encode(sealed) }).to_string();
    let key = format!("unreadable:{}", hex::encode(Sha256::digest(&verified.plaintext)));
    let kept = NewInboxMessage {
        owner,
        dedup_key: &key,
        kind: "unreadable",
        native_type: "",
        subject: "",
        payload: &payload,
    };
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
