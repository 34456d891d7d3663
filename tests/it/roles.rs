//! Roles a tenant makes itself: exactly their permissions, never more than their maker holds, in force at once.

use qianpu_domain::shop::ShopState;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::{OnboardedMerchant, PASSWORD};
use qianpu_tests::stage::shop;
use reqwest::Method;
use serde_json::{Value, json};

const ROLES: &str = "/api/v1/roles";
const INVITATIONS: &str = "/api/v1/staff_invitations";
const LIN: &str = "lin@qianshan.test";

async fn merchant(app: &TestApp) -> OnboardedMerchant {
    let provider = app.onboarded_provider("qianshan").await;
    app.onboarded_merchant(&provider, LIN, "enterprise", "山前茶铺", true).await
}

fn role(name: &str, permissions: &[&str]) -> Value {
    json!({ "name": name, "permissions": permissions })
}

/// Makes a role; its id.
async fn make(owner: &Client, name: &str, permissions: &[&str]) -> String {
    owner.post(ROLES, &role(name, permissions), 201).await.text("/id")
}

/// Somebody who joins with a role; logged in, and their id.
async fn join(
    app: &TestApp,
    owner: &Client,
    email: &str,
    role: &str,
    shop: Option<&str>,
) -> (Client, String) {
    owner.post(INVITATIONS, &json!({ "email": email, "role": role, "shop_id": shop }), 201).await;
    app.run_jobs().await;
    let text = app.smtp.nth_to(email, 1).await.readable();
    let token = text.split("/console/join/").nth(1).unwrap();
    let token = token.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap();
    let body = json!({ "token": token, "name": "夜班", "password": PASSWORD });
    let joined = app.anonymous().post(&format!("{INVITATIONS}/join"), &body, 201).await;
    (app.anonymous().with_token(&joined.text("/access_token")), joined.text("/user_id"))
}

async fn field(client: &Client, method: Method, path: &str, body: Value) -> (String, String) {
    let answer = client.send(method, path, Some(&body), &[("Idempotency-Key", "k")], 422).await;
    (answer.text("/errors/0/field"), answer.text("/errors/0/code"))
}

