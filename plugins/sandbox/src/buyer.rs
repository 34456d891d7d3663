//! What buyers do: order, pay, cancel, confirm receipt, ask for a refund. Shared by the control calls and the pages.

use crate::aftersale;
use crate::clock::{Now, random_text};
use crate::dispute;
use crate::state::{
    AfterSale, LIMIT, Line, Order, PostAddress, State, id_of, int_of, openid_of, text_of, unionid_of,
};
use crate::store_order::{CANCELLED, DONE, PART_SHIPPED, SHIPPED, TO_SHIP, UNPAID};
use crate::store_product::{LISTED, skus_of};
use serde::Deserialize;
use serde_json::Value;

const ORDER_IDS: u64 = 3_705_115_058_400_000_000;
const COMPLAINT_IDS: u64 = 5_200_000_000_000_000;
const AFTERSALE_IDS: u64 = 4_611_686_018_400_000_000;
const SHORT_STOCK: i64 = 3;

#[derive(Deserialize)]
pub struct Item {
    pub product_id: Value,
    #[serde(default)]
    pub sku_id: Value,
    #[serde(default = "one")]
    pub quantity: i64,
}

fn one() -> i64 {
    1
}

fn buyer() -> String {
    "buyer".into()
}

#[derive(Deserialize)]
pub struct NewOrder {
    pub appid: String,
    #[serde(default = "buyer")]
    pub buyer: String,
    pub items: Vec<Item>,
    /// 1 other, 2 live room, 3 short video, 4 shared product, 5 window, 6 article card.
    #[serde(default = "one")]
    pub scene: i64,
    #[serde(default)]
    pub finder_id: String,
    #[serde(default)]
    pub live_id: String,
    /// `order_detail.source_info` as it shall be shown.
    #[serde(default)]
    pub source: Option<Value>,
    #[serde(default)]
    pub address: Option<PostAddress>,
    #[serde(default)]
    pub customer_notes: String,
    #[serde(default)]
    pub freight: i64,
    #[serde(default)]
    pub pay: bool,
}

pub fn default_address(buyer: &str) -> PostAddress {
    PostAddress {
        user_name: buyer.to_owned(),
        tel_number: "13800138000".into(),
        postal_code: "510000".into(),
        province_name: "广东省".into(),
        city_name: "广州市".into(),
        county_name: "海珠区".into(),
        detail_info: "新港中路397号".into(),
        house_number: "1单元101".into(),
    }
}

/// Where a buyer moves to: the same person, another town.
pub fn moved_address(state: &State, id: u64) -> PostAddress {
    let now = state.orders.get(&id).map(|order| order.address.clone()).unwrap_or_default();
    PostAddress {
        province_name: "浙江省".into(),
        city_name: "杭州市".into(),
        county_name: "西湖区".into(),
        detail_info: "文三路90号".into(),
        ..now
    }
}

fn line_of(state: &State, appid: &str, item: &Item) -> Result<Line, String> {
    let id = id_of(Some(&item.product_id)).ok_or("product_id is needed")?;
    let product =
        state.products.get(&id).filter(|p| p.appid == appid).ok_or("no such product at this store")?;
    if product.status != LISTED {
        return Err("the product is not listed".into());
    }
    let online = product.online.as_ref().ok_or("the product is not online")?;
    let wanted = id_of(Some(&item.sku_id));
    let sku = skus_of(online).find(|sku| wanted.is_none() || id_of(sku.get("sku_id")) == wanted);
    let sku = sku.ok_or("no such SKU")?;
    let sku_id = id_of(sku.get("sku_id")).ok_or("the SKU has no id")?;
    if !(1..=1_000).contains(&item.quantity) {
        return Err("quantity must be 1..=1000".into());
    }
    if product.stock.get(&sku_id).copied().unwrap_or(0) < item.quantity {
        return Err("out of stock".into());
    }
    let first_picture = online.get("head_imgs").and_then(|imgs| imgs.get(0));
    let thumb = text_of(sku.get("thumb_img"));
    Ok(Line {
        product_id: id,
        sku_id,
        title: text_of(online.get("title")).to_owned(),
        thumb_img: if thumb.is_empty() { text_of(first_picture) } else { thumb }.to_owned(),
        sku_cnt: item.quantity,
        sale_price: int_of(sku.get("sale_price")).unwrap_or(0),
        market_price: int_of(sku.get("market_price")).unwrap_or(0),
        sku_code: text_of(sku.get("sku_code")).to_owned(),
        sku_attrs: sku.get("sku_attrs").cloned().unwrap_or_else(|| Value::Array(Vec::new())),
        out_product_id: product.out_product_id.clone(),
        out_sku_id: text_of(sku.get("out_sku_id")).to_owned(),
        shipped: 0,
        changed_total: None,
        in_aftersale: 0,
        refunded: 0,
    })
}

