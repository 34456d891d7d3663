//! Products of a store: a draft and what is online, the platform's audit between them, listing and delisting.
//!
//! Status and edit status carry the documents' numbers. A draft goes online only when its audit passed.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::{Now, china_time};
use crate::errors::{Answer, WxError, error, error_with, invalid_args, ok, ok_with};
use crate::product_audit::{begin_editing, submit_for_audit};
use crate::product_rules;
use crate::state::{AccountKind, LIMIT, Product, State, id_of, int_of, text_of};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/product/add", Auth::Account, add),
    post("/channels/ec/product/update", Auth::Account, update),
    post("/channels/ec/product/auditfree", Auth::Account, update_without_audit),
    post("/channels/ec/product/get", Auth::Account, get_product),
    post("/channels/ec/product/list/get", Auth::Account, list),
    post("/channels/ec/product/listing", Auth::Account, listing),
    post("/channels/ec/product/delisting", Auth::Account, delisting),
    post("/channels/ec/product/delete", Auth::Account, delete),
    post("/channels/ec/product/audit/cancel", Auth::Account, cancel_audit),
    post("/channels/ec/product/getauditquota", Auth::Account, audit_quota),
    post("/channels/ec/product/h5url/get", Auth::Account, h5_link),
    post("/channels/ec/product/taglink/get", Auth::Account, tag_link),
    post("/channels/ec/product/qrcode/get", Auth::Account, code_link),
];

pub const LISTED: i64 = 5;
pub const BIN: i64 = 6;
pub const DELISTED: i64 = 11;
pub const EDITING: i64 = 1;
pub const IN_AUDIT: i64 = 2;
pub const REFUSED: i64 = 3;
pub const PASSED: i64 = 4;
pub const UPLOADING: i64 = 7;
const PRODUCT_IDS: u64 = 1_152_921_504_600_000_000;
const SKU_IDS: u64 = 2_305_843_009_200_000_000;

pub fn product_of<'a>(state: &'a mut State, appid: &str, id: u64) -> Result<&'a mut Product, WxError> {
    state.products.get_mut(&id).filter(|p| p.appid == appid && p.status != 9).ok_or_else(|| error(10020052))
}

fn draft_of(call: &mut Call<'_>) -> Result<(Map<String, Value>, bool), WxError> {
    let mut draft = call.body.as_object().cloned().unwrap_or_default();
    let submit = int_of(draft.get("listing")) == Some(1);
    for name in ["listing", "product_id", "status", "edit_status"] {
        draft.remove(name);
    }
    let check_images = call.state.settings.check_images;
    let account = call.account()?;
    product_rules::check(account, &draft, check_images)?;
    Ok((draft, submit))
}

/// Gives each SKU its id and stock; a SKU known by id or by the merchant's own id keeps both.
fn settle_skus(state: &mut State, product: &mut Product, draft: &mut Map<String, Value>) {
    let known: BTreeMap<String, u64> = [&product.online, &product.draft]
        .into_iter()
        .flatten()
        .flat_map(skus_of)
        .filter(|sku| !text_of(sku.get("out_sku_id")).is_empty())
        .filter_map(|sku| Some((text_of(sku.get("out_sku_id")).to_owned(), id_of(sku.get("sku_id"))?)))
        .collect();
    let mut stock = BTreeMap::new();
    for sku in draft.get_mut("skus").and_then(Value::as_array_mut).into_iter().flatten() {
        let given = id_of(sku.get("sku_id")).filter(|id| product.stock.contains_key(id));
        let id = given.or_else(|| known.get(text_of(sku.get("out_sku_id"))).copied());
        // Two SKUs that claim one id: the second is a new one.
        let id = id.filter(|id| !stock.contains_key(id));
        let id = id.unwrap_or_else(|| state.new_id(SKU_IDS));
        let wanted = int_of(sku.get("stock_num"));
        let kept = product.stock.get(&id).copied();
        stock.insert(id, if product.ever_listed { kept.or(wanted) } else { wanted.or(kept) }.unwrap_or(0));
        if let Some(sku) = sku.as_object_mut() {
            sku.insert("sku_id".into(), json!(id.to_string()));
        }
    }
    // SKUs that are online stay countable until the draft replaces them.
    if let Some(online) = &product.online {
        for id in skus_of(online).filter_map(|sku| id_of(sku.get("sku_id"))) {
            stock.entry(id).or_insert_with(|| product.stock.get(&id).copied().unwrap_or(0));
        }
    }
    product.stock = stock;
}

