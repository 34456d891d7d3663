//! Another log-in e-mail: the new address confirms, the old one can stop it and undo it, and nobody learns who has a
//! log-in.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::totp::Authenticator;
use serde_json::{Value, json};

const OLD: &str = "owner@qianshan.test";
const NEW: &str = "lin@qianshan.test";

/// The token behind a link of the newest mail to an address that has one.
async fn token_of(app: &TestApp, email: &str, link: &str) -> Option<String> {
    app.run_jobs().await;
    let mails = app.smtp.mails();
    let to = mails.iter().rev().filter(|mail| mail.to == [email]);
    let mut texts = to.map(|mail| mail.readable());
    let after = texts.find_map(|text| text.split(link).nth(1).map(str::to_owned))?;
    Some(after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect())
}

fn asking(new: &str) -> Value {
    json!({ "new_email": new, "password": PASSWORD })
}

async fn ask(person: &Client, new: &str) {
    person.post("/api/v1/me/email", &asking(new), 204).await;
}

async fn confirm(app: &TestApp, token: &str, expected: u16) {
    app.anonymous().post("/api/v1/auth/email_changes/confirm", &json!({ "token": token }), expected).await;
}

async fn undo(app: &TestApp, token: &str, expected: u16) {
    app.anonymous().post("/api/v1/auth/email_changes/undo", &json!({ "token": token }), expected).await;
}

async fn confirming(app: &TestApp, email: &str) -> String {
    token_of(app, email, "/console/email/").await.expect("a link to confirm")
}

async fn undoing(app: &TestApp, email: &str) -> String {
    token_of(app, email, "/console/email/undo/").await.expect("a link to undo")
}

async fn log_in(app: &TestApp, email: &str, expected: u16) {
    let body = json!({ "email": email, "password": PASSWORD });
    app.anonymous().post("/api/v1/auth/login", &body, expected).await;
}

