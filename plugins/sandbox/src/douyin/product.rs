//! Products: add and edit with audit, detail and lists, shelf, stock, categories, pictures.

use super::calls::{Answer, Call, DyError, Route, error, invalid, refused};
use super::product_rules::{CATEGORIES, version};
use super::{Product, Version};
use crate::clock::{Now, china_time};
use crate::state::{LIMIT, State, int_of, text_of};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    ("/product/addV2", true, add),
    ("/product/editV2", true, edit),
    ("/product/detail", true, detail),
    ("/product/listV2", true, list),
    ("/product/auditList", true, audit_list),
    ("/product/setOnline", true, set_online),
    ("/product/setOffline", true, set_offline),
    ("/product/del", true, delete),
    ("/sku/syncStock", true, sync_stock),
    ("/sku/list", true, sku_list),
    ("/shop/getShopCategory", true, categories),
    ("/shop/reputation", true, reputation),
    ("/material/uploadImageSync", true, upload_image),
];

const PRODUCT_IDS: u64 = 3_550_000_000_000_000_000;
const SKU_IDS: u64 = 1_780_000_000_000_000;

fn product<'a>(call: &'a mut Call<'_>, id: u64) -> Result<&'a mut Product, DyError> {
    let shop = call.shop_id;
    call.douyin().products.get_mut(&id).filter(|p| p.shop_id == shop).ok_or_else(|| refused("商品不存在"))
}

/// A SKU with the same specifications keeps its id.
fn give_ids(state: &mut State, mut version: Version, known: &[&Version]) -> Version {
    for sku in &mut version.skus {
        let before = known.iter().flat_map(|version| &version.skus).find(|old| old.specs == sku.specs);
        sku.sku_id = match before {
            Some(old) => old.sku_id,
            None => state.new_id(SKU_IDS),
        };
    }
    version
}

fn submit(state: &mut State, now: Now, id: u64) {
    let due = state.settings.audit_automatically.then(|| now.millis() + state.settings.audit_delay_ms);
    if let Some(product) = state.douyin.products.get_mut(&id) {
        product.audit_due_ms = due;
    }
}

