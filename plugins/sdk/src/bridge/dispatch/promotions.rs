//! Operations of discounts and coupons.

use super::{Cursor, has, input, op, shop_money, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct CouponId {
    coupon_id: String,
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let promotions = || has(channel.promotions(), operation);
    match operation {
        op::DISCOUNT_LIST => written(promotions()?.discounts(cx, input::<Cursor>(text)?.cursor.as_deref())),
        op::DISCOUNT_ADD => written(promotions()?.add_discount(cx, &input(text)?)),
        op::DISCOUNT_END => written(promotions()?.end_discount(cx, &input(text)?)),
        op::COUPON_LIST => written(promotions()?.coupons(cx, input::<Cursor>(text)?.cursor.as_deref())),
        op::COUPON_FETCH => written(promotions()?.coupon(cx, &input::<CouponId>(text)?.coupon_id)),
        op::COUPON_ADD => written(promotions()?.add_coupon(cx, &input(text)?)),
        op::COUPON_CHANGE => written(promotions()?.change_coupon(cx, &input(text)?)),
        op::COUPON_MOVE => written(promotions()?.move_coupon(cx, &input(text)?)),
        op::COUPON_HELD => written(promotions()?.held_coupons(cx, &input(text)?)),
        other => shop_money::start(channel, cx, other, text),
    }
}

pub(super) fn resume(
    channel: &dyn Channel,
    cx: &Context<'_>,
    operation: &str,
    state: &[u8],
    answers: &[Answer],
) -> Turn<String> {
    let promotions = || has(channel.promotions(), operation);
    match operation {
        op::DISCOUNT_LIST => written(promotions()?.resume_discounts(cx, state, answers)),
        op::DISCOUNT_ADD => written(promotions()?.resume_add_discount(cx, state, answers)),
        op::DISCOUNT_END => written(promotions()?.resume_end_discount(cx, state, answers)),
        op::COUPON_LIST => written(promotions()?.resume_coupons(cx, state, answers)),
        op::COUPON_FETCH => written(promotions()?.resume_coupon(cx, state, answers)),
        op::COUPON_ADD => written(promotions()?.resume_add_coupon(cx, state, answers)),
        op::COUPON_CHANGE => written(promotions()?.resume_change_coupon(cx, state, answers)),
        op::COUPON_MOVE => written(promotions()?.resume_move_coupon(cx, state, answers)),
        op::COUPON_HELD => written(promotions()?.resume_held_coupons(cx, state, answers)),
        other => shop_money::resume(channel, cx, other, state, answers),
    }
}
