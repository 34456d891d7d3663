//! Calls of the platform, and what its error codes mean.

use qianpu_domain::time::Span;
use qianpu_sdk::{
    Answer, ChannelError, Context, ErrorClass, FieldError, RemoteError, Request, wire,
};
use serde_json::Value;

/// The bucket of ordinary calls.
pub const CALLS: &str = "calls";
/// The bucket of token calls.
pub const TOKENS: &str = "tokens";

fn signed(cx: &Context<'_>, request: Request) -> Result<Request, ChannelError> {
    let token = cx.account_token()?;
    Ok(request
        .secret_query("access_token", token.expose())
        .bucket(CALLS)
        .idempotent())
}

/// A GET with the account's token.
pub fn get(cx: &Context<'_>, path: &str) -> Result<Request, ChannelError> {
    signed(cx, Request::get("api", path))
}

/// A POST with the account's token, for calls that only read: they may be repeated.
pub fn post(cx: &Context<'_>, path: &str, body: &Value) -> Result<Request, ChannelError> {
    signed(cx, Request::post_json("api", path, body)?)
}

/// Codes with a meaning; every other is a refusal in the platform's own words.
fn class(code: i64) -> ErrorClass {
    let field = |path: &str| FieldError {
        path: path.to_owned(),
        code: "refused_by_platform".to_owned(),
        message: path.to_owned(),
    };
    match code {
        40001 | 40014 | 42001 => ErrorClass::RetryAfterRefresh,
        -1 => ErrorClass::RetryLater {
            after: Span::seconds(2),
        },
        45011 => ErrorClass::RetryLater {
            after: Span::seconds(60),
        },
        48001 => ErrorClass::Reauthorise,
        40013 => ErrorClass::FixRequest {
            fields: vec![field("app_id")],
        },
        40125 => ErrorClass::FixRequest {
            fields: vec![field("app_secret")],
        },
        47001 => ErrorClass::FixRequest { fields: Vec::new() },
        48004 | 50002 => ErrorClass::Fatal,
        _ => ErrorClass::BusinessRefusal,
    }
}

/// The answer, when the platform says that all is well.
pub fn read(answers: &[Answer]) -> Result<Value, ChannelError> {
    let body: Value = Answer::only(answers)?.json()?;
    if !body.is_object() {
        return Err(ChannelError::unexpected("the answer is not a JSON object"));
    }
    if body["errcode"].is_null() {
        return Ok(body);
    }
    match wire::integer(&body["errcode"]) {
        None => Err(ChannelError::unexpected("errcode is not a number")),
        Some(0) => Ok(body),
        Some(code) => {
            let message = body["errmsg"].as_str().unwrap_or_default().to_owned();
            Err(ChannelError::remote(
                class(code),
                RemoteError {
                    code: code.to_string(),
                    message,
                    rid: None,
                },
            ))
        }
    }
}
