//! The third-party platform: tickets, component tokens, authorizations and their refresh tokens.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::{Now, random_text};
use crate::errors::{Answer, WxError, error, ok, ok_with};
use crate::state::{Account, AccountKind, CodeKind, Grant, State, TokenOwner};
use serde_json::{Value, json};
use std::time::Duration;

pub const ROUTES: &[Route] = &[
    post("/cgi-bin/component/api_start_push_ticket", Auth::Open, start_push_ticket),
    post("/cgi-bin/component/api_component_token", Auth::Open, component_token),
    post("/cgi-bin/component/api_create_preauthcode", Auth::Component, create_preauthcode),
    post("/cgi-bin/component/api_query_auth", Auth::Component, query_auth),
    post("/cgi-bin/component/api_authorizer_token", Auth::Component, authorizer_token),
    post("/cgi-bin/component/api_get_authorizer_info", Auth::Component, get_authorizer_info),
    post("/cgi-bin/component/api_get_authorizer_list", Auth::Component, get_authorizer_list),
    post("/cgi-bin/component/get_authorizer_option", Auth::Component, get_option),
    post("/cgi-bin/component/api_get_authorizer_option", Auth::Component, get_option),
    post("/cgi-bin/component/set_authorizer_option", Auth::Component, set_option),
    post("/cgi-bin/component/api_set_authorizer_option", Auth::Component, set_option),
    post("/product/service/check_auth", Auth::Component, check_service_code),
];

const TICKET_LIFE_SECONDS: u64 = 12 * 3600;
const PREAUTH_LIFE_SECONDS: u64 = 1800;
pub const AUTH_CODE_LIFE_SECONDS: u64 = 600;
pub const STORE_SETS: &[i64] = &[129, 130, 131, 132, 133];
pub const OFFICIAL_ACCOUNT_SETS: &[i64] = &[1, 2, 3, 4, 7, 11, 15, 33, 54, 89];

pub fn push_due_tickets(state: &mut State, now: Now, interval: Duration) {
    let due: Vec<String> = state
        .apps
        .values()
        .filter(|app| app.next_ticket_ms > 0 && app.next_ticket_ms <= now.millis())
        .map(|app| app.component_appid.clone())
        .collect();
    for component in due {
        push_ticket(state, now, &component);
        if let Some(app) = state.apps.get_mut(&component) {
            app.next_ticket_ms =
                now.millis() + u64::try_from(interval.as_millis()).unwrap_or(600_000).max(100);
        }
    }
}

pub fn push_ticket(state: &mut State, now: Now, component: &str) {
    let Some(app) = state.apps.get_mut(component) else { return };
    let ticket = format!("ticket@@@{}", random_text(64));
    app.tickets.retain(|(_, expires)| *expires + 86_400 > now.seconds());
    app.tickets.push_back((ticket.clone(), now.seconds() + TICKET_LIFE_SECONDS));
    while app.tickets.len() > 200 {
        app.tickets.pop_front();
    }
    state.emit_component(
        now,
        component,
        "",
        "component_verify_ticket",
        json!({"ComponentVerifyTicket": ticket}),
    );
}

fn start_push_ticket(call: &mut Call<'_>) -> Answer {
    let component = call.text("component_appid").to_owned();
    let now = call.now;
    let secret = call.text("component_secret").to_owned();
    let app = call.state.apps.get_mut(&component).ok_or_else(|| error(61011))?;
    if app.component_appsecret != secret {
        return Err(error(40125));
    }
    app.next_ticket_ms = now.millis();
    Ok(ok())
}

fn component_token(call: &mut Call<'_>) -> Answer {
    let component = call.text("component_appid").to_owned();
    if component.is_empty() {
        return Err(error(41018));
    }
    let app = call.state.apps.get(&component).ok_or_else(|| error(40013))?;
    if app.component_appsecret != call.text("component_appsecret") {
        return Err(error(40125));
    }
    // Earlier tickets stay good until they are twelve hours old: a client may have missed the newest.
    let ticket = call.text("component_verify_ticket");
    let (_, expires) = app.tickets.iter().find(|(known, _)| known == ticket).ok_or_else(|| error(61006))?;
    if *expires <= call.now.seconds() {
        return Err(error(61005));
    }
    let (token, life) = call.state.issue_token(TokenOwner::Component { component }, call.now, "92");
    Ok(json!({"component_access_token": token, "expires_in": life}))
}

fn check_component(call: &Call<'_>) -> Result<String, WxError> {
    match call.text("component_appid") {
        "" => Err(error(41018)),
        named if named == call.component => Ok(call.component.clone()),
        _ => Err(error(61011)),
    }
}

fn create_preauthcode(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let kind = CodeKind::PreAuth { component };
    let code = call.state.issue_code(kind, call.now, PREAUTH_LIFE_SECONDS, "preauthcode@@@");
    Ok(json!({"pre_auth_code": code, "expires_in": PREAUTH_LIFE_SECONDS}))
}

