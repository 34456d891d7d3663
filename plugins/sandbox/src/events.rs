//! The account events the sandbox pushes, with the bodies the documents give them.

use crate::clock::Now;
use crate::push::Event;
use crate::state::State;
use serde_json::{Value, json};

impl State {
    fn order_event(&mut self, now: Now, order_id: u64, name: &'static str, extra: Value) {
        let Some(order) = self.orders.get(&order_id) else { return };
        let (appid, openid) = (order.appid.clone(), order.openid.clone());
        let mut info = json!({"order_id": order_id});
        if let (Some(to), Value::Object(from)) = (info.as_object_mut(), extra) {
            to.extend(from);
        }
        self.emit(now, &appid, Event { name, openid: Some(openid), body: json!({"order_info": info}) });
    }

    pub fn push_order_new(&mut self, now: Now, order_id: u64) {
        self.order_event(now, order_id, "channels_ec_order_new", json!({}));
    }

    pub fn push_order_pay(&mut self, now: Now, order_id: u64, pay_time: u64) {
        self.order_event(now, order_id, "channels_ec_order_pay", json!({"pay_time": pay_time}));
    }

    pub fn push_order_wait_shipping(&mut self, now: Now, order_id: u64) {
        self.order_event(now, order_id, "channels_ec_order_wait_shipping", json!({}));
    }

    /// 1 buyer, 2 time-out, 3 everything refunded, 4 oversold and cancelled by the merchant.
    pub fn push_order_cancel(&mut self, now: Now, order_id: u64, cancel_type: i64) {
        self.order_event(now, order_id, "channels_ec_order_cancel", json!({"cancel_type": cancel_type}));
    }

    pub fn push_order_deliver(&mut self, now: Now, order_id: u64, finished: bool) {
        let body = json!({"finish_delivery": i32::from(finished)});
        self.order_event(now, order_id, "channels_ec_order_deliver", body);
    }

    pub fn push_order_confirm(&mut self, now: Now, order_id: u64, confirm_type: i64) {
        self.order_event(now, order_id, "channels_ec_order_confirm", json!({"confirm_type": confirm_type}));
    }

    pub fn push_order_settle(&mut self, now: Now, order_id: u64, settle_time: u64) {
        self.order_event(now, order_id, "channels_ec_order_settle", json!({"settle_time": settle_time}));
    }

    /// 2 address, 3 merchant's note, 4 wish for another address, 7 urge, 12 price, 16–20 talk about an address.
    pub fn push_order_changed(&mut self, now: Now, order_id: u64, kind: i64) {
        self.order_event(now, order_id, "channels_ec_order_ext_info_update", json!({"type": kind}));
    }

    pub fn push_aftersale(&mut self, now: Now, aftersale_id: u64) {
        let Some(sale) = self.aftersales.get(&aftersale_id) else { return };
        let (appid, openid) = (sale.appid.clone(), sale.openid.clone());
        let body = json!({"finder_shop_aftersale_status_update": {
            "status": sale.status,
            "after_sale_order_id": aftersale_id.to_string(),
            "order_id": sale.order_id.to_string(),
        }});
        self.emit(now, &appid, Event { name: "channels_ec_aftersale_update", openid: Some(openid), body });
    }

    pub fn push_complaint(&mut self, now: Now, aftersale_id: u64) {
        let Some(sale) = self.aftersales.get(&aftersale_id) else { return };
        let (appid, openid) = (sale.appid.clone(), sale.openid.clone());
        let body = json!({"finder_shop_complaint": {
            "complaint_status": sale.complaint_status,
            "after_sale_order_id": aftersale_id.to_string(),
            "complaint_id": sale.complaint_id.to_string(),
            "order_id": sale.order_id.to_string(),
        }});
        self.emit(now, &appid, Event { name: "channels_ec_complaint_update", openid: Some(openid), body });
    }

    /// The documents show product ids of these events as text; older pushes wrote numbers. A switch chooses.
    fn pushed_product_id(&self, product_id: u64) -> Value {
        if self.settings.product_ids_as_numbers { json!(product_id) } else { json!(product_id.to_string()) }
    }

    /// 2 refused, 3 passed.
    pub fn push_product_audit(&mut self, now: Now, product_id: u64, status: i64, reason: &str) {
        let Some(appid) = self.products.get(&product_id).map(|p| p.appid.clone()) else { return };
        let id = self.pushed_product_id(product_id);
        let body = json!({"ProductSpuAudit": {"product_id": id, "status": status, "reason": reason}});
        self.emit(now, &appid, Event { name: "product_spu_audit", openid: None, body });
    }

    pub fn push_product_listing(&mut self, now: Now, product_id: u64, reason: &str) {
        let Some((appid, status)) = self.products.get(&product_id).map(|p| (p.appid.clone(), p.status))
        else {
            return;
        };
        let id = self.pushed_product_id(product_id);
        let body = json!({"ProductSpuListing": {"product_id": id, "status": status, "reason": reason, "product_type": 1}});
        self.emit(now, &appid, Event { name: "product_spu_listing", openid: None, body });
    }

    /// 0 changed, 1 added, 2 deleted.
    pub fn push_product_update(&mut self, now: Now, product_id: u64, status: i64) {
        let Some(appid) = self.products.get(&product_id).map(|p| p.appid.clone()) else { return };
        let id = self.pushed_product_id(product_id);
        let body = json!({"ProductSpuUpdate": {"product_id": id, "status": status}});
        self.emit(now, &appid, Event { name: "product_spu_update", openid: None, body });
    }

    pub fn push_stock_short(&mut self, now: Now, product_id: u64, sku_id: u64, left: i64) {
        let Some(appid) = self.products.get(&product_id).map(|p| p.appid.clone()) else { return };
        let id = self.pushed_product_id(product_id);
        let sku = self.pushed_product_id(sku_id);
        let body = json!({"channels_ec_stock_no_enough": {
            "product_id": id, "sku_id": sku, "remaining_stock_amount": left, "remaining_code_amount": 0,
        }});
        self.emit(now, &appid, Event { name: "channels_ec_stock_no_enough", openid: None, body });
    }
}