pub fn skus_of(data: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    data.get("skus").and_then(Value::as_array).into_iter().flatten()
}

fn add(call: &mut Call<'_>) -> Answer {
    let (mut draft, submit) = draft_of(call)?;
    if call.state.products.len() >= LIMIT {
        return Err(error(45009));
    }
    let now = call.now;
    let mut product = Product {
        product_id: call.state.new_id(PRODUCT_IDS),
        appid: call.appid.clone(),
        out_product_id: text_of(draft.get("out_product_id")).to_owned(),
        status: 0,
        edit_status: EDITING,
        ever_listed: false,
        online: None,
        draft: None,
        stock: BTreeMap::new(),
        audit_due_ms: None,
        upload_until_ms: None,
        submit_after_upload: false,
        audit_reason: String::new(),
        create_time: now.seconds(),
        edit_time: now.seconds(),
    };
    settle_skus(call.state, &mut product, &mut draft);
    product.draft = Some(draft);
    let id = product.product_id;
    call.state.products.insert(id, product);
    call.state.push_product_update(now, id, 1);
    begin_editing(call.state, now, id, submit);
    answer_with_skus(call, id)
}

/// A product the merchant made in the platform's own console long ago: on the shelf, with one SKU and no id of ours.
pub fn already_there(
    state: &mut State,
    now: Now,
    appid: &str,
    title: &str,
    price: i64,
    stock: i64,
) -> Result<u64, String> {
    if !state.accounts.get(appid).is_some_and(|account| account.kind == AccountKind::Store) {
        return Err("no such store".into());
    }
    if title.is_empty() || title.chars().count() > 60 || !(1..=1_000_000_000).contains(&price) {
        return Err("title must be 1..=60 characters and price 1..=1000000000".into());
    }
    if state.products.len() >= LIMIT || !(0..=10_000_000).contains(&stock) {
        return Err("too many products, or stock out of range".into());
    }
    let (id, sku) = (state.new_id(PRODUCT_IDS), state.new_id(SKU_IDS));
    let online = json!({
        "title": title,
        "skus": [{
            "sku_id": sku.to_string(), "sale_price": price, "stock_num": stock,
            "sku_attrs": [{"attr_key": "规格", "attr_value": "默认"}],
        }],
    });
    let product = Product {
        product_id: id,
        appid: appid.to_owned(),
        out_product_id: String::new(),
        status: LISTED,
        edit_status: PASSED,
        ever_listed: true,
        online: online.as_object().cloned(),
        draft: None,
        stock: BTreeMap::from([(sku, stock)]),
        audit_due_ms: None,
        upload_until_ms: None,
        submit_after_upload: false,
        audit_reason: String::new(),
        create_time: now.seconds(),
        edit_time: now.seconds(),
    };
    state.products.insert(id, product);
    Ok(id)
}

fn update(call: &mut Call<'_>) -> Answer {
    let id = call.id("product_id")?;
    let appid = call.appid.clone();
    let current = product_of(call.state, &appid, id)?;
    if current.edit_status == IN_AUDIT || current.edit_status == UPLOADING || current.status == BIN {
        return Err(error(10020008));
    }
    let mut product = current.clone();
    let (mut draft, submit) = draft_of(call)?;
    // The merchant's own id is fixed once given.
    draft.insert("out_product_id".into(), json!(product.out_product_id));
    settle_skus(call.state, &mut product, &mut draft);
    product.draft = Some(draft);
    product.edit_time = call.now.seconds();
    call.state.products.insert(id, product);
    call.state.push_product_update(call.now, id, 0);
    begin_editing(call.state, call.now, id, submit);
    answer_with_skus(call, id)
}

fn answer_with_skus(call: &Call<'_>, id: u64) -> Answer {
    let product = call.state.products.get(&id).ok_or_else(|| error(-1))?;
    let skus = product.draft.iter().flat_map(skus_of);
    let skus: Vec<Value> = skus
        .map(|sku| json!({"sku_id": sku.get("sku_id"), "out_sku_id": text_of(sku.get("out_sku_id"))}))
        .collect();
    Ok(ok_with(json!({"data": {
        "product_id": id.to_string(),
        "out_product_id": product.out_product_id,
        "create_time": china_time(product.create_time),
        "update_time": china_time(product.edit_time),
        "skus": skus,
    }})))
}

