//! What a person does with a channels account on the platform's own pages and at home: binding stores, going live,
//! announcing a room, buying there, leaving a lead. Control calls; the page `/live` uses the same functions.

use super::{Form, Lead, MOST, Reservation, Room};
use crate::buyer::{self, Item, NewOrder};
use crate::clock::{Now, random_nonce, random_text};
use crate::control::{missing, reply};
use crate::core::Core;
use crate::state::{Account, AccountKind, State};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn routes(config: &mut web::ServiceConfig) {
    let at = |rest: &str| web::resource(format!("/sandbox/api/channels/{{appid}}{rest}"));
    config
        .service(at("").route(web::get().to(show)))
        .service(at("/stores").route(web::post().to(bind)))
        .service(at("/rooms").route(web::post().to(begin)))
        .service(at("/rooms/{room}/end").route(web::post().to(end)))
        .service(at("/rooms/{room}/explain").route(web::post().to(explain)))
        .service(at("/reservations").route(web::post().to(announce)))
        .service(at("/orders").route(web::post().to(order)))
        .service(at("/forms").route(web::post().to(form)))
        .service(at("/leads").route(web::post().to(lead)));
}

/// The channels account with this id.
pub fn account<'a>(state: &'a mut State, appid: &str) -> Result<&'a mut Account, String> {
    let found = state.accounts.get_mut(appid).filter(|one| one.kind == AccountKind::ChannelsAccount);
    found.ok_or_else(|| format!("no channels account {appid}"))
}

pub fn bind_store(state: &mut State, appid: &str, store: &str) -> Result<(), String> {
    if !state.accounts.get(store).is_some_and(|one| one.kind == AccountKind::Store) {
        return Err("no such store".into());
    }
    let stores = &mut account(state, appid)?.finder.stores;
    if !stores.iter().any(|own| own == store) {
        stores.push(store.to_owned());
    }
    Ok(())
}

pub fn begin_room(state: &mut State, now: Now, appid: &str, title: &str) -> Result<String, String> {
    let finder = &mut account(state, appid)?.finder;
    if title.is_empty() || title.chars().count() > 60 {
        return Err("a room has a title of 1..=60 characters".into());
    }
    if finder.rooms.values().any(|room| room.ended.is_none()) {
        return Err("a room is on already".into());
    }
    if finder.rooms.len() >= MOST {
        return Err("too many rooms; reset the sandbox".into());
    }
    // The reservation of that name is used up.
    finder.reservations.values_mut().filter(|one| one.title == title).for_each(|one| one.status = 2);
    let id = format!("export/{}", random_text(40));
    finder.rooms.insert(
        id.clone(),
        Room { title: title.to_owned(), live_id: random_nonce(), began: now.seconds(), ..Room::default() },
    );
    Ok(id)
}

/// The figures of a room, by the platform's names; what is not given is not told.
type Figures = BTreeMap<String, u64>;

const FIGURES: [&str; 8] = [
    "new_watch_uv",
    "max_online_watch_uv",
    "impression_uv",
    "average_watch_seconds_per_audience",
    "new_follow_uv",
    "comment_uv",
    "sharing_uv",
    "clk_uv",
];

pub fn end_room(
    state: &mut State,
    now: Now,
    appid: &str,
    room: &str,
    figures: &Figures,
) -> Result<(), String> {
    let found = account(state, appid)?.finder.rooms.get_mut(room).filter(|room| room.ended.is_none());
    let room = found.ok_or("no such room that is on")?;
    if let Some(unknown) = figures.keys().find(|name| !FIGURES.contains(&name.as_str())) {
        return Err(format!("no figure {unknown}; there are {}", FIGURES.join(", ")));
    }
    room.ended = Some(now.seconds());
    room.summary.extend(figures.clone());
    Ok(())
}

pub fn announce_room(state: &mut State, appid: &str, title: &str, start_time: u64) -> Result<String, String> {
    let finder = &mut account(state, appid)?.finder;
    if title.is_empty() || title.chars().count() > 60 || finder.reservations.len() >= MOST {
        return Err("a reservation has a title of 1..=60 characters".into());
    }
    let id = format!("finderlivenotice-{}", random_text(20));
    let one = Reservation { title: title.to_owned(), start_time, status: 0 };
    finder.reservations.insert(id.clone(), one);
    Ok(id)
}

/// Somebody who buys what the account shows.
#[derive(Deserialize)]
pub struct Purchase {
    #[serde(default = "somebody")]
    pub buyer: String,
    pub product_id: Value,
    #[serde(default = "one")]
    pub quantity: i64,
    /// 2 the room that is on, 3 a short video, 5 the window.
    pub scene: i64,
    #[serde(default)]
    pub pay: bool,
}

fn somebody() -> String {
    "王晓".into()
}
fn one() -> i64 {
    1
}

