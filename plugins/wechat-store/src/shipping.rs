//! Shipping (`order/delivery/send`): the order is read first, because a second send of the same parcel is either
//! refused or counted twice.

use crate::{WechatStore, order, orders};
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, Carrier, ChannelError, ChannelOrder, Context, ErrorClass, Fulfilment, OrderState, Parcel,
    ParcelLine, ShipOutcome, Shipment, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MAX_PARCELS: usize = 50;

#[derive(Serialize, Deserialize)]
enum Stage {
    Reading(Shipment),
    Sending,
}

impl Fulfilment for WechatStore {
    fn carriers(&self, cx: &Context<'_>) -> Turn<Vec<Carrier>> {
        let request =
            account_post(cx, "/channels/ec/order/deliverycompanylist/get", &json!({}))?.idempotent();
        Ok(Step::call(request, Vec::new()))
    }

    fn resume_carriers(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<Vec<Carrier>> {
        let body = read_only(cx, answers)?;
        let rows = body["company_list"]
            .as_array()
            .ok_or_else(|| ChannelError::unexpected("the answer has no company_list"))?;
        let carrier = |row: &Value| {
            let carrier_id = id(&row["delivery_id"])?;
            Some(Carrier {
                name: text(&row["delivery_name"]).unwrap_or_else(|| carrier_id.clone()),
                carrier_id,
            })
        };
        Ok(Step::Done(rows.iter().filter_map(carrier).collect()))
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
                return Err(ChannelError::field(
                    path("lines"),
                    "required",
                    "多个包裹时需要写明每个包裹的商品",
                ));
            }
        }
        let state = encode_state(&Stage::Reading(shipment.clone()))?;
        Ok(Step::call(orders::get(cx, &shipment.order_id)?, state))
    }

    fn resume_ship(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShipOutcome> {
        let body = read_only(cx, answers)?;
        match decode_state(state)? {
            Stage::Reading(shipment) => send(cx, shipment, order::read(&body)?),
            Stage::Sending => match body.get("errcode") {
                Some(_) => Ok(Step::Done(ShipOutcome::Sent)),
                None => Err(ChannelError::unexpected("the answer has no errcode")),
            },
        }
    }
}

fn send(cx: &Context<'_>, shipment: Shipment, order: ChannelOrder) -> Turn<ShipOutcome> {
    let known = |parcel: &Parcel| {
        let same = |sent: &qianpu_sdk::ChannelParcel| {
            sent.waybill == parcel.waybill.trim()
                && (sent.carrier_id.is_empty() || sent.carrier_id == parcel.carrier_id)
        };
        order.parcels.iter().any(same)
    };
    let new: Vec<&Parcel> = shipment.parcels.iter().filter(|parcel| !known(parcel)).collect();
    if new.is_empty() {
        return Ok(Step::Done(ShipOutcome::AlreadySent(Box::new(order))));
    }
    if !matches!(order.state, OrderState::Paid | OrderState::PartShipped) {
        let detail = format!("the order is in state {} and takes no parcels", order.native_state);
        return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
    }
    let open = open_lines(&order);
    let mut list = Vec::new();
    for parcel in new {
        let lines = if parcel.lines.is_empty() { &open } else { &parcel.lines };
        if lines.is_empty() {
            let detail = "every line of the order was sent or refunded already";
            return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
        }
        let infos: Vec<Value> = lines
            .iter()
            .map(|line| json!({ "product_id": line.product_id, "sku_id": line.sku_id, "product_cnt": line.quantity }))
            .collect();
        list.push(json!({
            "delivery_id": parcel.carrier_id, "waybill_id": parcel.waybill.trim(), "deliver_type": 1,
            "product_infos": infos,
        }));
    }
    let body = json!({ "order_id": shipment.order_id, "delivery_list": list });
    // Not idempotent: after a lost answer the whole operation starts again and reads the order first.
    let request = account_post(cx, "/channels/ec/order/delivery/send", &body)?;
    Ok(Step::call(request, encode_state(&Stage::Sending)?))
}

/// What was neither sent nor refunded.
fn open_lines(order: &ChannelOrder) -> Vec<ParcelLine> {
    let mut sent: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in order.parcels.iter().flat_map(|parcel| &parcel.lines) {
        *sent.entry((&line.product_id, &line.sku_id)).or_default() += line.quantity;
    }
    let open = |line: &qianpu_sdk::ChannelOrderLine| {
        let gone = sent.get(&(line.product_id.as_str(), line.sku_id.as_str())).copied().unwrap_or(0);
        let quantity = line.quantity - gone - line.after_sale_done_quantity;
        (quantity > 0).then(|| ParcelLine {
            product_id: line.product_id.clone(),
            sku_id: line.sku_id.clone(),
            quantity,
        })
    };
    order.lines.iter().filter_map(open).collect()
}
