//! The control calls for the people around a shop: buyers, followers and the platform's auditor.

use crate::buyer::{self, NewAfterSale, NewOrder};
use crate::control::{Refusal, Reply, missing, refuse, reply};
use crate::core::Core;
use crate::fans::{Act, act};
use crate::guarantee;
use crate::order_view;
use crate::product_audit;
use crate::state::{State, id_of, openid_of};
use crate::{store_order_desk, store_product};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/sandbox/api/orders")
                .route(web::get().to(list_orders))
                .route(web::post().to(place_order)),
        )
        .service(web::resource("/sandbox/api/orders/{id}").route(web::get().to(show_order)))
        .service(web::resource("/sandbox/api/orders/{id}/{action}").route(web::post().to(move_order)))
        .service(web::resource("/sandbox/api/aftersales/{id}/{action}").route(web::post().to(move_aftersale)))
        .service(web::resource("/sandbox/api/guarantees/{id}/{action}").route(web::post().to(move_guarantee)))
        .service(
            web::resource("/sandbox/api/products")
                .route(web::get().to(list_products))
                .route(web::post().to(stock_product)),
        )
        .service(web::resource("/sandbox/api/products/{id}").route(web::patch().to(change_product)))
        .service(web::resource("/sandbox/api/products/{id}/{action}").route(web::post().to(judge_product)))
        .service(web::resource("/sandbox/api/fans").route(web::post().to(crate::fan_tags::crowd)))
        .service(web::resource("/sandbox/api/follow").route(web::post().to(follow)))
        .service(web::resource("/sandbox/api/messages").route(web::post().to(say)))
        .service(web::resource("/sandbox/api/scan").route(web::post().to(scan)))
        .service(web::resource("/sandbox/api/menu-click").route(web::post().to(click)));
}

const LIST: usize = 1_000;

async fn place_order(new: web::Json<NewOrder>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let id = buyer::place(state, now, new.into_inner())?;
        shown(state, id)
    }))
}

/// The order with nothing masked, and its amounts.
fn shown(state: &State, id: u64) -> Reply {
    let order = state.orders.get(&id).ok_or_else(|| missing("no such order"))?;
    Ok(json!({
        "order_id": id.to_string(),
        "appid": order.appid,
        "status": order.status,
        "openid": order.openid,
        "total": order.total(),
        "create_time": order.create_time,
        "update_time": order.update_time,
        "order": order_view::view(order),
    }))
}

type Query = web::Query<BTreeMap<String, String>>;

async fn list_orders(query: Query, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let appid = query.get("appid");
        let status = query.get("status").and_then(|s| s.parse::<i64>().ok());
        let ids = state
            .orders
            .values()
            .rev()
            .filter(|o| appid.is_none_or(|a| *a == o.appid) && status.is_none_or(|s| s == o.status))
            .take(LIST)
            .map(|o| o.order_id);
        let orders: Vec<Value> = ids.filter_map(|id| shown(state, id).ok()).collect();
        Ok(json!({"orders": orders}))
    }))
}

async fn show_order(id: web::Path<u64>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| shown(state, *id)))
}

