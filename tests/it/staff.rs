//! Staff: people join by an invitation, act with their role and no more, and every change acts at once. A tenant is
//! never left without an owner.

use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::stage::shop;
use reqwest::Method;
use serde_json::{Value, json};

const OWNER: &str = "owner@qianshan.test";
const INVITATIONS: &str = "/api/v1/staff_invitations";

/// The token of the link in the n-th mail to somebody.
pub async fn token_of(app: &TestApp, email: &str, nth: usize) -> String {
    app.run_jobs().await;
    let text = app.smtp.nth_to(email, nth).await.readable();
    let after = text.split("/console/join/").nth(1).unwrap_or_else(|| panic!("no link in {text}"));
    after.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap().to_owned()
}

fn invitation(email: &str, role: &str, shop: Option<&str>) -> Value {
    json!({ "email": email, "name": "许禾", "role": role, "shop_id": shop, "locale": "zh" })
}

fn joining(token: &str) -> Value {
    json!({ "token": token, "name": "许禾", "password": PASSWORD })
}

/// Invites and joins; the person, logged in, and their id.
async fn staff(
    app: &TestApp,
    owner: &Client,
    email: &str,
    role: &str,
    shop: Option<&str>,
) -> (Client, String) {
    owner.post(INVITATIONS, &invitation(email, role, shop), 201).await;
    let token = token_of(app, email, 1).await;
    let joined = app.anonymous().post(&format!("{INVITATIONS}/join"), &joining(&token), 201).await;
    (app.anonymous().with_token(&joined.text("/access_token")), joined.text("/user_id"))
}

async fn person(owner: &Client, id: &str) -> Value {
    owner.get(&format!("/api/v1/staff/{id}"), 200).await.json("")
}

/// The path of a person's grant of a role.
async fn grant(owner: &Client, id: &str, role: &str) -> String {
    let person = person(owner, id).await;
    let held = person["grants"].as_array().unwrap().iter().find(|grant| grant["role"] == role);
    format!("/api/v1/staff/{id}/grants/{}", held.expect("the role is held")["id"].as_str().unwrap())
}

async fn own_id(client: &Client) -> String {
    client.get("/api/v1/me", 200).await.text("/user/id")
}

