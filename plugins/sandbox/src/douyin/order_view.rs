//! An order as the platform shows it: masks and ciphers in the receiver's place.

use super::{Address, Line, Order, Shop};
use serde_json::{Value, json};

/// The first letter stays, the rest becomes stars.
fn mask(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{first}{}", "*".repeat(letters.count().max(1))))
}

fn mask_tel(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let shown = |at: usize| at < 3 || at + 4 >= letters.len();
    letters.iter().enumerate().map(|(at, letter)| if shown(at) { *letter } else { '*' }).collect()
}

fn place(address: &Address, detail: Value) -> Value {
    json!({
        "province": {"name": address.province, "id": "33"},
        "city": {"name": address.city, "id": "3301"},
        "town": {"name": address.town, "id": "330106"},
        "street": {"name": address.street, "id": "330106109"},
        "detail": detail,
    })
}

fn status_words(status: i64) -> &'static str {
    match status {
        1 => "待支付",
        2 => "备货中",
        101 => "部分发货",
        3 => "已发货",
        4 => "已取消",
        5 => "已完成",
        _ => "",
    }
}

fn line_status(order: &Order, line: &Line) -> i64 {
    match order.status {
        101 if line.shipped >= line.count => 3,
        101 if line.shipped == 0 => 2,
        other => other,
    }
}

fn line(order: &Order, line: &Line) -> Value {
    let source = &order.source;
    let specs: Vec<Value> =
        line.specs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let amount = line.price * line.count;
    json!({
        "order_id": line.sku_order_id.to_string(), "parent_order_id": order.order_id.to_string(), "order_level": 3,
        "order_status": line_status(order, line), "main_status": order.main_status,
        "create_time": order.create_time, "update_time": order.update_time, "pay_time": order.pay_time,
        "ship_time": order.ship_time, "finish_time": order.finish_time,
        "product_id": line.product_id, "product_id_str": line.product_id.to_string(),
        "product_name": line.title, "product_pic": line.picture, "sku_id": line.sku_id, "spec": specs,
        "out_product_id": line.outer_product_id, "out_sku_id": line.outer_sku_id, "code": line.code,
        "item_num": line.count, "origin_amount": line.price, "sum_amount": amount,
        "order_amount": amount, "pay_amount": amount, "promotion_amount": 0, "post_amount": 0,
        "author_id": source.author_id, "author_name": source.author_name, "room_id": source.room_id,
        "room_id_str": source.room_id.to_string(), "video_id": source.video_id, "c_biz": source.c_biz,
        "after_sale_info": {"after_sale_status": line.after_sale_status, "after_sale_type": line.after_sale_type,
            "refund_status": if line.after_sale_status == 12 { 3 } else { 0 }},
    })
}

pub fn view(order: &Order, shop: Option<&Shop>) -> Value {
    let address = &order.address;
    let [name, tel, detail] = &order.ciphers;
    let mut clear = place(address, Value::Null);
    if let Some(members) = clear.as_object_mut() {
        members.insert("encrypt_detail".into(), json!(detail));
    }
    let packs: Vec<Value> = order
        .packs
        .iter()
        .map(|pack| {
            let lines: Vec<Value> = pack
                .lines
                .iter()
                .filter_map(|(id, count)| {
                    let line = order.lines.iter().find(|line| line.sku_order_id == *id)?;
                    Some(json!({"product_name": line.title, "product_id": line.product_id,
                        "product_id_str": line.product_id.to_string(), "sku_id": line.sku_id, "price": line.price,
                        "product_count": count, "sku_order_id": id.to_string(), "outer_sku_id": line.outer_sku_id}))
                })
                .collect();
            json!({"tracking_no": pack.tracking_no, "company": pack.company,
                "company_name": super::order::company_name(&pack.company), "ship_time": pack.at,
                "delivery_id": pack.pack_id, "product_info": lines})
        })
        .collect();
    json!({
        "order_id": order.order_id.to_string(), "shop_id": order.shop_id, "shop_name": shop.map(|s| s.name.as_str()),
        "order_level": 2, "biz": 2, "order_type": 0,
        "order_status": order.status, "order_status_desc": status_words(order.status),
        "main_status": order.main_status, "create_time": order.create_time, "update_time": order.update_time,
        "pay_time": order.pay_time, "ship_time": order.ship_time, "finish_time": order.finish_time,
        "cancel_reason": if order.status == 4 { "超时未支付" } else { "" },
        "buyer_words": order.words, "seller_words": "", "pay_type": 1,
        "channel_payment_no": if order.pay_time > 0 { format!("2026{:0>20}", order.order_id) } else { String::new() },
        "order_amount": order.total(), "pay_amount": if order.pay_time > 0 { order.total() } else { 0 },
        "post_amount": order.freight, "promotion_amount": 0,
        "doudian_open_id": format!("1@#{}", crate::crypto::signature(&[&order.shop_id.to_string(), &order.buyer])),
        "encrypt_post_receiver": name, "encrypt_post_tel": tel, "post_addr": clear, "post_receiver": "", "post_tel": "",
        "mask_post_receiver": mask(&address.name), "mask_post_tel": mask_tel(&address.tel),
        "mask_post_addr": place(address, json!(mask(&address.detail))),
        "logistics_info": packs,
        "sku_order_list": order.lines.iter().map(|one| line(order, one)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn masks_keep_the_ends() {
        assert_eq!(super::mask("欧阳晴"), "欧**");
        assert_eq!(super::mask_tel("13900139000"), "139****9000");
    }
}
