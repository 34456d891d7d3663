//! API keys: what they open, what they never do, and how they end.

use qianpu_api::http::extract::Access;
use qianpu_api::http::route::Entry;
use qianpu_domain::access::{Permission, Role};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::program::can_be_given;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::tenant::{TenantState, tenant_set};
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::deadline::until;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::stage::shop;
use serde_json::{Value, json};

const KEYS: &str = "/api/v1/api_keys";

fn asked(scopes: &[&str]) -> Value {
    json!({ "name": "ERP 对接", "scopes": scopes, "expires_in_days": 90 })
}

struct Made {
    id: String,
    client: Client,
}

async fn make(app: &TestApp, owner: &Client, body: &Value) -> Made {
    let made = owner.post(KEYS, body, 201).await;
    Made { id: made.text("/id"), client: app.anonymous().with_token(&made.text("/key")) }
}

/// A merchant with its provider, and their owners.
struct House {
    provider: TenantCtx,
    merchant: TenantCtx,
    owner: Client,
}

async fn house(app: &TestApp) -> House {
    app.operator().await;
    let provider = app.provider("甲服务商").await;
    let merchant = app.merchant(&provider, "甲商家").await;
    let owner = app.person(&merchant, Role::MerchantOwner).await;
    House { provider, merchant, owner }
}

/// The path with something that looks like an id in place of each parameter.
fn with_unknown_ids(entry: &Entry) -> String {
    let mut path = String::new();
    let mut rest = entry.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        path.push_str("xxx_0000000000007000800000000000ffff");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    path + rest
}

/// Whether a program gets past the gate; what happens behind it does not matter here.
pub(crate) async fn gets_in(client: &Client, entry: &Entry) -> bool {
    let path = with_unknown_ids(entry);
    let answer = client.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
    assert_ne!(answer.status, 401, "a good key at {} {}", entry.method, entry.path);
    assert!(answer.status < 500, "{} {}: {} {}", entry.method, entry.path, answer.status, answer.body);
    !(answer.status == 403 && answer.code() == "forbidden")
}