both! {
    async fn who_is_invited_joins_and_acts_with_the_role_and_no_more(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let email = "Money@qianshan.test";
        let sent = provider.owner.post(INVITATIONS, &invitation(email, "provider_finance", None), 201).await;
        assert!(!sent.body.contains("token"), "{}", sent.body);
        let token = token_of(&app, "money@qianshan.test", 1).await;
        let mail = app.smtp.nth_to("money@qianshan.test", 1).await.readable();
        assert!(mail.contains("服务商财务") && mail.contains("qianshan 服务商"), "{mail}");
        assert_eq!(provider.owner.get(INVITATIONS, 200).await.json("/items").as_array().unwrap().len(), 1);
        // What is typed wrongly does not spend the link.
        let weak = json!({ "token": token, "name": " ", "password": "short" });
        let refused = app.anonymous().post(&format!("{INVITATIONS}/join"), &weak, 422).await;
        assert_eq!((refused.text("/errors/0/field"), refused.text("/errors/1/field")), ("name".into(), "password".into()));
        let joined = app.anonymous().post(&format!("{INVITATIONS}/join"), &joining(&token), 201).await;
        let finance = app.anonymous().with_token(&joined.text("/access_token"));
        let me = finance.get("/api/v1/me", 200).await;
        assert_eq!((me.text("/tenant/name"), me.text("/roles/0/role")), ("qianshan 服务商".into(), "provider_finance".into()));
        finance.get("/api/v1/plans", 200).await;
        finance.get("/api/v1/applications", 403).await;
        finance.get("/api/v1/staff", 403).await;
        finance.post(INVITATIONS, &invitation("x@qianshan.test", "provider_owner", None), 403).await;
        app.api("money@qianshan.test", PASSWORD).await.get("/api/v1/me", 200).await;
        // The owner sees them, and when they were last here.
        let people = provider.owner.get("/api/v1/staff", 200).await.json("/items");
        let people = people.as_array().unwrap();
        assert_eq!(people.len(), 3, "{people:?}");
        let found = people.iter().find(|person| person["email"] == "money@qianshan.test").unwrap();
        assert_eq!((&found["state"], &found["grants"][0]["role"]), (&json!("active"), &json!("provider_finance")));
        assert!(found["last_login_at"].is_string(), "{found}");
        assert!(provider.owner.get(INVITATIONS, 200).await.json("/items").as_array().unwrap().is_empty());
        let first = provider.owner.get("/api/v1/staff?limit=2", 200).await;
        let rest = format!("/api/v1/staff?limit=2&cursor={}", first.text("/next_cursor"));
        assert_eq!(provider.owner.get(&rest, 200).await.json("/items").as_array().unwrap().len(), 1);
        app.stop().await;
    }

    async fn a_link_works_once_and_only_while_it_is_the_newest(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("yunling").await;
        let owner = &provider.owner;
        let join = format!("{INVITATIONS}/join");
        let ask = async |email: &str, role: &str| owner.post(INVITATIONS, &invitation(email, role, None), 201).await;
        let use_link = async |token: &str, status: u16| app.anonymous().post(&join, &joining(token), status).await;
        use_link("made-up", 404).await;
        // A newer one ends the older one.
        ask("a@qianshan.test", "provider_support").await;
        let older = token_of(&app, "a@qianshan.test", 1).await;
        ask("A@qianshan.test", "provider_reviewer").await;
        let newer = token_of(&app, "a@qianshan.test", 2).await;
        use_link(&older, 404).await;
        // The same person is asked by another provider too; who comes second is told.
        other.owner.post(INVITATIONS, &invitation("a@qianshan.test", "provider_support", None), 201).await;
        let elsewhere = token_of(&app, "a@qianshan.test", 3).await;
        use_link(&newer, 201).await;
        use_link(&newer, 404).await;
        assert_eq!(use_link(&elsewhere, 422).await.text("/errors/0/field"), "email");
        // Taken back.
        let sent = ask("b@qianshan.test", "provider_support").await.text("/id");
        let taken = token_of(&app, "b@qianshan.test", 1).await;
        other.owner.delete(&format!("{INVITATIONS}/{sent}"), 404).await;
        owner.delete(&format!("{INVITATIONS}/{sent}"), 204).await;
        owner.delete(&format!("{INVITATIONS}/{sent}"), 404).await;
        use_link(&taken, 404).await;
        // Of two uses at once one is good.
        ask("c@qianshan.test", "provider_support").await;
        let twice = token_of(&app, "c@qianshan.test", 1).await;
        let body = joining(&twice);
        let (one, two) = (app.anonymous(), app.anonymous());
        let (one, two) = tokio::join!(
            one.try_send(Method::POST, &join, Some(&body), &[]),
            two.try_send(Method::POST, &join, Some(&body), &[])
        );
        let good = [&one, &two].iter().filter(|answer| answer.status == 201).count();
        assert_eq!(good, 1, "{} {}", one.body, two.body);
        // Too old.
        ask("d@qianshan.test", "provider_support").await;
        let late = token_of(&app, "d@qianshan.test", 1).await;
        app.advance(7 * 86_400 + 1);
        use_link(&late, 404).await;
        app.stop().await;
    }

    async fn what_cannot_be_given_is_refused_at_its_field(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let at = app.merchant(&app.provider("另一服务商").await, "别家").await;
        let foreign = shop(&app, &at, "别家的店", "enterprise", ShopState::Trading).await.to_string();
        let merchant = app.onboarded_merchant(&provider, "lin@qianshan.test", "enterprise", "山前茶铺", true).await;
        let refused = async |owner: &Client, body: Value| {
            let answer = owner.post(INVITATIONS, &body, 422).await;
            answer.text("/errors/0/field")
        };
        let (p, m) = (&provider.owner, &merchant.owner);
        let own = merchant.shop_id.as_str();
        assert_eq!(refused(p, invitation("no address", "provider_finance", None)).await, "email");
        // Whoever works here is not invited again; whoever works elsewhere is.
        assert_eq!(refused(p, invitation(&OWNER.to_uppercase(), "provider_finance", None)).await, "email");
        p.post(INVITATIONS, &invitation("Lin@qianshan.test", "provider_finance", None), 201).await;
        assert_eq!(refused(p, invitation("n@x.test", "merchant_goods", None)).await, "role");
        assert_eq!(refused(m, invitation("n@x.test", "provider_owner", None)).await, "role");
        assert_eq!(refused(m, invitation("n@x.test", "operator_owner", None)).await, "role");
        assert_eq!(refused(p, invitation("n@x.test", "provider_finance", Some(own))).await, "shop_id");
        assert_eq!(refused(m, invitation("n@x.test", "merchant_owner", Some(own))).await, "shop_id");
        assert_eq!(refused(m, invitation("n@x.test", "merchant_goods", Some(&foreign))).await, "shop_id");
        let me = own_id(m).await;
        let grants = format!("/api/v1/staff/{me}/grants");
        for (body, field) in [
            (json!({ "role": "provider_owner" }), "role"),
            (json!({ "role": "merchant_owner" }), "role"),
            (json!({ "role": "merchant_goods", "shop_id": foreign }), "shop_id"),
        ] {
            assert_eq!(m.post(&grants, &body, 422).await.text("/errors/0/field"), field);
        }
        app.stop().await;
    }

    async fn who_is_limited_to_a_shop_sees_that_shop_only(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let stage = &selling.stage;
        let (app, owner) = (&stage.app, &stage.owner);
        let here = stage.shop.to_string();
        let there = shop(app, &stage.merchant, "山后茶铺", "enterprise", ShopState::Trading).await.to_string();
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await["id"].as_str().unwrap().to_owned();
        let product = owner.get("/api/v1/products", 200).await.text("/items/0/id");
        let (mine, _) = staff(app, owner, "here@shan.test", "merchant_manager", Some(&here)).await;
        let (others, id) = staff(app, owner, "there@shan.test", "merchant_manager", Some(&there)).await;
        let count = async |client: &Client, path: &str| {
            client.get(path, 200).await.json("/items").as_array().unwrap().len()
        };
        for path in ["/api/v1/orders", "/api/v1/products", "/api/v1/listings", "/api/v1/channel_accounts"] {
            assert_eq!((count(&mine, path).await, count(&others, path).await), (1, 0), "{path}");
        }
        assert_eq!(count(&others, "/api/v1/shops").await, 1);
        for (path, status) in [(format!("orders/{order}"), 404), (format!("products/{product}"), 404), (format!("shops/{here}"), 404)] {
            mine.get(&format!("/api/v1/{path}"), 200).await;
            others.get(&format!("/api/v1/{path}"), status).await;
        }
        // What is about the whole merchant is not held in a shop.
        for path in ["ledger/summary", "invoices", "jobs", "staff"] {
            mine.get(&format!("/api/v1/{path}"), 403).await;
        }
        let may = mine.get("/api/v1/me", 200).await.json("/permissions");
        assert!(!may.to_string().contains("ledger.read") && may.to_string().contains("orders.ship"), "{may}");
        // A second shop is a second role; taking it away leaves the first.
        let grants = format!("/api/v1/staff/{id}/grants");
        owner.post(&grants, &json!({ "role": "merchant_orders", "shop_id": here }), 201).await;
        others.get(&format!("/api/v1/orders/{order}"), 200).await;
        assert_eq!(count(&others, "/api/v1/listings").await, 0);
        owner.delete(&grant(owner, &id, "merchant_orders").await, 204).await;
        others.get(&format!("/api/v1/orders/{order}"), 404).await;
        selling.stage.stop().await;
    }

    async fn a_change_acts_on_the_next_request(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        let email = "review@qianshan.test";
        let (clerk, id) = staff(&app, owner, email, "provider_reviewer", None).await;
        clerk.get("/api/v1/applications", 200).await;
        clerk.get("/api/v1/plans", 403).await;
        owner.post(&format!("/api/v1/staff/{id}/grants"), &json!({ "role": "provider_finance" }), 201).await;
        clerk.get("/api/v1/plans", 200).await;
        let held = grant(owner, &id, "provider_reviewer").await;
        owner.delete(&held, 204).await;
        owner.delete(&held, 404).await;
        clerk.get("/api/v1/applications", 403).await;
        clerk.get("/api/v1/plans", 200).await;
        // Disabled: out at once, everywhere, and not in again; a new password by mail is not sent either.
        let body = json!({ "email": email, "password": PASSWORD });
        let tokens = app.anonymous().post("/api/v1/auth/login", &body, 200).await;
        assert_eq!(owner.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 200).await.text("/state"), "disabled");
        owner.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 409).await;
        clerk.get("/api/v1/me", 401).await;
        app.anonymous().with_token(&tokens.text("/access_token")).get("/api/v1/me", 401).await;
        let refresh = json!({ "refresh_token": tokens.text("/refresh_token") });
        app.anonymous().post("/api/v1/auth/refresh", &refresh, 401).await;
        app.anonymous().post("/api/v1/auth/login", &body, 401).await;
        // Enabled: the roles are as they were, the old sessions are not.
        owner.post(&format!("/api/v1/staff/{id}/enable"), &json!({}), 200).await;
        owner.post(&format!("/api/v1/staff/{id}/enable"), &json!({}), 409).await;
        clerk.get("/api/v1/me", 401).await;
        app.api(email, PASSWORD).await.get("/api/v1/plans", 200).await;
        app.stop().await;
    }

    async fn a_person_is_told_what_was_changed(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        let email = "review@qianshan.test";
        let (_, id) = staff(&app, owner, email, "provider_reviewer", None).await;
        let at = format!("/api/v1/staff/{id}");
        owner.post(&format!("{at}/grants"), &json!({ "role": "provider_finance" }), 201).await;
        owner.delete(&grant(owner, &id, "provider_reviewer").await, 204).await;
        owner.post(&format!("{at}/disable"), &json!({}), 200).await;
        owner.post(&format!("{at}/enable"), &json!({}), 200).await;
        // What is refused tells nobody anything.
        owner.post(&format!("{at}/enable"), &json!({}), 409).await;
        owner.post(&format!("{at}/grants"), &json!({ "role": "provider_finance" }), 422).await;
        app.run_jobs().await;
        let told: Vec<String> = app.smtp.mails().into_iter().filter(|mail| mail.to == [email]).map(|mail| mail.readable()).collect();
        for (words, times) in [(["“服务商财务”", "给了您新的角色"], 1), (["“入驻审核”", "收回了您的角色"], 1), (["账号已停用", "均已退出"], 1), (["账号已启用", "角色与停用前相同"], 1)] {
            let found = told.iter().filter(|mail| words.iter().all(|word| mail.contains(word))).count();
            assert_eq!(found, times, "{words:?} in {told:#?}");
        }
        assert_eq!(told.len(), 5, "with the invitation");
        app.stop().await;
    }

    async fn expired_invitations_do_not_count(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let owner = &provider.owner;
        for number in 0..100 {
            let email = format!("n{number}@qianshan.test");
            owner.post(INVITATIONS, &invitation(&email, "provider_support", None), 201).await;
        }
        let one_more = invitation("more@qianshan.test", "provider_support", None);
        assert_eq!(owner.post(INVITATIONS, &one_more, 422).await.text("/errors/0/code"), "too_many");
        app.advance(7 * 86_400 + 1);
        let owner = app.api(OWNER, PASSWORD).await;
        owner.post(INVITATIONS, &one_more, 201).await;
        app.stop().await;
    }

    async fn the_last_owner_who_can_log_in_stays(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let first = &provider.owner;
        let me = own_id(first).await;
        let role = grant(first, &me, "provider_owner").await;
        assert_eq!(first.delete(&role, 409).await.code(), "last_owner");
        assert_eq!(first.post(&format!("/api/v1/staff/{me}/disable"), &json!({}), 409).await.code(), "last_owner");
        // A second owner who is disabled does not count.
        let (second, id) = staff(&app, first, "second@qianshan.test", "provider_owner", None).await;
        first.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 200).await;
        assert_eq!(first.delete(&role, 409).await.code(), "last_owner");
        first.post(&format!("/api/v1/staff/{id}/enable"), &json!({}), 200).await;
        second.get("/api/v1/me", 401).await;
        let second = app.api("second@qianshan.test", PASSWORD).await;
        // With two, one may go by themself; then the other is the last.
        first.delete(&role, 204).await;
        first.get("/api/v1/staff", 403).await;
        let last = grant(&second, &id, "provider_owner").await;
        assert_eq!(second.delete(&last, 409).await.code(), "last_owner");
        app.stop().await;
    }

    async fn of_two_owners_who_remove_each_other_at_once_one_stays(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let one = (app.api(OWNER, PASSWORD).await, own_id(&provider.owner).await);
        let two = staff(&app, &one.0, "second@qianshan.test", "provider_owner", None).await;
        for round in 0..6 {
            let (of_one, of_two) =
                (grant(&one.0, &one.1, "provider_owner").await, grant(&one.0, &two.1, "provider_owner").await);
            let (first, second) = tokio::join!(
                one.0.try_send(Method::DELETE, &of_two, None, &[]),
                two.0.try_send(Method::DELETE, &of_one, None, &[])
            );
            let done = (first.status == 204, second.status == 204);
            assert!(done.0 != done.1, "round {round}: {} {}, {} {}", first.status, first.body, second.status, second.body);
            let (stays, back) = if done.0 { (&one.0, &two.1) } else { (&two.0, &one.1) };
            stays.post(&format!("/api/v1/staff/{back}/grants"), &json!({ "role": "provider_owner" }), 201).await;
        }
        app.stop().await;
    }

    async fn people_of_another_tenant_are_not_found(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let merchant = app.onboarded_merchant(&provider, "lin@qianshan.test", "enterprise", "山前茶铺", true).await;
        let operator = app.person(&app.operator().await, Role::OperatorOwner).await;
        let theirs = own_id(&merchant.owner).await;
        let held = grant(&merchant.owner, &theirs, "merchant_owner").await;
        let stranger = app.onboarded_provider("yunling").await;
        for client in [&provider.owner, &operator, &stranger.owner] {
            client.get(&format!("/api/v1/staff/{theirs}"), 404).await;
            client.delete(&held, 404).await;
            for action in ["disable", "enable"] {
                client.post(&format!("/api/v1/staff/{theirs}/{action}"), &json!({}), 404).await;
            }
            client.post(&format!("/api/v1/staff/{theirs}/grants"), &json!({ "role": "merchant_goods" }), 404).await;
            // An own person with somebody else's grant.
            let own = own_id(client).await;
            let mixed = held.replace(&theirs, &own);
            client.delete(&mixed, 404).await;
        }
        merchant.owner.get("/api/v1/staff", 200).await;
        app.stop().await;
    }

    async fn the_pages_do_the_same(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let merchant = app.onboarded_merchant(&provider, "lin@qianshan.test", "enterprise", "山前茶铺", true).await;
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login?lang=zh", 200).await;
        owner.submit("/console/login", &[("email", "lin@qianshan.test"), ("password", PASSWORD)], 200).await;
        let home = "/console/merchant/staff";
        assert!(owner.open(home, 200).await.contains("山前茶铺"));
        let wrong = [("email", "lin@qianshan.test"), ("name", ""), ("role", "merchant_goods"), ("shop_id", "")];
        assert!(owner.submit(home, &wrong, 422).await.contains("此人已在您的员工名单中"));
        let shop = merchant.shop_id.as_str();
        let right = [("email", "cang@qianshan.test"), ("name", "何仓"), ("role", "merchant_goods"), ("shop_id", shop), ("locale", "zh")];
        let sent = owner.submit(home, &right, 200).await;
        assert!(sent.contains("邀请已发送") && sent.contains("cang@qianshan.test"), "{sent}");

        let mut guest = Browser::new(&app.base_url);
        let at = format!("/console/join/{}", token_of(&app, "cang@qianshan.test", 1).await);
        let page = guest.open(&format!("{at}?lang=zh"), 200).await;
        assert!(page.contains("cang@qianshan.test") && page.contains("何仓") && page.contains("商品管理"), "{page}");
        let differ = guest.submit(&at, &[("name", "何仓"), ("password", PASSWORD), ("repeated", "other")], 422).await;
        assert!(differ.contains("两次输入的密码不一致") && !differ.contains(PASSWORD), "{differ}");
        let inside = guest.submit(&at, &[("name", "何仓"), ("password", PASSWORD), ("repeated", PASSWORD)], 200).await;
        assert!(inside.contains("欢迎加入") && inside.contains("何仓") && !inside.contains(home), "{inside}");
        guest.open("/console/merchant/products", 200).await;
        guest.open("/console/merchant/orders", 403).await;
        guest.open(home, 403).await;
        let mut late = Browser::new(&app.base_url);
        assert!(late.open(&at, 200).await.contains("链接已失效"));

        let people = merchant.owner.get("/api/v1/staff", 200).await.json("/items");
        let clerk = people.as_array().unwrap().iter().find(|one| one["email"] == "cang@qianshan.test").unwrap();
        let id = clerk["id"].as_str().unwrap();
        let person = format!("{home}/{id}");
        assert!(owner.open(&person, 200).await.contains("商品管理"));
        assert!(owner.submit(&format!("{person}/grants"), &[("role", "merchant_goods"), ("shop_id", shop)], 422).await.contains("此人已有该角色"));
        assert!(owner.submit(&format!("{person}/grants"), &[("role", "merchant_orders"), ("shop_id", "")], 200).await.contains("角色已给予"));
        guest.open("/console/merchant/orders", 200).await;
        let held = clerk["grants"][0]["id"].as_str().unwrap();
        assert!(owner.submit(&format!("{person}/grants/{held}/take"), &[], 200).await.contains("角色已收回"));
        guest.open("/console/merchant/listings", 403).await;
        assert!(owner.submit(&format!("{person}/disable"), &[], 200).await.contains("已停用"));
        assert!(guest.open("/console/merchant/orders", 200).await.contains("password"));
        assert!(owner.submit(&format!("{person}/enable"), &[], 200).await.contains("已启用"));
        // The last owner is told on their own page.
        let own = format!("{home}/{}", own_id(&merchant.owner).await);
        owner.open(&own, 200).await;
        assert!(owner.submit(&format!("{own}/disable"), &[], 422).await.contains("最后一位可登录的管理员"));
        for (email, path) in [(OWNER, "/console/provider/staff")] {
            let mut browser = Browser::new(&app.base_url);
            browser.open("/console/login?lang=en", 200).await;
            browser.submit("/console/login", &[("email", email), ("password", PASSWORD)], 200).await;
            assert!(browser.open(path, 200).await.contains("Invite somebody"));
        }
        app.stop().await;
    }
}
