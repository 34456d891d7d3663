//! Errors as pages: log in first, no permission, not found, our fault.

use crate::error::{ApiError, Text};
use crate::http::extract::Call;
use crate::http::request::RequestInfo;
use crate::http::seats;
use crate::http::storefront;
use crate::pages::lang::Lang;
use crate::pages::respond;
use crate::state::AppState;
use actix_web::body::BoxBody;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::Caller;
use serde::Serialize;

#[derive(Serialize)]
struct ErrorView {
    status: u16,
    title: String,
    detail: String,
    fields: Vec<String>,
    explanation: &'static str,
}

/// The page of an error. Whoever is not logged in is sent to the log-in page and back.
pub fn page(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    info: &RequestInfo,
    error: &ApiError,
) -> HttpResponse<BoxBody> {
    if error.code() == ErrorCode::Unauthenticated && request.path().starts_with("/console") {
        return to_login(request);
    }
    if error.code() == ErrorCode::SecondFactorRequired
        && let Some(surface) =
            request.path().strip_prefix("/console/").and_then(|rest| rest.split('/').next())
    {
        let to = (header::LOCATION, format!("/console/{surface}/account/totp"));
        return HttpResponse::SeeOther().insert_header(to).finish();
    }
    if error.code() == ErrorCode::Unauthenticated
        && let Some(answer) = storefront::to_sign_in(request)
    {
        return answer;
    }
    let call = Call { state: state.clone(), info: info.clone(), request: request.clone() };
    let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let lang = info.lang;
    let own_fault = status.is_server_error();
    let detail = match error.detail() {
        Some(text @ Text::Key(..)) if !own_fault => state.pages.catalogue().text(lang, text),
        // Plain texts are English and technical.
        Some(Text::Plain(text)) if !own_fault && lang == Lang::En => text.clone(),
        _ => String::new(),
    };
    let view = ErrorView {
        status: status.as_u16(),
        title: lang.pick(error.code().title_zh(), error.code().title_en()).to_owned(),
        detail,
        fields: error
            .errors()
            .iter()
            .map(|field| lang.pick(&field.message_zh, &field.message_en).to_owned())
            .collect(),
        explanation: explanation(status),
    };
    let caller = request.extensions().get::<Caller>().cloned();
    let template = if caller.is_some() { "errors/console" } else { "errors/public" };
    respond::render(&call, caller.as_ref(), status, template, view).unwrap_or_else(|error| {
        tracing::error!(%error, "the error page itself failed");
        HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(info.id.clone())
    })
}

fn to_login(request: &HttpRequest) -> HttpResponse<BoxBody> {
    let mut to = "/console/login".to_owned();
    let seat = seats::asked_for(request);
    if *request.method() == Method::GET {
        let path =
            seat.as_ref().map_or_else(|| request.path().to_owned(), |seat| seat.address(request.path()));
        let back: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        to.push_str("?next=");
        to.push_str(&back);
    }
    let mut response = HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish();
    // Its session has ended: plain addresses must not lead here again.
    if let Some(seat) = seat {
        seats::stand_up(request, &mut response, &seat);
    }
    response
}

/// Key of the sentence that says what to do.
fn explanation(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "core.error_not_found",
        403 => "core.error_forbidden",
        421 => "core.error_unknown_host",
        429 => "core.error_busy",
        500..=599 => "core.error_own_fault",
        _ => "core.error_request",
    }
}
