//! Operations of a shop's desk.

use super::{has, input, op, promotions, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::order_desk::NewAddress;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct Note {
    order_id: String,
    words: String,
}
#[derive(Deserialize)]
struct AnswerAddress {
    order_id: String,
    agreed: bool,
}
#[derive(Deserialize)]
struct ChangeAddress {
    order_id: String,
    address: NewAddress,
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let desk = || has(channel.order_desk(), operation);
    match operation {
        op::ORDER_NOTE => {
            let Note { order_id, words } = input(text)?;
            written(desk()?.note(cx, &order_id, &words))
        }
        op::ORDER_REPRICE => written(desk()?.reprice(cx, &input(text)?)),
        op::ORDER_ANSWER_ADDRESS => {
            let AnswerAddress { order_id, agreed } = input(text)?;
            written(desk()?.answer_address(cx, &order_id, agreed))
        }
        op::ORDER_CHANGE_ADDRESS => {
            let ChangeAddress { order_id, address } = input(text)?;
            written(desk()?.change_address(cx, &order_id, &address))
        }
        other => promotions::start(channel, cx, other, text),
    }
}

pub(super) fn resume(
    channel: &dyn Channel,
    cx: &Context<'_>,
    operation: &str,
    state: &[u8],
    answers: &[Answer],
) -> Turn<String> {
    let desk = || has(channel.order_desk(), operation);
    match operation {
        op::ORDER_NOTE => written(desk()?.resume_note(cx, state, answers)),
        op::ORDER_REPRICE => written(desk()?.resume_reprice(cx, state, answers)),
        op::ORDER_ANSWER_ADDRESS => written(desk()?.resume_answer_address(cx, state, answers)),
        op::ORDER_CHANGE_ADDRESS => written(desk()?.resume_change_address(cx, state, answers)),
        other => promotions::resume(channel, cx, other, state, answers),
    }
}
