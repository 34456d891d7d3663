//! People who work for several tenants: one log-in, a row and roles of its own in each. What happens in one does not
//! reach the others, and the password is one for all.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::{OnboardedMerchant, OnboardedProvider, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};

const INVITATIONS: &str = "/api/v1/staff_invitations";
const ACCEPT: &str = "/api/v1/staff_invitations/accept";
const SWITCH: &str = "/api/v1/auth/switch";
const LIN: &str = "lin@qianshan.test";
const NEW: &str = "another-password-1";

/// A provider with three merchants; Lin owns the first and is invited to the second.
struct Town {
    app: TestApp,
    provider: OnboardedProvider,
    first: OnboardedMerchant,
    second: OnboardedMerchant,
    third: OnboardedMerchant,
}

impl Town {
    async fn start(db: qianpu_tests::TestDb) -> Town {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let first = app.onboarded_merchant(&provider, LIN, "enterprise", "山前茶铺", true).await;
        let second =
            app.onboarded_merchant(&provider, "he@houshan.test", "enterprise", "山后茶铺", true).await;
        let third =
            app.onboarded_merchant(&provider, "wu@sanshan.test", "enterprise", "三山茶铺", true).await;
        Town { app, provider, first, second, third }
    }

    /// Lin accepts an invitation of the second merchant; tokens there, and the id there.
    async fn join_second(&self, role: &str) -> (Client, String) {
        let token = self.invite(&self.second.owner, LIN, role).await;
        let joined = self.first.owner.post(ACCEPT, &json!({ "token": token }), 201).await;
        (self.app.anonymous().with_token(&joined.text("/access_token")), joined.text("/user_id"))
    }

    /// The token of the link in the newest mail.
    async fn invite(&self, owner: &Client, email: &str, role: &str) -> String {
        let body = json!({ "email": email, "name": "林", "role": role, "locale": "zh" });
        owner.post(INVITATIONS, &body, 201).await;
        self.newest_link(email).await
    }

    async fn newest_link(&self, email: &str) -> String {
        self.app.run_jobs().await;
        let mails = self.app.smtp.mails().into_iter().filter(|mail| mail.to == [email]);
        let text = mails.map(|mail| mail.readable()).rfind(|text| text.contains("/console/join/"));
        let text = text.expect("an invitation was sent");
        let after = text.split("/console/join/").nth(1).unwrap();
        after.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap().to_owned()
    }

    async fn tenant(&self, client: &Client) -> String {
        client.get("/api/v1/me", 200).await.text("/tenant/id")
    }

    async fn switch(&self, from: &Client, to: &str) -> Client {
        let tokens = from.post(SWITCH, &json!({ "tenant_id": to }), 200).await;
        self.app.anonymous().with_token(&tokens.text("/access_token"))
    }
}

async fn shops(client: &Client) -> Vec<Value> {
    let items = client.get("/api/v1/shops", 200).await.json("/items");
    items.as_array().unwrap().iter().map(|shop| shop["name"].clone()).collect()
}

async fn tenants(client: &Client) -> Vec<(Value, Value, Value)> {
    let tenants = client.get("/api/v1/me", 200).await.json("/tenants");
    let row = |one: &Value| (one["name"].clone(), one["current"].clone(), one["home"].clone());
    tenants.as_array().unwrap().iter().map(row).collect()
}

fn log_in(password: &str) -> Value {
    json!({ "email": LIN, "password": password })
}

