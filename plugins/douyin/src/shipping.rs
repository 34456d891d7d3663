//! Shipping (`/order/logisticsAddSinglePack`). The platform has an idempotency key, made of order and waybill here, so
//! a parcel cannot leave twice; the order is still read first, because lines are named by their own order numbers.

use crate::call::{account_call, read, read_only, rows};
use crate::{Douyin, order, orders};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, Carrier, ChannelError, Context, ErrorClass, Fulfilment, OrderState, Parcel, ShipOutcome,
    Shipment, Step, Turn, decode_state, encode_state,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MAX_PARCELS: usize = 50;

#[derive(Serialize, Deserialize)]
enum Stage {
    Reading(Shipment),
    Sending,
}

impl Fulfilment for Douyin {
    fn carriers(&self, cx: &Context<'_>) -> Turn<Vec<Carrier>> {
        Ok(Step::call(account_call(cx, "/order/logisticsCompanyList", &json!({}))?.idempotent(), Vec::new()))
    }

    fn resume_carriers(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<Vec<Carrier>> {
        let data = read_only(cx, answers)?;
        // Its data is a list, or an object with one.
        let list = data.as_array().or_else(|| data["data"].as_array());
        let list = list.ok_or_else(|| ChannelError::unexpected("the answer has no list of carriers"))?;
        let carrier = |row: &Value| {
            let carrier_id = text(&row["code"])?;
            Some(Carrier { name: text(&row["name"]).unwrap_or_else(|| carrier_id.clone()), carrier_id })
        };
        Ok(Step::Done(list.iter().filter_map(carrier).collect()))
    }

    fn ship(&self, cx: &Context<'_>, shipment: &Shipment) -> Turn<ShipOutcome> {
        if !(1..=MAX_PARCELS).contains(&shipment.parcels.len()) {
            return Err(ChannelError::field("parcels", "count", "一次可以发 1–50 个包裹"));
        }
        for (index, parcel) in shipment.parcels.iter().enumerate() {
            let path = |field: &str| format!("parcels[{index}].{field}");
            if parcel.carrier_id.is_empty() {
                return Err(ChannelError::field(path("carrier_id"), "required", "请选择快递公司"));
            }
            if parcel.waybill.trim().is_empty() || parcel.waybill.len() > 64 {
                return Err(ChannelError::field(path("waybill"), "length", "快递单号需要 1–64 个字符"));
            }
            if parcel.lines.is_empty() && shipment.parcels.len() > 1 {
                let words = "多个包裹时需要写明每个包裹的商品";
                return Err(ChannelError::field(path("lines"), "required", words));
            }
        }
        let state = encode_state(&Stage::Reading(shipment.clone()))?;
        Ok(Step::call(orders::get(cx, &shipment.order_id)?, state))
    }

    fn resume_ship(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShipOutcome> {
        match decode_state(state)? {
            Stage::Reading(shipment) => send(cx, &shipment, &read_only(cx, answers)?),
            Stage::Sending => {
                if answers.is_empty() {
                    return Err(ChannelError::unexpected("no answer to a parcel"));
                }
                for answer in answers {
                    let data = read(answer.response()?, cx)?;
                    id(&data["pack_id"])
                        .ok_or_else(|| ChannelError::unexpected("the answer has no pack_id"))?;
                }
                Ok(Step::Done(ShipOutcome::Sent))
            }
        }
    }
}

/// A line of the order with what is left to send.
struct Open {
    sku_order_id: String,
    product_id: String,
    sku_id: String,
    left: i64,
}

fn send(cx: &Context<'_>, shipment: &Shipment, data: &Value) -> Turn<ShipOutcome> {
    let told = order::read(data)?;
    let known = |parcel: &Parcel| told.parcels.iter().any(|sent| sent.waybill == parcel.waybill.trim());
    let new: Vec<&Parcel> = shipment.parcels.iter().filter(|parcel| !known(parcel)).collect();
    if new.is_empty() {
        return Ok(Step::Done(ShipOutcome::AlreadySent(Box::new(told))));
    }
    if !matches!(told.state, OrderState::Paid | OrderState::PartShipped) {
        let detail = format!("the order is in state {} and takes no parcels", told.native_state);
        return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
    }
    let mut open = open_lines(order::detail(data)?)?;
    let mut requests = Vec::new();
    for parcel in new {
        let shipped = take(&mut open, parcel);
        if shipped.is_empty() {
            let detail = "every line of the parcel was sent or refunded already";
            return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
        }
        let waybill = parcel.waybill.trim();
        let params = json!({
            "order_id_list": [shipment.order_id],
            "shipped_order_info": shipped,
            "company_code": parcel.carrier_id,
            "logistics_code": waybill,
            "request_id": format!("{}-{waybill}", shipment.order_id),
        });
        requests.push(account_call(cx, "/order/logisticsAddSinglePack", &params)?.idempotent());
    }
    Ok(Step::Call { requests, parallel: false, state: encode_state(&Stage::Sending)? })
}

/// What was neither sent nor refunded, line by line.
fn open_lines(detail: &Value) -> Result<Vec<Open>, ChannelError> {
    let sent = |sku_order_id: &str| -> i64 {
        rows(&detail["logistics_info"])
            .iter()
            .flat_map(|parcel| rows(&parcel["product_info"]))
            .filter(|row| id(&row["sku_order_id"]).as_deref() == Some(sku_order_id))
            .filter_map(|row| integer(&row["product_count"]))
            .sum()
    };
    rows(&detail["sku_order_list"])
        .iter()
        .map(|sku| {
            let missing = || ChannelError::unexpected("a line of the order has no id");
            let sku_order_id = id(&sku["order_id"]).ok_or_else(missing)?;
            let refunded = matches!(integer(&sku["after_sale_info"]["after_sale_status"]), Some(12 | 53));
            let quantity = if refunded { 0 } else { integer(&sku["item_num"]).unwrap_or(0) };
            Ok(Open {
                left: quantity - sent(&sku_order_id),
                product_id: text(&sku["product_id_str"])
                    .or_else(|| id(&sku["product_id"]))
                    .ok_or_else(missing)?,
                sku_id: id(&sku["sku_id"]).ok_or_else(missing)?,
                sku_order_id,
            })
        })
        .collect()
}

/// Takes what is in a parcel from what is open; a parcel without lines takes everything.
fn take(open: &mut [Open], parcel: &Parcel) -> Vec<Value> {
    let mut shipped = Vec::new();
    let mut put = |line: &mut Open, quantity: i64| {
        if quantity > 0 {
            line.left -= quantity;
            shipped.push(json!({ "shipped_order_id": line.sku_order_id, "shipped_num": quantity }));
        }
    };
    if parcel.lines.is_empty() {
        for line in open.iter_mut() {
            let left = line.left;
            put(line, left);
        }
    }
    for wanted in &parcel.lines {
        let mut left = wanted.quantity;
        for line in open.iter_mut().filter(|l| l.product_id == wanted.product_id && l.sku_id == wanted.sku_id)
        {
            let quantity = left.min(line.left).max(0);
            put(line, quantity);
            left -= quantity;
        }
    }
    shipped
}
