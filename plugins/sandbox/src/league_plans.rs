//! Changing the alliance 优选联盟: a plan 推广计划 (`item/upd`), and products put into it (`item/batchadd`).
//!
//! Written from `doc/store/shop/API/league/item/{api_upditem, api_batchadditem}` and the older
//! `doc/store/shop/API/league/ecleague_{upditem, batchadditem}` of developers.weixin.qq.com with their error codes, the guide's
//! rules (ordinary and exclusive promotion bar each other, directed promotion needs the ordinary one), and for the fields since
//! 2026-06-18 the open client library `SKIT.FlurlHttpClient.Wechat`. Numbers of `operate_type` are those of public clients of
//! the older form. What is answered where no document says it is 10023000: fields that are gone, promoters of a product that is
//! added (under which name they come today is told nowhere), a second plan for everyone.

use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, WxError, error, ok_with};
use crate::league::{BAD, BAD_TYPE, NO_ITEM, Plan, league};
use crate::state::{LIMIT, id_of, int_of};
use crate::store_product::LISTED;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/league/item/upd", Auth::Account, update),
    post("/channels/ec/league/item/batchadd", Auth::Account, add),
];

const SAME_PRODUCT: i64 = 10_023_101;
const TOO_MANY: i64 = 10_023_102;
const NOT_LISTED: i64 = 10_023_104;
const EXCLUSIVE: i64 = 10_023_105;
const NOT_ORDINARY: i64 = 10_023_106;

const ORDINARY: i64 = 1;
const DIRECTED: i64 = 2;
const ALONE: i64 = 3;

const ON: i64 = 1;
const OFF: i64 = 2;
const DELETED: i64 = 4;
const PENDING: i64 = 10;

/// Products of one call.
const MOST: usize = 20;
/// The fields that went on 2026-06-18.
const GONE: &[&str] = &["info_id", "finder_ids", "promoter_ids"];

fn kind(call: &Call<'_>) -> Result<i64, WxError> {
    if GONE.iter().any(|field| call.body.get(*field).is_some()) {
        return Err(error(BAD));
    }
    call.int("type").filter(|kind| (ORDINARY..=ALONE).contains(kind)).ok_or_else(|| error(BAD_TYPE))
}

fn ratio(value: Option<&Value>) -> Result<i64, WxError> {
    let whole = value.and_then(Value::as_i64).filter(|ratio| (0..=90).contains(ratio));
    whole.ok_or_else(|| error(BAD))
}

fn told(plan: &Plan, field: &str) -> Option<i64> {
    int_of(plan.item.get(field))
}

/// Whether a product is promoted in one of these ways now.
fn promoted(plans: &[Plan], product: u64, kinds: &[i64]) -> bool {
    plans.iter().any(|plan| {
        plan.product_id == product
            && told(plan, "status") == Some(ON)
            && told(plan, "type").is_some_and(|kind| kinds.contains(&kind))
    })
}

/// Whether a plan of this type may be up beside the others.
fn may_stand(plans: &[Plan], product: u64, kind: i64) -> Result<(), WxError> {
    let against: &[i64] = if kind == ALONE { &[ORDINARY, DIRECTED] } else { &[ALONE] };
    if promoted(plans, product, against) {
        return Err(error(EXCLUSIVE));
    }
    if kind == DIRECTED && !promoted(plans, product, &[ORDINARY]) {
        return Err(error(NOT_ORDINARY));
    }
    Ok(())
}

/// The times of a plan for some; they have to be one.
fn times(call: &Call<'_>) -> Result<Map<String, Value>, WxError> {
    let given = call.body.get("exclusive_info").and_then(Value::as_object).ok_or_else(|| error(BAD))?;
    let at = |field: &str| int_of(given.get(field));
    let ever = given.get("is_forerver").and_then(Value::as_bool) == Some(true);
    let ends = matches!((at("begin_time"), at("end_time")), (Some(begin), Some(end)) if begin < end);
    if ever || ends { Ok(given.clone()) } else { Err(error(BAD)) }
}

