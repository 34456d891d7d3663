//! Building signed calls and reading their answers.

use crate::{API, CALLS, errors, sign};
use qianpu_sdk::wire::integer;
use qianpu_sdk::{Answer, Body, ChannelError, Context, Request, Response, Secret};
use serde_json::Value;

/// A signed call.
pub(crate) fn app_call(cx: &Context<'_>, path: &str, params: &Value) -> Result<Request, ChannelError> {
    signed(cx, path, params, None)
}

/// A signed call with a secret, itself text, under a name of its own among the parameters: the exchange of a code, the
/// refresh of a token.
pub(crate) fn secret_call(
    cx: &Context<'_>,
    path: &str,
    (name, secret): (&'static str, &Secret<String>),
    mut params: Value,
) -> Result<Request, ChannelError> {
    params[name] = Value::from(secret.expose().as_str());
    Ok(signed(cx, path, &params, Some(secret))?.redacted(name))
}

fn signed(
    cx: &Context<'_>,
    path: &str,
    params: &Value,
    hidden: Option<&Secret<String>>,
) -> Result<Request, ChannelError> {
    let app = cx.app()?;
    let method = path.trim_start_matches('/').replace('/', ".");
    let param_json = sign::canonical(params);
    let timestamp = cx.now.seconds().to_string();
    let signature = sign::call(&app.app_id, &app.secret, &method, &param_json, hidden, &timestamp)
        .map_err(|failure| ChannelError::unexpected(failure.to_string()))?;
    let mut request = Request::post_json(API, path, &Value::Null)?
        .query("app_key", app.app_id.clone())
        .query("method", method)
        .query("timestamp", timestamp)
        .query("v", "2")
        .query("sign_method", "hmac-sha256")
        .secret_query("sign", signature)
        .bucket(CALLS);
    // What is sent is what was signed, byte for byte.
    request.body =
        Body::Bytes { content_type: "application/json;charset=UTF-8".to_owned(), bytes: param_json.into() };
    // Without it the platform adds error fields of an older generation to its answers.
    request.headers.push(("x-open-no-old-err-code".to_owned(), "1".to_owned()));
    Ok(request)
}

/// A signed call in an account's name.
pub(crate) fn account_call(cx: &Context<'_>, path: &str, params: &Value) -> Result<Request, ChannelError> {
    let token = cx.account_token()?;
    Ok(app_call(cx, path, params)?.secret_query("access_token", token.expose()))
}

/// Reads the one answer of a call: its `data`.
pub(crate) fn read_only(cx: &Context<'_>, answers: &[Answer]) -> Result<Value, ChannelError> {
    read(Answer::only(answers)?, cx)
}

/// Reads an answer: HTTP status, then `code`; gives `data`, which may be absent.
pub(crate) fn read(response: &Response, cx: &Context<'_>) -> Result<Value, ChannelError> {
    let mut body: Value = response.json()?;
    let code = integer(&body["code"]).filter(|_| body.is_object());
    match code {
        Some(errors::DONE) => Ok(body["data"].take()),
        Some(_) => Err(errors::error(&body, cx.now)),
        None => Err(ChannelError::unexpected("the answer has no code")),
    }
}

/// A number of an answer that has to be there.
pub(crate) fn number(value: &Value, field: &str) -> Result<i64, ChannelError> {
    integer(&value[field]).ok_or_else(|| ChannelError::unexpected(format!("the answer has no {field}")))
}

/// An id as the platform takes it: a number where it is one.
pub(crate) fn id_number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

/// The rows of a list; nothing when it is absent.
pub(crate) fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
