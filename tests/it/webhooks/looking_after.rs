//! Looking after endpoints: secrets and their rotation, pausing, sending again, the log, and the pages.

use super::{ENDPOINTS, Told, happens, register, signed};
use qianpu_domain::access::Role;
use qianpu_domain::webhook::EventType;
use qianpu_tests::both;
use qianpu_tests::receiver::Reply;
use reqwest::Method;
use serde_json::json;

const HOUR: i64 = 3600;

both! {
    async fn after_a_rotation_both_secrets_sign_and_then_the_new_one_only(db: TestDb) {
        let told = Told::start(db).await;
        let rotated = told.owner.post(&told.at("/rotate_secret"), &json!({}), 200).await;
        let new = rotated.text("/secret");
        assert_ne!(new, told.secret);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        let message = &told.receiver.received()[0];
        let both = format!("{} {}", signed(&new, message), signed(&told.secret, message));
        assert_eq!(message.header("webhook-signature"), both);
        told.app.advance(24 * HOUR + 1);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        let message = &told.receiver.received()[1];
        assert_eq!(message.header("webhook-signature"), signed(&new, message));
        // A leaked secret ends at once.
        let owner = told.owner().await;
        let rotated = owner.post(&told.at("/rotate_secret"), &json!({ "overlap_hours": 0 }), 200).await;
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        let message = &told.receiver.received()[2];
        assert_eq!(message.header("webhook-signature"), signed(&rotated.text("/secret"), message));
        owner.post(&told.at("/rotate_secret"), &json!({ "overlap_hours": 169 }), 422).await;
        told.app.stop().await;
    }

    async fn a_secret_is_shown_once_and_stored_sealed(db: TestDb) {
        let told = Told::start(db).await;
        assert!(told.secret.starts_with("whsec_"));
        for path in [ENDPOINTS.to_owned(), told.at(""), told.at("/deliveries"), "/api/v1/jobs".to_owned()] {
            let shown = told.owner.get(&path, 200).await.body;
            assert!(!shown.contains("whsec_") && !shown.contains(&told.secret[6..]), "{path}");
        }
        let connection = qianpu_tests::postgres::connect(&told.app.db.superuser_url()).await.unwrap();
        use sea_orm::{ConnectionTrait, Statement};
        let rows = Statement::from_string(connection.get_database_backend(), "SELECT secret FROM webhook_endpoints");
        for row in connection.query_all_raw(rows).await.unwrap() {
            let stored: Vec<u8> = row.try_get("", "secret").unwrap();
            assert!(!String::from_utf8_lossy(&stored).contains(&told.secret[6..]));
        }
        connection.close().await.unwrap();
        told.app.stop().await;
    }

    async fn what_is_not_theirs_to_set_is_refused(db: TestDb) {
        let told = Told::start(db).await;
        let url = told.receiver.url();
        for (field, value) in [
            ("secret", json!("whsec_AAAA")), ("state", json!("disabled")), ("tenant_id", json!("ten_x")),
            ("version", json!(9)), ("failing_since", json!(null)), ("id", json!("whe_x")),
        ] {
            let mut body = json!({ "url": url, "event_types": ["*"] });
            body[field] = value.clone();
            assert_eq!(told.owner.post(ENDPOINTS, &body, 400).await.code(), "unknown_field", "{field}");
            let change = json!({ (field): value });
            assert_eq!(told.owner.patch(&told.at(""), &change, 400).await.code(), "unknown_field", "{field}");
        }
        // A merchant has no merchants, and does not hear of its provider's affairs.
        let wide = json!({ "url": url, "event_types": ["*"], "include_merchants": true });
        assert_eq!(told.owner.post(ENDPOINTS, &wide, 422).await.text("/errors/0/field"), "include_merchants");
        for types in [json!(["plan.created"]), json!(["order.nothing"]), json!([]), json!(["*", "order.paid"])] {
            let body = json!({ "url": url, "event_types": types });
            assert_eq!(told.owner.post(ENDPOINTS, &body, 422).await.text("/errors/0/field"), "event_types", "{types}");
        }
        // A role without the permission.
        let goods = told.app.person(&told.merchant, Role::MerchantManager).await;
        goods.get(ENDPOINTS, 403).await;
        goods.post(&told.at("/test"), &json!({}), 403).await;
        told.app.stop().await;
    }

    async fn an_endpoint_is_changed_paused_tested_and_deleted(db: TestDb) {
        let told = Told::start(db).await;
        let change = json!({ "event_types": ["order.shipped", "order.shipped"], "description": "仓库" });
        let stale = told.owner.send(Method::PATCH, &told.at(""), Some(&change), &[("If-Match", "\"9\"")], 409).await;
        assert_eq!(stale.code(), "version_conflict");
        let changed = told.owner.patch(&told.at(""), &change, 200).await;
        assert_eq!((changed.json("/event_types"), changed.number("/version")), (json!(["order.shipped"]), 2));
        told.happens(EventType::OrderPaid).await;
        // A test goes there whatever the types are.
        let test = told.owner.post(&told.at("/test"), &json!({}), 202).await;
        told.app.run_jobs().await;
        let received = told.receiver.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].json()["type"], "webhook.test");
        // A delivered one is sent again with the same id.
        let again = told.at(&format!("/deliveries/{}/replay", test.text("/id")));
        told.owner.post(&again, &json!({}), 202).await;
        assert_eq!(told.owner.post(&again, &json!({}), 409).await.code(), "webhook_delivery_waits");
        told.app.run_jobs().await;
        let received = told.receiver.received();
        assert_eq!(received[1].header("webhook-id"), received[0].header("webhook-id"));
        // Paused: what was under way is laid aside, nothing new is made.
        told.receiver.answer([Reply::Status(500)]);
        told.happens(EventType::OrderShipped).await;
        told.app.run_jobs().await;
        told.owner.post(&told.at("/pause"), &json!({}), 200).await;
        assert_eq!(told.owner.post(&again, &json!({}), 409).await.code(), "webhook_endpoint_inactive");
        told.happens(EventType::OrderShipped).await;
        told.app.advance(HOUR);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 3);
        let owner = told.owner().await;
        let failed = owner.get(&told.at("/deliveries?state=failed"), 200).await;
        assert_eq!(failed.text("/items/0/last_error"), "endpoint_paused");
        owner.delete(&told.at(""), 204).await;
        owner.get(&told.at(""), 404).await;
        owner.get(&told.at("/deliveries"), 404).await;
        let words: Vec<String> = audit_words(&told).await;
        for word in ["created", "changed", "tested", "deleted"] {
            assert!(words.contains(&format!("webhook_endpoint.{word}")), "{word} in {words:?}");
        }
        assert!(words.contains(&"webhook_delivery.replayed".to_owned()));
        told.app.stop().await;
    }

    async fn the_log_is_kept_for_thirty_days(db: TestDb) {
        let told = Told::start(db).await;
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        told.app.advance(29 * 24 * HOUR);
        told.app.run_jobs().await;
        assert_eq!(told.delivery().await["event_type"], "order.paid");
        told.happens(EventType::OrderShipped).await;
        told.app.run_jobs().await;
        for _ in 0..3 {
            told.app.advance(24 * HOUR);
            told.app.run_jobs().await;
        }
        let left = told.owner().await.get(&told.at("/deliveries"), 200).await.json("/items");
        assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
        assert_eq!(left[0]["event_type"], "order.shipped");
        // A deleted endpoint is gone with its log.
        told.owner().await.delete(&told.at(""), 204).await;
        told.app.advance(24 * HOUR);
        told.app.run_jobs().await;
        let connection = qianpu_tests::postgres::connect(&told.app.db.superuser_url()).await.unwrap();
        use sea_orm::{ConnectionTrait, Statement};
        for table in ["webhook_endpoints", "webhook_deliveries", "webhook_attempts"] {
            let sql = format!("SELECT tenant_id FROM {table}");
            let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
            assert!(rows.unwrap().is_empty(), "{table}");
        }
        connection.close().await.unwrap();
        told.app.stop().await;
    }

    async fn a_tenant_has_a_bounded_number_of_endpoints(db: TestDb) {
        let told = Told::start(db).await;
        for number in 1..20 {
            register(&told.owner, &format!("{}?{number}", told.receiver.url()), &json!(["*"])).await;
        }
        let body = json!({ "url": told.receiver.url(), "event_types": ["*"] });
        assert_eq!(told.owner.post(ENDPOINTS, &body, 422).await.text("/errors/0/code"), "too_many");
        told.app.stop().await;
    }

    async fn the_pages_do_what_the_api_does(db: TestDb) {
        let told = Told::start(db).await;
        let visitor = told.app.visitor(&told.merchant, Role::MerchantOwner).await;
        let home = "/console/merchant/webhooks";
        let get = async |path: &str| {
            let cookie = [("Cookie", visitor.cookie.as_str())];
            visitor.client.try_send(Method::GET, path, None, &cookie).await
        };
        let post = async |path: &str, fields: &[(&str, &str)]| {
            let mut all = vec![("_csrf", visitor.form_token.as_str())];
            all.extend_from_slice(fields);
            let request = visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie).form(&all);
            qianpu_tests::http::Answer::of(request.send().await.unwrap()).await
        };
        let list = get(home).await;
        assert!(list.status == 200 && list.body.contains(&told.receiver.url()), "{}", list.body);
        // Refused, with what was typed; then made, with the secret this once.
        let wrong = post(&format!("{home}/new"), &[("url", "ftp://x"), ("event_types", "order.paid")]).await;
        assert!(wrong.status == 422 && wrong.body.contains("ftp://x") && wrong.body.contains("https://"), "{}", wrong.body);
        let url = format!("{}?page", told.receiver.url());
        let made = post(&format!("{home}/new"), &[("url", &url), ("event_types", "order.paid")]).await;
        assert!(made.status == 200 && made.body.contains("whsec_"), "{}", made.body);
        let one = format!("{home}/{}", told.id);
        assert_eq!(post(&format!("{one}/test"), &[]).await.status, 303);
        told.app.run_jobs().await;
        let page = get(&one).await;
        assert!(page.status == 200 && page.body.contains("webhook.test") && !page.body.contains("whsec_"), "{}", page.body);
        let delivery = told.delivery().await["id"].as_str().unwrap().to_owned();
        let log = get(&format!("{one}/deliveries/{delivery}")).await;
        assert!(log.status == 200 && log.body.contains("204"), "{}", log.body);
        assert_eq!(post(&format!("{one}/deliveries/{delivery}/replay"), &[]).await.status, 303);
        for (path, status) in [("pause", 303), ("test", 422), ("resume", 303), ("rotate", 200), ("replay_failed", 422), ("delete", 303)] {
            assert_eq!(post(&format!("{one}/{path}"), &[]).await.status, status, "{path}");
        }
        assert_eq!(get(&one).await.status, 404);
        assert_eq!(get(&format!("{home}/new")).await.status, 200);
        told.app.stop().await;
    }

    async fn a_replay_does_not_wait_for_the_try_that_was_planned(db: TestDb) {
        let told = Told::start(db).await;
        told.receiver.answer([Reply::Status(500), Reply::Status(500), Reply::Status(500)]);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        told.app.advance(6);
        told.app.run_jobs().await;
        // Laid aside while its next try is minutes away, then sent again: at once, and only once.
        told.owner.post(&told.at("/pause"), &json!({}), 200).await;
        told.owner.post(&told.at("/resume"), &json!({}), 200).await;
        let id = told.delivery().await["id"].as_str().unwrap().to_owned();
        told.owner.post(&told.at(&format!("/deliveries/{id}/replay")), &json!({}), 202).await;
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 3);
        assert_eq!(told.delivery().await["attempt"], 1);
        told.app.advance(6);
        told.app.run_jobs().await;
        told.app.advance(HOUR);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 4, "the old job found that another had it");
        told.app.stop().await;
    }

    async fn what_happened_before_there_was_an_endpoint_is_not_told(db: TestDb) {
        let told = Told::start(db).await;
        let later = told.app.merchant(&told.provider, "后来").await;
        happens(&told.app, &later, EventType::OrderPaid, 1).await;
        let owner = told.app.person(&later, Role::MerchantOwner).await;
        register(&owner, &told.receiver.url(), &json!(["*"])).await;
        told.app.run_jobs().await;
        assert!(told.receiver.received().is_empty());
        told.app.stop().await;
    }
}

async fn audit_words(told: &Told) -> Vec<String> {
    let tx = told.app.state.db.read(&told.merchant).await.unwrap();
    let page = qianpu_tenants::page::PageRequest::first(100);
    let entries = qianpu_tenants::audit::audit_list(&tx, Some(&told.id), page).await.unwrap();
    entries.items.into_iter().map(|entry| entry.action).collect()
}
