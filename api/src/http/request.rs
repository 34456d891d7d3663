//! What every request gets: an id, a language, a span and its metrics. This is the outermost middleware, so errors of everything inside are written here too.

use super::extract::Unread;
use super::limits::{About, Standing, TooMany};
use super::problem;
use crate::error::ApiError;
use crate::figures::Whose;
use crate::pages::lang::Lang;
use crate::state::AppState;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Extensions;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::time::Span;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

pub const LANGUAGE_COOKIE: &str = "qp_lang";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What middleware found out about a request.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Shown to people and in `x-request-id`.
    pub id: String,
    pub uuid: Uuid,
    pub lang: Lang,
    /// Address of the client: of the connection, or what our own proxy says.
    pub address: String,
}

impl RequestInfo {
    /// The information of a request that passed the middleware.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self {
            id: String::new(),
            uuid: Uuid::nil(),
            lang: Lang::Zh,
            address: String::new(),
        })
    }
}

/// The outermost middleware.
pub(super) async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let info = read(&request);
    let method = request.method().clone();
    let upgrade = request.head().upgrade();
    let span = tracing::info_span!(
        "request",
        request_id = %info.id,
        method = %method,
        route = tracing::field::Empty,
        tenant_id = tracing::field::Empty,
    );
    request.extensions_mut().insert(info.clone());
    let answered = match admit(&request, &info) {
        // The request must not be cloned before it is routed: the router needs it for itself.
        Ok(()) => next.call(request).instrument(span.clone()).await?.map_into_boxed_body(),
        Err(refusal) => request.into_response(refusal.error_response()),
    };
    let _entered = span.enter();
    let (request, response) = answered.into_parts();
    let mut response = problem::finish(&request, response);
    if response.status().is_redirection() && chosen_language(request.query_string()).is_some() {
        // A page sets the cookie itself; a redirect would lose the choice on the way.
        drop(response.add_cookie(&language_cookie(info.lang)));
    }
    if let Ok(value) = HeaderValue::from_str(&info.id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    tell_standing(&request, response.headers_mut());
    if upgrade {
        // The offer (of HTTP/2, by some clients with every request) is not taken, and the connection ends with the answer.
        // A client that is not told sends its next request into it.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let unread = request.extensions_mut().remove::<Unread>();
    if let Some(unread) = unread {
        response = response.map_body(|_, answer| unread.held_by(answer));
    }
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    span.record("route", route.as_str());
    tracing::info!(status, elapsed_us = elapsed.as_micros() as u64, "answered");
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    metrics::counter!("qianpu_http_requests_total", &labels).increment(1);
    metrics::histogram!("qianpu_http_request_seconds", &labels[..2]).record(elapsed.as_secs_f64());
    let whose = request.extensions().get::<Whose>().copied();
    if let (Some(whose), Some(state)) = (whose, request.app_data::<web::Data<AppState>>()) {
        let took = Span::micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX));
        state.figures.record(whose, state.clock().now(), took, status);
    }
    Ok(ServiceResponse::new(request, response))
}

/// Paths that are never refused: a flood must not make the process look dead.
const OPERATORS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Platforms push for many accounts from few addresses; what they push is counted by nobody but the platforms.
const HOOKS: &str = "/hooks/";

/// Counts a request from its address.
fn admit(request: &ServiceRequest, info: &RequestInfo) -> Result<(), ApiError> {
    let Some(state) = request.app_data::<web::Data<AppState>>() else { return Ok(()) };
    if OPERATORS.contains(&request.path()) || request.path().starts_with(HOOKS) {
        return Ok(());
    }
    counted(&mut request.extensions_mut(), state.limits.from_address(&info.address, state.clock().now()))
}

/// Keeps what is left for the answer's headers; too many is 429.
pub(super) fn counted(
    extensions: &mut Extensions,
    outcome: Result<Option<Standing>, TooMany>,
) -> Result<(), ApiError> {
    let (standing, refusal) = match outcome {
        Ok(standing) => (standing, Ok(())),
        Err(many) => {
            // Says whose limit it is, when to try again, and what would change it.
            let text = match many.about {
                About::Address => "core.limited_address",
                About::Tenant => "core.limited_tenant",
                About::Caller => "core.limited_caller",
            };
            let arguments = vec![
                ("seconds", many.retry_after.to_string()),
                ("per_second", many.rate.per_second.to_string()),
                ("at_once", many.rate.burst.to_string()),
            ];
            let refusal = ApiError::new(ErrorCode::RateLimited).retry_after(many.retry_after);
            let refusal = refusal.with_text(text, arguments);
            (Some(many.standing), Err(refusal))
        }
    };
    // Of two limits the one that is nearer to its end is told.
    let known = extensions.get::<Standing>().copied();
    if let Some(standing) = known.into_iter().chain(standing).min_by_key(|standing| standing.remaining) {
        extensions.insert(standing);
    }
    refusal
}

fn tell_standing(request: &HttpRequest, headers: &mut HeaderMap) {
    let Some(standing) = request.extensions().get::<Standing>().copied() else { return };
    for (name, value) in [
        ("ratelimit-limit", standing.limit),
        ("ratelimit-remaining", standing.remaining),
        ("ratelimit-reset", standing.reset),
    ] {
        headers.insert(HeaderName::from_static(name), value.into());
    }
}

fn read(request: &ServiceRequest) -> RequestInfo {
    let state = request.app_data::<web::Data<AppState>>();
    let trusted = state.is_some_and(|state| state.config.http.behind_proxy);
    let from_proxy =
        |name: &str| request.headers().get(name).filter(|_| trusted).and_then(|value| value.to_str().ok());
    let uuid = from_proxy("x-request-id")
        .and_then(|text| Uuid::try_parse(text).ok())
        .unwrap_or_else(|| state.map_or(Uuid::nil(), |state| state.new_id()));
    let address = from_proxy("x-forwarded-for")
        .and_then(|list| list.rsplit(',').next())
        .map(|address| address.trim().to_owned())
        .or_else(|| request.peer_addr().map(|peer| peer.ip().to_string()))
        .unwrap_or_default();
    let lang =
        asked_language(request).unwrap_or_else(|| state.map_or(Lang::Zh, |state| state.config.app.language));
    RequestInfo { id: uuid.to_string(), uuid, lang, address }
}

/// The language that an address asks for.
fn chosen_language(query: &str) -> Option<Lang> {
    query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Lang::parse)
}

/// Keeps the language that somebody chose.
pub fn language_cookie(lang: Lang) -> Cookie<'static> {
    let chosen = Cookie::build(LANGUAGE_COOKIE, lang.code()).path("/");
    chosen.max_age(Duration::days(365)).same_site(SameSite::Lax).finish()
}

fn asked_language(request: &ServiceRequest) -> Option<Lang> {
    chosen_language(request.query_string())
        .or_else(|| request.cookie(LANGUAGE_COOKIE).and_then(|cookie| Lang::parse(cookie.value())))
        .or_else(|| {
            let header = request.headers().get(header::ACCEPT_LANGUAGE)?;
            Lang::accepted(header.to_str().ok()?)
        })
}
