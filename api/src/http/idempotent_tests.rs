//! One effect per key, whatever is sent again.

use super::extract::{Authed, IdempotencyKey, Json};
use super::idempotent::{Once, once};
use super::route::Routes;
use crate::app::auth::{LogIn, log_in};
use crate::error::{Answer, ApiError};
use crate::test_app::{PASSWORD, TestApp};
use actix_web::http::header;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::web;
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::audit::{audit_append, audit_list};
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use serde_json::{Value, json};
use uuid::Uuid;

async fn pay(auth: Authed<perm::MoneyMove, (IdempotencyKey, Json<Value>)>) -> Answer<Once<Value, 201>> {
    let Authed { call, grant, input: (key, Json(body)), .. } = auth;
    once(&call, &grant, &key, async |tx| {
        audit_append(tx, AuditAction::ReceiptDeclared, "test", "x", body.clone()).await?;
        if body["refuse"] == true {
            return Err(ApiError::new(ErrorCode::Conflict));
        }
        Ok(json!({"paid": body["amount"]}))
    })
    .await
}

#[actix_web::test]
async fn a_repeated_command_has_one_effect() {
    let test = TestApp::start().await;
    let ctx = test.person(Surface::Merchant, "chen@example.com", Role::MerchantOwner).await;
    let mut routes = Routes::default();
    routes.api().post("/pay", pay, "x");
    let app = actix_web::App::new()
        .app_data(web::Data::new(test.state.clone()))
        .configure(|config| routes.configure(config))
        .wrap(actix_web::middleware::from_fn(super::request::envelope));
    let app = init_service(app).await;
    let command = LogIn {
        within: None,
        email: "chen@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        address: String::new(),
        user_agent: String::new(),
    };
    let tokens = log_in(&test.state, RequestId(Uuid::nil()), &command).await.unwrap();
    let send = async |key: Option<&str>, body: Value| {
        let bearer = (header::AUTHORIZATION, format!("Bearer {}", tokens.access_token));
        let mut request = TestRequest::post().uri("/api/v1/pay").insert_header(bearer).set_json(body);
        if let Some(key) = key {
            request = request.insert_header(("Idempotency-Key", key));
        }
        let response = call_service(&app, request.to_request()).await;
        let replayed = response.headers().contains_key("idempotency-replayed");
        (response.status().as_u16(), replayed, read_body_json::<Value, _>(response).await)
    };
    let one = json!({"amount": 1});
    assert_eq!(send(None, one.clone()).await.2["code"], "idempotency_key_missing");
    assert_eq!(send(Some(" "), one.clone()).await.2["code"], "idempotency_key_invalid");
    assert_eq!(send(Some("k"), json!({"refuse": true})).await.0, 409);
    assert_eq!(send(Some("k"), one.clone()).await, (201, false, json!({"paid": 1})), "a refusal is not kept");
    assert_eq!(send(Some("k"), one.clone()).await, (201, true, json!({"paid": 1})));
    assert_eq!(send(Some("k"), json!({"amount": 2})).await.2["code"], "idempotency_key_reused");

    let tx = test.state.db.read(&ctx).await.unwrap();
    let entries = audit_list(&tx, Some("x"), PageRequest::first(9)).await.unwrap();
    assert_eq!(entries.items.len(), 1);
}
