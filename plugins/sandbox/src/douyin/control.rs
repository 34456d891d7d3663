//! The control calls of this platform, below `/sandbox/api/douyin`.

use super::aftersale::{self, NewCase};
use super::people::{self, NewOrder};
use super::{App, Shop, order_view, product, token};
use crate::clock::{Now, random_text};
use crate::control::{Reply, check_push_address, missing, refuse, reply};
use crate::core::Core;
use crate::state::{LIMIT, State};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub fn routes(config: &mut web::ServiceConfig) {
    let at = |path: &str| web::resource(format!("/sandbox/api/douyin{path}"));
    config
        .service(at("/apps").route(web::post().to(register)))
        .service(at("/shops").route(web::get().to(shops)).route(web::post().to(open_shop)))
        .service(at("/authorize").route(web::post().to(authorize)))
        .service(at("/deauthorize").route(web::post().to(deauthorize)))
        .service(at("/tokens/expire").route(web::post().to(expire)))
        .service(at("/settings").route(web::patch().to(settings)))
        .service(at("/orders").route(web::post().to(order)))
        .service(at("/orders/{id}").route(web::get().to(show)))
        .service(at("/orders/{id}/aftersales").route(web::post().to(ask)))
        .service(at("/aftersales/{id}/{action}").route(web::post().to(move_case)))
        .service(at("/orders/{id}/{action}").route(web::post().to(act)))
        .service(at("/products").route(web::get().to(products)))
        .service(at("/products/{id}/{decision}").route(web::post().to(judge)));
}

async fn register(app: web::Json<App>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let app = app.into_inner();
        check_push_address(&app.push_url)?;
        check_push_address(&app.callback_url)?;
        if app.app_key.is_empty() || app.app_secret.is_empty() {
            return Err(refuse("app_key and app_secret are needed"));
        }
        if state.douyin.apps.len() >= 200 && !state.douyin.apps.contains_key(&app.app_key) {
            return Err(refuse("too many apps"));
        }
        let shown = json!({"app_key": app.app_key, "service_id": app.service_id});
        state.douyin.apps.insert(app.app_key.clone(), app);
        Ok(shown)
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewShop {
    #[serde(default)]
    shop_id: Option<u64>,
    name: String,
    #[serde(default)]
    virtual_tel: bool,
    /// Apps that are granted from the start, such as the shop's own.
    #[serde(default)]
    grants: BTreeSet<String>,
}

pub fn shop_view(shop: &Shop) -> Value {
    json!({"shop_id": shop.shop_id, "name": shop.name, "grants": shop.grants, "virtual_tel": shop.virtual_tel})
}

async fn open_shop(new: web::Json<NewShop>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let new = new.into_inner();
        if new.name.is_empty() || new.name.chars().count() > 60 {
            return Err(refuse("name must be 1..=60 letters"));
        }
        if state.douyin.shops.len() >= LIMIT {
            return Err(refuse("too many shops"));
        }
        let shop_id = match new.shop_id {
            Some(id) => id,
            None => state.new_id(1_000_000),
        };
        let shop = Shop { shop_id, name: new.name, grants: new.grants, virtual_tel: new.virtual_tel };
        let shown = shop_view(&shop);
        state.douyin.shops.insert(shop_id, shop);
        Ok(shown)
    }))
}

async fn shops(core: web::Data<Core>) -> HttpResponse {
    reply(
        core.peek(|state| {
            Ok(json!({"shops": state.douyin.shops.values().map(shop_view).collect::<Vec<_>>()}))
        }),
    )
}

#[derive(Deserialize)]
pub struct Grant {
    pub service_id: String,
    pub shop_id: u64,
    pub state: String,
}

/// The shop's owner presses "authorise": the address the browser is sent to.
pub fn grant(state: &mut State, now: Now, grant: &Grant) -> Result<String, String> {
    let app = state.douyin.apps.values().find(|app| app.service_id == grant.service_id);
    let app = app.filter(|app| !app.service_id.is_empty()).ok_or("no app has this service")?.clone();
    if !state.douyin.shops.contains_key(&grant.shop_id) {
        return Err("no such shop".into());
    }
    let mut url = url::Url::parse(&app.callback_url).map_err(|error| format!("callback_url: {error}"))?;
    let code = token::issue_code(&mut state.douyin, now, &app.app_key, grant.shop_id);
    url.query_pairs_mut().append_pair("code", &code).append_pair("state", &grant.state);
    Ok(url.to_string())
}

/// A merchant makes a self-use app 自用型应用 and grants it the own shop.
pub fn make_own_app(state: &mut State, shop_id: u64) -> Result<(), String> {
    if state.douyin.apps.len() >= 200 {
        return Err("too many apps".into());
    }
    let app_key = state.new_id(7_400_000_000_000_000_000).to_string();
    let shop = state.douyin.shops.get_mut(&shop_id).ok_or("no such shop")?;
    shop.grants.insert(app_key.clone());
    let app = App {
        app_key: app_key.clone(),
        app_secret: random_text(36),
        service_id: String::new(),
        callback_url: String::new(),
        push_url: String::new(),
        self_use: true,
    };
    state.douyin.apps.insert(app_key, app);
    Ok(())
}