#[derive(Default, Deserialize)]
struct MoveOrder {
    /// For `cancel`: 1 buyer, 2 time-out. For `confirm`: 1 buyer, 2 time-out.
    #[serde(default, rename = "type")]
    kind: Option<Value>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

async fn move_order(
    path: web::Path<(u64, String)>,
    body: Option<web::Json<MoveOrder>>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (id, action) = path.into_inner();
    let body = body.map(web::Json::into_inner).unwrap_or_default();
    let kind = body.kind.as_ref().and_then(Value::as_i64).unwrap_or(1);
    if !(1..=2).contains(&kind) {
        return reply(Err(refuse("type must be 1 (buyer) or 2 (time-out)")));
    }
    reply(core.with(|state, now| {
        if !state.orders.contains_key(&id) {
            return Err(missing("no such order"));
        }
        match action.as_str() {
            "pay" => buyer::pay(state, now, id)?,
            "cancel" => buyer::cancel(state, now, id, kind)?,
            "timeout" => buyer::cancel(state, now, id, 2)?,
            "confirm" => buyer::confirm(state, now, id, kind)?,
            "settle" => buyer::settle(state, now, id)?,
            "aftersale" => {
                let mut given = body.rest;
                given.insert("type".into(), body.kind.unwrap_or_else(|| json!("REFUND")));
                let new: NewAfterSale = serde_json::from_value(Value::Object(given))
                    .map_err(|error| refuse(error.to_string()))?;
                let sale = buyer::ask_refund(state, now, id, new)?;
                return Ok(json!({"after_sale_order_id": sale.to_string()}));
            }
            "guarantee" => {
                let mut given = body.rest;
                given.insert("type".into(), body.kind.unwrap_or_else(|| json!(2)));
                let new = serde_json::from_value(Value::Object(given))
                    .map_err(|error| refuse(error.to_string()))?;
                let claim = guarantee::open(state, now, id, new)?;
                return Ok(guarantee::told(state, claim));
            }
            "urge" => store_order_desk::urge(state, now, id)?,
            "note" => {
                let words = body.rest.get("merchant_notes").and_then(Value::as_str).unwrap_or_default();
                store_order_desk::note_by_hand(state, now, id, words);
            }
            "address" => {
                let address = body.rest.get("address").cloned();
                let address = address.ok_or_else(|| refuse("an address is needed"))?;
                let address =
                    serde_json::from_value(address).map_err(|error| refuse(error.to_string()))?;
                store_order_desk::wish(state, now, id, address)?;
            }
            "agree_address" => store_order_desk::settle_address(state, now, id, true)?,
            "refuse_address" => store_order_desk::settle_address(state, now, id, false)?,
            _ => {
                return Err(missing(
                    "actions: pay, cancel, timeout, confirm, settle, aftersale, guarantee, urge, note, address, agree_address, refuse_address",
                ));
            }
        }
        shown(state, id)
    }))
}

async fn move_aftersale(path: web::Path<(u64, String)>, core: web::Data<Core>) -> HttpResponse {
    let (id, action) = path.into_inner();
    reply(core.with(|state, now| {
        buyer::move_aftersale(state, now, id, &action)?;
        let sale = state.aftersales.get(&id).ok_or_else(|| missing("no such after-sale order"))?;
        Ok(json!({"after_sale_order_id": id.to_string(), "status": sale.status, "address_id": sale.address_id,
            "complaint_status": sale.complaint_status}))
    }))
}

async fn move_guarantee(path: web::Path<(u64, String)>, core: web::Data<Core>) -> HttpResponse {
    let (id, action) = path.into_inner();
    reply(core.with(|state, now| {
        guarantee::act(state, now, id, &action)?;
        Ok(guarantee::told(state, id))
    }))
}

async fn list_products(query: Query, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let appid = query.get("appid");
        let products: Vec<Value> = state
            .products
            .values()
            .filter(|p| appid.is_none_or(|a| *a == p.appid))
            .take(LIST)
            .map(|p| {
                let data = p.online.as_ref().or(p.draft.as_ref());
                let stock: Vec<Value> = p
                    .stock
                    .iter()
                    .map(|(sku, num)| json!({"sku_id": sku.to_string(), "stock": num}))
                    .collect();
                json!({
                    "product_id": p.product_id.to_string(),
                    "out_product_id": p.out_product_id,
                    "appid": p.appid,
                    "title": data.and_then(|d| d.get("title")),
                    "status": p.status,
                    "edit_status": p.edit_status,
                    "audit_reason": p.audit_reason,
                    "stock": stock,
                    "skus": data.and_then(|d| d.get("skus")),
                })
            })
            .collect();
        Ok(json!({"products": products}))
    }))
}

/// What a store sells already.
#[derive(Deserialize)]
struct NewProduct {
    appid: String,
    title: String,
    /// Fen.
    price: i64,
    #[serde(default = "plenty")]
    stock: i64,
}

const fn plenty() -> i64 {
    100
}

