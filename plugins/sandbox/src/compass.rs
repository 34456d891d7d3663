//! The compass 罗盘: figures of a day that is over, for shops and for channels accounts.
//!
//! Written from `doc/store/shop/guide/operation/analytics`, `doc/channels/API/compass/shop/{getshopproductlist,
//! getshopproductdata}`, `…/compass/finder/getfinderproductdata` and `doc/store/API/compass/shop/getshopsaleprofiledata` of
//! developers.weixin.qq.com; the other calls by the samples of the open client library `SKIT.FlurlHttpClient.Wechat`
//! (`ECCompass`). Sales are counted from the sandbox's own orders. What orders do not say (clicks, commissions, ages) is left
//! out unless a tester gave it. What the platform answers for a day without figures is documented nowhere: here the block is
//! left out.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::china_time;
use crate::control::{Reply, missing, refuse, reply};
use crate::core::Core;
use crate::errors::{Answer, WxError, error, error_with, ok_with};
use crate::state::{AccountKind, LIMIT, Order, State, id_of};
use crate::trade::Line;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/compass/shop/overall/get", Auth::Account, shop),
    post("/channels/ec/compass/shop/finder/authorization/list/get", Auth::Account, authorised),
    post("/channels/ec/compass/shop/finder/overall/get", Auth::Account, finders),
    post("/channels/ec/compass/shop/finder/list/get", Auth::Account, finder_list),
    post("/channels/ec/compass/shop/product/list/get", Auth::Account, shop_products),
    post("/channels/ec/compass/shop/product/data/get", Auth::Account, shop_product),
    post("/channels/ec/compass/shop/sale/profile/data/get", Auth::Account, shop_people),
    post("/channels/ec/compass/finder/overall/get", Auth::Account, finder),
    post("/channels/ec/compass/finder/product/list/get", Auth::Account, finder_products),
    post("/channels/ec/compass/finder/product/data/get", Auth::Account, finder_product),
    post("/channels/ec/compass/finder/sale/profile/data/get", Auth::Account, finder_people),
];

/// Scene of an order out of a video.
const VIDEO: i64 = 3;
const WINDOW: i64 = 5;

/// What a tester gave, by account, day and product.
pub type Given = BTreeMap<String, Map<String, Value>>;

fn key(appid: &str, ds: &str, product: &str) -> String {
    format!("{appid}/{ds}/{product}")
}

/// The day in China as `YYYYMMDD`.
fn day_of(seconds: u64) -> String {
    china_time(seconds).chars().take(10).filter(char::is_ascii_digit).collect()
}

fn is_day(ds: &str) -> bool {
    ds.len() == 8 && ds.bytes().all(|byte| byte.is_ascii_digit())
}

/// The day that is asked for; none while it is not over.
fn over(call: &Call<'_>) -> Result<Option<String>, WxError> {
    let ds = call.text("ds").to_owned();
    if !is_day(&ds) {
        return Err(error_with(40097, "invalid args, ds"));
    }
    Ok((ds < day_of(call.now.seconds())).then_some(ds))
}

fn must(call: &mut Call<'_>, kind: AccountKind) -> Result<String, WxError> {
    let account = call.account()?;
    if account.kind != kind {
        return Err(error(48001));
    }
    Ok(account.finder.finder_id.clone())
}

fn paid_on(state: &State, ds: &str, mine: impl Fn(&Order) -> bool) -> Vec<Order> {
    let on = |order: &&Order| order.pay_time.is_some_and(|at| day_of(at) == ds) && mine(order);
    state.orders.values().filter(on).cloned().collect()
}

fn people(orders: &[Order]) -> usize {
    orders.iter().map(|order| order.openid.as_str()).collect::<BTreeSet<_>>().len()
}

fn sum(orders: &[Order], of: impl Fn(&Order) -> bool) -> i64 {
    orders.iter().filter(|order| of(order)).map(Order::total).sum()
}

/// What was given back of these orders, of one product or of all.
fn refunded(state: &State, orders: &[Order], product: Option<u64>) -> i64 {
    let done = ["MERCHANT_REFUND_SUCCESS", "MERCHANT_RETURN_SUCCESS"];
    let cases = state.aftersales.values().filter(|case| done.contains(&case.status.as_str()));
    cases
        .filter(|case| orders.iter().any(|order| order.order_id == case.order_id))
        .filter(|case| product.is_none_or(|product| case.product_id == product))
        .map(|case| case.amount)
        .sum()
}

/// Figures as the platform writes them: text. What a tester gave stands instead; `null` leaves a figure out.
fn told(state: &State, key: &str, counted: Value) -> Value {
    let Value::Object(mut block) = counted else { return counted };
    for value in block.values_mut() {
        if value.is_number() {
            *value = json!(value.to_string());
        }
    }
    for (field, value) in state.compass.get(key).into_iter().flatten() {
        match value {
            Value::Null => drop(block.remove(field)),
            Value::Number(number) if !field.ends_with("_ratio") => {
                block.insert(field.clone(), json!(number.to_string()));
            }
            other => drop(block.insert(field.clone(), other.clone())),
        }
    }
    Value::Object(block)
}

