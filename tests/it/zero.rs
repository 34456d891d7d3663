//! The character U+0000: PostgreSQL keeps no text with it, so it is refused wherever a request can carry it.

use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use reqwest::Method;
use serde_json::json;

both! {
    async fn a_zero_character_is_refused_at_the_door(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        let refused = owner.get("/api/v1/orders?q=a%00b", 400).await;
        assert_eq!(refused.code(), "bad_request");
        owner.get("/api/v1/imports/template.csv?kind=%00", 400).await;
        app.anonymous().get("/s/a%00b/", 404).await;
        app.anonymous().get("/apply/a%00b", 404).await;
        for body in [json!({ "email": "a\0@b.test", "password": "x" }), json!({ "email": "a@b.test", "password": "\0" })] {
            assert_eq!(app.anonymous().post("/api/v1/auth/login", &body, 400).await.code(), "bad_request");
        }
        // In the caller's words.
        let body = json!({ "email": "a@b.test", "password": "\0" });
        for (lang, words) in [("zh", "空字符"), ("en", "cannot be kept")] {
            let told = app.anonymous().post(&format!("/api/v1/auth/login?lang={lang}"), &body, 400).await;
            assert!(told.text("/detail").contains(words), "{}", told.body);
        }
        // A backslash that somebody wrote is text like any other.
        let told = json!({ "email": "a@b.test", "password": "\\u0000 is no zero" });
        app.anonymous().post("/api/v1/auth/login", &told, 401).await;
        let visitor = app.visitor(&merchant, Role::MerchantOwner).await;
        let form = [("_csrf", visitor.form_token.as_str()), ("current_password", "a\0b")];
        let path = "/console/merchant/account/password";
        let request = visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie).form(&form);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 400);
        app.stop().await;
    }
}
