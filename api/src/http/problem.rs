//! How an error looks on the wire: RFC 9457 `application/problem+json` for programs, a page for people.
//!
//! A handler's `ApiError` becomes a bare response that carries the error; [`finish`], called by the
//! outermost middleware, knows the request and so writes language, address and request id.

use super::request::RequestInfo;
use crate::error::{ApiError, Text};
use crate::pages::lang::Lang;
use crate::state::AppState;
use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use qianpu_domain::error::ErrorCode;
use serde::Serialize;
use utoipa::ToSchema;

/// An error as RFC 9457 describes it; `code` is stable and the thing to branch on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Address of the description of this kind of problem.
    pub r#type: String,
    /// Short text in the caller's language.
    pub title: String,
    pub status: u16,
    /// What happened this time and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The path that was asked for.
    pub instance: String,
    /// Stable code.
    pub code: String,
    /// Id of the rule that refused, when one did: a row of the policy calendar or a fixed rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Of a log-in that waits for its code (`second_factor_needed`): pass it on to `/auth/totp`. Works once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// Seconds until the challenge ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge_expires_in: Option<i64>,
    /// Id to quote when asking for help.
    pub request_id: String,
    /// Fields that need correction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// One field that needs correction.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField {
    pub field: String,
    pub code: String,
    pub detail: String,
}

impl Problem {
    pub fn of(error: &ApiError, state: &AppState, lang: Lang, instance: &str, request_id: &str) -> Self {
        let code = error.code();
        let own_fault = code.status() >= 500;
        let say = |text: &Text| state.pages.catalogue().text(lang, text);
        Self {
            r#type: format!("/api/docs#problem-{}", code.as_str()),
            title: lang.pick(code.title_zh(), code.title_en()).to_owned(),
            status: code.status(),
            detail: if own_fault { None } else { error.detail().map(say) },
            instance: instance.to_owned(),
            code: code.as_str().to_owned(),
            rule: error.rule().map(str::to_owned),
            challenge: error.challenge().map(|challenge| challenge.token.clone()),
            challenge_expires_in: error.challenge().map(|challenge| challenge.expires_in),
            request_id: request_id.to_owned(),
            errors: error
                .errors()
                .iter()
                .map(|one| ProblemField {
                    field: one.path.clone(),
                    code: one.code.to_owned(),
                    detail: lang.pick(&one.message_zh, &one.message_en).to_owned(),
                })
                .collect(),
        }
    }
}

/// Marks a response that still has to be written by [`finish`].
#[derive(Clone)]
struct Unwritten(ApiError);

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(Unwritten(self.clone()));
        response
    }
}

/// Writes the body of an error response; other responses pass unchanged.
pub(super) fn finish(request: &HttpRequest, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let marked = response.extensions().get::<Unwritten>().map(|marked| marked.0.clone());
    let error = match marked {
        Some(error) => error,
        // A refusal made by the framework itself (a malformed head, an extractor of its own).
        None if response.status().is_client_error() || response.status().is_server_error() => {
            if response.headers().contains_key(header::CONTENT_TYPE) {
                return response;
            }
            ApiError::new(code_of_status(response.status()))
        }
        None => return response,
    };
    let Some(state) = request.app_data::<actix_web::web::Data<AppState>>() else { return response };
    let info = RequestInfo::of(request);
    log(&error, &info);
    let mut written = if super::wants_page(request) {
        super::console::errors::page(request, state, &info, &error)
    } else {
        let problem = Problem::of(&error, state, info.lang, request.path(), &info.id);
        HttpResponse::build(response.status())
            .insert_header((header::CONTENT_LANGUAGE, info.lang.code()))
            .content_type("application/problem+json")
            .body(serde_json::to_string(&problem).unwrap_or_default())
    };
    for (name, value) in response.headers() {
        written.headers_mut().append(name.clone(), value.clone());
    }
    if let Some(seconds) = error.retry_after_from(state.clock().now()) {
        written.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if !super::wants_page(request)
        && let Some(challenge) = challenge(request, &error)
    {
        written.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
    }
    written
}

/// What RFC 6750 says about a token that was not taken, or does not suffice.
fn challenge(request: &HttpRequest, error: &ApiError) -> Option<&'static str> {
    let token = request.headers().contains_key(header::AUTHORIZATION);
    match error.code() {
        ErrorCode::Unauthenticated if token => Some("Bearer realm=\"qianpu\", error=\"invalid_token\""),
        ErrorCode::Unauthenticated => Some("Bearer realm=\"qianpu\""),
        ErrorCode::Forbidden if token => Some("Bearer realm=\"qianpu\", error=\"insufficient_scope\""),
        _ => None,
    }
}

fn log(error: &ApiError, info: &RequestInfo) {
    let code = error.code().as_str();
    let internal = error.internal_text().unwrap_or_default();
    if error.code().status() >= 500 {
        tracing::error!(error.code = code, internal, request_id = %info.id, "request failed");
    } else {
        tracing::debug!(error.code = code, internal, request_id = %info.id, "request refused");
    }
}

fn code_of_status(status: StatusCode) -> ErrorCode {
    match status.as_u16() {
        401 => ErrorCode::Unauthenticated,
        403 => ErrorCode::Forbidden,
        404 => ErrorCode::NotFound,
        405 => ErrorCode::MethodNotAllowed,
        413 => ErrorCode::PayloadTooLarge,
        415 => ErrorCode::UnsupportedMediaType,
        429 => ErrorCode::RateLimited,
        503 => ErrorCode::Unavailable,
        500..=599 => ErrorCode::Internal,
        _ => ErrorCode::BadRequest,
    }
}