both! {
    async fn a_role_of_ones_own_gives_exactly_its_permissions(db: TestDb) {
        let app = TestApp::start(db).await;
        let owner = merchant(&app).await.owner;
        let listed = owner.get(ROLES, 200).await;
        let built_in = listed.json("/items").as_array().unwrap().len();
        assert_eq!((listed.text("/items/0/id"), built_in), ("merchant_owner".into(), 7));
        assert!(listed.json("/grantable").to_string().contains("orders.ship"));
        let id = make(&owner, " 夜班打包 ", &["orders.read", "orders.ship"]).await;
        let made = owner.get(&format!("{ROLES}/{id}"), 200).await;
        assert_eq!((made.text("/name"), made.json("/may_be_limited")), ("夜班打包".into(), json!(true)));
        let (clerk, person) = join(&app, &owner, "night@x.test", &id, None).await;
        let me = clerk.get("/api/v1/me", 200).await;
        assert_eq!(me.text("/roles/0/role"), "夜班打包");
        assert_eq!(me.json("/permissions"), json!(["self.read", "self.manage", "orders.read", "orders.ship"]));
        clerk.get("/api/v1/orders", 200).await;
        for path in ["/api/v1/products", "/api/v1/staff", "/api/v1/ledger/summary", ROLES] {
            clerk.get(path, 403).await;
        }
        // Changed: the next request has it, neither more nor less.
        let at = format!("{ROLES}/{id}");
        owner.put(&at, &role("夜班打包", &["products.read"]), 200).await;
        clerk.get("/api/v1/orders", 403).await;
        clerk.get("/api/v1/products", 200).await;
        // Of two who change it at once one is told.
        let stale = [("If-Match", "\"1\"")];
        owner.send(Method::PUT, &at, Some(&role("别的", &["orders.read"])), &stale, 409).await;
        // Held, it stays; taken back, it goes, and nobody is given it any more.
        assert_eq!(owner.delete(&at, 409).await.code(), "role_in_use");
        let grant = owner.get(&format!("/api/v1/staff/{person}"), 200).await;
        assert_eq!((grant.text("/grants/0/role"), grant.text("/grants/0/role_name")), (id.clone(), "夜班打包".into()));
        owner.delete(&format!("/api/v1/staff/{person}/grants/{}", grant.text("/grants/0/id")), 204).await;
        clerk.get("/api/v1/products", 403).await;
        owner.post(INVITATIONS, &json!({ "email": "later@x.test", "role": id }), 201).await;
        assert_eq!(owner.delete(&at, 409).await.code(), "role_in_use");
        let waiting = owner.get(INVITATIONS, 200).await.text("/items/0/id");
        owner.delete(&format!("{INVITATIONS}/{waiting}"), 204).await;
        owner.delete(&at, 204).await;
        owner.get(&at, 404).await;
        let grants = format!("/api/v1/staff/{person}/grants");
        assert_eq!(field(&owner, Method::POST, &grants, json!({ "role": id })).await.0, "role");
        app.stop().await;
    }

    async fn nobody_gives_more_than_they_hold(db: TestDb) {
        let app = TestApp::start(db).await;
        let owner = merchant(&app).await.owner;
        let wrong = async |words: &[&str]| field(&owner, Method::POST, ROLES, role("甲", words)).await;
        for word in ["plans.manage", "providers.manage", "self.read", "king"] {
            assert_eq!(wrong(&[word]).await, ("permissions".into(), "unknown".into()), "{word}");
        }
        assert_eq!(wrong(&[]).await, ("permissions".into(), "required".into()));
        for name in ["", "merchant_owner"] {
            assert_eq!(field(&owner, Method::POST, ROLES, role(name, &["orders.read"])).await.0, "name");
        }
        make(&owner, "客服", &["orders.read"]).await;
        assert_eq!(field(&owner, Method::POST, ROLES, role("客服", &["orders.read"])).await, ("name".into(), "taken".into()));

        // Somebody who looks after people, and holds little else.
        let people = make(&owner, "人事", &["staff.manage", "orders.read", "shops.read"]).await;
        let money = make(&owner, "出纳", &["ledger.read", "money.move"]).await;
        let (clerk, own) = join(&app, &owner, "people@x.test", &people, None).await;
        let (_, other) = join(&app, &owner, "other@x.test", "merchant_manager", None).await;
        let more = ("role".to_owned(), "more_than_own".to_owned());
        let mine = format!("/api/v1/staff/{own}/grants");
        for role in ["merchant_owner", "merchant_finance", "merchant_service_desk", money.as_str()] {
            assert_eq!(field(&clerk, Method::POST, &mine, json!({ "role": role })).await, more, "{role}");
            let invite = json!({ "email": "y@x.test", "role": role });
            assert_eq!(field(&clerk, Method::POST, INVITATIONS, invite).await, more, "{role}");
        }
        let at = |id: &str| format!("{ROLES}/{id}");
        let into = ("permissions".to_owned(), "more_than_own".to_owned());
        assert_eq!(field(&clerk, Method::POST, ROLES, role("乙", &["money.move"])).await, into);
        assert_eq!(field(&clerk, Method::PUT, &at(&people), role("人事", &["staff.manage", "money.move"])).await, into);
        // Neither may they touch what is more than theirs, or whoever holds it.
        assert_eq!(field(&clerk, Method::PUT, &at(&money), role("出纳", &["orders.read"])).await, more);
        clerk.delete(&at(&money), 422).await;
        let lin = owner.get("/api/v1/me", 200).await.text("/user/id");
        for above in [&lin, &other] {
            clerk.post(&format!("/api/v1/staff/{above}/disable"), &json!({}), 422).await;
            let held = clerk.get(&format!("/api/v1/staff/{above}"), 200).await.text("/grants/0/id");
            clerk.delete(&format!("/api/v1/staff/{above}/grants/{held}"), 422).await;
        }
        owner.post(&format!("/api/v1/staff/{other}/disable"), &json!({}), 200).await;
        clerk.post(&format!("/api/v1/staff/{other}/enable"), &json!({}), 422).await;
        // What they hold they give.
        let small = make(&clerk, "查单", &["orders.read"]).await;
        join(&app, &clerk, "small@x.test", &small, None).await;
        app.stop().await;
    }

    async fn a_role_is_limited_to_shops_where_all_of_it_holds_there(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let at = app.merchant(&provider, "甲商家").await;
        let owner = app.person(&at, qianpu_domain::access::Role::MerchantOwner).await;
        let here = shop(&app, &at, "甲店", "enterprise", ShopState::Trading).await.to_string();
        let there = shop(&app, &at, "乙店", "enterprise", ShopState::Trading).await.to_string();
        let orders = make(&owner, "打包", &["orders.read", "shops.read"]).await;
        let mixed = make(&owner, "混合", &["orders.read", "ledger.read"]).await;
        let invite = json!({ "email": "m@x.test", "role": mixed, "shop_id": here });
        assert_eq!(field(&owner, Method::POST, INVITATIONS, invite).await.0, "shop_id");
        let (clerk, _) = join(&app, &owner, "here@x.test", &orders, Some(&here)).await;
        clerk.get(&format!("/api/v1/shops/{here}"), 200).await;
        clerk.get(&format!("/api/v1/shops/{there}"), 404).await;
        // While it is held in a shop it takes nothing that cannot be.
        let wider = role("打包", &["orders.read", "ledger.read"]);
        let refused = field(&owner, Method::PUT, &format!("{ROLES}/{orders}"), wider).await;
        assert_eq!(refused, ("permissions".into(), "limited".into()));
        // Another tenant's role is no role here.
        let other = app.merchant(&provider, "乙商家").await;
        let stranger = app.person(&other, qianpu_domain::access::Role::MerchantOwner).await;
        stranger.get(&format!("{ROLES}/{orders}"), 404).await;
        let invite = json!({ "email": "s@x.test", "role": orders });
        assert_eq!(field(&stranger, Method::POST, INVITATIONS, invite).await.0, "role");
        app.stop().await;
    }

    async fn the_pages_of_roles_do_the_same(db: TestDb) {
        let app = TestApp::start(db).await;
        let owner = merchant(&app).await.owner;
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login?lang=zh", 200).await;
        browser.submit("/console/login", &[("email", LIN), ("password", PASSWORD)], 200).await;
        let home = "/console/merchant/roles";
        assert!(browser.open("/console/merchant/staff", 200).await.contains(home));
        let page = browser.open(home, 200).await;
        assert!(page.contains("还没有自建角色") && page.contains("value=\"orders.ship\""), "{page}");
        let refused = browser.submit(home, &[("name", "夜班"), ("permissions", "king")], 422).await;
        assert!(refused.contains("请选择本后台的权限") && refused.contains("夜班"), "{refused}");
        let fields = [("name", "夜班"), ("permissions", "orders.read"), ("permissions", "orders.ship")];
        assert!(browser.submit(home, &fields, 200).await.contains("角色已新建"));
        let id = owner.get(ROLES, 200).await.text("/items/7/id");
        let at = format!("{home}/{id}");
        let page = browser.open(&at, 200).await;
        assert!(page.contains("value=\"orders.ship\" checked") && !page.contains("value=\"products.read\" checked"), "{page}");
        let fields = [("name", "夜班打包"), ("version", "1"), ("permissions", "orders.read")];
        assert!(browser.submit(&at, &fields, 200).await.contains("夜班打包"));
        assert!(browser.submit(&at, &fields, 422).await.contains("内容已被修改"));
        // Given like a built-in one.
        let (clerk, person) = join(&app, &owner, "night@x.test", "merchant_goods", None).await;
        let page = browser.open(&format!("/console/merchant/staff/{person}"), 200).await;
        assert!(page.contains(&id), "{page}");
        let given = browser.submit(&format!("/console/merchant/staff/{person}/grants"), &[("role", &id), ("shop_id", "")], 200).await;
        assert!(given.contains("角色已给予") && given.contains("夜班打包"), "{given}");
        clerk.get("/api/v1/orders", 200).await;
        let mail = app.run_jobs().await;
        assert!(mail > 0 && app.smtp.mails().iter().any(|mail| mail.readable().contains("“夜班打包”")));
        browser.open(&at, 200).await;
        assert!(browser.submit(&format!("{at}/delete"), &[], 422).await.contains("仍有员工拥有该角色"));
        let grants = owner.get(&format!("/api/v1/staff/{person}"), 200).await;
        let grants = grants.json("/grants");
        let grant = grants.as_array().unwrap().iter().find(|grant| grant.to_string().contains(&id)).unwrap();
        owner.delete(&format!("/api/v1/staff/{person}/grants/{}", grant["id"].as_str().unwrap()), 204).await;
        assert!(browser.submit(&format!("{at}/delete"), &[], 200).await.contains("角色已删除"));
        app.stop().await;
    }
}
