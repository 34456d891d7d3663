//! Values of the sdk to values of the interface and back. Secrets become handles on the way in, and values again on the
//! way out, in requests.

use crate::bindings::qianpu::channel::types;
use crate::engine::Limits;
use crate::fault::Fault;
use crate::secrets::{Secrets, Writing};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{
    AccessToken, Answer, Body, ChannelError, ChannelInfo, Context, ErrorClass, FieldError, Locale, Method,
    Part, PartContent, RemoteError, Request, Secret,
};

fn token(secrets: &mut Secrets, name: &str, token: &AccessToken) -> types::Token {
    types::Token { value: secrets.handle(name, token.value.expose()), expires_at: token.expires_at.micros() }
}

fn optional(secrets: &mut Secrets, name: &str, value: Option<&Secret<String>>) -> Option<String> {
    value.map(|value| secrets.handle(name, value.expose()))
}

pub(crate) fn context(cx: &Context<'_>, secrets: &mut Secrets) -> types::Context {
    let app = cx.app.map(|app| types::App {
        app_id: app.app_id.clone(),
        secret: secrets.handle("app.secret", app.secret.expose()),
        ticket: optional(secrets, "app.ticket", app.ticket.as_ref()),
        access_token: app.access_token.as_ref().map(|it| token(secrets, "app.token", it)),
    });
    let account = cx.account.map(|account| types::Account {
        external_id: account.external_id.clone(),
        secret: optional(secrets, "account.secret", account.secret.as_ref()),
        access_token: account.access_token.as_ref().map(|it| token(secrets, "account.token", it)),
        refresh_token: optional(secrets, "account.refresh_token", account.refresh_token.as_ref()),
    });
    types::Context {
        now: cx.now.micros(),
        nonce: cx.nonce.to_owned(),
        app,
        account,
        settings: cx.settings.to_string(),
        locale: match cx.locale {
            Locale::Zh => types::Locale::Zh,
            Locale::En => types::Locale::En,
        },
        more: "{}".to_owned(),
    }
}

pub(crate) fn answer(answer: &Answer, secrets: &mut Secrets, fields: &[String]) -> types::Answer {
    match answer {
        Answer::Response(response) => types::Answer::Response(types::Response {
            status: response.status,
            headers: response.headers.clone(),
            body: secrets.veil(&response.body, fields),
        }),
        Answer::NetworkError(text) => types::Answer::NetworkError(text.clone()),
        Answer::TimedOut => types::Answer::TimedOut,
    }
}

pub(crate) const fn method(method: Method) -> types::Method {
    match method {
        Method::Get => types::Method::Get,
        Method::Post => types::Method::Post,
        Method::Put => types::Method::Put,
        Method::Patch => types::Method::Patch,
        Method::Delete => types::Method::Delete,
    }
}

/// The requests of a step; secrets are put in, hosts and buckets have to be those of the manifest.
pub(crate) fn requests(
    asked: Vec<types::Request>,
    info: &'static ChannelInfo,
    secrets: &Secrets,
    limits: &Limits,
) -> Result<Vec<Request>, Fault> {
    if asked.len() > limits.requests {
        return Err(Fault::TooLarge("requests"));
    }
    asked.into_iter().map(|one| request(one, info, secrets)).collect()
}

