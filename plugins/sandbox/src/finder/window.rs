//! The window 橱窗. Whether a product of a bound store is shown follows the store's shelf, so `off` is answered with "done"
//! and changes nothing, as the document says of it.

use super::{MOST, WindowProduct, buffer, own, place};
use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, WxError, error_with, invalid_args, ok, ok_with};
use crate::state::{State, id_of, int_of, text_of};
use crate::store_product::{BIN, LISTED, skus_of};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/window/product/add", Auth::Account, add),
    post("/channels/ec/window/product/get", Auth::Account, get),
    post("/channels/ec/window/product/list/get", Auth::Account, list),
    post("/channels/ec/window/product/off", Auth::Account, off),
];

fn not_bound() -> WxError {
    error_with(10_022_008, "请求的appid不属于该视频号的绑定店铺")
}

fn not_found() -> WxError {
    error_with(10_022_003, "橱窗商品未找到")
}

/// The product and the store a call names; the store has to be bound.
fn named(call: &mut Call<'_>) -> Result<(u64, String), WxError> {
    let (product_id, appid) = (call.id("product_id")?, call.text("appid").to_owned());
    if appid.is_empty() {
        return Err(invalid_args("appid"));
    }
    if own(call)?.finder.stores.contains(&appid) { Ok((product_id, appid)) } else { Err(not_bound()) }
}

fn add(call: &mut Call<'_>) -> Answer {
    let (product_id, appid) = named(call)?;
    let hidden = call.body.get("is_hide_for_window") == Some(&Value::Bool(true));
    let there = call.state.products.get(&product_id).is_some_and(|p| p.appid == appid && p.online.is_some());
    if !there {
        return Err(not_found());
    }
    let window = &mut own(call)?.finder.window;
    window.retain(|one| one.product_id != product_id);
    if window.len() >= MOST {
        return Err(invalid_args("the window is full"));
    }
    window.push(WindowProduct { product_id, appid, hidden });
    Ok(ok())
}

/// 1 shown, 2 not shown, 3 deleted where it comes from.
pub fn status(state: &State, product_id: u64) -> u64 {
    match state.products.get(&product_id).map(|product| product.status) {
        Some(LISTED) => 1,
        None | Some(BIN | 9) => 3,
        Some(_) => 2,
    }
}

pub fn view(state: &State, one: &WindowProduct) -> Value {
    let product = state.products.get(&one.product_id);
    let data = product.and_then(|product| product.online.as_ref().or(product.draft.as_ref()));
    let prices = data.into_iter().flat_map(skus_of).filter_map(|sku| int_of(sku.get("sale_price")));
    json!({
        "product_id": one.product_id.to_string(),
        "out_product_id": product.map(|product| product.out_product_id.as_str()).unwrap_or_default(),
        "title": data.map(|data| text_of(data.get("title"))).unwrap_or_default(),
        "img_url": data.map(|data| text_of(data.get("head_imgs").and_then(|imgs| imgs.get(0)))).unwrap_or_default(),
        "status": status(state, one.product_id),
        "selling_price": prices.min().unwrap_or(0),
        "stock": product.map_or(0, |product| product.stock.values().sum::<i64>()),
        "appid": one.appid,
        "is_hide_for_window": one.hidden,
        "banned": false,
    })
}

fn get(call: &mut Call<'_>) -> Answer {
    let (product_id, appid) = named(call)?;
    let found = own(call)?.finder.window.iter().find(|one| one.product_id == product_id).cloned();
    let found = found.filter(|one| one.appid == appid).ok_or_else(not_found)?;
    Ok(ok_with(json!({"product": view(call.state, &found)})))
}

fn list(call: &mut Call<'_>) -> Answer {
    let size = call.int("page_size").and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    if !(1..=200).contains(&size) {
        return Err(invalid_args("page_size: expecting 1..=200"));
    }
    let index = call.int("page_index").and_then(|index| usize::try_from(index).ok()).unwrap_or(1).max(1);
    let from = match call.text("last_buffer") {
        "" => (index - 1).saturating_mul(size),
        text => place(text)?,
    };
    let of = call.text("appid").to_owned();
    let finder = &own(call)?.finder;
    let wanted: Vec<&WindowProduct> =
        finder.window.iter().filter(|one| of.is_empty() || one.appid == of).collect();
    let products: Vec<Value> = wanted
        .iter()
        .skip(from)
        .take(size)
        .map(|one| json!({"product_id": one.product_id.to_string(), "appid": one.appid}))
        .collect();
    let next = buffer(from + products.len());
    Ok(ok_with(json!({"products": products, "last_buffer": next, "total_num": wanted.len()})))
}

fn off(call: &mut Call<'_>) -> Answer {
    let (product_id, _) = named(call)?;
    let there = own(call)?.finder.window.iter().any(|one| one.product_id == product_id);
    if there { Ok(ok()) } else { Err(not_found()) }
}

/// The id of a product as a form or a control call writes it.
pub fn product_id(value: &Value) -> Result<u64, String> {
    id_of(Some(value)).ok_or_else(|| "product_id is needed".to_owned())
}
