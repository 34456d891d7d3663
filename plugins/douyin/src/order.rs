//! Reading an order (`/order/orderDetail`) into our words.

use crate::call::{number, rows};
use qianpu_domain::money::{Fen, MoneyOverflow};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Attribution, CancelReason, ChannelError, ChannelOrder, ChannelOrderLine, ChannelParcel, MaskedAddress,
    OrderAmounts, OrderState, ParcelLine, Relation, Scene, SourceAccount,
};
use serde_json::Value;

/// Code of the kind "creator at Douyin" in attributions.
const CREATOR: &str = "douyin_creator";

/// The order in an answer.
pub(crate) fn detail(data: &Value) -> Result<&Value, ChannelError> {
    let order = &data["shop_order_detail"];
    if order.is_object() {
        Ok(order)
    } else {
        Err(ChannelError::unexpected("the answer has no shop_order_detail"))
    }
}

/// Reads the answer of `/order/orderDetail`.
pub(crate) fn read(data: &Value) -> Result<ChannelOrder, ChannelError> {
    let order = detail(data)?;
    let external_id =
        id(&order["order_id"]).ok_or_else(|| ChannelError::unexpected("the order has no order_id"))?;
    let status = number(order, "order_status")?;
    let created_at = moment(&order["create_time"])
        .ok_or_else(|| ChannelError::unexpected("the order has no create_time"))?;
    let skus = rows(&order["sku_order_list"]);
    let Some(first) = skus.first() else {
        return Err(ChannelError::unexpected("the order has no sku_order_list"));
    };
    let lines = skus.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    Ok(ChannelOrder {
        external_id,
        native_state: match integer(&order["main_status"]).filter(|main| *main != status) {
            Some(main) => format!("{status}/{main}"),
            None => status.to_string(),
        },
        state: state(status, order),
        created_at,
        updated_at: moment(&order["update_time"]).unwrap_or(created_at),
        paid_at: moment(&order["pay_time"]),
        shipped_at: moment(&order["ship_time"]),
        confirmed_at: moment(&order["finish_time"]).filter(|_| status == 5),
        settled_at: None,
        transaction_id: text(&order["channel_payment_no"]),
        amounts: amounts(order, &lines)?,
        lines,
        buyer_open_id: text(&order["doudian_open_id"]),
        buyer_union_id: None,
        address: address(order),
        attribution: attribution(first),
        buyer_notes: text(&order["buyer_words"]),
        merchant_notes: text(&order["seller_words"]),
        parcels: rows(&order["logistics_info"]).iter().filter_map(parcel).collect(),
        // The order tells states of after-sale and not the ids of the cases.
        after_sale_ids: Vec::new(),
        address_wish: None,
    })
}

/// Zero means "not yet" in every time field.
fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

fn state(status: i64, order: &Value) -> OrderState {
    let main = integer(&order["main_status"]).unwrap_or(status);
    match (status, main) {
        // Every line went back: before, after the parcel left, after receipt.
        (_, 21 | 22 | 39) => OrderState::Cancelled(CancelReason::AllRefunded),
        (1, _) => OrderState::AwaitingPayment,
        (105 | 2, _) => OrderState::Paid,
        (101, _) => OrderState::PartShipped,
        (3, _) => OrderState::Shipped,
        (5, _) => OrderState::Completed,
        (4, _) if moment(&order["pay_time"]).is_some() => OrderState::Cancelled(CancelReason::AllRefunded),
        (4, _) => OrderState::Cancelled(CancelReason::Unpaid),
        (other, _) => OrderState::Unknown(other.to_string()),
    }
}

fn fen(value: &Value, field: &str) -> Result<Fen, ChannelError> {
    integer(&value[field])
        .filter(|amount| *amount >= 0)
        .map(Fen::new)
        .ok_or_else(|| ChannelError::unexpected(format!("the order has no amount {field}")))
}

fn overflow(error: MoneyOverflow) -> ChannelError {
    ChannelError::unexpected(error.to_string())
}

