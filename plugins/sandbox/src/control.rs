//! The control calls for setting the stage: apps, authorizations, settings, reset. JSON under `/sandbox/api`.
//!
//! These are the sandbox's own and not the platform's. A refusal is a 4xx with `{"error": "…"}`.

use crate::clock::Now;
use crate::component;
use crate::core::Core;
use crate::crypto::EnvelopeKey;
use crate::push_sender::is_loopback;
use crate::state::{AccountKind, CodeKind, ComponentApp, State};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/sandbox/api/health").route(web::get().to(health)))
        .service(
            web::resource("/sandbox/api/apps")
                .route(web::get().to(list_apps))
                .route(web::post().to(register_app)),
        )
        .service(web::resource("/sandbox/api/apps/{appid}/ticket").route(web::post().to(push_ticket)))
        .service(web::resource("/sandbox/api/market/buy").route(web::post().to(buy_service)))
        .service(web::resource("/sandbox/api/authorize").route(web::post().to(authorize)))
        .service(web::resource("/sandbox/api/deauthorize").route(web::post().to(deauthorize)))
        .service(web::resource("/sandbox/api/tokens/expire").route(web::post().to(expire_tokens)))
        .service(
            web::resource("/sandbox/api/settings")
                .route(web::get().to(show_settings))
                .route(web::patch().to(change_settings)),
        )
        .service(web::resource("/sandbox/api/reset").route(web::post().to(reset)));
}

pub struct Refusal(pub StatusCode, pub String);

pub type Reply = Result<Value, Refusal>;

pub fn refuse(text: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, text.into())
}

pub fn missing(text: impl Into<String>) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, text.into())
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self(StatusCode::CONFLICT, text)
    }
}

pub fn reply(result: Reply) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(Refusal(status, text)) => HttpResponse::build(status).json(json!({"error": text})),
    }
}

pub fn json_error(error: actix_web::error::JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    let response = HttpResponse::BadRequest().json(json!({"error": error.to_string()}));
    actix_web::error::InternalError::from_response(error, response).into()
}

async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

pub fn check_push_address(text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Ok(());
    }
    let url = url::Url::parse(&text.replace("$APPID$", "wx0"))
        .map_err(|error| refuse(format!("{text}: {error}")))?;
    if is_loopback(&url) {
        Ok(())
    } else {
        Err(refuse(format!("{text}: only http on a loopback address is called")))
    }
}

pub fn check_keys(token: &str, key: &str) -> Result<(), Refusal> {
    let good = (3..=32).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric());
    if !good {
        return Err(refuse("token must be 3..=32 letters and digits"));
    }
    EnvelopeKey::parse(key).map(|_| ()).map_err(|_| refuse("encoding_aes_key must be 43 letters and digits"))
}

async fn register_app(app: web::Json<ComponentApp>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let mut app = app.into_inner();
        check_push_address(&app.auth_event_url)?;
        check_push_address(&app.message_url)?;
        check_keys(&app.token, &app.encoding_aes_key)?;
        if app.component_appid.is_empty() || app.component_appsecret.is_empty() {
            return Err(refuse("component_appid and component_appsecret are needed"));
        }
        if state.apps.len() >= 200 && !state.apps.contains_key(&app.component_appid) {
            return Err(refuse("too many component apps"));
        }
        app.tickets =
            state.apps.get(&app.component_appid).map(|known| known.tickets.clone()).unwrap_or_default();
        // Zero would mean "never"; the first ticket leaves at once.
        app.next_ticket_ms = now.millis();
        let shown = json!({"component_appid": app.component_appid});
        state.apps.insert(app.component_appid.clone(), app);
        Ok(shown)
    }))
}

async fn list_apps(core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let apps: Vec<Value> = state
            .apps
            .values()
            .map(|app| {
                let granted: Vec<&String> = state
                    .accounts
                    .values()
                    .filter(|a| a.grants.contains_key(&app.component_appid))
                    .map(|a| &a.appid)
                    .collect();
                json!({
                    "component_appid": app.component_appid,
                    "auth_event_url": app.auth_event_url,
                    "message_url": app.message_url,
                    "ticket": app.tickets.back().map(|(ticket, _)| ticket),
                    "authorized": granted,
                })
            })
            .collect();
        Ok(json!({"apps": apps}))
    }))
}

