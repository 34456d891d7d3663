//! Reading an order (`order/get`) into our words.

use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    AddressWish, Attribution, CancelReason, ChannelError, ChannelOrder, ChannelOrderLine, ChannelParcel,
    MaskedAddress, OrderAmounts, OrderState, ParcelLine, Relation, Scene, SourceAccount,
};
use qianpu_wechat_wire::call::required_id;
use qianpu_wechat_wire::profile::{CHANNELS_ACCOUNT, MINI_PROGRAM, OFFICIAL_ACCOUNT};
use serde_json::Value;

/// Reads the answer of `order/get`.
pub(crate) fn read(body: &Value) -> Result<ChannelOrder, ChannelError> {
    let order = &body["order"];
    let detail = &order["order_detail"];
    let status =
        integer(&order["status"]).ok_or_else(|| ChannelError::unexpected("the order has no status"))?;
    let created_at = moment(&order["create_time"])
        .ok_or_else(|| ChannelError::unexpected("the order has no create_time"))?;
    let lines = detail["product_infos"].as_array().map(Vec::as_slice).unwrap_or_default();
    if lines.is_empty() {
        return Err(ChannelError::unexpected("the order has no product_infos"));
    }
    let delivery = &detail["delivery_info"];
    let ext = &detail["ext_info"];
    Ok(ChannelOrder {
        external_id: required_id(order, "order_id")?,
        native_state: status.to_string(),
        state: state(status),
        created_at,
        updated_at: moment(&order["update_time"]).unwrap_or(created_at),
        paid_at: moment(&detail["pay_info"]["pay_time"]),
        shipped_at: moment(&delivery["ship_done_time"]),
        confirmed_at: moment(&ext["confirm_receipt_time"]),
        settled_at: moment(&detail["settle_info"]["settle_time"]),
        transaction_id: id(&detail["pay_info"]["transaction_id"]),
        lines: lines.iter().map(line).collect::<Result<_, _>>()?,
        amounts: amounts(&detail["price_info"])?,
        buyer_open_id: text(&order["openid"]),
        buyer_union_id: text(&order["unionid"]),
        address: address(&delivery["address_info"]),
        attribution: attribution(ext, &detail["source_info"]),
        buyer_notes: text(&ext["customer_notes"]),
        merchant_notes: text(&ext["merchant_notes"]),
        parcels: rows(&delivery["delivery_product_info"]).iter().filter_map(parcel).collect(),
        after_sale_ids: rows(&order["aftersale_detail"]["aftersale_order_list"])
            .iter()
            .filter_map(|row| id(&row["aftersale_order_id"]))
            .collect(),
        address_wish: wish(delivery),
    })
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Zero means "not yet" in every time field.
fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

fn state(status: i64) -> OrderState {
    match status {
        10 => OrderState::AwaitingPayment,
        20 => OrderState::Paid,
        21 => OrderState::PartShipped,
        30 => OrderState::Shipped,
        100 => OrderState::Completed,
        190 => OrderState::Cancelled(CancelReason::Oversold),
        200 => OrderState::Cancelled(CancelReason::AllRefunded),
        250 => OrderState::Cancelled(CancelReason::Unpaid),
        other => OrderState::Unknown(other.to_string()),
    }
}

fn fen(value: &Value, field: &str) -> Result<Fen, ChannelError> {
    integer(&value[field])
        .filter(|amount| *amount >= 0)
        .map(Fen::new)
        .ok_or_else(|| ChannelError::unexpected(format!("the order has no amount {field}")))
}

fn line(info: &Value) -> Result<ChannelOrderLine, ChannelError> {
    let quantity = integer(&info["sku_cnt"])
        .filter(|quantity| *quantity > 0)
        .ok_or_else(|| ChannelError::unexpected("a line has no sku_cnt"))?;
    let unit_price = fen(info, "sale_price")?;
    let line_total = match integer(&info["real_price"]) {
        Some(_) => fen(info, "real_price")?,
        None => unit_price.times(quantity).map_err(|error| ChannelError::unexpected(error.to_string()))?,
    };
    let specs: Vec<String> =
        rows(&info["sku_attrs"]).iter().filter_map(|attr| text(&attr["attr_value"])).collect();
    Ok(ChannelOrderLine {
        product_id: required_id(info, "product_id")?,
        sku_id: required_id(info, "sku_id")?,
        out_product_id: text(&info["out_product_id"]),
        out_sku_id: text(&info["out_sku_id"]),
        sku_code: text(&info["sku_code"]),
        title: text(&info["title"]).unwrap_or_default(),
        spec_text: specs.join(" / "),
        picture_url: text(&info["thumb_img"]),
        quantity,
        unit_price,
        line_total,
        after_sale_quantity: integer(&info["on_aftersale_sku_cnt"]).unwrap_or(0).max(0),
        after_sale_done_quantity: integer(&info["finish_aftersale_sku_cnt"]).unwrap_or(0).max(0),
    })
}

fn amounts(price: &Value) -> Result<OrderAmounts, ChannelError> {
    let (goods, total) = (fen(price, "product_price")?, fen(price, "order_price")?);
    let freight = match integer(&price["freight"]) {
        Some(_) => fen(price, "freight")?,
        None => Fen::ZERO,
    };
    let overflow = |error: qianpu_domain::money::MoneyOverflow| ChannelError::unexpected(error.to_string());
    // The platform spreads discounts over five fields that differ by generation; the difference is what counts.
    let discount = goods.add(freight).and_then(|sum| sum.sub(total)).map_err(overflow)?;
    let merchant_receivable = match integer(&price["merchant_receieve_price"]) {
        Some(amount) if amount > 0 => Some(Fen::new(amount)),
        _ => None,
    };
    Ok(OrderAmounts { goods, freight, discount, total, merchant_receivable })
}

/// The platform agrees by itself after twelve hours.
const WISH_WAITS: Span = Span::hours(12);

/// The document has `address_under_review` as an address: it is there while the merchant has to decide.
fn wish(delivery: &Value) -> Option<AddressWish> {
    let address = address(&delivery["address_under_review"])?;
    let asked_at = moment(&delivery["address_apply_time"]);
    Some(AddressWish { address, asked_at, until: asked_at.map(|at| at.plus(WISH_WAITS)) })
}

fn address(info: &Value) -> Option<MaskedAddress> {
    info.as_object().filter(|object| !object.is_empty())?;
    let part = |field: &str| text(&info[field]).unwrap_or_default();
    Some(MaskedAddress {
        name: part("user_name"),
        phone: part("tel_number"),
        province: part("province_name"),
        city: part("city_name"),
        district: part("county_name"),
        detail: format!("{}{}", part("detail_info"), part("house_number")),
    })
}

fn attribution(ext: &Value, source: &Value) -> Attribution {
    let native = id(&ext["order_scene"]).unwrap_or_default();
    let scene = match native.as_str() {
        "" | "0" | "1" => Scene::Other,
        "2" => Scene::Live,
        "3" => Scene::ShortVideo,
        "4" => Scene::Share,
        "5" => Scene::Window,
        "6" => Scene::Article,
        other => Scene::Unknown(other.to_owned()),
    };
    let source = source.as_array().and_then(|sources| sources.first()).unwrap_or(source);
    let account = id(&source["account_id"]).map(|external_id| SourceAccount {
        kind: match id(&source["account_type"]).unwrap_or_default().as_str() {
            "1" => CHANNELS_ACCOUNT.to_owned(),
            "2" => OFFICIAL_ACCOUNT.to_owned(),
            "3" => MINI_PROGRAM.to_owned(),
            other => other.to_owned(),
        },
        external_id,
        name: text(&source["account_nickname"]),
        relation: match id(&source["sale_channel"]).unwrap_or_default().as_str() {
            "0" => Relation::Linked,
            "1" => Relation::Cooperating,
            "100" => Relation::Alliance,
            other => Relation::Unknown(other.to_owned()),
        },
    });
    Attribution { scene, native_scene: native, account, live_id: id(&ext["live_id"]) }
}

fn parcel(info: &Value) -> Option<ChannelParcel> {
    Some(ChannelParcel {
        carrier_id: id(&info["delivery_id"]).unwrap_or_default(),
        carrier_name: text(&info["delivery_name"]),
        waybill: id(&info["waybill_id"])?,
        shipped_at: moment(&info["delivery_time"]),
        lines: rows(&info["product_infos"])
            .iter()
            .filter_map(|row| {
                Some(ParcelLine {
                    product_id: id(&row["product_id"])?,
                    sku_id: id(&row["sku_id"])?,
                    quantity: integer(&row["product_cnt"])?,
                })
            })
            .collect(),
    })
}