pub fn place(state: &mut State, now: Now, new: NewOrder) -> Result<u64, String> {
    if state.orders.len() >= LIMIT {
        return Err("too many orders; reset the sandbox".into());
    }
    if new.items.is_empty() || new.items.len() > 50 {
        return Err("an order has 1..=50 items".into());
    }
    if !(1..=6).contains(&new.scene) || !(0..=1_000_000_000).contains(&new.freight) {
        return Err("scene must be 1..=6 and freight not negative".into());
    }
    if new.buyer.is_empty() || new.buyer.chars().count() > 60 || new.customer_notes.chars().count() > 500 {
        return Err("the buyer's name or note is empty or too long".into());
    }
    let mut lines: Vec<Line> = Vec::new();
    for item in &new.items {
        let line = line_of(state, &new.appid, item)?;
        if lines.iter().any(|l| l.sku_id == line.sku_id) {
            return Err("a SKU stands twice in the order".into());
        }
        lines.push(line);
    }
    let mut short = Vec::new();
    for line in &lines {
        let product = state.products.get_mut(&line.product_id);
        if let Some(left) = product.and_then(|p| p.stock.get_mut(&line.sku_id)) {
            *left -= line.sku_cnt;
            if *left <= SHORT_STOCK {
                short.push((line.product_id, line.sku_id, *left));
            }
        }
    }
    let order_id = state.new_id(ORDER_IDS);
    let order = Order {
        order_id,
        openid: openid_of(&new.appid, &new.buyer),
        unionid: unionid_of(state.accounts.get(&new.appid), &new.buyer),
        status: UNPAID,
        create_time: now.seconds(),
        update_time: now.seconds(),
        lines,
        freight: new.freight,
        changed_freight: None,
        address: new.address.unwrap_or_else(|| default_address(&new.buyer)),
        appid: new.appid,
        scene: new.scene,
        finder_id: new.finder_id,
        live_id: new.live_id,
        source: new.source,
        customer_notes: new.customer_notes,
        merchant_notes: String::new(),
        pay_time: None,
        transaction_id: String::new(),
        prepay_id: format!("wx{}", random_text(34)),
        deliveries: Vec::new(),
        ship_done_time: None,
        confirm_time: None,
        settle_time: None,
        aftersale_ids: Vec::new(),
        address_wish: None,
        address_wish_time: 0,
        proposed_address: None,
        price_changes: 0,
        address_changes: 0,
    };
    state.orders.insert(order_id, order);
    state.push_order_new(now, order_id);
    for (product_id, sku_id, left) in short {
        state.push_stock_short(now, product_id, sku_id, left);
    }
    if new.pay {
        pay(state, now, order_id)?;
    }
    Ok(order_id)
}

fn in_state<'a>(state: &'a mut State, id: u64, allowed: &[i64]) -> Result<&'a mut Order, String> {
    let order = state.orders.get_mut(&id).ok_or("no such order")?;
    if allowed.contains(&order.status) {
        Ok(order)
    } else {
        Err(format!("the order's status {} does not allow this", order.status))
    }
}

pub fn pay(state: &mut State, now: Now, id: u64) -> Result<(), String> {
    let order = in_state(state, id, &[UNPAID])?;
    order.status = TO_SHIP;
    order.pay_time = Some(now.seconds());
    order.transaction_id = format!("4200{:0>24}", id);
    order.update_time = now.seconds();
    state.push_order_pay(now, id, now.seconds());
    state.push_order_wait_shipping(now, id);
    Ok(())
}

/// Cancels an unpaid order and gives the stock back: 1 the buyer, 2 nobody paid in time.
pub fn cancel(state: &mut State, now: Now, id: u64, cancel_type: i64) -> Result<(), String> {
    let order = in_state(state, id, &[UNPAID])?;
    order.status = CANCELLED;
    order.update_time = now.seconds();
    let lines = order.lines.clone();
    for line in lines {
        let product = state.products.get_mut(&line.product_id);
        if let Some(left) = product.and_then(|p| p.stock.get_mut(&line.sku_id)) {
            *left += line.sku_cnt;
        }
    }
    state.push_order_cancel(now, id, cancel_type);
    Ok(())
}

/// 1 the buyer confirmed, 2 the days ran out.
pub fn confirm(state: &mut State, now: Now, id: u64, confirm_type: i64) -> Result<(), String> {
    let order = in_state(state, id, &[SHIPPED])?;
    order.status = DONE;
    order.confirm_time = Some(now.seconds());
    order.update_time = now.seconds();
    state.push_order_confirm(now, id, confirm_type);
    Ok(())
}

