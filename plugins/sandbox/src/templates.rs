//! Template messages and subscription notices of an official account.
//!
//! From `doc/offiaccount/Message_Management/Template_Message_Interface.html`, the pages under `doc/service/api/notify/` and
//! `doc/service/guide/product/subscription_messages/push.html` of developers.weixin.qq.com; `client_msg_id` as quoted in
//! silenceper/wechat#651.

use crate::calls::{Auth, Call, Route, get, post};
use crate::clock::Now;
use crate::control::{refuse, reply};
use crate::core::Core;
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::official_account::only_official;
use crate::push::Event;
use crate::state::{Account, Fan, openid_of, text_of};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    get("/cgi-bin/template/get_all_private_template", Auth::Account, list),
    get("/wxaapi/newtmpl/gettemplate", Auth::Account, list_subscriptions),
    post("/cgi-bin/message/template/send", Auth::Account, send),
    post("/cgi-bin/message/subscribe/bizsend", Auth::Account, send_subscription),
];

/// Received messages of a person, and keys of an account, that are kept.
const KEPT: usize = 200;
/// How long a key keeps a message from being sent twice, in seconds.
const KEY_LIFE: u64 = 600;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/sandbox/api/consent").route(web::post().to(consent)))
        .service(web::resource("/sandbox/api/block").route(web::post().to(block)));
}

/// Id, title, text, example.
type Chosen = (&'static str, &'static str, &'static str, &'static str);

/// What every account chose.
const CHOSEN: &[Chosen] = &[
    (
        "tm-paid-000000000000000000000000000000001",
        "订单支付成功通知",
        "订单编号：{{character_string1.DATA}}\n商品名称：{{thing2.DATA}}\n支付金额：{{amount3.DATA}}",
        "订单编号：2026112200001\n商品名称：明前龙井\n支付金额：￥128.00",
    ),
    (
        "tm-sent-000000000000000000000000000000002",
        "订单发货通知",
        "订单编号：{{character_string1.DATA}}\n快递公司：{{thing4.DATA}}\n快递单号：{{character_string5.DATA}}",
        "订单编号：2026112200001\n快递公司：顺丰速运\n快递单号：SF1234567890",
    ),
];
const AGREED: &[Chosen] = &[(
    "sb-back-000000000000000000000000000000003",
    "退款成功通知",
    "订单编号：{{character_string1.DATA}}\n退款金额：{{amount2.DATA}}\n",
    "订单编号：2026112200001\n退款金额：￥128.00\n",
)];

fn list(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let rows = CHOSEN.iter().map(|(id, title, content, example)| {
        json!({"template_id": id, "title": title, "primary_industry": "IT科技",
            "deputy_industry": "互联网|电子商务", "content": content, "example": example})
    });
    Ok(json!({"template_list": rows.collect::<Vec<_>>()}))
}

fn list_subscriptions(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let rows = AGREED.iter().map(|(id, title, content, example)| {
        json!({"priTmplId": id, "title": title, "content": content, "example": example, "type": 2})
    });
    Ok(ok_with(json!({"data": rows.collect::<Vec<_>>()})))
}

/// Each field of the text, as the kind its name begins with wants it.
fn check_data(content: &str, data: &Value) -> Result<(), WxError> {
    for part in content.split("{{").skip(1) {
        let name = part.split(".DATA").next().unwrap_or_default();
        let value = text_of(data.pointer(&format!("/{name}/value")));
        let most = match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "thing" => 20,
            "character_string" => 32,
            "phrase" => 5,
            _ => 200,
        };
        let plain = !name.starts_with("character_string") || value.is_ascii();
        if value.is_empty() || value.chars().count() > most || !plain {
            return Err(error_with(47003, format!("argument invalid! data.{name}.value invalid")));
        }
    }
    Ok(())
}

fn content_of(templates: &[Chosen], id: &str) -> Result<&'static str, WxError> {
    templates.iter().find(|own| own.0 == id).map(|own| own.2).ok_or_else(|| error(40037))
}

fn keep(fan: &mut Fan, now: u64, mut message: Value) {
    // What the page of a follower shows.
    let values = message["data"].as_object().into_iter().flatten().map(|(_, one)| text_of(one.get("value")));
    message["content"] = json!(values.collect::<Vec<_>>().join(" · "));
    if fan.received.len() >= KEPT {
        fan.received.remove(0);
    }
    fan.received.push(json!({"at": now, "msgtype": "notice", "content": message}));
}

