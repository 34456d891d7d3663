//! The log-in page of all consoles, and logging out.

use crate::app::auth::{self, ConsoleSession, LogIn};
use crate::app::impersonation;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Open, Query, at_seat};
use crate::http::host::AtHost;
use crate::http::route::PageRoutes;
use crate::http::seats::{self, Seat};
use crate::http::v1::user_agent;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use qianpu_domain::access::Surface;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::{Caller, perm};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/login", login_page);
    pages.post("/console/login", login_form);
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        pages.post(&format!("/console/{}/logout", surface.as_str()), logout_form);
        pages.post(&format!("/console/{}/switch", surface.as_str()), switch_form);
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
        within: AtHost::provider(&open.request),
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
    enter(&open, session, fields.text("next")).await
}

/// On to where the person wanted to go, with the session that has just begun.
pub(super) async fn enter(call: &Call, session: ConsoleSession, next: &str) -> PageAnswer {
    let mut response = HttpResponse::SeeOther().finish();
    let seat = sit_down(call, &mut response, session).await?;
    let to = HeaderValue::from_str(&onward(&seat, &own_path(next)));
    response.headers_mut().insert(header::LOCATION, to.map_err(ApiError::internal)?);
    Ok(response)
}

/// Gives the browser a session; the one that had the seat until now ends.
pub(super) async fn sit_down(
    call: &Call,
    response: &mut HttpResponse,
    session: ConsoleSession,
) -> Answer<Seat> {
    let seat = Seat::of(session.surface, session.tenant);
    if let Some(before) = at_seat(call, &seat).await? {
        give_up(call, &before).await?;
    }
    Ok(seats::sit_down(call, response, session))
}

/// Ends what a browser holds at a seat: a session, or acting in somebody else's tenant.
async fn give_up(call: &Call, before: &Caller) -> Answer<()> {
    match before.person() {
        Ok(person) => auth::log_out(&call.state, person, &before.grant::<perm::SelfManage>()?).await,
        Err(_) => impersonation::end_own(&call.state, before, &before.grant::<perm::SelfRead>()?).await,
    }
}

/// Opens the console of another tenant of the same person, beside this one.
async fn switch_form(auth: Authed<perm::SelfManage, Fields>) -> PageAnswer {
    let to = auth.input.text("tenant_id").parse().map_err(|_| ApiError::not_found())?;
    let person = auth.caller.person()?;
    let session = auth::switch_console(&auth.state, person, &auth.grant, to, &user_agent(&auth)).await?;
    enter(&auth, session, "").await
}

/// Where the person wanted to go, when that is open to them now: a page of this seat, or one that is nobody's.
fn onward(seat: &Seat, next: &str) -> String {
    let home = seat.home();
    let of_seat = seat.address(next);
    let rest = of_seat.strip_prefix(&home);
    let own = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let nobodys = ["/console/join/", "/console/oauth/"].iter().any(|start| next.starts_with(start));
    if own || nobodys { of_seat } else { home }
}

async fn logout_form(auth: Authed<perm::SelfManage, Fields>) -> PageAnswer {
    auth::log_out(&auth.state, auth.caller.person()?, &auth.grant).await?;
    let to = (header::LOCATION, "/console/login");
    let mut response = HttpResponse::SeeOther().insert_header(to).finish();
    let seat = Seat::of(auth.caller.surface(), auth.caller.tenant());
    seats::stand_up(&auth.request, &mut response, &seat);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::{onward, own_path};
    use crate::http::seats::Seat;
    use qianpu_domain::access::Surface;
    use qianpu_domain::ids::TenantId;
    use uuid::Uuid;

    #[test]
    fn only_own_pages_are_returned_to() {
        assert_eq!(own_path("/console/merchant/orders"), "/console/merchant/orders");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil", "/console/\\\nx", ""] {
            assert_eq!(own_path(foreign), "", "{foreign}");
        }
    }

    #[test]
    fn one_goes_on_to_pages_of_the_seat_only() {
        let seat = Seat::of(Surface::Merchant, TenantId(Uuid::from_u128(1)));
        for (next, to) in [
            ("/console/merchant/orders", "/console/merchant~00000001/orders"),
            ("/console/merchant~00000001/orders", "/console/merchant~00000001/orders"),
            ("/console/merchant~00000002/orders", "/console/merchant~00000001"),
            ("/console/merchant~000000012", "/console/merchant~00000001"),
            ("/console/provider/plans", "/console/merchant~00000001"),
            ("/console/join/abc", "/console/join/abc"),
            ("", "/console/merchant~00000001"),
        ] {
            assert_eq!(onward(&seat, next), to, "{next}");
        }
    }
}
