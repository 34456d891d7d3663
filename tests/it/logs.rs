//! What the program writes about its work: lines for machines that nobody can forge, without anything confidential.

use qianpu_domain::access::Role;
use qianpu_tenants::clock::Clock;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::Client;
use qianpu_tests::program::{Program, run};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Stdio;

/// The process whose log is read.
#[test]
#[ignore = "a process of its own, started by the tests of this module"]
fn program() {
    run();
}

both! {
    async fn nothing_confidential_is_logged_and_no_line_is_forged(db: TestDb) {
        let goods = Goods::start_on(TestApp::start_with(db, Clock::ahead(), &[]).await).await;
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let log = Stdio::from(std::fs::File::create(&path).unwrap());
        // Nobody listens there: the platform's failure is logged as well.
        let settings = [("QIANPU__LOG__FORMAT", "json"), ("QIANPU__LOG__FILTER", "debug,sqlx=info"),
            ("QIANPU__CHANNELS__WECHAT_API_URL", "http://127.0.0.1:9")];
        let mut program = Program::serve_logging(&goods.app, "logs::program", "serve", &settings, log).await;
        let owner = program.client_of(&goods.owner);
        let nobody = Client::new(&program.base_url);

        let (password, phone, secret) = ("correct-horse-battery", "13912345678", "a-very-secret-app-secret");
        let forged = "x@b.test\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[31m";
        for email in ["lin@example.test", forged] {
            let body = json!({ "email": email, "password": password });
            let answer = nobody.try_send(Method::POST, "/api/v1/auth/login", Some(&body), &[]).await;
            assert!((400..500).contains(&answer.status), "{}", answer.body);
        }
        nobody.try_send(Method::GET, "/s/%0d%0aforged-path%1b[31m/", None, &[("User-Agent", "forged-agent")]).await;
        owner.get(&format!("/api/v1/orders?q={phone}"), 200).await;
        let account = json!({ "shop_id": goods.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
            "app_id": "wx0000000000000001", "secret": secret, "token": "PushTokenOfOurs",
            "encoding_aes_key": "A".repeat(43), "format": "json" });
        let linked = owner.try_send(Method::POST, "/api/v1/channel_accounts/direct", Some(&account), &[]).await;
        assert_eq!(linked.status, 503, "{}", linked.body);
        let provider = goods.app.person(&goods.provider, Role::ProviderOwner).await;
        program.client_of(&provider).get("/api/v1/merchants", 200).await;
        program.kill();

        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        assert!(lines.iter().any(|line| line.contains("\"status\":200")), "requests are logged:\n{text}");
        for line in &lines {
            let parsed = serde_json::from_str::<Value>(line);
            let known = parsed.as_ref().is_ok_and(|line| line["level"].is_string() && line["message"] != "forged");
            assert!(known, "not a line of the log: {line}");
            assert!(!line.contains('\u{1b}'), "a control character: {line}");
        }
        let hidden = [password, phone, secret, "PushTokenOfOurs", goods.owner.token().unwrap(), "password_hash"];
        for secret in hidden {
            assert!(!text.contains(secret), "the log holds {secret}");
        }
        assert!(!text.contains("forged-path") && !text.contains("?q="), "paths and queries are patterns only");
        goods.app.stop().await;
    }
}
