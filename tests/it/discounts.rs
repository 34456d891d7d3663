//! Limited-time discounts of a WeChat shop, between what was asked and what the platform has.

use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_domain::time::Span;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use qianpu_tests::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};

const ADD: &str = "/channels/ec/product/limiteddiscounttask/add";

/// A WeChat shop with a listed product of two SKUs: 128 yuan each, 10 pieces of each.
pub struct Shelf {
    pub stage: Stage,
    pub account: Value,
    pub listing: Value,
    pub skus: Vec<String>,
}

impl Shelf {
    pub async fn start(db: qianpu_tests::TestDb) -> Shelf {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前小店").await;
        let product = stage.product("明前龙井 500 克", 10).await;
        let listing = stage.publish(&product, &account, 202).await.json("");
        let listing = stage.listing_in(listing["id"].as_str().unwrap(), "listed").await;
        let skus = product["skus"].as_array().unwrap().iter();
        let skus = skus.map(|sku| sku["id"].as_str().unwrap().to_owned()).collect();
        Shelf { stage, account, listing, skus }
    }
    pub fn at(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.account["id"].as_str().unwrap())
    }
    pub fn hours(&self, hours: i64) -> String {
        self.stage.app.state.clock().now().plus(Span::hours(hours)).to_string()
    }
    fn wish(&self, price: i64, quantity: i64) -> Value {
        self.wish_between(price, quantity, &self.hours(1), &self.hours(5))
    }
    fn wish_between(&self, price: i64, quantity: i64, starts: &str, ends: &str) -> Value {
        json!({ "listing_id": self.listing["id"], "starts_at": starts, "ends_at": ends, "skus": [
            { "sku_id": self.skus[0], "price": { "amount": price, "currency": "CNY" }, "quantity": quantity } ] })
    }
    async fn ask(&self, body: &Value, expected: u16) -> Answer {
        self.stage.owner.post(&self.at("discounts"), body, expected).await
    }
    async fn list(&self) -> Vec<Value> {
        let list = self.stage.owner.get(&self.at("discounts"), 200).await.json("/items");
        list.as_array().unwrap().clone()
    }
    pub async fn read(&self) -> Answer {
        self.stage.owner.post(&self.at("discounts/read"), &json!({}), 200).await
    }
    pub async fn calls(&self, path: &str) -> usize {
        let calls = self.stage.sandbox.get(&format!("calls?path={path}")).await;
        calls["calls"].as_array().unwrap().len()
    }
    pub async fn fault(&self, fault: Value) {
        self.stage.sandbox.post("faults/calls", &fault).await;
    }
}

