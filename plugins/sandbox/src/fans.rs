//! The followers of an official account: what a person does there, the windows for answers it opens, codes with a
//! parameter, and the page on which somebody plays a follower.
//!
//! Windows as in `doc/offiaccount/Customer_Service/Customer_Service_Messages.html`, codes as in
//! `doc/offiaccount/Account_Management/Generating_a_Parametric_QR_Code.html`, both of developers.weixin.qq.com.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::{Now, random_text};
use crate::core::Core;
use crate::errors::{Answer, WxError, error, error_with};
use crate::official_account::only_official;
use crate::page_forms::back;
use crate::pages::html;
use crate::push::Event;
use crate::state::{AccountKind, Fan, SceneCode, State, openid_of, text_of};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const ROUTES: &[Route] = &[post("/cgi-bin/qrcode/create", Auth::Account, code_create)];

pub const FANS: usize = 20_000;
const CODES: usize = 1_000;
const DID: usize = 50;
const TWO_DAYS: u64 = 48 * 3600;
const THIRTY_DAYS: i64 = 2_592_000;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/follower").route(web::get().to(follower)))
        .service(web::resource("/sandbox/forms/fan").route(web::post().to(fan_form)));
}

/// What a person did at the account.
pub enum Act {
    Follow,
    Unfollow,
    Say(String),
    Click(String),
    /// Of a code that the account made; who does not follow begins to.
    Scan(String),
}

impl Fan {
    /// Takes one customer-service message from the windows; what ends sooner first.
    pub fn spend_window(&mut self, now: u64) -> Result<(), WxError> {
        let (moment, message) = (self.moment_until > now, self.window_until > now);
        if moment && self.moment_left > 0 {
            self.moment_left -= 1;
        } else if message && self.window_left > 0 {
            self.window_left -= 1;
        } else {
            return Err(error(if moment || message { 45047 } else { 45015 }));
        }
        Ok(())
    }

    fn note(&mut self, now: Now, what: &str, text: &str) {
        if self.did.len() >= DID {
            self.did.remove(0);
        }
        self.did.push(json!({"at": now.seconds(), "what": what, "text": text}));
    }
}

/// Lets a person act: pushes the message and opens the answering window as the rules give it.
pub fn act(state: &mut State, now: Now, appid: &str, buyer: &str, act: Act) -> Result<String, String> {
    let openid = openid_of(appid, buyer);
    let account = state.accounts.get_mut(appid).ok_or_else(|| format!("no account {appid}"))?;
    if account.kind != AccountKind::OfficialAccount {
        return Err("only official accounts have followers".into());
    }
    if account.fans.len() >= FANS && !account.fans.contains_key(&openid) {
        return Err("too many followers".into());
    }
    if let Act::Scan(scene) = &act {
        let live = |code: &SceneCode| code.expires == 0 || code.expires > now.seconds();
        if !account.codes.values().any(|code| code.scene == *scene && live(code)) {
            return Err(format!("the account has no code with the scene {scene}"));
        }
    }
    let fan = account.fans.entry(openid.clone()).or_default();
    fan.nickname = buyer.to_owned();
    match act {
        Act::Say(_) => (fan.window_until, fan.window_left) = (now.seconds() + TWO_DAYS, 5),
        Act::Unfollow => (fan.window_until, fan.moment_until) = (0, 0),
        Act::Follow | Act::Click(_) | Act::Scan(_) => {
            (fan.moment_until, fan.moment_left) = (now.seconds() + 60, 3);
        }
    }
    let (name, body) = match act {
        Act::Follow => {
            fan.subscribe(now, "");
            ("subscribe", json!({"EventKey": ""}))
        }
        Act::Scan(scene) if !fan.subscribed => {
            fan.subscribe(now, &scene);
            ("subscribe", json!({"EventKey": format!("qrscene_{scene}"), "Ticket": "gQsandbox"}))
        }
        Act::Scan(scene) => {
            fan.note(now, "scan", &scene);
            ("SCAN", json!({"EventKey": scene, "Ticket": "gQsandbox"}))
        }
        Act::Unfollow => {
            fan.subscribed = false;
            fan.note(now, "unfollow", "");
            ("unsubscribe", json!({"EventKey": ""}))
        }
        Act::Say(content) => {
            fan.note(now, "say", &content);
            let id = state.new_id(23_456_789_012_340_000);
            ("text", json!({"MsgType": "text", "Content": content, "MsgId": id}))
        }
        Act::Click(key) => {
            fan.note(now, "click", &key);
            ("CLICK", json!({"EventKey": key}))
        }
    };
    state.emit(now, appid, Event { name, openid: Some(openid.clone()), body });
    Ok(openid)
}

impl Fan {
    fn subscribe(&mut self, now: Now, scene: &str) {
        self.subscribed = true;
        self.subscribe_time = now.seconds();
        self.qr_scene = scene.to_owned();
        self.note(now, "follow", scene);
    }
}

