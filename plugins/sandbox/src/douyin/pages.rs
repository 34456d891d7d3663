//! The pages of this platform: where a shop's owner authorises, and where one plays its buyer and auditor.

use super::aftersale::{self, Case, NewCase};
use super::control::{self, Grant};
use super::people::{self, Item, NewOrder};
use super::{App, Order, Product, Source};
use crate::core::Core;
use crate::pages::{html, see_other};
use crate::state::State;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SHOWN: usize = 60;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/authorize").route(web::get().to(authorize_page)))
        .service(web::resource("/douyin").route(web::get().to(page)))
        .service(web::resource("/sandbox/forms/douyin-authorize").route(web::post().to(authorize)))
        .service(web::resource("/sandbox/forms/douyin-own-app").route(web::post().to(own_app)))
        .service(web::resource("/sandbox/forms/douyin-own-push").route(web::post().to(own_push)))
        .service(web::resource("/sandbox/forms/douyin-order").route(web::post().to(order)))
        .service(web::resource("/sandbox/forms/douyin-act").route(web::post().to(act)))
        .service(web::resource("/sandbox/forms/douyin-case").route(web::post().to(act_case)))
        .service(web::resource("/sandbox/forms/douyin-audit").route(web::post().to(audit)));
}

type Query = web::Query<BTreeMap<String, String>>;

async fn authorize_page(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    let of = |name: &str| query.get(name).cloned().unwrap_or_default();
    let data = core.peek(|state| {
        let app = state.douyin.apps.values().find(|app| app.service_id == of("service_id"));
        json!({
            "service_id": of("service_id"), "state": of("state"), "known": app.is_some(),
            "app_key": app.map(|app| app.app_key.as_str()), "problem": query.get("problem"),
            "shops": state.douyin.shops.values().take(SHOWN).map(control::shop_view).collect::<Vec<_>>(),
        })
    });
    html(&core, &request, "douyin_authorize", data)
}

async fn authorize(form: web::Form<Grant>, core: web::Data<Core>) -> HttpResponse {
    match core.with(|state, now| control::grant(state, now, &form)) {
        Ok(url) => see_other(&url),
        Err(problem) => {
            let pairs = [("service_id", &form.service_id), ("state", &form.state), ("problem", &problem)];
            see_other(&format!("/authorize?{}", serde_urlencoded::to_string(pairs).unwrap_or_default()))
        }
    }
}

fn product_card(state: &State, product: &Product) -> Value {
    let version = product.draft.as_ref().filter(|_| product.draft_status == 2).unwrap_or(&product.current);
    let skus: Vec<Value> = version
        .skus
        .iter()
        .map(|sku| {
            json!({"sku_id": sku.sku_id.to_string(), "name": sku.specs.join(" / "), "price": sku.price, "stock": sku.stock})
        })
        .collect();
    json!({
        "product_id": product.product_id.to_string(), "title": product.title(), "skus": skus,
        "shop": state.douyin.shops.get(&product.shop_id).map(|shop| shop.name.as_str()),
        "shop_id": product.shop_id,
        "status": format!("status={} check_status={} draft_status={}", product.status, product.check_status, product.draft_status),
        "in_audit": product.in_audit(), "on_sale": product.on_sale(),
    })
}

fn case_card(case: &Case) -> Value {
    let actions: &[&str] = match case.status {
        6 => &["cancel", "expire"],
        7 => &["return", "cancel", "expire"],
        11 => &["expire"],
        13 => &["receive"],
        27 | 29 if case.arbitrate_status == 0 => &["complain"],
        27 | 29 if case.arbitrate_status == 4 => &["side_with_buyer", "side_with_merchant"],
        _ => &[],
    };
    json!({"id": case.case_id.to_string(), "status": case.status, "kind": case.kind, "amount": case.amount,
        "arbitrate_status": case.arbitrate_status, "actions": actions})
}

fn order_card(state: &State, order: &Order) -> Value {
    let cases: Vec<Value> =
        state.douyin.cases.values().filter(|case| case.order_id == order.order_id).map(case_card).collect();
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| json!({"title": line.title, "count": line.count, "shipped": line.shipped}))
        .collect();
    json!({
        "order_id": order.order_id.to_string(), "buyer": order.buyer, "total": order.total(), "lines": lines,
        "shop": state.douyin.shops.get(&order.shop_id).map(|shop| shop.name.as_str()),
        "status": order.status, "main_status": order.main_status, "created": order.create_time,
        "unpaid": order.status == 1, "shipped": order.status == 3,
        "cases": cases, "sent": (matches!(order.status, 3 | 5) && order.main_status == order.status),
        "refundable": (matches!(order.status, 2 | 3 | 5 | 101) && order.main_status == order.status),
    })
}

