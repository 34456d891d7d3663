//! Reading answers of the assistant's interfaces.

use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{Answer, ChannelError, Context, ErrorClass};
use qianpu_wechat_wire::call::read;
use serde_json::Value;

/// "The interface is not permitted": here a switch of the assistant, one for each group of interfaces.
const NOT_PERMITTED: &str = "48001";
/// Further answers to a question about attributes that nobody may ask.
const NO_ATTRIBUTES: &[&str] = &["1", "100000"];

/// Reads an answer that has to say `errcode` 0.
///
/// 48001 is no lost authorisation: the account stays linked while one switch is off, and its owner is told which.
pub(crate) fn done(cx: &Context<'_>, answer: &Answer) -> Result<Value, ChannelError> {
    let body = read(Answer::only(std::slice::from_ref(answer))?, cx.now).map_err(|mut error| {
        if let Some(remote) = error.remote.as_mut().filter(|remote| remote.code == NOT_PERMITTED) {
            remote.message =
                format!("{}；请在视频号助手「开放能力 - 开放场景」打开对应接口的开关", remote.message);
            error.class = ErrorClass::BusinessRefusal;
        }
        error
    })?;
    if integer(&body["errcode"]) == Some(0) {
        Ok(body)
    } else {
        Err(ChannelError::unexpected("the answer has no errcode"))
    }
}

/// The one answer of a call.
pub(crate) fn only(cx: &Context<'_>, answers: &[Answer]) -> Result<Value, ChannelError> {
    match answers {
        [answer] => done(cx, answer),
        _ => Err(ChannelError::unexpected("one answer was expected")),
    }
}

/// Whether the failure only says that this group of interfaces is switched off.
pub(crate) fn switched_off(error: &ChannelError) -> bool {
    let code = error.remote.as_ref().map(|remote| remote.code.as_str());
    code.is_some_and(|code| code == NOT_PERMITTED || NO_ATTRIBUTES.contains(&code))
}

/// The rows of a list; the documents write some lists as one object.
pub(crate) fn rows(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(rows) => rows.iter().collect(),
        Value::Object(_) => vec![value],
        _ => Vec::new(),
    }
}

/// An object, or the first one of a list.
pub(crate) fn object(value: &Value) -> Value {
    rows(value).first().map_or(Value::Null, |first| (*first).clone())
}

/// A block that is JSON, or text of JSON; null where there is none.
pub(crate) fn block(body: &Value, name: &str) -> Result<Value, ChannelError> {
    match &body[name] {
        Value::String(inner) if inner.trim().is_empty() => Ok(Value::Null),
        Value::String(inner) => serde_json::from_str(inner)
            .map_err(|error| ChannelError::unexpected(format!("{name} is not JSON: {error}"))),
        other => Ok(other.clone()),
    }
}

/// Seconds, as a number or text; 0 is no moment.
pub(crate) fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| (1..=253_402_300_799).contains(seconds)).map(Timestamp::from_seconds)
}

/// A count; negative ones are none.
pub(crate) fn count(value: &Value) -> Option<i64> {
    integer(value).filter(|count| *count >= 0)
}

/// Where the next page begins, of lists that say whether there is one.
pub(crate) fn next(body: &Value) -> Option<String> {
    (body["continue_flag"] == true).then(|| text(&body["last_buffer"])).flatten()
}
