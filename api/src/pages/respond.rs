//! From a handler to a response: a page in its frame, or a redirect with a message.

use super::flash::Flash;
use super::frame::Frame;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Open};
use crate::http::request::language_cookie;
use crate::http::seats;
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use qianpu_tenants::authz::{Caller, Perm};
use serde::Serialize;

/// What a page handler answers.
pub type PageAnswer = Answer<HttpResponse>;

impl<P: Perm, T> Authed<P, T> {
    /// Renders a page of the console.
    pub fn page(&self, template: &str, view: impl Serialize) -> PageAnswer {
        render(&self.call, Some(&self.caller), StatusCode::OK, template, view)
    }
    /// Renders the page again because the form was refused.
    pub fn refused_page(&self, template: &str, view: impl Serialize) -> PageAnswer {
        render(&self.call, Some(&self.caller), StatusCode::UNPROCESSABLE_ENTITY, template, view)
    }
}

impl<T> Open<T> {
    /// Renders a public page.
    pub fn page(&self, template: &str, view: impl Serialize) -> PageAnswer {
        render(&self.call, None, StatusCode::OK, template, view)
    }
    /// Renders the page again because the form was refused.
    pub fn refused_page(&self, template: &str, view: impl Serialize) -> PageAnswer {
        render(&self.call, None, StatusCode::UNPROCESSABLE_ENTITY, template, view)
    }
}

impl Call {
    /// Sends the browser on, after a form was done.
    pub fn redirect(&self, to: &str) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
    }
    /// The same with a message on the next page.
    pub fn redirect_with(&self, flash: &Flash, to: &str) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((header::LOCATION, to)).cookie(flash.cookie()).finish()
    }
}

#[derive(Serialize)]
struct View<T> {
    frame: Frame,
    #[serde(flatten)]
    view: T,
}

/// Renders a template in the frame of a request.
pub fn render(
    call: &Call,
    caller: Option<&Caller>,
    status: StatusCode,
    template: &str,
    view: impl Serialize,
) -> PageAnswer {
    let (frame, cookies) = Frame::of(call, caller);
    let html = call
        .state
        .pages
        .render(call.info.lang, template, &View { frame, view })
        .map_err(|error| ApiError::internal(format!("{template}: {error}")))?;
    let html = match seats::taken(&call.request) {
        Some(seat) => seats::put_into(&html, &seat),
        None => html,
    };
    let mut response = HttpResponse::build(status);
    response.content_type("text/html; charset=utf-8");
    response.insert_header((header::CONTENT_LANGUAGE, call.info.lang.tag()));
    for cookie in cookies {
        response.cookie(cookie);
    }
    if call.request.query_string().split('&').any(|pair| pair.starts_with("lang=")) {
        response.cookie(language_cookie(call.info.lang));
    }
    Ok(response.body(html))
}
