//! What apps and the token endpoint do between themselves: secrets, tokens, giving them back, and registering.

use crate::oauth::{APPS, House, Registered, Tokens, asking, for_code, registration};
use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::onboarding::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

both! {
    async fn an_app_proves_itself_and_acts_in_its_own_provider(db: TestDb) {
        let house = House::build(db).await;
        let app = house.register(registration(&[], &["merchants.read", "jobs.read"], true)).await;
        let own = [("grant_type", "client_credentials")];
        let narrow = [("grant_type", "client_credentials"), ("scope", "merchants.read")];
        let got = Tokens::of(&house.post("/oauth/token", &own, app.basic()).await);
        assert_eq!((got.scope.as_str(), got.refresh.as_str()), ("merchants.read jobs.read", ""));
        let client = house.bearer(&got.access);
        assert_eq!(client.get("/api/v1/me", 200).await.json("/principal/for_user_id"), Value::Null);
        assert_eq!(client.get("/api/v1/merchants", 200).await.json("/items").as_array().unwrap().len(), 1);
        client.get("/api/v1/policies", 403).await;
        let body = [("grant_type", "client_credentials"), ("scope", "merchants.read"), ("client_id", app.id.as_str()), ("client_secret", app.secret.as_str())];
        let narrowed = Tokens::of(&house.post("/oauth/token", &body, None).await);
        house.bearer(&narrowed.access).get("/api/v1/jobs", 403).await;
        house.refused(&[("grant_type", "client_credentials"), ("scope", "plans.manage")], app.basic(), 400, "invalid_scope").await;
        house.refused(&[("grant_type", "password")], app.basic(), 400, "unsupported_grant_type").await;
        house.refused(&body, app.basic(), 400, "invalid_request").await;
        house.refused(&[("grant_type", "client_credentials"), ("grant_type", "client_credentials")], app.basic(), 400, "invalid_request").await;
        // An app without permissions of its own, and one that keeps no secret.
        let asks = house.server_app(&["orders.read"]).await;
        house.refused(&own, asks.basic(), 400, "unauthorized_client").await;
        let public = house.register(registration(&["orders.read"], &[], false)).await;
        assert_eq!(public.secret, "");
        house.refused(&[("grant_type", "client_credentials"), ("client_id", &public.id)], None, 400, "unauthorized_client").await;
        house.refused(&own, Some((&public.id, "x")), 401, "invalid_client").await;
        // Rotation with overlap, and without.
        let rotate = async |hours: i64| {
            let made = house.developer.post(&format!("{APPS}/{}/secrets", app.id), &json!({ "overlap_hours": hours }), 201).await;
            Registered { id: app.id.clone(), secret: made.text("/client_secret") }
        };
        let second = rotate(2).await;
        house.post("/oauth/token", &narrow, app.basic()).await.text("/access_token");
        house.post("/oauth/token", &narrow, second.basic()).await.text("/access_token");
        house.app.advance(7_200);
        house.refused(&narrow, app.basic(), 401, "invalid_client").await;
        let third = rotate(0).await;
        house.refused(&narrow, second.basic(), 401, "invalid_client").await;
        let shown = house.developer.get(&format!("{APPS}/{}", app.id), 200).await;
        assert!(!shown.body.contains(&third.secret) && shown.json("/secrets").as_array().unwrap().len() == 1, "{}", shown.body);
        // Stopped, it stops at once, and may work again.
        let live = house.post("/oauth/token", &narrow, third.basic()).await.text("/access_token");
        house.developer.post(&format!("{APPS}/{}/disable", app.id), &json!({}), 200).await;
        house.bearer(&live).get("/api/v1/merchants", 401).await;
        house.refused(&narrow, third.basic(), 401, "invalid_client").await;
        house.developer.post(&format!("{APPS}/{}/enable", app.id), &json!({}), 200).await;
        house.bearer(&live).get("/api/v1/merchants", 200).await;
        house.developer.delete(&format!("{APPS}/{}/secrets/{}", app.id, shown.text("/secrets/0/id")), 204).await;
        house.refused(&narrow, third.basic(), 401, "invalid_client").await;
        house.app.stop().await;
    }

    async fn guesses_of_secrets_are_slowed_down(db: TestDb) {
        let house = House::build(db).await;
        let app = house.register(registration(&[], &["merchants.read"], true)).await;
        let own = [("grant_type", "client_credentials")];
        for _ in 0..10 {
            let answer = house.post("/oauth/token", &own, Some((&app.id, "guess"))).await;
            assert_eq!((answer.status, answer.headers["www-authenticate"].to_str().unwrap()), (401, "Basic realm=\"qianpu\""));
        }
        let slow = house.post("/oauth/token", &own, app.basic()).await;
        assert_eq!((slow.status, slow.headers["retry-after"].to_str().unwrap()), (429, "900"));
        house.app.advance(900);
        house.post("/oauth/token", &own, app.basic()).await.text("/access_token");
        house.app.stop().await;
    }

    async fn a_token_is_good_for_one_thing(db: TestDb) {
        let house = House::build(db).await;
        let app = house.server_app(&["orders.read", "shops.read"]).await;
        let public = house.register(registration(&["orders.read"], &[], false)).await;
        let owner = house.app.visitor(&house.merchant, Role::MerchantOwner).await;
        let code = house.consent(&owner, &asking(&app.id, "orders.read")).await;
        house.bearer(&code).get("/api/v1/orders", 401).await;
        let tokens = house.exchange(&app, &code).await;
        house.bearer(&tokens.refresh).get("/api/v1/orders", 401).await;
        house.bearer(&format!("qp_live_{}", tokens.access.split('.').nth(1).unwrap())).get("/api/v1/orders", 401).await;
        assert_eq!(house.refresh(&app, &tokens.access).await.text("/error"), "invalid_grant");
        // No pages, no log-in, no other tenant by another name in it.
        let page = house.bearer(&tokens.access).try_send(Method::GET, "/console/merchant/orders", None, &[]).await;
        assert!((300..400).contains(&page.status), "{}", page.status);
        let moved = tokens.access.replace(&house.merchant.tenant().0.as_simple().to_string(), &house.provider.tenant().0.as_simple().to_string());
        assert_ne!(moved, tokens.access);
        house.bearer(&moved).get("/api/v1/me", 401).await;
        // A person's own token is nothing to the token endpoint.
        let person = house.app.person(&house.merchant, Role::MerchantOwner).await;
        assert_eq!(house.refresh(&app, person.token().unwrap()).await.text("/error"), "invalid_grant");
        // A public app proves itself by its key only, and gets no further with a refresh token of another app.
        let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str()), ("client_id", public.id.as_str())];
        house.refused(&fields, None, 400, "invalid_grant").await;
        let code = house.consent(&owner, &asking(&public.id, "orders.read")).await;
        let mut fields = for_code(&code).to_vec();
        fields.push(("client_id", &public.id));
        let got = Tokens::of(&house.post("/oauth/token", &fields, None).await);
        house.bearer(&got.access).get("/api/v1/orders", 200).await;
        // Giving back: not another app's, an access token alone, a refresh token with all.
        let give_back = async |app: &Registered, token: &str| house.post("/oauth/revoke", &[("token", token)], app.basic()).await;
        assert_eq!(give_back(&app, &got.access).await.text("/error"), "unauthorized_client");
        house.bearer(&got.access).get("/api/v1/orders", 200).await;
        for unknown in ["nothing", "qp_app_x.y", &tokens.access.replace('.', ".x")] {
            assert_eq!(give_back(&app, unknown).await.status, 200, "{unknown}");
        }
        assert_eq!(give_back(&app, &tokens.access).await.status, 200);
        house.bearer(&tokens.access).get("/api/v1/orders", 401).await;
        let next = Tokens::of(&house.refresh(&app, &tokens.refresh).await);
        assert_eq!(give_back(&app, &next.refresh).await.status, 200);
        house.bearer(&next.access).get("/api/v1/orders", 401).await;
        assert_eq!(house.refresh(&app, &next.refresh).await.text("/error"), "invalid_grant");
        house.app.stop().await;
    }

    async fn apps_are_registered_within_bounds(db: TestDb) {
        let house = House::build(db).await;
        let refused = async |body: Value, field: &str| {
            let answer = house.developer.post(APPS, &body, 422).await;
            assert_eq!(answer.text("/errors/0/field"), field, "{body}: {}", answer.body);
        };
        let with = |name: &str, value: Value| {
            let mut body = registration(&["orders.read"], &[], true);
            body[name] = value;
            body
        };
        for uri in ["http://app.example/cb", "https://app.example/cb#x", "javascript:alert(1)", "https://", "app.example"] {
            refused(with("redirect_uris", json!([uri])), "redirect_uris").await;
        }
        refused(with("redirect_uris", json!([])), "redirect_uris").await;
        refused(with("scopes", json!([])), "scopes").await;
        refused(with("scopes", json!(["staff.manage"])), "scopes").await;
        // For itself an app gets no more than who registers it holds, and a public one nothing.
        refused(with("own_scopes", json!(["provider_money.move"])), "own_scopes").await;
        refused(registration(&["orders.read"], &["merchants.read"], false), "own_scopes").await;
        for extra in ["tenant_id", "client_secret", "state", "version", "id"] {
            assert_eq!(house.developer.post(APPS, &with(extra, json!("x")), 400).await.code(), "unknown_field", "{extra}");
        }
        // Nor is a secret shown to who holds less than the app.
        let owner = house.app.person(&house.provider, Role::ProviderOwner).await;
        let rich = owner.post(APPS, &registration(&[], &["provider_money.move"], true), 201).await;
        let (path, version) = (format!("{APPS}/{}", rich.text("/id")), rich.number("/version"));
        house.developer.post(&format!("{path}/secrets"), &json!({ "overlap_hours": 0 }), 403).await;
        owner.post(&format!("{path}/secrets"), &json!({ "overlap_hours": 169 }), 422).await;
        let change = json!({ "name": "新名字", "publisher": "远帆软件", "own_scopes": ["provider_money.move", "merchants.read"] });
        let seen = format!("\"{version}\"");
        let changed = house.developer.send(Method::PUT, &path, Some(&change), &[("If-Match", &seen)], 200).await;
        assert_eq!(changed.text("/name"), "新名字");
        house.developer.send(Method::PUT, &path, Some(&change), &[("If-Match", &seen)], 409).await;
        house.app.person(&house.merchant, Role::MerchantOwner).await.get(APPS, 403).await;
        let metadata = house.app.anonymous().get("/.well-known/oauth-authorization-server", 200).await;
        assert_eq!(metadata.json("/issuer"), json!(house.app.base_url));
        assert_eq!(metadata.json("/code_challenge_methods_supported"), json!(["S256"]));
        assert_eq!(metadata.json("/token_endpoint"), json!(format!("{}/oauth/token", house.app.base_url)));
        house.app.stop().await;
    }

    async fn an_app_is_registered_and_looked_after_in_the_console(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let home = "/console/provider/oauth_apps";
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "owner@qianshan.test"), ("password", PASSWORD)], 200).await;
        browser.open(home, 200).await;
        assert!(browser.html.contains("还没有第三方应用"));
        browser.open(&format!("{home}/new"), 200).await;
        let typed = [("kind", "confidential"), ("name", "订单管家"), ("publisher", "远帆软件"), ("scopes", "orders.read")];
        browser.submit(home, &[&typed[..], &[("redirect_uris", "http://x")]].concat(), 422).await;
        assert!(browser.html.contains("value=\"orders.read\" checked") && browser.html.contains("https"), "{}", browser.html);
        browser.submit(home, &[&typed[..], &[("redirect_uris", "https://app.example/a\r\nhttps://app.example/b")]].concat(), 200).await;
        assert!(browser.html.contains("qp_secret_"), "{}", browser.html);
        let id = browser.html.split(&format!("{home}/")).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let at = format!("{home}/{id}");
        browser.open(&at, 200).await;
        assert!(browser.html.contains("https://app.example/b") && !browser.html.contains("qp_secret_"), "{}", browser.html);
        let changed = [("version", "1"), ("name", "订单管家二"), ("publisher", "远帆软件"), ("scopes", "orders.read"), ("redirect_uris", "https://app.example/a")];
        browser.submit(&at, &changed, 200).await;
        assert!(browser.html.contains("订单管家二") && browser.html.contains("已保存"), "{}", browser.html);
        browser.submit(&at, &changed, 422).await;
        browser.open(&at, 200).await;
        browser.submit(&format!("{at}/secrets"), &[("overlap_hours", "24")], 200).await;
        assert!(browser.html.contains("qp_secret_"));
        browser.open(&at, 200).await;
        browser.submit(&format!("{at}/secrets"), &[("overlap_hours", "999")], 422).await;
        browser.submit(&format!("{at}/disable"), &[], 200).await;
        assert!(browser.html.contains("应用已停用"), "{}", browser.html);
        browser.submit(&format!("{at}/enable"), &[], 200).await;
        assert!(browser.html.contains("应用已恢复"), "{}", browser.html);
        browser.open("/console/provider/authorised_apps", 200).await;
        assert!(browser.html.contains("没有已授权的应用"));
        app.stop().await;
    }
}
