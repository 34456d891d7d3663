//! Web login of a person at an official account: codes become web tokens, directly or through a component. The union
//! id is told to those whom the person allowed the profile, at accounts bound to an open platform account.

use crate::calls::{Auth, Call, Route, get};
use crate::clock::Now;
use crate::errors::{Answer, WxError, error};
use crate::state::{CodeKind, State, TokenOwner, unionid_of};
use serde_json::json;

pub const ROUTES: &[Route] = &[
    get("/sns/oauth2/access_token", Auth::Open, access_token),
    get("/sns/oauth2/refresh_token", Auth::Open, refresh_token),
    get("/sns/oauth2/component/access_token", Auth::Component, component_access_token),
    get("/sns/oauth2/component/refresh_token", Auth::Component, refresh_token),
    get("/sns/userinfo", Auth::Open, user_info),
    get("/sns/auth", Auth::Open, check),
];

const REFRESH_LIFE: u64 = 30 * 86_400;

pub struct Visit {
    pub appid: String,
    pub openid: String,
    pub scope: String,
    pub component: Option<String>,
}

pub fn issue_code(state: &mut State, now: Now, visit: Visit) -> String {
    let Visit { appid, openid, scope, component } = visit;
    state.issue_code(CodeKind::Web { appid, openid, scope, component }, now, 300, "0")
}

fn redeem(call: &mut Call<'_>, component: Option<&str>) -> Answer {
    if call.query("grant_type") != "authorization_code" {
        return Err(error(40002));
    }
    let (text, now) = (call.query("code").to_owned(), call.now);
    if text.is_empty() {
        return Err(error(41008));
    }
    let wanted = call.query("appid").to_owned();
    let code = call.state.codes.get_mut(&text).ok_or_else(|| error(40029))?;
    let CodeKind::Web { appid, openid, scope, component: through } = code.kind.clone() else {
        return Err(error(40029));
    };
    if appid != wanted || through.as_deref() != component {
        return Err(error(40029));
    }
    if code.used {
        return Err(error(40163));
    }
    if code.expires <= now.seconds() {
        return Err(error(42003));
    }
    code.used = true;
    let kind = CodeKind::WebRefresh { appid: appid.clone(), openid: openid.clone(), scope: scope.clone() };
    let refresh = call.state.issue_code(kind, now, REFRESH_LIFE, "95_");
    issue(call, appid, openid, scope, refresh)
}

fn issue(call: &mut Call<'_>, appid: String, openid: String, scope: String, refresh: String) -> Answer {
    let account = appid.clone();
    let owner = TokenOwner::Web { appid, openid: openid.clone(), scope: scope.clone() };
    let (token, life) = call.state.issue_token(owner, call.now, "94");
    let mut answer = json!({"access_token": token, "expires_in": life, "refresh_token": refresh,
        "openid": openid, "scope": scope});
    add_union_id(call.state, &mut answer, &account, &openid);
    Ok(answer)
}

/// The name that a visitor goes by, and the union id with it.
fn add_union_id(state: &State, answer: &mut serde_json::Value, appid: &str, openid: &str) {
    let account = state.accounts.get(appid);
    let fan = account.and_then(|account| account.fans.get(openid));
    let unionid = fan.map(|fan| unionid_of(account, &fan.nickname)).unwrap_or_default();
    let asked = answer.get("scope").is_none_or(|scope| scope == "snsapi_userinfo");
    if !unionid.is_empty() && asked {
        answer["unionid"] = json!(unionid);
    }
}

fn access_token(call: &mut Call<'_>) -> Answer {
    let account = call.state.accounts.get(call.query("appid")).ok_or_else(|| error(40013))?;
    if account.secret != call.query("secret") {
        return Err(error(40125));
    }
    redeem(call, None)
}

fn component_access_token(call: &mut Call<'_>) -> Answer {
    let component = call.component.clone();
    if call.query("component_appid") != component {
        return Err(error(61011));
    }
    redeem(call, Some(&component))
}

fn refresh_token(call: &mut Call<'_>) -> Answer {
    let (text, wanted, now) =
        (call.query("refresh_token").to_owned(), call.query("appid").to_owned(), call.now);
    let code = call.state.codes.get(&text).ok_or_else(|| error(40030))?;
    let CodeKind::WebRefresh { appid, openid, scope } = code.kind.clone() else { return Err(error(40030)) };
    if appid != wanted {
        return Err(error(40030));
    }
    if code.expires <= now.seconds() {
        return Err(error(42002));
    }
    issue(call, appid, openid, scope, text)
}

/// The person behind a web token, when the token and the named person agree.
fn person(call: &Call<'_>) -> Result<(String, String, String), WxError> {
    let token = call.state.tokens.get(call.query("access_token")).ok_or_else(|| error(40001))?;
    if token.expires <= call.now.seconds() {
        return Err(error(42001));
    }
    match &token.owner {
        TokenOwner::Web { appid, openid, scope } if openid == call.query("openid") => {
            Ok((appid.clone(), openid.clone(), scope.clone()))
        }
        TokenOwner::Web { .. } => Err(error(40003)),
        _ => Err(error(40001)),
    }
}

fn user_info(call: &mut Call<'_>) -> Answer {
    let (appid, openid, scope) = person(call)?;
    if !scope.contains("snsapi_userinfo") {
        return Err(error(48001));
    }
    let fan = call.state.accounts.get(&appid).and_then(|a| a.fans.get(&openid));
    let nickname = fan.map_or("微信用户", |fan| fan.nickname.as_str());
    let mut answer = json!({"openid": openid, "nickname": nickname, "sex": 0, "province": "", "city": "",
        "country": "", "headimgurl": "", "privilege": []});
    add_union_id(call.state, &mut answer, &appid, &openid);
    Ok(answer)
}

fn check(call: &mut Call<'_>) -> Answer {
    person(call).map(|_| crate::errors::ok())
}
