//! Sessions: nobody slips into one, and they end when they should.

use qianpu_api::auth::token::{Claims, sign};
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::ids::{SessionId, TenantId, UserId};
use qianpu_domain::time::Span;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Answer;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::people::Visitor;
use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::json;

const EMAIL: &str = "owner@qianshan.test";

async fn form(visitor: &Visitor, headers: &[(&str, &str)], token: &str) -> u16 {
    let path = "/console/provider/account/sessions/end_others";
    let mut request = visitor.client.request(Method::POST, path).header(COOKIE, &visitor.cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.form(&[("_csrf", token)]).send().await.unwrap().status().as_u16()
}

both! {
    async fn a_form_from_another_site_is_refused(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let visitor = app.visitor(&provider, Role::ProviderOwner).await;
        let token = visitor.form_token.clone();
        let own = app.base_url.clone();
        // The token alone does not help where the browser says who sent it.
        for foreign in ["https://evil.example", "null", "http://127.0.0.1:1", "not an address"] {
            assert_eq!(form(&visitor, &[("Origin", foreign)], &token).await, 403, "{foreign}");
        }
        assert_eq!(form(&visitor, &[("Sec-Fetch-Site", "cross-site")], &token).await, 403);
        // Nor does the origin without the token.
        assert_eq!(form(&visitor, &[("Origin", &own)], "").await, 403);
        assert_eq!(form(&visitor, &[], &"x".repeat(43)).await, 403);
        assert_eq!(form(&visitor, &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")], &token).await, 303);
        assert_eq!(form(&visitor, &[], &token).await, 303);
        // The API with a cookie is held to the same, and a reader is not.
        let csrf = [("Cookie", visitor.cookie.as_str()), ("X-CSRF-Token", token.as_str()), ("Origin", "https://evil.example")];
        let answer = visitor.client.try_send(Method::POST, "/api/v1/auth/logout", Some(&json!({})), &csrf).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_failed"));
        let read = visitor.client.try_send(Method::GET, "/api/v1/me", None, &csrf).await;
        assert_eq!(read.status, 200);
        // So is the log-in itself.
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        let login = app.anonymous().request(Method::POST, "/console/login").header("Origin", "https://evil.example");
        let fields = [("_csrf", "x"), ("email", EMAIL), ("password", PASSWORD)];
        assert_eq!(login.form(&fields).send().await.unwrap().status().as_u16(), 403);
        app.stop().await;
    }

    async fn the_session_after_a_log_in_is_a_new_one(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let client = app.anonymous();
        let page = client.request(Method::GET, "/console/login").send().await.unwrap();
        let visitor = page.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let html = page.text().await.unwrap();
        let token = html.split("name=\"_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        // Somebody planted a session of their own choice before.
        let planted = format!("{visitor}; qp_provider_00000001=00000000000070008000000000000001.planted");
        let (mut got, mut home) = (Vec::new(), String::new());
        for _ in 0..2 {
            let fields = [("_csrf", token.as_str()), ("email", EMAIL), ("password", PASSWORD)];
            let request = client.request(Method::POST, "/console/login").header(COOKIE, &planted);
            let answer = request.form(&fields).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 303);
            home = answer.headers()["location"].to_str().unwrap().to_owned();
            let set = answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned());
            let own: Vec<String> = set.filter(|cookie| cookie.starts_with("qp_provider_")).collect();
            assert_eq!(own.len(), 1);
            assert!(own[0].contains("HttpOnly") && own[0].contains("SameSite=Lax"), "{own:?}");
            got.push(own[0].split(';').next().unwrap().to_owned());
        }
        assert_ne!(got[0], got[1]);
        assert!(!got.iter().any(|cookie| cookie.contains("planted")), "{got:?}");
        for (cookie, status) in [(got[0].as_str(), 200), ("qp_provider_00000001=00000000000070008000000000000001.planted", 303)] {
            let answer = client.try_send(Method::GET, &home, None, &[("Cookie", cookie)]).await;
            assert_eq!(answer.status, status);
        }
        // Logging out ends it for whoever kept the cookie.
        let staff = client.try_send(Method::GET, &format!("{home}/account"), None, &[("Cookie", &got[1])]).await;
        let token = staff.body.split("name=\"_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let out = client.request(Method::POST, &format!("{home}/logout")).header(COOKIE, &got[1]);
        assert_eq!(out.form(&[("_csrf", token)]).send().await.unwrap().status().as_u16(), 303);
        let after = client.try_send(Method::GET, &home, None, &[("Cookie", &got[1])]).await;
        assert_eq!(after.status, 303);
        app.stop().await;
    }

    async fn tokens_of_others_and_of_other_surfaces_are_refused(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let me = provider.owner.get("/api/v1/me", 200).await;
        let session = provider.owner.get("/api/v1/me/sessions", 200).await.text("/items/0/id");
        let user: UserId = me.text("/user/id").parse().unwrap();
        let tenant: TenantId = me.text("/tenant/id").parse().unwrap();
        let session: SessionId = session.parse().unwrap();
        let now = app.state.clock().now();
        let right = Claims { user, tenant, session, surface: Surface::Provider };
        let other = UserId(session.0);
        let another = app.onboarded_provider("yunling").await.id;
        for (claims, status) in [
            (right, 200),
            (Claims { surface: Surface::Merchant, ..right }, 401),
            (Claims { surface: Surface::Operator, ..right }, 401),
            (Claims { user: other, ..right }, 401),
            (Claims { tenant: another, ..right }, 401),
            (Claims { session: SessionId(user.0), ..right }, 401),
        ] {
            let token = sign(&app.state.keys, &claims, now, Span::minutes(15)).unwrap();
            app.anonymous().with_token(&token).get("/api/v1/me", status).await;
        }
        // Expired.
        app.advance(16 * 60);
        provider.owner.get("/api/v1/me", 401).await;
        app.stop().await;
    }

    async fn an_unknown_account_is_answered_like_a_wrong_password(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let try_in = async |email: &str| {
            let body = json!({ "email": email, "password": "not-it-at-all" });
            let started = std::time::Instant::now();
            let answer = app.anonymous().try_send(Method::POST, "/api/v1/auth/login", Some(&body), &[]).await;
            (answer, started.elapsed())
        };
        let said = |answer: &Answer| {
            let mut body = answer.json("");
            body.as_object_mut().unwrap().remove("request_id");
            (answer.status, body)
        };
        let (wrong, known) = try_in(EMAIL).await;
        let (unknown, nobody) = try_in("nobody@qianshan.test").await;
        assert_eq!(said(&wrong), said(&unknown));
        // Both hash once; without it the unknown account would be answered in a small part of the time.
        let least = known.min(nobody) * 8;
        assert!(known.max(nobody) < least, "{known:?} and {nobody:?}");
        app.stop().await;
    }

    async fn the_language_of_a_link_outlives_a_redirect(db: TestDb) {
        let app = TestApp::start(db).await;
        let client = app.anonymous();
        let answer = client.try_send(Method::GET, "/console/provider/staff?lang=en", None, &[]).await;
        assert_eq!(answer.status, 303);
        assert!(answer.headers[LOCATION].to_str().unwrap().starts_with("/console/login"));
        let set = answer.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        assert!(set.into_iter().any(|cookie| cookie.starts_with("qp_lang=en")));
        let mut browser = Browser::new(&app.base_url);
        assert!(browser.open("/console/provider/staff?lang=en", 200).await.contains("Log in"));
        assert!(Browser::new(&app.base_url).open("/console/provider/staff?lang=zh", 200).await.contains("登录"));
        app.stop().await;
    }
}
