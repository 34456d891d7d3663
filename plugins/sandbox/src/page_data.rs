//! What each page shows, gathered from the state as plain JSON for the templates.

use crate::aftersale;
use crate::dispute;
use crate::product_rules::PICTURE_PREFIX;
use crate::push::{Push, PushState};
use crate::state::{Account, AccountKind, Order, Product, State, id_of, int_of, text_of};
use crate::store_order::{DONE, PART_SHIPPED, SHIPPED, TO_SHIP, UNPAID};
use crate::store_product::{IN_AUDIT, LISTED, skus_of};
use crate::store_qualification;
use serde_json::{Map, Value, json};

const SHOWN: usize = 100;

/// The uploaded picture behind a platform address, when this sandbox has it.
fn picture(state: &State, data: &Map<String, Value>) -> Option<String> {
    let url = text_of(data.get("head_imgs").and_then(|imgs| imgs.get(0)));
    let key = url.split_once(PICTURE_PREFIX)?.1.rsplit('/').next()?;
    state.images.contains_key(key).then(|| format!("/sandbox/pictures/{key}"))
}

fn choice_name(sku: &Value) -> String {
    let attrs = sku.get("sku_attrs").and_then(Value::as_array).into_iter().flatten();
    let values: Vec<&str> = attrs.map(|a| text_of(a.get("attr_value"))).collect();
    if values.is_empty() { text_of(sku.get("sku_code")).to_owned() } else { values.join(" / ") }
}

fn product_card(state: &State, product: &Product, data: &Map<String, Value>) -> Value {
    let skus: Vec<Value> = skus_of(data)
        .map(|sku| {
            let stock = id_of(sku.get("sku_id")).and_then(|id| product.stock.get(&id)).copied().unwrap_or(0);
            json!({"sku_id": sku.get("sku_id"), "name": choice_name(sku),
                "price": int_of(sku.get("sale_price")), "stock": stock})
        })
        .collect();
    json!({
        "product_id": product.product_id.to_string(),
        "title": data.get("title"),
        "picture": picture(state, data),
        "brand": id_of(data.get("brand_id")).and_then(store_qualification::name_of),
        "store": state.accounts.get(&product.appid).map(|a| a.nickname.as_str()),
        "status": product.status,
        "tone": if product.status == LISTED { "good" } else { "bad" },
        "skus": skus,
    })
}

pub fn waiting_audits(state: &State) -> usize {
    let products = state.products.values().filter(|p| p.edit_status == IN_AUDIT && p.audit_due_ms.is_none());
    products.count() + store_qualification::waiting(state)
}

fn account_card(account: &Account) -> Value {
    json!({
        "appid": account.appid,
        "nickname": account.nickname,
        "kind": account.kind,
        "is_store": account.kind == AccountKind::Store,
        "subject": account.subject,
        "principal_name": account.principal_name,
        "authorized_to": account.grants.keys().collect::<Vec<_>>(),
        "push": account.push.as_ref().map(|p| json!({"url": p.url, "format": p.format})),
    })
}

pub fn overview(state: &State) -> Value {
    let count = |wanted: PushState| state.pushes.iter().filter(|p| p.state == wanted).count();
    let apps: Vec<Value> = state
        .apps
        .values()
        .take(SHOWN)
        .map(|app| {
            json!({"component_appid": app.component_appid, "auth_event_url": app.auth_event_url,
                "message_url": app.message_url, "ticket_until": app.tickets.back().map(|(_, until)| until)})
        })
        .collect();
    let calls: Vec<Value> = state
        .calls
        .iter()
        .rev()
        .take(30)
        .map(|c| json!({"at": c.at.seconds(), "path": c.path, "appid": c.appid, "errcode": c.errcode}))
        .collect();
    json!({
        "counts": {"accounts": state.accounts.len(), "products": state.products.len(),
            "orders": state.orders.len(), "waiting_pushes": count(PushState::Waiting),
            "failed_pushes": count(PushState::Failed)},
        "accounts": state.accounts.values().take(SHOWN).map(account_card).collect::<Vec<_>>(),
        "apps": apps,
        "settings": state.settings,
        "faults": state.call_faults.len() + state.push_faults.len(),
        "calls": calls,
    })
}

