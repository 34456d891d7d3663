//! Takes one API call to its handler: body limits, faults, tokens, quotas, parsing, and the answer's rendering.
//!
//! Handlers are plain functions from a `Call` to an `Answer`, run under the state lock; each family lists its routes
//! in a table. Answers are HTTP 200 with an `errcode`, as the platform answers.

use crate::clock::Now;
use crate::core::Core;
use crate::errors::{Answer, WxError, error, error_with, new_rid};
use crate::state::{CallFault, CallRecord, Platform, State, TokenOwner};
use crate::{
    aftersale, articles, component, fan_tags, fans, finder, funds, official_account, quota, templates, token,
    web_login,
};
use crate::{
    store_basics, store_category, store_coupon, store_delivery, store_discount, store_order,
    store_order_desk, store_product, store_qualification, store_stock,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub const BODY_LIMIT: usize = 2 << 20;
const RECORDS: usize = 500;

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Nobody is asked for a token.
    Open,
    Component,
    Account,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Either,
}

pub struct Route {
    pub verb: Verb,
    pub path: &'static str,
    pub auth: Auth,
    pub run: fn(&mut Call<'_>) -> Answer,
}

pub const fn get(path: &'static str, auth: Auth, run: fn(&mut Call<'_>) -> Answer) -> Route {
    Route { verb: Verb::Get, path, auth, run }
}
pub const fn post(path: &'static str, auth: Auth, run: fn(&mut Call<'_>) -> Answer) -> Route {
    Route { verb: Verb::Post, path, auth, run }
}
pub const fn either(path: &'static str, auth: Auth, run: fn(&mut Call<'_>) -> Answer) -> Route {
    Route { verb: Verb::Either, path, auth, run }
}

const TABLES: &[&[Route]] = &[
    token::ROUTES,
    quota::ROUTES,
    component::ROUTES,
    web_login::ROUTES,
    official_account::ROUTES,
    fans::ROUTES,
    fan_tags::ROUTES,
    templates::ROUTES,
    articles::ROUTES,
    finder::TABLES[0],
    finder::TABLES[1],
    finder::TABLES[2],
    store_basics::ROUTES,
    store_category::ROUTES,
    store_qualification::CATEGORIES,
    store_qualification::BRANDS,
    store_product::ROUTES,
    store_stock::ROUTES,
    store_discount::ROUTES,
    store_coupon::ROUTES,
    store_order::ROUTES,
    store_order_desk::ROUTES,
    store_delivery::ROUTES,
    aftersale::ROUTES,
    crate::dispute::ROUTES,
    crate::guarantee::ROUTES,
    crate::compass::ROUTES,
    crate::league::ROUTES,
    crate::league_plans::ROUTES,
    funds::BALANCE,
    funds::ROUTES,
];

pub struct Call<'a> {
    pub state: &'a mut State,
    pub now: Now,
    pub path: &'a str,
    pub query: &'a BTreeMap<String, String>,
    pub body: Value,
    /// The account the token speaks for; empty for component and open calls.
    pub appid: String,
    pub component: String,
}

impl Call<'_> {
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub fn text(&self, name: &str) -> &str {
        crate::state::text_of(self.body.get(name))
    }

    pub fn id(&self, name: &str) -> Result<u64, WxError> {
        let found = crate::state::id_of(self.body.get(name)).filter(|id| *id > 0);
        found.ok_or_else(|| {
            error_with(40097, format!("invalid args, {name}: expecting {name} > 0, actually 0"))
        })
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        crate::state::int_of(self.body.get(name))
    }

    pub fn account(&mut self) -> Result<&mut crate::state::Account, WxError> {
        self.state.accounts.get_mut(&self.appid).ok_or_else(|| error(40001))
    }
}

/// What is known of a call before it runs.
struct Arrival<'a> {
    path: &'a str,
    query: BTreeMap<String, String>,
    body: &'a [u8],
    is_post: bool,
}

pub fn canonical_path(path: &str) -> String {
    let path = path.trim_end_matches('/');
    // The documents write the picture and rule calls under /shop/ec, client libraries under /channels/ec.
    match path.strip_prefix("/shop/ec/") {
        Some(rest) => format!("/channels/ec/{rest}"),
        None => path.to_owned(),
    }
}