both! {
    async fn a_member_of_two_merchants_sees_in_each_only_what_is_there(db: TestDb) {
        let town = Town::start(db).await;
        let (first, second) = (&town.first.owner, &town.second.owner);
        let (there, id) = town.join_second("merchant_goods").await;
        assert_eq!(shops(first).await, [json!("山前茶铺")]);
        assert_eq!(shops(&there).await, [json!("山后茶铺")]);
        there.get(&format!("/api/v1/shops/{}", town.first.shop_id), 404).await;
        first.get(&format!("/api/v1/shops/{}", town.second.shop_id), 404).await;
        // Owner in the one, and no more than looking after goods in the other.
        first.get("/api/v1/staff", 200).await;
        there.get("/api/v1/staff", 403).await;
        there.get("/api/v1/orders", 403).await;
        let listed = tenants(&there).await;
        assert_eq!(listed.len(), 2, "{listed:?}");
        assert_eq!((&listed[0].1, &listed[0].2), (&json!(false), &json!(true)));
        assert_eq!((&listed[1].1, &listed[1].2), (&json!(true), &json!(false)));
        let (home, other) = (town.tenant(first).await, town.tenant(second).await);
        let back = town.switch(&there, &home).await;
        assert_eq!(shops(&back).await, [json!("山前茶铺")]);
        let again = town.switch(&back, &other).await;
        assert_eq!(shops(&again).await, [json!("山后茶铺")]);
        assert_eq!(again.get("/api/v1/me", 200).await.text("/user/id"), id);
        // The log-in leads home, and knows no second password.
        let entered = town.app.api(LIN, PASSWORD).await;
        assert_eq!(town.tenant(&entered).await, home);
        // Nobody gets tokens where they do not work, whether they are logged in elsewhere or not at all.
        let third = town.tenant(&town.third.owner).await;
        let provider = town.tenant(&town.provider.owner).await;
        let nobodys = "ten_00000000000070008000000000ffffff";
        for foreign in [third.as_str(), provider.as_str(), nobodys] {
            first.post(SWITCH, &json!({ "tenant_id": foreign }), 404).await;
            there.post(SWITCH, &json!({ "tenant_id": foreign }), 404).await;
        }
        second.post(SWITCH, &json!({ "tenant_id": home }), 404).await;
        // The member is one of the people there, under the log-in's e-mail.
        let people = second.get(&format!("/api/v1/staff/{id}"), 200).await;
        assert_eq!((people.text("/email"), people.text("/grants/0/role")), (LIN.into(), "merchant_goods".into()));
        first.get(&format!("/api/v1/staff/{id}"), 404).await;
        town.app.stop().await;
    }

    async fn an_invitation_is_accepted_by_the_person_it_was_sent_to(db: TestDb) {
        let town = Town::start(db).await;
        let second = &town.second.owner;
        let token = town.invite(second, LIN, "merchant_orders").await;
        let body = json!({ "token": token });
        // A new password is not asked for, and somebody else may not take it.
        let new = json!({ "token": token, "name": "林", "password": NEW });
        assert_eq!(town.app.anonymous().post(&format!("{INVITATIONS}/join"), &new, 422).await.text("/errors/0/field"), "email");
        assert_eq!(town.third.owner.post(ACCEPT, &body, 422).await.text("/errors/0/code"), "not_yours");
        town.app.anonymous().post(ACCEPT, &body, 401).await;
        town.first.owner.post(ACCEPT, &json!({ "token": "made-up" }), 404).await;
        let (one, two) = (town.first.owner.clone(), town.app.api(LIN, PASSWORD).await);
        let (one, two) = tokio::join!(
            one.try_send(Method::POST, ACCEPT, Some(&body), &[]),
            two.try_send(Method::POST, ACCEPT, Some(&body), &[])
        );
        let good = [&one, &two].iter().filter(|answer| answer.status == 201).count();
        assert_eq!(good, 1, "{} {}", one.body, two.body);
        town.first.owner.post(ACCEPT, &body, 404).await;
        // Whoever works there already is not invited: not the member, not the people who are at home there.
        for email in [LIN, "he@houshan.test"] {
            let body = json!({ "email": email, "role": "merchant_goods" });
            assert_eq!(second.post(INVITATIONS, &body, 422).await.text("/errors/0/field"), "email");
        }
        // A provider's owner may work for a merchant, too.
        let token = town.invite(second, "owner@qianshan.test", "merchant_finance").await;
        let joined = town.provider.owner.post(ACCEPT, &json!({ "token": token }), 201).await;
        let there = town.app.anonymous().with_token(&joined.text("/access_token"));
        assert_eq!(there.get("/api/v1/me", 200).await.text("/tenant/surface"), "merchant");
        town.app.stop().await;
    }

    async fn who_is_disabled_in_one_tenant_works_on_in_the_others(db: TestDb) {
        let town = Town::start(db).await;
        let (first, second) = (&town.first.owner, &town.second.owner);
        let (there, id) = town.join_second("merchant_goods").await;
        let other = town.tenant(second).await;
        second.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 200).await;
        there.get("/api/v1/me", 401).await;
        first.get("/api/v1/me", 200).await;
        first.post(SWITCH, &json!({ "tenant_id": other }), 404).await;
        assert_eq!(tenants(first).await.len(), 1);
        second.post(&format!("/api/v1/staff/{id}/enable"), &json!({}), 200).await;
        there.get("/api/v1/me", 401).await;
        let there = town.switch(first, &other).await;
        there.get("/api/v1/products", 200).await;
        // A role that is taken is gone with the next request, there only.
        let person = second.get(&format!("/api/v1/staff/{id}"), 200).await;
        let held = person.text("/grants/0/id");
        second.delete(&format!("/api/v1/staff/{id}/grants/{held}"), 204).await;
        there.get("/api/v1/products", 403).await;
        first.get("/api/v1/products", 200).await;
        // Without any role one still sees one's own log-in, and gets away.
        assert_eq!(there.get("/api/v1/me", 200).await.json("/roles"), json!([]));

        // At home: another owner closes the log-in there. The other tenant stays, and logging in leads to it.
        let token = town.invite(first, "he@houshan.test", "merchant_owner").await;
        let joined = second.post(ACCEPT, &json!({ "token": token }), 201).await;
        let he = town.app.anonymous().with_token(&joined.text("/access_token"));
        let lin = first.get("/api/v1/me", 200).await.text("/user/id");
        he.post(&format!("/api/v1/staff/{lin}/disable"), &json!({}), 200).await;
        first.get("/api/v1/me", 401).await;
        there.get("/api/v1/me", 200).await;
        let entered = town.app.api(LIN, PASSWORD).await;
        assert_eq!(town.tenant(&entered).await, other);
        assert_eq!(tenants(&entered).await.len(), 1);
        second.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 200).await;
        town.app.anonymous().post("/api/v1/auth/login", &log_in(PASSWORD), 401).await;
        town.app.stop().await;
    }

    async fn a_new_password_ends_the_sessions_in_every_tenant(db: TestDb) {
        let town = Town::start(db).await;
        let (there, _) = town.join_second("merchant_goods").await;
        let home = &town.first.owner;
        let elsewhere = town.app.api(LIN, PASSWORD).await;
        // Changed where one is a member: that session goes on, and no other.
        let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
        there.put("/api/v1/me/password", &change("not-it-at-all", NEW), 422).await;
        let second = town.switch(home, &town.tenant(&there).await).await;
        there.put("/api/v1/me/password", &change(PASSWORD, NEW), 204).await;
        there.get("/api/v1/me", 200).await;
        for ended in [home, &elsewhere, &second] {
            ended.get("/api/v1/me", 401).await;
        }
        town.app.anonymous().post("/api/v1/auth/login", &log_in(PASSWORD), 401).await;
        // Changed at home, and set anew by mail.
        let home = town.app.api(LIN, NEW).await;
        home.put("/api/v1/me/password", &change(NEW, PASSWORD), 204).await;
        home.get("/api/v1/me", 200).await;
        there.get("/api/v1/me", 401).await;
        let there = town.switch(&home, &town.tenant(&town.second.owner).await).await;
        town.app.anonymous().post("/api/v1/auth/password_resets", &json!({ "email": LIN }), 204).await;
        town.app.run_jobs().await;
        let mut mails = town.app.smtp.mails().into_iter().filter(|mail| mail.to == [LIN]).map(|mail| mail.readable());
        let mail = mails.rfind(|text| text.contains("/console/reset/")).unwrap();
        let token = mail.split("/console/reset/").nth(1).unwrap();
        let token = token.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap();
        let body = json!({ "token": token, "password": NEW });
        town.app.anonymous().post("/api/v1/auth/password_resets/complete", &body, 204).await;
        there.get("/api/v1/me", 401).await;
        home.get("/api/v1/me", 401).await;
        town.app.stop().await;
    }

    async fn of_two_owners_one_of_them_a_member_one_stays(db: TestDb) {
        let town = Town::start(db).await;
        let (lin, lins) = town.join_second("merchant_owner").await;
        let he = &town.second.owner;
        let his = he.get("/api/v1/me", 200).await.text("/user/id");
        let (first, second) = (format!("/api/v1/staff/{lins}/disable"), format!("/api/v1/staff/{his}/disable"));
        let nothing = json!({});
        let (first, second) = tokio::join!(
            he.try_send(Method::POST, &first, Some(&nothing), &[]),
            lin.try_send(Method::POST, &second, Some(&nothing), &[])
        );
        let done = [&first, &second].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{} {}, {} {}", first.status, first.body, second.status, second.body);
        town.app.stop().await;
    }

    async fn the_join_page_leads_through_the_log_in(db: TestDb) {
        let town = Town::start(db).await;
        let at = format!("/console/join/{}", town.invite(&town.second.owner, LIN, "merchant_goods").await);
        let mut lin = Browser::new(&town.app.base_url);
        let page = lin.open(&format!("{at}?lang=zh"), 200).await.to_owned();
        assert!(page.contains("您已有账号") && !page.contains("name=\"repeated\""), "{page}");
        // Somebody else's session in the browser does not help.
        lin.open("/console/login", 200).await;
        lin.submit("/console/login", &[("email", "wu@sanshan.test"), ("password", PASSWORD)], 200).await;
        assert!(lin.open(&at, 200).await.contains("请先用上面的邮箱登录"));
        lin.open("/console/login", 200).await;
        lin.submit(&format!("{at}/accept"), &[], 200).await;
        assert!(lin.html.contains("请先用上面的邮箱登录"), "{}", lin.html);
        lin.open(&format!("/console/login?next={at}"), 200).await;
        let fields = [("email", LIN), ("password", PASSWORD), ("next", at.as_str())];
        let page = lin.submit("/console/login", &fields, 200).await;
        assert!(page.contains("以林茶的身份加入"), "{page}");
        let inside = lin.submit(&format!("{at}/accept"), &[], 200).await;
        assert!(inside.contains("欢迎加入"), "{inside}");
        let name = town.second.owner.get("/api/v1/me", 200).await.text("/tenant/name");
        assert!(inside.contains(&name), "{inside}");
        lin.open("/console/merchant/products", 200).await;
        lin.open("/console/merchant/orders", 403).await;
        assert!(lin.open(&at, 200).await.contains("链接已失效"));
        town.app.stop().await;
    }
}
