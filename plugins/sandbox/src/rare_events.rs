//! Notices of the platform that nothing in the sandbox leads to: sent as the documents show them, on demand.

use crate::clock::Now;
use crate::push::Event;
use crate::state::State;
use serde_json::{Map, Value};

/// Name and body, from developers.weixin.qq.com/doc/store and doc/channels (`…/callback/…`) and WxJava's message beans.
pub const EVENTS: &[(&str, &str)] = &[
    (
        "channels_ec_guarantee_update",
        r#"{"finder_shop_guarantee_status_update":{"status":"STATUS_WAIT_MERCHANT_PROOF","guarantee_order_id":"2000001077270153","order_id":"0"}}"#,
    ),
    (
        "channels_ec_present_aftersale_update",
        r#"{"finder_shop_aftersale_status_update":{"status":"PLATFORM_REFUNDING","after_sale_order_id":"6000000000000001","order_id":"0"}}"#,
    ),
    (
        "channels_ec_vip_join",
        r#"{"user_info":{"join_time":1662480000,"phone_number":"13800138000","grade":1,"score":0}}"#,
    ),
    ("channels_ec_vip_close", r#"{"user_info":{"close_time":1662480000}}"#),
    ("channels_ec_vip_grade_info_update", r#"{"user_info":{"grade":2,"experience_value":120}}"#),
    ("channels_ec_vip_score_update", r#"{"user_info":{"score":150,"delta_score":-50}}"#),
    (
        "channels_ec_vip_score_exchange",
        r#"{"exchange_info":{"pay_score":100,"score_item_type":1,"coupon_info":{"related_coupon_id":10001}}}"#,
    ),
    ("channels_ec_sharer_change", r#"{"openid":"oSharer","sharer_type":1,"bind_status":2}"#),
    (
        "head_supplier_item_update",
        r#"{"item_info":{"event_type":2,"appid":"wx0","product_id":"10000001","version":"3","update_fields":["commission_ratio"]}}"#,
    ),
    ("user_enter_tempsession", r#"{"SessionFrom":"order"}"#),
    ("channels_ec_close_store", r#"{"close_timestamp":"1662480000"}"#),
    ("set_shop_nickname", r#"{"old_nickname":"山前","new_nickname":"山前茶铺"}"#),
];

/// Sends one, its fields replaced by those given.
pub fn send(
    state: &mut State,
    now: Now,
    appid: &str,
    name: &str,
    fields: &Map<String, Value>,
) -> Result<(), String> {
    if !state.accounts.contains_key(appid) {
        return Err("no such account".into());
    }
    let known = EVENTS.iter().find(|(known, _)| *known == name);
    let (name, body) = known.ok_or_else(|| {
        let names: Vec<&str> = EVENTS.iter().map(|(name, _)| *name).collect();
        format!("event must be one of {}", names.join(", "))
    })?;
    let mut body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    if let Value::Object(message) = &mut body {
        let inner = message.values_mut().find(|value| value.is_object());
        match inner {
            Some(Value::Object(inner)) => inner.extend(fields.clone()),
            _ => message.extend(fields.clone()),
        }
    }
    state.emit(now, appid, Event { name, openid: None, body });
    Ok(())
}
