//! A store's facts and furniture: shop info, freight templates, addresses.

use crate::calls::{Auth, Call, Route, either, post};
use crate::errors::{Answer, error, invalid_args, ok, ok_with};
use crate::state::{AccountKind, id_of, text_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const ROUTES: &[Route] = &[
    either("/channels/ec/basics/info/get", Auth::Account, info),
    post("/channels/ec/merchant/getfreighttemplatelist", Auth::Account, template_list),
    post("/channels/ec/merchant/getfreighttemplatedetail", Auth::Account, template_get),
    post("/channels/ec/merchant/addfreighttemplate", Auth::Account, template_add),
    post("/channels/ec/merchant/updatefreighttemplate", Auth::Account, template_update),
    post("/channels/ec/merchant/address/list", Auth::Account, address_list),
    post("/channels/ec/merchant/address/get", Auth::Account, address_get),
    post("/channels/ec/merchant/address/add", Auth::Account, address_add),
    post("/channels/ec/merchant/address/update", Auth::Account, address_update),
    post("/channels/ec/merchant/address/delete", Auth::Account, address_delete),
];

const FURNITURE_LIMIT: usize = 200;

fn info(call: &mut Call<'_>) -> Answer {
    let account = call.account()?;
    if account.kind != AccountKind::Store {
        return Err(error(48001));
    }
    Ok(ok_with(json!({"info": {
        "nickname": account.nickname,
        "headimg_url": "",
        "subject_type": account.subject,
        "status": account.status,
        "username": account.user_name,
        "is_local_life": false,
        "open_timestamp": account.open_timestamp,
    }})))
}

fn template_list(call: &mut Call<'_>) -> Answer {
    let (offset, limit) = (call.int("offset").unwrap_or(0), call.int("limit").unwrap_or(20).clamp(1, 100));
    let (offset, limit) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(20));
    let ids: Vec<String> =
        call.account()?.freight_templates.keys().skip(offset).take(limit).cloned().collect();
    Ok(ok_with(json!({"template_id_list": ids})))
}

fn template_get(call: &mut Call<'_>) -> Answer {
    let id = call.id("template_id")?.to_string();
    let template = call.account()?.freight_templates.get(&id).cloned().ok_or_else(|| error(10020019))?;
    Ok(ok_with(json!({"freight_template": template})))
}

fn template_add(call: &mut Call<'_>) -> Answer {
    let mut template = call.body.get("freight_template").cloned().unwrap_or_default();
    if text_of(template.get("name")).is_empty() || !template.is_object() {
        return Err(invalid_args("freight_template.name is empty"));
    }
    let (id, now) = (call.state.new_id(5000).to_string(), call.now.seconds());
    let account = call.account()?;
    if account.freight_templates.len() >= FURNITURE_LIMIT {
        return Err(error(40097));
    }
    if let Some(members) = template.as_object_mut() {
        members.insert("template_id".into(), json!(id));
        members.insert("create_time".into(), json!(now));
        members.insert("update_time".into(), json!(now));
    }
    account.freight_templates.insert(id.clone(), template);
    one_default(&mut account.freight_templates, &id, "is_default");
    Ok(ok_with(json!({"template_id": id})))
}

fn template_update(call: &mut Call<'_>) -> Answer {
    let mut template = call.body.get("freight_template").cloned().unwrap_or_default();
    if text_of(template.get("name")).is_empty() || !template.is_object() {
        return Err(invalid_args("freight_template.name is empty"));
    }
    let id = id_of(template.get("template_id")).unwrap_or_default().to_string();
    let now = call.now.seconds();
    let templates = &mut call.account()?.freight_templates;
    let known = templates.get_mut(&id).ok_or_else(|| error(10020019))?;
    replace(known, &mut template, "template_id", &id, now);
    one_default(templates, &id, "is_default");
    Ok(ok_with(json!({"template_id": id})))
}

/// The newest default is the only one: the sandbox's reading.
fn one_default(things: &mut BTreeMap<String, Value>, newest: &str, field: &str) {
    if things.get(newest).and_then(|one| one.get(field)).and_then(Value::as_bool) == Some(true) {
        for (_, one) in things.iter_mut().filter(|(id, _)| id.as_str() != newest) {
            one[field] = json!(false);
        }
    }
}

/// Puts the new shape of a thing in the place of the old one; its id and its beginning stay.
fn replace(known: &mut Value, new: &mut Value, id_field: &str, id: &str, now: u64) {
    if let Some(members) = new.as_object_mut() {
        members.insert(id_field.to_owned(), json!(id));
        members.insert("create_time".into(), known.get("create_time").cloned().unwrap_or(json!(now)));
        members.insert("update_time".into(), json!(now));
    }
    *known = new.take();
}

fn address_list(call: &mut Call<'_>) -> Answer {
    let (offset, limit) = (call.int("offset").unwrap_or(0), call.int("limit").unwrap_or(20).clamp(1, 100));
    let (offset, limit) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(20));
    let ids: Vec<String> = call.account()?.addresses.keys().skip(offset).take(limit).cloned().collect();
    Ok(ok_with(json!({"address_id_list": ids})))
}

fn address_get(call: &mut Call<'_>) -> Answer {
    let id = call.id("address_id")?.to_string();
    let address = call.account()?.addresses.get(&id).cloned();
    Ok(ok_with(json!({"address_detail": address.ok_or_else(|| invalid_args("address_id is unknown"))?})))
}

fn address_add(call: &mut Call<'_>) -> Answer {
    let mut address = call.body.get("address_detail").cloned().unwrap_or_default();
    if !address.get("address_info").is_some_and(Value::is_object) {
        return Err(invalid_args("address_detail.address_info is missing"));
    }
    let (id, now) = (call.state.new_id(9000).to_string(), call.now.seconds());
    let account = call.account()?;
    if account.addresses.len() >= FURNITURE_LIMIT {
        return Err(error(40097));
    }
    if let Some(members) = address.as_object_mut() {
        members.insert("address_id".into(), json!(id));
        members.insert("create_time".into(), json!(now));
        members.insert("update_time".into(), json!(now));
    }
    account.addresses.insert(id.clone(), address);
    one_default(&mut account.addresses, &id, "default_send");
    one_default(&mut account.addresses, &id, "default_recv");
    Ok(ok_with(json!({"address_id": id})))
}

fn address_update(call: &mut Call<'_>) -> Answer {
    let mut address = call.body.get("address_detail").cloned().unwrap_or_default();
    if !address.get("address_info").is_some_and(Value::is_object) {
        return Err(invalid_args("address_detail.address_info is missing"));
    }
    let id = id_of(address.get("address_id")).unwrap_or_default().to_string();
    let now = call.now.seconds();
    let addresses = &mut call.account()?.addresses;
    let known = addresses.get_mut(&id).ok_or_else(|| invalid_args("address_id is unknown"))?;
    replace(known, &mut address, "address_id", &id, now);
    one_default(addresses, &id, "default_send");
    one_default(addresses, &id, "default_recv");
    Ok(ok())
}

fn address_delete(call: &mut Call<'_>) -> Answer {
    let id = call.id("address_id")?.to_string();
    match call.account()?.addresses.remove(&id) {
        Some(_) => Ok(ok()),
        None => Err(invalid_args("address_id is unknown")),
    }
}
