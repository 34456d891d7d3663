//! The browser half of authorizations: approving a component's link, and a person's web login at an account.

use crate::clock::Now;
use crate::component::{AUTH_CODE_LIFE_SECONDS, grant};
use crate::core::Core;
use crate::pages::{html, lang_of, see_other};
use crate::state::{Account, AccountKind, CodeKind, LIMIT, State, openid_of};
use crate::web_login::{Visit, issue_code};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn routes(config: &mut web::ServiceConfig) {
    for path in ["/cgi-bin/componentloginpage", "/wxaopen/safe/bindcomponent", "/safe/bindcomponent"] {
        config.service(web::resource(path).route(web::get().to(component_page)));
    }
    config
        .service(web::resource("/sandbox/authorize").route(web::post().to(decide)))
        .service(web::resource("/connect/oauth2/authorize").route(web::get().to(login_page)))
        .service(web::resource("/sandbox/web-login").route(web::post().to(login)));
}

#[derive(Clone, Deserialize)]
struct Link {
    #[serde(default)]
    component_appid: String,
    #[serde(default)]
    pre_auth_code: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    auth_type: String,
    #[serde(default)]
    biz_appid: String,
}

fn usable_code(state: &State, now: Now, component: &str, text: &str) -> Result<(), &'static str> {
    let code = state.codes.get(text).ok_or("pre_auth_code is unknown")?;
    match &code.kind {
        CodeKind::PreAuth { component: owner } if owner == component => {}
        _ => return Err("pre_auth_code belongs to another component"),
    }
    if code.used {
        return Err("pre_auth_code was used already");
    }
    if code.expires <= now.seconds() {
        return Err("pre_auth_code is expired");
    }
    Ok(())
}

/// The account's administrator says yes; returns the authorization code.
pub fn approve(
    state: &mut State,
    now: Now,
    component: &str,
    pre_auth_code: &str,
    appid: &str,
) -> Result<String, &'static str> {
    usable_code(state, now, component, pre_auth_code)?;
    match state.accounts.get(appid).map(|account| account.kind) {
        Some(AccountKind::OfficialAccount | AccountKind::ChannelsAccount) => {}
        Some(AccountKind::Store) => return Err("a store authorizes by buying in the service market"),
        None => return Err("no such account"),
    }
    if let Some(code) = state.codes.get_mut(pre_auth_code) {
        code.used = true;
    }
    grant(state, now, component, appid, pre_auth_code).map_err(|_| "no such component")
}

pub fn redirect_to(redirect_uri: &str, code: &str) -> Option<String> {
    let mut url = web_address(redirect_uri)?;
    url.query_pairs_mut()
        .append_pair("auth_code", code)
        .append_pair("expires_in", &AUTH_CODE_LIFE_SECONDS.to_string());
    Some(url.to_string())
}

fn web_address(text: &str) -> Option<url::Url> {
    url::Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()))
}

fn failure(core: &Core, request: &HttpRequest, why: &str) -> HttpResponse {
    html(core, request, "message", json!({"title_zh": "无法继续", "title_en": "Cannot go on", "text": why}))
}

async fn component_page(link: web::Query<Link>, request: HttpRequest, core: web::Data<Core>) -> HttpResponse {
    let checked =
        core.peek(|state| usable_code(state, core.now(), &link.component_appid, &link.pre_auth_code));
    if let Err(why) = checked {
        return failure(&core, &request, why);
    }
    if web_address(&link.redirect_uri).is_none() {
        return failure(&core, &request, "redirect_uri must be an http or https address");
    }
    // 1 official accounts, 5 channels accounts, 3 and 6 these and others; the other kinds are not played here.
    let offered = |kind: AccountKind| {
        let types: &[&str] = match kind {
            AccountKind::OfficialAccount => &["", "1", "3", "6"],
            AccountKind::ChannelsAccount => &["5", "6"],
            AccountKind::Store => return false,
        };
        types.contains(&link.auth_type.as_str()) || !link.biz_appid.is_empty()
    };
    let accounts: Vec<Value> = core.peek(|state| {
        state
            .accounts
            .values()
            .filter(|a| offered(a.kind))
            .filter(|a| link.biz_appid.is_empty() || a.appid == link.biz_appid)
            .take(200)
            .map(|a| {
                json!({"appid": a.appid, "nickname": a.nickname,
                "granted": a.grants.contains_key(&link.component_appid)})
            })
            .collect()
    });
    let data = json!({"accounts": accounts, "component_appid": link.component_appid,
        "pre_auth_code": link.pre_auth_code, "redirect_uri": link.redirect_uri});
    html(&core, &request, "authorize", data)
}