/// The order is one of the store the product comes from; it names the scene and the account, and the room if there is one.
pub fn buy(state: &mut State, now: Now, appid: &str, new: Purchase) -> Result<u64, String> {
    let product = super::window::product_id(&new.product_id)?;
    let seller = account(state, appid)?;
    let (finder_id, nickname) = (seller.finder.finder_id.clone(), seller.nickname.clone());
    let shown = seller.finder.window.iter().find(|one| one.product_id == product);
    let store = shown.ok_or("the product is not in the window")?.appid.clone();
    let room = match new.scene {
        2 => {
            let on = seller.finder.rooms.iter().find(|(_, room)| room.ended.is_none());
            on.map(|(_, room)| room.live_id.clone()).ok_or("no room is on")?
        }
        3 | 5 => String::new(),
        _ => return Err("scene must be 2, 3 or 5".into()),
    };
    let order = NewOrder {
        appid: store,
        buyer: new.buyer,
        items: vec![Item {
            product_id: json!(product.to_string()),
            sku_id: Value::Null,
            quantity: new.quantity,
        }],
        scene: new.scene,
        finder_id: finder_id.clone(),
        live_id: room,
        source: Some(json!({"account_type": 1, "account_id": finder_id, "sale_channel": 0,
            "account_nickname": nickname})),
        address: None,
        customer_notes: String::new(),
        freight: 0,
        pay: new.pay,
    };
    buyer::place(state, now, order)
}

/// What somebody leaves in a form.
#[derive(Deserialize)]
pub struct NewLead {
    pub leads_component_id: String,
    pub answers: Vec<(String, String)>,
}

pub fn leave(state: &mut State, now: Now, appid: &str, new: NewLead) -> Result<(), String> {
    let finder = &mut account(state, appid)?.finder;
    let began = finder.rooms.values().find(|room| room.ended.is_none()).map_or(0, |room| room.began);
    let form = finder.forms.get_mut(&new.leads_component_id).ok_or("no such form")?;
    if form.leads.len() >= MOST || new.answers.len() > 20 {
        return Err("too much was left".into());
    }
    form.leads.push(Lead { time: now.seconds(), live_start_time: began, answers: new.answers });
    Ok(())
}

async fn show(appid: web::Path<String>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let found = state.accounts.get(appid.as_str());
        let account = found.filter(|one| one.kind == AccountKind::ChannelsAccount);
        let account = account.ok_or_else(|| missing("no such channels account"))?;
        Ok(json!({"appid": account.appid, "nickname": account.nickname, "channels": account.finder}))
    }))
}

#[derive(Deserialize)]
struct Store {
    appid: String,
}

async fn bind(appid: web::Path<String>, store: web::Json<Store>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        bind_store(state, &appid, &store.appid)?;
        Ok(json!({"status": "bound"}))
    }))
}

#[derive(Deserialize)]
struct Titled {
    title: String,
    #[serde(default)]
    start_time: u64,
}

async fn begin(appid: web::Path<String>, new: web::Json<Titled>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| Ok(json!({"export_id": begin_room(state, now, &appid, &new.title)?}))))
}

async fn announce(appid: web::Path<String>, new: web::Json<Titled>, core: web::Data<Core>) -> HttpResponse {
    reply(
        core.with(|state, _| {
            Ok(json!({"notice_id": announce_room(state, &appid, &new.title, new.start_time)?}))
        }),
    )
}

/// Room ids have a slash in them; in an address a tilde stands for it.
fn room_id(text: &str) -> String {
    text.replace('~', "/")
}

async fn end(
    path: web::Path<(String, String)>,
    figures: web::Json<Figures>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (appid, room) = path.into_inner();
    reply(core.with(|state, now| {
        end_room(state, now, &appid, &room_id(&room), &figures)?;
        Ok(json!({"status": "ended"}))
    }))
}

#[derive(Deserialize)]
struct Explained {
    product_id: Value,
}

async fn explain(
    path: web::Path<(String, String)>,
    product: web::Json<Explained>,
    core: web::Data<Core>,
) -> HttpResponse {
    let (appid, room) = path.into_inner();
    reply(core.with(|state, _| {
        let id = super::window::product_id(&product.product_id)?;
        let rooms = &mut account(state, &appid)?.finder.rooms;
        let room = rooms.get_mut(&room_id(&room)).ok_or_else(|| missing("no such room"))?;
        *room.explained.entry(id).or_default() += 1;
        Ok(json!({"status": "explained"}))
    }))
}

async fn order(appid: web::Path<String>, new: web::Json<Purchase>, core: web::Data<Core>) -> HttpResponse {
    reply(
        core.with(|state, now| {
            Ok(json!({"order_id": buy(state, now, &appid, new.into_inner())?.to_string()}))
        }),
    )
}

async fn form(appid: web::Path<String>, new: web::Json<Titled>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let id = state.new_id(100_234_056_000_000_000).to_string();
        let finder = &mut account(state, &appid)?.finder;
        finder.forms.insert(id.clone(), Form { title: new.title.clone(), status: 4, leads: Vec::new() });
        Ok(json!({"leads_component_id": id}))
    }))
}

async fn lead(appid: web::Path<String>, new: web::Json<NewLead>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        leave(state, now, &appid, new.into_inner())?;
        Ok(json!({"status": "left"}))
    }))
}
