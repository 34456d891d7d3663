//! Listing what changed, and reading one order.

use crate::Plugin;
use crate::platform::{post, read};
use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, Attribution, CancelReason, ChannelError, ChannelOrder, ChannelOrderLine, Context,
    MaskedAddress, OrderAmounts, OrderState, Orders, Page, Scene, Step, TimeWindow, Turn,
};
use serde_json::{Value, json};

impl Orders for Plugin {
    fn list_changed(
        &self,
        cx: &Context<'_>,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Turn<Page<String>> {
        let length = window.to.since(window.from);
        if length.as_micros() < 0 || length > Span::days(7) {
            return Err(ChannelError::field(
                "window",
                "range",
                "时间范围不能超过 7 天",
            ));
        }
        let body = json!({
            "update_time_range": { "start_time": window.from.seconds(), "end_time": window.to.seconds() },
            "page_size": 100,
            "next_key": cursor.unwrap_or_default(),
        });
        Ok(Step::call(
            post(cx, "/channels/ec/order/list/get", &body)?,
            Vec::new(),
        ))
    }
    fn resume_list_changed(
        &self,
        _cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<String>> {
        let body = read(answers)?;
        let rows = match &body["order_id_list"] {
            // The platform leaves the list out when it is empty, and then says that all is well.
            Value::Null if body.get("errcode").is_some() => &[][..],
            Value::Array(rows) => rows,
            _ => return Err(missing("order_id_list")),
        };
        let items = rows
            .iter()
            .map(|row| id(row).ok_or_else(|| missing("order id")))
            .collect::<Result<_, _>>()?;
        let more = body["has_more"].as_bool().unwrap_or(false);
        Ok(Step::Done(Page {
            items,
            next_cursor: text(&body["next_key"]).filter(|_| more),
        }))
    }
    fn fetch(&self, cx: &Context<'_>, order_id: &str) -> Turn<ChannelOrder> {
        Ok(Step::call(
            post(
                cx,
                "/channels/ec/order/get",
                &json!({ "order_id": order_id }),
            )?,
            Vec::new(),
        ))
    }
    fn resume_fetch(
        &self,
        _cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<ChannelOrder> {
        order(&read(answers)?["order"]).map(Step::Done)
    }
}

fn missing(field: &str) -> ChannelError {
    ChannelError::unexpected(format!("the answer has no {field}"))
}

/// Zero means "not yet" in every time field.
fn moment(value: &Value) -> Option<Timestamp> {
    integer(value)
        .filter(|seconds| *seconds > 0)
        .map(Timestamp::from_seconds)
}

fn fen(of: &Value, field: &str) -> Result<Fen, ChannelError> {
    let amount = integer(&of[field]).filter(|amount| *amount >= 0);
    amount.map(Fen::new).ok_or_else(|| missing(field))
}

/// Never guess: what is not in the table stays what the platform said.
fn state(status: &str) -> OrderState {
    match status {
        "10" => OrderState::AwaitingPayment,
        "20" => OrderState::Paid,
        "21" => OrderState::PartShipped,
        "30" => OrderState::Shipped,
        "100" => OrderState::Completed,
        "190" => OrderState::Cancelled(CancelReason::Oversold),
        "200" => OrderState::Cancelled(CancelReason::AllRefunded),
        "250" => OrderState::Cancelled(CancelReason::Unpaid),
        other => OrderState::Unknown(other.to_owned()),
    }
}

fn order(order: &Value) -> Result<ChannelOrder, ChannelError> {
    let detail = &order["order_detail"];
    let (delivery, ext) = (&detail["delivery_info"], &detail["ext_info"]);
    let status = id(&order["status"]).ok_or_else(|| missing("status"))?;
    let created_at = moment(&order["create_time"]).ok_or_else(|| missing("create_time"))?;
    let lines = detail["product_infos"]
        .as_array()
        .filter(|lines| !lines.is_empty());
    let lines = lines.ok_or_else(|| missing("product_infos"))?;
    let external_id = id(&order["order_id"]).ok_or_else(|| missing("order_id"))?;
    let lines = lines.iter().map(line).collect::<Result<_, _>>()?;
    let amounts = amounts(&detail["price_info"])?;
    let state = state(&status);
    Ok(ChannelOrder {
        updated_at: moment(&order["update_time"]).unwrap_or(created_at),
        paid_at: moment(&detail["pay_info"]["pay_time"]),
        shipped_at: moment(&delivery["ship_done_time"]),
        confirmed_at: moment(&ext["confirm_receipt_time"]),
        transaction_id: id(&detail["pay_info"]["transaction_id"]),
        buyer_open_id: text(&order["openid"]),
        buyer_union_id: text(&order["unionid"]),
        address: address(&delivery["address_info"]),
        attribution: attribution(ext),
        buyer_notes: text(&ext["customer_notes"]),
        merchant_notes: text(&ext["merchant_notes"]),
        ..ChannelOrder::new(external_id, status, state, created_at, lines, amounts)
    })
}

fn line(info: &Value) -> Result<ChannelOrderLine, ChannelError> {
    let quantity = integer(&info["sku_cnt"])
        .filter(|it| *it > 0)
        .ok_or_else(|| missing("sku_cnt"))?;
    let product_id = id(&info["product_id"]).ok_or_else(|| missing("product_id"))?;
    let sku_id = id(&info["sku_id"]).ok_or_else(|| missing("sku_id"))?;
    let line = ChannelOrderLine::new(product_id, sku_id, quantity, fen(info, "sale_price")?)
        .map_err(|error| ChannelError::unexpected(error.to_string()))?;
    let line_total = match integer(&info["real_price"]) {
        Some(_) => fen(info, "real_price")?,
        None => line.line_total,
    };
    let specs = info["sku_attrs"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let specs: Vec<String> = specs
        .iter()
        .filter_map(|attribute| text(&attribute["attr_value"]))
        .collect();
    Ok(ChannelOrderLine {
        out_product_id: text(&info["out_product_id"]),
        out_sku_id: text(&info["out_sku_id"]),
        sku_code: text(&info["sku_code"]),
        title: text(&info["title"]).unwrap_or_default(),
        spec_text: specs.join(" / "),
        picture_url: text(&info["thumb_img"]),
        line_total,
        ..line
    })
}

fn amounts(price: &Value) -> Result<OrderAmounts, ChannelError> {
    let (goods, total) = (fen(price, "product_price")?, fen(price, "order_price")?);
    let freight = if price["freight"].is_null() {
        Fen::ZERO
    } else {
        fen(price, "freight")?
    };
    let discount = goods.add(freight).and_then(|sum| sum.sub(total));
    let discount = discount.map_err(|error| ChannelError::unexpected(error.to_string()))?;
    Ok(OrderAmounts {
        goods,
        freight,
        discount,
        total,
        merchant_receivable: None,
    })
}

/// As the platform shows it: masked.
fn address(info: &Value) -> Option<MaskedAddress> {
    info.as_object().filter(|fields| !fields.is_empty())?;
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

fn attribution(ext: &Value) -> Attribution {
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
    Attribution {
        scene,
        native_scene: native,
        account: None,
        live_id: None,
    }
}
