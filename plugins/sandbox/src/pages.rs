//! The pages a person plays with: overview, buyer, auditor, service market, push log. Server-rendered, two languages.
//! The pages of one platform and that of faults have files of their own.
//!
//! `page_data` gathers what is shown, `page_forms` does what a form asks, `page_words` holds the words.

use crate::core::Core;
use crate::page_data;
use crate::page_words;
use crate::push_sender::is_loopback;
use crate::state::State;
use actix_web::body::MessageBody;
use actix_web::cookie::Cookie;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use handlebars::Handlebars;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; form-action *; base-uri 'none'; \
                      frame-ancestors 'none'";

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    page_words::install(&mut registry);
    for (name, text) in [
        ("layout", include_str!("templates/layout.hbs")),
        ("overview", include_str!("templates/overview.hbs")),
        ("buyer", include_str!("templates/buyer.hbs")),
        ("auditor", include_str!("templates/auditor.hbs")),
        ("follower", include_str!("templates/follower.hbs")),
        ("live", include_str!("templates/live.hbs")),
        ("funds", include_str!("templates/funds.hbs")),
        ("market", include_str!("templates/market.hbs")),
        ("pushes", include_str!("templates/pushes.hbs")),
        ("faults", include_str!("templates/faults.hbs")),
        ("authorize", include_str!("templates/authorize.hbs")),
        ("login", include_str!("templates/login.hbs")),
        ("douyin", include_str!("templates/douyin.hbs")),
        ("douyin_authorize", include_str!("templates/douyin_authorize.hbs")),
        ("message", include_str!("templates/message.hbs")),
    ] {
        if let Err(error) = registry.register_template_string(name, text) {
            tracing::error!(%error, name, "a page template is broken");
        }
    }
    registry
});

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/sandbox/style.css").route(web::get().to(style)))
        .service(web::resource("/sandbox/icon.svg").route(web::get().to(icon)))
        .service(web::resource("/").route(web::get().to(overview)))
        .service(web::resource("/buyer").route(web::get().to(buyer)))
        .service(web::resource("/auditor").route(web::get().to(auditor)))
        .service(web::resource("/market").route(web::get().to(market)))
        .service(web::resource("/pushes").route(web::get().to(pushes)));
}

/// A page of another site must not drive the sandbox through the visitor's browser.
pub async fn refuse_strangers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let origin = request.headers().get("origin").and_then(|o| o.to_str().ok()).unwrap_or_default();
    let strange = !origin.is_empty() && !url::Url::parse(origin).is_ok_and(|url| is_loopback(&url));
    if strange {
        let refusal = HttpResponse::Forbidden().body("the sandbox answers pages of this machine only");
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// The offer of another protocol is not taken, and the connection ends with the answer. A client that is not told sends
/// its next request into it.
pub async fn tell_the_end(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let offer = request.head().upgrade();
    let mut response = next.call(request).await?;
    if offer {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

type Query = web::Query<BTreeMap<String, String>>;

pub fn lang_of(request: &HttpRequest) -> &'static str {
    let query = crate::calls::query_of(request);
    let cookie = request.cookie("sandbox_lang").map(|c| c.value().to_owned());
    match query.get("lang").cloned().or(cookie).as_deref() {
        Some("en") => "en",
        _ => "zh",
    }
}

pub fn see_other(url: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("location", url)).finish()
}

pub fn html(core: &Core, request: &HttpRequest, template: &str, mut data: Value) -> HttpResponse {
    let lang = lang_of(request);
    if let Some(members) = data.as_object_mut() {
        members.insert("lang".into(), json!(lang));
        members.insert("page".into(), json!(template));
        members.insert("waiting".into(), json!(core.peek(page_data::waiting_audits)));
    }
    match TEMPLATES.render(template, &data) {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header(("content-security-policy", POLICY))
            .insert_header(("x-content-type-options", "nosniff"))
            .insert_header(("referrer-policy", "same-origin"))
            .cookie(Cookie::build("sandbox_lang", lang).path("/").http_only(true).finish())
            .body(text),
        Err(error) => {
            tracing::error!(%error, template, "a page was not rendered");
            HttpResponse::InternalServerError().body("the page could not be rendered")
        }
    }
}

fn page(
    core: &Core,
    request: &HttpRequest,
    query: &Query,
    name: &str,
    gather: impl Fn(&State) -> Value,
) -> HttpResponse {
    let mut data = core.peek(gather);
    if let (Some(members), Some(problem)) = (data.as_object_mut(), query.get("problem")) {
        members.insert("problem".into(), json!(problem));
    }
    html(core, request, name, data)
}

async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header(("cache-control", "no-cache"))
        .body(include_str!("templates/style.css"))
}

async fn icon() -> HttpResponse {
    HttpResponse::Ok().content_type("image/svg+xml").body(include_str!("templates/icon.svg"))
}

async fn overview(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    page(&core, &request, &query, "overview", page_data::overview)
}

async fn buyer(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    let chosen = query.get("appid").map(String::as_str);
    page(&core, &request, &query, "buyer", |state| page_data::buyer(state, chosen))
}

async fn auditor(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    page(&core, &request, &query, "auditor", page_data::auditor)
}

async fn market(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    page(&core, &request, &query, "market", page_data::market)
}

async fn pushes(request: HttpRequest, query: Query, core: web::Data<Core>) -> HttpResponse {
    page(&core, &request, &query, "pushes", page_data::pushes)
}
