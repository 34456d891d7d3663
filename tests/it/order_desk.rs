//! The order desk: remark, price, addresses and urges, between our order and the platform's.

use crate::order_pages::{open, submit};
use crate::orders::{Selling, kinds};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use reqwest::Method;
use serde_json::{Value, json};

async fn put(selling: &Selling, path: &str, body: &Value, status: u16) {
    selling.stage.owner.put(path, body, status).await;
}

/// Sends all of it, and waits until the platform has it.
async fn ship(selling: &Selling, order: &Value, external: &str) -> Value {
    let path = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
    let body = json!({ "carrier": "SF", "waybill": "SF1234567890" });
    selling.stage.owner.send(Method::POST, &path, Some(&body), &[("Idempotency-Key", "ship")], 201).await;
    selling.order_in(external, "shipped").await
}

async fn waiting(selling: &Selling, todo: &str) -> Vec<String> {
    let list = selling.stage.owner.get(&format!("/api/v1/orders?todo={todo}"), 200).await.json("/items");
    list.as_array().unwrap().iter().map(|order| order["external_id"].as_str().unwrap().to_owned()).collect()
}

/// Works until the order looks so.
async fn until(selling: &Selling, id: &str, what: &str, looks: impl Fn(&Value) -> bool) -> Value {
    selling
        .stage
        .work_until(what, async || {
            let order = selling.stage.owner.get(&format!("/api/v1/orders/{id}"), 200).await.json("");
            looks(&order).then_some(order)
        })
        .await
}

fn hangzhou() -> Value {
    json!({ "address": { "user_name": "王晓", "tel_number": "13900139000", "province_name": "浙江省",
        "city_name": "杭州市", "county_name": "西湖区", "detail_info": "文三路90号" } })
}