/// The merchant types where the own app's pushes go.
pub fn set_push_url(state: &mut State, app_key: &str, push_url: &str) -> Result<(), String> {
    check_push_address(push_url).map_err(|_| "push_url has to be a loopback address")?;
    let app = state.douyin.apps.get_mut(app_key).filter(|app| app.self_use).ok_or("no such app")?;
    app.push_url = push_url.to_owned();
    Ok(())
}

async fn authorize(wanted: web::Json<Grant>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| Ok(json!({"redirect_url": grant(state, now, &wanted)?}))))
}

#[derive(Deserialize)]
struct Pair {
    app_key: String,
    shop_id: u64,
}

async fn deauthorize(pair: web::Json<Pair>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let shop = state.douyin.shops.get_mut(&pair.shop_id).ok_or_else(|| missing("no such shop"))?;
        if shop.grants.remove(&pair.app_key) { Ok(json!({})) } else { Err(refuse("the app is not granted")) }
    }))
}

#[derive(Deserialize)]
struct OfShop {
    shop_id: u64,
}

async fn expire(shop: web::Json<OfShop>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let tokens = state.douyin.tokens.values_mut().filter(|token| token.shop_id == shop.shop_id);
        let ended = tokens.map(|token| token.expires = token.expires.min(now.seconds())).count();
        Ok(json!({"expired": ended}))
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    token_life_seconds: Option<u64>,
    max_age_seconds: Option<u64>,
}

async fn settings(change: web::Json<Change>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let douyin = &mut state.douyin;
        douyin.token_life_seconds = change.token_life_seconds.unwrap_or(douyin.token_life_seconds);
        douyin.max_age_seconds = change.max_age_seconds.unwrap_or(douyin.max_age_seconds);
        Ok(json!({"token_life_seconds": douyin.token_life_seconds, "max_age_seconds": douyin.max_age_seconds}))
    }))
}

fn order_shown(state: &State, id: u64) -> Reply {
    let order = state.douyin.orders.get(&id).ok_or_else(|| missing("no such order"))?;
    let shop = state.douyin.shops.get(&order.shop_id);
    Ok(json!({"order_id": id.to_string(), "status": order.status, "main_status": order.main_status,
        "total": order.total(), "order": order_view::view(order, shop)}))
}

async fn order(new: web::Json<NewOrder>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let id = people::place(state, now, new.into_inner())?;
        order_shown(state, id)
    }))
}

async fn show(id: web::Path<u64>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| order_shown(state, *id)))
}

async fn act(path: web::Path<(u64, String)>, core: web::Data<Core>) -> HttpResponse {
    let (id, action) = path.into_inner();
    reply(core.with(|state, now| {
        people::act(state, now, id, &action)?;
        order_shown(state, id)
    }))
}

async fn ask(id: web::Path<u64>, new: web::Json<NewCase>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let case = aftersale::ask(state, now, *id, new.into_inner())?;
        Ok(json!({"aftersale_id": case.to_string()}))
    }))
}

async fn move_case(path: web::Path<(u64, String)>, core: web::Data<Core>) -> HttpResponse {
    let (id, action) = path.into_inner();
    reply(core.with(|state, now| {
        aftersale::act(state, now, id, &action)?;
        let case = state.douyin.cases.get(&id).ok_or_else(|| missing("no such case"))?;
        Ok(json!({"aftersale_id": id.to_string(), "status": case.status}))
    }))
}

async fn products(core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let rows: Vec<Value> = state
            .douyin
            .products
            .values()
            .rev()
            .take(1_000)
            .map(|p| {
                let skus: Vec<Value> = p
                    .current
                    .skus
                    .iter()
                    .map(|sku| json!({"sku_id": sku.sku_id, "outer_sku_id": sku.outer_sku_id, "stock": sku.stock, "price": sku.price}))
                    .collect();
                json!({"product_id": p.product_id.to_string(), "shop_id": p.shop_id, "name": p.title(),
                    "outer_product_id": p.outer_product_id, "status": p.status, "check_status": p.check_status,
                    "draft_status": p.draft_status, "skus": skus})
            })
            .collect();
        Ok(json!({"products": rows}))
    }))
}

#[derive(Default, Deserialize)]
struct Judgement {
    #[serde(default)]
    reason: String,
}

/// `approve`, `refuse` (with a reason) or `ban`.
pub fn decide(state: &mut State, now: Now, id: u64, decision: &str, reason: &str) -> Result<(), String> {
    match decision {
        "refuse" if reason.is_empty() => Err("a refusal needs a reason".into()),
        "approve" | "refuse" => {
            let refusal = (decision == "refuse").then_some(reason);
            let decided = product::decide(state, now, id, refusal);
            if decided { Ok(()) } else { Err("the product is not in audit".into()) }
        }
        "ban" => {
            let product = state.douyin.products.get_mut(&id).ok_or("no such product")?;
            product.check_status = 5;
            product.status = 1;
            product.update_time = now.seconds();
            state.douyin_product_changed(now, id);
            Ok(())
        }
        other => Err(format!("unknown decision {other}")),
    }
}

async fn judge(
    path: web::Path<(u64, String)>,
    judgement: Option<web::Json<Judgement>>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (id, decision) = path.into_inner();
    let reason = judgement.map(|judgement| judgement.into_inner().reason).unwrap_or_default();
    reply(core.with(|state, now| {
        decide(state, now, id, &decision, &reason)?;
        Ok(json!({}))
    }))
}
