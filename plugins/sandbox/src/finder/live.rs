//! Rooms that are on, reservations, the account's attributes, and the dashboard of a room. Sales are counted from the
//! orders that name the room. The dashboard's blocks are text of JSON.

use super::{Room, own};
use crate::calls::{Auth, Call, Route, post};
use crate::clock::china_time;
use crate::errors::{Answer, error_with, ok_with};
use crate::state::{Order, State};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/finderlive/getfinderliverecordlist", Auth::Account, rooms),
    post("/channels/ec/finderlive/getfinderlivenoticerecordlist", Auth::Account, reservations),
    post("/channels/finderlive/get_finder_attr_by_appid", Auth::Account, attributes),
    post("/channels/livedashboard/getlivelist", Auth::Account, list),
    post("/channels/livedashboard/getlivedata", Auth::Account, data),
];

fn rooms(call: &mut Call<'_>) -> Answer {
    let account = own(call)?;
    let on = account.finder.rooms.iter().filter(|(_, room)| room.ended.is_none());
    let rows: Vec<Value> = on
        .map(|(id, room)| {
            json!({"export_id": id, "description": room.title, "cover_url": "",
                "nickname": account.nickname, "head_url": ""})
        })
        .collect();
    Ok(ok_with(json!({"live_list": rows})))
}

fn reservations(call: &mut Call<'_>) -> Answer {
    let account = own(call)?;
    let open = account.finder.reservations.iter().filter(|(_, one)| one.status == 0);
    let rows: Vec<Value> = open
        .map(|(id, one)| {
            json!({"notice_id": id, "status": one.status, "status_wording": "预约中",
                "start_time": one.start_time.to_string(), "description": one.title,
                "nickname": account.nickname, "head_url": ""})
        })
        .collect();
    Ok(ok_with(json!({"live_notice_list": rows})))
}

fn attributes(call: &mut Call<'_>) -> Answer {
    let account = own(call)?;
    let finder = &account.finder;
    Ok(ok_with(json!({"finder_attr": {"uniq_id": finder.finder_id, "nickname": account.nickname,
        "fans_count": finder.fans}})))
}

/// The day in China as `YYYYMMDD`.
fn day_of(seconds: u64) -> i64 {
    china_time(seconds).chars().take(10).filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn list(call: &mut Call<'_>) -> Answer {
    let ds = call.int("ds").unwrap_or(0);
    if !(10_000_101..=99_991_231).contains(&ds) {
        return Err(error_with(1, "invalid ds"));
    }
    if ds < 20_240_101 {
        return Err(error_with(5, "ds is too early"));
    }
    let finder = &own(call)?.finder;
    let rows: Vec<Value> = finder
        .rooms
        .iter()
        .filter(|(_, room)| day_of(room.began) == ds)
        .map(|(id, room)| json!({"export_id": id, "create_time": room.began}))
        .collect();
    Ok(ok_with(json!({"trace_id": "sandbox", "live_items": rows, "has_more": false})))
}

/// Orders that name the room.
pub fn orders_of<'a>(state: &'a State, live_id: &str) -> Vec<&'a Order> {
    state.orders.values().filter(|order| order.live_id == live_id).collect()
}

fn paid(orders: &[&Order]) -> Vec<Order> {
    orders.iter().filter(|order| order.pay_time.is_some()).map(|order| (*order).clone()).collect()
}

fn people(orders: &[Order]) -> usize {
    orders.iter().map(|order| order.openid.as_str()).collect::<BTreeSet<_>>().len()
}

fn product_rows(state: &State, room: &Room, paid: &[Order]) -> Value {
    let lines = || paid.iter().flat_map(|order| order.lines.iter());
    let mut ids: BTreeSet<u64> = lines().map(|line| line.product_id).collect();
    ids.extend(room.explained.keys());
    ids.into_iter()
        .map(|id| {
            let of = || lines().filter(|line| line.product_id == id);
            let online = state.products.get(&id).and_then(|product| product.online.as_ref());
            json!({
                "base_data": {"src_spu_id": id.to_string(), "spu_id": id,
                    "spu_name": online.and_then(|data| data.get("title"))},
                "gmv": of().map(crate::trade::Line::total).sum::<i64>(),
                "pay_pv": paid.iter().filter(|order| order.lines.iter().any(|line| line.product_id == id)).count(),
                "clk_uv": room.summary.get("clk_uv"),
                "explanation_count": room.explained.get(&id).copied().unwrap_or(0),
            })
        })
        .collect()
}

fn data(call: &mut Call<'_>) -> Answer {
    let id = call.text("export_id").to_owned();
    let now = call.now.seconds();
    let room = own(call)?.finder.rooms.get(&id).cloned();
    let room = room.ok_or_else(|| error_with(1, "no such export_id"))?;
    let orders = orders_of(call.state, &room.live_id);
    let paid = paid(&orders);
    let given_back: Vec<i64> = call
        .state
        .aftersales
        .values()
        .filter(|sale| paid.iter().any(|order| order.order_id == sale.order_id))
        .filter(|sale| sale.status == "MERCHANT_REFUND_SUCCESS" || sale.status == "MERCHANT_RETURN_SUCCESS")
        .map(|sale| sale.amount)
        .collect();
    let summary = json!(room.summary);
    let dashboard = json!({"live_dashboard_data": {"summary": summary}, "start_time": room.began,
        "live_duration": room.ended.unwrap_or(now).saturating_sub(room.began)});
    let sales = json!({
        "total_gmv": paid.iter().map(Order::total).sum::<i64>(), "total_pay_pv": paid.len(),
        "total_pay_uv": people(&paid), "total_create_pv": orders.len(),
        "total_clk_pv": room.summary.get("clk_uv"), "refund_amount": given_back.iter().sum::<i64>(),
        "refund_pv": given_back.len(),
    });
    let products = product_rows(call.state, &room, &paid);
    let products = json!({"spu_data_list": products, "total_cnt": products.as_array().map_or(0, Vec::len)});
    Ok(ok_with(json!({
        "trace_id": "sandbox",
        "live_dashboard_data": dashboard.to_string(),
        "live_comparison_index": json!({"is_living": room.ended.is_none()}).to_string(),
        "live_ec_data_summary": sales.to_string(),
        "single_live_ec_spu_data_page_v2": products.to_string(),
    })))
}