fn listing(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("product_id")?, call.appid.clone(), call.now);
    let product = product_of(call.state, &appid, id)?;
    match (product.status, product.edit_status) {
        (_, UPLOADING) => Err(error(10020067)),
        (BIN | 20, _) => Err(error(10020008)),
        // Taken down by the platform: only what was edited since may ask for another audit.
        (13..=15, PASSED | REFUSED) => Err(error(10020008)),
        (_, IN_AUDIT) => Err(error_with(10020008, "商品正在审核中,请勿重复提交")),
        (DELISTED, PASSED) => {
            product.status = LISTED;
            call.state.push_product_listing(now, id, "");
            Ok(ok())
        }
        (LISTED, PASSED) => Ok(ok()),
        _ => {
            submit_for_audit(call.state, now, id);
            Ok(ok())
        }
    }
}

fn delisting(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("product_id")?, call.appid.clone(), call.now);
    let product = product_of(call.state, &appid, id)?;
    if product.status == LISTED {
        product.status = DELISTED;
        call.state.push_product_listing(now, id, "");
    }
    Ok(ok())
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("product_id")?, call.appid.clone(), call.now);
    let product = product_of(call.state, &appid, id)?;
    let was_listed = product.status == LISTED;
    product.status = BIN;
    product.audit_due_ms = None;
    product.upload_until_ms = None;
    if was_listed {
        call.state.push_product_listing(now, id, "");
    }
    call.state.push_product_update(now, id, 2);
    Ok(ok())
}

fn cancel_audit(call: &mut Call<'_>) -> Answer {
    let (id, appid) = (call.id("product_id")?, call.appid.clone());
    let product = product_of(call.state, &appid, id)?;
    if product.edit_status != IN_AUDIT {
        return Err(error_with(10020008, "商品不在审核中"));
    }
    product.edit_status = EDITING;
    product.audit_due_ms = None;
    Ok(ok())
}

fn audit_quota(_call: &mut Call<'_>) -> Answer {
    Ok(ok_with(json!({"audit_quota": {"block_status": 0, "avail_quota": 1000, "total_quota": 1000}})))
}

/// The ways to a product that is on sale; the addresses lead nowhere.
fn link(call: &mut Call<'_>, field: &str, shape: fn(u64) -> String) -> Answer {
    let (id, appid) = (call.id("product_id")?, call.appid.clone());
    if product_of(call.state, &appid, id)?.status != LISTED {
        return Err(error(10020055));
    }
    Ok(ok_with(json!({field: shape(id)})))
}

fn h5_link(call: &mut Call<'_>) -> Answer {
    link(call, "product_h5url", |id| format!("https://channels.weixin.qq.com/shop/a/{id}"))
}

fn tag_link(call: &mut Call<'_>) -> Answer {
    link(call, "product_taglink", |id| format!("#微信小店://微信小店/{id}"))
}

fn code_link(call: &mut Call<'_>) -> Answer {
    link(call, "product_qrcode", |id| format!("https://store.mp.video.tencent-cloud.com/qrcode/{id}"))
}

fn view(product: &Product, data: &Map<String, Value>) -> Value {
    let mut shown = data.clone();
    shown.insert("product_id".into(), json!(product.product_id.to_string()));
    shown.insert("status".into(), json!(product.status));
    shown.insert("edit_status".into(), json!(product.edit_status));
    shown.insert("product_type".into(), json!(1));
    shown.insert("create_time".into(), json!(china_time(product.create_time)));
    shown.insert("edit_time".into(), json!(product.edit_time));
    let prices = skus_of(data).filter_map(|sku| int_of(sku.get("sale_price")));
    shown.insert("min_price".into(), json!(prices.min().unwrap_or(0)));
    for sku in shown.get_mut("skus").and_then(Value::as_array_mut).into_iter().flatten() {
        let left = id_of(sku.get("sku_id")).and_then(|id| product.stock.get(&id)).copied();
        if let Some(sku) = sku.as_object_mut() {
            sku.insert("status".into(), json!(product.status));
            sku.extend(left.map(|left| ("stock_num".to_owned(), json!(left))));
        }
    }
    Value::Object(shown)
}