async fn stock_product(new: web::Json<NewProduct>, core: web::Data<Core>) -> HttpResponse {
    let NewProduct { appid, title, price, stock } = new.into_inner();
    reply(core.with(|state, now| {
        let id = store_product::already_there(state, now, &appid, &title, price, stock)?;
        Ok(json!({"product_id": id.to_string()}))
    }))
}

/// What the merchant changes by hand in the platform's own console.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    skus: Vec<SkuByHand>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkuByHand {
    sku_id: String,
    #[serde(default)]
    sale_price: Option<i64>,
    #[serde(default)]
    stock_num: Option<i64>,
}

async fn change_product(id: web::Path<u64>, body: web::Json<ByHand>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let change = body.into_inner();
        let product = state.products.get_mut(&id).ok_or_else(|| missing("no such product"))?;
        let online = product.online.as_mut().ok_or_else(|| refuse("nothing of it is on the shelf"))?;
        if change
            .skus
            .iter()
            .any(|sku| sku.stock_num.is_some_and(|n| n < 0) || sku.sale_price.is_some_and(|p| p <= 0))
        {
            return Err(refuse("stock_num must not be negative, sale_price must be above 0"));
        }
        if let Some(title) = change.title {
            online.insert("title".into(), json!(title));
        }
        for sku in change.skus {
            let id: u64 = sku.sku_id.parse().map_err(|_| refuse("sku_id must be a number in a text"))?;
            let left = product.stock.get_mut(&id).ok_or_else(|| missing("no such sku"))?;
            *left = sku.stock_num.unwrap_or(*left);
            let rows = online.get_mut("skus").and_then(Value::as_array_mut).into_iter().flatten();
            for row in
                rows.filter(|row| id_of(row.get("sku_id")) == Some(id)).filter_map(Value::as_object_mut)
            {
                row.extend(sku.sale_price.map(|price| ("sale_price".to_owned(), json!(price))));
            }
        }
        state.push_product_update(now, *id, 0);
        Ok(json!({"status": "changed"}))
    }))
}

#[derive(Default, Deserialize)]
struct Judgement {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    status: i64,
}

async fn judge_product(
    path: web::Path<(u64, String)>,
    body: Option<web::Json<Judgement>>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (id, action) = path.into_inner();
    let judgement = body.map(web::Json::into_inner).unwrap_or_default();
    reply(core.with(|state, now| {
        if !state.products.contains_key(&id) {
            return Err(missing("no such product"));
        }
        let done = match action.as_str() {
            "approve" => product_audit::decide(state, now, id, None),
            "refuse" => {
                let reason = if judgement.reason.is_empty() {
                    "商品信息不符合规范"
                } else {
                    &judgement.reason
                };
                product_audit::decide(state, now, id, Some(reason))
            }
            "status" => {
                product_audit::force_status(state, now, id, judgement.status, &judgement.reason)?;
                true
            }
            _ => return Err(missing("actions: approve, refuse, status")),
        };
        if done {
            Ok(json!({"status": "decided"}))
        } else {
            Err(Refusal::from("the product is not in audit".to_owned()))
        }
    }))
}

#[derive(Deserialize)]
struct Person {
    appid: String,
    buyer: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    scene: String,
    #[serde(default = "yes")]
    subscribe: bool,
}

fn yes() -> bool {
    true
}

fn acted(core: &Core, person: &Person, what: Act) -> HttpResponse {
    reply(core.with(|state, now| {
        act(state, now, &person.appid, &person.buyer, what)?;
        Ok(json!({"openid": openid_of(&person.appid, &person.buyer)}))
    }))
}

async fn follow(person: web::Json<Person>, core: web::Data<Core>) -> HttpResponse {
    acted(&core, &person, if person.subscribe { Act::Follow } else { Act::Unfollow })
}

async fn say(person: web::Json<Person>, core: web::Data<Core>) -> HttpResponse {
    acted(&core, &person, Act::Say(person.content.chars().take(2_000).collect()))
}

async fn scan(person: web::Json<Person>, core: web::Data<Core>) -> HttpResponse {
    acted(&core, &person, Act::Scan(person.scene.clone()))
}

async fn click(person: web::Json<Person>, core: web::Data<Core>) -> HttpResponse {
    acted(&core, &person, Act::Click(person.key.clone()))
}
