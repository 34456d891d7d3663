//! After-sale orders as the merchant sees them: list, read, accept, reject. Buyers open them through `control_buyer`.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::Now;
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::state::{AfterSale, State};
use crate::store_order::REFUNDED;
use serde_json::json;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/aftersale/getaftersalelist", Auth::Account, list),
    post("/channels/ec/aftersale/getaftersaleorder", Auth::Account, get_sale),
    post("/channels/ec/aftersale/acceptapply", Auth::Account, accept),
    post("/channels/ec/aftersale/rejectapply", Auth::Account, reject),
    post("/channels/ec/aftersale/acceptexchangereship", Auth::Account, send_new),
    post("/channels/ec/aftersale/rejectexchangereship", Auth::Account, keep_new),
    post("/channels/ec/aftersale/reason/get", Auth::Account, reasons),
    post("/channels/ec/aftersale/rejectreason/get", Auth::Account, reject_reasons),
];

const PAGE: usize = 50;

/// Money went back.
pub const REFUNDED_STATES: [&str; 2] = ["MERCHANT_REFUND_SUCCESS", "MERCHANT_RETURN_SUCCESS"];
/// Ended without it, and the buyer may call the platform's people.
pub const TURNED_DOWN: [&str; 5] = [
    "MERCHANT_REJECT_REFUND",
    "MERCHANT_REJECT_RETURN",
    "MERCHANT_REJECT_EXCHANGE",
    "MERCHANT_REJECT_RESHIP",
    "RETURN_CLOSED",
];

fn list(call: &mut Call<'_>) -> Answer {
    let pair = |begin: &str, end: &str| match (call.int(begin), call.int(end)) {
        (Some(b), Some(e)) => u64::try_from(b).ok().zip(u64::try_from(e).ok()),
        _ => None,
    };
    let created = pair("begin_create_time", "end_create_time");
    let updated = pair("begin_update_time", "end_update_time");
    let (begin, end) = created.or(updated).ok_or_else(|| error(10020004))?;
    if begin > end || end - begin > 86_400 {
        return Err(error(10020004));
    }
    let after: u64 = call.text("next_key").parse().unwrap_or(0);
    let at = |sale: &AfterSale| if created.is_some() { sale.create_time } else { sale.update_time };
    let mut found: Vec<String> = call
        .state
        .aftersales
        .range(after + 1..)
        .map(|(_, sale)| sale)
        .filter(|sale| sale.appid == call.appid && (begin..=end).contains(&at(sale)))
        .take(PAGE + 1)
        .map(|sale| sale.aftersale_id.to_string())
        .collect();
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().cloned().unwrap_or_default();
    Ok(ok_with(json!({"after_sale_order_id_list": found, "next_key": next, "has_more": more})))
}

fn sale_of<'a>(state: &'a mut State, appid: &str, id: u64) -> Result<&'a mut AfterSale, WxError> {
    let found = state.aftersales.get_mut(&id).filter(|sale| sale.appid == appid);
    found.ok_or_else(|| error_with(10021041, "售后单不存在"))
}

fn get_sale(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("after_sale_order_id")?, call.appid.clone(), call.now);
    let sale = sale_of(call.state, &appid, id)?;
    let deadline = sale.deadline.saturating_sub(now.seconds());
    let name = crate::store_delivery::company_name(&sale.delivery_id);
    Ok(ok_with(json!({"after_sale_order": {
        "after_sale_order_id": sale.aftersale_id.to_string(),
        "status": sale.status,
        "order_id": sale.order_id.to_string(),
        "openid": sale.openid,
        "unionid": sale.unionid,
        "product_info": {"product_id": sale.product_id.to_string(), "sku_id": sale.sku_id.to_string(),
            "count": sale.count},
        "details": {"desc": sale.reason, "receive_product": false, "cancel_time": 0, "media_id_list": [],
            "tel_number": ""},
        "refund_info": {"amount": sale.amount, "refund_reason": sale.refund_reason.max(1)},
        "return_info": {"waybill_id": sale.waybill_id, "delivery_id": sale.delivery_id, "delivery_name": name},
        "merchant_upload_info": {"reject_reason": sale.reject_reason},
        "complaint_id": if sale.complaint_id == 0 { String::new() } else { sale.complaint_id.to_string() },
        "create_time": sale.create_time,
        "update_time": sale.update_time,
        "reason": "1",
        "reason_text": sale.reason,
        "type": sale.kind,
        "deadline": deadline,
    }})))
}

