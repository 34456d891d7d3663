//! Operations about templates and notices.

use super::{has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use crate::templates::{TemplateKind, TemplateNotice};
use serde::Deserialize;

#[derive(Deserialize)]
struct Kind {
    kind: TemplateKind,
}
#[derive(Deserialize)]
struct Send {
    to: String,
    notice: TemplateNotice,
}

pub(super) fn knows(operation: &str) -> bool {
    operation.starts_with("template.")
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let templates = has(channel.templates(), operation)?;
    match operation {
        op::TEMPLATE_LIST => written(templates.list(cx, input::<Kind>(text)?.kind)),
        op::TEMPLATE_SEND => {
            let Send { to, notice } = input(text)?;
            written(templates.send(cx, &to, &notice))
        }
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
    let templates = has(channel.templates(), operation)?;
    match operation {
        op::TEMPLATE_LIST => written(templates.resume_list(cx, state, answers)),
        op::TEMPLATE_SEND => written(templates.resume_send(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
