//! Limited-time discounts of a store.
//!
//! From the documents (`/doc/channels/API/product/limiteddiscounttask/`): one discount of a product at a time that is not
//! over; begun at most ten minutes ago and over within a year; at most 24 hours; the price before above 10 yuan, and
//! during it at least 10 yuan less and between 1 and 8.5 tenths; not more pieces than are in stock; only one that is over
//! can be deleted. The list of error numbers ends before a number for broken rules: the one for wrong parameters is taken,
//! and for a second discount of a product the one for a wrong state.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::Now;
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::state::{Account, id_of, int_of};
use crate::store_product::{LISTED, product_of, skus_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/product/limiteddiscounttask/add", Auth::Account, add),
    post("/channels/ec/product/limiteddiscounttask/list/get", Auth::Account, list),
    post("/channels/ec/product/limiteddiscounttask/stop", Auth::Account, stop),
    post("/channels/ec/product/limiteddiscounttask/delete", Auth::Account, delete),
];

const MOST: usize = 1_000;
const MOST_ON_A_PAGE: i64 = 50;
const TASK_IDS: u64 = 9_100_000_000_000_000;
const LATE: i64 = 600;
const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
/// 10 yuan.
const LEAST: i64 = 1_000;

pub const UNKNOWN_TASK: i64 = 10_020_076;
pub const WRONG_STATE: i64 = 10_020_077;
const WRONG_PARAMETERS: i64 = 10_020_051;

const AHEAD: i64 = 0;
const RUNNING: i64 = 1;
const ENDED: i64 = 2;

/// A limited-time discount.
#[derive(Clone, Serialize, Deserialize)]
pub struct Discount {
    pub task_id: u64,
    pub product_id: u64,
    pub create_time: u64,
    pub start_time: i64,
    pub end_time: i64,
    pub skus: Vec<Value>,
}

fn seconds(now: Now) -> i64 {
    i64::try_from(now.seconds()).unwrap_or(i64::MAX)
}

impl Discount {
    fn status(&self, now: Now) -> i64 {
        match seconds(now) {
            now if self.end_time <= now => ENDED,
            now if self.start_time <= now => RUNNING,
            _ => AHEAD,
        }
    }

    fn view(&self, now: Now) -> Value {
        json!({
            "task_id": self.task_id.to_string(), "product_id": self.product_id.to_string(),
            "status": self.status(now), "create_time": self.create_time, "start_time": self.start_time,
            "end_time": self.end_time, "limited_discount_skus": self.skus,
        })
    }
}

fn refused(why: &'static str) -> WxError {
    error_with(WRONG_PARAMETERS, why)
}

fn check_sku(wanted: &Value, before: i64, stock: i64) -> Result<Value, WxError> {
    let price = int_of(wanted.get("sale_price")).filter(|price| *price > 0);
    let price = price.ok_or_else(|| refused("抢购价必须大于0"))?;
    let count = int_of(wanted.get("sale_stock")).unwrap_or(0);
    if price >= before {
        return Err(refused("抢购价必须小于原价"));
    }
    let tenths_ok = price * 10 >= before && price * 100 <= before * 85;
    if before <= LEAST || before - price < LEAST || !tenths_ok {
        return Err(refused("原价须大于10元,折扣范围1-8.5折,且抢购价须优惠10元以上"));
    }
    if !(1..=stock).contains(&count) {
        return Err(refused("抢购库存必须小于等于现有库存"));
    }
    let id = id_of(wanted.get("sku_id")).unwrap_or_default();
    Ok(json!({ "sku_id": id.to_string(), "sale_price": price, "sale_stock": count }))
}

fn add(call: &mut Call<'_>) -> Answer {
    let (product_id, appid, now) = (call.id("product_id")?, call.appid.clone(), call.now);
    let (start, end) = (call.int("start_time").unwrap_or(0), call.int("end_time").unwrap_or(0));
    let at = seconds(now);
    if start < at - LATE || start > at + YEAR || end <= start || end <= at || end > at + YEAR {
        return Err(refused("抢购时间不正确"));
    }
    if end - start > DAY {
        return Err(refused("抢购活动持续时间不可超过24小时"));
    }
    let wanted = call.body.get("limited_discount_skus").and_then(Value::as_array).cloned();
    let wanted = wanted.filter(|skus| !skus.is_empty()).ok_or_else(|| error(WRONG_PARAMETERS))?;
    let product = product_of(call.state, &appid, product_id)?;
    let online = product.online.as_ref().filter(|_| product.status == LISTED);
    let online = online.ok_or_else(|| refused("商品未上架"))?;
    let mut skus = Vec::new();
    for sku in &wanted {
        let id = id_of(sku.get("sku_id"));
        let known = skus_of(online).find(|one| id.is_some() && id_of(one.get("sku_id")) == id);
        let known = known.ok_or_else(|| refused("sku_id不属于该商品"))?;
        let before = int_of(known.get("sale_price")).unwrap_or(0);
        let stock = id.and_then(|id| product.stock.get(&id).copied()).unwrap_or(0);
        skus.push(check_sku(sku, before, stock)?);
    }
    let task_id = call.state.new_id(TASK_IDS);
    let account = call.account()?;
    if account.discounts.iter().any(|one| one.product_id == product_id && one.status(now) != ENDED) {
        return Err(error_with(WRONG_STATE, "该商品已存在未结束的限时抢购任务"));
    }
    if account.discounts.len() >= MOST {
        return Err(refused("限时抢购任务过多"));
    }
    let create_time = now.seconds();
    account.discounts.push(Discount {
        task_id,
        product_id,
        create_time,
        start_time: start,
        end_time: end,
        skus,
    });
    Ok(ok_with(json!({ "task_id": task_id.to_string() })))
}

fn list(call: &mut Call<'_>) -> Answer {
    let (now, status) = (call.now, call.int("status"));
    let size = call.int("page_size").unwrap_or(10);
    let size = usize::try_from(size).ok().filter(|_| (1..=MOST_ON_A_PAGE).contains(&size));
    let size = size.ok_or_else(|| error(WRONG_PARAMETERS))?;
    let after = id_of(call.body.get("next_key")).unwrap_or(u64::MAX);
    let account = call.account()?;
    let of_status = |one: &&Discount| status.is_none_or(|status| one.status(now) == status);
    let total = account.discounts.iter().filter(of_status).count();
    let newest = account.discounts.iter().rev().filter(of_status).filter(|one| one.task_id < after);
    let page: Vec<&Discount> = newest.take(size).collect();
    let next = page.last().map(|one| one.task_id.to_string()).unwrap_or_default();
    let rows: Vec<Value> = page.into_iter().map(|one| one.view(now)).collect();
    Ok(ok_with(json!({ "limited_discount_tasks": rows, "next_key": next, "total_num": total })))
}

fn task_of(account: &mut Account, id: u64) -> Result<&mut Discount, WxError> {
    let found = account.discounts.iter_mut().find(|one| one.task_id == id);
    found.ok_or_else(|| error(UNKNOWN_TASK))
}

fn stop(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("task_id")?, call.now);
    let task = task_of(call.account()?, id)?;
    if task.status(now) == ENDED {
        return Err(error(WRONG_STATE));
    }
    task.end_time = seconds(now);
    task.start_time = task.start_time.min(task.end_time);
    Ok(ok())
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("task_id")?, call.now);
    let account = call.account()?;
    if task_of(account, id)?.status(now) != ENDED {
        return Err(error(WRONG_STATE));
    }
    account.discounts.retain(|one| one.task_id != id);
    Ok(ok())
}