fn accept(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("after_sale_order_id")?, call.appid.clone(), call.now);
    let accept_type = call.int("accept_type");
    let address = crate::state::id_of(call.body.get("address_id")).unwrap_or_default().to_string();
    let known = call.account()?.addresses.contains_key(&address);
    let sale = sale_of(call.state, &appid, id)?;
    let next = match (sale.kind.as_str(), sale.status.as_str(), accept_type) {
        ("REFUND", "MERCHANT_PROCESSING", None | Some(2)) => "MERCHANT_REFUND_SUCCESS",
        ("RETURN" | "EXCHANGE", "MERCHANT_PROCESSING", None | Some(1)) if !known => {
            return Err(error_with(40097, "invalid args, address_id: not an address of this shop"));
        }
        ("RETURN" | "EXCHANGE", "MERCHANT_PROCESSING", None | Some(1)) => {
            sale.address_id = address;
            "USER_WAIT_RETURN"
        }
        ("RETURN", "MERCHANT_WAIT_RECEIPT", None | Some(2)) => "MERCHANT_RETURN_SUCCESS",
        _ => return Err(error(10021041)),
    };
    change(call.state, now, id, next);
    Ok(ok())
}

/// The goods are here: new ones leave.
fn send_new(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("after_sale_order_id")?, call.appid.clone(), call.now);
    let (waybill, carrier) = (call.text("waybill_id"), call.text("delivery_id"));
    if waybill.is_empty() || carrier.is_empty() {
        return Err(error_with(40097, "invalid args, waybill_id and delivery_id"));
    }
    let sale = sale_of(call.state, &appid, id)?;
    if (sale.kind.as_str(), sale.status.as_str()) != ("EXCHANGE", "MERCHANT_WAIT_RECEIPT") {
        return Err(error(10021041));
    }
    change(call.state, now, id, "USER_WAIT_RECEIPT");
    Ok(ok())
}

fn reject(call: &mut Call<'_>) -> Answer {
    turn_down(call, |kind, status| match (kind, status) {
        ("REFUND", "MERCHANT_PROCESSING") => Some("MERCHANT_REJECT_REFUND"),
        ("RETURN", "MERCHANT_PROCESSING" | "MERCHANT_WAIT_RECEIPT") => Some("MERCHANT_REJECT_RETURN"),
        ("EXCHANGE", "MERCHANT_PROCESSING") => Some("MERCHANT_REJECT_EXCHANGE"),
        _ => None,
    })
}

fn keep_new(call: &mut Call<'_>) -> Answer {
    turn_down(call, |kind, status| {
        ((kind, status) == ("EXCHANGE", "MERCHANT_WAIT_RECEIPT")).then_some("MERCHANT_REJECT_RESHIP")
    })
}

fn turn_down(call: &mut Call<'_>, next: fn(&str, &str) -> Option<&'static str>) -> Answer {
    let (id, appid, now) = (call.id("after_sale_order_id")?, call.appid.clone(), call.now);
    let words: String = call.text("reject_reason").chars().take(200).collect();
    let kind = call.int("reject_reason_type");
    let reason = REJECT_REASONS.iter().find(|(known, ..)| Some(*known) == kind);
    let (.., default_words) = reason.ok_or_else(|| error_with(40097, "invalid args, reject_reason_type"))?;
    let sale = sale_of(call.state, &appid, id)?;
    let next = next(&sale.kind, &sale.status).ok_or_else(|| error(10021041))?;
    sale.reject_reason = if words.is_empty() { (*default_words).to_owned() } else { words };
    change(call.state, now, id, next);
    Ok(ok())
}