fn wants_audit(call: &Call<'_>) -> bool {
    match call.params.get("commit") {
        Some(Value::Bool(commit)) => *commit,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

fn add(call: &mut Call<'_>) -> Answer {
    let made = version(&call.params)?;
    if call.douyin().products.len() >= LIMIT {
        return Err(error(60_000, "isv.call-limited", "商品数量达到上限"));
    }
    let (now, shop_id, commit) = (call.now, call.shop_id, wants_audit(call));
    let current = give_ids(call.state, made, &[]);
    let product_id = call.state.new_id(PRODUCT_IDS);
    let outer_product_id = text_of(current.fields.get("outer_product_id")).to_owned();
    let product = Product {
        product_id,
        shop_id,
        outer_product_id,
        status: 1,
        check_status: if commit { 2 } else { 1 },
        draft_status: 0,
        current,
        draft: None,
        audit_due_ms: None,
        records: Vec::new(),
        create_time: now.seconds(),
        update_time: now.seconds(),
    };
    let shown = written(&product, &product.current);
    call.state.douyin.products.insert(product_id, product);
    if commit {
        submit(call.state, now, product_id);
    }
    call.state.douyin_product_changed(now, product_id);
    Ok(shown)
}

fn edit(call: &mut Call<'_>) -> Answer {
    let id = call.id("product_id")?;
    let (now, commit) = (call.now, wants_audit(call));
    let made = version(&call.params)?;
    let before = product(call, id)?.clone();
    if before.status == 2 || before.check_status == 5 {
        return Err(refused("商品已删除或已封禁，不能编辑"));
    }
    if before.in_audit() {
        return Err(refused("商品审核中，不能编辑"));
    }
    let known: Vec<&Version> = std::iter::once(&before.current).chain(&before.draft).collect();
    let made = give_ids(call.state, made, &known);
    let product = product(call, id)?;
    product.update_time = now.seconds();
    if [3, 7].contains(&product.check_status) {
        product.draft_status = if commit { 2 } else { 1 };
        product.draft = Some(made.clone());
    } else {
        product.check_status = if commit { 2 } else { 1 };
        product.current = made.clone();
    }
    let shown = written(product, &made);
    if commit {
        submit(call.state, now, id);
    }
    call.state.douyin_product_changed(now, id);
    Ok(shown)
}

fn written(product: &Product, version: &Version) -> Value {
    let skus: Vec<Value> = version
        .skus
        .iter()
        .map(|sku| json!({"sku_id": sku.sku_id, "out_sku_id": 0, "outer_sku_id": sku.outer_sku_id, "code": sku.code}))
        .collect();
    json!({"product_id": product.product_id, "out_product_id": 0, "outer_product_id": product.outer_product_id,
        "create_time": china_time(product.create_time), "sku": skus})
}

fn detail(call: &mut Call<'_>) -> Answer {
    let id = call.id("product_id")?;
    let show_draft = call.text("show_draft") == "true";
    let product = product(call, id)?;
    let version = product.draft.as_ref().filter(|_| show_draft).unwrap_or(&product.current);
    let mut shown = serde_json::Map::new();
    for name in ["name", "delivery_delay_day", "presell_type", "after_sale_service", "product_format_new"] {
        shown.insert(name.into(), version.fields.get(name).cloned().unwrap_or_default());
    }
    let pictures: Vec<&str> = text_of(version.fields.get("pic")).split('|').collect();
    let leaf = version.fields.get("category_leaf_id").cloned().unwrap_or_default();
    let prices: Vec<Value> = version
        .skus
        .iter()
        .map(|sku| {
            json!({"sku_id": sku.sku_id, "out_sku_id": 0, "outer_sku_id": sku.outer_sku_id, "code": sku.code,
                "price": sku.price, "stock_num": sku.stock, "sku_type": 0, "lock_stock_num": 0})
        })
        .collect();
    let specs: Vec<Value> = version
        .specs
        .iter()
        .map(|(name, values)| {
            let values: Vec<Value> =
                values.iter().map(|value| json!({"name": value, "is_leaf": 1})).collect();
            json!({"name": name, "is_leaf": 0, "values": values})
        })
        .collect();
    let rest = json!({
        "product_id": product.product_id, "product_id_str": product.product_id.to_string(),
        "out_product_id": 0, "outer_product_id": product.outer_product_id,
        "status": product.status, "check_status": product.check_status, "draft_status": product.draft_status,
        "description": version.fields.get("description"), "pic": pictures, "img": pictures.first(),
        "category_detail": {"third_cid": leaf}, "spec_prices": prices, "specs": specs,
        "create_time": china_time(product.create_time), "update_time": china_time(product.update_time),
    });
    if let Value::Object(rest) = rest {
        shown.extend(rest);
    }
    Ok(Value::Object(shown))
}

/// Page and size within their documented bounds.
fn page(call: &Call<'_>, first: i64) -> Result<(usize, usize), DyError> {
    let (page, size) = (call.int("page").unwrap_or(first), call.int("size").unwrap_or(10));
    if page < first || !(1..=100).contains(&size) {
        return Err(invalid("page或size取值不正确"));
    }
    let (skipped, size) = (usize::try_from(page - first).unwrap_or(0), usize::try_from(size).unwrap_or(0));
    Ok((skipped * size, size))
}

fn list(call: &mut Call<'_>) -> Answer {
    let (skip, size) = page(call, 1)?;
    let (shop, name) = (call.shop_id, call.text("name"));
    let (status, check) = (call.int("status"), call.int("check_status"));
    let chosen: Vec<&Product> = call
        .state
        .douyin
        .products
        .values()
        .filter(|p| p.shop_id == shop && p.title().contains(&name))
        .filter(|p| status.is_none_or(|status| p.status == status))
        .filter(|p| check.is_none_or(|check| p.check_status == check))
        .collect();
    let rows: Vec<Value> = chosen
        .iter()
        .skip(skip)
        .take(size)
        .map(|p| {
            json!({"product_id": p.product_id, "outer_product_id": p.outer_product_id, "name": p.title(),
                "status": p.status, "check_status": p.check_status, "create_time": p.create_time,
                "update_time": p.update_time})
        })
        .collect();
    Ok(json!({"data": rows, "total": chosen.len(), "page": call.int("page").unwrap_or(1), "size": size}))
}

fn audit_list(call: &mut Call<'_>) -> Answer {
    let (skip, size) = page(call, 0)?;
    let (shop, wanted) = (call.shop_id, call.int("product_id").and_then(|id| u64::try_from(id).ok()));
    let status = call
        .int("publish_status")
        .ok_or_else(|| error(40_002, "isv.parameter-missing", "publish_status不能为空"))?;
    let products = call.state.douyin.products.values().filter(|p| p.shop_id == shop);
    let mut rows = Vec::new();
    for product in products.filter(|p| wanted.is_none_or(|id| p.product_id == id)) {
        let title = product.title();
        if status == 0 && product.in_audit() {
            rows.push((
                product.update_time,
                json!({"product_id": product.product_id, "title": title,
                "publish_status": 0, "publish_time": product.update_time}),
            ));
        }
        for record in product.records.iter().filter(|record| record.publish_status == status) {
            let reasons =
                if record.reason.is_empty() { json!({}) } else { json!({"商品信息": [record.reason]}) };
            rows.push((
                record.at,
                json!({"product_id": product.product_id, "title": title,
                "publish_status": status, "audit_time": record.at, "audit_reason": reasons}),
            ));
        }
    }
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let total = rows.len();
    let rows: Vec<Value> = rows.into_iter().skip(skip).take(size).map(|(_, row)| row).collect();
    Ok(json!({"records": rows, "total": total}))
}

fn set_online(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("product_id")?, call.now);
    let product = product(call, id)?;
    match (product.status, product.check_status) {
        (2, _) => Err(refused("商品已删除")),
        (_, 3 | 7) => {
            product.status = 0;
            product.check_status = 3;
            product.update_time = now.seconds();
            call.state.douyin_product_changed(now, id);
            Ok(Value::Null)
        }
        _ => Err(refused("商品未审核通过，不能上架")),
    }
}

fn set_offline(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("product_id")?, call.now);
    let product = product(call, id)?;
    if product.status == 0 {
        product.status = 1;
        product.update_time = now.seconds();
        call.state.douyin_product_changed(now, id);
    }
    Ok(Value::Null)
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("product_id")?, call.now);
    let product = product(call, id)?;
    product.status = 2;
    product.audit_due_ms = None;
    product.update_time = now.seconds();
    call.state.douyin_product_changed(now, id);
    Ok(Value::Null)
}

