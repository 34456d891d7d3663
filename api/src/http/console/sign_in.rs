//! The authenticator app on pages: the second step of the log-in, and setting it up, recovery codes and switching off
//! in the own account.

use super::account::{emptied, secret};
use super::apply::may_be_mended;
use super::login::{enter, own_path};
use crate::app::account::totp::{self, TotpState};
use crate::app::auth::second_step::{CHALLENGE_LIFE, Proof};
use crate::app::auth::{self, GiveCode};
use crate::error::{Answer, ApiError, Challenge};
use crate::http::extract::{Authed, Call, Fields, Open, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::user_agent;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::HttpResponse;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qianpu_domain::access::Surface;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/login/code", code_page);
    pages.post("/console/login/code", code_form);
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, totp_page);
        pages.post(&home, begin_form);
        pages.post(&format!("{home}/confirm"), confirm_form);
        pages.post(&format!("{home}/recovery_codes"), renew_form);
        pages.post(&format!("{home}/off"), end_form);
    }
}

fn home_of(surface: Surface) -> String {
    format!("/console/{}/account/totp", surface.as_str())
}

/// Keeps a log-in that waits, for the page of the code only.
const WAITING: &str = "qp_waiting";
const CODE_PAGE: &str = "/console/login/code";

/// On to the page that asks for the code.
pub(super) fn to_code_page(call: &Call, challenge: &Challenge, next: &str) -> HttpResponse {
    let cookie = waiting(call, challenge.token.clone(), challenge.expires_in);
    let mut to = CODE_PAGE.to_owned();
    if !next.is_empty() {
        to.push_str("?next=");
        to.extend(url::form_urlencoded::byte_serialize(next.as_bytes()));
    }
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).cookie(cookie).finish()
}

fn waiting(call: &Call, value: String, seconds: i64) -> Cookie<'static> {
    Cookie::build(WAITING, value)
        .path(CODE_PAGE)
        .http_only(true)
        .secure(call.state.config.cookies_are_secure())
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(seconds))
        .finish()
}

#[derive(Deserialize, IntoParams)]
struct CodeQuery {
    /// Where the person wanted to go.
    next: Option<String>,
}

#[derive(Serialize)]
struct CodeView {
    form: FormView,
    next: String,
    minutes: i64,
    wait_minutes: u32,
    /// The log-in waits no more.
    over: bool,
}

fn code_view(next: &str, form: FormView, over: bool) -> CodeView {
    let minutes = CHALLENGE_LIFE.as_seconds() / 60;
    CodeView { form, next: own_path(next), minutes, wait_minutes: 0, over }
}

async fn code_page(open: Open<Query<CodeQuery>>) -> PageAnswer {
    let next = open.input.0.next.as_deref().unwrap_or_default();
    let over = open.request.cookie(WAITING).is_none();
    open.page("auth/code", code_view(next, FormView::default(), over))
}

async fn code_form(open: Open<Fields>) -> PageAnswer {
    let given = GiveCode {
        challenge: open.request.cookie(WAITING).map_or_else(String::new, |cookie| cookie.value().to_owned()),
        code: open.input.text("code").to_owned(),
        address: open.info.address.clone(),
        user_agent: user_agent(&open),
    };
    let next = open.input.text("next");
    let error = match auth::log_in_console_with_code(&open.state, open.request_id(), &given).await {
        Ok(session) => {
            let mut done = enter(&open, session, next).await?;
            // Fails only for a cookie that is no header value.
            drop(done.add_cookie(&waiting(&open, String::new(), 0)));
            return Ok(done);
        }
        Err(error) => error,
    };
    let form = FormView::refused_by(&emptied(&open.input), &error, open.info.lang);
    match error.code() {
        ErrorCode::SignInExpired => open.refused_page("auth/code", code_view(next, form, true)),
        ErrorCode::WrongCode | ErrorCode::RateLimited => {
            let mut view = code_view(next, form, false);
            view.wait_minutes = error.retry_after_seconds().map_or(0, |seconds| seconds.div_ceil(60));
            open.refused_page("auth/code", view)
        }
        _ => Err(error),
    }
}

