//! Values of the interface to values of the sdk and back. Secrets are handles here, and stay so.

use super::bindings::exports::qianpu::channel::pushes;
use super::bindings::qianpu::channel::types;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk as sdk;

/// What a context borrows from.
pub(super) struct Held {
    now: Timestamp,
    nonce: String,
    app: Option<sdk::AppCredentials>,
    account: Option<sdk::AccountCredentials>,
    settings: serde_json::Value,
    locale: sdk::Locale,
}

fn token(token: types::Token) -> sdk::AccessToken {
    sdk::AccessToken {
        value: sdk::Secret::new(token.value),
        expires_at: Timestamp::from_micros(token.expires_at),
    }
}

impl Held {
    pub(super) fn new(cx: types::Context) -> Self {
        Self {
            now: Timestamp::from_micros(cx.now),
            nonce: cx.nonce,
            app: cx.app.map(|app| sdk::AppCredentials {
                app_id: app.app_id,
                secret: sdk::Secret::new(app.secret),
                ticket: app.ticket.map(sdk::Secret::new),
                access_token: app.access_token.map(token),
            }),
            account: cx.account.map(|account| sdk::AccountCredentials {
                external_id: account.external_id,
                secret: account.secret.map(sdk::Secret::new),
                access_token: account.access_token.map(token),
                refresh_token: account.refresh_token.map(sdk::Secret::new),
            }),
            settings: serde_json::from_str(&cx.settings).unwrap_or_default(),
            locale: match cx.locale {
                types::Locale::Zh => sdk::Locale::Zh,
                types::Locale::En => sdk::Locale::En,
            },
        }
    }
    pub(super) fn context(&self) -> sdk::Context<'_> {
        sdk::Context {
            now: self.now,
            nonce: &self.nonce,
            app: self.app.as_ref(),
            account: self.account.as_ref(),
            settings: &self.settings,
            locale: self.locale,
        }
    }
}

pub(super) fn answer(answer: types::Answer) -> sdk::Answer {
    match answer {
        types::Answer::Response(response) => sdk::Answer::Response(sdk::Response {
            status: response.status,
            headers: response.headers,
            body: response.body,
        }),
        types::Answer::NetworkError(text) => sdk::Answer::NetworkError(text),
        types::Answer::TimedOut => sdk::Answer::TimedOut,
    }
}

pub(super) fn step(step: sdk::Step<String>) -> types::Step {
    match step {
        sdk::Step::Call { requests, parallel, state } => types::Step::Call(types::Call {
            requests: requests.into_iter().map(request).collect(),
            parallel,
            state,
        }),
        sdk::Step::Wait { ms, state } => types::Step::Wait(types::Pause { ms, state }),
        sdk::Step::Done(outcome) => types::Step::Done(outcome),
    }
}

fn request(request: sdk::Request) -> types::Request {
    types::Request {
        method: match request.method {
            sdk::Method::Get => types::Method::Get,
            sdk::Method::Post => types::Method::Post,
            sdk::Method::Put => types::Method::Put,
            sdk::Method::Patch => types::Method::Patch,
            sdk::Method::Delete => types::Method::Delete,
        },
        host: request.host.to_owned(),
        path: request.path,
        query: request.query,
        headers: request.headers,
        body: match request.body {
            sdk::Body::Empty => types::Body::Empty,
            sdk::Body::Bytes { content_type, bytes } => {
                types::Body::Bytes(types::TypedBytes { content_type, bytes })
            }
            sdk::Body::Multipart(parts) => types::Body::Multipart(parts.into_iter().map(part).collect()),
        },
        redact: request.redact,
        bucket: request.bucket.map(str::to_owned),
        idempotent: request.idempotent,
        timeout_ms: request.timeout_ms,
    }
}

fn part(part: sdk::Part) -> types::Part {
    types::Part {
        name: part.name,
        filename: part.filename,
        content_type: part.content_type,
        content: match part.content {
            sdk::PartContent::Bytes(bytes) => types::PartContent::Bytes(bytes),
            sdk::PartContent::Asset(name) => types::PartContent::Asset(name),
        },
    }
}

pub(super) fn failure(error: sdk::ChannelError) -> types::Failure {
    let field = |field: sdk::FieldError| types::FieldError {
        path: field.path,
        code: field.code,
        message: field.message,
    };
    types::Failure {
        class: match error.class {
            sdk::ErrorClass::RetryAfterRefresh => types::Class::RetryAfterRefresh,
            sdk::ErrorClass::RetryLater { after } => types::Class::RetryLater(after.as_micros()),
            sdk::ErrorClass::Quota { until } => types::Class::Quota(until.micros()),
            sdk::ErrorClass::Reauthorise => types::Class::Reauthorise,
            sdk::ErrorClass::FixRequest { fields } => {
                types::Class::FixRequest(fields.into_iter().map(field).collect())
            }
            sdk::ErrorClass::BusinessRefusal => types::Class::BusinessRefusal,
            sdk::ErrorClass::Fatal => types::Class::Fatal,
            sdk::ErrorClass::Unexpected => types::Class::Unexpected,
        },
        remote: error.remote.map(|remote| types::RemoteError {
            code: remote.code,
            message: remote.message,
            rid: remote.rid,
        }),
        detail: error.detail,
    }
}

