//! A merchant brought back by upload, by the operator's people, with a report and reasons people can read.

use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::{Client, http_client};
use qianpu_tests::onboarding::PASSWORD;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::restores::{empty, second, small};

/// Uploads an archive; the status and what was said.
async fn uploaded(
    app: &qianpu_tests::app::TestApp,
    by: &Client,
    provider: &str,
    archive: &[u8],
) -> (u16, Value) {
    let form = Form::new().part("file", Part::bytes(archive.to_vec()).file_name("merchant.tar"));
    let at = format!("{}/api/v1/providers/{provider}/restorations", app.base_url);
    let token = by.token().expect("a token");
    let answer = http_client()
        .post(at)
        .bearer_auth(token)
        .header("accept-language", "en")
        .multipart(form)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

both! {
    async fn the_operator_brings_a_merchant_back_by_upload(db: TestDb) {
        let Some(other) = second(db.backend(), "restorations::by_upload").await else { return };
        let (goods, _, archive) = small(db).await;
        let app = empty(other).await;
        let operator = app.person(&app.operator().await, Role::OperatorOwner).await;
        let provider = operator.get("/api/v1/providers", 200).await.text("/items/0/id");
        let at = format!("/api/v1/providers/{provider}/restorations");
        // Who may not: the provider itself, and for a provider that is not there nobody.
        let owner = app.api("owner@lvshan.example", "a password for tests").await;
        assert!(matches!(uploaded(&app, &owner, &provider, &archive).await.0, 403 | 404));
        assert_eq!(uploaded(&app, &operator, "ten_0000000000007000800000000000ffff", &archive).await.0, 404);
        // What is no archive is refused with a reason, and nothing is there.
        let (status, said) = uploaded(&app, &operator, &provider, &[7; 4096]).await;
        assert_eq!((status, &said["errors"][0]["field"]), (422, &json!("file")), "{said}");
        assert!(said["errors"][0]["detail"].as_str().unwrap().contains("cannot be read"), "{said}");
        // Not while the provider is stopped.
        operator.post(&format!("/api/v1/providers/{provider}/suspend"), &json!({ "reason": "欠费" }), 200).await;
        assert_eq!(uploaded(&app, &operator, &provider, &archive).await.0, 409);
        operator.post(&format!("/api/v1/providers/{provider}/resume"), &json!({}), 200).await;
        // It comes, once.
        let (status, report) = uploaded(&app, &operator, &provider, &archive).await;
        assert_eq!((status, &report["merchant_id"]), (201, &json!(goods.merchant.tenant().to_string())), "{report}");
        assert!(report["rows"].as_u64().unwrap() > 10 && report["files"] == json!(1), "{report}");
        assert!(report["remarks"].to_string().contains("new password"), "{report}");
        let (status, said) = uploaded(&app, &operator, &provider, &archive).await;
        assert_eq!(status, 422);
        assert!(said["errors"][0]["detail"].as_str().unwrap().contains("is here already"), "{said}");
        let owner = app.api("owner@lvshan.example", "a password for tests").await;
        let merchants = owner.get("/api/v1/merchants", 200).await;
        assert!(merchants.body.contains(&goods.merchant.tenant().to_string()), "{}", merchants.body);
        // The list, and the logs of the operator and of the provider; reasons stay out of them.
        let listed = operator.get(&at, 200).await;
        let states: Vec<String> = (0..3).map(|n| listed.text(&format!("/items/{n}/state"))).collect();
        assert_eq!(states, ["refused", "restored", "refused"], "{}", listed.body);
        for client in [&operator, &owner] {
            let found = client.get("/api/v1/audit_entries?action=merchant.restored", 200).await;
            assert_eq!(found.text("/items/0/target/id"), goods.merchant.tenant().to_string(), "{}", found.body);
            let found = client.get("/api/v1/audit_entries?action=merchant.restore_refused", 200).await;
            assert_eq!(found.json("/items/0/detail"), json!({ "reasons": 1, "by": "operator" }));
        }
        // No archive is left behind.
        let left = std::fs::read_dir(&app.state.config.app.data_dir).unwrap().filter_map(Result::ok);
        assert!(!left.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with(".tmp")));
        app.stop().await;
        goods.app.stop().await;
    }

    async fn it_works_by_page_and_says_why_not(db: TestDb) {
        let Some(other) = second(db.backend(), "restorations::by_page").await else { return };
        let (goods, _, archive) = small(db).await;
        let app = empty(other).await;
        qianpu_api::app::setup::add_operator(&app.state, &qianpu_api::app::setup::NewPerson {
            email: "ops@qianpu.test", name: "江川", password: PASSWORD, locale: "zh", role: Role::OperatorOwner,
        }).await.unwrap();
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "ops@qianpu.test"), ("password", PASSWORD)], 200).await;
        let operator = app.person(&app.operator().await, Role::OperatorOwner).await;
        let provider = operator.get("/api/v1/providers", 200).await.text("/items/0/id");
        let at = format!("/console/operator/providers/{provider}/restore");
        browser.open(&format!("/console/operator/providers/{provider}"), 200).await;
        assert!(browser.html.contains(&at), "the way there");
        browser.open(&at, 200).await;
        browser.upload(&at, &[], b"no archive", 422).await;
        assert!(browser.html.contains("归档文件不完整、被改动过"), "{}", browser.html);
        browser.upload(&at, &[], &archive, 200).await;
        let name = goods.merchant.tenant().to_string();
        assert!(browser.html.contains(&name) && browser.html.contains("已恢复"), "{}", browser.html);
        browser.upload(&at, &[], &archive, 422).await;
        assert!(browser.html.contains("已在本平台"), "{}", browser.html);
        app.stop().await;
        goods.app.stop().await;
    }
}
