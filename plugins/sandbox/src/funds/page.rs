//! The page on which somebody plays the store's administrator with the phone, and the bank; and the control calls.

use super::{Bank, act, book, set_bank, share, view};
use crate::control::{Refusal, missing, reply};
use crate::core::Core;
use crate::page_forms::back;
use crate::pages::html;
use crate::state::{AccountKind, State};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn routes(config: &mut web::ServiceConfig) {
    let at = |rest: &str| web::resource(format!("/sandbox/api/stores/{{appid}}{rest}"));
    config
        .service(web::resource("/funds").route(web::get().to(funds)))
        .service(web::resource("/sandbox/forms/funds").route(web::post().to(funds_form)))
        .service(at("/withdrawals").route(web::get().to(list)))
        .service(at("/withdrawals/{id}/{action}").route(web::post().to(control)))
        .service(at("/shares").route(web::post().to(give)))
        .service(at("/bank").route(web::post().to(bank)));
}

fn data(state: &State, appid: Option<&str>) -> Value {
    let own = || state.accounts.values().filter(|one| one.kind == AccountKind::Store);
    let chosen = own().find(|one| Some(one.appid.as_str()) == appid).or_else(|| own().next());
    let accounts: Vec<Value> = own()
        .take(100)
        .map(|one| {
            json!({"appid": one.appid, "nickname": one.nickname,
                "chosen": chosen.is_some_and(|chosen| chosen.appid == one.appid)})
        })
        .collect();
    let Some(account) = chosen else { return json!({"accounts": accounts}) };
    json!({
        "accounts": accounts, "appid": account.appid, "nickname": account.nickname,
        "available": book::available(state, &account.appid), "pending": book::pending(state, &account.appid),
        "withdrawals": account.funds.withdrawals.iter().rev().take(50).map(view).collect::<Vec<_>>(),
    })
}

async fn funds(
    request: HttpRequest,
    query: web::Query<BTreeMap<String, String>>,
    core: web::Data<Core>,
) -> HttpResponse {
    let mut data = core.peek(|state| data(state, query.get("appid").map(String::as_str)));
    if let Some(problem) = query.get("problem") {
        data["problem"] = json!(problem);
    }
    html(&core, &request, "funds", data)
}

#[derive(Deserialize)]
struct FundsForm {
    appid: String,
    act: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    amount: Option<i64>,
}

async fn funds_form(form: web::Form<FundsForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let (what, scanner) = match form.act.as_str() {
        "scan_other" => ("scan", 0),
        "scan_second" => ("scan", 2),
        other => (other, 1),
    };
    let outcome = core.with(|state, now| match (what, form.amount) {
        ("share", Some(yuan)) => share(state, now, &form.appid, yuan.saturating_mul(100)),
        _ => {
            let id = form.id.parse().map_err(|_| "no such withdrawal".to_owned())?;
            act(state, now, &form.appid, id, what, scanner)
        }
    });
    back("/funds", &[("appid", &form.appid)], outcome)
}

async fn list(appid: web::Path<String>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let account = state.accounts.get(appid.as_str()).ok_or_else(|| missing("no such store"))?;
        Ok(json!({"withdrawals": account.funds.withdrawals.iter().map(view).collect::<Vec<_>>(),
            "available": book::available(state, &appid), "pending": book::pending(state, &appid)}))
    }))
}

#[derive(Deserialize)]
struct Scan {
    /// 0 no administrator, 1 administrator, 2 second administrator.
    #[serde(default)]
    scan_user_type: Option<i64>,
}

/// `newest` names the withdrawal that was asked for last.
async fn control(
    path: web::Path<(String, String, String)>,
    body: web::Json<Scan>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (appid, id, action) = path.into_inner();
    reply(core.with(|state, now| {
        let newest = || state.accounts.get(&appid)?.funds.withdrawals.last().map(|one| one.id);
        let id = if id == "newest" { newest() } else { id.parse().ok() };
        let id = id.ok_or_else(|| missing("no such withdrawal"))?;
        act(state, now, &appid, id, &action, body.scan_user_type.unwrap_or(1))?;
        Ok(json!({"id": id.to_string()}))
    }))
}

#[derive(Deserialize)]
struct Share {
    amount: i64,
}

async fn give(appid: web::Path<String>, body: web::Json<Share>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        share(state, now, &appid, body.amount).map_err(Refusal::from)?;
        Ok(json!({"available": book::available(state, &appid)}))
    }))
}

async fn bank(appid: web::Path<String>, body: web::Json<Bank>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        set_bank(state, now, &appid, body.into_inner()).map_err(Refusal::from)?;
        Ok(json!({}))
    }))
}
