//! Operations about the alliance of a shop.

use super::{has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct PromoterId {
    promoter_id: String,
}

pub(super) fn knows(operation: &str) -> bool {
    operation.starts_with("affiliate.")
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let affiliate = has(channel.affiliate(), operation)?;
    match operation {
        op::AFFILIATE_PROMOTER => written(affiliate.promoter(cx, &input::<PromoterId>(text)?.promoter_id)),
        op::AFFILIATE_PROMOTERS => written(affiliate.promoters(cx, &input(text)?)),
        op::AFFILIATE_PROMOTED => written(affiliate.promoted(cx, &input(text)?)),
        op::AFFILIATE_PRODUCTS => written(affiliate.products(cx, &input(text)?)),
        op::AFFILIATE_PLANS => written(affiliate.plans(cx, &input(text)?)),
        op::AFFILIATE_TERMS => written(affiliate.terms(cx, &input(text)?)),
        op::AFFILIATE_PLAN_PROMOTERS => written(affiliate.plan_promoters(cx, &input(text)?)),
        op::AFFILIATE_BLOCK => written(affiliate.block(cx, &input(text)?)),
        op::AFFILIATE_CHANGE_PLAN => written(affiliate.change_plan(cx, &input(text)?)),
        op::AFFILIATE_ADD_PRODUCT => written(affiliate.add_product(cx, &input(text)?)),
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
    let affiliate = has(channel.affiliate(), operation)?;
    match operation {
        op::AFFILIATE_PROMOTER => written(affiliate.resume_promoter(cx, state, answers)),
        op::AFFILIATE_PROMOTERS => written(affiliate.resume_promoters(cx, state, answers)),
        op::AFFILIATE_PROMOTED => written(affiliate.resume_promoted(cx, state, answers)),
        op::AFFILIATE_PRODUCTS => written(affiliate.resume_products(cx, state, answers)),
        op::AFFILIATE_PLANS => written(affiliate.resume_plans(cx, state, answers)),
        op::AFFILIATE_TERMS => written(affiliate.resume_terms(cx, state, answers)),
        op::AFFILIATE_PLAN_PROMOTERS => written(affiliate.resume_plan_promoters(cx, state, answers)),
        op::AFFILIATE_BLOCK => written(affiliate.resume_block(cx, state, answers)),
        op::AFFILIATE_CHANGE_PLAN => written(affiliate.resume_change_plan(cx, state, answers)),
        op::AFFILIATE_ADD_PRODUCT => written(affiliate.resume_add_product(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
