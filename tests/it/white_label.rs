//! White label: a provider's brand on its application page and in its mails, and its own mail server.

use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::{PASSWORD, PNG};
use qianpu_tests::smtp::Smtp;
use reqwest::Method;
use serde_json::{Value, json};

const BRAND: &str = "/api/v1/brand";
const SENDER: &str = "/api/v1/mail_sender";

fn brand(name: &str) -> Value {
    json!({ "name": name, "colour": "#0b7a75", "accent": "#0a5f5b", "support_email": "help@yunfan.test" })
}

fn sender(port: u16, host: &str) -> Value {
    json!({ "host": host, "port": port, "security": "none", "user_name": "", "password": null,
        "from_address": "hello@yunfan.test" })
}

async fn invite(owner: &Client, email: &str) {
    let body = json!({ "email": email, "name": "许禾", "role": "provider_support", "locale": "zh" });
    owner.post("/api/v1/staff_invitations", &body, 201).await;
}

both! {
    async fn a_brand_stands_on_the_application_page_and_in_mails(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await;
        let other = app.onboarded_provider("haitang").await;
        let owner = &provider.owner;
        owner.get(BRAND, 404).await;
        let plain = app.anonymous().get("/apply/yunfan", 200).await;
        assert!(!plain.body.contains("/brand/yunfan/"), "no brand, no style sheet");
        // What cannot be read is refused, with its contrast.
        let light = json!({ "name": "云帆", "colour": "#ffff00", "accent": "#8888ff" });
        let refused = owner.put(BRAND, &light, 422).await;
        assert_eq!((refused.text("/errors/0/field"), refused.text("/errors/1/field")), ("colour".into(), "accent".into()));
        // A foreign file, or one that is none, is no logo.
        let mut with_logo = brand("云帆科技");
        with_logo["logo_id"] = json!("med_019cac461500704290be778dccb60fdd");
        assert_eq!(owner.put(BRAND, &with_logo, 422).await.text("/errors/0/field"), "logo_id");
        let file = reqwest::multipart::Part::bytes(PNG).file_name("logo.png");
        let form = reqwest::multipart::Form::new().text("purpose", "picture").part("file", file);
        let stored = owner.request(Method::POST, "/api/v1/media").multipart(form).send().await.unwrap();
        let stored: Value = stored.json().await.unwrap();
        with_logo["logo_id"] = stored["id"].clone();
        assert_eq!(other.owner.put(BRAND, &with_logo, 422).await.text("/errors/0/field"), "logo_id");
        assert_eq!(owner.put(BRAND, &with_logo, 200).await.number("/version"), 1);
        // Left out, the logo stays.
        let again = owner.put(BRAND, &brand("云帆科技"), 200).await;
        assert_eq!((again.number("/version"), again.json("/logo_id")), (2, stored["id"].clone()));
        let page = app.anonymous().get("/apply/yunfan", 200).await.body;
        assert!(page.contains("云帆科技") && page.contains("/brand/yunfan/style.css?v&#x3D;2"), "{page}");
        assert!(page.contains("help@yunfan.test") && page.contains("/brand/yunfan/logo?v&#x3D;2"), "{page}");
        let style = app.anonymous().get("/brand/yunfan/style.css", 200).await;
        assert!(style.body.contains("--brand: #0b7a75"), "{}", style.body);
        app.anonymous().get("/brand/yunfan/logo", 200).await;
        for nothing in ["/brand/haitang/style.css", "/brand/haitang/logo", "/brand/nobody/logo"] {
            app.anonymous().get(nothing, 404).await;
        }
        assert!(!app.anonymous().get("/apply/haitang", 200).await.body.contains("云帆"));
        // Mails of the provider carry it, mails of another one do not.
        invite(owner, "xu@yunfan.test").await;
        invite(&other.owner, "xu@haitang.test").await;
        app.run_jobs().await;
        let mail = app.smtp.nth_to("xu@yunfan.test", 1).await.readable();
        assert!(mail.contains("#0b7a75") && mail.contains("/brand/yunfan/logo") && mail.contains("help@yunfan.test"), "{mail}");
        let mail = app.smtp.nth_to("xu@haitang.test", 1).await.readable();
        assert!(!mail.contains("#0b7a75") && !mail.contains("yunfan"), "{mail}");
        provider.reviewer.get(BRAND, 403).await;
        app.stop().await;
    }

    async fn mails_go_through_the_own_server_and_fall_back_when_it_breaks(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await;
        let owner = &provider.owner;
        owner.post(&format!("{SENDER}/test"), &json!({}), 404).await;
        let own = Smtp::start().await;
        let port = own.address.port();
        let set = owner.put(SENDER, &sender(port, "127.0.0.1"), 200).await;
        assert_eq!((set.text("/state"), set.json("/has_password")), ("untested".into(), json!(false)));
        // Not before a test mail went through.
        invite(owner, "one@yunfan.test").await;
        app.run_jobs().await;
        assert_eq!(app.smtp.nth_to("one@yunfan.test", 1).await.from, "no-reply@localhost");
        assert_eq!(owner.post(&format!("{SENDER}/test"), &json!({}), 200).await.text("/state"), "working");
        own.nth_to("owner@yunfan.test", 1).await;
        invite(owner, "two@yunfan.test").await;
        app.run_jobs().await;
        assert_eq!(own.nth_to("two@yunfan.test", 1).await.from, "hello@yunfan.test");
        // It breaks: the mail goes out all the same, and the provider sees why.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        owner.put(SENDER, &sender(gone, "127.0.0.1"), 200).await;
        let failed = owner.post(&format!("{SENDER}/test"), &json!({}), 200).await;
        assert_eq!(failed.text("/state"), "broken");
        assert!(!failed.text("/error").is_empty());
        invite(owner, "three@yunfan.test").await;
        app.run_jobs().await;
        app.smtp.nth_to("three@yunfan.test", 1).await;
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "owner@yunfan.test"), ("password", PASSWORD)], 200).await;
        browser.open("/console/provider/brand", 200).await;
        assert!(browser.html.contains("notice-warning"), "{}", browser.html);
        // Taken back.
        owner.delete(SENDER, 204).await;
        owner.get(SENDER, 404).await;
        app.stop().await;
    }

    async fn a_password_is_sealed_and_goes_to_its_own_server_only(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await;
        let owner = &provider.owner;
        let mut body = sender(587, "127.0.0.1");
        body["user_name"] = json!("yunfan");
        body["password"] = json!("a very secret word");
        let set = owner.put(SENDER, &body, 200).await;
        assert!(!set.body.contains("secret"), "{}", set.body);
        let shown = owner.get(SENDER, 200).await;
        assert!(!shown.body.contains("secret") && shown.json("/has_password") == json!(true), "{}", shown.body);
        assert!(!qianpu_tests::rows::whole(&app.db).await.contains("a very secret word"), "the password is stored sealed");
        body["password"] = Value::Null;
        body["from_address"] = json!("other@yunfan.test");
        assert_eq!(owner.put(SENDER, &body, 200).await.json("/has_password"), json!(true));
        body["host"] = json!("localhost");
        assert_eq!(owner.put(SENDER, &body, 200).await.json("/has_password"), json!(false));
        app.stop().await;
    }

    async fn a_mail_server_inside_is_refused_outside_development(db: TestDb) {
        let key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let settings = [
            ("QIANPU__APP__PROFILE", "production"), ("QIANPU__APP__PUBLIC_URL", "https://127.0.0.1"),
            ("QIANPU__KEYS__TOKEN_SECRET", key), ("QIANPU__KEYS__MASTER_KEY", key),
        ];
        let clock = qianpu_tenants::clock::Clock::fixed(qianpu_domain::time::Timestamp::from_seconds(qianpu_tests::app::BEGIN));
        let app = TestApp::start_with(db, clock, &settings).await;
        let provider = app.provider("甲服务商").await;
        let owner = app.person(&provider, Role::ProviderOwner).await;
        for host in ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1", "192.168.1.1"] {
            let mut body = sender(587, host);
            body["security"] = json!("starttls");
            let refused = owner.put(SENDER, &body, 422).await;
            assert_eq!(refused.text("/errors/0/field"), "host", "{host}");
        }
        let mut body = sender(22, "127.0.0.1");
        body["security"] = json!("none");
        let refused = owner.put(SENDER, &body, 422).await.json("/errors");
        let fields: Vec<&str> = refused.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["host", "port", "security"]);
        app.stop().await;
    }

    async fn a_brand_is_set_by_page(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("yunfan").await;
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "owner@yunfan.test"), ("password", PASSWORD)], 200).await;
        browser.open("/console/provider/brand", 200).await;
        let at = "/console/provider/brand";
        let fields = [("name", "云帆科技"), ("colour", "#0b7a75"), ("accent", "#ffff00"), ("support_email", ""), ("support_phone", "400-1")];
        browser.upload(at, &fields, PNG, 422).await;
        assert!(browser.html.contains("field-error"), "{}", browser.html);
        let good = fields.map(|(name, value)| (name, if name == "accent" { "#0a5f5b" } else { value }));
        browser.upload(at, &good, PNG, 200).await;
        assert!(browser.html.contains("/brand/yunfan/logo?v&#x3D;1"), "{}", browser.html);
        // A form without a file leaves the logo.
        browser.upload(at, &good, b"", 200).await;
        assert!(browser.html.contains("/brand/yunfan/logo?v&#x3D;2"), "{}", browser.html);
        browser.submit(&format!("{at}/sender"), &[("host", ""), ("port", "x"), ("security", "starttls"), ("from_address", "no")], 422).await;
        app.stop().await;
    }
}
