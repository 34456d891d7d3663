//! A freight template in the platform's words and in ours.
//!
//! Field names: `bean/freight` of the client library WxJava (`weixin-java-channel`) and `Models/Channels/ECMerchant` of
//! SKIT.FlurlHttpClient.Wechat; both say fen for prices and whole kilograms for weights.

use qianpu_domain::money::Fen;
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{Area, ChannelError, FreeFrom, FreightCharge, FreightRule, FreightTemplate, FreightUnit};
use qianpu_wechat_wire::call::{required_id, required_text};
use serde_json::{Map, Value, json};

/// The promises that may be made today, with their hours.
const SEND_TIMES: &[(&str, u32)] =
    &[("SendTime_TWENTYFOUR_HOUR", 24), ("SendTime_FOUTYEIGHT_HOUR", 48), ("SendTime_THREE_DAY", 72)];

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(integer(value) == Some(1))
}

fn price(value: &Value) -> Fen {
    Fen::new(integer(value).unwrap_or(0))
}

fn areas(value: &Value) -> Vec<Area> {
    let part = |one: &Value, field: &str| text(&one[field]).unwrap_or_default();
    let list = value["address_infos"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|one| Area {
            province: part(one, "province_name"),
            city: part(one, "city_name"),
            district: part(one, "county_name"),
        })
        .filter(|area| !area.province.is_empty())
        .collect()
}

fn list<'a>(value: &'a Value, outer: &str, inner: &str) -> &'a [Value] {
    value[outer][inner].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn rule(value: &Value) -> FreightRule {
    FreightRule {
        areas: if flag(&value["is_default"]) { Vec::new() } else { areas(value) },
        first: integer(&value["first_val_amount"]).unwrap_or(0),
        first_price: price(&value["first_price"]),
        more: integer(&value["second_val_amount"]).unwrap_or(0),
        more_price: price(&value["second_price"]),
    }
}

fn free_from(value: &Value, unit: &FreightUnit) -> FreeFrom {
    let counted = if *unit == FreightUnit::Weight { "min_weight" } else { "min_piece" };
    let above = |field: &str| integer(&value[field]).filter(|number| *number > 0);
    let set = |field: &str| value.get(field).is_none_or(flag);
    FreeFrom {
        areas: areas(value),
        quantity: above(counted).filter(|_| set("valuation_flag")),
        amount: above("min_amount").filter(|_| set("amount_flag")).map(Fen::new),
    }
}

/// Reads the answer of `getfreighttemplatedetail`.
pub(crate) fn read(body: &Value) -> Result<FreightTemplate, ChannelError> {
    let found = &body["freight_template"];
    let unit = match required_text(found, "valuation_type")?.as_str() {
        "PIECE" => FreightUnit::Piece,
        "WEIGHT" => FreightUnit::Weight,
        other => FreightUnit::Unknown(other.to_owned()),
    };
    let charge = match required_text(found, "shipping_method")?.as_str() {
        "FREE" => FreightCharge::Free,
        "CONDITION_FREE" => FreightCharge::FreeFrom,
        "NO_FREE" => FreightCharge::Charged,
        other => FreightCharge::Unknown(other.to_owned()),
    };
    let promised = text(&found["send_time"]);
    let conditions = list(found, "all_condition_free_detail", "condition_free_detail_list");
    Ok(FreightTemplate {
        template_id: Some(required_id(found, "template_id")?),
        name: required_text(found, "name")?,
        charge,
        ships_within_hours: promised
            .and_then(|word| SEND_TIMES.iter().find(|(known, _)| *known == word).map(|(_, hours)| *hours)),
        default: flag(&found["is_default"]),
        rules: list(found, "all_freight_calc_method", "freight_calc_method_list").iter().map(rule).collect(),
        free_from: conditions.iter().map(|one| free_from(one, &unit)).collect(),
        not_to: areas(&found["not_send_area"]),
        unit,
    })
}

fn put(map: &mut Map<String, Value>, field: &str, value: Value) {
    map.insert(field.to_owned(), value);
}

fn told_areas(areas: &[Area]) -> Value {
    let one = |area: &Area| json!({ "province_name": area.province, "city_name": area.city, "county_name": area.district });
    areas.iter().map(one).collect()
}

/// What the platform keeps of a price beside our fields, such as the carrier, goes along.
fn told_rule(rule: &FreightRule, before: &[Value]) -> Value {
    let known = before.iter().find(|one| self::rule(one).areas == rule.areas);
    let mut told = known.and_then(Value::as_object).cloned().unwrap_or_default();
    put(&mut told, "is_default", json!(rule.areas.is_empty()));
    put(&mut told, "address_infos", told_areas(&rule.areas));
    put(&mut told, "first_val_amount", json!(rule.first));
    put(&mut told, "first_price", json!(rule.first_price.get()));
    put(&mut told, "second_val_amount", json!(rule.more));
    put(&mut told, "second_price", json!(rule.more_price.get()));
    Value::Object(told)
}

fn told_condition(one: &FreeFrom, unit: &FreightUnit) -> Value {
    let mut told = json!({
        "address_infos": told_areas(&one.areas),
        "valuation_flag": i32::from(one.quantity.is_some()), "amount_flag": i32::from(one.amount.is_some()),
    });
    if let Some(fields) = told.as_object_mut() {
        let counted = if *unit == FreightUnit::Weight { "min_weight" } else { "min_piece" };
        if let Some(quantity) = one.quantity {
            put(fields, counted, json!(quantity));
        }
        if let Some(amount) = one.amount {
            put(fields, "min_amount", json!(amount.get()));
        }
    }
    told
}

/// The body of `addfreighttemplate`, or of `updatefreighttemplate` over what is there.
pub(crate) fn body(template: &FreightTemplate, before: Option<&Value>) -> Value {
    let before = before.map(|body| &body["freight_template"]);
    let mut told = before.and_then(Value::as_object).cloned().unwrap_or_default();
    put(&mut told, "name", json!(template.name));
    match &template.unit {
        FreightUnit::Piece => put(&mut told, "valuation_type", json!("PIECE")),
        FreightUnit::Weight => put(&mut told, "valuation_type", json!("WEIGHT")),
        FreightUnit::Unknown(word) => put(&mut told, "valuation_type", json!(word)),
    }
    let method = match &template.charge {
        FreightCharge::Free => "FREE",
        FreightCharge::FreeFrom => "CONDITION_FREE",
        FreightCharge::Charged => "NO_FREE",
        FreightCharge::Unknown(word) => word,
    };
    put(&mut told, "shipping_method", json!(method));
    let promised =
        SEND_TIMES.iter().find(|(_, hours)| Some(*hours) == template.ships_within_hours).map(|one| one.0);
    if let Some(word) = promised {
        put(&mut told, "send_time", json!(word));
    }
    told.entry("delivery_type").or_insert_with(|| json!("EXPRESS"));
    put(&mut told, "is_default", json!(template.default));
    let rules_before = before
        .map(|before| list(before, "all_freight_calc_method", "freight_calc_method_list"))
        .unwrap_or_default();
    let rules: Vec<Value> = template.rules.iter().map(|one| told_rule(one, rules_before)).collect();
    put(&mut told, "all_freight_calc_method", json!({ "freight_calc_method_list": rules }));
    let conditions: Vec<Value> =
        template.free_from.iter().map(|one| told_condition(one, &template.unit)).collect();
    put(&mut told, "all_condition_free_detail", json!({ "condition_free_detail_list": conditions }));
    put(&mut told, "not_send_area", json!({ "address_infos": told_areas(&template.not_to) }));
    json!({ "freight_template": told })
}
