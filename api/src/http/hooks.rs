//! Push addresses of platforms. The body is taken as raw bytes; who may push is decided by the plugin's
//! signature check, never by a log-in.
//!
//! * `/hooks/{channel}/{token}` — one linked account;
//! * `/hooks/{channel}/apps/{token}` — a provider's channel app, for its own events;
//! * `/hooks/{channel}/apps/{token}/{app_id}` — the same app, for messages of a merchant's account: give the
//!   platform this address with `$APPID$` at the end.

use super::extract::{Open, RawBody};
use super::route::PageRoutes;
use crate::app::channels::push::{PUSH_LIMIT, raw, receive_for_account};
use crate::app::channels::push_app::receive_for_app;
use crate::error::{Answer, ApiError};
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use qianpu_sdk::{Method, PushOrigin, PushReply, RawPush};

pub(super) fn routes(routes: &mut PageRoutes<'_>) {
    routes.get("/hooks/{channel}/{token}", check_account_hook);
    routes.post("/hooks/{channel}/{token}", push_to_account);
    routes.get("/hooks/{channel}/apps/{token}", check_app_hook);
    routes.post("/hooks/{channel}/apps/{token}", push_to_app);
    routes.get("/hooks/{channel}/apps/{token}/{app_id}", check_app_hook);
    routes.post("/hooks/{channel}/apps/{token}/{app_id}", push_to_app);
}

type Push = Open<RawBody<PUSH_LIMIT>>;

async fn check_account_hook(open: Open) -> Answer<HttpResponse> {
    let push = raw_push(&open, PushOrigin::Account, Method::Get, Vec::new());
    for_account(&open, push).await
}

async fn push_to_account(open: Push) -> Answer<HttpResponse> {
    let push = raw_push(&open, PushOrigin::Account, Method::Post, open.input.0.to_vec());
    for_account(&open, push).await
}

async fn check_app_hook(open: Open) -> Answer<HttpResponse> {
    let push = raw_push(&open, PushOrigin::App, Method::Get, Vec::new());
    for_app(&open, push).await
}

async fn push_to_app(open: Push) -> Answer<HttpResponse> {
    let push = raw_push(&open, PushOrigin::App, Method::Post, open.input.0.to_vec());
    for_app(&open, push).await
}

fn raw_push<T>(open: &Open<T>, origin: PushOrigin, method: Method, body: Vec<u8>) -> RawPush {
    let headers = open
        .request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    raw(origin, method, open.request.query_string(), headers, body)
}

fn part<'a, T>(open: &'a Open<T>, name: &str) -> Answer<&'a str> {
    let own = open.request.match_info().get(name).filter(|text| storable(text));
    own.ok_or_else(ApiError::not_found)
}

/// What no database keeps is nobody's address.
fn storable(text: &str) -> bool {
    !text.contains('\0') && !text.contains("%00")
}

async fn for_account<T>(open: &Open<T>, push: RawPush) -> Answer<HttpResponse> {
    let (channel, token) = (part(open, "channel")?, part(open, "token")?);
    reply(receive_for_account(&open.state, open.request_id(), channel, token, &push).await?)
}

async fn for_app<T>(open: &Open<T>, push: RawPush) -> Answer<HttpResponse> {
    let (channel, token) = (part(open, "channel")?, part(open, "token")?);
    let about = match open.request.match_info().get("app_id") {
        Some(_) => Some(part(open, "app_id")?),
        None => None,
    };
    reply(receive_for_app(&open.state, open.request_id(), channel, token, about, &push).await?)
}

fn reply(reply: PushReply) -> Answer<HttpResponse> {
    let status = StatusCode::from_u16(reply.status).map_err(ApiError::internal)?;
    let content_type = (header::CONTENT_TYPE, reply.content_type);
    Ok(HttpResponse::build(status).insert_header(content_type).body(reply.body))
}