both! {
    async fn a_key_does_what_it_was_given_and_no_more(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let made = house.owner.post(KEYS, &asked(&["shops.read", "orders.read"]), 201).await;
        let (id, token) = (made.text("/id"), made.text("/key"));
        assert!(token.starts_with("qp_live_") && token.len() == 51, "{token}");
        assert_eq!(made.text("/hint"), token[token.len() - 4..]);
        let key = app.anonymous().with_token(&token);
        let me = key.get("/api/v1/me", 200).await;
        assert_eq!(me.json("/principal"), json!({ "kind": "api_key", "id": id, "name": "ERP 对接", "for_user_id": null }));
        assert_eq!(me.json("/permissions"), json!(["self.read", "shops.read", "orders.read"]));
        assert!(me.json("/user").is_null());
        key.get("/api/v1/shops", 200).await;
        key.get("/api/v1/orders", 200).await;
        assert_eq!(key.get("/api/v1/ledger/accounts", 403).await.code(), "forbidden");
        // It is shown this once.
        let path = format!("{KEYS}/{id}");
        for answer in [house.owner.get(KEYS, 200).await, house.owner.get(&path, 200).await] {
            assert!(!answer.body.contains(&token) && answer.body.contains("shops.read"), "{}", answer.body);
        }
        // What a key cannot be: a person, a page's visitor, a maker of keys.
        for (method, at) in [("PUT", "/api/v1/me/password"), ("GET", "/api/v1/me/sessions"), ("POST", "/api/v1/auth/logout"),
            ("GET", KEYS), ("GET", "/api/v1/staff")]
        {
            let answer = key.try_send(method.parse().unwrap(), at, None, &[]).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{method} {at}");
        }
        let page = key.try_send(reqwest::Method::GET, "/console/merchant", None, &[]).await;
        assert!((300..400).contains(&page.status), "{}", page.status);
        // Renaming, and ending.
        house.owner.patch(&path, &json!({ "name": "新 ERP" }), 200).await;
        assert_eq!(key.get("/api/v1/me", 200).await.text("/principal/name"), "新 ERP");
        house.owner.delete(&path, 204).await;
        let refused = key.get("/api/v1/me", 401).await;
        assert_eq!(refused.headers["www-authenticate"], "Bearer realm=\"qianpu\", error=\"invalid_token\"");
        house.owner.delete(&path, 404).await;
        assert!(house.owner.get(&path, 200).await.json("/revoked_at").is_string());
        app.stop().await;
    }

    async fn what_cannot_be_given_is_refused_at_its_field(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let own = shop(&app, &house.merchant, "千山茶铺", "enterprise", ShopState::Trading).await.to_string();
        let sibling = app.merchant(&house.provider, "乙商家").await;
        let foreign = shop(&app, &sibling, "白露茶铺", "enterprise", ShopState::Trading).await.to_string();
        let refused = async |client: &Client, body: Value, field: &str| {
            let answer = client.post(KEYS, &body, 422).await;
            assert_eq!(answer.text("/errors/0/field"), field, "{body}");
        };
        let with = |scopes: &[&str], shops: &[&str]| {
            let mut body = asked(scopes);
            body["shop_ids"] = json!(shops);
            body
        };
        for scopes in [&["orders.nothing"][..], &[], &["staff.manage"], &["self.manage"], &["plans.manage"], &["api_keys.manage"]] {
            refused(&house.owner, asked(scopes), "scopes").await;
        }
        refused(&house.owner, with(&["orders.read", "ledger.read"], &[&own]), "scopes").await;
        refused(&house.owner, with(&["orders.read"], &[&foreign]), "shop_ids").await;
        refused(&house.owner, json!({ "name": "\u{202e}", "scopes": ["orders.read"], "expires_in_days": 9 }), "name").await;
        for days in [0, -1, 367] {
            refused(&house.owner, json!({ "name": "x", "scopes": ["orders.read"], "expires_in_days": days }), "expires_in_days").await;
        }
        // Nobody passes on what they do not hold, and nothing slips in beside what is asked.
        let developer = app.person(&house.provider, Role::ProviderDeveloper).await;
        refused(&developer, asked(&["provider_money.move"]), "scopes").await;
        make(&app, &developer, &asked(&["merchants.read"])).await;
        for extra in ["tenant_id", "maker_id", "permissions", "revoked_at", "key", "expires_at"] {
            let mut body = asked(&["orders.read"]);
            body[extra] = json!("x");
            assert_eq!(house.owner.post(KEYS, &body, 400).await.code(), "unknown_field", "{extra}");
        }
        app.person(&house.merchant, Role::MerchantManager).await.post(KEYS, &asked(&["orders.read"]), 403).await;
        app.stop().await;
    }

    async fn a_key_limited_to_shops_reaches_those_only(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let one = shop(&app, &house.merchant, "千山茶铺", "enterprise", ShopState::Trading).await.to_string();
        let two = shop(&app, &house.merchant, "千山茶具", "enterprise", ShopState::Trading).await.to_string();
        let mut body = asked(&["shops.read", "products.read"]);
        body["shop_ids"] = json!([one, one]);
        let key = make(&app, &house.owner, &body).await.client;
        let seen = key.get("/api/v1/shops", 200).await.json("/items");
        assert_eq!(seen.as_array().unwrap().iter().map(|shop| &shop["id"]).collect::<Vec<_>>(), [&json!(one)]);
        key.get(&format!("/api/v1/shops/{one}"), 200).await;
        key.get(&format!("/api/v1/shops/{two}"), 404).await;
        app.stop().await;
    }

    async fn each_operation_lets_a_key_in_exactly_when_it_may(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let routes = qianpu_api::http::routes();
        let operations = || routes.entries().iter().filter(|entry| entry.summary.is_some());
        let mut wrong = Vec::new();
        for (at, role) in [(&house.provider, Role::ProviderOwner), (&house.merchant, Role::MerchantOwner)] {
            let owner = app.person(at, role).await;
            let all = can_be_given(role.permission_set());
            let everything = make(&app, &owner, &given(all)).await.client;
            for permission in Permission::ALL {
                let rest: PermissionSet = all.iter().filter(|one| one != permission).collect();
                let (with, without) = if all.contains(*permission) {
                    let with = make(&app, &owner, &given(PermissionSet::EMPTY.with(*permission))).await.client;
                    (with, Some(make(&app, &owner, &given(rest)).await.client))
                } else {
                    (everything.clone(), None)
                };
                for entry in operations().filter(|entry| entry.access == Access::Needs(*permission)) {
                    let may = all.contains(*permission) || *permission == Permission::SelfRead;
                    if gets_in(&with, entry).await != may {
                        let verb = if may { "is refused" } else { "gets in" };
                        wrong.push(format!("{} key {verb} at {} {}", role.as_str(), entry.method, entry.path));
                    }
                    if let Some(without) = &without && gets_in(without, entry).await {
                        wrong.push(format!("{} key without {} gets in at {} {}", role.as_str(), permission.as_str(), entry.method, entry.path));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "not as the keys say:\n{}", wrong.join("\n"));
        app.stop().await;
    }

    async fn a_key_ends_with_its_time_and_with_its_tenant(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let key = make(&app, &house.owner, &json!({ "name": "x", "scopes": ["shops.read"], "expires_in_days": 1 })).await.client;
        app.advance(86_399);
        key.get("/api/v1/shops", 200).await;
        app.advance(1);
        key.get("/api/v1/shops", 401).await;
        // Suspended and closed tenants are the same for keys as for people.
        let owner = app.person(&house.merchant, Role::MerchantOwner).await;
        let key = make(&app, &owner, &asked(&["shops.read"])).await.client;
        for (state, status) in [(TenantState::Suspended, 200), (TenantState::Closed, 401), (TenantState::Active, 200)] {
            let mut tx = app.state.db.begin(&house.merchant).await.unwrap();
            tenant_set(&mut tx, None, None, Some(state)).await.unwrap();
            tx.commit().await.unwrap();
            let person = owner.try_send(reqwest::Method::GET, "/api/v1/shops", None, &[]).await.status;
            let program = key.try_send(reqwest::Method::GET, "/api/v1/shops", None, &[]).await.status;
            assert_eq!((person, program), (status, status), "{state:?}");
        }
        app.stop().await;
    }

    async fn the_last_use_is_noted_once_a_minute(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let Made { id, client } = make(&app, &house.owner, &asked(&["shops.read"])).await;
        let last = async || house.owner.get(&format!("{KEYS}/{id}"), 200).await.json("/last_used_at");
        assert!(last().await.is_null());
        client.get("/api/v1/shops", 200).await;
        let first = until("the first use", async || Some(last().await).filter(Value::is_string)).await;
        app.advance(59);
        client.get("/api/v1/shops", 200).await;
        app.advance(1);
        client.get("/api/v1/shops", 200).await;
        // The use after 59 seconds was not noted: else this one would not be, a second later.
        let second = until("the next use", async || Some(last().await).filter(|at| *at != first)).await;
        assert!(second.as_str().unwrap().contains(":01:00"), "{first} {second}");
        app.stop().await;
    }

    async fn guesses_are_slowed_down_and_good_keys_are_not(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let good = make(&app, &house.owner, &asked(&["shops.read"])).await.client;
        let guess = app.anonymous().with_token(&format!("qp_live_{}", "A".repeat(43)));
        for _ in 0..10 {
            guess.get("/api/v1/me", 401).await;
        }
        let slow = guess.get("/api/v1/me", 429).await;
        assert_eq!(slow.headers["retry-after"], "900");
        good.get("/api/v1/me", 200).await;
        // People who share the address can still try to log in.
        let login = json!({ "email": "a@b.test", "password": "wrong password" });
        app.anonymous().post("/api/v1/auth/login", &login, 401).await;
        app.advance(900);
        guess.get("/api/v1/me", 401).await;
        app.stop().await;
    }

    async fn the_audit_log_says_that_a_key_did_it(db: TestDb) {
        let app = TestApp::start(db).await;
        let house = house(&app).await;
        let owner = app.person(&house.provider, Role::ProviderOwner).await;
        let Made { id, client } = make(&app, &owner, &asked(&["merchants.invite"])).await;
        client.post("/api/v1/invitations", &json!({ "email": "new@merchant.test" }), 201).await;
        let tx = app.state.db.read(&house.provider).await.unwrap();
        let page = qianpu_tenants::page::PageRequest::first(50);
        let entries = qianpu_tenants::audit::audit_list(&tx, None, page).await.unwrap().items;
        let did = |action: &str| entries.iter().find(|entry| entry.action == action).unwrap();
        let sent = did("invitation.sent");
        assert_eq!((sent.actor_kind.as_str(), &sent.actor_id, sent.actor_name.as_str()), ("api_key", &id, "ERP 对接"));
        assert_eq!((did("api_key.made").actor_kind.as_str(), &did("api_key.made").target_id), ("user", &id));
        drop(tx);
        app.stop().await;
    }

    async fn a_key_is_made_renamed_and_revoked_in_the_console(db: TestDb) {
        let app = TestApp::start(db).await;
        app.onboarded_provider("qianshan").await;
        let home = "/console/provider/api_keys";
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        let login = [("email", "owner@qianshan.test"), ("password", PASSWORD)];
        browser.submit("/console/login", &login, 200).await;
        browser.open(home, 200).await;
        assert!(browser.html.contains("还没有 API 密钥") && !browser.html.contains("staff.manage"));
        // What is refused is shown again with what was typed and ticked.
        let typed = [("name", " "), ("expires_in_days", "90"), ("scopes", "merchants.read")];
        browser.submit(home, &typed, 422).await;
        assert!(browser.html.contains("必填"), "{}", browser.html);
        assert!(browser.html.contains("value=\"merchants.read\" checked"), "{}", browser.html);
        browser.submit(home, &[("name", "数据看板"), ("expires_in_days", "90")], 422).await;
        assert!(browser.html.contains("请至少选择一个权限"), "{}", browser.html);
        let typed = [("name", "数据看板"), ("expires_in_days", "30"), ("scopes", "merchants.read"), ("scopes", "shops.read")];
        browser.submit(home, &typed, 200).await;
        let token = browser.html.split("value=\"qp_live_").nth(1).and_then(|rest| rest.split('"').next());
        let token = format!("qp_live_{}", token.expect("the key is shown"));
        let key = app.anonymous().with_token(&token);
        key.get("/api/v1/merchants", 200).await;
        let at = browser.html.split(&format!("{home}/key_")).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let at = format!("{home}/key_{at}");
        browser.open(&at, 200).await;
        assert!(browser.html.contains("查看服务商的商家") && !browser.html.contains(&token), "{}", browser.html);
        browser.submit(&at, &[("name", "看板二号")], 200).await;
        assert!(browser.html.contains("看板二号") && browser.html.contains("已改名"), "{}", browser.html);
        browser.submit(&format!("{at}/revoke"), &[], 200).await;
        assert!(browser.html.contains("已吊销") && !browser.html.contains(&token), "{}", browser.html);
        key.get("/api/v1/merchants", 401).await;
        app.stop().await;
    }
}

fn given(scopes: PermissionSet) -> Value {
    asked(&scopes.iter().map(Permission::as_str).collect::<Vec<_>>())
}
