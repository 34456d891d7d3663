//! After-sale at Douyin: refunds, returns with an address, exchanges with a parcel, refusals, disputes, and decisions
//! about a case that has changed.

use super::Shop;
use crate::aftersales::{case_in, fen, path};
use crate::orders::money;
use qianpu_api::app::aftersales::reconcile;
use qianpu_tests::both;
use serde_json::{Value, json};

/// The buyer asks; the platform's id of the case.
async fn ask(shop: &Shop, order: &str, body: Value) -> String {
    let asked = shop.stage.sandbox.post(&format!("douyin/orders/{order}/aftersales"), &body).await;
    asked["aftersale_id"].as_str().expect("an id").to_owned()
}

async fn move_on(shop: &Shop, case: &str, action: &str) {
    shop.stage.sandbox.post(&format!("douyin/aftersales/{case}/{action}"), &json!({})).await;
}

async fn paid(shop: &Shop, listing: &Value, quantity: i64) -> String {
    let external = shop.buy(listing, quantity, true).await;
    shop.order_in(&external, "paid").await;
    external
}

async fn shipped(shop: &Shop, listing: &Value, quantity: i64) -> String {
    let external = paid(shop, listing, quantity).await;
    let order = shop.order_in(&external, "paid").await;
    let ship = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
    let parcel = json!({ "carrier": "SF", "waybill": format!("SF{external}") });
    shop.stage.owner.post(&ship, &parcel, 201).await;
    shop.order_in(&external, "shipped").await;
    external
}

