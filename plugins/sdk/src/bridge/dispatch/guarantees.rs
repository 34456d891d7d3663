//! Operations about claims under a platform's guarantee.

use super::{has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct ClaimId {
    claim_id: String,
}

pub(super) fn knows(operation: &str) -> bool {
    operation.starts_with("guarantee.")
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let guarantees = has(channel.guarantees(), operation)?;
    match operation {
        op::GUARANTEE_LIST => written(guarantees.list(cx, &input(text)?)),
        op::GUARANTEE_FETCH => written(guarantees.fetch(cx, &input::<ClaimId>(text)?.claim_id)),
        op::GUARANTEE_ANSWER => written(guarantees.answer(cx, &input(text)?)),
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
    let guarantees = has(channel.guarantees(), operation)?;
    match operation {
        op::GUARANTEE_LIST => written(guarantees.resume_list(cx, state, answers)),
        op::GUARANTEE_FETCH => written(guarantees.resume_fetch(cx, state, answers)),
        op::GUARANTEE_ANSWER => written(guarantees.resume_answer(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
