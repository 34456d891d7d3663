//! Operations about what is left of an account's calls.

use super::{has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct Interfaces {
    interfaces: Vec<String>,
}

pub(super) fn knows(operation: &str) -> bool {
    operation.starts_with("quota.")
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let quotas = has(channel.call_quotas(), operation)?;
    match operation {
        op::QUOTA_ASK => written(quotas.ask(cx, &input::<Interfaces>(text)?.interfaces)),
        op::QUOTA_CLEAR => written(quotas.clear(cx)),
        other => Err(unknown(other)),
    }
}

pub(super) fn resume(
    channel: &dyn Channel,
    cx: &Context<'_>,
    operation: &str,
    state: &[u8],
    answers: &[Answer],
) -> Turn<String> {
    let quotas = has(channel.call_quotas(), operation)?;
    match operation {
        op::QUOTA_ASK => written(quotas.resume_ask(cx, state, answers)),
        op::QUOTA_CLEAR => written(quotas.resume_clear(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
