//! The log-in page of all consoles, and logging out.

use crate::app::auth::{self, ConsoleSession, LogIn};
use crate::http::extract::{Authed, Call, Fields, Open, Query, session_cookie};
use crate::http::route::PageRoutes;
use crate::http::v1::user_agent;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use actix_web::HttpResponse;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use qianpu_domain::access::Surface;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/login", login_page);
    pages.post("/console/login", login_form);
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        pages.post(&format!("/console/{}/logout", surface.as_str()), logout_form);
    }
}

#[derive(Deserialize, IntoParams)]
struct LoginQuery {
    /// Where the person wanted to go.
    next: Option<String>,
}

#[derive(Serialize)]
struct LoginView {
    form: FormView,
    next: String,
    wait_minutes: u32,
}

async fn login_page(open: Open<Query<LoginQuery>>) -> PageAnswer {
    let next = own_path(open.input.0.next.as_deref().unwrap_or_default());
    open.page("auth/login", LoginView { form: FormView::default(), next, wait_minutes: 0 })
}

/// Only a page of ours: no other host can be smuggled in (`//evil`, `/\evil`).
pub(super) fn own_path(next: &str) -> String {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if next.starts_with("/console/") && plain { next.to_owned() } else { String::new() }
}

async fn login_form(open: Open<Fields>) -> PageAnswer {
    let fields = &open.input;
    let command = LogIn {
        email: fields.text("email").to_owned(),
        password: fields.0.iter().find(|(name, _)| name == "password").map_or("", |(_, v)| v).to_owned(),
        address: open.info.address.clone(),
        user_agent: user_agent(&open),
    };
    let session = match auth::log_in_console(&open.state, open.request_id(), &command).await {
        Ok(session) => session,
        Err(error) if matches!(error.code(), ErrorCode::WrongCredentials | ErrorCode::RateLimited) => {
            let kept = Fields(vec![("email".to_owned(), command.email)]);
            let view = LoginView {
                form: FormView::refused_by(&kept, &error, open.info.lang),
                next: own_path(fields.text("next")),
                wait_minutes: error.retry_after_seconds().map_or(0, |seconds| seconds.div_ceil(60)),
            };
            return open.refused_page("auth/login", view);
        }
        Err(error) => {
            return match error.challenge() {
                Some(challenge) => {
                    Ok(super::sign_in::to_code_page(&open, challenge, &own_path(fields.text("next"))))
                }
                None => Err(error),
            };
        }
    };
    let home = format!("/console/{}", session.surface.as_str());
    let next = own_path(fields.text("next"));
    let to = back_to(next, home);
    let cookie = cookie_of(&open, session);
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).cookie(cookie).finish())
}

/// Where somebody who logged in goes: where they wanted to, if that is in their console or asks them for an app.
pub(super) fn back_to(next: String, home: String) -> String {
    if next.starts_with(&home) || next.starts_with("/console/oauth/") { next } else { home }
}

/// What a browser keeps of a session.
pub(super) fn cookie_of(call: &Call, session: ConsoleSession) -> Cookie<'static> {
    Cookie::build(session_cookie(session.surface), session.cookie)
        .path("/")
        .http_only(true)
        .secure(call.state.config.cookies_are_secure())
        .same_site(SameSite::Lax)
        .max_age(Duration::days(call.state.config.login.session_days))
        .finish()
}

async fn logout_form(auth: Authed<perm::SelfManage, Fields>) -> PageAnswer {
    auth::log_out(&auth.state, auth.caller.person()?, &auth.grant).await?;
    let mut cookie = Cookie::build(session_cookie(auth.caller.surface()), "").path("/").finish();
    cookie.make_removal();
    let to = (header::LOCATION, "/console/login");
    Ok(HttpResponse::SeeOther().insert_header(to).cookie(cookie).finish())
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_own_pages_are_returned_to() {
        assert_eq!(own_path("/console/merchant/orders"), "/console/merchant/orders");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil", "/console/\\\nx", ""] {
            assert_eq!(own_path(foreign), "", "{foreign}");
        }
    }
}
