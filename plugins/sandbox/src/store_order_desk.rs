//! Addresses and prices of orders that are not on their way: what the merchant changes, what the buyer wishes.
//!
//! From the documents: a price goes down only, at most 50 times; an address is changed at most five times and the buyer
//! has to agree; a buyer's wish waits twelve hours, then the platform agrees; an order with a wish is not shipped
//! (10020115). The documents name types 16 to 20 for the talk about an address without saying which is which: 16
//! (begun) and 18 (refused) are the sandbox's reading.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::Now;
use crate::errors::{Answer, error, error_with, invalid_args, ok};
use crate::state::{Order, PostAddress, State, id_of, int_of};
use crate::store_order::{PART_SHIPPED, TO_SHIP, UNPAID, order_of};
use serde_json::Value;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/order/price/update", Auth::Account, change_price),
    post("/channels/ec/order/address/update", Auth::Account, change_address),
    post("/channels/ec/order/addressmodify/accept", Auth::Account, accept),
    post("/channels/ec/order/addressmodify/reject", Auth::Account, reject),
];

const MOST_PRICES: u32 = 50;
const MOST_ADDRESSES: u32 = 5;
const WISH_SECONDS: u64 = 12 * 3_600;
/// "The order has a wish for another address": nothing can be shipped.
pub const WISH_WAITS: i64 = 10_020_115;

fn change_price(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let express = call.body.get("change_express").and_then(Value::as_bool);
    let express = express.ok_or_else(|| invalid_args("change_express is missing"))?;
    let fee = call.int("express_fee");
    let changes = call.body.get("change_order_infos").and_then(Value::as_array).cloned();
    let changes = changes.ok_or_else(|| invalid_args("change_order_infos is missing"))?;
    let order = order_of(call.state, &appid, id)?;
    if order.status != UNPAID || order.price_changes >= MOST_PRICES {
        return Err(error(101100));
    }
    let mut changed = order.clone();
    // A change that is taken undoes those before it.
    changed.lines.iter_mut().for_each(|line| line.changed_total = None);
    changed.changed_freight = None;
    for change in &changes {
        let ids = (id_of(change.get("product_id")), id_of(change.get("sku_id")));
        let line = changed.lines.iter_mut().find(|l| ids == (Some(l.product_id), Some(l.sku_id)));
        let line = line.ok_or_else(|| error(606031))?;
        let price = int_of(change.get("change_price")).filter(|p| (1..=line.original_total()).contains(p));
        line.changed_total =
            Some(price.ok_or_else(|| invalid_args("change_price: prices go down, and stay above 0"))?);
    }
    if express {
        let fee = fee.filter(|fee| (0..=changed.freight.max(0)).contains(fee));
        changed.changed_freight =
            Some(fee.ok_or_else(|| invalid_args("express_fee: expecting 0..=the freight"))?);
    }
    changed.price_changes += 1;
    changed.update_time = now.seconds();
    *order = changed;
    call.state.push_order_changed(now, id, 12);
    Ok(ok())
}

fn change_address(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let given = call.body.get("user_address").cloned().unwrap_or_default();
    let address: PostAddress = serde_json::from_value(given).map_err(|_| invalid_args("user_address"))?;
    if address.user_name.is_empty() || address.detail_info.is_empty() {
        return Err(invalid_args("user_address: user_name and detail_info are needed"));
    }
    let order = order_of(call.state, &appid, id)?;
    if ![UNPAID, TO_SHIP].contains(&order.status) || order.address_changes >= MOST_ADDRESSES {
        return Err(error(101100));
    }
    order.address_changes += 1;
    order.proposed_address = Some(address);
    order.update_time = now.seconds();
    call.state.push_order_changed(now, id, 16);
    Ok(ok())
}

fn answer(call: &mut Call<'_>, agreed: bool) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let order = order_of(call.state, &appid, id)?;
    let wish = order.address_wish.take().ok_or_else(|| error_with(100003, "no address modify apply"))?;
    order.update_time = now.seconds();
    if agreed {
        order.address = wish;
        call.state.push_order_changed(now, id, 2);
    }
    Ok(ok())
}

fn accept(call: &mut Call<'_>) -> Answer {
    answer(call, true)
}

fn reject(call: &mut Call<'_>) -> Answer {
    answer(call, false)
}

fn not_sent(state: &mut State, id: u64) -> Result<&mut Order, String> {
    let order = state.orders.get_mut(&id).ok_or("no such order")?;
    match order.status {
        TO_SHIP => Ok(order),
        other => Err(format!("the order's status {other} does not allow this")),
    }
}

/// The buyer of an order that waits to be sent wishes another address.
pub fn wish(state: &mut State, now: Now, id: u64, address: PostAddress) -> Result<(), String> {
    let order = not_sent(state, id)?;
    order.address_wish = Some(address);
    order.address_wish_time = now.seconds();
    order.update_time = now.seconds();
    state.push_order_changed(now, id, 4);
    Ok(())
}

/// The buyer urges.
pub fn urge(state: &mut State, now: Now, id: u64) -> Result<(), String> {
    let order = state.orders.get(&id).ok_or("no such order")?;
    if ![TO_SHIP, PART_SHIPPED].contains(&order.status) {
        return Err(format!("the order's status {} does not allow this", order.status));
    }
    state.push_order_changed(now, id, 7);
    Ok(())
}

/// The merchant writes a remark in the platform's own console.
pub fn note_by_hand(state: &mut State, now: Now, id: u64, words: &str) {
    if let Some(order) = state.orders.get_mut(&id) {
        order.merchant_notes = words.chars().take(500).collect();
        order.update_time = now.seconds();
        state.push_order_changed(now, id, 3);
    }
}

/// The buyer agrees to the merchant's address, or does not.
pub fn settle_address(state: &mut State, now: Now, id: u64, agreed: bool) -> Result<(), String> {
    let order = state.orders.get_mut(&id).ok_or("no such order")?;
    let proposed = order.proposed_address.take().ok_or("the merchant put no address to it")?;
    order.update_time = now.seconds();
    if agreed {
        order.address = proposed;
    }
    state.push_order_changed(now, id, if agreed { 2 } else { 18 });
    Ok(())
}

/// The platform agrees to wishes that nobody answered. Whether anything changed.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let over = |order: &&mut Order| {
        order.address_wish.is_some() && order.address_wish_time + WISH_SECONDS <= now.seconds()
    };
    let mut done = Vec::new();
    for order in state.orders.values_mut().filter(over) {
        if let Some(address) = order.address_wish.take() {
            order.address = address;
            order.update_time = now.seconds();
            done.push(order.order_id);
        }
    }
    for id in &done {
        state.push_order_changed(now, *id, 2);
    }
    !done.is_empty()
}