pub async fn answer(request: HttpRequest, payload: web::Payload, core: web::Data<Core>) -> HttpResponse {
    let started = core.now();
    let path = canonical_path(request.path());
    if request.path().starts_with("/sandbox") || request.path() == "/favicon.ico" {
        return HttpResponse::NotFound().finish();
    }
    if crate::douyin::calls::knows(&path) && request.method() == Method::POST {
        return crate::douyin::calls::answer(request, payload, core).await;
    }
    let query = query_of(&request);
    let body = payload.to_bytes_limited(BODY_LIMIT).await;
    let arrival = Arrival {
        path: &path,
        query,
        body: body.as_ref().ok().and_then(|b| b.as_ref().ok()).map_or(&[], |b| b.as_ref()),
        is_post: request.method() == Method::POST,
    };
    let caller = core.peek(|state| owner_of(state, &arrival.query, started));
    let fault = core.with(|state, _| take_fault(state, Platform::Wechat, &path, appid_of(caller.as_ref())));
    let delay = |after| {
        let delay = fault.as_ref().filter(|fault| fault.after == after).map_or(0, |fault| fault.delay_ms);
        tokio::time::sleep(Duration::from_millis(delay.min(120_000)))
    };
    delay(false).await;
    let broken = fault.as_ref().and_then(broken);
    if let (Some(page), Some(CallFault { after: false, .. })) = (broken, &fault) {
        return HttpResponse::build(page).body(BROKEN);
    }
    let wanted = fault.as_ref().and_then(|fault| fault.errcode);
    let outcome = match (&body, wanted) {
        (_, Some(code)) if fault.as_ref().is_some_and(|fault| !fault.after) => Err(error(code)),
        (Ok(Ok(_)), _) => core.with(|state, now| run(state, now, &arrival)),
        _ => Err(error(45002)),
    };
    delay(true).await;
    let outcome = match wanted {
        Some(code) if outcome.is_ok() => Err(error(code)),
        _ => outcome,
    };
    let answer = render(&core, started, &arrival, appid_of(caller.as_ref()), outcome);
    broken.map_or(answer, |page| HttpResponse::build(page).body(BROKEN))
}

/// What stands in the place of an answer that got lost on its way.
pub const BROKEN: &str = "<html><body>sandbox fault</body></html>";

/// The status of such a page.
pub fn broken(fault: &CallFault) -> Option<StatusCode> {
    fault.http_status.and_then(|status| StatusCode::from_u16(status).ok())
}

fn render(core: &Core, started: Now, arrival: &Arrival<'_>, appid: &str, outcome: Answer) -> HttpResponse {
    let rid = new_rid(started);
    let value = match &outcome {
        Ok(value) => value.clone(),
        Err(error) => error.render(&rid),
    };
    let text = value.to_string();
    let errcode = outcome.err().map_or(0, |error| error.code);
    let request = String::from_utf8_lossy(arrival.body);
    remember(core, started, &rid, appid, arrival.path, &request, &text, errcode);
    HttpResponse::Ok().content_type("application/json; charset=UTF-8").body(text)
}

/// Keeps an answered call for the overview page and the question by its request id.
#[expect(clippy::too_many_arguments, reason = "the members of one record")]
pub fn remember(
    core: &Core,
    started: Now,
    rid: &str,
    appid: &str,
    path: &str,
    request: &str,
    response: &str,
    errcode: i64,
) {
    let record = CallRecord {
        rid: rid.to_owned(),
        at: started,
        cost_ms: core.now().millis().saturating_sub(started.millis()),
        appid: appid.to_owned(),
        path: path.to_owned(),
        request_body: request.chars().take(4_000).collect(),
        response_body: response.chars().take(4_000).collect(),
        errcode,
    };
    let mut state = core.lock();
    if state.calls.len() >= RECORDS {
        state.calls.pop_front();
    }
    state.calls.push_back(record);
}

fn run(state: &mut State, now: Now, arrival: &Arrival<'_>) -> Answer {
    let route = TABLES
        .iter()
        .flat_map(|table| table.iter())
        .find(|route| route.path == arrival.path)
        .ok_or_else(|| error(40066))?;
    match route.verb {
        Verb::Get if arrival.is_post => return Err(error(43001)),
        Verb::Post if !arrival.is_post => return Err(error(43002)),
        _ => {}
    }
    let (appid, component) = admit(state, route.auth, &arrival.query, now)?;
    let spender = if appid.is_empty() { &component } else { &appid };
    if !spender.is_empty() {
        quota::spend(state, spender, arrival.path, now)?;
    }
    let body = if arrival.is_post { parse(arrival.body)? } else { json!({}) };
    let mut call = Call { state, now, path: arrival.path, query: &arrival.query, body, appid, component };
    (route.run)(&mut call)
}

