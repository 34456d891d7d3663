//! Building calls to `api.weixin.qq.com` and reading their answers.

use crate::errors;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::integer;
use qianpu_sdk::{Answer, Bucket, ChannelError, Context, HostName, Request, Response};
use serde::Serialize;
use serde_json::Value;

/// The name of the API host in requests.
pub const API: &str = "api";
/// The name of the host of the authorisation pages a person opens; no request goes there.
pub const LOGIN: &str = "login";
/// The name of the host of the authorisation pages for phones; no request goes there.
pub const OPEN: &str = "open";

/// The hosts of every WeChat channel.
pub const HOSTS: &[HostName] = &[
    HostName { name: API, base_url: "https://api.weixin.qq.com" },
    HostName { name: LOGIN, base_url: "https://mp.weixin.qq.com" },
    HostName { name: OPEN, base_url: "https://open.weixin.qq.com" },
];

/// The bucket of ordinary calls.
pub const CALLS: &str = "calls";
/// The bucket of token calls.
pub const TOKENS: &str = "tokens";
/// The bucket of setting menus.
pub const MENUS: &str = "menus";

/// Limits that are ours: the platform documents none per interface for shops, and 2000 tokens a day.
pub const BUCKETS: &[Bucket] = &[
    Bucket { name: CALLS, per_minute: 1_200, burst: 60 },
    Bucket { name: TOKENS, per_minute: 60, burst: 20 },
    // The platform lets a menu be set 1000 times a day.
    Bucket { name: MENUS, per_minute: 5, burst: 20 },
];

/// A POST with the account's token.
pub fn account_post(cx: &Context<'_>, path: &str, body: &impl Serialize) -> Result<Request, ChannelError> {
    let token = cx.account_token()?;
    Ok(Request::post_json(API, path, body)?.secret_query("access_token", token.expose()).bucket(CALLS))
}

/// A GET with the account's token.
pub fn account_get(cx: &Context<'_>, path: &str) -> Result<Request, ChannelError> {
    let token = cx.account_token()?;
    Ok(Request::get(API, path).secret_query("access_token", token.expose()).bucket(CALLS))
}

/// Reads the one answer of a call: HTTP status, then `errcode`.
pub fn read_only(cx: &Context<'_>, answers: &[Answer]) -> Result<Value, ChannelError> {
    read(Answer::only(answers)?, cx.now)
}

/// Reads an answer: HTTP status, then `errcode`.
pub fn read(response: &Response, now: Timestamp) -> Result<Value, ChannelError> {
    let body: Value = response.json()?;
    if !body.is_object() {
        return Err(ChannelError::unexpected("the answer is not a JSON object"));
    }
    match body.get("errcode") {
        None | Some(Value::Null) => Ok(body),
        Some(code) => match integer(code) {
            Some(0) => Ok(body),
            Some(code) => {
                let message = body.get("errmsg").and_then(Value::as_str).unwrap_or_default();
                Err(errors::error(code, message, now))
            }
            None => Err(ChannelError::unexpected("errcode is not a number")),
        },
    }
}

/// A field that has to be there, as text.
pub fn required_text(body: &Value, field: &str) -> Result<String, ChannelError> {
    qianpu_sdk::wire::text(&body[field])
        .ok_or_else(|| ChannelError::unexpected(format!("the answer has no {field}")))
}

/// An id that has to be there: text or a whole number.
pub fn required_id(body: &Value, field: &str) -> Result<String, ChannelError> {
    qianpu_sdk::wire::id(&body[field])
        .ok_or_else(|| ChannelError::unexpected(format!("the answer has no {field}")))
}