async fn push_ticket(component: web::Path<String>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        if !state.apps.contains_key(component.as_str()) {
            return Err(missing("no such component app"));
        }
        component::push_ticket(state, now, &component);
        Ok(json!({"status": "pushed"}))
    }))
}

#[derive(Deserialize)]
pub struct Pair {
    pub component_appid: String,
    pub appid: String,
}

/// The merchant buys the provider's service: a silent grant, an event unless the sets were granted already.
pub fn buy(state: &mut State, now: Now, pair: &Pair) -> Reply {
    let account = state.accounts.get(&pair.appid).ok_or_else(|| missing("no such account"))?;
    if account.kind != AccountKind::Store {
        return Err(refuse(
            "only stores buy in the service market; official accounts use the authorization link",
        ));
    }
    if !state.apps.contains_key(&pair.component_appid) {
        return Err(missing("no such component app"));
    }
    let already = account.grants.contains_key(&pair.component_appid);
    if !already {
        component::grant(state, now, &pair.component_appid, &pair.appid, "").map_err(|e| refuse(e.text))?;
    }
    let kind = CodeKind::Service { component: pair.component_appid.clone(), appid: pair.appid.clone() };
    let code = state.issue_code(kind, now, 600, "service@@@");
    Ok(json!({"already_granted": already, "service_code": code}))
}

async fn buy_service(pair: web::Json<Pair>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| buy(state, now, &pair)))
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Decision {
    component_appid: String,
    pre_auth_code: String,
    appid: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default = "yes")]
    approve: bool,
}

async fn authorize(decision: web::Json<Decision>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        if !decision.approve {
            return Ok(json!({"status": "denied"}));
        }
        let given = (&decision.component_appid, &decision.pre_auth_code);
        let code = crate::authorize_pages::approve(state, now, given.0, given.1, &decision.appid)
            .map_err(|text| refuse(text.to_owned()))?;
        let redirect = crate::authorize_pages::redirect_to(&decision.redirect_uri, &code);
        Ok(json!({"status": "approved", "auth_code": code, "redirect_url": redirect}))
    }))
}

async fn deauthorize(pair: web::Json<Pair>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        if component::revoke(state, now, &pair.component_appid, &pair.appid) {
            Ok(json!({"status": "deauthorized"}))
        } else {
            Err(missing("the account is not authorized to this component"))
        }
    }))
}

#[derive(Deserialize)]
struct Expire {
    #[serde(default)]
    appid: Option<String>,
}

async fn expire_tokens(expire: web::Json<Expire>, core: web::Data<Core>) -> HttpResponse {
    use crate::state::TokenOwner;
    reply(core.with(|state, now| {
        let mut count = 0;
        for token in state.tokens.values_mut() {
            let owner = match &token.owner {
                TokenOwner::Component { component } => component,
                TokenOwner::Account { appid }
                | TokenOwner::Authorizer { appid, .. }
                | TokenOwner::Web { appid, .. } => appid,
            };
            if token.expires > now.seconds() && expire.appid.as_ref().is_none_or(|appid| appid == owner) {
                token.expires = now.seconds();
                count += 1;
            }
        }
        Ok(json!({"expired": count}))
    }))
}

async fn show_settings(core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| serde_json::to_value(&state.settings).map_err(|e| refuse(e.to_string()))))
}

async fn change_settings(change: web::Json<Value>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let mut merged = serde_json::to_value(&state.settings).map_err(|e| refuse(e.to_string()))?;
        match (merged.as_object_mut(), change.as_object()) {
            (Some(merged), Some(change)) => merged.extend(change.clone()),
            _ => return Err(refuse("expected an object")),
        }
        state.settings = serde_json::from_value(merged.clone()).map_err(|e| refuse(e.to_string()))?;
        Ok(merged)
    }))
}

#[derive(Deserialize)]
struct Reset {
    /// Keep apps and accounts with their grants; forget products, orders, pushes and faults.
    #[serde(default)]
    keep_registrations: bool,
}

async fn reset(reset: web::Json<Reset>, core: web::Data<Core>) -> HttpResponse {
    let answer = reply(core.with(|state, _| {
        let fresh = State { sequence: state.sequence, settings: state.settings.clone(), ..State::default() };
        let old = std::mem::replace(state, fresh);
        if reset.keep_registrations {
            state.apps = old.apps;
            state.accounts = old.accounts;
            state.tokens = old.tokens;
        }
        Ok(json!({"status": "reset"}))
    }));
    core.forget_pictures();
    answer
}