fn parse(body: &[u8]) -> Answer {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(error(44002));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(error_with(47001, "data format error hint: [the body is not a JSON object]")),
    }
}

pub fn query_of(request: &HttpRequest) -> BTreeMap<String, String> {
    serde_urlencoded::from_str(request.query_string()).unwrap_or_default()
}

fn token_text(query: &BTreeMap<String, String>) -> Option<&String> {
    query
        .get("access_token")
        .or_else(|| query.get("component_access_token"))
        .filter(|token| !token.is_empty())
}

fn owner_of(state: &State, query: &BTreeMap<String, String>, _now: Now) -> Option<TokenOwner> {
    state.tokens.get(token_text(query)?).map(|token| token.owner.clone())
}

fn appid_of(owner: Option<&TokenOwner>) -> &str {
    match owner {
        Some(TokenOwner::Component { component }) => component,
        Some(
            TokenOwner::Account { appid }
            | TokenOwner::Authorizer { appid, .. }
            | TokenOwner::Web { appid, .. },
        ) => appid,
        None => "",
    }
}

/// The account and the component a valid token of the wanted kind speaks for.
pub fn admit(
    state: &State,
    auth: Auth,
    query: &BTreeMap<String, String>,
    now: Now,
) -> Result<(String, String), WxError> {
    if auth == Auth::Open {
        return Ok(Default::default());
    }
    let text = token_text(query).ok_or_else(|| error(41001))?;
    let token = state.tokens.get(text).ok_or_else(|| error(40001))?;
    if token.expires <= now.seconds() {
        return Err(error(42001));
    }
    match (auth, &token.owner) {
        (Auth::Component, TokenOwner::Component { component }) => Ok((String::new(), component.clone())),
        (Auth::Component, _) => Err(error(61014)),
        (_, TokenOwner::Account { appid }) => Ok((appid.clone(), String::new())),
        (_, TokenOwner::Authorizer { appid, component }) => {
            let granted = state.accounts.get(appid).is_some_and(|a| a.grants.contains_key(component));
            if granted { Ok((appid.clone(), component.clone())) } else { Err(error(61003)) }
        }
        _ => Err(error(40001)),
    }
}

pub fn take_fault(state: &mut State, platform: Platform, path: &str, appid: &str) -> Option<CallFault> {
    let fault = state.call_faults.iter_mut().find(|fault| {
        fault.count > 0
            && fault.platform.is_none_or(|wanted| wanted == platform)
            && (fault.path == "*" || canonical_path(&fault.path) == path)
            && fault.appid.as_deref().is_none_or(|wanted| wanted == appid)
    })?;
    fault.count -= 1;
    let taken = fault.clone();
    state.call_faults.retain(|fault| fault.count > 0);
    Some(taken)
}

/// What goes wrong with an upload: the answer in its place, after the wait that was asked for. Nothing is kept by then.
pub async fn upload_fault(core: &Core, request: &HttpRequest) -> Option<HttpResponse> {
    let query = query_of(request);
    let path = canonical_path(request.path());
    let caller = core.peek(|state| owner_of(state, &query, core.now()));
    let fault =
        core.with(|state, _| take_fault(state, Platform::Wechat, &path, appid_of(caller.as_ref())))?;
    tokio::time::sleep(Duration::from_millis(fault.delay_ms.min(120_000))).await;
    if let Some(page) = broken(&fault) {
        return Some(HttpResponse::build(page).body(BROKEN));
    }
    fault.errcode.map(|code| upload_answer(core, Err(error(code))))
}

/// The picture upload reads multipart bodies and so has a route of its own; it shares the door.
pub fn admit_upload(core: &Core, request: &HttpRequest) -> Result<String, WxError> {
    let query = query_of(request);
    let path = canonical_path(request.path());
    core.with(|state, now| {
        let (appid, _) = admit(state, Auth::Account, &query, now)?;
        quota::spend(state, &appid, &path, now)?;
        Ok(appid)
    })
}

pub fn upload_answer(core: &Core, outcome: Answer) -> HttpResponse {
    let rid = new_rid(core.now());
    let value = outcome.unwrap_or_else(|error| error.render(&rid));
    HttpResponse::Ok().content_type("application/json; charset=UTF-8").body(value.to_string())
}
