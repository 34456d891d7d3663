//! The basic calls of an official account: menu, followers, customer-service messages within their window.

use crate::calls::{Auth, Call, Route, either, get, post};
use crate::errors::{Answer, WxError, error, error_with, invalid_args, ok};
use crate::state::{AccountKind, Fan, text_of, unionid_of};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/cgi-bin/menu/create", Auth::Account, menu_create),
    get("/cgi-bin/menu/get", Auth::Account, menu_get),
    get("/cgi-bin/get_current_selfmenu_info", Auth::Account, menu_info),
    either("/cgi-bin/menu/delete", Auth::Account, menu_delete),
    get("/cgi-bin/user/info", Auth::Account, user_info),
    post("/cgi-bin/user/info/batchget", Auth::Account, user_info_many),
    get("/cgi-bin/user/get", Auth::Account, user_list),
    post("/cgi-bin/message/custom/send", Auth::Account, send),
    post("/cgi-bin/message/custom/typing", Auth::Account, typing),
];

const RECEIVED: usize = 50;
const BUTTONS_WITH_KEY: &[&str] = &[
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];

pub fn only_official(call: &mut Call<'_>) -> Result<(), WxError> {
    if call.account()?.kind == AccountKind::OfficialAccount { Ok(()) } else { Err(error(48001)) }
}

fn check_buttons(buttons: &[Value], most: usize, top: bool) -> Result<(), WxError> {
    if buttons.is_empty() || buttons.len() > most {
        return Err(error(40016));
    }
    for button in buttons {
        let name = text_of(button.get("name"));
        if name.is_empty() || name.len() > 60 {
            return Err(error_with(40018, "invalid button name size"));
        }
        let children = button.get("sub_button").and_then(Value::as_array).filter(|c| !c.is_empty());
        if let (Some(children), true) = (children, top) {
            check_buttons(children, 5, false)?;
            continue;
        }
        let has = |field: &str| !text_of(button.get(field)).is_empty();
        let complete = match text_of(button.get("type")) {
            kind if BUTTONS_WITH_KEY.contains(&kind) => has("key") && text_of(button.get("key")).len() <= 128,
            "view" => has("url") && text_of(button.get("url")).len() <= 1024,
            "miniprogram" => has("url") && has("appid") && has("pagepath"),
            "media_id" | "view_limited" => has("media_id"),
            "article_id" | "article_view_limited" => has("article_id"),
            _ => return Err(error_with(40017, "invalid button type")),
        };
        if !complete {
            return Err(error_with(40019, "invalid button key size"));
        }
    }
    Ok(())
}

fn menu_create(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let buttons = call.body.get("button").and_then(Value::as_array).cloned().unwrap_or_default();
    check_buttons(&buttons, 3, true)?;
    call.account()?.menu = Some(json!({"button": buttons}));
    Ok(ok())
}

fn menu_get(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let menu = call.account()?.menu.clone().ok_or_else(|| error(46003))?;
    Ok(json!({"menu": menu}))
}

fn menu_info(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let mut menu = call.account()?.menu.clone();
    // Unlike `menu/get`, this call wraps the buttons below another in an object.
    let buttons = menu.as_mut().and_then(|menu| menu.get_mut("button")).and_then(Value::as_array_mut);
    for below in buttons.into_iter().flatten().filter_map(|button| button.get_mut("sub_button")) {
        *below = json!({"list": below.take()});
    }
    Ok(json!({"is_menu_open": i32::from(menu.is_some()), "selfmenu_info": menu.unwrap_or_else(|| json!({}))}))
}

fn menu_delete(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    call.account()?.menu = None;
    Ok(ok())
}

fn fan_view(openid: &str, fan: &Fan, unionid: &str) -> Value {
    if !fan.subscribed {
        return json!({"subscribe": 0, "openid": openid});
    }
    let mut view = json!({
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": fan.subscribe_time,
        "remark": "",
        "groupid": 0,
        "tagid_list": fan.tags,
        "subscribe_scene": if fan.qr_scene.is_empty() { "ADD_SCENE_SEARCH" } else { "ADD_SCENE_QR_CODE" },
        "qr_scene": 0,
        "qr_scene_str": fan.qr_scene,
    });
    // Only of accounts that are bound to an open platform account.
    if !unionid.is_empty() {
        view["unionid"] = json!(unionid);
    }
    view
}

fn user_info(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let openid = call.query("openid").to_owned();
    if openid.is_empty() {
        return Err(error(41009));
    }
    let account = call.account()?;
    let fan = account.fans.get(&openid).ok_or_else(|| error(40003))?;
    Ok(fan_view(&openid, fan, &unionid_of(Some(account), &fan.nickname)))
}

fn user_info_many(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let wanted = call.body.get("user_list").and_then(Value::as_array).cloned().unwrap_or_default();
    if wanted.is_empty() || wanted.len() > 100 {
        return Err(invalid_args("user_list: expecting 1..=100"));
    }
    let account = call.account()?;
    let mut list = Vec::new();
    for user in &wanted {
        let openid = text_of(user.get("openid"));
        let fan = account.fans.get(openid).ok_or_else(|| error(40003))?;
        list.push(fan_view(openid, fan, &unionid_of(Some(account), &fan.nickname)));
    }
    Ok(json!({"user_info_list": list}))
}

fn user_list(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let after = call.query("next_openid").to_owned();
    let fans = &call.account()?.fans;
    let all: Vec<&String> = fans.iter().filter(|(_, fan)| fan.subscribed).map(|(openid, _)| openid).collect();
    let page: Vec<&&String> = all.iter().filter(|o| o.as_str() > after.as_str()).take(10_000).collect();
    let next = page.last().map_or("", |o| o.as_str());
    if page.is_empty() {
        return Ok(json!({"total": all.len(), "count": 0, "next_openid": ""}));
    }
    Ok(json!({"total": all.len(), "count": page.len(), "data": {"openid": page}, "next_openid": next}))
}

const MESSAGE_KINDS: &[&str] = &[
    "text",
    "image",
    "voice",
    "video",
    "music",
    "news",
    "mpnews",
    "mpnewsarticle",
    "msgmenu",
    "wxcard",
    "link",
    "miniprogrampage",
];

fn send(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let now = call.now.seconds();
    let (openid, kind) = (call.text("touser").to_owned(), call.text("msgtype").to_owned());
    if !MESSAGE_KINDS.contains(&kind.as_str()) {
        return Err(error_with(40008, "invalid message type"));
    }
    let content = call.body.get(&kind).cloned();
    let filled = content.as_ref().is_some_and(|c| c.as_object().is_some_and(|c| !c.is_empty()));
    if !filled || (kind == "text" && content.as_ref().is_some_and(|c| text_of(c.get("content")).is_empty())) {
        return Err(error_with(44004, "empty content"));
    }
    let fan = call.account()?.fans.get_mut(&openid).ok_or_else(|| error(40003))?;
    fan.spend_window(now)?;
    if fan.received.len() >= RECEIVED {
        fan.received.remove(0);
    }
    fan.received.push(json!({"at": now, "msgtype": kind, "content": content}));
    Ok(ok())
}

fn typing(call: &mut Call<'_>) -> Answer {
    only_official(call)?;
    let openid = call.text("touser").to_owned();
    let now = call.now.seconds();
    let fan = call.account()?.fans.get(&openid).ok_or_else(|| error(40003))?;
    if fan.window_until.max(fan.moment_until) <= now { Err(error(45015)) } else { Ok(ok()) }
}
