//! Shipping: the carriers the platform knows, and `order/delivery/send`.

use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, WxError, error, invalid_args, ok, ok_with};
use crate::state::{Order, id_of, int_of, text_of};
use crate::store_order::{PART_SHIPPED, SHIPPED, TO_SHIP, order_of};
use crate::store_order_desk::WISH_WAITS;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/order/deliverycompanylist/get", Auth::Account, companies),
    post("/channels/ec/order/deliverycompanylist/new/get", Auth::Account, companies),
    post("/channels/ec/order/delivery/send", Auth::Account, send),
    post("/channels/ec/order/deliveryinfo/update", Auth::Account, change),
];

const COMPANIES: &[(&str, &str)] = &[
    ("SF", "顺丰速运"),
    ("YTO", "圆通速递"),
    ("ZTO", "中通快递"),
    ("STO", "申通快递"),
    ("YD", "韵达速递"),
    ("JTSD", "极兔速递"),
    ("EMS", "EMS"),
    ("YZPY", "邮政快递包裹"),
    ("JD", "京东物流"),
    ("DBL", "德邦快递"),
    ("OTHER", "其他"),
];

pub fn company_name(id: &str) -> &'static str {
    COMPANIES.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name)
}

fn companies(_call: &mut Call<'_>) -> Answer {
    let list: Vec<Value> =
        COMPANIES.iter().map(|(id, name)| json!({"delivery_id": id, "delivery_name": name})).collect();
    Ok(ok_with(json!({"company_list": list})))
}

struct Parcel {
    view: Value,
    contents: Vec<(u64, u64, i64)>,
}

fn parcel(index: usize, given: &Value, now: u64) -> Result<Parcel, WxError> {
    let at = |field: &str| format!("delivery_list[{index}].{field}");
    let deliver_type = int_of(given.get("deliver_type")).unwrap_or(1);
    let (company, waybill) = (text_of(given.get("delivery_id")), text_of(given.get("waybill_id")));
    if ![1, 2, 3, 4].contains(&deliver_type) {
        return Err(invalid_args(&format!("{}: expecting 1..=4", at("deliver_type"))));
    }
    let known = COMPANIES.iter().find(|(id, _)| *id == company);
    if deliver_type != 3 && known.is_none() {
        return Err(invalid_args(&format!("{}: unknown carrier", at("delivery_id"))));
    }
    if deliver_type != 3 && (waybill.is_empty() || waybill.len() > 64) {
        return Err(invalid_args(&format!("{}: expecting 1..=64 characters", at("waybill_id"))));
    }
    let infos = given.get("product_infos").and_then(Value::as_array).filter(|i| !i.is_empty());
    let infos = infos.ok_or_else(|| invalid_args(&format!("{} is empty", at("product_infos"))))?;
    let mut contents = Vec::new();
    for (place, info) in infos.iter().enumerate() {
        let number = |name: &str| {
            id_of(info.get(name)).filter(|id| *id > 0).ok_or_else(|| {
                let field = at(&format!("product_infos[{place}].{name}"));
                invalid_args(&format!("{name}: expecting {field} > 0, actually 0"))
            })
        };
        let count = i64::try_from(number("product_cnt")?).map_err(|_| error(40097))?;
        contents.push((number("product_id")?, number("sku_id")?, count));
    }
    let products: Vec<Value> = contents
        .iter()
        .map(|(p, s, n)| json!({"product_id": p.to_string(), "sku_id": s.to_string(), "product_cnt": n}))
        .collect();
    let view = json!({
        "waybill_id": waybill,
        "delivery_id": company,
        "delivery_name": known.map_or("", |(_, name)| name),
        "delivery_time": now,
        "deliver_type": deliver_type,
        "product_infos": products,
    });
    Ok(Parcel { view, contents })
}

fn pack(order: &mut Order, contents: &[(u64, u64, i64)]) -> Result<(), WxError> {
    for (product_id, sku_id, count) in contents {
        let line = order.lines.iter_mut().find(|l| l.product_id == *product_id && l.sku_id == *sku_id);
        let line = line.ok_or_else(|| error(606031))?;
        line.shipped += count;
        if line.shipped > line.sku_cnt {
            return Err(error(606031));
        }
    }
    Ok(())
}

fn send(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let given = call.body.get("delivery_list").and_then(Value::as_array).cloned().unwrap_or_default();
    if given.is_empty() || given.len() > 50 {
        return Err(invalid_args("delivery_list: expecting 1..=50 parcels"));
    }
    let mut parcels = Vec::new();
    for (index, one) in given.iter().enumerate() {
        parcels.push(parcel(index, one, now.seconds())?);
    }
    let order = order_of(call.state, &appid, id)?;
    if ![TO_SHIP, PART_SHIPPED].contains(&order.status) {
        return Err(error(101100));
    }
    if order.address_wish.is_some() {
        return Err(error(WISH_WAITS));
    }
    let mut shipped = order.clone();
    for parcel in parcels {
        pack(&mut shipped, &parcel.contents)?;
        shipped.deliveries.push(parcel.view);
    }
    let finished = shipped.lines.iter().all(|line| line.shipped + line.refunded >= line.sku_cnt);
    shipped.status = if finished { SHIPPED } else { PART_SHIPPED };
    if finished {
        shipped.ship_done_time = Some(now.seconds());
    }
    shipped.update_time = now.seconds();
    *order = shipped;
    call.state.push_order_deliver(now, id, finished);
    Ok(ok())
}

/// Replaces the waybills of an order that is on its way; what was packed where must stay the same.
fn change(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("order_id")?, call.appid.clone(), call.now);
    let given = call.body.get("delivery_list").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut parcels = Vec::new();
    for (index, one) in given.iter().enumerate() {
        parcels.push(parcel(index, one, now.seconds())?);
    }
    let order = order_of(call.state, &appid, id)?;
    if ![PART_SHIPPED, SHIPPED].contains(&order.status) || parcels.is_empty() {
        return Err(error(101100));
    }
    let mut repacked = order.clone();
    repacked.deliveries.clear();
    repacked.lines.iter_mut().for_each(|line| line.shipped = 0);
    for parcel in parcels {
        pack(&mut repacked, &parcel.contents)?;
        repacked.deliveries.push(parcel.view);
    }
    if repacked.lines.iter().zip(&order.lines).any(|(new, old)| new.shipped != old.shipped) {
        return Err(error(606031));
    }
    repacked.update_time = now.seconds();
    *order = repacked;
    Ok(ok())
}