both! {
    async fn the_new_address_confirms_and_the_old_one_can_undo(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        let elsewhere = app.api(OLD, PASSWORD).await;
        let wrong = json!({ "new_email": NEW, "password": "not-it-at-all" });
        assert_eq!(owner.post("/api/v1/me/email", &wrong, 422).await.code(), "wrong_proof");
        for bad in ["no address", OLD] {
            let refused = owner.post("/api/v1/me/email", &asking(bad), 422).await;
            assert_eq!(refused.text("/errors/0/field"), "new_email");
        }
        ask(owner, &NEW.to_uppercase()).await;
        let token = confirming(&app, NEW).await;
        let back = undoing(&app, OLD).await;
        // Nothing is changed before the new address confirms, and each link does its own thing only.
        log_in(&app, OLD, 200).await;
        log_in(&app, NEW, 401).await;
        confirm(&app, &back, 404).await;
        undo(&app, &token, 404).await;
        confirm(&app, &token, 204).await;
        confirm(&app, &token, 404).await;
        log_in(&app, NEW, 200).await;
        log_in(&app, OLD, 401).await;
        // Who asked stays; the others are out.
        assert_eq!(owner.get("/api/v1/me", 200).await.text("/user/email"), NEW);
        elsewhere.get("/api/v1/me", 401).await;
        // The old address is nobody else's while it can be gone back to.
        let join = json!({ "provider": "qianshan", "email": OLD, "name": "林茶", "password": PASSWORD, "locale": "zh" });
        app.anonymous().post("/api/v1/applications", &join, 422).await;
        undo(&app, &back, 204).await;
        undo(&app, &back, 404).await;
        log_in(&app, OLD, 200).await;
        log_in(&app, NEW, 401).await;
        owner.get("/api/v1/me", 401).await;
        assert!(token_of(&app, OLD, "/console/reset/").await.is_some(), "a link for a new password");
        app.stop().await;
    }

    async fn the_old_address_can_stop_it_and_what_is_late_does_not_work(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        ask(&provider.owner, NEW).await;
        let (token, stop) = (confirming(&app, NEW).await, undoing(&app, OLD).await);
        undo(&app, &stop, 204).await;
        confirm(&app, &token, 404).await;
        log_in(&app, OLD, 200).await;
        // A newer asking ends the older one.
        let owner = app.api(OLD, PASSWORD).await;
        ask(&owner, NEW).await;
        let first = confirming(&app, NEW).await;
        ask(&owner, "other@qianshan.test").await;
        confirm(&app, &first, 404).await;
        // An hour.
        let second = confirming(&app, "other@qianshan.test").await;
        app.advance(3_601);
        confirm(&app, &second, 404).await;
        // Seven days; then the old address is free.
        let owner = app.api(OLD, PASSWORD).await;
        ask(&owner, NEW).await;
        let (third, late) = (confirming(&app, NEW).await, undoing(&app, OLD).await);
        confirm(&app, &third, 204).await;
        app.advance(7 * 86_400 + 1);
        undo(&app, &late, 404).await;
        let join = |email: &str| json!({ "provider": "qianshan", "email": email, "name": "林茶", "password": PASSWORD, "locale": "zh" });
        assert_eq!(app.anonymous().post("/api/v1/applications", &join(OLD), 422).await.text("/errors/0/field"), "email");
        app.run_jobs().await;
        app.anonymous().post("/api/v1/applications", &join(OLD), 201).await;
        log_in(&app, NEW, 200).await;
        app.stop().await;
    }

    async fn whoever_took_a_log_in_over_is_thrown_out_by_the_first_address(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        ask(&provider.owner, "thief@elsewhere.test").await;
        let back = undoing(&app, OLD).await;
        confirm(&app, &confirming(&app, "thief@elsewhere.test").await, 204).await;
        app.advance(1);
        ask(&provider.owner, "thief2@elsewhere.test").await;
        let thiefs = undoing(&app, "thief@elsewhere.test").await;
        confirm(&app, &confirming(&app, "thief2@elsewhere.test").await, 204).await;
        undo(&app, &back, 204).await;
        log_in(&app, OLD, 200).await;
        // Nothing of what came after works any more, and the addresses are free.
        undo(&app, &thiefs, 404).await;
        for email in ["thief@elsewhere.test", "thief2@elsewhere.test"] {
            log_in(&app, email, 401).await;
            let join = json!({ "provider": "qianshan", "email": email, "name": "贼", "password": PASSWORD, "locale": "zh" });
            app.anonymous().post("/api/v1/applications", &join, 201).await;
        }
        app.stop().await;
    }

    async fn a_taken_address_is_answered_like_a_free_one(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        app.onboarded_provider("yunling").await;
        let (theirs, colleagues) = ("owner@yunling.test", provider.reviewer_email.as_str());
        for taken in [theirs, colleagues] {
            // Undoing ends every session.
            let owner = app.api(OLD, PASSWORD).await;
            ask(&owner, taken).await;
            assert!(token_of(&app, taken, "/console/email/").await.is_none(), "{taken}");
            let told = app.smtp.mails().iter().filter(|mail| mail.to == [taken]).map(|mail| mail.readable()).collect::<String>();
            assert!(told.contains("已有登录账号"), "{told}");
            // Stopping it takes nothing from whoever has the address.
            undo(&app, &undoing(&app, OLD).await, 204).await;
            log_in(&app, taken, 200).await;
            app.advance(1);
        }
        // Taken between asking and confirming: as dead as any link.
        let owner = app.api(OLD, PASSWORD).await;
        ask(&owner, NEW).await;
        let token = confirming(&app, NEW).await;
        let join = json!({ "provider": "qianshan", "email": NEW, "name": "林茶", "password": PASSWORD, "locale": "zh" });
        app.anonymous().post("/api/v1/applications", &join, 201).await;
        confirm(&app, &token, 404).await;
        log_in(&app, OLD, 200).await;
        app.stop().await;
    }

    async fn it_takes_the_code_of_those_who_have_one(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (own, _) = Authenticator::set_up(&app, &provider.owner, PASSWORD).await;
        assert_eq!(provider.owner.post("/api/v1/me/email", &asking(NEW), 422).await.code(), "wrong_proof");
        let body = json!({ "new_email": NEW, "password": PASSWORD, "code": own.code(&app, 0) });
        provider.owner.post("/api/v1/me/email", &body, 204).await;
        app.stop().await;
    }

    async fn the_pages_of_the_links_ask_before_they_act(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login?lang=zh", 200).await;
        owner.submit("/console/login", &[("email", OLD), ("password", PASSWORD)], 200).await;
        owner.open("/console/provider/account", 200).await;
        let at = "/console/provider/account/email";
        let refused = owner.submit(at, &[("new_email", NEW), ("password", "not-it-at-all")], 422).await;
        assert!(refused.contains("密码或验证码不正确") && refused.contains(NEW) && !refused.contains("not-it-at-all"), "{refused}");
        assert!(owner.submit(at, &[("new_email", NEW), ("password", PASSWORD)], 200).await.contains("邮件已发出"));
        let link = format!("/console/email/{}", confirming(&app, NEW).await);
        let back = format!("/console/email/undo/{}", undoing(&app, OLD).await);
        let mut somebody = Browser::new(&app.base_url);
        assert!(somebody.open(&format!("{link}?lang=zh"), 200).await.contains("确认更换"));
        log_in(&app, OLD, 200).await;
        assert!(somebody.submit(&link, &[], 200).await.contains("登录邮箱已更换"));
        assert!(somebody.open(&link, 200).await.contains("链接已失效"));
        log_in(&app, NEW, 200).await;
        assert!(somebody.open(&back, 200).await.contains("不是我，立即撤销"));
        assert!(somebody.submit(&back, &[], 200).await.contains("已撤销"));
        assert!(somebody.open(&back, 200).await.contains("链接已失效"));
        log_in(&app, OLD, 200).await;
        app.stop().await;
    }
}
