//! A person's own log-in: the forgotten password, changing it, and sessions. Whoever knew the old one is out.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::onboarding::PASSWORD;
use serde_json::json;

const EMAIL: &str = "owner@qianshan.test";
const NEW: &str = "another-password-1";

async fn mail(app: &TestApp, nth: usize) -> String {
    app.run_jobs().await;
    app.smtp.nth_to(EMAIL, nth).await.readable()
}

/// The token of the link in the n-th mail to the person.
async fn token_of(app: &TestApp, nth: usize) -> String {
    let text = mail(app, nth).await;
    let after = text.split("/console/reset/").nth(1).unwrap_or_else(|| panic!("no link in {text}"));
    after.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap().to_owned()
}

async fn log_in(app: &TestApp, password: &str, expected: u16) {
    app.anonymous()
        .post("/api/v1/auth/login", &json!({ "email": EMAIL, "password": password }), expected)
        .await;
}

async fn ask(app: &TestApp, email: &str) {
    app.anonymous().post("/api/v1/auth/password_resets", &json!({ "email": email }), 204).await;
}

async fn complete(app: &TestApp, token: &str, password: &str, expected: u16) {
    let body = json!({ "token": token, "password": password });
    app.anonymous().post("/api/v1/auth/password_resets/complete", &body, expected).await;
}

both! {
    async fn a_forgotten_password_is_set_anew_by_mail(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let owner = app.api(EMAIL, PASSWORD).await;
        // The answer says nothing about who has a log-in.
        ask(&app, "nobody@qianshan.test").await;
        ask(&app, &EMAIL.to_uppercase()).await;
        let first = token_of(&app, 1).await;
        // A newer link ends the older one.
        ask(&app, EMAIL).await;
        let second = token_of(&app, 2).await;
        complete(&app, &first, NEW, 404).await;
        complete(&app, &second, "short", 422).await;
        complete(&app, "made-up", NEW, 404).await;
        complete(&app, &second, NEW, 204).await;
        complete(&app, &second, "third-password-1", 404).await;
        // The old password, and whoever used it, are out.
        owner.get("/api/v1/me", 401).await;
        log_in(&app, PASSWORD, 401).await;
        log_in(&app, NEW, 200).await;
        let told = mail(&app, 3).await;
        assert!(told.contains("/console/forgot"), "{told}");
        let others = app.smtp.mails().into_iter().filter(|mail| mail.to != [EMAIL]).count();
        assert_eq!(others, 0);
        // Too old.
        ask(&app, EMAIL).await;
        let late = token_of(&app, 4).await;
        app.advance(3601);
        complete(&app, &late, "third-password-1", 404).await;
        app.stop().await;
    }

    async fn somebody_who_asks_too_often_waits(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let mut last = 0;
        for _ in 0..40 {
            let body = json!({ "email": EMAIL });
            let answer = app.anonymous().try_send(reqwest::Method::POST, "/api/v1/auth/password_resets", Some(&body), &[]).await;
            last = answer.status;
            if last == 429 {
                break;
            }
        }
        assert_eq!(last, 429);
        // The log-in itself is not locked by it.
        log_in(&app, PASSWORD, 200).await;
        app.stop().await;
    }

    async fn a_changed_password_ends_the_other_sessions(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (here, there) = (app.api(EMAIL, PASSWORD).await, app.api(EMAIL, PASSWORD).await);
        let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
        let wrong = here.put("/api/v1/me/password", &change("not-it-at-all", NEW), 422).await;
        assert_eq!(wrong.text("/errors/0/field"), "current_password");
        here.put("/api/v1/me/password", &change(PASSWORD, "short"), 422).await;
        here.put("/api/v1/me/password", &change(PASSWORD, NEW), 204).await;
        here.get("/api/v1/me", 200).await;
        there.get("/api/v1/me", 401).await;
        log_in(&app, NEW, 200).await;

        // Sessions are seen and ended by their own person only.
        let sessions = here.get("/api/v1/me/sessions", 200).await.json("/items");
        let sessions = sessions.as_array().unwrap();
        assert_eq!(sessions.len(), 2, "{sessions:?}");
        let current: Vec<bool> = sessions.iter().map(|one| one["current"].as_bool().unwrap()).collect();
        assert_eq!(current.iter().filter(|current| **current).count(), 1);
        let other = sessions.iter().find(|one| one["current"] == false).unwrap()["id"].as_str().unwrap();
        provider.reviewer.delete(&format!("/api/v1/me/sessions/{other}"), 404).await;
        here.delete(&format!("/api/v1/me/sessions/{other}"), 204).await;
        here.delete(&format!("/api/v1/me/sessions/{other}"), 404).await;
        assert_eq!(here.get("/api/v1/me/sessions", 200).await.json("/items").as_array().unwrap().len(), 1);
        app.stop().await;
    }

    async fn the_pages_do_the_same(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let mut somebody = Browser::new(&app.base_url);
        assert!(somebody.open("/console/login?lang=zh", 200).await.contains("/console/forgot"));
        somebody.open("/console/forgot", 200).await;
        let sent = somebody.submit("/console/forgot", &[("email", EMAIL)], 200).await;
        assert!(sent.contains("邮件已经发出"), "{sent}");
        let at = format!("/console/reset/{}", token_of(&app, 1).await);
        somebody.open(&at, 200).await;
        let differ = somebody.submit(&at, &[("password", NEW), ("repeated", "other")], 422).await;
        assert!(differ.contains("两次输入的密码不一致") && !differ.contains(NEW), "{differ}");
        let done = somebody.submit(&at, &[("password", NEW), ("repeated", NEW)], 200).await;
        assert!(done.contains("新密码已生效"), "{done}");
        assert!(somebody.open(&at, 200).await.contains("链接已失效"));

        somebody.open("/console/login", 200).await;
        somebody.submit("/console/login", &[("email", EMAIL), ("password", NEW)], 200).await;
        let elsewhere = app.api(EMAIL, NEW).await;
        let page = somebody.open("/console/provider/account", 200).await;
        assert!(page.contains(EMAIL) && page.contains("接口程序"), "{page}");
        let password = "/console/provider/account/password";
        let wrong = [("current_password", "not-it-at-all"), ("new_password", PASSWORD), ("repeated", PASSWORD)];
        let refused = somebody.submit(password, &wrong, 422).await;
        assert!(refused.contains("当前密码不正确") && !refused.contains("not-it-at-all"), "{refused}");
        let ended = somebody.submit("/console/provider/account/sessions/end_others", &[], 200).await;
        assert!(ended.contains("已退出 1 个设备"), "{ended}");
        elsewhere.get("/api/v1/me", 401).await;
        let right = [("current_password", NEW), ("new_password", PASSWORD), ("repeated", PASSWORD)];
        assert!(somebody.submit(password, &right, 200).await.contains("密码已修改"));
        log_in(&app, PASSWORD, 200).await;
        app.stop().await;
    }
}