both! {
    async fn a_remark_goes_both_ways_and_is_found(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let id = order["id"].as_str().unwrap();
        let path = format!("/api/v1/orders/{id}/merchant_notes");
        put(&selling, &path, &json!({ "merchant_notes": "  附贺卡 50%  " }), 204).await;
        let there = selling.stage.sandbox.get(&format!("orders/{external}")).await;
        assert_eq!(there["order"]["order_detail"]["ext_info"]["merchant_notes"], "附贺卡 50%");
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(order["merchant_notes"], "附贺卡 50%");
        assert!(kinds(&order).contains(&"noted"), "{order}");
        // Written in the platform's own console.
        selling.stage.sandbox.post(&format!("orders/{external}/note"), &json!({ "merchant_notes": "改发 顺丰" })).await;
        // The second push of one second is like the first, and counts as its repetition: the reconciler finds it.
        selling.reconcile().await;
        until(&selling, id, "the remark of the platform", |order| order["merchant_notes"] == "改发 顺丰").await;
        // Found by remark and by goods; what is special in a pattern is not.
        let owner = &selling.stage.owner;
        for (q, there) in [("顺丰", 1), ("龙井", 1), ("%", 0), ("_", 0), ("附贺卡", 0)] {
            let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
            let found = owner.get(&format!("/api/v1/orders?q={q}"), 200).await.json("/items");
            assert_eq!(found.as_array().unwrap().len(), there, "{q}");
        }
        put(&selling, &path, &json!({ "merchant_notes": "长".repeat(201) }), 422).await;
        let log = owner.get("/api/v1/audit_entries?action=order.noted", 200).await.json("/items");
        assert_eq!(log.as_array().unwrap().len(), 1, "{log}");
        selling.stage.stop().await;
    }

    async fn a_price_goes_down_before_payment_and_is_what_the_platform_says(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(2, false).await;
        let order = selling.order_in(&external, "awaiting_payment").await;
        let (id, line) = (order["id"].as_str().unwrap(), order["lines"][0]["id"].clone());
        let path = format!("/api/v1/orders/{id}/price");
        let total = |fen: i64| json!({ "lines": [{ "order_line_id": line, "total": { "amount": fen, "currency": "CNY" } }] });
        put(&selling, &path, &total(25_601), 422).await;
        put(&selling, &path, &total(0), 422).await;
        put(&selling, &path, &json!({}), 422).await;
        put(&selling, &path, &total(20_000), 204).await;
        let order = selling.order_in(&external, "awaiting_payment").await;
        assert_eq!(order["amounts"]["total"]["amount"], 20_000);
        assert_eq!(order["lines"][0]["total"]["amount"], 20_000);
        assert_eq!(kinds(&order), ["placed", "repriced"]);
        // The last one counts, also back up to the full price.
        put(&selling, &path, &total(25_600), 204).await;
        put(&selling, &path, &total(18_000), 204).await;
        selling.at_platform(&external, "pay").await;
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(order["amounts"]["total"]["amount"], 18_000);
        assert_eq!(selling.money().await, (18_000, 0));
        put(&selling, &path, &total(10_000), 409).await;
        // Not by those who only ship.
        let packer = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOrders).await;
        packer.put(&path, &total(10_000), 403).await;
        selling.stage.stop().await;
    }

    async fn a_wish_for_another_address_waits_is_answered_and_shown(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let sandbox = &selling.stage.sandbox;
        let owner = &selling.stage.owner;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let id = order["id"].as_str().unwrap();
        let answer = format!("/api/v1/orders/{id}/address_wish");
        owner.post(&answer, &json!({ "agreed": true }), 409).await;
        let asked = |order: &Value| !order["desk"]["address_wish"].is_null();
        sandbox.post(&format!("orders/{external}/address"), &hangzhou()).await;
        let order = until(&selling, id, "the wish", asked).await;
        let wish = &order["desk"]["address_wish"];
        assert_eq!(wish["receiver"]["region"], "浙江省 杭州市 西湖区");
        assert!(wish["receiver"]["phone"].as_str().unwrap().contains('*'), "{wish}");
        assert!(wish["until"].is_string(), "{wish}");
        assert_eq!(waiting(&selling, "address").await, [external.as_str()]);
        assert_eq!(kinds(&order), ["placed", "paid", "address_asked"]);
        // Refused: the address stays.
        owner.post(&answer, &json!({ "agreed": false }), 204).await;
        let order = until(&selling, id, "no wish", |order| !asked(order)).await;
        assert_eq!(order["receiver"]["region"], "广东省 广州市 海珠区");
        assert!(waiting(&selling, "address").await.is_empty());
        // Agreed: the goods go there.
        sandbox.post(&format!("orders/{external}/address"), &hangzhou()).await;
        selling.reconcile().await;
        until(&selling, id, "the second wish", asked).await;
        owner.post(&answer, &json!({ "agreed": true }), 204).await;
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(order["receiver"]["region"], "浙江省 杭州市 西湖区");
        assert!(kinds(&order).contains(&"address_changed"), "{order}");
        selling.stage.stop().await;
    }

    async fn an_answer_whose_answer_was_lost_is_not_given_twice(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let sandbox = &selling.stage.sandbox;
        let owner = &selling.stage.owner;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let id = order["id"].as_str().unwrap();
        let answer = format!("/api/v1/orders/{id}/address_wish");
        let asked = |order: &Value| !order["desk"]["address_wish"].is_null();
        sandbox.post(&format!("orders/{external}/address"), &hangzhou()).await;
        until(&selling, id, "the wish", asked).await;
        sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 100 })).await;
        sandbox.post("faults/calls", &json!({
            "path": "/channels/ec/order/addressmodify/accept", "errcode": -1, "count": 1, "after": true })).await;
        owner.post(&answer, &json!({ "agreed": true }), 503).await;
        owner.post(&answer, &json!({ "agreed": true }), 204).await;
        let order = selling.order_in(&external, "paid").await;
        assert!(!asked(&order), "{order}");
        let calls = sandbox.get("calls?path=/channels/ec/order/addressmodify/accept").await;
        assert_eq!(calls["calls"].as_array().unwrap().len(), 1, "{calls}");
        selling.stage.stop().await;
    }

    async fn another_address_is_put_to_an_order_and_the_buyer_decides(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let id = order["id"].as_str().unwrap();
        let path = format!("/api/v1/orders/{id}/address");
        let address = json!({ "name": "王晓", "phone": "13900139000", "province": "浙江省", "city": "杭州市",
            "district": "西湖区", "detail": "文三路90号" });
        let mut wrong = address.clone();
        wrong["phone"] = json!("电话");
        put(&selling, &path, &wrong, 422).await;
        put(&selling, &path, &address, 204).await;
        let order = selling.order_in(&external, "paid").await;
        assert!(order["desk"]["address_proposed_at"].is_string(), "{order}");
        assert_eq!(order["receiver"]["region"], "广东省 广州市 海珠区");
        // Nothing of the address is kept here before the buyer agreed.
        assert!(!order.to_string().contains("文三路"), "{order}");
        selling.at_platform(&external, "agree_address").await;
        let order = until(&selling, id, "the buyer agreed", |order| order["receiver"]["region"] == "浙江省 杭州市 西湖区").await;
        assert!(order["desk"]["address_proposed_at"].is_null(), "{order}");
        ship(&selling, &order, &external).await;
        put(&selling, &path, &address, 409).await;
        selling.stage.stop().await;
    }

    async fn an_urge_is_counted_once_and_over_when_the_order_was_sent(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let id = order["id"].as_str().unwrap();
        assert!(waiting(&selling, "urged").await.is_empty());
        selling.stage.sandbox.post("faults/pushes", &json!({ "kind": "duplicate", "count": 1 })).await;
        selling.at_platform(&external, "urge").await;
        let order = until(&selling, id, "the urge", |order| order["desk"]["urges"] == 1).await;
        selling.stage.work().await;
        assert_eq!(kinds(&order).iter().filter(|kind| **kind == "urged").count(), 1);
        assert_eq!(waiting(&selling, "urged").await, [external.as_str()]);
        let order = ship(&selling, &order, &external).await;
        assert_eq!(order["desk"]["urges"], 1);
        assert!(waiting(&selling, "urged").await.is_empty());
        selling.stage.owner.get("/api/v1/orders?todo=lost", 422).await;
        selling.stage.stop().await;
    }

    async fn the_desk_is_worked_off_by_its_pages(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantOwner).await;
        let unpaid = selling.buy(2, false).await;
        let order = selling.order_in(&unpaid, "awaiting_payment").await;
        let at = format!("/console/merchant/orders/{}", order["id"].as_str().unwrap());
        let page = open(&owner, &format!("{at}/price")).await;
        assert!(page.html.contains("value=\"256.00\""), "{}", page.html);
        let field = format!("total_{}", order["lines"][0]["id"].as_str().unwrap());
        let refused = submit(&owner, &format!("{at}/price"), &[(field.as_str(), "300"), ("freight", "0")]).await;
        assert!(refused.status == 422 && refused.html.contains("不能高于"), "{}", refused.html);
        let refused = submit(&owner, &format!("{at}/price"), &[(field.as_str(), "便宜")]).await;
        assert!(refused.status == 422 && refused.html.contains("便宜"), "{}", refused.html);
        let done = submit(&owner, &format!("{at}/price"), &[(field.as_str(), "199.5"), ("freight", "0")]).await;
        assert_eq!((done.status, done.location.as_str()), (303, at.as_str()), "{}", done.html);
        assert_eq!(selling.order_in(&unpaid, "awaiting_payment").await["amounts"]["total"]["amount"], 19_950);
        // Remark, urge, wish.
        selling.at_platform(&unpaid, "pay").await;
        selling.order_in(&unpaid, "paid").await;
        assert!(open(&owner, &format!("{at}/price")).await.html.contains("价格已不能修改"));
        let noted = submit(&owner, &format!("{at}/notes"), &[("merchant_notes", "附贺卡")]).await;
        assert_eq!(noted.status, 303);
        selling.at_platform(&unpaid, "urge").await;
        selling.stage.sandbox.post(&format!("orders/{unpaid}/address"), &hangzhou()).await;
        until(&selling, order["id"].as_str().unwrap(), "urge and wish", |order| {
            order["desk"]["urges"] == 1 && !order["desk"]["address_wish"].is_null()
        }).await;
        let page = open(&owner, &at).await;
        for text in ["附贺卡", "买家催发货（1 次）", "买家申请修改收货地址", "浙江省 杭州市 西湖区"] {
            assert!(page.html.contains(text), "{text} in {}", page.html);
        }
        assert!(!page.html.contains("13900139000") && !page.html.contains("文三路90号"), "{}", page.html);
        let home = open(&owner, "/console/merchant").await;
        assert!(home.html.contains("买家催发货的订单") && home.html.contains("买家申请改地址的订单"), "{}", home.html);
        let list = open(&owner, "/console/merchant/orders?todo=urged").await;
        assert!(list.html.contains(&unpaid) && list.html.contains("附贺卡"), "{}", list.html);
        // Who may only read sees it and has no buttons.
        let finance = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantFinance).await;
        let page = open(&finance, &at).await;
        assert!(page.html.contains("买家申请修改收货地址") && !page.html.contains("/address_wish"), "{}", page.html);
        assert_eq!(submit(&finance, &format!("{at}/address_wish"), &[("answer", "agree")]).await.status, 403);
        let agreed = submit(&owner, &format!("{at}/address_wish"), &[("answer", "agree")]).await;
        assert_eq!(agreed.status, 303);
        let page = open(&owner, &at).await;
        assert!(!page.html.contains("买家申请修改收货地址</h2>") && page.html.contains("收货地址已变更"), "{}", page.html);
        // Another address, by the form.
        let wrong = [("name", ""), ("phone", "1"), ("province", "浙江省"), ("city", "杭州市"), ("detail", "文三路90号")];
        assert_eq!(submit(&owner, &format!("{at}/address"), &wrong).await.status, 422);
        let right = [("name", "王晓"), ("phone", "13900139000"), ("province", "浙江省"), ("city", "杭州市"), ("detail", "文三路91号")];
        assert_eq!(submit(&owner, &format!("{at}/address"), &right).await.status, 303);
        assert!(open(&owner, &at).await.html.contains("您已提交新地址"));
        selling.stage.stop().await;
    }
}
