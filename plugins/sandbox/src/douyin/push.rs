//! Pushes: composed here, delivered by the sandbox's one push sender.

use super::{App, sign};
use crate::clock::Now;
use crate::push::{Push, Signer, blank};
use crate::state::{Format, Mode, State};
use serde_json::{Value, json};

/// Headers and body of a push, tampered with when a tester asked for it.
pub fn compose(push: &Push, app: &App) -> (Vec<(&'static str, String)>, String) {
    let tampered = |kind: &str| push.tamper.as_deref() == Some(kind);
    let mut signed = sign::push(&app.app_key, &push.plain, &app.app_secret);
    if tampered("bad_signature") {
        signed = sign::push(&app.app_key, &signed, &app.app_secret);
    }
    let app_id = if tampered("foreign_app_id") { "1".to_owned() } else { app.app_key.clone() };
    let body = if tampered("changed_body") {
        push.plain.replacen("shop_id", "shopid", 1)
    } else {
        push.plain.clone()
    };
    (vec![("app-id", app_id), ("event-sign", signed)], body)
}

/// `{"code":0,"msg":"success"}`
pub fn acknowledged(answer: &str) -> bool {
    serde_json::from_str::<Value>(answer).is_ok_and(|answer| answer.get("code") == Some(&json!(0)))
}

impl State {
    fn douyin_push(&mut self, now: Now, shop_id: u64, tag: &str, data: &Value) {
        let Some(shop) = self.douyin.shops.get(&shop_id) else { return };
        let apps: Vec<App> = shop
            .grants
            .iter()
            .filter_map(|key| self.douyin.apps.get(key))
            .filter(|app| !app.push_url.is_empty())
            .cloned()
            .collect();
        for app in apps {
            let msg_id = self.new_id(7_300_000_000_000_000_000).to_string();
            let plain = json!([{"tag": tag, "msg_id": msg_id, "data": data.to_string()}]).to_string();
            let signer = Signer::Douyin { app_key: app.app_key.clone() };
            let about = shop_id.to_string();
            let receiver = (String::new(), String::new());
            let push = blank(signer, &about, tag, app.push_url, Format::Json, receiver, plain);
            self.enqueue(now, Push { mode: Mode::Plain, ..push });
        }
    }

    pub fn douyin_order_pushed(&mut self, now: Now, id: u64, tag: &str) {
        let Some(order) = self.douyin.orders.get(&id) else { return };
        let lines: Vec<u64> = order.lines.iter().map(|line| line.sku_order_id).collect();
        let mut data = json!({"p_id": order.order_id, "s_ids": lines, "shop_id": order.shop_id, "biz": 2,
            "order_type": 0, "order_status": order.status});
        let more = match tag {
            "100" => json!({"create_time": order.create_time}),
            "101" => json!({"pay_time": order.pay_time, "pay_type": 1, "pay_amount": order.total()}),
            _ => json!({"update_time": order.update_time}),
        };
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        self.douyin_push(now, order.shop_id, tag, &data);
    }

    pub fn douyin_case_pushed(&mut self, now: Now, id: u64, tag: &str) {
        let Some(case) = self.douyin.cases.get(&id) else { return };
        let data = json!({"aftersale_id": case.case_id, "p_id": case.order_id, "s_ids": [case.sku_order_id],
            "shop_id": case.shop_id, "aftersale_status": case.status, "aftersale_type": case.kind,
            "refund_amount": case.amount, "reason_code": 0, "update_time": case.update_time});
        self.douyin_push(now, case.shop_id, tag, &data);
    }

    pub fn douyin_product_changed(&mut self, now: Now, id: u64) {
        let Some(product) = self.douyin.products.get(&id) else { return };
        let data = json!({"product_id": id, "shop_id": product.shop_id, "msg_type": 1,
            "status": {"status": product.status.to_string(), "check_status": product.check_status.to_string(),
                "draft_status": product.draft_status.to_string()}});
        self.douyin_push(now, product.shop_id, "417", &data);
    }

    /// The numbers of `event` stand in no document that was found; these are ours.
    pub fn douyin_product_audited(&mut self, now: Now, id: u64, refusal: Option<&str>) {
        let Some(product) = self.douyin.products.get(&id) else { return };
        let data = json!({"product_id": id, "out_product_id": 0, "shop_id": product.shop_id,
            "event": if refusal.is_some() { 4 } else { 3 }, "check_reject_reason": refusal.unwrap_or_default(),
            "update_time": now.seconds()});
        self.douyin_push(now, product.shop_id, "400", &data);
    }
}