fn line(sku: &Value) -> Result<ChannelOrderLine, ChannelError> {
    let missing = |field: &str| ChannelError::unexpected(format!("a line has no {field}"));
    let quantity =
        integer(&sku["item_num"]).filter(|quantity| *quantity > 0).ok_or_else(|| missing("item_num"))?;
    let unit_price = fen(sku, "origin_amount")?;
    let goods = unit_price.times(quantity).map_err(overflow)?;
    let discount = integer(&sku["promotion_amount"]).unwrap_or(0).max(0);
    let line_total = goods.sub(Fen::new(discount)).map_err(overflow)?;
    let specs: Vec<String> = rows(&sku["spec"]).iter().filter_map(|spec| text(&spec["value"])).collect();
    // 12 = refunded, 53 = the way back is complete; 27, 28, 51 and 0 = no open case.
    let (open, done) = match integer(&sku["after_sale_info"]["after_sale_status"]).unwrap_or(0) {
        12 | 53 => (0, quantity),
        6 | 7 | 11 | 13 | 14 | 29 => (quantity, 0),
        _ => (0, 0),
    };
    Ok(ChannelOrderLine {
        product_id: text(&sku["product_id_str"])
            .or_else(|| id(&sku["product_id"]))
            .ok_or_else(|| missing("product_id"))?,
        sku_id: id(&sku["sku_id"]).ok_or_else(|| missing("sku_id"))?,
        out_product_id: id(&sku["out_product_id"]).filter(|id| id != "0"),
        out_sku_id: id(&sku["out_sku_id"]).filter(|id| id != "0"),
        sku_code: text(&sku["code"]),
        title: text(&sku["product_name"]).unwrap_or_default(),
        spec_text: specs.join(" / "),
        picture_url: text(&sku["product_pic"]),
        quantity,
        unit_price,
        line_total,
        after_sale_quantity: open,
        after_sale_done_quantity: done,
    })
}

fn amounts(order: &Value, lines: &[ChannelOrderLine]) -> Result<OrderAmounts, ChannelError> {
    let mut goods = Fen::ZERO;
    for line in lines {
        goods = line.unit_price.times(line.quantity).and_then(|sum| goods.add(sum)).map_err(overflow)?;
    }
    let freight = match integer(&order["post_amount"]) {
        Some(_) => fen(order, "post_amount")?,
        None => Fen::ZERO,
    };
    let total = fen(order, "pay_amount")?;
    // Before it is paid the platform may tell nothing paid; what is due then is the order's amount.
    let total = if total == Fen::ZERO && moment(&order["pay_time"]).is_none() {
        fen(order, "order_amount")?
    } else {
        total
    };
    let discount = goods.add(freight).and_then(|sum| sum.sub(total)).map_err(overflow)?;
    Ok(OrderAmounts { goods, freight, discount, total, merchant_receivable: None })
}

fn address(order: &Value) -> Option<MaskedAddress> {
    let place = &order["mask_post_addr"];
    place.as_object().filter(|object| !object.is_empty())?;
    let named = |level: &str| text(&place[level]["name"]).unwrap_or_default();
    Some(MaskedAddress {
        name: text(&order["mask_post_receiver"]).unwrap_or_default(),
        phone: text(&order["mask_post_tel"]).unwrap_or_default(),
        province: named("province"),
        city: named("city"),
        district: named("town"),
        detail: format!("{}{}", named("street"), text(&place["detail"]).unwrap_or_default()),
    })
}

/// The room tells a live sale, the video a short video's; `c_biz` says for whom the creator sold.
fn attribution(sku: &Value) -> Attribution {
    let present = |field: &str| id(&sku[field]).filter(|id| id != "0");
    let native = present("c_biz").unwrap_or_default();
    let live_id = present("room_id_str").or_else(|| present("room_id"));
    let scene = if live_id.is_some() {
        Scene::Live
    } else if present("video_id").is_some() {
        Scene::ShortVideo
    } else {
        Scene::Other
    };
    let account = present("author_id").map(|external_id| SourceAccount {
        kind: CREATOR.to_owned(),
        external_id,
        name: text(&sku["author_name"]),
        relation: match native.as_str() {
            "2" => Relation::Alliance,
            "8" => Relation::Linked,
            other => Relation::Unknown(other.to_owned()),
        },
    });
    Attribution { scene, native_scene: native, account, live_id }
}

fn parcel(info: &Value) -> Option<ChannelParcel> {
    Some(ChannelParcel {
        carrier_id: text(&info["company"]).unwrap_or_default(),
        carrier_name: text(&info["company_name"]),
        waybill: id(&info["tracking_no"])?,
        shipped_at: moment(&info["ship_time"]),
        lines: rows(&info["product_info"])
            .iter()
            .filter_map(|row| {
                Some(ParcelLine {
                    product_id: text(&row["product_id_str"]).or_else(|| id(&row["product_id"]))?,
                    sku_id: id(&row["sku_id"])?,
                    quantity: integer(&row["product_count"])?,
                })
            })
            .collect(),
    })
}