async fn page(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    let data = core.peek(|state| {
        let products: Vec<Value> =
            state.douyin.products.values().rev().take(SHOWN).map(|p| product_card(state, p)).collect();
        let orders: Vec<Value> =
            state.douyin.orders.values().rev().take(SHOWN).map(|o| order_card(state, o)).collect();
        let shops: Vec<Value> = state.douyin.shops.values().take(SHOWN).map(control::shop_view).collect();
        let own_apps: Vec<Value> =
            state.douyin.apps.values().filter(|app| app.self_use).take(SHOWN).map(|app| own_app_card(state, app)).collect();
        json!({"products": products, "orders": orders, "shops": shops, "own_apps": own_apps, "problem": query.get("problem"),
            "automatic": state.settings.audit_automatically})
    });
    html(&core, &request, "douyin", data)
}

fn own_app_card(state: &State, app: &App) -> Value {
    let granted = state.douyin.shops.values().filter(|shop| shop.grants.contains(&app.app_key));
    let shops: Vec<Value> = granted.take(SHOWN).map(control::shop_view).collect();
    json!({"app_key": app.app_key, "app_secret": app.app_secret, "push_url": app.push_url, "shops": shops})
}

#[derive(Deserialize)]
struct OwnAppForm {
    shop_id: u64,
}

async fn own_app(form: web::Form<OwnAppForm>, core: web::Data<Core>) -> HttpResponse {
    back(core.with(|state, _| control::make_own_app(state, form.shop_id)))
}

#[derive(Deserialize)]
struct OwnPushForm {
    app_key: String,
    push_url: String,
}

async fn own_push(form: web::Form<OwnPushForm>, core: web::Data<Core>) -> HttpResponse {
    back(core.with(|state, _| control::set_push_url(state, &form.app_key, form.push_url.trim())))
}

fn back(outcome: Result<(), String>) -> HttpResponse {
    match outcome {
        Ok(()) => see_other("/douyin"),
        Err(problem) => {
            let text = serde_urlencoded::to_string([("problem", problem)]).unwrap_or_default();
            see_other(&format!("/douyin?{text}"))
        }
    }
}

#[derive(Deserialize)]
struct OrderForm {
    shop_id: u64,
    product_id: String,
    sku_id: String,
    quantity: i64,
    buyer: String,
    /// `live`, `video` or nothing.
    #[serde(default)]
    scene: String,
}

async fn order(form: web::Form<OrderForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let source = match form.scene.as_str() {
        "live" => Source {
            room_id: 7_300_001,
            author_id: 99_001,
            author_name: "山前主播".into(),
            c_biz: 8,
            ..Source::default()
        },
        "video" => Source {
            video_id: "7300002".into(),
            author_id: 99_002,
            author_name: "好物推荐官".into(),
            c_biz: 2,
            ..Source::default()
        },
        _ => Source { c_biz: 8, ..Source::default() },
    };
    let new = NewOrder {
        shop_id: form.shop_id,
        buyer: form.buyer,
        items: vec![Item {
            product_id: Value::String(form.product_id),
            sku_id: Value::String(form.sku_id),
            quantity: form.quantity,
        }],
        source,
        address: None,
        words: String::new(),
        freight: 0,
        pay: false,
    };
    back(core.with(|state, now| people::place(state, now, new).map(|_| ())))
}

#[derive(Deserialize)]
struct ActForm {
    order_id: u64,
    action: String,
}

async fn act(form: web::Form<ActForm>, core: web::Data<Core>) -> HttpResponse {
    let kind = match form.action.as_str() {
        "ask_refund" => "refund",
        "ask_return" => "return",
        "ask_exchange" => "exchange",
        _ => return back(core.with(|state, now| people::act(state, now, form.order_id, &form.action))),
    };
    let new = NewCase {
        kind: kind.into(),
        sku_order_id: None,
        count: None,
        amount: None,
        reason: String::new(),
        remark: String::new(),
    };
    back(core.with(|state, now| aftersale::ask(state, now, form.order_id, new).map(|_| ())))
}

#[derive(Deserialize)]
struct CaseForm {
    case_id: u64,
    action: String,
}

async fn act_case(form: web::Form<CaseForm>, core: web::Data<Core>) -> HttpResponse {
    back(core.with(|state, now| aftersale::act(state, now, form.case_id, &form.action)))
}

#[derive(Deserialize)]
struct AuditForm {
    product_id: u64,
    decision: String,
    #[serde(default)]
    reason: String,
}

async fn audit(form: web::Form<AuditForm>, core: web::Data<Core>) -> HttpResponse {
    back(core.with(|state, now| control::decide(state, now, form.product_id, &form.decision, &form.reason)))
}
