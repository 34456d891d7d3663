//! What the auditor sees and does: cards for the auditor's page, its form, and the control calls.

use super::{decide, number};
use crate::control::{missing, refuse, reply};
use crate::core::Core;
use crate::page_forms::back;
use crate::state::{Account, State, text_of};
use crate::store_category;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn routes(config: &mut web::ServiceConfig) {
    let at = |rest: &str| web::resource(format!("/sandbox/api/stores/{{appid}}/qualifications{rest}"));
    config
        .service(web::resource("/sandbox/forms/qualification").route(web::post().to(form)))
        .service(at("").route(web::get().to(list)))
        .service(at("/{id}/{action}").route(web::post().to(control)));
}

/// Pictures among what was sent, of whatever kind.
fn pictures(state: &State, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(key) if state.images.contains_key(key) => {
            found.push(format!("/sandbox/pictures/{key}"))
        }
        Value::Array(rows) => rows.iter().for_each(|row| pictures(state, row, found)),
        Value::Object(members) => members.values().for_each(|value| pictures(state, value, found)),
        _ => {}
    }
}

fn card(
    state: &State,
    account: &Account,
    audit_id: u64,
    title: String,
    what: &str,
    content: &Value,
) -> Value {
    let mut found = Vec::new();
    pictures(state, content, &mut found);
    json!({"audit_id": audit_id.to_string(), "appid": account.appid, "store": account.nickname, "title": title,
        "brand": what == "brand", "pictures": found.iter().take(20).collect::<Vec<_>>()})
}

/// Applications that wait, for the auditor's page.
pub fn cards(state: &State) -> Vec<Value> {
    let mut cards = Vec::new();
    for account in state.accounts.values() {
        let own = &account.qualifications;
        for one in own.categories.iter().filter(|one| one.status == 0) {
            let title = store_category::name_of(one.cat_id).to_owned();
            cards.push(card(state, account, one.audit_id, title, "category", &one.info));
        }
        for one in own.brands.iter().filter(|one| one.status == 1) {
            let names = [text_of(one.brand.get("ch_name")), text_of(one.brand.get("en_name"))];
            let title = names.join(" ").trim().to_owned();
            cards.push(card(state, account, one.audit_id, title, "brand", &one.brand));
        }
    }
    cards.truncate(100);
    cards
}

#[derive(Deserialize)]
struct Decision {
    appid: String,
    audit_id: u64,
    decision: String,
    #[serde(default)]
    reason: String,
}

async fn form(form: web::Form<Decision>, core: web::Data<Core>) -> HttpResponse {
    let refusal = (form.decision == "refuse").then_some(form.reason.as_str());
    let outcome = core.with(|state, now| {
        if refusal == Some("") {
            return Err("a refusal needs a reason".to_owned());
        }
        decide(state, now, &form.appid, form.audit_id, refusal)
    });
    back("/auditor", &[], outcome)
}

async fn list(appid: web::Path<String>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let account = state.accounts.get(appid.as_str()).ok_or_else(|| missing("no such store"))?;
        Ok(json!({"categories": account.qualifications.categories, "brands": account.qualifications.brands}))
    }))
}

/// `approve`, or `refuse` with a `reason`.
async fn control(
    path: web::Path<(String, String, String)>,
    body: web::Json<Value>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (appid, id, action) = path.into_inner();
    reply(core.with(|state, now| {
        let id = number(&json!({"id": id}), "id").ok_or_else(|| missing("no such application"))?;
        let reason = text_of(body.get("reason"));
        let refusal = match action.as_str() {
            "approve" => None,
            "refuse" if !reason.is_empty() => Some(reason),
            _ => return Err(refuse("approve, or refuse with a reason")),
        };
        decide(state, now, &appid, id, refusal)?;
        Ok(json!({"audit_id": id.to_string()}))
    }))
}