fn shop(call: &mut Call<'_>) -> Answer {
    must(call, AccountKind::Store)?;
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let orders = paid_on(call.state, &ds, |order| order.appid == call.appid);
    let counted = json!({
        "pay_gmv": sum(&orders, |_| true), "pay_uv": people(&orders), "pay_order_cnt": orders.len(),
        "pay_refund_gmv": refunded(call.state, &orders, None),
        "live_pay_gmv": sum(&orders, |order| !order.live_id.is_empty()),
        "feed_pay_gmv": sum(&orders, |order| order.scene == VIDEO),
    });
    Ok(ok_with(json!({"data": told(call.state, &key(&call.appid, &ds, ""), counted)})))
}

/// Channels accounts the shop is bound to: id, name.
fn bound(state: &State, shop: &str) -> Vec<(String, String)> {
    let bound = state.accounts.values().filter(|one| one.finder.stores.iter().any(|store| store == shop));
    bound.map(|one| (one.finder.finder_id.clone(), one.nickname.clone())).collect()
}

fn authorised(call: &mut Call<'_>) -> Answer {
    must(call, AccountKind::Store)?;
    let ids: Vec<String> = bound(call.state, &call.appid).into_iter().map(|(id, _)| id).collect();
    Ok(ok_with(json!({"main_finder_id": ids.first(), "authorized_finder_id_list": ids})))
}

fn sold(orders: &[Order]) -> BTreeSet<u64> {
    orders.iter().flat_map(|order| order.lines.iter().map(|line| line.product_id)).collect()
}

fn finders(call: &mut Call<'_>) -> Answer {
    must(call, AccountKind::Store)?;
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let orders = paid_on(call.state, &ds, |order| order.appid == call.appid && !order.finder_id.is_empty());
    let sellers: BTreeSet<&str> = orders.iter().map(|order| order.finder_id.as_str()).collect();
    let counted = json!({"pay_gmv": sum(&orders, |_| true), "pay_sales_finder_cnt": sellers.len(),
        "pay_product_id_cnt": sold(&orders).len()});
    Ok(ok_with(json!({"data": told(call.state, &key(&call.appid, &ds, "finders"), counted)})))
}

fn finder_list(call: &mut Call<'_>) -> Answer {
    must(call, AccountKind::Store)?;
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let rows: Vec<Value> = bound(call.state, &call.appid)
        .into_iter()
        .map(|(id, name)| {
            let orders = paid_on(call.state, &ds, |order| order.appid == call.appid && order.finder_id == id);
            let back = refunded(call.state, &orders, None);
            let counted = json!({"pay_gmv": sum(&orders, |_| true), "pay_product_id_cnt": sold(&orders).len(),
                "pay_uv": people(&orders), "refund_gmv": back, "pay_refund_gmv": back});
            let data = told(call.state, &key(&call.appid, &ds, &id), counted);
            json!({"finder_id": id, "finder_nickname": name, "data": data})
        })
        .collect();
    Ok(ok_with(json!({"finder_list": rows})))
}

fn product_row(state: &State, appid: &str, ds: &str, orders: &[Order], id: u64) -> Value {
    let with: Vec<Order> =
        orders.iter().filter(|order| order.lines.iter().any(|line| line.product_id == id)).cloned().collect();
    let lines = || with.iter().flat_map(|order| order.lines.iter()).filter(|line| line.product_id == id);
    let paid: i64 = lines().map(Line::total).sum();
    let back = refunded(state, &with, Some(id));
    let buyers = people(&with);
    let each = i64::try_from(buyers).ok().filter(|count| *count > 0).map_or(0, |count| paid / count);
    let pieces: i64 = lines().map(|line| line.sku_cnt).sum();
    let counted = json!({
        "pay_gmv": paid, "pay_cnt": with.len(), "pay_uv": buyers, "pay_product_cnt": pieces,
        "pure_pay_gmv": paid - back, "pay_gmv_per_uv": each, "pay_refund_gmv": back, "refund_gmv": back,
    });
    let title =
        state.products.get(&id).and_then(|one| one.online.as_ref()).and_then(|data| data.get("title"));
    json!({"product_id": id.to_string(), "title": title, "price": "0", "head_img_url": "",
        "data": told(state, &key(appid, ds, &id.to_string()), counted)})
}

/// Orders of the account of the call on the day.
fn own_orders(call: &Call<'_>, ds: &str, finder: &str) -> Vec<Order> {
    let mine = |order: &Order| {
        if finder.is_empty() { order.appid == call.appid } else { order.finder_id == finder }
    };
    paid_on(call.state, ds, mine)
}

fn products(call: &mut Call<'_>, finder: &str, offered: &BTreeSet<u64>) -> Answer {
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let orders = own_orders(call, &ds, finder);
    let ids: BTreeSet<u64> = offered.iter().copied().chain(sold(&orders)).collect();
    let rows: Vec<Value> =
        ids.into_iter().map(|id| product_row(call.state, &call.appid, &ds, &orders, id)).collect();
    Ok(ok_with(json!({"product_list": rows})))
}

