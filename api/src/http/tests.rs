//! Contracts of the HTTP layer itself, in process.

use super::extract::{Access, Authed, Json, Open};
use super::{build_app, openapi, routes, v1};
use crate::test_app::{PASSWORD, TestApp};
use actix_web::body::MessageBody;
use actix_web::cookie::Cookie;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, init_service, read_body, read_body_json};
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::time::Span;
use qianpu_tenants::authz::perm;
use serde_json::{Value, json};
use std::collections::BTreeSet;

macro_rules! call {
    ($app:expr, $request:expr) => {
        actix_web::test::call_service(&$app, $request.insert_header((header::HOST, "localhost")).to_request())
            .await
    };
}

fn head(response: &ServiceResponse<impl MessageBody>, name: impl header::AsHeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn problem(response: ServiceResponse<impl MessageBody>, status: u16, code: &str) -> Value {
    assert_eq!(response.status().as_u16(), status);
    let content_type = head(&response, header::CONTENT_TYPE).to_owned();
    assert_eq!(content_type, "application/problem+json");
    let id = head(&response, "x-request-id").to_owned();
    let body: Value = read_body_json(response).await;
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"], id);
    body
}

#[actix_web::test]
async fn every_failure_is_a_problem() {
    let test = TestApp::start().await;
    let app = init_service(build_app(test.state.clone())).await;
    let post = |body: &'static str| {
        TestRequest::post()
            .uri("/api/v1/auth/login")
            .insert_header(header::ContentType::json())
            .set_payload(body)
    };
    problem(call!(app, post("{")), 400, "bad_request").await;
    problem(call!(app, post("\u{0}")), 400, "bad_request").await;
    problem(call!(app, post(r#"{"email":"a","password":"b","x":1}"#)), 400, "unknown_field").await;
    problem(call!(app, post(r#"{"email":"a"}"#)), 400, "bad_request").await;
    let no_type = TestRequest::post().uri("/api/v1/auth/login").set_payload("{}");
    problem(call!(app, no_type), 415, "unsupported_media_type").await;
    let large = TestRequest::post()
        .uri("/api/v1/auth/login")
        .insert_header(header::ContentType::json())
        .set_payload(vec![b' '; 300 * 1024]);
    problem(call!(app, large), 413, "payload_too_large").await;
    problem(call!(app, TestRequest::get().uri("/api/v1/nothing")), 404, "not_found").await;
    let wrong = call!(app, TestRequest::delete().uri("/api/v1/me"));
    assert_eq!(head(&wrong, header::ALLOW), "GET");
    problem(wrong, 405, "method_not_allowed").await;

    let zh = TestRequest::get().uri("/api/v1/me").insert_header((header::ACCEPT_LANGUAGE, "zh-CN"));
    let response = call!(app, zh);
    assert_eq!(head(&response, header::WWW_AUTHENTICATE), "Bearer realm=\"qianpu\"");
    assert_eq!(problem(response, 401, "unauthenticated").await["title"], "请先登录");
    let en = TestRequest::get().uri("/api/v1/me?lang=en");
    assert_eq!(problem(call!(app, en), 401, "unauthenticated").await["title"], "Log in first");
}

#[actix_web::test]
async fn who_calls_is_settled_before_the_body_is_read() {
    let test = TestApp::start().await;
    let app = init_service(build_app(test.state.clone())).await;
    let bad = TestRequest::post()
        .uri("/api/v1/auth/switch")
        .insert_header(header::ContentType::json())
        .set_payload("not json");
    problem(call!(app, bad), 401, "unauthenticated").await;
}

#[actix_web::test]
async fn responses_carry_the_security_headers() {
    let test = TestApp::start().await;
    let app = init_service(build_app(test.state.clone())).await;
    for path in ["/console/login", "/api/v1/nothing", "/healthz"] {
        let response = call!(app, TestRequest::get().uri(path));
        let policy = head(&response, header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(head(&response, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(response.headers().contains_key("x-request-id"));
    }
}

async fn log_in(test: &TestApp, email: &str, password: &str) -> (StatusCode, Value) {
    let app = init_service(build_app(test.state.clone())).await;
    let body = json!({"email": email, "password": password});
    let response = call!(app, TestRequest::post().uri("/api/v1/auth/login").set_json(body));
    (response.status(), read_body_json(response).await)
}

async fn refresh(test: &TestApp, token: &Value) -> (StatusCode, Value) {
    let app = init_service(build_app(test.state.clone())).await;
    let body = json!({"refresh_token": token});
    let response = call!(app, TestRequest::post().uri("/api/v1/auth/refresh").set_json(body));
    (response.status(), read_body_json(response).await)
}

async fn me(test: &TestApp, token: &Value) -> (StatusCode, Value) {
    let app = init_service(build_app(test.state.clone())).await;
    let bearer = (header::AUTHORIZATION, format!("Bearer {}", token.as_str().unwrap()));
    let response = call!(app, TestRequest::get().uri("/api/v1/me").insert_header(bearer));
    (response.status(), read_body_json(response).await)
}

#[actix_web::test]
async fn log_in_answers_the_same_for_unknown_people_and_wrong_passwords() {
    let test = TestApp::start().await;
    test.person(Surface::Merchant, "chen@example.com", Role::MerchantOwner).await;
    let (status, tokens) = log_in(&test, "Chen@Example.com", PASSWORD).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    let (_, mut wrong) = log_in(&test, "chen@example.com", "wrong password").await;
    let (status, mut unknown) = log_in(&test, "nobody@example.com", PASSWORD).await;
    assert_eq!(status, 401);
    for body in [&mut wrong, &mut unknown] {
        body["request_id"] = json!("");
    }
    assert_eq!(wrong, unknown);

    let (status, body) = me(&test, &tokens["access_token"]).await;
    assert_eq!((status.as_u16(), &body["user"]["email"]), (200, &json!("chen@example.com")));
    assert_eq!(body["tenant"]["surface"], "merchant");
    test.clock.advance(Span::minutes(15));
    assert_eq!(me(&test, &tokens["access_token"]).await.0, 401);
}

#[actix_web::test]
async fn guessing_is_slowed_down() {
    let test = TestApp::start().await;
    test.person(Surface::Merchant, "chen@example.com", Role::MerchantOwner).await;
    for _ in 0..3 {
        assert_eq!(log_in(&test, "chen@example.com", "wrong").await.0, 401);
    }
    assert_eq!(log_in(&test, "chen@example.com", PASSWORD).await.0, 429);
    test.clock.advance(Span::minutes(15));
    assert_eq!(log_in(&test, "chen@example.com", PASSWORD).await.0, 200);
}

#[actix_web::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let test = TestApp::start().await;
    test.person(Surface::Provider, "lin@example.com", Role::ProviderOwner).await;
    let (_, first) = log_in(&test, "lin@example.com", PASSWORD).await;
    let (status, second) = refresh(&test, &first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(me(&test, &second["access_token"]).await.0, 200);
    let (status, body) = refresh(&test, &first["refresh_token"]).await;
    assert_eq!((status.as_u16(), &body["code"]), (401, &json!("token_reused")));
    assert_eq!(me(&test, &second["access_token"]).await.0, 401, "the whole session has ended");
    assert_eq!(refresh(&test, &second["refresh_token"]).await.0, 401);
    assert_eq!(refresh(&test, &json!("x.y.z")).await.0, 401);
}

fn set_cookie<'a>(response: &'a ServiceResponse<impl MessageBody>, name: &str) -> Option<Cookie<'a>> {
    response.response().cookies().find(|cookie| cookie.name() == name)
}

fn token_in(html: &str) -> String {
    let rest = html.split("name=\"_csrf\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[actix_web::test]
async fn console_forms_need_their_token() {
    let test = TestApp::start().await;
    test.person(Surface::Merchant, "chen@example.com", Role::MerchantOwner).await;
    let app = init_service(build_app(test.state.clone())).await;

    let page = call!(app, TestRequest::get().uri("/console/merchant"));
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    assert_eq!(head(&page, header::LOCATION), "/console/login?next=%2Fconsole%2Fmerchant");

    let page = call!(app, TestRequest::get().uri("/console/login"));
    let visitor = set_cookie(&page, "qp_form").unwrap().into_owned();
    let html = String::from_utf8(read_body(page).await.to_vec()).unwrap();
    let token = token_in(&html);
    let form = |token: &str| {
        let fields = [("email", "chen@example.com"), ("password", PASSWORD), ("_csrf", token)];
        TestRequest::post().uri("/console/login").set_form(fields)
    };
    assert_eq!(call!(app, form(&token)).status(), 403, "without the visitor's cookie");
    assert_eq!(call!(app, form("0000").cookie(visitor.clone())).status(), 403, "with a wrong token");
    let entered = call!(app, form(&token).cookie(visitor));
    let home = head(&entered, header::LOCATION).to_owned();
    let seat = home.strip_prefix("/console/merchant~").unwrap();
    let session = set_cookie(&entered, &format!("qp_merchant_{seat}")).unwrap().into_owned();
    assert!(session.http_only() == Some(true));

    let plain = call!(app, TestRequest::get().uri("/console/merchant?x=1").cookie(session.clone()));
    assert_eq!(head(&plain, header::LOCATION), format!("{home}?x=1"));
    let home = call!(app, TestRequest::get().uri(&home).cookie(session.clone()));
    assert_eq!(home.status(), 200);
    let html = String::from_utf8(read_body(home).await.to_vec()).unwrap();
    assert!(html.contains("陈小满") && html.contains("山前小铺"));
    let own = token_in(&html);
    assert_ne!(own, token);

    let logout = |token: &str| {
        let request = TestRequest::post().uri("/console/merchant/logout").cookie(session.clone());
        request.set_form([("_csrf", token)])
    };
    assert_eq!(call!(app, logout("")).status(), 403);
    assert_eq!(call!(app, logout(&token)).status(), 403, "a visitor's token is not a session's");
    let api = TestRequest::post().uri("/api/v1/auth/logout").cookie(session.clone());
    problem(call!(app, api), 403, "csrf_failed").await;
    assert_eq!(call!(app, logout(&own)).status(), 303);
    let after = call!(app, TestRequest::get().uri("/console/merchant").cookie(session.clone()));
    assert_eq!(after.status(), 303);
}

#[actix_web::test]
async fn pages_speak_both_languages_and_errors_are_pages() {
    let test = TestApp::start().await;
    let app = init_service(build_app(test.state.clone())).await;
    for (lang, text) in [("zh", "登录后台"), ("en", "Log in to the console")] {
        let uri = format!("/console/login?lang={lang}");
        let page = call!(app, TestRequest::get().uri(&uri));
        assert_eq!(set_cookie(&page, "qp_lang").unwrap().value(), lang);
        let html = read_body(page).await;
        assert!(String::from_utf8_lossy(&html).contains(text));
    }
    for path in ["/console/nothing", "/api/docs", "/demo/mail", "/demo/design"] {
        let page = call!(app, TestRequest::get().uri(path));
        assert_eq!(page.status().is_success(), path != "/console/nothing", "{path}");
        let html = read_body(page).await;
        let html = String::from_utf8_lossy(&html);
        assert!(html.contains("<!doctype html>"), "{path}");
        assert_eq!(html.contains("<option value=\"b\" selected>Second</option>"), path == "/demo/design");
    }
}

async fn sample(_: Authed<perm::SelfRead, Json<Value>>) -> crate::error::Answer<super::describe::NoContent> {
    Ok(super::describe::NoContent)
}

async fn panics(_: Open) -> crate::error::Answer<super::describe::NoContent> {
    panic!("on purpose")
}

#[actix_web::test]
async fn a_panic_is_an_internal_error_of_one_request() {
    let test = TestApp::start().await;
    let mut routes = super::route::Routes::default();
    routes.api().get("/panics", panics, "x");
    let app = actix_web::App::new()
        .app_data(actix_web::web::Data::new(test.state.clone()))
        .configure(|config| routes.configure(config))
        .wrap(actix_web::middleware::from_fn(super::request::envelope));
    let app = init_service(app).await;
    let body = problem(call!(app, TestRequest::get().uri("/api/v1/panics")), 500, "internal").await;
    assert!(!body.to_string().contains("purpose"));
}

#[test]
fn the_policy_row_of_an_operation_comes_from_its_handler() {
    let mut routes = super::route::Routes::default();
    routes.api().post("/x", sample, "x");
    let entry = &routes.entries()[0];
    assert_eq!(entry.id, "sample");
    assert_eq!(entry.access, Access::Needs(qianpu_domain::access::Permission::SelfRead));
}

#[test]
fn operations_have_unique_names_and_only_listed_ones_are_public() {
    let routes = routes();
    let api = || routes.entries().iter().filter(|entry| entry.summary.is_some());
    let mut names = BTreeSet::new();
    let mut places = BTreeSet::new();
    for entry in api() {
        assert!(names.insert(entry.id), "two operations are called {}", entry.id);
        assert!(entry.path.starts_with(v1::PREFIX));
        assert_ne!(entry.method, Method::HEAD);
    }
    for entry in routes.entries() {
        assert!(places.insert((entry.method.to_string(), entry.path.clone())), "{} twice", entry.path);
    }
    let public: BTreeSet<_> =
        api().filter(|entry| entry.access == Access::Public).map(|entry| entry.id).collect();
    assert_eq!(public, v1::PUBLIC_OPERATIONS.iter().copied().collect());

    let document = serde_json::to_value(openapi::document(&routes)).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for entry in api() {
        let pointer = entry.path.replace('/', "~1");
        let method = entry.method.as_str().to_lowercase();
        let operation = document.pointer(&format!("/paths/{pointer}/{method}")).unwrap();
        assert_eq!(operation["operationId"], entry.id);
        let permission = match entry.access {
            // Another audience instead of a permission.
            Access::Public | Access::Buyer => Value::Null,
            Access::Needs(permission) => json!(permission.as_str()),
        };
        assert_eq!(operation["x-permission"], permission, "{}", entry.id);
    }
}
