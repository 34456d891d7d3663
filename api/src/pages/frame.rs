//! What layouts show around a page: who, where, menu, language, messages, the form token.

use super::flash::Flash;
use super::menu::{Section, menu_of};
use crate::auth::csrf;
use crate::http::extract::{Call, Neighbour};
use crate::http::host::AtHost;
use crate::http::seats;
use actix_web::HttpMessage;
use actix_web::cookie::{Cookie, SameSite};
use qianpu_domain::access::Surface;
use qianpu_tenants::authz::{Caller, TenantStop};
use qianpu_tenants::resolve::BuyerCaller;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Serialize)]
pub struct Frame {
    lang: &'static str,
    lang_tag: &'static str,
    path: String,
    /// What addresses of this console begin with, for scripts; empty when nobody is logged in.
    seat: String,
    csrf: String,
    flash: Option<Value>,
    /// This page in the other language.
    other_language: String,
    request_id: String,
    development: bool,
    person: Option<Person>,
    /// What the page looks like instead of the installation.
    brand: Option<BrandShown>,
}

/// A provider's brand on a page. Whoever knows whose page it is puts it into the request.
#[derive(Debug, Clone, Serialize)]
pub struct BrandShown {
    pub name: String,
    /// Address of the style sheet with its colours.
    pub style: String,
    /// Address of its picture.
    pub logo: Option<String>,
    /// Where people get help; empty for nowhere.
    pub support: String,
}

#[derive(Debug, Serialize)]
struct Person {
    name: String,
    email: String,
    initial: String,
    tenant_name: String,
    tenant_state: &'static str,
    /// Key of the sentence that says why nothing can be changed, and its reason.
    stopped: Option<Stopped>,
    /// Until when somebody acts here who does not belong here.
    acts_until: Option<i64>,
    surface: &'static str,
    home: String,
    menu: Vec<Section>,
    /// The other consoles one may go to.
    neighbours: Vec<Neighbour>,
}

#[derive(Debug, Serialize)]
struct Stopped {
    key: &'static str,
    reason: String,
}

/// Key of the sentence that says why a suspended tenant's people change nothing, and whom to ask.
pub fn stop_key(surface: Surface, stop: &TenantStop) -> &'static str {
    match surface {
        _ if stop.reason.is_empty() => "tenancy.stopped_with_provider",
        Surface::Provider => "tenancy.provider_stopped",
        _ => "tenancy.merchant_stopped",
    }
}

impl Frame {
    /// The frame of a request, with the cookies the page must set.
    pub(super) fn of(call: &Call, caller: Option<&Caller>) -> (Self, Vec<Cookie<'static>>) {
        let mut cookies = Vec::new();
        let flash = Flash::shown(&call.request, call.state.pages.catalogue(), call.info.lang);
        if flash.is_some() {
            cookies.push(Flash::removal());
        }
        let csrf = match caller.and_then(|caller| caller.csrf_token().ok()) {
            Some(token) => token.to_owned(),
            None => buyer_token(call).unwrap_or_else(|| visitor_token(call, &mut cookies)),
        };
        let frame = Self {
            lang: call.info.lang.code(),
            lang_tag: call.info.lang.tag(),
            path: asked_path(call),
            seat: seats::taken(&call.request).map(|seat| seat.home()).unwrap_or_default(),
            csrf,
            flash,
            other_language: other_language(call),
            request_id: call.info.id.clone(),
            development: call.state.config.is_development(),
            brand: call.request.extensions().get::<BrandShown>().cloned(),
            person: caller.and_then(|caller| Person::of(call, caller)),
        };
        (frame, cookies)
    }
}

impl Person {
    /// Pages are for people; a program has none.
    fn of(call: &Call, caller: &Caller) -> Option<Self> {
        let (name, email) = match (caller.person(), caller.impersonator()) {
            (Ok(person), _) => (&person.name, &person.email),
            (Err(_), Some(one)) => (&one.name, &one.email),
            (Err(_), None) => return None,
        };
        let neighbours = call.request.extensions().get::<Vec<Neighbour>>().cloned();
        Some(Self {
            name: name.clone(),
            email: email.clone(),
            initial: name.chars().next().map(String::from).unwrap_or_default(),
            acts_until: caller.impersonator().map(|one| one.until.micros()),
            tenant_name: caller.tenant_name().to_owned(),
            tenant_state: caller.tenant_state().as_str(),
            stopped: caller
                .tenant_stop()
                .map(|stop| Stopped { key: stop_key(caller.surface(), stop), reason: stop.reason.clone() }),
            surface: caller.surface().as_str(),
            home: format!("/console/{}", caller.surface().as_str()),
            menu: menu_of(caller, call.request.path()),
            neighbours: neighbours.unwrap_or_default(),
        })
    }
}

/// On a buyer's own pages, forms carry the token of the buyer's session.
fn buyer_token(call: &Call) -> Option<String> {
    call.request.extensions().get::<BuyerCaller>().map(|buyer| buyer.csrf_token().to_owned())
}

fn visitor_token(call: &Call, cookies: &mut Vec<Cookie<'static>>) -> String {
    let known = call.request.cookie(csrf::VISITOR_COOKIE).map(|cookie| cookie.value().to_owned());
    let value = known.filter(|value| value.len() >= 32).unwrap_or_else(|| {
        let value = qianpu_tenants::random::token();
        let cookie = Cookie::build(csrf::VISITOR_COOKIE, value.clone())
            .path("/")
            .http_only(true)
            .secure(call.state.config.cookies_are_secure())
            .same_site(SameSite::Lax);
        cookies.push(cookie.finish());
        value
    });
    csrf::visitor_token(call.state.keys.form_key(), &value)
}

/// The path as it was asked for; at a shop's own host it is another one inside.
fn asked_path(call: &Call) -> String {
    match AtHost::of(&call.request) {
        Some(AtHost::Shop { path, .. }) => path,
        _ => call.request.path().to_owned(),
    }
}

fn other_language(call: &Call) -> String {
    let other = call.info.lang.pick("en", "zh");
    let mut query: String = call
        .request
        .query_string()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
        .flat_map(|pair| [pair, "&"])
        .collect();
    query.push_str("lang=");
    query.push_str(other);
    format!("{}?{query}", asked_path(call))
}
