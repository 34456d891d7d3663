//! Remark, price and address of an order. Each is written by a call of its own; what changes money or asks the buyer
//! reads the order first.
//!
//! Facts are the platform's documents: a price can only go down, at most fifty times, and is the total of a SKU; an
//! address can be changed five times before shipping and then waits for the buyer; a buyer's wish waits twelve hours.

use crate::{WechatStore, order, orders};
use qianpu_domain::money::Fen;
use qianpu_sdk::wire::integer;
use qianpu_sdk::{
    AddressAnswer, Answer, ChannelError, ChannelOrder, Context, ErrorClass, NewAddress, OrderDesk,
    OrderState, Repricing, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Ours: the platform documents no ceiling.
const MOST_WORDS: usize = 200;

#[derive(Serialize, Deserialize)]
enum Doing<T> {
    Reading(T),
    Telling,
}

fn told<T>(body: &Value, outcome: T) -> Turn<T> {
    match body.get("errcode") {
        Some(_) => Ok(Step::Done(outcome)),
        None => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

fn refused(detail: impl Into<String>) -> ChannelError {
    ChannelError::new(ErrorClass::BusinessRefusal, detail)
}

/// The call that sets the prices; none when they are so already. A change that is taken undoes the one before it, so
/// what was changed before is named again.
fn prices(cx: &Context<'_>, wanted: &Repricing, body: &Value) -> Result<Option<Request>, ChannelError> {
    let order = order::read(body)?;
    if order.state != OrderState::AwaitingPayment {
        return Err(refused(format!("the order is in state {} and keeps its price", order.native_state)));
    }
    let mut same = wanted.freight.is_none_or(|freight| freight == order.amounts.freight);
    for (index, line) in wanted.lines.iter().enumerate() {
        let field = || format!("lines[{index}].total");
        let known =
            order.lines.iter().find(|it| it.product_id == line.product_id && it.sku_id == line.sku_id);
        let known = known.ok_or_else(|| ChannelError::field(field(), "unknown", "该商品不在订单里"))?;
        let full = known.unit_price.times(known.quantity).map_err(|error| refused(error.to_string()))?;
        if !(Fen::new(1)..=full).contains(&line.total) {
            return Err(ChannelError::field(field(), "range", "改价只能降低，且至少为0.01元"));
        }
        same &= line.total == known.line_total;
    }
    if same {
        return Ok(None);
    }
    let detail = &body["order"]["order_detail"];
    let before = detail["product_infos"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = order.lines.iter().zip(before).filter_map(|(line, info)| {
        let asked =
            wanted.lines.iter().find(|it| it.product_id == line.product_id && it.sku_id == line.sku_id);
        let kept = || info["is_change_price"].as_bool()?.then(|| integer(&info["change_price"]))?;
        let total = asked.map(|line| line.total.get()).or_else(kept)?;
        Some(json!({ "product_id": line.product_id, "sku_id": line.sku_id, "change_price": total }))
    });
    let price = &detail["price_info"];
    let kept = || price["is_change_freight"].as_bool()?.then(|| integer(&price["change_freight"]))?;
    let freight = wanted.freight.map(Fen::get).or_else(kept);
    let mut asked = json!({
        "order_id": wanted.order_id, "change_express": freight.is_some(),
        "change_order_infos": told.collect::<Vec<_>>(),
    });
    if let (Some(fields), Some(freight)) = (asked.as_object_mut(), freight) {
        fields.insert("express_fee".to_owned(), json!(freight));
    }
    account_post(cx, "/channels/ec/order/price/update", &asked).map(Some)
}

fn not_sent(order: &ChannelOrder) -> Result<(), ChannelError> {
    match order.state {
        OrderState::AwaitingPayment | OrderState::Paid => Ok(()),
        _ => Err(refused(format!("the order is in state {} and keeps its address", order.native_state))),
    }
}

impl OrderDesk for WechatStore {
    fn note(&self, cx: &Context<'_>, order_id: &str, words: &str) -> Turn<()> {
        if words.chars().count() > MOST_WORDS {
            return Err(ChannelError::field("merchant_notes", "length", "备注最多200个字"));
        }
        let body = json!({ "order_id": order_id, "merchant_notes": words });
        // Setting the same words twice does no harm.
        let request = account_post(cx, "/channels/ec/order/merchantnotes/update", &body)?.idempotent();
        Ok(Step::call(request, Vec::new()))
    }

    fn resume_note(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<()> {
        told(&read_only(cx, answers)?, ())
    }

    fn reprice(&self, cx: &Context<'_>, wanted: &Repricing) -> Turn<()> {
        let state = encode_state(&Doing::Reading(wanted.clone()))?;
        Ok(Step::call(orders::get(cx, &wanted.order_id)?, state))
    }

    fn resume_reprice(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        let body = read_only(cx, answers)?;
        let wanted: Repricing = match decode_state(state)? {
            Doing::Reading(wanted) => wanted,
            Doing::Telling => return told(&body, ()),
        };
        match prices(cx, &wanted, &body)? {
            Some(request) => Ok(Step::call(request, encode_state(&Doing::<Repricing>::Telling)?)),
            None => Ok(Step::Done(())),
        }
    }

    fn answer_address(&self, cx: &Context<'_>, order_id: &str, agreed: bool) -> Turn<AddressAnswer> {
        let state = encode_state(&Doing::Reading((order_id.to_owned(), agreed)))?;
        Ok(Step::call(orders::get(cx, order_id)?, state))
    }

    fn resume_answer_address(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<AddressAnswer> {
        let body = read_only(cx, answers)?;
        let (order_id, agreed): (String, bool) = match decode_state(state)? {
            Doing::Reading(asked) => asked,
            Doing::Telling => return told(&body, AddressAnswer::Taken),
        };
        if order::read(&body)?.address_wish.is_none() {
            return Ok(Step::Done(AddressAnswer::NothingWaits));
        }
        let answer = if agreed { "accept" } else { "reject" };
        let path = format!("/channels/ec/order/addressmodify/{answer}");
        let request = account_post(cx, &path, &json!({ "order_id": order_id }))?;
        Ok(Step::call(request, encode_state(&Doing::<(String, bool)>::Telling)?))
    }

    fn change_address(&self, cx: &Context<'_>, order_id: &str, address: &NewAddress) -> Turn<()> {
        let state = encode_state(&Doing::Reading((order_id.to_owned(), address.clone())))?;
        Ok(Step::call(orders::get(cx, order_id)?, state))
    }

    fn resume_change_address(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        let body = read_only(cx, answers)?;
        let (order_id, to): (String, NewAddress) = match decode_state(state)? {
            Doing::Reading(asked) => asked,
            Doing::Telling => return told(&body, ()),
        };
        not_sent(&order::read(&body)?)?;
        let asked = json!({ "order_id": order_id, "user_address": {
            "user_name": to.name, "tel_number": to.phone, "province_name": to.province, "city_name": to.city,
            "county_name": to.district, "detail_info": to.detail,
        }});
        let request = account_post(cx, "/channels/ec/order/address/update", &asked)?.redacted("user_address");
        Ok(Step::call(request, encode_state(&Doing::<(String, NewAddress)>::Telling)?))
    }
}
