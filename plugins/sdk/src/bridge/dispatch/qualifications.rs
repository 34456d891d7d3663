//! Operations of categories and brands.

use super::{Cursor, has, input, op, unknown, written};
use crate::channel::Channel;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::Deserialize;

#[derive(Deserialize)]
struct Documents {
    documents: Vec<String>,
}
#[derive(Deserialize)]
struct Words {
    words: String,
}
#[derive(Deserialize)]
struct CategoryId {
    category_id: String,
}
#[derive(Deserialize)]
struct ApplicationId {
    application_id: String,
}
#[derive(Deserialize)]
struct BrandId {
    brand_id: String,
}

pub(super) fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let it = || has(channel.qualifications(), operation);
    match operation {
        op::QUALIFICATION_SEND => written(it()?.send_documents(cx, &input::<Documents>(text)?.documents)),
        op::CATEGORY_APPROVED => written(it()?.approved_categories(cx)),
        op::CATEGORY_SEARCH => written(it()?.search_categories(cx, &input::<Words>(text)?.words)),
        op::CATEGORY_TERMS => written(it()?.category_terms(cx, &input::<CategoryId>(text)?.category_id)),
        op::CATEGORY_APPLY => written(it()?.apply_for_category(cx, &input(text)?)),
        op::CATEGORY_APPLICATION => {
            written(it()?.category_application(cx, &input::<ApplicationId>(text)?.application_id))
        }
        op::CATEGORY_WITHDRAW => {
            written(it()?.withdraw_category(cx, &input::<ApplicationId>(text)?.application_id))
        }
        op::BRAND_LIST => written(it()?.brands(cx, input::<Cursor>(text)?.cursor.as_deref())),
        op::BRAND_FETCH => written(it()?.brand(cx, &input::<BrandId>(text)?.brand_id)),
        op::BRAND_KNOWN => written(it()?.known_brands(cx, input::<Cursor>(text)?.cursor.as_deref())),
        op::BRAND_APPLY => written(it()?.apply_for_brand(cx, &input(text)?)),
        op::BRAND_WITHDRAW => written(it()?.withdraw_brand(cx, &input(text)?)),
        op::BRAND_DELETE => written(it()?.delete_brand(cx, &input::<BrandId>(text)?.brand_id)),
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
    let it = || has(channel.qualifications(), operation);
    match operation {
        op::QUALIFICATION_SEND => written(it()?.resume_send_documents(cx, state, answers)),
        op::CATEGORY_APPROVED => written(it()?.resume_approved_categories(cx, state, answers)),
        op::CATEGORY_SEARCH => written(it()?.resume_search_categories(cx, state, answers)),
        op::CATEGORY_TERMS => written(it()?.resume_category_terms(cx, state, answers)),
        op::CATEGORY_APPLY => written(it()?.resume_apply_for_category(cx, state, answers)),
        op::CATEGORY_APPLICATION => written(it()?.resume_category_application(cx, state, answers)),
        op::CATEGORY_WITHDRAW => written(it()?.resume_withdraw_category(cx, state, answers)),
        op::BRAND_LIST => written(it()?.resume_brands(cx, state, answers)),
        op::BRAND_FETCH => written(it()?.resume_brand(cx, state, answers)),
        op::BRAND_KNOWN => written(it()?.resume_known_brands(cx, state, answers)),
        op::BRAND_APPLY => written(it()?.resume_apply_for_brand(cx, state, answers)),
        op::BRAND_WITHDRAW => written(it()?.resume_withdraw_brand(cx, state, answers)),
        op::BRAND_DELETE => written(it()?.resume_delete_brand(cx, state, answers)),
        other => Err(unknown(other)),
    }
}