fn code_create(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let kind = call.text("action_name").to_owned();
    let scene = &call.body["action_info"]["scene"];
    let text = match kind.as_str() {
        "QR_STR_SCENE" | "QR_LIMIT_STR_SCENE" => text_of(scene.get("scene_str")).to_owned(),
        "QR_SCENE" | "QR_LIMIT_SCENE" => {
            let id = scene.get("scene_id").and_then(Value::as_u64).filter(|id| *id > 0);
            id.map(|id| id.to_string()).unwrap_or_default()
        }
        _ => return Err(error_with(40052, "invalid action name")),
    };
    if text.is_empty() || text.len() > 64 {
        return Err(error_with(40053, "invalid action info"));
    }
    let permanent = kind.starts_with("QR_LIMIT");
    let seconds = call.int("expire_seconds").unwrap_or(60);
    if !permanent && !(1..=THIRTY_DAYS).contains(&seconds) {
        return Err(error_with(40056, "invalid expire_seconds"));
    }
    let now = call.now.seconds();
    let account = call.account()?;
    if account.codes.len() >= CODES {
        account.codes.pop_first();
    }
    let ticket = format!("gQ{}", random_text(80));
    let url = format!("http://weixin.qq.com/q/{}", random_text(20));
    let life = u64::try_from(seconds).unwrap_or_default();
    let expires = if permanent { 0 } else { now + life };
    account.codes.insert(ticket.clone(), SceneCode { scene: text, url: url.clone(), expires });
    if permanent {
        return Ok(json!({"ticket": ticket, "url": url}));
    }
    Ok(json!({"ticket": ticket, "expire_seconds": life, "url": url}))
}

type Query = web::Query<BTreeMap<String, String>>;

/// What the person sees of the account: its messages between what they did themselves, and the menu.
fn page_data(state: &State, appid: Option<&str>, buyer: &str) -> Value {
    let officials = state.accounts.values().filter(|account| account.kind == AccountKind::OfficialAccount);
    let chosen = match appid {
        Some(appid) => state.accounts.get(appid),
        None => officials.clone().next(),
    };
    let accounts: Vec<Value> = officials
        .map(|account| {
            json!({"appid": account.appid, "nickname": account.nickname,
                "chosen": chosen.is_some_and(|chosen| chosen.appid == account.appid)})
        })
        .collect();
    let Some(account) = chosen else { return json!({"accounts": accounts, "buyer": buyer}) };
    let fan = account.fans.get(&openid_of(&account.appid, buyer)).cloned().unwrap_or_default();
    let mut talk: Vec<Value> = fan.did.clone();
    for message in &fan.received {
        let content = &message["content"];
        let article = &content["articles"][0];
        talk.push(json!({"at": message["at"], "account": true, "text": content["content"],
            "title": article["title"], "description": article["description"], "url": article["url"],
            "picture": article["picurl"]}));
    }
    talk.sort_by_key(|one| one["at"].as_u64());
    let mut buttons = Vec::new();
    for button in account.menu.iter().flat_map(|menu| menu["button"].as_array()).flatten() {
        let below = button["sub_button"].as_array().filter(|below| !below.is_empty());
        buttons.extend(below.map_or_else(|| vec![button.clone()], Clone::clone));
    }
    let mut scenes: Vec<&str> = account.codes.values().map(|code| code.scene.as_str()).collect();
    scenes.sort_unstable();
    scenes.dedup();
    json!({"accounts": accounts, "appid": account.appid, "nickname": account.nickname, "buyer": buyer,
        "subscribed": fan.subscribed, "talk": talk, "buttons": buttons, "scenes": scenes})
}

async fn follower(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    let buyer = query.get("buyer").map_or("小林", String::as_str);
    let mut data = core.peek(|state| page_data(state, query.get("appid").map(String::as_str), buyer));
    if let Some(problem) = query.get("problem") {
        data["problem"] = json!(problem);
    }
    html(&core, &request, "follower", data)
}

#[derive(Deserialize)]
struct FanForm {
    appid: String,
    buyer: String,
    act: String,
    #[serde(default)]
    text: String,
}

async fn fan_form(form: web::Form<FanForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let text: String = form.text.chars().take(2_000).collect();
    let what = match form.act.as_str() {
        "follow" => Ok(Act::Follow),
        "unfollow" => Ok(Act::Unfollow),
        "say" if !text.is_empty() => Ok(Act::Say(text)),
        "click" => Ok(Act::Click(text)),
        "scan" => Ok(Act::Scan(text)),
        other => Err(format!("nothing to do for {other}")),
    };
    let outcome =
        what.and_then(|what| core.with(|state, now| act(state, now, &form.appid, &form.buyer, what)));
    back("/follower", &[("appid", &form.appid), ("buyer", &form.buyer)], outcome.map(drop))
}