fn send(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let (openid, template) = (call.text("touser").to_owned(), call.text("template_id").to_owned());
    let key = format!("{openid} {}", call.text("client_msg_id"));
    let keyed = !call.text("client_msg_id").is_empty();
    let content = content_of(CHOSEN, &template)?;
    let (now, body) = (call.now, call.body.clone());
    let account = call.account()?;
    let fan = account.fans.get(&openid).filter(|fan| fan.subscribed).ok_or_else(|| error(43004))?;
    let blocked = fan.blocked;
    check_data(content, &body["data"])?;
    account.message_keys.retain(|_, (_, at)| *at + KEY_LIFE > now.seconds());
    if let Some((message, _)) = account.message_keys.get(&key).filter(|_| keyed) {
        return Ok(ok_with(json!({"msgid": message})));
    }
    let appid = account.appid.clone();
    let id = call.state.new_id(3_487_542_469_355_600_000);
    let account = call.account()?;
    if keyed && account.message_keys.len() < KEPT {
        account.message_keys.insert(key, (id, now.seconds()));
    }
    if let Some(fan) = account.fans.get_mut(&openid).filter(|_| !blocked) {
        keep(fan, now.seconds(), json!({"template_id": template, "data": body["data"], "url": body["url"]}));
    }
    let status = if blocked { "failed:user block" } else { "success" };
    let told = json!({"MsgID": id, "Status": status});
    call.state.emit(now, &appid, Event { name: "TEMPLATESENDJOBFINISH", openid: Some(openid), body: told });
    Ok(ok_with(json!({"msgid": id})))
}

fn send_subscription(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let (openid, template) = (call.text("touser").to_owned(), call.text("template_id").to_owned());
    let content = content_of(AGREED, &template)?;
    let (now, body) = (call.now, call.body.clone());
    let account = call.account()?;
    let appid = account.appid.clone();
    let fan = account.fans.get_mut(&openid).ok_or_else(|| error(40003))?;
    check_data(content, &body["data"])?;
    let left = fan.agreed.get_mut(&template).filter(|left| **left > 0).ok_or_else(|| error(43101))?;
    *left -= 1;
    keep(fan, now.seconds(), json!({"template_id": template, "data": body["data"], "url": body["page"]}));
    let id = call.state.new_id(1_864_323_726_461_255_000);
    let told = json!({"SubscribeMsgSentEvent": {"List": {"TemplateId": template, "MsgID": id.to_string(),
        "ErrorCode": 0, "ErrorStatus": "success"}}});
    call.state.emit(
        now,
        &appid,
        Event { name: "subscribe_msg_sent_event", openid: Some(openid), body: told },
    );
    Ok(ok())
}

#[derive(Deserialize)]
struct Consent {
    appid: String,
    buyer: String,
    template_id: String,
    #[serde(default = "yes")]
    accept: bool,
}

const fn yes() -> bool {
    true
}

fn fan_of<'a>(account: Option<&'a mut Account>, appid: &str, buyer: &str) -> Option<&'a mut Fan> {
    account?.fans.get_mut(&openid_of(appid, buyer))
}

/// Somebody agrees to one notice by a template, or takes all back.
async fn consent(new: web::Json<Consent>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now: Now| {
        let fan = fan_of(state.accounts.get_mut(&new.appid), &new.appid, &new.buyer);
        let fan = fan.ok_or_else(|| refuse("no such follower"))?;
        let left = fan.agreed.entry(new.template_id.clone()).or_default();
        *left = if new.accept { *left + 1 } else { 0 };
        let left = *left;
        let status = if new.accept { "accept" } else { "reject" };
        let told = json!({"SubscribeMsgPopupEvent": {"List": {"TemplateId": new.template_id,
            "SubscribeStatusString": status, "PopupScene": 1}}});
        let openid = Some(openid_of(&new.appid, &new.buyer));
        state.emit(now, &new.appid, Event { name: "subscribe_msg_popup_event", openid, body: told });
        Ok(json!({"left": left}))
    }))
}

#[derive(Deserialize)]
struct Block {
    appid: String,
    buyer: String,
    blocked: bool,
}

/// Somebody does not want messages of the account any more, and goes on following it.
async fn block(new: web::Json<Block>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let fan = fan_of(state.accounts.get_mut(&new.appid), &new.appid, &new.buyer);
        fan.ok_or_else(|| refuse("no such follower"))?.blocked = new.blocked;
        Ok(json!({"blocked": new.blocked}))
    }))
}