fn order_card(state: &State, order: &Order) -> Value {
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let sku = json!({"sku_attrs": line.sku_attrs, "sku_code": line.sku_code});
            json!({"title": line.title, "choice": choice_name(&sku), "count": line.sku_cnt, "shipped": line.shipped})
        })
        .collect();
    let actions: &[&str] = match order.status {
        UNPAID | TO_SHIP if order.proposed_address.is_some() => &["agree_address", "refuse_address"],
        TO_SHIP => &["refund", "urge", "move"],
        UNPAID => &["pay", "cancel", "timeout"],
        PART_SHIPPED => &["refund", "urge"],
        SHIPPED => &["confirm", "return", "exchange", "claim_damage", "claim_fake"],
        DONE if order.settle_time.is_none() => &["settle", "return", "claim_damage", "claim_fake"],
        DONE => &["claim_damage", "claim_fake"],
        _ => &[],
    };
    let parcels: Vec<Value> = order
        .deliveries
        .iter()
        .map(|d| json!({"company": d.get("delivery_name"), "waybill": d.get("waybill_id")}))
        .collect();
    let sales = order.aftersale_ids.iter().filter_map(|id| state.aftersales.get(id));
    let cases: Vec<Value> = sales
        .map(|s| {
            let actions: &[&str] = match s.status.as_str() {
                "MERCHANT_PROCESSING" => &["cancel", "expire"],
                "USER_WAIT_RETURN" => &["return", "cancel", "expire"],
                "MERCHANT_WAIT_RECEIPT" => &["expire"],
                _ if s.complaint_status != 0 => dispute::actions(s),
                "USER_WAIT_RECEIPT" => &["receive"],
                status if aftersale::TURNED_DOWN.contains(&status) && s.complaint_id == 0 => &["complain"],
                _ => &[],
            };
            json!({"id": s.aftersale_id.to_string(), "status": s.status, "amount": s.amount, "actions": actions,
                "complaint": s.complaint_status})
        })
        .collect();
    let claims = state.guarantees.values().filter(|claim| claim.order_id == order.order_id);
    let claims: Vec<Value> = claims.take(SHOWN).map(crate::guarantee::Claim::card).collect();
    let tone = match order.status {
        UNPAID => "warn",
        DONE => "good",
        TO_SHIP | PART_SHIPPED | SHIPPED => "",
        _ => "bad",
    };
    json!({
        "order_id": order.order_id.to_string(),
        "status": order.status,
        "tone": tone,
        "buyer": order.address.user_name,
        "create_time": order.create_time,
        "total": order.total(),
        "lines": lines,
        "parcels": parcels,
        "cases": cases,
        "claims": claims,
        "actions": actions,
    })
}

pub fn buyer(state: &State, chosen: Option<&str>) -> Value {
    let stores: Vec<&Account> =
        state.accounts.values().filter(|a| a.kind == AccountKind::Store).take(SHOWN).collect();
    let chosen = chosen
        .and_then(|appid| stores.iter().find(|a| a.appid == appid))
        .or_else(|| stores.first())
        .map(|a| a.appid.clone());
    let chips: Vec<Value> = stores
        .iter()
        .map(|a| {
            let is_chosen = Some(&a.appid) == chosen.as_ref();
            json!({"appid": a.appid, "nickname": a.nickname, "chosen": is_chosen})
        })
        .collect();
    let here = |appid: &str| Some(appid) == chosen.as_deref();
    let listed = state.products.values().filter(|p| here(&p.appid) && p.status == LISTED);
    let products: Vec<Value> =
        listed.take(SHOWN).filter_map(|p| Some(product_card(state, p, p.online.as_ref()?))).collect();
    let orders = state.orders.values().rev().filter(|o| here(&o.appid)).take(SHOWN);
    let orders: Vec<Value> = orders.map(|o| order_card(state, o)).collect();
    json!({"stores": chips, "appid": chosen, "products": products, "orders": orders, "scenes": [1, 2, 3, 4, 5, 6]})
}

pub fn auditor(state: &State) -> Value {
    let pending = state.products.values().filter(|p| p.edit_status == IN_AUDIT);
    let products: Vec<Value> =
        pending.take(SHOWN).filter_map(|p| Some(product_card(state, p, p.draft.as_ref()?))).collect();
    let online: Vec<Value> = state
        .products
        .values()
        .rev()
        .take(SHOWN)
        .filter_map(|p| Some(product_card(state, p, p.online.as_ref()?)))
        .collect();
    json!({"products": products, "qualifications": store_qualification::cards(state), "online": online,
        "automatic": state.settings.audit_automatically})
}

pub fn market(state: &State) -> Value {
    let apps: Vec<Value> = state
        .apps
        .values()
        .take(SHOWN)
        .map(|app| {
            let stores: Vec<Value> = state
                .accounts
                .values()
                .take(SHOWN)
                .map(|a| {
                    let granted = a.grants.get(&app.component_appid).map(|g| g.auth_time);
                    json!({"appid": a.appid, "nickname": a.nickname, "kind": a.kind, "granted": granted,
                        "is_store": a.kind == AccountKind::Store})
                })
                .collect();
            json!({"component_appid": app.component_appid, "stores": stores})
        })
        .collect();
    json!({"apps": apps})
}

fn push_card(push: &Push) -> Value {
    let tone = match push.state {
        PushState::Waiting => "warn",
        PushState::Delivered => "good",
        PushState::Failed | PushState::Dropped => "bad",
    };
    let attempts: Vec<Value> = push
        .attempts
        .iter()
        .map(|a| json!({"at": a.at_ms / 1000, "took_ms": a.took_ms, "status": a.status, "answer": a.answer}))
        .collect();
    let next = (push.state == PushState::Waiting).then_some(push.next_at_ms / 1000);
    json!({"id": push.id, "event": push.event, "state": push.state, "tone": tone, "url": push.url,
        "appid": push.appid, "plain": push.plain, "created": push.created_ms / 1000,
        "tries": attempts.len(), "attempts": attempts, "next": next})
}

pub fn pushes(state: &State) -> Value {
    json!({"pushes": state.pushes.iter().rev().take(SHOWN).map(push_card).collect::<Vec<_>>()})
}
