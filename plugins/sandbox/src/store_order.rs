//! Orders of a store as its owner reads and changes them. Buyers act through `control_buyer`.

use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, WxError, error_with, invalid_args, ok, ok_with};
use crate::order_view;
use crate::state::{Order, State, id_of, int_of, text_of};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/order/list/get", Auth::Account, list),
    post("/channels/ec/order/get", Auth::Account, get_order),
    post("/channels/ec/order/search", Auth::Account, search),
    post("/channels/ec/order/merchantnotes/update", Auth::Account, change_notes),
    post("/channels/ec/order/sensitiveinfo/decode", Auth::Account, decode),
];

pub const UNPAID: i64 = 10;
pub const TO_SHIP: i64 = 20;
pub const PART_SHIPPED: i64 = 21;
pub const SHIPPED: i64 = 30;
pub const DONE: i64 = 100;
pub const REFUNDED: i64 = 200;
pub const CANCELLED: i64 = 250;
/// The documents name no number for an order that is not there; this one is the sandbox's reading.
const NO_ORDER: i64 = 100002;
const RANGE_SECONDS: u64 = 7 * 86_400;

pub fn order_of<'a>(state: &'a mut State, appid: &str, id: u64) -> Result<&'a mut Order, WxError> {
    let found = state.orders.get_mut(&id).filter(|order| order.appid == appid);
    found.ok_or_else(|| error_with(NO_ORDER, "order not exist"))
}

fn range(value: Option<&Value>, name: &str) -> Result<Option<(u64, u64)>, WxError> {
    let Some(value) = value.filter(|v| v.is_object()) else { return Ok(None) };
    let at = |field: &str| int_of(value.get(field)).and_then(|t| u64::try_from(t).ok()).unwrap_or(0);
    let (start, end) = (at("start_time"), at("end_time"));
    if start == 0 && end == 0 {
        return Ok(None);
    }
    if start > end || end - start > RANGE_SECONDS {
        return Err(invalid_args(&format!("{name}: expecting a range of at most 7 days")));
    }
    Ok(Some((start, end)))
}

fn page_size(call: &Call<'_>) -> Result<usize, WxError> {
    let size = call.int("page_size").unwrap_or(10);
    match usize::try_from(size) {
        Ok(size) if (1..=100).contains(&size) => Ok(size),
        _ => Err(invalid_args("page_size: expecting 1..=100")),
    }
}

/// One page of orders, newest first by the given time; the key names the last order shown.
fn page<'a>(
    orders: impl Iterator<Item = &'a Order>,
    time: fn(&Order) -> u64,
    key: &str,
    size: usize,
) -> (Vec<String>, String, bool) {
    let after =
        key.split_once('_').and_then(|(t, id)| Some((t.parse::<u64>().ok()?, id.parse::<u64>().ok()?)));
    let mut found: Vec<(u64, u64)> = orders
        .map(|order| (time(order), order.order_id))
        .filter(|place| after.is_none_or(|after| *place < after))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().map(|(t, id)| format!("{t}_{id}")).unwrap_or_default();
    (found.iter().map(|(_, id)| id.to_string()).collect(), next, more)
}

fn list(call: &mut Call<'_>) -> Answer {
    let created = range(call.body.get("create_time_range"), "create_time_range")?;
    let updated = range(call.body.get("update_time_range"), "update_time_range")?;
    if created.is_none() && updated.is_none() {
        return Err(invalid_args("create_time_range or update_time_range is needed"));
    }
    let (size, status) = (page_size(call)?, call.int("status").filter(|s| *s != 0));
    let openid = call.text("openid");
    let within =
        |range: Option<(u64, u64)>, at: u64| range.is_none_or(|(start, end)| (start..=end).contains(&at));
    let orders = call.state.orders.values().filter(|order| {
        order.appid == call.appid
            && within(created, order.create_time)
            && within(updated, order.update_time)
            && status.is_none_or(|status| order.status == status)
            && (openid.is_empty() || order.openid == openid)
    });
    let time: fn(&Order) -> u64 = if updated.is_some() { |o| o.update_time } else { |o| o.create_time };
    let (ids, next, more) = page(orders, time, call.text("next_key"), size);
    Ok(ok_with(json!({"order_id_list": ids, "next_key": next, "has_more": more})))
}

fn search(call: &mut Call<'_>) -> Answer {
    let condition = call.body.get("search_condition").cloned().unwrap_or_default();
    let (size, status) = (page_size(call)?, call.int("status").filter(|s| *s != 0));
    let aftersale = call.int("on_aftersale_order_exist");
    let wanted = |name: &str| text_of(condition.get(name)).to_owned();
    let (title, code, user) = (wanted("title"), wanted("sku_code"), wanted("user_name"));
    let (tail, notes, customer) =
        (wanted("tel_number_last4"), wanted("merchant_notes"), wanted("customer_notes"));
    let id = id_of(condition.get("order_id"));
    let wish = condition.get("address_under_review").and_then(Value::as_bool).unwrap_or(false);
    let orders = call.state.orders.values().filter(|order| {
        let in_aftersale = order.lines.iter().any(|line| line.in_aftersale > 0);
        order.appid == call.appid
            && id.is_none_or(|id| order.order_id == id)
            && (!wish || order.address_wish.is_some())
            && status.is_none_or(|status| order.status == status)
            && aftersale.is_none_or(|flag| (flag == 1) == in_aftersale)
            && (title.is_empty() || order.lines.iter().any(|line| line.title.contains(&title)))
            && (code.is_empty() || order.lines.iter().any(|line| line.sku_code == code))
            && (user.is_empty() || order.address.user_name.contains(&user))
            && (tail.is_empty() || order.address.tel_number.ends_with(&tail))
            && (notes.is_empty() || order.merchant_notes.contains(&notes))
            && (customer.is_empty() || order.customer_notes.contains(&customer))
    });
    let (ids, next, more) = page(orders, |o| o.create_time, call.text("next_key"), size);
    Ok(ok_with(json!({"orders": ids, "order_id_list": ids, "next_key": next, "has_more": more})))
}

fn get_order(call: &mut Call<'_>) -> Answer {
    let (id, appid) = (call.id("order_id")?, call.appid.clone());
    let order = order_of(call.state, &appid, id)?;
    Ok(ok_with(json!({"order": order_view::view(order)})))
}

fn change_notes(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let notes = call.text("merchant_notes").to_owned();
    if notes.chars().count() > 500 {
        return Err(invalid_args("merchant_notes is too long"));
    }
    let order = order_of(call.state, &appid, id)?;
    order.merchant_notes = notes;
    order.update_time = now.seconds();
    call.state.push_order_changed(now, id, 3);
    Ok(ok())
}

fn decode(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let order = order_of(call.state, &appid, id)?;
    Ok(ok_with(json!({
        "address_info": order_view::address_view(&order.address, false),
        "virtual_number_info": {"virtual_number": "", "extension": "", "expiration": now.seconds()},
    })))
}
