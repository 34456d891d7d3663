//! What the pages' forms do. Each works on the state and returns to its page, with the reason when it could not.

use crate::buyer::{self, Item, NewAfterSale, NewOrder};
use crate::component;
use crate::control::{Pair, Refusal, buy};
use crate::core::Core;
use crate::guarantee::{self, NewClaim};
use crate::pages::see_other;
use crate::product_audit;
use crate::push::PushState;
use crate::store_order_desk;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::Value;

pub fn routes(config: &mut web::ServiceConfig) {
    let form = |name: &str| web::resource(format!("/sandbox/forms/{name}"));
    config
        .service(form("order").route(web::post().to(order)))
        .service(form("order-action").route(web::post().to(order_action)))
        .service(form("case-action").route(web::post().to(case_action)))
        .service(form("guarantee-action").route(web::post().to(guarantee_action)))
        .service(form("audit").route(web::post().to(audit)))
        .service(form("force").route(web::post().to(force)))
        .service(form("market").route(web::post().to(market)))
        .service(form("resend").route(web::post().to(resend)))
        .service(form("settings").route(web::post().to(settings)))
        .service(form("ticket").route(web::post().to(ticket)));
}

pub fn back(page: &str, query: &[(&str, &str)], outcome: Result<(), String>) -> HttpResponse {
    let mut pairs: Vec<(&str, &str)> = query.to_vec();
    if let Err(problem) = &outcome {
        pairs.push(("problem", problem));
    }
    let text = serde_urlencoded::to_string(&pairs).unwrap_or_default();
    see_other(&if text.is_empty() { page.to_owned() } else { format!("{page}?{text}") })
}

#[derive(Deserialize)]
struct OrderForm {
    appid: String,
    product_id: String,
    sku_id: String,
    quantity: i64,
    scene: i64,
    finder_id: String,
    buyer: String,
    customer_notes: String,
}

async fn order(form: web::Form<OrderForm>, core: web::Data<Core>) -> HttpResponse {
    let appid = form.appid.clone();
    let form = form.into_inner();
    let live = form.scene == 2;
    let new = NewOrder {
        appid: form.appid,
        buyer: form.buyer,
        items: vec![Item {
            product_id: Value::String(form.product_id),
            sku_id: Value::String(form.sku_id),
            quantity: form.quantity,
        }],
        scene: form.scene,
        live_id: if live { form.finder_id.clone() } else { String::new() },
        finder_id: if live { String::new() } else { form.finder_id },
        source: None,
        address: None,
        customer_notes: form.customer_notes,
        freight: 0,
        pay: false,
    };
    let outcome = core.with(|state, now| buyer::place(state, now, new).map(|_| ()));
    back("/buyer", &[("appid", &appid)], outcome)
}

#[derive(Deserialize)]
struct OrderAction {
    order_id: u64,
    appid: String,
    action: String,
}

async fn order_action(form: web::Form<OrderAction>, core: web::Data<Core>) -> HttpResponse {
    let id = form.order_id;
    let outcome = core.with(|state, now| match form.action.as_str() {
        "pay" => buyer::pay(state, now, id),
        "cancel" => buyer::cancel(state, now, id, 1),
        "timeout" => buyer::cancel(state, now, id, 2),
        "confirm" => buyer::confirm(state, now, id, 1),
        "settle" => buyer::settle(state, now, id),
        "urge" => store_order_desk::urge(state, now, id),
        "move" => store_order_desk::wish(state, now, id, buyer::moved_address(state, id)),
        "agree_address" => store_order_desk::settle_address(state, now, id, true),
        "refuse_address" => store_order_desk::settle_address(state, now, id, false),
        "refund" | "return" | "exchange" => {
            let kind = form.action.to_uppercase();
            let new = NewAfterSale {
                kind,
                sku_id: Value::Null,
                count: None,
                amount: None,
                reason: "不想要了".into(),
            };
            buyer::ask_refund(state, now, id, new).map(|_| ())
        }
        "claim_fake" | "claim_damage" => {
            let fake = form.action == "claim_fake";
            let new = NewClaim {
                kind: if fake { 1 } else { 2 },
                sku_id: Value::Null,
                reason: String::new(),
                bad_level: None,
                content: String::new(),
                identify_fee: if fake { 10_000 } else { 0 },
            };
            guarantee::open(state, now, id, new).map(|_| ())
        }
        other => Err(format!("unknown action {other}")),
    });
    back("/buyer", &[("appid", &form.appid)], outcome)
}