fn sync_stock(call: &mut Call<'_>) -> Answer {
    let (id, sku_id) = (call.id("product_id")?, call.id("sku_id")?);
    let wanted =
        call.int("stock_num").ok_or_else(|| error(40_002, "isv.parameter-missing", "stock_num不能为空"))?;
    let incremental = call.params.get("incremental").and_then(Value::as_bool).unwrap_or(false);
    let key = call.text("idempotent_id");
    if incremental && key.is_empty() {
        return Err(error(40_002, "isv.parameter-missing", "增量更新时idempotent_id不能为空"));
    }
    let mark = format!("stock {} {key}", call.shop_id);
    if incremental && call.douyin().packs.contains_key(&mark) {
        return Err(error(40_003, "isv.idempotent-id-existed", "幂等ID重复"));
    }
    let product = product(call, id)?;
    if product.status == 2 {
        return Err(refused("商品已删除"));
    }
    let mut found = false;
    let versions = std::iter::once(&mut product.current).chain(&mut product.draft);
    for sku in versions.flat_map(|version| &mut version.skus).filter(|sku| sku.sku_id == sku_id) {
        let stock = if incremental { sku.stock + wanted } else { wanted };
        if stock < 0 {
            return Err(refused("库存不足"));
        }
        sku.stock = stock;
        found = true;
    }
    if !found {
        return Err(refused("sku不存在"));
    }
    if incremental {
        call.douyin().packs.insert(mark, String::new());
    }
    Ok(Value::Null)
}