#[derive(Deserialize)]
struct Approval {
    component_appid: String,
    pre_auth_code: String,
    redirect_uri: String,
    appid: String,
}

async fn decide(form: web::Form<Approval>, request: HttpRequest, core: web::Data<Core>) -> HttpResponse {
    let approved =
        core.with(|state, now| approve(state, now, &form.component_appid, &form.pre_auth_code, &form.appid));
    match approved {
        Ok(code) => match redirect_to(&form.redirect_uri, &code) {
            Some(url) => see_other(&url),
            None => failure(&core, &request, "redirect_uri must be an http or https address"),
        },
        Err(why) => failure(&core, &request, why),
    }
}

#[derive(Clone, Deserialize)]
struct Login {
    #[serde(default)]
    appid: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    component_appid: String,
    #[serde(default)]
    buyer: String,
    /// `refuse` for no; everything else is yes.
    #[serde(default)]
    decision: String,
}

/// The platform matches the address of its page strictly, the order of the parameters too.
const LOGIN_ORDER: [&str; 6] =
    ["appid", "redirect_uri", "response_type", "scope", "state", "component_appid"];

fn finish_login(core: &Core, request: &HttpRequest, login: &Login, buyer: &str) -> HttpResponse {
    let Some(mut url) = web_address(&login.redirect_uri) else {
        return failure(core, request, "redirect_uri must be an http or https address");
    };
    let component = Some(login.component_appid.clone()).filter(|c| !c.is_empty());
    if login.decision == "refuse" {
        // A person who says no comes back without a code.
        url.query_pairs_mut().append_pair("state", &login.state);
        return see_other(url.as_str());
    }
    let through_component = component.is_some();
    let code = core.with(|state, now| {
        let account = state.accounts.get_mut(&login.appid).ok_or("no such account")?;
        if account.kind != AccountKind::OfficialAccount {
            return Err("only official accounts sign people in");
        }
        if let Some(component) = &component
            && !account.grants.contains_key(component)
        {
            return Err("the account is not authorized to this component");
        }
        let openid = openid_of(&login.appid, buyer);
        remember(account, &openid, buyer)?;
        let visit = Visit { appid: login.appid.clone(), openid, scope: login.scope.clone(), component };
        Ok(issue_code(state, now, visit))
    });
    match code {
        Ok(code) => {
            url.query_pairs_mut().append_pair("code", &code).append_pair("state", &login.state);
            if through_component {
                url.query_pairs_mut().append_pair("appid", &login.appid);
            }
            see_other(url.as_str())
        }
        Err(why) => failure(core, request, why),
    }
}

/// Who visited, by the name they go by. Visiting is not following.
fn remember(account: &mut Account, openid: &str, buyer: &str) -> Result<(), &'static str> {
    if account.fans.len() >= LIMIT && !account.fans.contains_key(openid) {
        return Err("too many visitors");
    }
    account.fans.entry(openid.to_owned()).or_default().nickname = buyer.to_owned();
    Ok(())
}

async fn login_page(login: web::Query<Login>, request: HttpRequest, core: web::Data<Core>) -> HttpResponse {
    let given: Vec<String> = url::form_urlencoded::parse(request.query_string().as_bytes())
        .map(|(name, _)| name.into_owned())
        .filter(|name| LOGIN_ORDER.contains(&name.as_str()))
        .collect();
    let ordered: Vec<&str> =
        LOGIN_ORDER.into_iter().filter(|name| given.iter().any(|own| own == name)).collect();
    if given != ordered {
        return failure(&core, &request, "the parameters are not in the documented order");
    }
    if login.response_type != "code" || !["snsapi_base", "snsapi_userinfo"].contains(&login.scope.as_str()) {
        return failure(&core, &request, "response_type must be code, scope snsapi_base or snsapi_userinfo");
    }
    // The base scope asks nobody.
    if login.scope == "snsapi_base" {
        return finish_login(&core, &request, &login, "buyer");
    }
    let nickname = core.peek(|state| state.accounts.get(&login.appid).map(|a| a.nickname.clone()));
    let Some(nickname) = nickname else { return failure(&core, &request, "no such account") };
    let data = json!({"nickname": nickname, "appid": login.appid, "redirect_uri": login.redirect_uri,
        "scope": login.scope, "state": login.state, "component_appid": login.component_appid,
        "lang": lang_of(&request)});
    html(&core, &request, "login", data)
}

async fn login(form: web::Form<Login>, request: HttpRequest, core: web::Data<Core>) -> HttpResponse {
    let buyer: String = form.buyer.chars().take(60).collect();
    finish_login(&core, &request, &form, if buyer.is_empty() { "buyer" } else { &buyer })
}
