//! An order as `order/get` shows it: amounts, masked address, source of the sale.

use crate::state::{Line, Order, PostAddress};
use serde_json::{Value, json};

impl Line {
    pub fn original_total(&self) -> i64 {
        self.sale_price * self.sku_cnt
    }

    pub fn total(&self) -> i64 {
        self.changed_total.unwrap_or_else(|| self.original_total())
    }
}

impl Order {
    pub fn products_total(&self) -> i64 {
        self.lines.iter().map(Line::total).sum()
    }

    pub fn freight_now(&self) -> i64 {
        self.changed_freight.unwrap_or(self.freight)
    }

    /// What the buyer pays.
    pub fn total(&self) -> i64 {
        self.products_total() + self.freight_now()
    }

    fn original_total(&self) -> i64 {
        self.lines.iter().map(Line::original_total).sum::<i64>() + self.freight
    }
}

/// The first character stays, the rest becomes stars.
fn mask_name(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{first}{}", "*".repeat(letters.count().max(1))))
}

fn mask_phone(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().collect();
    let keep = |index: usize| index < 3 || index + 4 >= digits.len();
    digits.iter().enumerate().map(|(i, c)| if keep(i) { *c } else { '*' }).collect()
}

pub fn address_view(address: &PostAddress, masked: bool) -> Value {
    let plain = |text: &str| text.to_owned();
    let (name, phone, detail) = if masked {
        (mask_name(&address.user_name), mask_phone(&address.tel_number), mask_name(&address.detail_info))
    } else {
        (plain(&address.user_name), plain(&address.tel_number), plain(&address.detail_info))
    };
    json!({
        "user_name": name,
        "postal_code": address.postal_code,
        "province_name": address.province_name,
        "city_name": address.city_name,
        "county_name": address.county_name,
        "detail_info": detail,
        "tel_number": phone,
        "house_number": address.house_number,
        "virtual_order_tel_number": "",
        "tel_number_ext_info": {
            "real_tel_number": mask_phone(&address.tel_number),
            "virtual_tel_number": "",
            "virtual_tel_expire_time": 0,
            "get_virtual_tel_cnt": 0,
        },
        "use_tel_number": 1,
        "hash_code": crate::crypto::signature(&[&address.user_name, &address.tel_number, &address.detail_info]),
    })
}

fn line_view(line: &Line) -> Value {
    json!({
        "product_id": line.product_id.to_string(),
        "sku_id": line.sku_id.to_string(),
        "thumb_img": line.thumb_img,
        "title": line.title,
        "sku_cnt": line.sku_cnt,
        "sale_price": line.sale_price,
        "market_price": line.market_price,
        "real_price": line.total(),
        "sku_code": line.sku_code,
        "sku_attrs": line.sku_attrs,
        "out_product_id": line.out_product_id,
        "out_sku_id": line.out_sku_id,
        "on_aftersale_sku_cnt": line.in_aftersale,
        "finish_aftersale_sku_cnt": line.refunded,
        "is_discounted": false,
        "estimate_price": line.total(),
        "is_change_price": line.changed_total.is_some(),
        "change_price": line.changed_total.unwrap_or(0),
        "out_warehouse_id": "",
        "sku_deliver_info": {"stock_type": 0},
        "extra_service": {"seven_day_return": 1, "freight_insurance": 0},
        "use_deduction": false,
        "deduction_price": 0,
        "order_product_coupon_info_list": [],
        "merchant_discounted_price": 0,
        "finder_discounted_price": 0,
        "is_free_gift": 0,
    })
}

pub fn view(order: &Order) -> Value {
    let change_down = order.original_total() - order.total();
    let mut pay_info = json!({"prepay_id": order.prepay_id, "prepay_time": order.create_time});
    if let (Some(members), Some(paid)) = (pay_info.as_object_mut(), order.pay_time) {
        members.insert("pay_time".into(), json!(paid));
        members.insert("transaction_id".into(), json!(order.transaction_id));
    }
    let commission = order.total() * 500 / 10_000;
    let mut detail = json!({
        "product_infos": order.lines.iter().map(line_view).collect::<Vec<_>>(),
        "pay_info": pay_info,
        "price_info": {
            "product_price": order.products_total(),
            "order_price": order.total(),
            "freight": order.freight_now(),
            "discounted_price": 0,
            "is_discounted": false,
            "original_order_price": order.original_total(),
            "estimate_product_price": order.products_total(),
            "change_down_price": change_down,
            "change_freight": order.changed_freight.unwrap_or(0),
            "is_change_freight": order.changed_freight.is_some(),
            "use_deduction": false,
            "deduction_price": 0,
            // The documents spell it so.
            "merchant_receieve_price": order.total(),
            "merchant_discounted_price": 0,
            "finder_discounted_price": 0,
        },
        "delivery_info": {
            "address_info": address_view(&order.address, true),
            "delivery_product_info": order.deliveries,
            "ship_done_time": order.ship_done_time.unwrap_or(0),
            "deliver_method": 0,
            "address_apply_time": 0,
            "ewaybill_order_code": "",
        },
        "coupon_info": {},
        "ext_info": {
            "customer_notes": order.customer_notes,
            "merchant_notes": order.merchant_notes,
            "confirm_receipt_time": order.confirm_time.unwrap_or(0),
            "finder_id": order.finder_id,
            "live_id": order.live_id,
            "order_scene": order.scene,
        },
        "commission_infos": [],
        "sharer_info": {},
        "settle_info": {
            "predict_commission_fee": commission,
            "commission_fee": if order.settle_time.is_some() { commission } else { 0 },
            "settle_time": order.settle_time.unwrap_or(0),
        },
        "sku_sharer_infos": [],
        "agent_info": {},
    });
    if let (Some(members), Some(source)) = (detail.as_object_mut(), &order.source) {
        members.insert("source_info".into(), source.clone());
    }
    if let Some(wish) = &order.address_wish {
        detail["delivery_info"]["address_under_review"] = address_view(wish, true);
        detail["delivery_info"]["address_apply_time"] = json!(order.address_wish_time);
    }
    let aftersales: Vec<Value> =
        order.aftersale_ids.iter().map(|id| json!({"aftersale_order_id": id.to_string()})).collect();
    json!({
        "order_id": order.order_id.to_string(),
        "status": order.status,
        "openid": order.openid,
        "unionid": order.unionid,
        "create_time": order.create_time,
        "update_time": order.update_time,
        "order_detail": detail,
        "aftersale_detail": {
            "on_aftersale_order_cnt": order.lines.iter().filter(|l| l.in_aftersale > 0).count(),
            "aftersale_order_list": aftersales,
        },
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn masks_keep_the_ends() {
        assert_eq!(super::mask_phone("13800138000"), "138****8000");
        assert_eq!(super::mask_name("陈先生"), "陈**");
        assert_eq!(super::mask_name(""), "");
    }
}