/// Moves a case on, settles the order's line with it, and tells the merchant.
pub fn change(state: &mut State, now: Now, id: u64, status: &str) {
    let pause = state.settings.aftersale_seconds;
    let Some(sale) = state.aftersales.get_mut(&id) else { return };
    sale.status = status.to_owned();
    sale.update_time = now.seconds();
    let waits = ["MERCHANT_PROCESSING", "USER_WAIT_RETURN", "MERCHANT_WAIT_RECEIPT", "USER_WAIT_RECEIPT"]
        .contains(&status);
    sale.deadline = if waits { now.seconds() + pause } else { 0 };
    let sale = sale.clone();
    let refunded = REFUNDED_STATES.contains(&status);
    let ended = refunded
        || TURNED_DOWN.contains(&status)
        || ["USER_CANCELD", "MERCHANT_EXCHANGE_SUCCESS"].contains(&status);
    let mut all_refunded = false;
    if let Some(order) = state.orders.get_mut(&sale.order_id) {
        let line =
            order.lines.iter_mut().find(|l| l.product_id == sale.product_id && l.sku_id == sale.sku_id);
        if let Some(line) = line.filter(|_| ended) {
            line.in_aftersale = (line.in_aftersale - sale.count).max(0);
            if refunded {
                line.refunded += sale.count;
            }
        }
        order.update_time = now.seconds();
        all_refunded = refunded && order.lines.iter().all(|line| line.refunded >= line.sku_cnt);
        if all_refunded {
            order.status = REFUNDED;
        }
    }
    state.push_aftersale(now, id);
    if all_refunded {
        state.push_order_cancel(now, sale.order_id, 3);
    }
}

fn reasons(_call: &mut Call<'_>) -> Answer {
    let known = [("10000002", "拍错/多拍"), ("10000000", "不想要了"), ("10000004", "与描述不符")];
    let list = known.map(|(reason, text)| json!({"reason": reason, "reason_text": text}));
    Ok(ok_with(json!({"reason_list": list})))
}

/// Number, scene (1 refund only, 4 return, 5 exchange), name, words to the buyer.
const REJECT_REASONS: &[(i64, i64, &str, &str)] = &[
    (4, 1, "商品已发出", "商品已经发出，请收货后再申请"),
    (6, 1, "已协商取消申请", "已与您协商一致，先取消这次申请"),
    (20, 4, "商品影响二次销售", "退回的商品已影响二次销售"),
    (21, 4, "寄回的不是本订单商品", "寄回的包裹不是本订单的商品，请与我们联系"),
    (16, 5, "商品未存在问题", "没有看到商品存在质量问题，请补充图片后再申请"),
];

/// The documents call the list `reason_list`, the platform was seen to answer `reject_reason_list`: both.
fn reject_reasons(_call: &mut Call<'_>) -> Answer {
    let row = |(kind, scene, text, words): &(i64, i64, &str, &str)| {
        json!({"reject_reason_type": kind, "reject_reason_type_text": text, "reject_reason": words,
            "reject_scene": scene})
    };
    let list: Vec<serde_json::Value> = REJECT_REASONS.iter().map(row).collect();
    Ok(ok_with(json!({"reason_list": list, "reject_reason_list": list})))
}

/// The side that let its time pass has its step done for it.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let late: Vec<(u64, &str)> = state
        .aftersales
        .values()
        .filter(|sale| sale.deadline > 0 && sale.deadline <= now.seconds())
        .map(|sale| {
            let next = match (sale.status.as_str(), sale.kind.as_str()) {
                ("MERCHANT_PROCESSING", "REFUND") => "MERCHANT_REFUND_SUCCESS",
                ("MERCHANT_PROCESSING", _) => "USER_WAIT_RETURN",
                ("MERCHANT_WAIT_RECEIPT", "RETURN") => "MERCHANT_RETURN_SUCCESS",
                ("USER_WAIT_RECEIPT", _) => "MERCHANT_EXCHANGE_SUCCESS",
                _ => "RETURN_CLOSED",
            };
            (sale.aftersale_id, next)
        })
        .collect();
    for (id, next) in &late {
        if let Some(sale) = state.aftersales.get_mut(id) {
            sale.refund_reason = 9;
        }
        change(state, now, *id, next);
    }
    !late.is_empty()
}