/// Grants the component its sets, or changes what is granted, and returns the pushed kind of event.
pub fn grant(
    state: &mut State,
    now: Now,
    component: &str,
    appid: &str,
    pre_auth: &str,
) -> Result<String, WxError> {
    if !state.apps.contains_key(component) {
        return Err(error(61011));
    }
    let grace = state.settings.grace_seconds;
    let account = state.accounts.get_mut(appid).ok_or_else(|| error(40013))?;
    let sets = match account.kind {
        AccountKind::Store => STORE_SETS,
        AccountKind::OfficialAccount => OFFICIAL_ACCOUNT_SETS,
        AccountKind::ChannelsAccount => crate::finder::SETS,
    };
    let earlier = account.grants.remove(component);
    let previous = earlier.as_ref().map(|g| (g.refresh_token.clone(), now.seconds() + grace));
    let again = earlier.is_some();
    account.grants.insert(
        component.to_owned(),
        Grant {
            refresh_token: format!("refreshtoken@@@{}", random_text(43)),
            previous,
            func_ids: sets.to_vec(),
            auth_time: now.seconds(),
            access_token: earlier.map(|g| g.access_token).unwrap_or_default(),
        },
    );
    let kind = CodeKind::Authorization { component: component.to_owned(), appid: appid.to_owned() };
    let code = state.issue_code(kind.clone(), now, AUTH_CODE_LIFE_SECONDS, "queryauthcode@@@");
    // Granting the same sets again changes the refresh token but is not announced.
    if again {
        return Ok(code);
    }
    // The redirect and the event each bring a code, and client libraries redeem both; so each has its own.
    let announced = state.issue_code(kind, now, AUTH_CODE_LIFE_SECONDS, "queryauthcode@@@");
    state.emit_component(
        now,
        component,
        appid,
        "authorized",
        json!({
            "AuthorizerAppid": appid,
            "AuthorizationCode": announced,
            "AuthorizationCodeExpiredTime": now.seconds() + AUTH_CODE_LIFE_SECONDS,
            "PreAuthCode": pre_auth,
        }),
    );
    Ok(code)
}

pub fn revoke(state: &mut State, now: Now, component: &str, appid: &str) -> bool {
    let Some(grant) = state.accounts.get_mut(appid).and_then(|a| a.grants.remove(component)) else {
        return false;
    };
    state.tokens.remove(&grant.access_token);
    state.emit_component(now, component, appid, "unauthorized", json!({"AuthorizerAppid": appid}));
    true
}

fn issue_authorizer_token(state: &mut State, now: Now, component: &str, appid: &str) -> (String, u64) {
    let owner = TokenOwner::Authorizer { appid: appid.to_owned(), component: component.to_owned() };
    let (token, life) = state.issue_token(owner, now, "93");
    let grace = state.settings.grace_seconds;
    let grant = state.accounts.get_mut(appid).and_then(|a| a.grants.get_mut(component));
    if let Some(replaced) = grant.map(|g| std::mem::replace(&mut g.access_token, token.clone())) {
        state.retire_token(&replaced, now, grace);
    }
    (token, life)
}

fn func_info(ids: &[i64]) -> Value {
    ids.iter().map(|id| json!({"funcscope_category": {"id": id}})).collect()
}

fn query_auth(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let text = call.text("authorization_code").to_owned();
    let now = call.now;
    let code = call.state.codes.get_mut(&text).ok_or_else(|| error(61009))?;
    let CodeKind::Authorization { component: granted_to, appid } = code.kind.clone() else {
        return Err(error(61009));
    };
    if granted_to != component || code.used {
        return Err(error(61009));
    }
    if code.expires <= now.seconds() {
        return Err(error(61010));
    }
    code.used = true;
    let found = call.state.accounts.get(&appid).and_then(|a| a.grants.get(&component)).cloned();
    let grant = found.ok_or_else(|| error(61003))?;
    let (token, life) = issue_authorizer_token(call.state, now, &component, &appid);
    Ok(json!({"authorization_info": {
        "authorizer_appid": appid,
        "authorizer_access_token": token,
        "expires_in": life,
        "authorizer_refresh_token": grant.refresh_token,
        "func_info": func_info(&grant.func_ids),
    }}))
}

