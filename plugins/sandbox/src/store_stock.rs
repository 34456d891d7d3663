//! Stock the platform keeps per SKU: changes by difference or by setting, and reading.

use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, WxError, error, invalid_args, ok, ok_with};
use crate::product_rules::STOCK_MAX;
use crate::state::{Product, id_of, int_of};
use crate::store_product::{IN_AUDIT, product_of};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/product/stock/update", Auth::Account, update),
    post("/channels/ec/product/stock/get", Auth::Account, get_stock),
    post("/channels/ec/product/stock/batchget", Auth::Account, get_many),
];

fn apply(product: &mut Product, sku_id: u64, diff_type: i64, num: i64) -> Result<i64, WxError> {
    let current = *product.stock.get(&sku_id).ok_or_else(|| error(10020051))?;
    if num < 0 || (num == 0 && diff_type != 3) {
        return Err(error(10020218));
    }
    let next = match diff_type {
        1 => current.checked_add(num).ok_or_else(|| error(10020055))?,
        2 => current - num,
        3 => num,
        _ => return Err(error(10020055)),
    };
    if next < 0 {
        return Err(error(10020219));
    }
    if next > STOCK_MAX {
        return Err(error(10020055));
    }
    product.stock.insert(sku_id, next);
    Ok(next)
}

/// The `stock_info` of an update that needs no audit.
pub fn apply_inline(product: &mut Product, sku_id: u64, info: Option<&Value>) -> Result<(), WxError> {
    let Some(info) = info.filter(|info| info.is_object()) else { return Ok(()) };
    let diff_type = int_of(info.get("diff_type")).ok_or_else(|| error(10020055))?;
    let num = int_of(info.get("num")).ok_or_else(|| error(10020055))?;
    apply(product, sku_id, diff_type, num).map(|_| ())
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, sku_id, appid) = (call.id("product_id")?, call.id("sku_id")?, call.appid.clone());
    let diff_type = call.int("diff_type").ok_or_else(|| error(10020055))?;
    let num = call.int("num").ok_or_else(|| error(10020055))?;
    let product = product_of(call.state, &appid, id)?;
    if product.edit_status == IN_AUDIT {
        return Err(error(10020217));
    }
    if !product.ever_listed {
        return Err(error(10020289));
    }
    apply(product, sku_id, diff_type, num)?;
    Ok(ok())
}

fn view(num: i64) -> Value {
    json!({
        "normal_stock_num": num,
        "limited_discount_stock_num": 0,
        "warehouse_stocks": [],
        "total_stock_num": num,
        "finder_stock_num": 0,
    })
}

fn get_stock(call: &mut Call<'_>) -> Answer {
    let (id, sku_id, appid) = (call.id("product_id")?, call.id("sku_id")?, call.appid.clone());
    let product = product_of(call.state, &appid, id)?;
    let num = product.stock.get(&sku_id).ok_or_else(|| error(10020051))?;
    Ok(ok_with(json!({"data": view(*num)})))
}

fn get_many(call: &mut Call<'_>) -> Answer {
    let wanted = call.body.get("product_id").and_then(Value::as_array).cloned().unwrap_or_default();
    if wanted.is_empty() || wanted.len() > 50 {
        return Err(invalid_args("product_id: expecting 1..=50 ids"));
    }
    let ids = wanted.iter().filter_map(|id| id_of(Some(id)));
    let products = ids.filter_map(|id| call.state.products.get(&id).filter(|p| p.appid == call.appid));
    let list: Vec<Value> = products
        .map(|product| {
            let skus: Vec<Value> = product
                .stock
                .iter()
                .map(|(sku_id, num)| {
                    let mut sku = view(*num);
                    if let Some(members) = sku.as_object_mut() {
                        members.insert("sku_id".into(), json!(sku_id.to_string()));
                    }
                    sku
                })
                .collect();
            json!({"product_id": product.product_id.to_string(), "sku_stock": skus})
        })
        .collect();
    Ok(ok_with(json!({"data": {"spu_stock_list": list}})))
}
