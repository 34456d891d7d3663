//! The page on which somebody plays the host of a live room and the people in it.

use super::play::{self, NewLead, Purchase};
use crate::core::Core;
use crate::page_forms::back;
use crate::pages::html;
use crate::state::{AccountKind, State};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/live").route(web::get().to(live)))
        .service(web::resource("/sandbox/forms/live").route(web::post().to(live_form)));
}

fn data(state: &State, appid: Option<&str>) -> Value {
    let own = || state.accounts.values().filter(|one| one.kind == AccountKind::ChannelsAccount);
    let chosen = own().find(|one| Some(one.appid.as_str()) == appid).or_else(|| own().next());
    let accounts: Vec<Value> = own()
        .take(100)
        .map(|one| {
            json!({"appid": one.appid, "nickname": one.nickname,
                "chosen": chosen.is_some_and(|chosen| chosen.appid == one.appid)})
        })
        .collect();
    let Some(account) = chosen else { return json!({"accounts": accounts}) };
    let finder = &account.finder;
    let stores: Vec<Value> = state
        .accounts
        .values()
        .filter(|one| one.kind == AccountKind::Store)
        .take(100)
        .map(|one| {
            json!({"appid": one.appid, "nickname": one.nickname, "bound": finder.stores.contains(&one.appid)})
        })
        .collect();
    let room = |(id, room): (&String, &super::Room)| {
        let orders = super::live::orders_of(state, &room.live_id);
        json!({"id": id, "title": room.title, "began": room.began, "ended": room.ended, "orders": orders.len()})
    };
    let mut past: Vec<Value> =
        finder.rooms.iter().filter(|(_, room)| room.ended.is_some()).map(room).collect();
    past.sort_by_key(|one| std::cmp::Reverse(one["began"].as_u64()));
    let reservations: Vec<Value> = finder
        .reservations
        .values()
        .filter(|one| one.status == 0)
        .map(|one| json!({"title": one.title, "at": one.start_time}))
        .collect();
    let forms: Vec<Value> = finder
        .forms
        .iter()
        .map(|(id, form)| json!({"id": id, "title": form.title, "leads": form.leads.len()}))
        .collect();
    json!({
        "accounts": accounts, "appid": account.appid, "nickname": account.nickname,
        "finder_id": finder.finder_id, "fans": finder.fans, "stores": stores,
        "on": finder.rooms.iter().find(|(_, room)| room.ended.is_none()).map(room),
        "past": past, "reservations": reservations, "forms": forms,
        "window": finder.window.iter().take(100).map(|one| super::window::view(state, one)).collect::<Vec<_>>(),
    })
}

async fn live(
    request: HttpRequest,
    query: web::Query<BTreeMap<String, String>>,
    core: web::Data<Core>,
) -> HttpResponse {
    let mut data = core.peek(|state| data(state, query.get("appid").map(String::as_str)));
    if let Some(problem) = query.get("problem") {
        data["problem"] = json!(problem);
    }
    html(&core, &request, "live", data)
}

#[derive(Deserialize)]
struct LiveForm {
    appid: String,
    act: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    room: String,
    #[serde(default)]
    product_id: String,
    #[serde(default)]
    scene: Option<i64>,
    #[serde(default)]
    viewers: Option<u64>,
    #[serde(default)]
    most_online: Option<u64>,
    #[serde(default)]
    hours: Option<u64>,
}

async fn live_form(form: web::Form<LiveForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let appid = form.appid.clone();
    let outcome = core.with(|state, now| match form.act.as_str() {
        "bind" => play::bind_store(state, &appid, &form.text),
        "begin" => play::begin_room(state, now, &appid, &form.text).map(drop),
        "announce" => {
            let start = now.seconds() + form.hours.unwrap_or(24).min(720) * 3_600;
            play::announce_room(state, &appid, &form.text, start).map(drop)
        }
        "end" => {
            let given = [("new_watch_uv", form.viewers), ("max_online_watch_uv", form.most_online)];
            let figures =
                given.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), figure?))).collect();
            play::end_room(state, now, &appid, &form.room, &figures)
        }
        "buy" => {
            let new = Purchase {
                buyer: form.text.clone(),
                product_id: json!(form.product_id),
                quantity: 1,
                scene: form.scene.unwrap_or(2),
                pay: true,
            };
            play::buy(state, now, &appid, new).map(drop)
        }
        "lead" => {
            let answers = vec![("手机号".to_owned(), form.text.clone())];
            play::leave(state, now, &appid, NewLead { leads_component_id: form.room.clone(), answers })
        }
        other => Err(format!("nothing to do for {other}")),
    });
    back("/live", &[("appid", &form.appid)], outcome)
}
