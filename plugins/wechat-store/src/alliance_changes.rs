//! Changing what the alliance 优选联盟 says: a plan 推广计划 (`item/upd`), and a product put into it (`item/batchadd`).
//!
//! `item/upd` by `doc/store/shop/API/league/item/api_upditem` (`type`, `product_id` and `promotion_plan_id` required, the
//! commission [0, 90]% when editing) and, for the fields of today, the open client library `SKIT.FlurlHttpClient.Wechat`
//! (`ChannelsECLeagueItemUpdateRequest`): `info_id` and the ids of finders are gone since 2026-06-18. `operate_type` is
//! required; its numbers (1 编辑并上架, 2 下架, 4 上架) are those of two public clients that do not know of each other, both
//! read from the older form of the document, and not confirmed for today's. That `exclusive_info` has to be there when a plan
//! for some is edited is from `doc/store/shop/API/league/ecleague_upditem`: the times go along as they were read, and no
//! promoter is added or taken out.
//!
//! `item/batchadd` by `doc/store/shop/API/league/item/api_batchadditem` (`type`, `list`), its answer by the same library
//! (`ChannelsECLeagueItemBatchAddResponse`: `promotion_plan_id`). Under which name it takes promoters today is told nowhere,
//! so products are added for everyone only. `item/delete` is not among today's calls
//! (`doc/store/shop/API/league/item/index.md`) and left out.

use crate::alliance::{number, only, outside};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer};
use qianpu_sdk::{
    AllianceAdded, AllianceAddition, Answer, COMMISSION_MOST, ChannelError, Context, PlanChange, PlanTerms,
    PlanWay, PlanWish, Step, Turn,
};
use qianpu_wechat_wire::call::account_post;
use qianpu_wechat_wire::errors;
use serde_json::{Value, json};

/// Editing, by which a plan is put up as well 编辑并上架; taking down 下架; putting up 上架.
const EDIT: i64 = 1;
const TAKE_DOWN: i64 = 2;
const PUT_UP: i64 = 4;
/// Ordinary promotion 普通推广, for everyone.
const ORDINARY: i64 = 1;

fn kind(way: &PlanWay) -> Option<i64> {
    match way {
        PlanWay::Ordinary => Some(ORDINARY),
        PlanWay::Directed => Some(2),
        PlanWay::Exclusive => Some(3),
        PlanWay::Other(_) => None,
    }
}

/// The commission in the platform's hundredths.
fn ratio(percent: i64) -> Result<i64, ChannelError> {
    let within = (0..=COMMISSION_MOST).contains(&percent);
    within
        .then_some(percent)
        .ok_or_else(|| ChannelError::field("percent", "out_of_range", "佣金比例应为 0 到 90 之间的整数"))
}

/// The times of a plan as they were read.
fn times(terms: &PlanTerms) -> Value {
    let mut told = json!({});
    let seconds = |at: Timestamp| json!(at.seconds());
    // The platform's own spelling.
    let for_ever = terms.for_ever.map(Value::from);
    for (field, value) in [
        ("begin_time", terms.begins_at.map(seconds)),
        ("end_time", terms.ends_at.map(seconds)),
        ("is_forerver", for_ever),
    ] {
        if let Some(value) = value {
            told[field] = value;
        }
    }
    told
}

pub(crate) fn change(cx: &Context<'_>, change: &PlanChange) -> Turn<()> {
    let kind = kind(&change.terms.way).filter(|_| change.terms.takes(&change.wish));
    let kind =
        kind.ok_or_else(|| ChannelError::field("terms", "unknown", "平台没有提供修改该计划所需的内容"))?;
    let mut body = json!({
        "type": kind,
        "product_id": number(&change.product_id, "product_id")?,
        "promotion_plan_id": number(&change.plan_id, "plan_id")?,
    });
    let operation = match change.wish {
        PlanWish::Commission { percent } => {
            body["ratio"] = json!(ratio(percent)?);
            if kind != ORDINARY {
                body["exclusive_info"] = times(&change.terms);
            }
            EDIT
        }
        PlanWish::TakeDown => TAKE_DOWN,
        PlanWish::PutUp => PUT_UP,
    };
    body["operate_type"] = json!(operation);
    // Not idempotent: after a lost answer the plan is read, and says what became of it.
    Ok(Step::call(account_post(cx, "/channels/ec/league/item/upd", &body)?, Vec::new()))
}

pub(crate) fn changed(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
    only(cx, state, answers).map(|_| Step::Done(()))
}

pub(crate) fn add(cx: &Context<'_>, addition: &AllianceAddition) -> Turn<AllianceAdded> {
    let product = number(&addition.product_id, "product_id")?;
    let one = json!({ "product_id": product, "ratio": ratio(addition.percent)? });
    let body = json!({ "type": ORDINARY, "list": [one] });
    let request = account_post(cx, "/channels/ec/league/item/batchadd", &body)?;
    Ok(Step::call(request, product.to_string().into_bytes()))
}

/// The answer as a whole says that the call was understood; what became of the product stands in its row.
pub(crate) fn added(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<AllianceAdded> {
    let product = std::str::from_utf8(state).ok().filter(|text| number(text, "product_id").is_ok());
    let product = product.ok_or_else(|| ChannelError::unexpected("the state is not ours"))?;
    let body = only(cx, &[], answers)?;
    let rows = body["result_info_list"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [row] = rows else { return Err(ChannelError::unexpected("not one product was answered about")) };
    if id(&row["product_id"]).as_deref() != Some(product) {
        return Err(ChannelError::unexpected("another product was answered about"));
    }
    match integer(&row["errcode"]) {
        Some(0) => Ok(Step::Done(AllianceAdded { plan_id: id(&row["promotion_plan_id"]) })),
        Some(code) => {
            let message = row["errmsg"].as_str().unwrap_or_default();
            Err(outside(errors::error(code, message, cx.now)))
        }
        None => Err(ChannelError::unexpected("a product was answered about without errcode")),
    }
}
