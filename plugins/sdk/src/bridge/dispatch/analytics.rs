//! Operations about figures of a day.

use super::{has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;

pub(super) fn knows(operation: &str) -> bool {
    operation.starts_with("analytics.")
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let analytics = has(channel.analytics(), operation)?;
    match operation {
        op::ANALYTICS_OVERVIEW => written(analytics.overview(cx, &input(text)?)),
        op::ANALYTICS_PRODUCTS => written(analytics.products(cx, &input(text)?)),
        op::ANALYTICS_PRODUCT => written(analytics.product(cx, &input(text)?)),
        op::ANALYTICS_PEOPLE => written(analytics.people(cx, &input(text)?)),
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
    let analytics = has(channel.analytics(), operation)?;
    match operation {
        op::ANALYTICS_OVERVIEW => written(analytics.resume_overview(cx, state, answers)),
        op::ANALYTICS_PRODUCTS => written(analytics.resume_products(cx, state, answers)),
        op::ANALYTICS_PRODUCT => written(analytics.resume_product(cx, state, answers)),
        op::ANALYTICS_PEOPLE => written(analytics.resume_people(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
