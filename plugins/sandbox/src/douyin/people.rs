//! What buyers do: order, pay, leave, confirm receipt, get refunded. Shared by the control calls and the page.

use super::{Address, Line, Order, Source};
use crate::clock::{Now, random_text};
use crate::state::{LIMIT, State, id_of, text_of};
use serde::Deserialize;
use serde_json::Value;

const ORDER_IDS: u64 = 4_850_000_000_000_000_000;

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
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    pub shop_id: u64,
    #[serde(default = "buyer")]
    pub buyer: String,
    pub items: Vec<Item>,
    #[serde(default)]
    pub source: Source,
    #[serde(default)]
    pub address: Option<Address>,
    #[serde(default)]
    pub words: String,
    #[serde(default)]
    pub freight: i64,
    #[serde(default)]
    pub pay: bool,
}

fn line_of(state: &State, shop_id: u64, item: &Item) -> Result<Line, String> {
    let id = id_of(Some(&item.product_id)).ok_or("product_id is needed")?;
    let product = state.douyin.products.get(&id).filter(|p| p.shop_id == shop_id && p.on_sale());
    let product = product.ok_or("no such product on sale at this shop")?;
    let wanted = id_of(Some(&item.sku_id));
    let sku = product.current.skus.iter().find(|sku| match wanted {
        Some(wanted) => sku.sku_id == wanted,
        None => sku.stock >= item.quantity,
    });
    let sku = sku.ok_or("no such SKU, or out of stock")?;
    if !(1..=1_000).contains(&item.quantity) {
        return Err("quantity must be 1..=1000".into());
    }
    if sku.stock < item.quantity {
        return Err("out of stock".into());
    }
    let names = product.current.specs.iter().map(|(name, _)| name.clone());
    Ok(Line {
        sku_order_id: 0,
        product_id: id,
        sku_id: sku.sku_id,
        outer_product_id: product.outer_product_id.clone(),
        outer_sku_id: sku.outer_sku_id.clone(),
        code: sku.code.clone(),
        title: product.title().to_owned(),
        picture: text_of(product.current.fields.get("pic")).split('|').next().unwrap_or_default().to_owned(),
        specs: names.zip(sku.specs.iter().cloned()).collect(),
        price: sku.price,
        count: item.quantity,
        shipped: 0,
        after_sale_status: 0,
        after_sale_type: 0,
    })
}

fn move_stock(state: &mut State, line: &Line, pieces: i64) {
    if let Some(product) = state.douyin.products.get_mut(&line.product_id) {
        for sku in product.current.skus.iter_mut().filter(|sku| sku.sku_id == line.sku_id) {
            sku.stock += pieces;
        }
    }
}

/// What never left the shop is for sale again.
pub fn give_stock_back(state: &mut State, lines: &[Line]) {
    for line in lines {
        move_stock(state, line, line.count);
    }
}

pub fn place(state: &mut State, now: Now, new: NewOrder) -> Result<u64, String> {
    if state.douyin.orders.len() >= LIMIT {
        return Err("too many orders; reset the sandbox".into());
    }
    if new.items.is_empty() || new.items.len() > 40 {
        return Err("an order has 1..=40 items".into());
    }
    if new.buyer.is_empty() || new.buyer.chars().count() > 60 || new.words.chars().count() > 500 {
        return Err("the buyer's name or note is empty or too long".into());
    }
    if !(0..=1_000_000_000).contains(&new.freight) {
        return Err("freight must not be negative".into());
    }
    let mut lines: Vec<Line> =
        new.items.iter().map(|item| line_of(state, new.shop_id, item)).collect::<Result<_, _>>()?;
    let order_id = state.new_id(ORDER_IDS);
    for (index, line) in lines.iter_mut().enumerate() {
        // One line has the number of the order itself.
        line.sku_order_id = if index == 0 { order_id } else { state.new_id(ORDER_IDS) };
    }
    for line in &lines {
        // `reduce_type` 1: the stock goes when the order is made.
        move_stock(state, line, -line.count);
    }
    let address = new.address.unwrap_or_else(|| Address::of(&new.buyer));
    let cipher = |mark: &str| format!("{mark}{}{mark}1{mark}{mark}", random_text(40));
    let order = Order {
        order_id,
        shop_id: new.shop_id,
        buyer: new.buyer,
        status: 1,
        main_status: 1,
        create_time: now.seconds(),
        update_time: now.seconds(),
        pay_time: 0,
        ship_time: 0,
        finish_time: 0,
        lines,
        freight: new.freight,
        address,
        source: new.source,
        words: new.words,
        packs: Vec::new(),
        ciphers: [cipher("#"), cipher("$"), cipher("~")],
    };
    state.douyin.orders.insert(order_id, order);
    state.douyin_order_pushed(now, order_id, "100");
    if new.pay {
        act(state, now, order_id, "pay")?;
    }
    Ok(order_id)
}

/// `pay`, `cancel`, `confirm`, `refund` (everything goes back, and the shop agreed).
pub fn act(state: &mut State, now: Now, id: u64, action: &str) -> Result<(), String> {
    let order = state.douyin.orders.get_mut(&id).ok_or("no such order")?;
    let seconds = now.seconds();
    let tag = match (action, order.status) {
        ("pay", 1) => {
            order.status = 2;
            order.pay_time = seconds;
            "101"
        }
        ("cancel", 1) => {
            order.status = 4;
            "106"
        }
        ("confirm", 3) => {
            order.status = 5;
            order.finish_time = seconds;
            "103"
        }
        ("refund", 2 | 101 | 3 | 5) => {
            let (kind, main) = match order.status {
                3 | 101 => (1, 22),
                5 => (1, 39),
                _ => (2, 21),
            };
            for line in &mut order.lines {
                line.after_sale_status = 12;
                line.after_sale_type = kind;
            }
            if order.status == 2 {
                order.status = 4;
            }
            order.main_status = main;
            "106"
        }
        (action, status) => return Err(format!("{action} is not possible in status {status}")),
    };
    if action != "refund" {
        order.main_status = order.status;
    }
    order.update_time = seconds;
    let back = action == "cancel" || (action == "refund" && order.main_status == 21);
    let lines = order.lines.clone();
    if back {
        give_stock_back(state, &lines);
    }
    state.douyin_order_pushed(now, id, tag);
    if tag == "101" {
        // "Paid, to be dealt with" follows the payment.
        state.douyin_order_pushed(now, id, "110");
    }
    Ok(())
}