#[derive(Deserialize)]
struct CaseAction {
    id: u64,
    appid: String,
    action: String,
}

async fn case_action(form: web::Form<CaseAction>, core: web::Data<Core>) -> HttpResponse {
    let outcome = core.with(|state, now| buyer::move_aftersale(state, now, form.id, &form.action));
    back("/buyer", &[("appid", &form.appid)], outcome)
}

async fn guarantee_action(form: web::Form<CaseAction>, core: web::Data<Core>) -> HttpResponse {
    let outcome = core.with(|state, now| guarantee::act(state, now, form.id, &form.action));
    back("/buyer", &[("appid", &form.appid)], outcome)
}

#[derive(Deserialize)]
struct AuditForm {
    product_id: u64,
    decision: String,
    #[serde(default)]
    reason: String,
}

async fn audit(form: web::Form<AuditForm>, core: web::Data<Core>) -> HttpResponse {
    let refusal = (form.decision == "refuse").then_some(form.reason.as_str());
    let outcome = core.with(|state, now| {
        if refusal == Some("") {
            return Err("a refusal needs a reason".to_owned());
        }
        let decided = product_audit::decide(state, now, form.product_id, refusal);
        if decided { Ok(()) } else { Err("the product is not in audit any more".to_owned()) }
    });
    back("/auditor", &[], outcome)
}

#[derive(Deserialize)]
struct ForceForm {
    product_id: u64,
    status: i64,
    #[serde(default)]
    reason: String,
}

async fn force(form: web::Form<ForceForm>, core: web::Data<Core>) -> HttpResponse {
    let outcome = core.with(|state, now| {
        let reason = form.reason.chars().take(200).collect::<String>();
        product_audit::force_status(state, now, form.product_id, form.status, &reason)
    });
    back("/auditor", &[], outcome)
}

#[derive(Deserialize)]
struct MarketForm {
    component_appid: String,
    appid: String,
    decision: String,
}

async fn market(form: web::Form<MarketForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let outcome = core.with(|state, now| {
        if form.decision == "revoke" {
            let revoked = component::revoke(state, now, &form.component_appid, &form.appid);
            return if revoked { Ok(()) } else { Err("the account is not authorized".to_owned()) };
        }
        let pair = Pair { component_appid: form.component_appid, appid: form.appid };
        buy(state, now, &pair).map(|_| ()).map_err(|Refusal(_, text)| text)
    });
    back("/market", &[], outcome)
}

#[derive(Deserialize)]
struct ResendForm {
    id: u64,
}

async fn resend(form: web::Form<ResendForm>, core: web::Data<Core>) -> HttpResponse {
    let outcome = core.with(|state, now| {
        let push = state.pushes.iter_mut().find(|p| p.id == form.id && !p.in_flight);
        let push = push.ok_or("the push is gone or being sent right now")?;
        push.state = PushState::Waiting;
        push.next_at_ms = now.millis();
        Ok(())
    });
    back("/pushes", &[], outcome)
}

#[derive(Deserialize)]
struct SettingsForm {
    #[serde(default)]
    token_life_seconds: Option<u64>,
    #[serde(default)]
    audit_delay_ms: Option<u64>,
    #[serde(default)]
    audit_automatically: Option<String>,
}

async fn settings(form: web::Form<SettingsForm>, core: web::Data<Core>) -> HttpResponse {
    // The auditor's page sends nothing but the wish to decide by hand.
    let page = if form.token_life_seconds.is_some() { "/" } else { "/auditor" };
    core.with(|state, _| {
        state.settings.audit_automatically = form.audit_automatically.is_some();
        if let Some(life) = form.token_life_seconds {
            state.settings.token_life_seconds = life.clamp(1, 7200);
        }
        if let Some(delay) = form.audit_delay_ms {
            state.settings.audit_delay_ms = delay.min(600_000);
        }
        if !state.settings.audit_automatically {
            // Whatever waits for the automatic auditor waits for the person now.
            state.products.values_mut().for_each(|product| product.audit_due_ms = None);
        }
    });
    back(page, &[], Ok(()))
}

#[derive(Deserialize)]
struct TicketForm {
    component_appid: String,
}

async fn ticket(form: web::Form<TicketForm>, core: web::Data<Core>) -> HttpResponse {
    core.with(|state, now| component::push_ticket(state, now, &form.component_appid));
    back("/", &[], Ok(()))
}