both! {
    async fn a_discount_is_made_stopped_and_taken_away(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let owner = &shelf.stage.owner;
        let made = shelf.ask(&shelf.wish(9_900, 5), 201).await;
        assert_eq!((made.json("/state"), made.json("/title")), (json!("ahead"), json!("明前龙井 500 克")));
        assert_eq!(made.json("/external_product_id"), shelf.listing["external_product_id"]);
        let sku = made.json("/skus/0");
        assert_eq!((&sku["sku_id"], &sku["price"]["amount"], &sku["quantity"]), (&json!(shelf.skus[0]), &json!(9_900), &json!(5)));
        assert!(!made.json("/read_at").is_null(), "the platform was asked what it has: {}", made.body);
        // One at a time for a product.
        let second = shelf.ask(&shelf.wish(9_800, 5), 422).await;
        assert_eq!((second.json("/errors/0/field"), second.json("/errors/0/code")), (json!("listing_id"), json!("taken")));
        let path = format!("/api/v1/discounts/{}", made.text("/id"));
        owner.delete(&path, 409).await;
        let stopped = owner.post(&format!("{path}/stop"), &json!({}), 200).await;
        assert_eq!(stopped.json("/state"), "ended");
        owner.post(&format!("{path}/stop"), &json!({}), 409).await;
        owner.delete(&path, 204).await;
        owner.get(&path, 404).await;
        assert_eq!(shelf.read().await.json("/told"), 0, "taken away at the platform too");
        let log = owner.get("/api/v1/audit_entries", 200).await.json("/items").to_string();
        for action in ["discount.asked", "discount.stopped", "discount.deleted"] {
            assert!(log.contains(action), "{action}");
        }
        shelf.stage.stop().await;
    }

    async fn a_lost_answer_makes_no_second_discount(db: TestDb) {
        let shelf = Shelf::start(db).await;
        // It was made, and the answer was lost: asked again, it is found.
        shelf.fault(json!({ "path": ADD, "errcode": -1, "count": 1, "after": true })).await;
        let wish = shelf.wish(9_900, 5);
        shelf.ask(&wish, 503).await;
        let list = shelf.list().await;
        assert_eq!((list.len(), &list[0]["state"], &list[0]["external_id"]), (1, &json!("unclear"), &Value::Null));
        let made = shelf.ask(&wish, 201).await;
        assert_eq!(made.text("/id"), list[0]["id"].as_str().unwrap(), "it is the same one");
        assert_eq!(shelf.calls(ADD).await, 1);
        // Or it is read, and found.
        let path = format!("/api/v1/discounts/{}", made.text("/id"));
        shelf.stage.owner.post(&format!("{path}/stop"), &json!({}), 200).await;
        shelf.fault(json!({ "path": ADD, "errcode": -1, "count": 1, "after": true })).await;
        shelf.ask(&shelf.wish(9_800, 4), 503).await;
        assert_eq!(shelf.read().await.json("/told"), 2);
        let list = shelf.list().await;
        assert_eq!((list.len(), &list[0]["state"]), (2, &json!("ahead")));
        assert_eq!((&list[0]["skus"][0]["price"]["amount"], &list[1]["state"]), (&json!(9_800), &json!("ended")));
        // Another one that is there is not written over, whoever made it.
        let other = shelf.ask(&shelf.wish(9_700, 4), 422).await;
        assert_eq!(other.json("/errors/0/code"), "taken");
        // It never arrived: the reading says so, and it can be asked for again.
        let path = format!("/api/v1/discounts/{}", list[0]["id"].as_str().unwrap());
        shelf.stage.owner.post(&format!("{path}/stop"), &json!({}), 200).await;
        shelf.fault(json!({ "path": ADD, "errcode": -1, "count": 1 })).await;
        shelf.ask(&shelf.wish(9_700, 3), 503).await;
        shelf.read().await;
        assert_eq!(shelf.list().await[0]["state"], "absent");
        assert_eq!(shelf.ask(&shelf.wish(9_700, 3), 201).await.json("/state"), "ahead");
        shelf.stage.stop().await;
    }

    async fn two_who_ask_at_once_make_one(db: TestDb) {
        let shelf = Shelf::start(db).await;
        shelf.fault(json!({ "path": ADD, "delay_ms": 400, "count": 5 })).await;
        let wish = shelf.wish(9_900, 5);
        let path = shelf.at("discounts");
        let send = || shelf.stage.owner.try_send(Method::POST, &path, Some(&wish), &[]);
        let answers = futures_util::future::join_all([send(), send(), send()]).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, 1);
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert!(["promotion_busy", "invalid_field"].contains(&answer.code().as_str()), "{}", answer.body);
        }
        assert_eq!((shelf.calls(ADD).await, shelf.list().await.len()), (1, 1));
        shelf.stage.stop().await;
    }

    async fn a_refusal_is_told_in_the_platforms_words(db: TestDb) {
        let shelf = Shelf::start(db).await;
        shelf.fault(json!({ "path": ADD, "errcode": 10_020_077, "count": 1 })).await;
        let refused = shelf.ask(&shelf.wish(9_900, 5), 422).await;
        assert_eq!(refused.code(), "channel_refused");
        assert!(refused.text("/detail").contains("抢购活动状态不正确"), "{}", refused.body);
        let list = shelf.list().await;
        assert_eq!(list[0]["state"], "refused");
        assert!(list[0]["refusal"].as_str().unwrap().contains("10020077"));
        // Taken away here; the platform never had it.
        let path = format!("/api/v1/discounts/{}", list[0]["id"].as_str().unwrap());
        shelf.stage.owner.delete(&path, 204).await;
        assert!(shelf.list().await.is_empty());
        shelf.stage.stop().await;
    }

    async fn what_cannot_be_is_said_at_its_field_before_the_platform_is_asked(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let (now, later) = (shelf.hours(1), shelf.hours(5));
        let whole = json!({ "amount": 9_900, "currency": "CNY" });
        let mut stranger = shelf.wish(9_900, 5);
        stranger["skus"][0]["sku_id"] = json!("sku_00000000000070008000000000000001");
        let mut twice = shelf.wish(9_900, 5);
        twice["skus"] = json!([twice["skus"][0], { "sku_id": shelf.skus[0], "price": whole, "quantity": 1 }]);
        let mut none = shelf.wish(9_900, 5);
        none["skus"] = json!([]);
        let mut nothing = shelf.wish(9_900, 5);
        nothing["listing_id"] = json!("lst_00000000000070008000000000000001");
        for (body, field, code) in [
            (shelf.wish(12_800, 5), "skus[0].price", "range"),
            (shelf.wish(0, 5), "skus[0].price", "range"),
            (shelf.wish(12_000, 5), "skus[0].price", "too_little"),
            (shelf.wish(11_000, 5), "skus[0].price", "share"),
            (shelf.wish(9_900, 0), "skus[0].quantity", "range"),
            (shelf.wish(9_900, 1_000), "skus[0].quantity", "range"),
            (shelf.wish_between(9_900, 5, &later, &now), "ends_at", "order"),
            (shelf.wish_between(9_900, 5, &shelf.hours(-1), &later), "starts_at", "past"),
            (shelf.wish_between(9_900, 5, &now, &shelf.hours(26)), "ends_at", "too_long"),
            (stranger, "skus[0].sku_id", "unknown"),
            (twice, "skus[1].sku_id", "unknown"),
            (none, "skus", "count"),
            (nothing, "listing_id", "unknown"),
        ] {
            let refused = shelf.ask(&body, 422).await;
            assert_eq!((refused.text("/errors/0/field").as_str(), refused.text("/errors/0/code").as_str()), (field, code), "{}", refused.body);
        }
        assert_eq!((shelf.calls(ADD).await, shelf.list().await.len()), (0, 0));
        shelf.stage.stop().await;
    }

    async fn pages_lead_from_a_product_to_a_discount_and_its_end(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let owner = shelf.stage.app.visitor(&shelf.stage.merchant, Role::MerchantOwner).await;
        let at = format!("/console/merchant/channel_accounts/{}/discounts", shelf.account["id"].as_str().unwrap());
        let suffix = at.rsplit_once("/channel_accounts/").unwrap().1;
        assert!(open(&owner, "/console/merchant/promotions").await.html.contains(suffix));
        assert!(open(&owner, &at).await.html.contains("还没有限时抢购"));
        let choose = open(&owner, &format!("{at}/new")).await;
        let listing = shelf.listing["id"].as_str().unwrap();
        let form = format!("{at}/new?listing_id={listing}");
        assert!(choose.html.contains("明前龙井") && choose.html.contains(listing), "{}", choose.html);
        let (price, quantity) = (format!("price_{}", shelf.skus[0]), format!("quantity_{}", shelf.skus[0]));
        assert!(open(&owner, &form).await.html.contains(&price));
        // As browsers send it: the installation's zone is eight hours ahead.
        let local = |hours: i64| shelf.hours(hours + 8)[..16].to_owned();
        let (starts, ends) = (local(1), local(4));
        let typed = |yuan: &'static str, pieces: &'static str| {
            [("listing_id", listing.to_owned()), (price.as_str(), yuan.to_owned()), (quantity.as_str(), pieces.to_owned()),
                ("starts_at", starts.clone()), ("ends_at", ends.clone())]
        };
        let send = async |fields: [(&str, String); 5]| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            submit(&owner, &at, &fields).await
        };
        let refused = send(typed("128", "99")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.html.contains("低于原价128.00元") && refused.html.contains("数量应为1至"), "{}", refused.html);
        let refused = send(typed("99", "")).await;
        assert_eq!(refused.status, 422);
        let made = send(typed("99", "3")).await;
        assert_eq!((made.status, made.location.as_str()), (303, at.as_str()));
        let page = open(&owner, &at).await;
        assert!(page.html.contains("未开始") && page.html.contains("¥99<small>.00"), "{}", page.html);
        let on_listing = open(&owner, &format!("/console/merchant/listings/{listing}")).await;
        assert!(on_listing.html.contains("已设置限时抢购"), "{}", on_listing.html);
        // Who only looks sees no button.
        let host = shelf.stage.app.visitor(&shelf.stage.merchant, Role::MerchantLiveHost).await;
        let seen = open(&host, &at).await;
        assert!(seen.html.contains("未开始") && !seen.html.contains("/stop"), "{}", seen.html);
        let id = shelf.list().await[0]["id"].as_str().unwrap().to_owned();
        let stopped = submit(&owner, &format!("/console/merchant/discounts/{id}/stop"), &[]).await;
        assert_eq!((stopped.status, stopped.location.as_str()), (303, at.as_str()));
        let deleted = submit(&owner, &format!("/console/merchant/discounts/{id}/delete"), &[]).await;
        assert_eq!(deleted.status, 303);
        assert!(shelf.list().await.is_empty());
        shelf.stage.stop().await;
    }

    async fn another_merchant_sees_no_discount(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let made = shelf.ask(&shelf.wish(9_900, 5), 201).await;
        let other = shelf.stage.app.merchant(&shelf.stage.provider, "别家茶业").await;
        let other = shelf.stage.app.person(&other, Role::MerchantOwner).await;
        let path = format!("/api/v1/discounts/{}", made.text("/id"));
        other.get(&path, 404).await;
        other.post(&format!("{path}/stop"), &json!({}), 404).await;
        other.delete(&path, 404).await;
        other.get(&shelf.at("discounts"), 404).await;
        other.post(&shelf.at("discounts"), &shelf.wish(9_900, 5), 404).await;
        other.post(&shelf.at("discounts/read"), &json!({}), 404).await;
        let clerk = shelf.stage.app.person(&shelf.stage.merchant, Role::MerchantOrders).await;
        clerk.get(&path, 403).await;
        let host = shelf.stage.app.person(&shelf.stage.merchant, Role::MerchantLiveHost).await;
        host.get(&path, 200).await;
        host.post(&format!("{path}/stop"), &json!({}), 403).await;
        shelf.stage.stop().await;
    }
}
