//! Operations of a shop's furniture and money.

use super::{Changed, has, input, op, qualifications, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct AddressId {
    address_id: String,
}
#[derive(Deserialize)]
struct WithdrawalId {
    withdrawal_id: String,
}
#[derive(Deserialize)]
struct Ticket {
    ticket: String,
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let desk = || has(channel.shop_desk(), operation);
    let funds = || has(channel.funds(), operation);
    match operation {
        op::FREIGHT_LIST => written(desk()?.freight_templates(cx)),
        op::FREIGHT_SAVE => written(desk()?.save_freight_template(cx, &input(text)?)),
        op::SHOP_ADDRESS_LIST => written(desk()?.addresses(cx)),
        op::SHOP_ADDRESS_SAVE => written(desk()?.save_address(cx, &input(text)?)),
        op::SHOP_ADDRESS_REMOVE => written(desk()?.remove_address(cx, &input::<AddressId>(text)?.address_id)),
        op::FUNDS_BALANCE => written(funds()?.balance(cx)),
        op::FUNDS_FLOWS => written(funds()?.flows(cx, &input(text)?)),
        op::WITHDRAWAL_LIST => {
            let Changed { window, cursor } = input(text)?;
            written(funds()?.withdrawals(cx, window, cursor.as_deref()))
        }
        op::WITHDRAWAL_FETCH => written(funds()?.withdrawal(cx, &input::<WithdrawalId>(text)?.withdrawal_id)),
        op::WITHDRAWAL_ASK => written(funds()?.withdraw(cx, &input(text)?)),
        op::WITHDRAWAL_CODE => written(funds()?.code(cx, &input::<Ticket>(text)?.ticket)),
        op::WITHDRAWAL_CODE_STANDING => written(funds()?.code_standing(cx, &input::<Ticket>(text)?.ticket)),
        other => qualifications::start(channel, cx, other, text),
    }
}

pub(super) fn resume(
    channel: &dyn Channel,
    cx: &Context<'_>,
    operation: &str,
    state: &[u8],
    answers: &[Answer],
) -> Turn<String> {
    let desk = || has(channel.shop_desk(), operation);
    let funds = || has(channel.funds(), operation);
    match operation {
        op::FREIGHT_LIST => written(desk()?.resume_freight_templates(cx, state, answers)),
        op::FREIGHT_SAVE => written(desk()?.resume_save_freight_template(cx, state, answers)),
        op::SHOP_ADDRESS_LIST => written(desk()?.resume_addresses(cx, state, answers)),
        op::SHOP_ADDRESS_SAVE => written(desk()?.resume_save_address(cx, state, answers)),
        op::SHOP_ADDRESS_REMOVE => written(desk()?.resume_remove_address(cx, state, answers)),
        op::FUNDS_BALANCE => written(funds()?.resume_balance(cx, state, answers)),
        op::FUNDS_FLOWS => written(funds()?.resume_flows(cx, state, answers)),
        op::WITHDRAWAL_LIST => written(funds()?.resume_withdrawals(cx, state, answers)),
        op::WITHDRAWAL_FETCH => written(funds()?.resume_withdrawal(cx, state, answers)),
        op::WITHDRAWAL_ASK => written(funds()?.resume_withdraw(cx, state, answers)),
        op::WITHDRAWAL_CODE => written(funds()?.resume_code(cx, state, answers)),
        op::WITHDRAWAL_CODE_STANDING => written(funds()?.resume_code_standing(cx, state, answers)),
        other => qualifications::resume(channel, cx, other, state, answers),
    }
}