fn format(format: pushes::Format) -> sdk::PushFormat {
    match format {
        pushes::Format::Json => sdk::PushFormat::Json,
        pushes::Format::Xml => sdk::PushFormat::Xml,
    }
}

fn origin(origin: pushes::Origin) -> sdk::PushOrigin {
    match origin {
        pushes::Origin::App => sdk::PushOrigin::App,
        pushes::Origin::Account => sdk::PushOrigin::Account,
    }
}

pub(super) fn push(push: pushes::Push) -> sdk::RawPush {
    sdk::RawPush {
        origin: origin(push.origin),
        method: match push.method {
            types::Method::Get => sdk::Method::Get,
            types::Method::Post => sdk::Method::Post,
            types::Method::Put => sdk::Method::Put,
            types::Method::Patch => sdk::Method::Patch,
            types::Method::Delete => sdk::Method::Delete,
        },
        query: push.query,
        headers: push.headers,
        body: push.body,
    }
}

pub(super) fn credentials(given: pushes::Credentials) -> sdk::PushCredentials {
    sdk::PushCredentials {
        app_ids: given.app_ids,
        token: sdk::Secret::new(given.token),
        encoding_aes_key: sdk::Secret::new(given.encoding_aes_key),
        previous_encoding_aes_key: given.previous_encoding_aes_key.map(sdk::Secret::new),
        formats: given.formats.into_iter().map(format).collect(),
        max_age: Span::micros(given.max_age),
    }
}

pub(super) fn verified(verified: pushes::Verified) -> sdk::Verified {
    sdk::Verified {
        origin: origin(verified.origin),
        format: format(verified.format),
        plaintext: verified.plaintext,
        app_id: verified.app_id,
        signed_at: Timestamp::from_micros(verified.signed_at),
    }
}

pub(super) fn verified_out(verified: sdk::Verified) -> pushes::Verified {
    pushes::Verified {
        origin: match verified.origin {
            sdk::PushOrigin::App => pushes::Origin::App,
            sdk::PushOrigin::Account => pushes::Origin::Account,
        },
        format: match verified.format {
            sdk::PushFormat::Json => pushes::Format::Json,
            sdk::PushFormat::Xml => pushes::Format::Xml,
        },
        plaintext: verified.plaintext,
        app_id: verified.app_id,
        signed_at: verified.signed_at.micros(),
    }
}

pub(super) fn refusal(refusal: sdk::PushRefusal) -> pushes::Refusal {
    match refusal {
        sdk::PushRefusal::BadSignature => pushes::Refusal::BadSignature,
        sdk::PushRefusal::Stale => pushes::Refusal::Stale,
        sdk::PushRefusal::Malformed => pushes::Refusal::Malformed,
        sdk::PushRefusal::Undecryptable => pushes::Refusal::Undecryptable,
        sdk::PushRefusal::WrongApp => pushes::Refusal::WrongApp,
        sdk::PushRefusal::WrongFormat => pushes::Refusal::WrongFormat,
    }
}

pub(super) fn refusal_in(refusal: pushes::Refusal) -> sdk::PushRefusal {
    match refusal {
        pushes::Refusal::BadSignature => sdk::PushRefusal::BadSignature,
        pushes::Refusal::Stale => sdk::PushRefusal::Stale,
        pushes::Refusal::Malformed => sdk::PushRefusal::Malformed,
        pushes::Refusal::Undecryptable => sdk::PushRefusal::Undecryptable,
        pushes::Refusal::WrongApp => sdk::PushRefusal::WrongApp,
        pushes::Refusal::WrongFormat => sdk::PushRefusal::WrongFormat,
    }
}

pub(super) fn reply(reply: sdk::PushReply) -> pushes::Reply {
    pushes::Reply { status: reply.status, content_type: reply.content_type.to_owned(), body: reply.body }
}

pub(super) fn no_webhook() -> pushes::Reply {
    pushes::Reply { status: 404, content_type: "text/plain; charset=utf-8".to_owned(), body: Vec::new() }
}

pub(super) fn notice(notice: sdk::Notice) -> Result<pushes::Notice, sdk::ChannelError> {
    let text = serde_json::to_string(&notice)
        .map_err(|error| sdk::ChannelError::unexpected(format!("the notice cannot be written: {error}")))?;
    Ok(pushes::Notice { notice: text, secret: notice.secret.map(sdk::Secret::into_inner) })
}
