//! Authenticator apps: a second step at each log-in that a right password, a new password or patience do not get round.

use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::postgres;
use qianpu_tests::totp::Authenticator;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

const EMAIL: &str = "owner@qianshan.test";

async fn give(app: &TestApp, challenge: &str, code: &str) -> Answer {
    let body = json!({ "challenge": challenge, "code": code });
    app.anonymous().try_send(Method::POST, "/api/v1/auth/totp", Some(&body), &[]).await
}

/// Logs in with password and code.
async fn log_in(app: &TestApp, code: &str) -> Answer {
    give(app, &app.challenge(EMAIL, PASSWORD).await, code).await
}

/// A code that is not the app's.
fn wrong(code: &str) -> String {
    let first = if code.starts_with('7') { '3' } else { '7' };
    format!("{first}{}", &code[1..])
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

fn wrong_code() -> (u16, String) {
    (401, "wrong_code".to_owned())
}

/// What a problem says, without the id of its request.
fn said(answer: &Answer) -> Value {
    let mut body = answer.json("");
    body.as_object_mut().expect("a problem").remove("request_id");
    body
}

async fn mails(app: &TestApp, email: &str) -> Vec<String> {
    app.run_jobs().await;
    let to = |mail: &qianpu_tests::smtp::Mail| mail.to == [email];
    app.smtp.mails().iter().filter(|mail| to(mail)).map(|mail| mail.readable()).collect()
}

async fn set_up(app: &TestApp, person: &Client) -> (Authenticator, Vec<String>) {
    Authenticator::set_up(app, person, PASSWORD).await
}

both! {
    async fn a_code_is_asked_for_and_works_once(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        assert_eq!(owner.get("/api/v1/me/totp", 200).await.text("/state"), "off");
        // Beginning takes the password, and changes nothing until the first code.
        owner.post("/api/v1/me/totp", &json!({ "password": "not-it-at-all" }), 422).await;
        let begun = owner.post("/api/v1/me/totp", &json!({ "password": PASSWORD }), 201).await;
        assert!(begun.text("/qr_svg").starts_with("<svg") && begun.text("/address").starts_with("otpauth://totp/"));
        let own = Authenticator::with(&begun.text("/secret"));
        assert_eq!(owner.get("/api/v1/me/totp", 200).await.text("/state"), "pending");
        app.api(EMAIL, PASSWORD).await;
        let code = own.code(&app, 0);
        owner.post("/api/v1/me/totp/confirm", &json!({ "code": wrong(&code) }), 422).await;
        let codes = owner.post("/api/v1/me/totp/confirm", &json!({ "code": code }), 200).await;
        assert_eq!(codes.json("/recovery_codes").as_array().unwrap().len(), 10);
        assert_eq!(owner.post("/api/v1/me/totp", &json!({ "password": PASSWORD }), 409).await.code(), "totp_on");
        // The code that switched it on is used up.
        assert_eq!(refused(&log_in(&app, &code).await), wrong_code());
        app.advance(30);
        let code = own.code(&app, 0);
        let challenge = app.challenge(EMAIL, PASSWORD).await;
        assert_eq!(refused(&give(&app, &challenge, &wrong(&code)).await), wrong_code());
        let tokens = give(&app, &challenge, &code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        app.anonymous().with_token(&tokens.text("/access_token")).get("/api/v1/me", 200).await;
        // Neither the code nor the challenge works again.
        assert_eq!(refused(&log_in(&app, &code).await), wrong_code());
        assert_eq!(give(&app, &challenge, &own.code(&app, 30)).await.code(), "sign_in_expired");
        // Half a minute of drift either way, and no more; a code of before the last one is gone too.
        app.advance(120);
        for (ahead, status) in [(-60, 401), (60, 401), (-30, 200), (30, 200), (0, 401), (-30, 401)] {
            assert_eq!(log_in(&app, &own.code(&app, ahead)).await.status, status, "{ahead}");
        }
        // Of two at once with one code one gets in.
        app.advance(90);
        let code = own.code(&app, 0);
        let (one, two) = (app.challenge(EMAIL, PASSWORD).await, app.challenge(EMAIL, PASSWORD).await);
        let (one, two) = tokio::join!(give(&app, &one, &code), give(&app, &two, &code));
        let mut both = [one.status, two.status];
        both.sort_unstable();
        assert_eq!(both, [200, 401]);
        // Too late.
        app.advance(90);
        let challenge = app.challenge(EMAIL, PASSWORD).await;
        app.advance(301);
        assert_eq!(refused(&give(&app, &challenge, &own.code(&app, 0)).await), (401, "sign_in_expired".to_owned()));
        assert_eq!(refused(&give(&app, "made.up", &own.code(&app, 0)).await), (401, "sign_in_expired".to_owned()));
        app.stop().await;
    }

    async fn a_recovery_code_works_once_in_place_of_a_code(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        let (own, codes) = set_up(&app, owner).await;
        let tokens = log_in(&app, &codes[0].to_lowercase()).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        assert_eq!(refused(&log_in(&app, &codes[0]).await), wrong_code());
        assert_eq!(owner.get("/api/v1/me/totp", 200).await.number("/recovery_codes_left"), 9);
        let told = mails(&app, EMAIL).await;
        assert!(told.iter().any(|mail| mail.contains("还剩 9 个")), "{told:?}");
        // New ones end the old ones; they take password and code.
        let renew = json!({ "password": PASSWORD, "code": own.code(&app, 0) });
        let fresh = owner.post("/api/v1/me/totp/recovery_codes", &renew, 200).await.text("/recovery_codes/0");
        assert_eq!(refused(&log_in(&app, &codes[1]).await), wrong_code());
        assert_eq!(log_in(&app, &fresh).await.status, 200);
        // Nothing of it is stored in clear.
        let connection = postgres::connect(&app.db.superuser_url()).await.unwrap();
        let backend = connection.get_database_backend();
        let sql = "SELECT code_hash AS text FROM recovery_codes";
        let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        assert_eq!(rows.len(), 10);
        for row in rows {
            let hash: String = row.try_get("", "text").unwrap();
            assert!(hash.len() == 64 && !hash.contains(&fresh.replace('-', "").to_lowercase()));
        }
        let sql = "SELECT sealed FROM totp_secrets";
        let row = connection.query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap();
        let sealed: Vec<u8> = row.try_get("", "sealed").unwrap();
        // Version, nonce, the base32 of 20 bytes, tag.
        assert_eq!(sealed.len(), 1 + 12 + 32 + 16);
        connection.close().await.unwrap();
        app.stop().await;
    }

    async fn codes_cannot_be_tried_out(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (own, _) = set_up(&app, &provider.owner).await;
        let wrong = wrong(&own.code(&app, 0));
        // Five tries at one log-in; then it is over, and the person is told that the password is known.
        let challenge = app.challenge(EMAIL, PASSWORD).await;
        for _ in 0..5 {
            assert_eq!(refused(&give(&app, &challenge, &wrong).await), wrong_code());
        }
        assert_eq!(give(&app, &challenge, &own.code(&app, 0)).await.code(), "sign_in_expired");
        let told = mails(&app, EMAIL).await;
        assert!(told.iter().any(|mail| mail.contains("/console/forgot") && mail.contains("密码已经泄露")), "{told:?}");
        // A right password gives no new tries: ten wrong codes, and the account waits.
        let challenge = app.challenge(EMAIL, PASSWORD).await;
        for _ in 0..5 {
            assert_eq!(refused(&give(&app, &challenge, &wrong).await), wrong_code());
        }
        let challenge = app.challenge(EMAIL, PASSWORD).await;
        let waits = give(&app, &challenge, &own.code(&app, 0)).await;
        assert_eq!(refused(&waits), (429, "rate_limited".to_owned()));
        assert!(waits.headers.contains_key("retry-after"));
        // An API session that is open may not try either.
        let proof = json!({ "password": PASSWORD, "code": wrong });
        provider.owner.post("/api/v1/me/totp/off", &proof, 429).await;
        app.advance(901);
        assert_eq!(log_in(&app, &own.code(&app, 0)).await.status, 200);
        app.stop().await;
    }

    async fn a_new_password_does_not_replace_the_code(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (own, _) = set_up(&app, &provider.owner).await;
        let before = app.challenge(EMAIL, PASSWORD).await;
        app.anonymous().post("/api/v1/auth/password_resets", &json!({ "email": EMAIL }), 204).await;
        let told = mails(&app, EMAIL).await;
        let link = told.iter().find_map(|mail| mail.split("/console/reset/").nth(1)).expect("a link");
        let token: String = link.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect();
        let set = json!({ "token": token, "password": "another-password-1" });
        app.anonymous().post("/api/v1/auth/password_resets/complete", &set, 204).await;
        // A log-in with the old password that still waited is over.
        assert_eq!(give(&app, &before, &own.code(&app, 0)).await.code(), "sign_in_expired");
        let challenge = app.challenge(EMAIL, "another-password-1").await;
        assert_eq!(give(&app, &challenge, &own.code(&app, 0)).await.status, 200);
        app.stop().await;
    }

    async fn switching_off_takes_both_and_does_not_say_which_was_wrong(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        let off = "/api/v1/me/totp/off";
        let code = |own: &Authenticator| own.code(&app, 0);
        assert_eq!(owner.post(off, &json!({ "password": PASSWORD, "code": "123456" }), 409).await.code(), "totp_off");
        let (own, _) = set_up(&app, owner).await;
        let right = code(&own);
        let no_code = owner.post(off, &json!({ "password": PASSWORD, "code": wrong(&right) }), 422).await;
        let no_password = owner.post(off, &json!({ "password": "not-it-at-all", "code": right }), 422).await;
        let neither = owner.post(off, &json!({ "password": "not-it-at-all", "code": wrong(&right) }), 422).await;
        assert_eq!(no_code.code(), "wrong_proof");
        assert_eq!(said(&no_code), said(&no_password));
        assert_eq!(said(&no_code), said(&neither));
        // The right code was not used up by a wrong password.
        owner.post(off, &json!({ "password": PASSWORD, "code": right }), 204).await;
        app.api(EMAIL, PASSWORD).await;
        let told = mails(&app, EMAIL).await;
        assert!(told.iter().any(|mail| mail.contains("刚刚开启了两步验证")) && told.iter().any(|mail| mail.contains("刚刚关闭了两步验证")), "{told:?}");
        app.stop().await;
    }

    async fn where_it_is_required_nothing_else_is_answered_before(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("yunling").await;
        let (owner, clerk) = (&provider.owner, &provider.reviewer);
        let policy = "/api/v1/sign_in_policy";
        let require = |required: bool| json!({ "totp_required": required });
        // Who asks for it has it; who may not manage people asks nothing.
        assert_eq!(owner.put(policy, &require(true), 422).await.text("/errors/0/code"), "own_first");
        clerk.put(policy, &require(true), 403).await;
        let (own, _) = set_up(&app, owner).await;
        assert!(owner.put(policy, &require(true), 200).await.json("/totp_required").as_bool().unwrap());
        owner.put(policy, &require(true), 200).await;
        owner.get("/api/v1/staff", 200).await;
        // On the next request of whoever has none, and at a new log-in.
        for person in [clerk, &app.api(&provider.reviewer_email, PASSWORD).await] {
            for path in ["/api/v1/applications", "/api/v1/me/sessions", "/api/v1/merchants"] {
                assert_eq!(person.get(path, 403).await.code(), "second_factor_required", "{path}");
            }
            // Also where it would be refused anyway, or is not there.
            assert_eq!(person.get("/api/v1/plans", 403).await.code(), "second_factor_required");
            person.get("/api/v1/me", 200).await;
        }
        other.reviewer.get("/api/v1/applications", 200).await;
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login?lang=zh", 200).await;
        let led = [("email", provider.reviewer_email.as_str()), ("password", PASSWORD)];
        assert!(browser.submit("/console/login", &led, 200).await.contains("请先完成设置"));
        assert_eq!(browser.path, "/console/provider/account/totp");
        browser.open("/console/provider/applications", 200).await;
        assert_eq!(browser.path, "/console/provider/account/totp");
        let (theirs, _) = set_up(&app, clerk).await;
        clerk.get("/api/v1/applications", 200).await;
        browser.open("/console/provider/applications", 200).await;
        assert_eq!(browser.path, "/console/provider/applications");
        // It cannot be switched off then.
        let proof = |own: &Authenticator| json!({ "password": PASSWORD, "code": own.code(&app, 0) });
        assert_eq!(clerk.post("/api/v1/me/totp/off", &proof(&theirs), 403).await.code(), "second_factor_required");
        owner.put(policy, &require(false), 200).await;
        clerk.post("/api/v1/me/totp/off", &proof(&theirs), 204).await;
        clerk.get("/api/v1/applications", 200).await;
        assert_eq!(log_in(&app, &own.code(&app, 0)).await.status, 200);
        app.stop().await;
    }

    async fn an_owner_takes_a_colleagues_away(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("yunling").await;
        let (owner, clerk) = (&provider.owner, &provider.reviewer);
        let id = clerk.get("/api/v1/me", 200).await.text("/user/id");
        let reset = format!("/api/v1/staff/{id}/totp/reset");
        assert_eq!(owner.post(&reset, &json!({}), 409).await.code(), "totp_off");
        set_up(&app, clerk).await;
        let shown = owner.get(&format!("/api/v1/staff/{id}"), 200).await;
        assert!(shown.json("/totp").as_bool().unwrap());
        clerk.post(&reset, &json!({}), 403).await;
        other.owner.post(&reset, &json!({}), 404).await;
        let me = owner.get("/api/v1/me", 200).await.text("/user/id");
        set_up(&app, owner).await;
        owner.post(&format!("/api/v1/staff/{me}/totp/reset"), &json!({}), 422).await;
        owner.post(&reset, &json!({}), 204).await;
        app.api(&provider.reviewer_email, PASSWORD).await;
        let told = mails(&app, &provider.reviewer_email).await;
        assert!(told.iter().any(|mail| mail.contains("管理员重置了您的两步验证")), "{told:?}");
        app.stop().await;
    }

    async fn the_pages_of_it_do_the_same(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login?lang=zh", 200).await;
        owner.submit("/console/login", &[("email", EMAIL), ("password", PASSWORD)], 200).await;
        let at = "/console/provider/account/totp";
        assert!(owner.open("/console/provider/account", 200).await.contains(at));
        owner.open(at, 200).await;
        assert!(owner.submit(at, &[("password", "not-it-at-all")], 422).await.contains("密码或验证码不正确"));
        let scan = owner.submit(at, &[("password", PASSWORD)], 200).await;
        assert!(scan.contains("data:image/svg+xml;base64,"), "{scan}");
        let secret: String = scan.split("<dd class=\"mono\">").nth(1).unwrap().split('<').next().unwrap().split(' ').collect();
        let own = Authenticator::with(&secret);
        assert!(owner.submit(&format!("{at}/confirm"), &[("code", "1")], 422).await.contains("手机时间"));
        let codes = owner.submit(&format!("{at}/confirm"), &[("code", &own.code(&app, 0))], 200).await;
        assert_eq!(codes.matches("<li class=\"mono\">").count(), 10);
        let recovery = codes.split("<li class=\"mono\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert!(!owner.open(at, 200).await.contains(&recovery));
        app.advance(30);
        // Logging in takes two pages; where one wanted to go is kept.
        let mut elsewhere = Browser::new(&app.base_url);
        elsewhere.open("/console/provider/staff?lang=zh", 200).await;
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/console/provider/staff")];
        let asked = elsewhere.submit("/console/login", &fields, 200).await;
        assert!(asked.contains("输入验证码") && !asked.contains("重新登录"), "{asked}");
        let code = "/console/login/code";
        let next = ("next", "/console/provider/staff");
        let wrong = wrong(&own.code(&app, 0));
        assert!(elsewhere.submit(code, &[("code", &wrong), next], 422).await.contains("验证码不正确或已使用过"));
        let page = elsewhere.submit(code, &[("code", &own.code(&app, 0)), next], 200).await;
        assert!(page.contains("已开启"), "{page}");
        assert_eq!(elsewhere.path, "/console/provider/staff");
        // The page of the code by itself leads back.
        assert!(elsewhere.open(code, 200).await.contains("重新登录"));
        // Everybody is asked for it from the staff page, and not any more.
        elsewhere.open("/console/provider/staff", 200).await;
        assert!(elsewhere.submit("/console/provider/staff/sign_in", &[("totp_required", "on")], 200).await.contains("要求开始于"));
        assert!(elsewhere.open(at, 200).await.contains("不能关闭"));
        let ended = elsewhere.submit("/console/provider/staff/sign_in", &[("totp_required", "")], 200).await;
        assert!(ended.contains("已不再要求两步验证"), "{ended}");
        // A colleague's is taken away on their page.
        set_up(&app, &provider.reviewer).await;
        let id = provider.reviewer.get("/api/v1/me", 200).await.text("/user/id");
        let person = format!("/console/provider/staff/{id}");
        assert!(elsewhere.open(&person, 200).await.contains("重置两步验证"));
        assert!(elsewhere.submit(&format!("{person}/totp/reset"), &[], 200).await.contains("已重置"));
        // Renewing and switching off.
        app.advance(30);
        elsewhere.open(at, 200).await;
        let proof = [("password", PASSWORD), ("code", &own.code(&app, 0))];
        let renewed = elsewhere.submit(&format!("{at}/recovery_codes"), &proof, 200).await;
        assert!(renewed.contains("恢复码只显示这一次") && !renewed.contains(&recovery), "{renewed}");
        app.advance(30);
        let proof = [("password", PASSWORD), ("code", &own.code(&app, 0))];
        assert!(elsewhere.submit(&format!("{at}/off"), &proof, 200).await.contains("两步验证已关闭"));
        app.stop().await;
    }

    async fn people_of_every_tier_may_have_it(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = app.operator().await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        for (at, role) in [(&operator, Role::OperatorOwner), (&provider, Role::ProviderSupport), (&merchant, Role::MerchantGoods)] {
            let visitor = app.visitor(at, role).await;
            let path = format!("/console/{}/account/totp", role.surface().as_str());
            let cookie = [("Cookie", visitor.cookie.as_str())];
            let page = visitor.client.try_send(Method::GET, &path, None, &cookie).await;
            assert_eq!(page.status, 200, "{path}: {}", page.body);
        }
        app.stop().await;
    }
}