fn product(call: &mut Call<'_>, finder: &str, offered: &BTreeSet<u64>) -> Answer {
    let id = id_of(call.body.get("product_id")).unwrap_or(0);
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let orders = own_orders(call, &ds, finder);
    if !offered.contains(&id) && !sold(&orders).contains(&id) {
        return Ok(ok_with(json!({})));
    }
    Ok(ok_with(json!({"product_info": product_row(call.state, &call.appid, &ds, &orders, id)})))
}

fn of_shop(call: &mut Call<'_>) -> Result<BTreeSet<u64>, WxError> {
    must(call, AccountKind::Store)?;
    let mine = call.state.products.values().filter(|one| one.appid == call.appid && one.online.is_some());
    Ok(mine.map(|one| one.product_id).collect())
}

fn of_window(call: &mut Call<'_>) -> Result<(String, BTreeSet<u64>), WxError> {
    let finder = must(call, AccountKind::ChannelsAccount)?;
    let window = call.account()?.finder.window.iter().map(|one| one.product_id).collect();
    Ok((finder, window))
}

fn shop_products(call: &mut Call<'_>) -> Answer {
    let offered = of_shop(call)?;
    products(call, "", &offered)
}
fn shop_product(call: &mut Call<'_>) -> Answer {
    let offered = of_shop(call)?;
    product(call, "", &offered)
}
fn finder_products(call: &mut Call<'_>) -> Answer {
    let (finder, offered) = of_window(call)?;
    products(call, &finder, &offered)
}
fn finder_product(call: &mut Call<'_>) -> Answer {
    let (finder, offered) = of_window(call)?;
    product(call, &finder, &offered)
}

fn finder(call: &mut Call<'_>) -> Answer {
    let finder = must(call, AccountKind::ChannelsAccount)?;
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let orders = own_orders(call, &ds, &finder);
    let all = sum(&orders, |_| true);
    let live = sum(&orders, |order| !order.live_id.is_empty());
    let videos = sum(&orders, |order| order.live_id.is_empty() && order.scene == VIDEO);
    let window = sum(&orders, |order| order.live_id.is_empty() && order.scene == WINDOW);
    let counted = json!({"pay_gmv": all, "live_pay_gmv": live, "feed_pay_gmv": videos, "window_pay_gmv": window,
        "product_pay_gmv": 0, "other_pay_gmv": all - live - videos - window});
    Ok(ok_with(json!({"data": told(call.state, &key(&call.appid, &ds, ""), counted)})))
}

/// Where the buyers live, from their orders; other traits and other groups are only what a tester gave.
fn profile(call: &mut Call<'_>, finder: &str, groups: i64) -> Answer {
    let kind = call.int("type").unwrap_or(0);
    if !(1..=groups).contains(&kind) {
        return Err(error_with(40097, "invalid args, type"));
    }
    let Some(ds) = over(call)? else { return Ok(ok_with(json!({}))) };
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if kind == 3 {
        for order in own_orders(call, &ds, finder) {
            places.entry(order.address.province_name).or_default().insert(order.openid);
        }
    }
    let rows: Vec<Value> = places
        .iter()
        .filter(|(place, _)| !place.is_empty())
        .map(|(place, who)| json!({"dim_key": place, "dim_value": who.len().to_string()}))
        .collect();
    let given = call.state.compass.get(&key(&call.appid, &ds, &format!("type{kind}")));
    let fields = given.and_then(|given| given.get("field_list")).cloned();
    let fields = fields.unwrap_or_else(|| json!([{"field_name": "省级", "data_list": rows}]));
    Ok(ok_with(json!({"data": {"field_list": fields}})))
}

fn shop_people(call: &mut Call<'_>) -> Answer {
    must(call, AccountKind::Store)?;
    profile(call, "", 5)
}
fn finder_people(call: &mut Call<'_>) -> Answer {
    let finder = must(call, AccountKind::ChannelsAccount)?;
    profile(call, &finder, 6)
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/sandbox/api/figures").route(web::post().to(give)));
}

/// What the compass is to say of a day beside what orders say, or instead of it, by the platform's names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFigures {
    appid: String,
    /// `YYYYMMDD`
    ds: String,
    /// A product's id, `finders`, the id of one of these, or `type1`… for people; nothing for the account itself.
    #[serde(default)]
    of: String,
    values: Map<String, Value>,
}

fn put(state: &mut State, new: NewFigures) -> Reply {
    if !state.accounts.contains_key(&new.appid) {
        return Err(missing("no such account"));
    }
    if !is_day(&new.ds) || new.values.len() > 100 || new.of.len() > 64 {
        return Err(refuse("ds is YYYYMMDD, of is short, values are at most 100"));
    }
    if state.compass.len() >= LIMIT {
        return Err(refuse("there are too many figures"));
    }
    state.compass.insert(key(&new.appid, &new.ds, &new.of), new.values);
    Ok(json!({"ok": true}))
}

async fn give(core: web::Data<Core>, new: web::Json<NewFigures>) -> HttpResponse {
    reply(core.with(|state, _| put(state, new.into_inner())))
}