fn update(call: &mut Call<'_>) -> Answer {
    let kind = kind(call)?;
    let (product, wanted) = (call.id("product_id")?, call.id("promotion_plan_id")?);
    let operation = call.int("operate_type").filter(|number| [1, 2, 4].contains(number));
    let operation = operation.ok_or_else(|| error(BAD))?;
    let edited = match (operation, kind) {
        (1, ORDINARY) => Some((ratio(call.body.get("ratio"))?, None)),
        (1, _) => Some((ratio(call.body.get("ratio"))?, Some(times(call)?))),
        _ => None,
    };
    let now = i64::try_from(call.now.seconds()).unwrap_or(i64::MAX);
    let plans = &mut league(call)?.plans;
    let at = plans.iter().position(|plan| {
        plan.product_id == product
            && plan.promotion_plan_id == wanted
            && told(plan, "type") == Some(kind)
            && told(plan, "status") != Some(DELETED)
    });
    let at = at.ok_or_else(|| error(NO_ITEM))?;
    if operation != 2 {
        may_stand(plans, product, kind)?;
    }
    let item = &mut plans.get_mut(at).ok_or_else(|| error(NO_ITEM))?.item;
    item.insert("status".into(), json!(if operation == 2 { OFF } else { ON }));
    if let Some((ratio, times)) = edited {
        item.insert("ratio".into(), json!(ratio));
        if let Some(times) = times {
            if int_of(times.get("begin_time")).is_some_and(|begin| begin > now) {
                item.insert("status".into(), json!(PENDING));
            }
            item.insert("exclusive_info".into(), Value::Object(times));
        }
    }
    Ok(ok_with(json!({ "promotion_plan_id": wanted })))
}

/// One product of a call; the plan it is promoted by from now on.
fn add_one(call: &mut Call<'_>, product: u64, ratio: i64) -> Result<u64, WxError> {
    let found = call.state.products.get(&product).filter(|found| found.appid == call.appid);
    let listed = found.ok_or_else(|| error(NO_ITEM))?.status == LISTED;
    if !listed {
        return Err(error(NOT_LISTED));
    }
    call.state.sequence += 1;
    let number = 80_000_000_000 + call.state.sequence;
    let plans = &mut league(call)?.plans;
    may_stand(plans, product, ORDINARY)?;
    let there = |plan: &Plan| {
        plan.product_id == product
            && told(plan, "type") == Some(ORDINARY)
            && told(plan, "status") != Some(DELETED)
    };
    if plans.iter().any(there) || plans.len() >= LIMIT {
        return Err(error(BAD));
    }
    let whole = json!({ "is_sale_forbidden": false, "is_banned": false });
    let mut item = Map::new();
    for (field, value) in
        [("type", json!(ORDINARY)), ("status", json!(ON)), ("ratio", json!(ratio)), ("ext_info", whole)]
    {
        item.insert(field.into(), value);
    }
    plans.push(Plan {
        promotion_plan_id: number,
        product_id: product,
        promotion_plan_type: 100,
        item,
        talents: Vec::new(),
    });
    Ok(number)
}

fn add(call: &mut Call<'_>) -> Answer {
    if kind(call)? != ORDINARY {
        return Err(error(BAD));
    }
    league(call)?;
    let list = call.body.get("list").and_then(Value::as_array).cloned().unwrap_or_default();
    if list.len() > MOST {
        return Err(error(TOO_MANY));
    }
    let mut wanted = Vec::new();
    for one in &list {
        let id = id_of(one.get("product_id")).filter(|id| *id > 0).ok_or_else(|| error(BAD))?;
        wanted.push((id, ratio(one.get("ratio"))?));
    }
    let ids: BTreeSet<u64> = wanted.iter().map(|(id, _)| *id).collect();
    if wanted.is_empty() || ids.len() < wanted.len() {
        return Err(error(if wanted.is_empty() { BAD } else { SAME_PRODUCT }));
    }
    let mut rows = Vec::new();
    for (id, ratio) in wanted {
        rows.push(match add_one(call, id, ratio) {
            Ok(plan) => json!({ "errcode": 0, "errmsg": "ok", "product_id": id, "promotion_plan_id": plan }),
            Err(refusal) => json!({ "errcode": refusal.code, "errmsg": refusal.text, "product_id": id }),
        });
    }
    Ok(ok_with(json!({ "result_info_list": rows })))
}