fn request(asked: types::Request, info: &'static ChannelInfo, secrets: &Secrets) -> Result<Request, Fault> {
    let host = info.hosts.iter().find(|host| host.name == asked.host).ok_or_else(|| {
        let name: String = asked.host.chars().take(80).collect();
        Fault::Refused(format!("it asked for the host {name:?}, which is not in its manifest"))
    })?;
    let bucket = match &asked.bucket {
        None => None,
        Some(name) => Some(info.buckets.iter().find(|bucket| bucket.name == name).ok_or_else(|| {
            Fault::Refused("it named a rate-limit bucket that is not in its manifest".to_owned())
        })?),
    };
    let mut redact = asked.redact;
    if secrets.within(&asked.path) || redact.iter().any(|name| secrets.within(name)) {
        return Err(Fault::Refused("it put a secret into the path of a request".to_owned()));
    }
    Ok(Request {
        method: match asked.method {
            types::Method::Get => Method::Get,
            types::Method::Post => Method::Post,
            types::Method::Put => Method::Put,
            types::Method::Patch => Method::Patch,
            types::Method::Delete => Method::Delete,
        },
        host: host.name,
        path: asked.path,
        query: pairs(asked.query, secrets, &mut redact)?,
        headers: pairs(asked.headers, secrets, &mut redact)?,
        body: match asked.body {
            types::Body::Empty => Body::Empty,
            types::Body::Bytes(types::TypedBytes { content_type, bytes }) => {
                let writing = writing(&content_type);
                Body::Bytes { content_type, bytes: filled(bytes, writing, secrets)? }
            }
            types::Body::Multipart(parts) => {
                Body::Multipart(parts.into_iter().map(|it| part(it, secrets)).collect::<Result<_, _>>()?)
            }
        },
        redact,
        bucket: bucket.map(|bucket| bucket.name),
        idempotent: asked.idempotent,
        timeout_ms: asked.timeout_ms,
    })
}

/// Whatever holds a secret is masked in logs, whether the plugin thought of it or not.
fn pairs(
    pairs: Vec<(String, String)>,
    secrets: &Secrets,
    redact: &mut Vec<String>,
) -> Result<Vec<(String, String)>, Fault> {
    let mut result = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        if secrets.within(&name) {
            return Err(Fault::Refused("it put a secret into the name of a parameter".to_owned()));
        }
        match secrets.put_in(value.as_bytes(), Writing::Plain)? {
            None => result.push((name, value)),
            Some(bytes) => {
                if !redact.iter().any(|redacted| redacted.eq_ignore_ascii_case(&name)) {
                    redact.push(name.clone());
                }
                result.push((name, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    Ok(result)
}

fn writing(content_type: &str) -> Writing {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/x-www-form-urlencoded" {
        Writing::Form
    } else if kind.ends_with("json") {
        Writing::Json
    } else {
        Writing::Plain
    }
}

fn filled(bytes: Vec<u8>, writing: Writing, secrets: &Secrets) -> Result<Vec<u8>, Fault> {
    Ok(secrets.put_in(&bytes, writing)?.unwrap_or(bytes))
}

fn part(part: types::Part, secrets: &Secrets) -> Result<Part, Fault> {
    Ok(Part {
        name: part.name,
        filename: part.filename,
        content_type: part.content_type,
        content: match part.content {
            types::PartContent::Bytes(bytes) => PartContent::Bytes(filled(bytes, Writing::Plain, secrets)?),
            types::PartContent::Asset(name) => PartContent::Asset(name),
        },
    })
}

pub(crate) fn failure(failure: types::Failure) -> ChannelError {
    let field = |field: types::FieldError| FieldError {
        path: short(field.path),
        code: short(field.code),
        message: short(field.message),
    };
    ChannelError {
        class: match failure.class {
            types::Class::RetryAfterRefresh => ErrorClass::RetryAfterRefresh,
            types::Class::RetryLater(after) => ErrorClass::RetryLater { after: Span::micros(after.max(0)) },
            types::Class::Quota(until) => ErrorClass::Quota { until: Timestamp::from_micros(until) },
            types::Class::Reauthorise => ErrorClass::Reauthorise,
            types::Class::FixRequest(fields) => {
                ErrorClass::FixRequest { fields: fields.into_iter().take(100).map(field).collect() }
            }
            types::Class::BusinessRefusal => ErrorClass::BusinessRefusal,
            types::Class::Fatal => ErrorClass::Fatal,
            types::Class::Unexpected => ErrorClass::Unexpected,
        },
        remote: failure.remote.map(|remote| RemoteError {
            code: short(remote.code),
            message: short(remote.message),
            rid: remote.rid.map(short),
        }),
        detail: short(failure.detail),
    }
}

/// Sentences of a plugin end up in logs and on pages.
fn short(text: String) -> String {
    if text.chars().count() > 1_000 { text.chars().take(1_000).collect() } else { text }
}