fn get_product(call: &mut Call<'_>) -> Answer {
    let (id, appid) = (call.id("product_id")?, call.appid.clone());
    let wanted = call.int("data_type").unwrap_or(1);
    let product = product_of(call.state, &appid, id)?;
    let mut members = Map::new();
    if wanted & 1 != 0 {
        // Nothing online yet: the platform still answers with the product's states.
        let online = product.online.as_ref().or(product.draft.as_ref()).map(|data| view(product, data));
        members.insert("product".into(), online.unwrap_or(Value::Null));
    }
    if wanted & 2 != 0 {
        let mut draft = product.draft.as_ref().map_or(Value::Null, |data| view(product, data));
        if let (Some(draft), REFUSED) = (draft.as_object_mut(), product.edit_status) {
            let reason = json!({"reason": product.audit_reason});
            draft.insert("audit_info".into(), reason);
        }
        members.insert("edit_product".into(), draft);
    }
    members.insert("sale_limit_info".into(), json!({"is_limited": 0, "title": "", "sub_title": ""}));
    Ok(ok_with(Value::Object(members)))
}

fn list(call: &mut Call<'_>) -> Answer {
    let size = usize::try_from(call.int("page_size").unwrap_or(10)).unwrap_or(0);
    if !(1..=30).contains(&size) {
        return Err(invalid_args("page_size: expecting 1..=30"));
    }
    let status = call.int("status");
    let after: u64 = call.text("next_key").parse().unwrap_or(0);
    let chosen = |p: &&Product| {
        p.appid == call.appid
            && match status {
                Some(status) => p.status == status,
                None => p.status != BIN && p.status != 9,
            }
    };
    let total = call.state.products.values().filter(chosen).count();
    let page: Vec<u64> = call
        .state
        .products
        .range(after + 1..)
        .map(|(_, p)| p)
        .filter(chosen)
        .take(size)
        .map(|p| p.product_id)
        .collect();
    let next =
        if page.len() == size { page.last().map(u64::to_string).unwrap_or_default() } else { String::new() };
    let ids: Vec<String> = page.iter().map(u64::to_string).collect();
    Ok(ok_with(json!({"product_ids": ids, "next_key": next, "total_num": total})))
}

fn update_without_audit(call: &mut Call<'_>) -> Answer {
    let (id, appid) = (call.id("product_id")?, call.appid.clone());
    let changes = call.body.get("skus").and_then(Value::as_array).cloned().unwrap_or_default();
    let product = product_of(call.state, &appid, id)?;
    if !product.ever_listed {
        return Err(error(10020289));
    }
    if product.edit_status == IN_AUDIT {
        return Err(error(10020008));
    }
    let mut changed = product.clone();
    for change in &changes {
        let sku_id = id_of(change.get("sku_id")).ok_or_else(|| error(10020051))?;
        crate::store_stock::apply_inline(&mut changed, sku_id, change.get("stock_info"))?;
        for data in [&mut changed.online, &mut changed.draft].into_iter().flatten() {
            change_sku(data, sku_id, change)?;
        }
    }
    *product = changed;
    product.edit_time = call.now.seconds();
    call.state.push_product_update(call.now, id, 0);
    Ok(ok())
}

fn change_sku(data: &mut Map<String, Value>, sku_id: u64, change: &Value) -> Result<(), WxError> {
    let Some(skus) = data.get_mut("skus").and_then(Value::as_array_mut) else { return Ok(()) };
    if change.get("is_delete").and_then(Value::as_bool) == Some(true) {
        skus.retain(|sku| id_of(sku.get("sku_id")) != Some(sku_id));
        return if skus.is_empty() { Err(error(10020038)) } else { Ok(()) };
    }
    let found =
        skus.iter_mut().find(|sku| id_of(sku.get("sku_id")) == Some(sku_id)).and_then(Value::as_object_mut);
    let Some(sku) = found else { return Err(error(10020051)) };
    if let Some(price) = int_of(change.get("sale_price")) {
        product_rules::check_price(price, int_of(sku.get("market_price")))?;
        sku.insert("sale_price".into(), json!(price));
    }
    if let Some(deliver) = change.get("sku_deliver_info") {
        sku.insert("sku_deliver_info".into(), deliver.clone());
    }
    Ok(())
}