fn sku_list(call: &mut Call<'_>) -> Answer {
    let id = call.id("product_id")?;
    let product = product(call, id)?;
    let skus: Vec<Value> = product
        .current
        .skus
        .iter()
        .map(|sku| {
            json!({"id": sku.sku_id, "product_id": id, "outer_sku_id": sku.outer_sku_id, "code": sku.code,
                "price": sku.price, "stock_num": sku.stock})
        })
        .collect();
    Ok(Value::Array(skus))
}

fn categories(call: &mut Call<'_>) -> Answer {
    let parent = call.int("cid").unwrap_or(0);
    let level = |id: u64| {
        let mut level = 1;
        let mut at = id;
        while let Some((.., above, _)) =
            CATEGORIES.iter().find(|(id, ..)| *id == at).filter(|(.., p, _)| *p > 0)
        {
            at = *above;
            level += 1;
        }
        level
    };
    let rows: Vec<Value> = CATEGORIES
        .iter()
        .filter(|(.., above, _)| i64::try_from(*above) == Ok(parent))
        .map(|(id, name, above, leaf)| {
            json!({"id": id, "name": name, "level": level(*id), "parent_id": above, "is_leaf": leaf, "enable": true})
        })
        .collect();
    Ok(Value::Array(rows))
}

fn reputation(call: &mut Call<'_>) -> Answer {
    let id = call.shop_id;
    let shop = call.douyin().shops.get(&id).ok_or_else(|| error(20_000, "isp.service-error", "内部错误"))?;
    Ok(json!({"shop_id": shop.shop_id, "shop_name": shop.name, "shop_score": "4.80", "product_score": "4.81",
        "logistics_score": "4.79", "service_score": "4.80"}))
}

/// The picture is named and not fetched: only loopback addresses are ever called.
fn upload_image(call: &mut Call<'_>) -> Answer {
    let url = call.text("url");
    let good = url::Url::parse(&url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
    if !good || call.text("material_name").is_empty() {
        return Err(invalid("图片地址或素材名称不正确"));
    }
    let name = crate::crypto::signature(&[&call.shop_id.to_string(), &url]);
    Ok(json!({"material_id": name, "folder_id": call.text("folder_id"), "is_new": true, "audit_status": 3,
        "byte_url": format!("https://p3-aio.ecombdimg.com/obj/ecom-shop-material/{name}")}))
}

/// The platform's decision about what is in audit.
pub fn decide(state: &mut State, now: Now, id: u64, refusal: Option<&str>) -> bool {
    let Some(product) = state.douyin.products.get_mut(&id).filter(|p| p.in_audit()) else { return false };
    product.audit_due_ms = None;
    product.update_time = now.seconds();
    let first = product.check_status == 2;
    let publish_status = if refusal.is_some() { 2 } else { 1 };
    let reason = refusal.unwrap_or_default().to_owned();
    product.records.push(super::AuditRecord { publish_status, reason, at: now.seconds() });
    match (first, refusal) {
        (true, Some(_)) => product.check_status = 4,
        (false, Some(_)) => product.draft_status = 4,
        (true, None) => {
            product.check_status = 3;
            // `start_sale_type` 0 = on sale at once, 1 = into the warehouse.
            if int_of(product.current.fields.get("start_sale_type")) == Some(1) {
                product.check_status = 7;
            } else {
                product.status = 0;
            }
        }
        (false, None) => {
            product.draft_status = 0;
            if let Some(draft) = product.draft.take() {
                product.current = draft;
            }
        }
    }
    state.douyin_product_audited(now, id, refusal);
    true
}

/// Audits whose time has come.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let due: Vec<u64> = state
        .douyin
        .products
        .values()
        .filter(|p| p.audit_due_ms.is_some_and(|due| due <= now.millis()))
        .map(|p| p.product_id)
        .collect();
    for id in &due {
        decide(state, now, *id, None);
    }
    !due.is_empty()
}