type Own<T = ()> = Authed<perm::SelfManage, T>;

#[derive(Serialize)]
struct TotpPage {
    form: FormView,
    home: String,
    account: String,
    state: &'static str,
    on_at: Option<i64>,
    codes_left: u64,
    few_left: bool,
    required: bool,
    /// In groups of four.
    secret: String,
    /// The picture as an address of its own data.
    picture: String,
}

async fn view<T>(auth: &Own<T>, form: FormView) -> Answer<TotpPage> {
    let TotpState { on_at, pending, codes_left, required } =
        totp::totp_state(&auth.state, auth.caller.person()?, &auth.grant).await?;
    let picture = pending.as_ref().map(|begun| STANDARD.encode(&begun.picture));
    let home = home_of(auth.caller.surface());
    Ok(TotpPage {
        form,
        account: home.trim_end_matches("/totp").to_owned(),
        home,
        state: match (on_at, &pending) {
            (Some(_), _) => "on",
            (None, Some(_)) => "pending",
            (None, None) => "off",
        },
        on_at: on_at.map(|at| at.micros()),
        codes_left,
        few_left: codes_left < 3,
        required,
        secret: pending.map_or_else(String::new, |begun| {
            let groups: Vec<String> =
                begun.secret.as_bytes().chunks(4).map(|part| String::from_utf8_lossy(part).into()).collect();
            groups.join(" ")
        }),
        picture: picture.map_or_else(String::new, |data| format!("data:image/svg+xml;base64,{data}")),
    })
}

async fn totp_page(auth: Own) -> PageAnswer {
    let page = view(&auth, FormView::default()).await?;
    auth.page("account/totp", page)
}

/// The page again with what was refused; what was typed is not.
async fn refused<T>(auth: &Own<T>, fields: &Fields, error: ApiError) -> PageAnswer {
    if !may_be_mended(&error) {
        return Err(error);
    }
    let form = FormView::refused_by(&emptied(fields), &error, auth.info.lang);
    let page = view(auth, form).await?;
    auth.refused_page("account/totp", page)
}

fn proof(auth: &Own<Fields>) -> Proof<'_> {
    let fields = &auth.input;
    Proof { password: secret(fields, "password"), code: fields.text("code"), address: &auth.info.address }
}

async fn begin_form(auth: Own<Fields>) -> PageAnswer {
    match totp::begin_totp(&auth.state, auth.caller.person()?, &auth.grant, &proof(&auth)).await {
        Ok(_) => Ok(auth.redirect(&home_of(auth.caller.surface()))),
        Err(error) => refused(&auth, &auth.input, error).await,
    }
}

#[derive(Serialize)]
struct CodesPage {
    home: String,
    codes: Vec<String>,
}

/// The codes are in no other answer, so this one is the page itself and no redirect.
fn codes_page(auth: &Own<Fields>, codes: Vec<String>) -> PageAnswer {
    auth.page("account/recovery_codes", CodesPage { home: home_of(auth.caller.surface()), codes })
}

async fn confirm_form(auth: Own<Fields>) -> PageAnswer {
    let code = auth.input.text("code");
    match totp::confirm_totp(&auth.state, auth.caller.person()?, &auth.grant, code).await {
        Ok(codes) => codes_page(&auth, codes),
        Err(error) => refused(&auth, &auth.input, error).await,
    }
}

async fn renew_form(auth: Own<Fields>) -> PageAnswer {
    match totp::renew_codes(&auth.state, auth.caller.person()?, &auth.grant, &proof(&auth)).await {
        Ok(codes) => codes_page(&auth, codes),
        Err(error) => refused(&auth, &auth.input, error).await,
    }
}

async fn end_form(auth: Own<Fields>) -> PageAnswer {
    match totp::end_totp(&auth.state, auth.caller.person()?, &auth.grant, &proof(&auth)).await {
        Ok(()) => {
            let home = home_of(auth.caller.surface());
            Ok(auth.redirect_with(&Flash::success("sign_in.switched_off"), &home))
        }
        Err(error) => refused(&auth, &auth.input, error).await,
    }
}