pub fn settle(state: &mut State, now: Now, id: u64) -> Result<(), String> {
    let order = in_state(state, id, &[DONE])?;
    if order.settle_time.is_some() {
        return Err("the order is settled already".into());
    }
    order.settle_time = Some(now.seconds());
    order.update_time = now.seconds();
    state.push_order_settle(now, id, now.seconds());
    Ok(())
}

#[derive(Deserialize)]
pub struct NewAfterSale {
    /// REFUND | RETURN | EXCHANGE
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub sku_id: Value,
    #[serde(default)]
    pub count: Option<i64>,
    #[serde(default)]
    pub amount: Option<i64>,
    #[serde(default)]
    pub reason: String,
}

pub fn ask_refund(state: &mut State, now: Now, order_id: u64, new: NewAfterSale) -> Result<u64, String> {
    if state.aftersales.len() >= LIMIT {
        return Err("too many after-sale orders; reset the sandbox".into());
    }
    if !["REFUND", "RETURN", "EXCHANGE"].contains(&new.kind.as_str()) {
        return Err("type must be REFUND, RETURN or EXCHANGE".into());
    }
    let pause = state.settings.aftersale_seconds;
    let aftersale_id = state.new_id(AFTERSALE_IDS);
    let order = in_state(state, order_id, &[TO_SHIP, PART_SHIPPED, SHIPPED, DONE])?;
    let wanted = id_of(Some(&new.sku_id));
    let line = order.lines.iter_mut().find(|line| wanted.is_none_or(|id| line.sku_id == id));
    let line = line.ok_or("no such SKU in the order")?;
    let count = new.count.unwrap_or(line.sku_cnt - line.refunded);
    if count < 1 || count > line.sku_cnt - line.refunded - line.in_aftersale {
        return Err("count is more than what is left of the line".into());
    }
    let most = line.total() * count / line.sku_cnt;
    let exchange = new.kind == "EXCHANGE";
    let amount = if exchange { 0 } else { new.amount.unwrap_or(most) };
    if !exchange && !(1..=line.total()).contains(&amount) {
        return Err(format!("amount must be 1..={}", line.total()));
    }
    line.in_aftersale += count;
    let sale = AfterSale {
        aftersale_id,
        appid: order.appid.clone(),
        order_id,
        openid: order.openid.clone(),
        unionid: order.unionid.clone(),
        product_id: line.product_id,
        sku_id: line.sku_id,
        count,
        kind: new.kind,
        status: "MERCHANT_PROCESSING".into(),
        reason: new.reason.chars().take(200).collect(),
        amount,
        create_time: now.seconds(),
        update_time: now.seconds(),
        deadline: now.seconds() + pause,
        waybill_id: String::new(),
        delivery_id: String::new(),
        address_id: String::new(),
        reject_reason: String::new(),
        refund_reason: 1,
        complaint_id: 0,
        complaint_status: 0,
        complaint_deadline: 0,
        complaint_history: Vec::new(),
    };
    order.aftersale_ids.push(aftersale_id);
    order.update_time = now.seconds();
    state.aftersales.insert(aftersale_id, sale);
    state.push_aftersale(now, aftersale_id);
    Ok(aftersale_id)
}

/// The buyer withdraws the case or sends the goods back; `expire` ends the time of whoever has to act. What belongs to a
/// dispute is in `dispute`.
pub fn move_aftersale(state: &mut State, now: Now, id: u64, action: &str) -> Result<(), String> {
    let complaint_id = state.new_id(COMPLAINT_IDS);
    if let Some(done) = dispute::act(state, now, id, action, complaint_id) {
        return done;
    }
    let sale = state.aftersales.get_mut(&id).ok_or("no such after-sale order")?;
    let next = match (action, sale.status.as_str()) {
        ("cancel", "MERCHANT_PROCESSING" | "USER_WAIT_RETURN") => "USER_CANCELD",
        ("return", "USER_WAIT_RETURN") => {
            sale.delivery_id = "SF".into();
            sale.waybill_id = format!("SF{}", sale.aftersale_id % 1_000_000_000_000);
            "MERCHANT_WAIT_RECEIPT"
        }
        ("receive", "USER_WAIT_RECEIPT") => "MERCHANT_EXCHANGE_SUCCESS",
        ("expire", _) if sale.deadline > 0 => {
            sale.deadline = 1;
            aftersale::let_time_pass(state, now);
            return Ok(());
        }
        _ => return Err(format!("the case's status {} does not allow this", sale.status)),
    };
    aftersale::change(state, now, id, next);
    Ok(())
}
