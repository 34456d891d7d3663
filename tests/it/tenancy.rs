//! Tenants from above: the operator's providers, and stopping, resuming and closing a provider or a merchant.

use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::app::TestApp;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::push::{Sender, push};
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage, shop};
use qianpu_tests::{both, postgres};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

const PROVIDERS: &str = "/api/v1/providers";

fn new_provider(slug: &str, email: &str) -> Value {
    json!({ "name": "云帆服务商", "slug": slug, "owner_name": "林青", "owner_email": email, "locale": "zh" })
}

/// The path of the link in the n-th mail to somebody.
async fn link_in_mail(app: &TestApp, email: &str, nth: usize) -> String {
    app.run_jobs().await;
    let text = app.smtp.nth_to(email, nth).await.readable();
    let after = text.split("/console/reset/").nth(1).unwrap_or_else(|| panic!("no link in {text}"));
    after.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap().to_owned()
}

async fn operator(app: &TestApp) -> Client {
    let at = app.operator().await;
    app.person(&at, Role::OperatorOwner).await
}

both! {
    async fn an_operator_creates_a_provider_whose_owner_sets_the_password(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = operator(&app).await;
        let wrong = json!({ "name": "", "slug": "No Slug", "owner_name": " ", "owner_email": "nobody" });
        let refused = operator.post(PROVIDERS, &wrong, 422).await.json("/errors");
        let fields: Vec<&str> = refused.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["owner_email", "owner_name", "slug", "name"]);
        let made = operator.post(PROVIDERS, &new_provider("yunfan", "lin@yunfan.test"), 201).await;
        assert!(!made.body.contains("password") && !made.body.contains("token"), "{}", made.body);
        assert_eq!((made.text("/state"), made.number("/merchants")), ("active".into(), 0));
        // The link works once and sets the password; nobody knew one before.
        let token = link_in_mail(&app, "lin@yunfan.test", 1).await;
        let body = json!({ "token": token, "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/password_resets/complete", &body, 204).await;
        app.anonymous().post("/api/v1/auth/password_resets/complete", &body, 404).await;
        let owner = app.api("lin@yunfan.test", PASSWORD).await;
        assert_eq!(owner.get("/api/v1/me", 200).await.text("/roles/0/role"), "provider_owner");
        app.anonymous().get("/apply/yunfan", 200).await;
        // Neither its address nor its owner can be had twice.
        let again = operator.post(PROVIDERS, &new_provider("yunfan", "other@yunfan.test"), 422).await;
        assert_eq!(again.text("/errors/0/field"), "slug");
        let again = operator.post(PROVIDERS, &new_provider("other", "Lin@yunfan.test"), 422).await;
        assert_eq!(again.text("/errors/0/field"), "owner_email");
        app.advance(1);
        let late = operator.post(PROVIDERS, &new_provider("later", "wu@later.test"), 201).await.text("/id");
        let first = link_in_mail(&app, "wu@later.test", 1).await;
        // Page by page, newest first.
        let page = operator.get(&format!("{PROVIDERS}?limit=1"), 200).await;
        assert_eq!(page.text("/items/0/slug"), "later");
        let next = format!("{PROVIDERS}?limit=1&cursor={}", page.text("/next_cursor"));
        assert_eq!(operator.get(&next, 200).await.text("/items/0/slug"), "yunfan");
        // Nobody else has it.
        owner.get(PROVIDERS, 403).await;
        owner.post(PROVIDERS, &new_provider("x-y-z", "x@y.test"), 403).await;
        // A week later the link is dead; another one can be sent.
        app.advance(7 * 86_400 + 1);
        let body = json!({ "token": first, "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/password_resets/complete", &body, 404).await;
        let operator = app.person(&app.operator().await, Role::OperatorOwner).await;
        operator.post(&format!("{PROVIDERS}/{late}/send_link"), &json!({}), 204).await;
        let second = link_in_mail(&app, "wu@later.test", 2).await;
        let body = json!({ "token": second, "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/password_resets/complete", &body, 204).await;
        app.stop().await;
    }

    async fn a_suspended_provider_looks_and_its_merchants_go_on_or_not(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = &stage.app;
        let operator = operator(app).await;
        let account = stage.direct_store("山前茶铺").await;
        let slug = stage.owner.get("/api/v1/shops", 200).await.text("/items/0/slug");
        let front = format!("/s/{slug}/");
        let provider = format!("{PROVIDERS}/{}", stage.provider.tenant());
        let suspend = async |stops: bool| {
            let body = json!({ "reason": "欠费三个月", "stops_merchants": stops });
            operator.post(&format!("{provider}/suspend"), &body, 200).await
        };
        let products = format!("/api/v1/shops/{}/products", stage.shop);
        assert_eq!(operator.post(&format!("{provider}/suspend"), &json!({ "reason": " " }), 422).await.text("/errors/0/field"), "reason");
        // Its merchants go on.
        let told = suspend(false).await;
        assert_eq!((told.text("/state"), told.text("/state_reason")), ("suspended".into(), "欠费三个月".into()));
        assert_eq!(operator.post(&format!("{provider}/suspend"), &json!({ "reason": "x" }), 409).await.code(), "tenant_wrong_state");
        let refused = stage.staff.post("/api/v1/staff_invitations", &json!({ "email": "a@b.test", "role": "provider_support" }), 403).await;
        assert_eq!(refused.code(), "tenant_suspended");
        assert!(refused.text("/detail").contains("欠费三个月"), "{}", refused.body);
        assert_eq!(stage.staff.get("/api/v1/me", 200).await.text("/tenant/state"), "suspended");
        stage.staff.get("/api/v1/merchants", 200).await;
        stage.product("山前红茶", 3).await;
        app.anonymous().get(&front, 200).await;
        operator.post(&format!("{provider}/resume"), &json!({}), 200).await;
        operator.post(&format!("{provider}/resume"), &json!({}), 409).await;
        // They are stopped with it; pushes are stored all the same.
        suspend(true).await;
        let refused = stage.owner.post(&products, &json!({ "title": "山前绿茶" }), 403).await;
        assert_eq!(refused.code(), "tenant_suspended");
        // What the operator told the provider is not for its merchants.
        assert!(!refused.body.contains("欠费"), "{}", refused.body);
        assert_eq!(stage.owner.get("/api/v1/me", 200).await.text("/tenant/state"), "suspended");
        app.anonymous().get(&front, 404).await;
        let sender = Sender::now(PUSH_TOKEN, AES_KEY, account["external_id"].as_str().unwrap());
        let body = r#"{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1714112445,"MsgType":"event","Event":"channels_ec_order_pay","order_info":{"order_id":77,"pay_time":1714112400}}"#;
        assert_eq!(push(account["hook_url"].as_str().unwrap(), &sender.json(body)).await.body, "success");
        let catalogue = postgres::connect(&app.db.superuser_url()).await.unwrap();
        let sql = "SELECT count(tenant_id) FROM inbox_messages";
        let statement = Statement::from_string(catalogue.get_database_backend(), sql);
        let stored: i64 = catalogue.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(stored, 1, "a push to a stopped merchant is stored");
        operator.post(&format!("{provider}/resume"), &json!({}), 200).await;
        app.anonymous().get(&front, 200).await;
        stage.product("山前绿茶", 3).await;
        stage.stop().await;
    }

    async fn what_the_operator_does_stands_in_both_logs(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = operator(&app).await;
        let one = app.onboarded_provider("yunfan").await;
        let two = app.onboarded_provider("haitang").await;
        let id = one.id.to_string();
        let at = format!("{PROVIDERS}/{id}");
        operator.post(&format!("{at}/suspend"), &json!({ "reason": "欠费三个月" }), 200).await;
        operator.post(&format!("{at}/suspend"), &json!({ "reason": "再来一次" }), 409).await;
        operator.post(&format!("{at}/resume"), &json!({}), 200).await;
        operator.post(&format!("{at}/send_link"), &json!({}), 204).await;
        let visit = json!({ "tenant_id": id, "reason": "核对配置", "minutes": 5 });
        operator.post("/api/v1/impersonations", &visit, 201).await;
        let made = operator.post(PROVIDERS, &new_provider("xinhe", "xu@xinhe.test"), 201).await.text("/id");
        operator.post(&format!("{PROVIDERS}/{made}/close"), &json!({ "reason": "不再经营" }), 200).await;
        let said = async |client: &Client, query: &str| {
            let found = client.get(&format!("/api/v1/audit_entries?limit=50{query}"), 200).await;
            let mut actions: Vec<String> = found.json("/items").as_array().unwrap().iter()
                .map(|entry| entry["action"].as_str().unwrap().to_owned())
                .filter(|action| action.starts_with("provider.") || action.starts_with("impersonation."))
                .collect();
            // At one moment there is no order.
            actions.sort();
            actions
        };
        // The operator's own log, by provider; what was refused is not in it.
        let about = async |id: &str| said(&operator, &format!("&target={id}")).await;
        let told = ["impersonation.started", "provider.link_sent", "provider.resumed", "provider.suspended"];
        assert_eq!(about(&id).await, told);
        assert_eq!(about(&made).await, ["provider.closed", "provider.created"]);
        let entry = operator.get(&format!("/api/v1/audit_entries?action=provider.suspended&target={id}"), 200).await;
        assert_eq!((entry.text("/items/0/detail/reason"), entry.text("/items/0/actor/kind")), ("欠费三个月".into(), "user".into()));
        // The provider it concerns reads the same in its log, and that it was the operator; another one nothing of it.
        let owner = app.api("owner@yunfan.test", PASSWORD).await;
        let own = said(&owner, "").await;
        for action in told {
            assert!(own.iter().any(|one| one == action), "{action}: {own:?}");
        }
        let entry = owner.get("/api/v1/audit_entries?action=provider.suspended", 200).await;
        assert_eq!((entry.text("/items/0/detail/reason"), entry.text("/items/0/detail/by")), ("欠费三个月".into(), "operator".into()));
        for action in ["provider.suspended", "provider.link_sent", "impersonation.started"] {
            assert!(!said(&two.owner, "").await.iter().any(|one| one == action), "{action}");
        }
        app.stop().await;
    }

    async fn a_provider_is_closed_when_no_merchant_is_left(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = operator(&app).await;
        let at = app.provider("甲服务商").await;
        let merchant = app.merchant(&at, "甲商家").await;
        shop(&app, &merchant, "甲的店", "enterprise", ShopState::Trading).await;
        let staff = app.person(&at, Role::ProviderOwner).await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        let provider = format!("{PROVIDERS}/{}", at.tenant());
        let close = json!({ "reason": "合同到期" });
        let shown = operator.get(&provider, 200).await;
        assert_eq!((shown.number("/merchants"), shown.number("/trading_shops"), shown.number("/shops")), (1, 1, 1));
        assert_eq!(operator.post(&format!("{provider}/close"), &close, 409).await.code(), "tenant_in_use");
        // Its merchant first, by the provider.
        let it = format!("/api/v1/merchants/{}", merchant.tenant());
        staff.post(&format!("{it}/suspend"), &json!({ "reason": "资料待补" }), 200).await;
        assert_eq!(owner.get("/api/v1/me", 200).await.text("/tenant/state"), "suspended");
        assert_eq!(operator.post(&format!("{provider}/close"), &close, 409).await.code(), "tenant_in_use");
        staff.post(&format!("{it}/resume"), &json!({}), 200).await;
        assert_eq!(owner.get("/api/v1/me", 200).await.text("/tenant/state"), "active");
        assert_eq!(staff.post(&format!("{it}/close"), &close, 200).await.text("/state"), "closed");
        owner.get("/api/v1/me", 401).await;
        staff.post(&format!("{it}/resume"), &json!({}), 409).await;
        operator.post(&format!("{provider}/close"), &close, 200).await;
        staff.get("/api/v1/me", 401).await;
        operator.post(&format!("{provider}/resume"), &json!({}), 409).await;
        operator.post(&format!("{provider}/send_link"), &json!({}), 409).await;
        // A merchant is nobody's provider, and the operator's own id is none either.
        for id in [merchant.tenant(), app.operator().await.tenant()] {
            operator.get(&format!("{PROVIDERS}/{id}"), 404).await;
            operator.post(&format!("{PROVIDERS}/{id}/suspend"), &close, 404).await;
        }
        app.stop().await;
    }

    async fn a_merchant_with_open_orders_is_not_closed(db: TestDb) {
        let selling = crate::orders::Selling::start(db, 10).await;
        let stage = &selling.stage;
        let external = selling.buy(1, true).await;
        selling.order_in(&external, "paid").await;
        let it = format!("/api/v1/merchants/{}", stage.merchant.tenant());
        let refused = stage.staff.post(&format!("{it}/close"), &json!({ "reason": "合同到期" }), 409).await;
        assert_eq!(refused.code(), "tenant_in_use");
        stage.owner.get("/api/v1/me", 200).await;
        let reviewer = stage.app.person(&stage.provider, Role::ProviderReviewer).await;
        reviewer.post(&format!("{it}/suspend"), &json!({ "reason": "x" }), 403).await;
        selling.stage.stop().await;
    }

    async fn the_operator_works_by_page(db: TestDb) {
        let app = TestApp::start(db).await;
        let at = app.operator().await;
        let person = qianpu_api::app::setup::NewPerson {
            email: "ops@qianpu.test", name: "江川", password: PASSWORD, locale: "zh", role: Role::OperatorOwner,
        };
        qianpu_api::app::setup::add_operator(&app.state, &person).await.unwrap();
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "ops@qianpu.test"), ("password", PASSWORD)], 200).await;
        assert!(browser.html.contains("/console/operator/providers"), "{}", browser.html);
        browser.open("/console/operator/providers", 200).await;
        browser.open("/console/operator/providers/new", 200).await;
        let wrong = [("name", "云帆"), ("slug", "Not good"), ("owner_name", "林青"), ("owner_email", "lin@yunfan.test"), ("locale", "zh")];
        browser.submit("/console/operator/providers", &wrong, 422).await;
        assert!(browser.html.contains("value=\"Not good\""), "what was typed stays");
        let good = wrong.map(|(name, value)| (name, if name == "slug" { "yunfan" } else { value }));
        browser.submit("/console/operator/providers", &good, 200).await;
        assert!(browser.html.contains("lin@yunfan.test"), "{}", browser.html);
        let home = browser.path.clone();
        let token = link_in_mail(&app, "lin@yunfan.test", 1).await;
        browser.submit(&format!("{home}/suspend"), &[("reason", "资质核验中")], 200).await;
        assert!(browser.html.contains("资质核验中"), "{}", browser.html);
        browser.submit(&format!("{home}/suspend"), &[("reason", "again")], 422).await;
        // Its owner reads why on each page.
        let body = json!({ "token": token, "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/password_resets/complete", &body, 204).await;
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login", 200).await;
        owner.submit("/console/login", &[("email", "lin@yunfan.test"), ("password", PASSWORD)], 200).await;
        assert!(owner.html.contains("资质核验中"), "{}", owner.html);
        owner.open("/console/provider/staff", 200).await;
        owner.submit("/console/provider/staff", &[("email", "a@b.test"), ("role", "provider_support"), ("locale", "zh")], 403).await;
        browser.submit(&format!("{home}/resume"), &[], 200).await;
        browser.submit(&format!("{home}/close"), &[("reason", "试用结束")], 200).await;
        assert!(browser.html.contains("试用结束"), "{}", browser.html);
        owner.open("/console/provider", 200).await;
        assert!(owner.path.starts_with("/console/login"), "{}", owner.path);
        drop(at);
        app.stop().await;
    }
}
