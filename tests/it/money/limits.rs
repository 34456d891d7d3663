//! Limits of plans bite where another one is made, say what to do, and hold when several try at once.

use super::{id_of, plan, yuan};
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN};
use reqwest::Method;
use serde_json::{Value, json};

const INVITATIONS: &str = "/api/v1/staff_invitations";

impl Selling {
    /// Puts the merchant on a plan with these limits.
    async fn limited(&self, code: &str, limits: Value) {
        let mut body = plan(code, 0);
        body["terms"]["limits"] = limits;
        let made = self.stage.staff.post("/api/v1/plans", &body, 201).await.text("/id");
        let body = json!({"merchant_id": id_of(self.stage.merchant.tenant()), "plan_id": made});
        self.stage.staff.post("/api/v1/subscriptions", &body, 201).await;
    }

    fn product(&self, title: &str) -> (String, Value) {
        let body = json!({"title": title, "skus": [{"price": yuan(100), "stock": 1}]});
        (format!("/api/v1/shops/{}/products", self.stage.shop), body)
    }
}

both! {
    async fn products_end_at_the_plans_limit(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let there = owner.get("/api/v1/products?limit=100", 200).await.json("/items").as_array().unwrap().len();
        let most = i64::try_from(there).unwrap() + 2;
        selling.limited("small", json!([{"name": "products", "limit": most}])).await;
        // Six at once: two of them.
        let send = |number: usize| {
            let (path, body) = selling.product(&format!("山里红茶{number}"));
            let owner = owner.clone();
            async move { owner.try_send(Method::POST, &path, Some(&body), &[]).await }
        };
        let answers = futures_util::future::join_all((0..6).map(send)).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 409, 409, 409, 409]);
        let refused = answers.iter().find(|answer| answer.status == 409).unwrap();
        assert_eq!(refused.text("/code"), "plan_limit_reached");
        assert!(refused.body.contains(&format!("{most}")), "{}", refused.body);
        // One that goes makes room for another.
        let made = answers.iter().find(|answer| answer.status == 201).unwrap().text("/id");
        owner.delete(&format!("/api/v1/products/{made}"), 204).await;
        let (path, body) = selling.product("山里白茶");
        owner.post(&path, &body, 201).await;
        owner.post(&path, &body, 409).await;
        selling.stage.stop().await;
    }

    async fn staff_and_accounts_end_at_the_plans_limit(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let stage = &selling.stage;
        let people = stage.owner.get("/api/v1/staff?limit=100", 200).await.json("/items").as_array().unwrap().len();
        let limits = json!([{"name": "staff", "limit": people + 1}, {"name": "linked_accounts", "limit": 2}]);
        selling.limited("team", limits).await;
        for (email, expected) in [("one@shanli.test", 201), ("two@shanli.test", 409)] {
            let body = json!({"email": email, "name": "许禾", "role": "merchant_goods", "shop_id": null, "locale": "zh"});
            stage.owner.post(INVITATIONS, &body, 201).await;
            let token = crate::staff::token_of(&stage.app, email, 1).await;
            let body = json!({"token": token, "name": "许禾", "password": PASSWORD});
            let joined = stage.app.anonymous().post(&format!("{INVITATIONS}/join"), &body, expected).await;
            if expected == 409 {
                assert_eq!(joined.text("/code"), "plan_limit_reached");
            }
        }
        for (name, expected) in [("茶铺二", 201), ("茶铺三", 409)] {
            let account = stage.sandbox.post("accounts", &json!({"kind": "store", "nickname": name})).await;
            let body = json!({"shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
                "app_id": account["appid"], "secret": account["secret"], "token": PUSH_TOKEN,
                "encoding_aes_key": AES_KEY, "format": "json"});
            let linked = stage.owner.post("/api/v1/channel_accounts/direct", &body, expected).await;
            if expected == 409 {
                assert_eq!(linked.text("/code"), "plan_limit_reached");
            }
        }
        // What the plan allows is seen beside what there is.
        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = crate::order_pages::open(&owner, "/console/merchant/money").await.html;
        assert!(page.contains("2 / 2"), "{page}");
        selling.stage.stop().await;
    }
}