both! {
    async fn a_refund_is_agreed_to_or_refused_and_a_dispute_decided(db: TestDb) {
        let shop = Shop::link(db).await;
        let owner = &shop.stage.owner;
        let listing = shop.listed(10).await;
        let external = paid(&shop, &listing, 2).await;
        let asked = ask(&shop, &external, json!({ "kind": "refund", "count": 1, "reason": "拍错了" })).await;
        let case = case_in(&shop.stage, &asked, "requested").await;
        assert_eq!((&case["kind"], &case["accept_step"]), (&json!("refund_only"), &json!("refund")));
        assert_eq!((&case["amount"], &case["goods"][0]["quantity"]), (&fen(12_800), &json!(1)));
        assert!(case["deadline_at"].is_string(), "{case}");

        // A reason that asks for pictures is not offered; an unknown one is the platform's to refuse.
        let choices = owner.get(&path(&case, "choices"), 200).await.json("");
        let codes: Vec<_> = choices["refusal_reasons"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
        assert!(codes.contains(&json!("2")) && !codes.contains(&json!("4")), "{codes:?}");
        owner.post(&path(&case, "refuse"), &json!({ "reason_code": "999", "words": "请稍等" }), 202).await;
        shop.stage.work().await;
        let case = case_in(&shop.stage, &asked, "requested").await;
        assert!(case["decision_error"].is_string(), "{case}");
        owner.post(&path(&case, "refuse"), &json!({ "reason_code": "2", "words": "已经发出" }), 202).await;
        case_in(&shop.stage, &asked, "refused").await;
        move_on(&shop, &asked, "complain").await;
        let seen = shop.stage.work_until("the dispute", async || {
            let case = case_in(&shop.stage, &asked, "refused").await;
            (!case["dispute"].is_null()).then_some(case)
        }).await;
        assert_ne!(seen["dispute"]["state"], "ended");
        assert_eq!(money(&shop.stage).await, (25_600, 0));
        move_on(&shop, &asked, "side_with_buyer").await;
        let case = case_in(&shop.stage, &asked, "done").await;
        assert_eq!((&case["refunded"], &case["dispute"]["state"]), (&fen(12_800), &json!("ended")));
        assert_eq!(money(&shop.stage).await, (12_800, 0));

        // The other piece too: the order ends, and everything went back once.
        let rest = ask(&shop, &external, json!({ "kind": "refund" })).await;
        let case = case_in(&shop.stage, &rest, "requested").await;
        owner.post(&path(&case, "accept"), &json!({}), 202).await;
        case_in(&shop.stage, &rest, "done").await;
        shop.stage.work().await;
        assert_eq!(money(&shop.stage).await, (0, 0));
        shop.stage.stop().await;
    }

    async fn goods_come_back_to_the_chosen_address_or_are_exchanged(db: TestDb) {
        let shop = Shop::link(db).await;
        let owner = &shop.stage.owner;
        let listing = shop.listed(10).await;
        let external = shipped(&shop, &listing, 1).await;
        let asked = ask(&shop, &external, json!({ "kind": "return" })).await;
        let case = case_in(&shop.stage, &asked, "requested").await;
        assert_eq!((&case["kind"], &case["accept_step"]), (&json!("return_refund"), &json!("agree")));
        let choices = owner.get(&path(&case, "choices"), 200).await.json("");
        assert_eq!(choices["return_addresses"][0]["address_id"], "70001", "{choices}");
        owner.post(&path(&case, "accept"), &json!({ "address_id": "70001" }), 202).await;
        let case = case_in(&shop.stage, &asked, "accepted").await;
        assert_eq!(case["waits_for"], "buyer");
        move_on(&shop, &asked, "return").await;
        let case = case_in(&shop.stage, &asked, "returning").await;
        assert!(case["return_waybill"].as_str().unwrap().starts_with("SF"), "{case}");
        // The answer is lost; the decision is found taken.
        shop.stage.sandbox.post("faults/calls", &json!({ "path": "/afterSale/operate", "http_status": 502,
            "after": true, "count": 1 })).await;
        owner.post(&path(&case, "accept"), &json!({}), 202).await;
        shop.stage.work().await;
        shop.stage.app.advance(60);
        let case = case_in(&shop.stage, &asked, "done").await;
        assert_eq!((&case["refunded"], money(&shop.stage).await), (&fen(12_800), (0, 0)));

        let external = shipped(&shop, &listing, 1).await;
        let asked = ask(&shop, &external, json!({ "kind": "exchange" })).await;
        let case = case_in(&shop.stage, &asked, "requested").await;
        assert_eq!((&case["kind"], &case["amount"]), (&json!("exchange"), &fen(0)));
        owner.post(&path(&case, "accept"), &json!({ "address_id": "70002" }), 202).await;
        case_in(&shop.stage, &asked, "accepted").await;
        move_on(&shop, &asked, "return").await;
        let case = case_in(&shop.stage, &asked, "returning").await;
        let parcel = json!({ "carrier": "SF", "waybill": "SF1234500001" });
        owner.post(&path(&case, "accept"), &parcel, 202).await;
        shop.stage.work_until("the new goods to leave", async || {
            let now = owner.get(&format!("/api/v1/aftersales?q={asked}"), 200).await.json("/items/0");
            (now["native_state"] != case["native_state"]).then_some(())
        }).await;
        move_on(&shop, &asked, "receive").await;
        let case = case_in(&shop.stage, &asked, "done").await;
        assert_eq!((&case["refunded"], money(&shop.stage).await), (&fen(0), (12_800, 0)));
        shop.stage.stop().await;
    }

    async fn a_decision_about_a_case_that_changed_is_not_made_and_lost_pushes_are_caught_up_with(db: TestDb) {
        let shop = Shop::link(db).await;
        let owner = &shop.stage.owner;
        let listing = shop.listed(10).await;
        let external = paid(&shop, &listing, 2).await;
        let asked = ask(&shop, &external, json!({ "kind": "refund", "count": 1 })).await;
        let case = case_in(&shop.stage, &asked, "requested").await;
        // The buyer withdraws, and nobody tells us.
        shop.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        move_on(&shop, &asked, "cancel").await;
        owner.post(&path(&case, "accept"), &json!({}), 202).await;
        let case = case_in(&shop.stage, &asked, "closed").await;
        assert!(case["decision_error"].as_str().unwrap().contains("已变化"), "{case}");
        assert_eq!((shop.calls("/afterSale/operate").await, money(&shop.stage).await), (0, (25_600, 0)));

        let second = ask(&shop, &external, json!({ "kind": "refund", "count": 1 })).await;
        shop.stage.app.advance(301);
        reconcile::watch(shop.stage.app.state.clone()).await.unwrap();
        case_in(&shop.stage, &second, "requested").await;
        // Nobody decides in time: the platform does.
        move_on(&shop, &second, "expire").await;
        shop.stage.app.advance(1_000);
        let case = case_in(&shop.stage, &second, "done").await;
        assert_eq!((&case["refunded"], money(&shop.stage).await), (&fen(12_800), (12_800, 0)));
        shop.stage.stop().await;
    }
}
