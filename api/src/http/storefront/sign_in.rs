//! Signing in at a shop: the phone, then the code.

use super::channel::{ChannelView, channel_view};
use super::visit;
use super::{Share, ShopView, home_of, notice};
use crate::app::buyers::sign_in::{self, SignedIn};
use crate::app::buyers::{codes, person};
use crate::app::storefront::Visit;
use crate::error::{Answer, ApiError};
use crate::http::extract::{BUYER_COOKIE, Call, Fields, Open, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::buyer_device;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use crate::sms::SmsSender;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use qianpu_domain::buyer::BuyerSessionKind;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::shop::ShopState;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/s/{slug}/sign-in", sign_in_page);
    pages.post("/s/{slug}/sign-in/code", sign_in_code_form);
    pages.post("/s/{slug}/sign-in", sign_in_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct SignInQuery {
    /// Where the buyer wanted to go.
    next: Option<String>,
}

#[derive(Serialize)]
struct SignInView {
    shop: ShopView,
    share: Share,
    form: FormView,
    /// Codes can be sent here.
    by_phone: bool,
    /// The provider joins one person's rows in its shops: said before anybody signs in.
    links: bool,
    /// A channel's page people can sign in at.
    channel: Option<ChannelView>,
    /// A code was sent: ask for it.
    asked: bool,
    phone: String,
    resend_seconds: i64,
    /// How long to wait, when there were too many.
    wait_minutes: u32,
    next: String,
    action: String,
    demo: bool,
}

/// Only a page of this shop: no other host or shop can be smuggled in.
pub(super) fn own_path(slug: &str, next: &str) -> String {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let home = home_of(slug);
    let inside = next.starts_with(&home) && !next.split(['/', '?', '#']).any(|part| part == "..");
    if inside && plain && next.len() <= 500 { next.to_owned() } else { format!("{home}account") }
}

/// Sends whoever is not signed in to the sign-in page of the shop, and back. None outside of shops.
pub(in crate::http) fn to_sign_in(request: &HttpRequest) -> Option<HttpResponse> {
    let slug = request.path().strip_prefix("/s/")?.split('/').next()?;
    let mut to = format!("{}sign-in", home_of(slug));
    if *request.method() == Method::GET {
        let back: String = url::form_urlencoded::byte_serialize(request.path().as_bytes()).collect();
        to.push_str("?next=");
        to.push_str(&back);
    }
    Some(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish())
}

/// The shop, or the page that says that there is none to sign in to.
pub(super) async fn shop_or_say(call: &Call, slug: &str) -> Answer<Result<Visit, HttpResponse>> {
    match visit(call, slug).await {
        Ok(visit) if visit.shop.state == ShopState::Opened => {
            Ok(Err(notice(call, Some(&visit), "not_open_yet", StatusCode::OK)?))
        }
        Ok(visit) => Ok(Ok(visit)),
        Err(error) if error.code() == ErrorCode::NotFound => {
            Ok(Err(notice(call, None, "no_shop", StatusCode::NOT_FOUND)?))
        }
        Err(error) => Err(error),
    }
}

async fn view(call: &Call, visit: &Visit, next: &str) -> Answer<SignInView> {
    let slug = &visit.shop.slug;
    let sender = codes::sent_by(&call.state, visit).await?;
    Ok(SignInView {
        share: Share::hidden(call, visit.shop.name.clone()),
        shop: ShopView::of(visit),
        form: FormView::default(),
        by_phone: sender.is_some(),
        links: person::is_on(&call.state, visit.ctx()).await?,
        channel: channel_view(call, visit).await?,
        asked: false,
        phone: String::new(),
        resend_seconds: call.state.config.buyers.resend_seconds,
        wait_minutes: 0,
        next: own_path(slug, next),
        action: format!("{}sign-in", home_of(slug)),
        demo: matches!(sender, Some(SmsSender::Folder(_))),
    })
}

async fn sign_in_page(open: Open<(Path<String>, Query<SignInQuery>)>) -> PageAnswer {
    let (Path(slug), Query(query)) = &open.input;
    let visit = match shop_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let view = view(&open, &visit, query.next.as_deref().unwrap_or_default()).await?;
    open.page("storefront/sign_in", view)
}

/// What a form may be refused for and shown again with.
fn may_be_shown(error: &ApiError) -> bool {
    matches!(
        error.code(),
        ErrorCode::InvalidField
            | ErrorCode::PhoneInvalid
            | ErrorCode::RateLimited
            | ErrorCode::SignInCodeWrong
            | ErrorCode::SmsNotConfigured
    )
}

fn refused(mut view: SignInView, fields: &Fields, error: &ApiError, call: &Call) -> SignInView {
    view.form = FormView::refused_by(fields, error, call.info.lang);
    view.wait_minutes = error.retry_after_seconds().map_or(0, |seconds| seconds.div_ceil(60));
    view
}

async fn sign_in_code_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(slug), fields) = &open.input;
    let visit = match shop_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let mut view = view(&open, &visit, fields.text("next")).await?;
    let phone = fields.text("phone");
    match codes::ask(&open.state, &visit, phone, &open.info.address, open.info.lang).await {
        Ok(_) => {
            view.asked = true;
            view.phone = phone.to_owned();
            open.page("storefront/sign_in", view)
        }
        Err(error) if may_be_shown(&error) => {
            open.refused_page("storefront/sign_in", refused(view, fields, &error, &open))
        }
        Err(error) => Err(error),
    }
}

