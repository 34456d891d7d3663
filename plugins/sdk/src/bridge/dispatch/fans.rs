//! Operations about followers and tags.

use super::{has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}
#[derive(Deserialize)]
struct OpenIds {
    open_ids: Vec<String>,
}
#[derive(Deserialize)]
struct Name {
    name: String,
}
#[derive(Deserialize)]
struct TagId {
    tag_id: String,
}

pub(super) fn knows(operation: &str) -> bool {
    operation.starts_with("fan.")
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let fans = has(channel.fans(), operation)?;
    match operation {
        op::FAN_LIST => written(fans.list(cx, input::<After>(text)?.after.as_deref())),
        op::FAN_DETAILS => written(fans.details(cx, &input::<OpenIds>(text)?.open_ids)),
        op::FAN_TAGS => written(fans.tags(cx)),
        op::FAN_CREATE_TAG => written(fans.create_tag(cx, &input::<Name>(text)?.name)),
        op::FAN_RENAME_TAG => written(fans.rename_tag(cx, &input(text)?)),
        op::FAN_DELETE_TAG => written(fans.delete_tag(cx, &input::<TagId>(text)?.tag_id)),
        op::FAN_MARK => written(fans.mark(cx, &input(text)?)),
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
    let fans = has(channel.fans(), operation)?;
    match operation {
        op::FAN_LIST => written(fans.resume_list(cx, state, answers)),
        op::FAN_DETAILS => written(fans.resume_details(cx, state, answers)),
        op::FAN_TAGS => written(fans.resume_tags(cx, state, answers)),
        op::FAN_CREATE_TAG => written(fans.resume_create_tag(cx, state, answers)),
        op::FAN_RENAME_TAG => written(fans.resume_rename_tag(cx, state, answers)),
        op::FAN_DELETE_TAG => written(fans.resume_delete_tag(cx, state, answers)),
        op::FAN_MARK => written(fans.resume_mark(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