fn authorizer_token(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let appid = call.text("authorizer_appid").to_owned();
    let refresh = call.text("authorizer_refresh_token").to_owned();
    let now = call.now;
    let (grace, rotate) = (call.state.settings.grace_seconds, call.state.settings.rotate_refresh_token);
    let account = call.state.accounts.get_mut(&appid).ok_or_else(|| error(40013))?;
    let grant = account.grants.get_mut(&component).ok_or_else(|| error(61003))?;
    let in_grace =
        grant.previous.as_ref().is_some_and(|(old, until)| *old == refresh && *until > now.seconds());
    if grant.refresh_token != refresh && !in_grace {
        return Err(error(61023));
    }
    // A caller that still holds the replaced token lost an answer: it is given the current one, not a third.
    if rotate && !in_grace {
        let replaced =
            std::mem::replace(&mut grant.refresh_token, format!("refreshtoken@@@{}", random_text(43)));
        grant.previous = Some((replaced, now.seconds() + grace));
    }
    let current = grant.refresh_token.clone();
    let (token, life) = issue_authorizer_token(call.state, now, &component, &appid);
    Ok(json!({
        "authorizer_access_token": token,
        "expires_in": life,
        "authorizer_refresh_token": current,
    }))
}

fn granted<'a>(call: &'a Call<'_>, component: &str) -> Result<&'a Account, WxError> {
    let account = call.state.accounts.get(call.text("authorizer_appid")).ok_or_else(|| error(40013))?;
    if account.grants.contains_key(component) { Ok(account) } else { Err(error(61003)) }
}

fn get_authorizer_info(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let account = granted(call, &component)?;
    let grant = account.grants.get(&component).ok_or_else(|| error(61003))?;
    let mut info = json!({
        "nick_name": account.nickname,
        "head_img": "",
        "service_type_info": {"id": if account.kind == AccountKind::OfficialAccount { 2 } else { 0 }},
        "verify_type_info": {"id": 0},
        "user_name": account.user_name,
        "alias": "",
        "qrcode_url": "",
        "business_info": {"open_pay": 1, "open_shake": 0, "open_scan": 0, "open_card": 0,
            "open_store": i32::from(account.kind == AccountKind::Store)},
        "principal_name": account.principal_name,
        "signature": "",
        "account_status": if account.status == "close_finished" { 14 } else { 1 },
    });
    if let Some(members) = info.as_object_mut() {
        match account.kind {
            AccountKind::Store => members.insert("store_info".into(), json!({"id": 1})),
            AccountKind::ChannelsAccount => members.insert("channels_info".into(), json!({"id": 1})),
            AccountKind::OfficialAccount => None,
        };
    }
    Ok(json!({
        "authorizer_info": info,
        "authorization_info": {
            "authorizer_appid": account.appid,
            "authorizer_refresh_token": grant.refresh_token,
            "func_info": func_info(&grant.func_ids),
        },
    }))
}

fn get_authorizer_list(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let offset = usize::try_from(call.int("offset").unwrap_or(0)).map_err(|_| error(40097))?;
    let count = usize::try_from(call.int("count").unwrap_or(100)).map_err(|_| error(40097))?;
    if count > 500 {
        return Err(error(40170));
    }
    let granted = call.state.accounts.values().filter_map(|a| a.grants.get(&component).map(|g| (a, g)));
    let list: Vec<Value> = granted
        .clone()
        .skip(offset)
        .take(count)
        .map(|(a, g)| json!({"authorizer_appid": a.appid, "refresh_token": g.refresh_token, "auth_time": g.auth_time}))
        .collect();
    Ok(json!({"total_count": granted.count(), "list": list}))
}

const OPTIONS: &[(&str, &[&str])] = &[
    ("location_report", &["0", "1", "2"]),
    ("voice_recognize", &["0", "1"]),
    ("customer_service", &["0", "1"]),
];

fn get_option(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let account = granted(call, &component)?;
    let name = call.text("option_name");
    if !OPTIONS.iter().any(|(known, _)| *known == name) {
        return Err(error(40097));
    }
    let value = account.options.get(name).map_or("0", String::as_str);
    Ok(json!({"authorizer_appid": account.appid, "option_name": name, "option_value": value}))
}

fn set_option(call: &mut Call<'_>) -> Answer {
    let component = check_component(call)?;
    let appid = granted(call, &component)?.appid.clone();
    let (name, value) = (call.text("option_name").to_owned(), call.text("option_value").to_owned());
    if !OPTIONS.iter().any(|(known, values)| *known == name && values.contains(&value.as_str())) {
        return Err(error(40097));
    }
    if let Some(account) = call.state.accounts.get_mut(&appid) {
        account.options.insert(name, value);
    }
    Ok(ok())
}

/// Who came from the service market with "go and use". Old shop generation's path; code 1 means spent or unknown.
fn check_service_code(call: &mut Call<'_>) -> Answer {
    let text = call.text("code").to_owned();
    let now = call.now;
    let component = call.component.clone();
    let code = call.state.codes.get_mut(&text).filter(|c| !c.used && c.expires > now.seconds());
    let found = code.and_then(|code| match code.kind.clone() {
        CodeKind::Service { component: sold_by, appid } if sold_by == component => {
            code.used = true;
            Some(appid)
        }
        _ => None,
    });
    match found {
        Some(appid) => Ok(ok_with(json!({"data": {"appid": appid, "service_id": 1}}))),
        None => Err(crate::errors::error_with(1, "code not exist or expired")),
    }
}