async fn sign_in_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(slug), fields) = &open.input;
    let visit = match shop_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let (phone, code) = (fields.text("phone"), fields.text("code"));
    let outcome = match codes::prove(&open.state, &visit, phone, code, &open.info.address).await {
        Ok(proven) => {
            let previous = open.request.cookie(BUYER_COOKIE).map(|cookie| cookie.value().to_owned());
            let device = buyer_device(&open, BuyerSessionKind::Browser, previous);
            sign_in::by_phone(&open.state, &visit, &proven, &device).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(signed) => Ok(entered(&open, &visit, &signed, fields.text("next"))),
        Err(error) if may_be_shown(&error) => {
            let mut view = view(&open, &visit, fields.text("next")).await?;
            view.asked = true;
            view.phone = phone.to_owned();
            open.refused_page("storefront/sign_in", refused(view, fields, &error, &open))
        }
        Err(error) => Err(error),
    }
}

/// The cookie, and on to where the buyer wanted to go.
pub(super) fn entered(call: &Call, visit: &Visit, signed: &SignedIn, next: &str) -> HttpResponse {
    let slug = &visit.shop.slug;
    let cookie = Cookie::build(BUYER_COOKIE, signed.cookie.clone())
        .path(home_of(slug))
        .http_only(true)
        .secure(call.state.config.cookies_are_secure())
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(signed.life.as_seconds()))
        .finish();
    let to = own_path(slug, next);
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).cookie(cookie).finish()
}

/// The cookie goes with the session.
pub(super) fn left(slug: &str) -> HttpResponse {
    let mut cookie = Cookie::build(BUYER_COOKIE, "").path(home_of(slug)).finish();
    cookie.make_removal();
    HttpResponse::SeeOther().insert_header((header::LOCATION, home_of(slug))).cookie(cookie).finish()
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_pages_of_the_shop_are_returned_to() {
        assert_eq!(own_path("tea", "/s/tea/p/prd_1?x=1"), "/s/tea/p/prd_1?x=1");
        for foreign in [
            "/s/teapot/",
            "//evil.example",
            "https://evil.example",
            "/s/tea/../other/",
            "/s/tea/\\x",
            "",
            "/console/",
        ] {
            assert_eq!(own_path("tea", foreign), "/s/tea/account", "{foreign}");
        }
    }
}
