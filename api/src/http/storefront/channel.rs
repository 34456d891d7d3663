//! Signing in at a channel's page, and joining whoever is signed in with the channel's id.

use super::sign_in::{entered, own_path, shop_or_say};
use super::{home_of, visit};
use crate::app::buyers::channel::{self, Back, Ended, WITHIN};
use crate::app::storefront::Visit;
use crate::error::{Answer, ApiError};
use crate::http::extract::{BUYER_COOKIE, BuyerAuthed, Call, Fields, Open, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::buyer_device;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use actix_web::HttpResponse;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use qianpu_domain::buyer::BuyerSessionKind;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::resolve::{self, BuyerCaller};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// What the browser keeps while it is at the platform's page.
const FLOW_COOKIE: &str = "qp_buyer_flow";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.post("/s/{slug}/sign-in/channel", channel_form);
    pages.get("/s/{slug}/sign-in/channel/back", channel_back);
    pages.post("/s/{slug}/account/channel", join_form);
}

/// The button.
#[derive(Serialize)]
pub(super) struct ChannelView {
    /// What people call the platform.
    platform: &'static str,
    /// The account's own name; empty where the platform gave none and nobody typed one.
    name: String,
    /// The page is not open in the platform's own browser, where alone its page works; never so in the demo.
    elsewhere: bool,
}

/// What the shop offers.
pub(super) async fn channel_view(call: &Call, visit: &Visit) -> Answer<Option<ChannelView>> {
    let Some(account) = channel::offered(&call.state, visit).await? else { return Ok(None) };
    let sign_in = qianpu_host::find(&account.channel).and_then(|channel| channel.sign_in());
    let Some(names) = sign_in.map(|sign_in| sign_in.names()) else { return Ok(None) };
    let agent = call.request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let inside = agent.is_some_and(|agent| agent.contains(names.browser));
    Ok(Some(ChannelView {
        platform: call.info.lang.pick(names.zh, names.en),
        name: if account.name == account.external_id { String::new() } else { account.name },
        elsewhere: !inside && !call.state.config.is_development(),
    }))
}

async fn away(call: &Call, visit: &Visit, buyer: Option<&BuyerCaller>, next: &str) -> PageAnswer {
    let home = home_of(&visit.shop.slug);
    let redirect_uri = super::absolute(call, &format!("{home}sign-in/channel/back"));
    let next = own_path(&visit.shop.slug, next);
    let begun = channel::begin(&call.state, visit, buyer, redirect_uri, &next).await?;
    let cookie = Cookie::build(FLOW_COOKIE, begun.browser)
        .path(home)
        .http_only(true)
        .secure(call.state.config.cookies_are_secure())
        // The platform leads back from another site.
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(WITHIN.as_seconds()))
        .finish();
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, begun.address)).cookie(cookie).finish())
}

/// Who is signed in on this browser, when somebody is.
async fn present(call: &Call, slug: &str) -> Answer<Option<BuyerCaller>> {
    let Some(cookie) = call.request.cookie(BUYER_COOKIE) else { return Ok(None) };
    Ok(resolve::by_buyer_cookie(&call.state.db, slug, cookie.value(), call.request_id()).await?)
}

async fn channel_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(slug), fields) = &open.input;
    let visit = match shop_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let buyer = present(&open, slug).await?;
    match away(&open, &visit, buyer.as_ref(), fields.text("next")).await {
        Err(error) => told(&open, slug, buyer.is_some(), error),
        gone => gone,
    }
}

async fn join_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    let slug = &auth.input.0.0;
    let visit = visit(&auth, slug).await?;
    match away(&auth, &visit, Some(&auth.buyer), "").await {
        Err(error) => told(&auth, slug, true, error),
        gone => gone,
    }
}

#[derive(Debug, Deserialize, IntoParams)]
struct BackQuery {
    state: Option<String>,
    code: Option<String>,
}

async fn channel_back(open: Open<(Path<String>, Query<BackQuery>)>) -> PageAnswer {
    let (Path(slug), Query(query)) = &open.input;
    let visit = match shop_or_say(&open, slug).await? {
        Ok(visit) => visit,
        Err(said) => return Ok(said),
    };
    let cookie = |name: &str| open.request.cookie(name).map(|cookie| cookie.value().to_owned());
    let buyer = present(&open, slug).await?;
    let flow = cookie(FLOW_COOKIE).unwrap_or_default();
    let back = Back {
        state: query.state.as_deref().unwrap_or_default(),
        browser: &flow,
        code: query.code.as_deref(),
    };
    let device = buyer_device(&open, BuyerSessionKind::Browser, cookie(BUYER_COOKIE));
    let account = format!("{}account", home_of(slug));
    let mut response = match channel::finish(&open.state, &visit, buyer.as_ref(), &back, &device).await {
        Ok((Ended::SignedIn(signed), next)) => entered(&open, &visit, &signed, &next),
        Ok((Ended::Joined, _)) => open.redirect_with(&Flash::success("buyers.channel_joined"), &account),
        Ok((Ended::Declined, _)) => {
            open.redirect_with(&Flash::failure("buyers.channel_declined"), &door(slug, buyer.is_some()))
        }
        Err(error) => told(&open, slug, buyer.is_some(), error)?,
    };
    let mut spent = Cookie::build(FLOW_COOKIE, "").path(home_of(slug)).finish();
    spent.make_removal();
    response.add_cookie(&spent).map_err(ApiError::internal)?;
    Ok(response)
}

/// Where somebody goes on whose sign-in did not end well.
fn door(slug: &str, signed_in: bool) -> String {
    format!("{}{}", home_of(slug), if signed_in { "account" } else { "sign-in" })
}

/// Says on the shop's page what went wrong.
fn told(call: &Call, slug: &str, signed_in: bool, error: ApiError) -> PageAnswer {
    let key = match error.code() {
        ErrorCode::ChannelSignInFailed => "buyers.channel_failed",
        ErrorCode::ChannelIdentityTaken => "buyers.channel_taken",
        // Unlinked meanwhile.
        ErrorCode::NotFound => "buyers.channel_gone",
        _ => return Err(error),
    };
    Ok(call.redirect_with(&Flash::failure(key), &door(slug, signed_in)))
}
