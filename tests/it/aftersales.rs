//! After-sale at the WeChat shop: from a buyer's wish at the platform to the decision, the refund and the books, by
//! pushes that come twice, in any order or not at all.

use crate::orders::{Selling, journals};
use qianpu_api::app::aftersales::{reconcile, sync};
use qianpu_api::app::orders;
use qianpu_domain::access::Role;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tests::browser::without_seat;
use qianpu_tests::people::Visitor;
use qianpu_tests::stage::Stage;
use qianpu_tests::{both, postgres};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

/// The buyer asks; the platform's id of the case.
pub async fn ask(selling: &Selling, order: &str, body: Value) -> String {
    let asked = selling.stage.sandbox.post(&format!("orders/{order}/aftersale"), &body).await;
    asked["after_sale_order_id"].as_str().expect("an id").to_owned()
}

/// What the buyer or the platform's people do.
pub async fn move_on(selling: &Selling, case: &str, action: &str) {
    selling.stage.sandbox.post(&format!("aftersales/{case}/{action}"), &json!({})).await;
}

/// Works until our case for the platform's is in this state; the case with everything.
pub async fn case_in(stage: &Stage, external: &str, state: &str) -> Value {
    let list = format!("/api/v1/aftersales?q={external}");
    let owner = &stage.owner;
    let found = stage
        .work_until(&format!("case {external} {state}"), async || {
            let case = owner.get(&list, 200).await.json("/items").get(0).cloned()?;
            (case["state"] == state).then_some(case)
        })
        .await;
    owner.get(&format!("/api/v1/aftersales/{}", found["id"].as_str().unwrap()), 200).await.json("")
}

pub fn path(case: &Value, action: &str) -> String {
    format!("/api/v1/aftersales/{}/{action}", case["id"].as_str().unwrap())
}

fn happened(case: &Value) -> Vec<&str> {
    case["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

pub fn fen(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// Has one case read again, whatever was pushed.
pub async fn look(selling: &Selling, case: &str) {
    let stage = &selling.stage;
    let account: ChannelAccountId = selling.account["id"].as_str().unwrap().parse().unwrap();
    let mut tx = stage.app.state.db.begin(&stage.merchant).await.unwrap();
    job_enqueue(&mut tx, sync::new_job(account, case, 0)).await.unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
}

pub async fn shipped(selling: &Selling, quantity: i64) -> (String, Value) {
    let external = selling.buy(quantity, true).await;
    let order = selling.order_in(&external, "paid").await;
    let ship = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
    selling.stage.owner.post(&ship, &json!({ "carrier": "SF", "waybill": "SF1234567890" }), 201).await;
    let order = selling.order_in(&external, "shipped").await;
    (external, order)
}

both! {
    async fn a_refund_is_agreed_to_and_booked_in_part_and_whole(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let external = selling.buy(2, true).await;
        selling.order_in(&external, "paid").await;
        let part = json!({ "type": "REFUND", "count": 1, "amount": 3_000, "reason": "拍错了" });
        let asked = ask(&selling, &external, part).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert_eq!((&case["kind"], &case["accept_step"]), (&json!("refund_only"), &json!("refund")));
        assert_eq!((&case["amount"], &case["refunded"]), (&fen(3_000), &fen(0)));
        assert_eq!((&case["waits_for"], &case["native_state"]), (&json!("merchant"), &json!("MERCHANT_PROCESSING")));
        assert_eq!((&case["reason"], &case["goods"][0]["quantity"]), (&json!("拍错了"), &json!(1)));
        assert!(case["deadline_at"].is_string(), "{case}");
        assert_eq!(owner.get("/api/v1/aftersales/counts", 200).await.number("/waiting"), 1);

        // Who packs parcels sees it and decides nothing; the desk decides.
        let accept = path(&case, "accept");
        let packer = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOrders).await;
        packer.get(&format!("/api/v1/aftersales/{}", case["id"].as_str().unwrap()), 200).await;
        packer.post(&accept, &json!({}), 403).await;
        let desk = selling.stage.app.person(&selling.stage.merchant, Role::MerchantServiceDesk).await;
        let stale = [("Idempotency-Key", "stale"), ("If-Match", "\"99\"")];
        let refused = desk.send(Method::POST, &accept, Some(&json!({})), &stale, 409).await;
        assert_eq!(refused.code(), "version_conflict");
        let key = [("Idempotency-Key", "one")];
        let taken = desk.send(Method::POST, &accept, Some(&json!({})), &key, 202).await;
        assert_eq!(taken.text("/pending_decision"), "accept");
        let again = desk.send(Method::POST, &accept, Some(&json!({})), &key, 202).await;
        assert_eq!((&again.headers["idempotency-replayed"], &again.body), (&"true".parse().unwrap(), &taken.body));
        let case = case_in(&selling.stage, &asked, "done").await;
        assert_eq!((&case["refunded"], &case["waits_for"]), (&fen(3_000), &json!("nobody")));
        assert_eq!(desk.post(&accept, &json!({}), 409).await.code(), "aftersale_wrong_state");
        for kind in ["asked", "accept_queued", "decision_taken", "moved", "refunded"] {
            assert_eq!(happened(&case).iter().filter(|one| **one == kind).count(), 1, "{kind} in {case}");
        }
        assert_eq!(selling.money().await, (22_600, 0));
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(journals(&order), ["order.paid", "refund.requested", "refund.done"]);
        assert_eq!((&order["refunded"], &order["aftersales"][0]["state"]), (&fen(3_000), &json!("done")));

        // The rest goes back: the platform ends the order, and nothing is booked twice.
        let asked = ask(&selling, &external, json!({ "type": "REFUND" })).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        desk.post(&path(&case, "accept"), &json!({}), 202).await;
        case_in(&selling.stage, &asked, "done").await;
        let order = selling.order_in(&external, "cancelled").await;
        selling.stage.work().await;
        // The platform gave 30.00 back for the first piece and 128.00 for the second: 98.00 stay with the merchant.
        assert_eq!(order["refunded"], fen(15_800));
        assert_eq!(selling.money().await, (9_800, 0));
        for _ in 0..2 {
            look(&selling, &asked).await;
            selling.reconcile().await;
        }
        assert_eq!(selling.money().await, (9_800, 0));
        selling.stage.stop().await;
    }

    async fn a_return_goes_through_every_step(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let (external, _) = shipped(&selling, 1).await;
        let asked = ask(&selling, &external, json!({ "type": "RETURN", "reason": "与描述不符" })).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert_eq!((&case["kind"], &case["accept_step"]), (&json!("return_refund"), &json!("agree")));
        let choices = owner.get(&path(&case, "choices"), 200).await.json("");
        let address = choices["return_addresses"][0]["address_id"].as_str().unwrap();
        let codes: Vec<_> = choices["refusal_reasons"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
        assert_eq!(codes, ["20", "21"], "only reasons of returns");

        // Without an address the platform is not even asked; the words say what is missing.
        owner.post(&path(&case, "accept"), &json!({}), 202).await;
        selling.stage.work().await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert!(case["decision_error"].as_str().unwrap().contains("退货地址"), "{case}");
        assert!(case["pending_decision"].is_null() && happened(&case).contains(&"decision_refused"), "{case}");
        owner.post(&path(&case, "accept"), &json!({ "address_id": address }), 202).await;
        let case = case_in(&selling.stage, &asked, "accepted").await;
        assert_eq!((&case["waits_for"], &case["accept_step"], &case["decision_error"]), (&json!("buyer"), &Value::Null, &Value::Null));
        assert_eq!(owner.post(&path(&case, "accept"), &json!({}), 409).await.code(), "aftersale_wrong_state");
        move_on(&selling, &asked, "return").await;
        let case = case_in(&selling.stage, &asked, "returning").await;
        assert!(case["return_waybill"].as_str().unwrap().starts_with("SF"), "{case}");
        assert_eq!((&case["accept_step"], &case["return_carrier"]), (&json!("received"), &json!("顺丰速运")));
        // The answer is lost, the decision is not made twice.
        selling.stage.sandbox.post("faults/calls", &json!({ "path": "/channels/ec/aftersale/acceptapply",
            "http_status": 502, "after": true, "count": 1 })).await;
        owner.post(&path(&case, "accept"), &json!({}), 202).await;
        selling.stage.work().await;
        selling.stage.app.advance(60);
        let case = case_in(&selling.stage, &asked, "done").await;
        assert_eq!(case["refunded"], fen(12_800));
        let order = selling.order_in(&external, "cancelled").await;
        assert_eq!((&order["refunded"], selling.money().await), (&fen(12_800), (0, 0)));
        // Goods that left come back with somebody looking at them, not by themselves.
        assert_eq!(selling.stock().await, (9, 0, 1));
        selling.stage.stop().await;
    }

    async fn an_account_that_cannot_be_used_is_told_in_the_readers_language(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let external = selling.buy(1, true).await;
        let asked = ask(&selling, &external, json!({ "type": "REFUND" })).await;
        let case = case_in(stage, &asked, "requested").await;
        owner.post(&path(&case, "accept"), &json!({}), 202).await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        catalogue.execute_unprepared("UPDATE channel_accounts SET state = 'expired'").await.unwrap();
        stage.work().await;
        let id = case["id"].as_str().unwrap();
        let case = owner.get(&format!("/api/v1/aftersales/{id}"), 200).await.json("");
        assert_eq!((&case["decision_error"], &case["pending_decision"]), (&json!("account_unusable:expired"), &Value::Null));
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        for (lang, words) in [("zh", "账号当前状态为“授权失效”"), ("en", "The account is “Expired”")] {
            let page = open(&visitor, &format!("/console/merchant/aftersales/{id}?lang={lang}")).await;
            // At the top and in the history.
            assert_eq!(page.html.matches(words).count(), 2, "{lang}: {}", page.html);
            assert!(!page.html.contains("account_unusable"), "{}", page.html);
        }
        selling.stage.stop().await;
    }

    async fn the_address_that_was_chosen_is_where_the_goods_come_back_to(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let account = selling.account["id"].as_str().unwrap();
        let second = json!({ "name": "退货仓", "phone": "13800138000", "province": "浙江省", "city": "杭州市",
            "district": "西湖区", "detail": "文三路90号", "sends": false, "receives": true, "default_send": false,
            "default_receive": false });
        let added = owner.post(&format!("/api/v1/channel_accounts/{account}/shop_addresses"), &second, 200).await;
        let chosen = added.text("/address_id");
        let (external, _) = shipped(&selling, 2).await;

        // By the API: every address is offered, and another than the usual one is told to the platform.
        let asked = ask(&selling, &external, json!({ "type": "RETURN", "count": 1, "reason": "与描述不符" })).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        let choices = owner.get(&path(&case, "choices"), 200).await.json("/return_addresses");
        let choices = choices.as_array().unwrap();
        assert_eq!(choices.len(), 2, "{choices:?}");
        let other = choices.iter().find(|one| one["address_id"] == chosen.as_str()).expect("the new address");
        assert!(other["text"].as_str().unwrap().contains("文三路90号") && other["default"] == false, "{other}");
        let usual = choices.iter().find(|one| one["default"] == true).expect("the usual one");
        assert_ne!(usual["address_id"], chosen.as_str());
        // One that is not of this shop: the platform says so, and the case waits as before.
        owner.post(&path(&case, "accept"), &json!({ "address_id": "99999999" }), 202).await;
        selling.stage.work().await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert!(case["decision_error"].as_str().unwrap().contains("address_id"), "{case}");
        owner.post(&path(&case, "accept"), &json!({ "address_id": "9".repeat(65) }), 422).await;
        owner.post(&path(&case, "accept"), &json!({ "address_id": chosen }), 202).await;
        case_in(&selling.stage, &asked, "accepted").await;
        let told = selling.stage.sandbox.post(&format!("aftersales/{asked}/return"), &json!({})).await;
        assert_eq!(told["address_id"], chosen.as_str(), "{told}");
        case_in(&selling.stage, &asked, "returning").await;

        // By the page: the usual one stands first, the other is chosen.
        let asked = ask(&selling, &external, json!({ "type": "EXCHANGE", "count": 1, "reason": "尺寸不合适" })).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        let desk = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantServiceDesk).await;
        let at = format!("{LIST}/{}", case["id"].as_str().unwrap());
        let page = open(&desk, &at).await;
        let place = |id: &Value| page.html.find(&format!("value=\"{}\"", id.as_str().unwrap()));
        let (first, then) = (place(&usual["address_id"]), place(&other["address_id"]));
        assert!(first.is_some() && first < then, "{first:?} {then:?} in {}", page.html);
        let version = case["version"].to_string();
        let fields = [("version", version.as_str()), ("address_id", chosen.as_str())];
        let sent = submit(&desk, &format!("{at}/accept"), &fields).await;
        assert_eq!((sent.status, sent.location.as_str()), (303, at.as_str()), "{}", sent.html);
        case_in(&selling.stage, &asked, "accepted").await;
        let told = selling.stage.sandbox.post(&format!("aftersales/{asked}/return"), &json!({})).await;
        assert_eq!(told["address_id"], chosen.as_str(), "{told}");
        selling.stage.stop().await;
    }

    async fn an_exchange_sends_new_goods_and_no_money(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let (external, _) = shipped(&selling, 2).await;
        for taken in [true, false] {
            let asked = ask(&selling, &external, json!({ "type": "EXCHANGE", "count": 1, "reason": "尺寸不合适" })).await;
            let case = case_in(&selling.stage, &asked, "requested").await;
            assert_eq!((&case["kind"], &case["accept_step"]), (&json!("exchange"), &json!("agree")));
            let choices = owner.get(&path(&case, "choices"), 200).await.json("");
            let address = &choices["return_addresses"][0]["address_id"];
            owner.post(&path(&case, "accept"), &json!({ "address_id": address }), 202).await;
            case_in(&selling.stage, &asked, "accepted").await;
            move_on(&selling, &asked, "return").await;
            let case = case_in(&selling.stage, &asked, "returning").await;
            if taken {
                owner.post(&path(&case, "accept"), &json!({}), 422).await;
                let parcel = json!({ "carrier": "SF", "waybill": "SF1234567891" });
                owner.post(&path(&case, "accept"), &parcel, 202).await;
                let case = case_in(&selling.stage, &asked, "received_back").await;
                assert_eq!((&case["waits_for"], &case["native_state"]), (&json!("buyer"), &json!("USER_WAIT_RECEIPT")));
                move_on(&selling, &asked, "receive").await;
                case_in(&selling.stage, &asked, "done").await;
            } else {
                let reason = &choices["refusal_reasons"][0]["code"];
                owner.post(&path(&case, "refuse"), &json!({ "reason_code": reason, "words": "并非本店商品" }), 202).await;
                let case = case_in(&selling.stage, &asked, "refused").await;
                assert_eq!(case["native_state"], "MERCHANT_REJECT_RESHIP");
            }
        }
        assert_eq!(selling.money().await, (25_600, 0));
        selling.order_in(&external, "shipped").await;
        selling.stage.stop().await;
    }

    async fn a_refusal_tells_the_buyer_why_and_a_dispute_is_seen(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let external = selling.buy(1, true).await;
        let asked = ask(&selling, &external, json!({ "type": "REFUND" })).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        let refuse = path(&case, "refuse");
        owner.post(&refuse, &json!({ "reason_code": "" }), 422).await;
        owner.post(&refuse, &json!({ "reason_code": "4", "words": "字".repeat(201) }), 422).await;
        // A reason the platform does not know: its words, and the case waits as before.
        owner.post(&refuse, &json!({ "reason_code": "999" }), 202).await;
        selling.stage.work().await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert!(case["decision_error"].as_str().unwrap().contains("40097"), "{case}");
        owner.post(&refuse, &json!({ "reason_code": "4", "words": "已经发出，请先收货" }), 202).await;
        let case = case_in(&selling.stage, &asked, "refused").await;
        assert_eq!(case["refusal"], "已经发出，请先收货");
        assert_eq!(selling.money().await, (12_800, 0));

        move_on(&selling, &asked, "complain").await;
        let seen = selling.stage.work_until("the dispute", async || {
            let case = case_in(&selling.stage, &asked, "refused").await;
            (!case["dispute"].is_null()).then_some(case)
        }).await;
        assert_eq!((&seen["dispute"]["state"], &seen["dispute"]["native_state"]), (&json!("waits_for_merchant"), &json!("100")));
        move_on(&selling, &asked, "side_with_buyer").await;
        let case = case_in(&selling.stage, &asked, "done").await;
        assert_eq!((&case["dispute"]["state"], &case["refunded"]), (&json!("ended"), &fen(12_800)));
        selling.order_in(&external, "cancelled").await;
        assert_eq!(selling.money().await, (0, 0));
        selling.stage.stop().await;
    }

    async fn pushes_twice_reordered_or_lost_end_in_the_platforms_state(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let sandbox = &selling.stage.sandbox;
        let external = selling.buy(3, true).await;
        selling.order_in(&external, "paid").await;
        for kind in ["duplicate", "reorder", "duplicate"] {
            sandbox.post("faults/pushes", &json!({ "kind": kind, "count": 1, "delay_ms": 100,
                "event": "channels_ec_aftersale_update" })).await;
        }
        let first = ask(&selling, &external, json!({ "type": "REFUND", "count": 1 })).await;
        move_on(&selling, &first, "cancel").await;
        let case = case_in(&selling.stage, &first, "cancelled").await;
        assert_eq!(happened(&case).iter().filter(|kind| **kind == "asked").count(), 1);
        // From here on nothing is pushed at all.
        sandbox.delete("faults/pushes").await;
        sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        let second = ask(&selling, &external, json!({ "type": "REFUND", "count": 1 })).await;
        selling.stage.work().await;
        let list = selling.stage.owner.get("/api/v1/aftersales", 200).await.json("/items");
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        // Found by the list of cases; the platform's own step by reading the open case again.
        selling.stage.app.advance(301);
        reconcile::watch(selling.stage.app.state.clone()).await.unwrap();
        case_in(&selling.stage, &second, "requested").await;
        move_on(&selling, &second, "expire").await;
        selling.stage.app.advance(1_000);
        let case = case_in(&selling.stage, &second, "done").await;
        assert_eq!(case["refunded"], fen(12_800));
        assert_eq!(selling.money().await, (25_600, 0));
        // The order names a case that nothing else told of.
        let third = ask(&selling, &external, json!({ "type": "REFUND", "count": 1 })).await;
        let mut tx = selling.stage.app.state.db.begin(&selling.stage.merchant).await.unwrap();
        let account: ChannelAccountId = selling.account["id"].as_str().unwrap().parse().unwrap();
        job_enqueue(&mut tx, orders::sync::new_job(account, &external, 0)).await.unwrap();
        tx.commit().await.unwrap();
        case_in(&selling.stage, &third, "requested").await;
        selling.stage.stop().await;
    }

    async fn people_are_reminded_and_the_platform_goes_on_when_time_is_up(db: TestDb) {
        let mut selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let asked = ask(&selling, &external, json!({ "type": "REFUND" })).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert!(!happened(&case).contains(&"reminded"));
        selling.stage.app.advance(37 * 3600);
        selling.stage.work().await;
        // The token of yesterday has ended.
        selling.stage.owner = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOwner).await;
        let case = case_in(&selling.stage, &asked, "requested").await;
        assert_eq!(happened(&case).iter().filter(|kind| **kind == "reminded").count(), 1, "{case}");
        // Nobody decides: the platform does, and we look when the time is over.
        selling.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        move_on(&selling, &asked, "expire").await;
        selling.stage.app.advance(12 * 3600);
        selling.stage.work().await;
        selling.stage.owner = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOwner).await;
        let case = case_in(&selling.stage, &asked, "done").await;
        assert_eq!((&case["refunded"], selling.money().await), (&fen(12_800), (0, 0)));
        selling.stage.stop().await;
    }

    async fn a_refund_after_settlement_gives_the_share_back(db: TestDb) {
        let mut selling = Selling::start(db, 10).await;
        let (external, _) = shipped(&selling, 1).await;
        selling.at_platform(&external, "confirm").await;
        selling.order_in(&external, "completed").await;
        selling.stage.app.advance(8 * 86_400);
        selling.stage.work().await;
        assert_eq!(selling.money().await, (0, 12_544));
        selling.stage.owner = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOwner).await;
        // 30.00 of 128.00: the share of 2 % falls from 2.56 to 1.96.
        for (amount, left) in [(3_000, 9_604), (9_800, 0)] {
            let asked = ask(&selling, &external, json!({ "type": "REFUND", "amount": amount })).await;
            look(&selling, &asked).await;
            let case = case_in(&selling.stage, &asked, "requested").await;
            selling.stage.owner.post(&path(&case, "accept"), &json!({}), 202).await;
            selling.stage.work().await;
            look(&selling, &asked).await;
            case_in(&selling.stage, &asked, "done").await;
            assert_eq!(selling.money().await, (0, left), "after {amount}");
            if amount == 3_000 {
                break;
            }
        }
        let order = selling.order_in(&external, "cancelled").await;
        assert_eq!(order["refunded"], fen(3_000));
        // The platform's clock, which dates the refund, is behind ours here; so they are compared without their order.
        let mut booked = journals(&order);
        booked.sort_unstable();
        assert_eq!(booked, ["order.paid", "order.released", "order.take_rate", "refund.done", "refund.requested"]);
        selling.stage.stop().await;
    }

    async fn the_desk_works_by_its_pages(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(2, true).await;
        let first = ask(&selling, &external, json!({ "type": "REFUND", "count": 1, "reason": "不想要了" })).await;
        let case = case_in(&selling.stage, &first, "requested").await;
        let second = ask(&selling, &external, json!({ "type": "REFUND", "count": 1 })).await;
        let other = case_in(&selling.stage, &second, "requested").await;
        let desk = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantServiceDesk).await;
        let home = open(&desk, "/console/merchant").await;
        assert!(home.html.contains("等待您处理的售后"), "{}", home.html);
        for (query, there) in [
            ("", true),
            ("?tab=requested", true),
            ("?tab=done", false),
            ("?tab=nonsense", true),
            (&format!("?tab=all&q={first}"), true),
            (&format!("?tab=all&q={external}"), true),
            ("?tab=all&q=nothing", false),
            (&format!("?account={}", selling.account["id"].as_str().unwrap()), true),
        ] {
            let page = open(&desk, &format!("{LIST}{query}")).await;
            let at = format!("{LIST}/{}", case["id"].as_str().unwrap());
            assert_eq!((page.status, page.html.contains(&at)), (200, there), "{query}: {}", page.html);
        }
        let at = format!("{LIST}/{}", case["id"].as_str().unwrap());
        let page = open(&desk, &at).await;
        for text in ["仅退款", "待处理", "不想要了", "同意退款", "商品已发出", &first, "¥128"] {
            assert!(page.html.contains(text), "{text} in {}", page.html);
        }
        let version = case["version"].to_string();
        let sent = submit(&desk, &format!("{at}/accept"), &[("version", version.as_str())]).await;
        assert_eq!((sent.status, sent.location.as_str()), (303, at.as_str()), "{}", sent.html);
        case_in(&selling.stage, &first, "done").await;
        let page = open(&desk, &at).await;
        assert!(page.html.contains("已完成") && page.html.contains("已退款记账") && !page.html.contains("/accept\""), "{}", page.html);
        let order = open(&desk, &format!("/console/merchant/orders/{}", case["order_id"].as_str().unwrap())).await;
        assert!(order.html.contains(&at) && order.html.contains("−<span class=\"money\">¥128<"), "{}", order.html);
        // What was booked for the refund leads to the case.
        let owner = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantOwner).await;
        let booked = open(&owner, "/console/merchant/money/journals").await;
        assert!(booked.html.contains(&at) && booked.html.contains("售后单 …"), "{}", booked.html);

        // What is wrong is said at the field, and what was typed stays.
        let at = format!("{LIST}/{}", other["id"].as_str().unwrap());
        let wrong = submit(&desk, &format!("{at}/refuse"), &[("reason_code", ""), ("words", "请先收货")]).await;
        assert!(wrong.status == 422 && wrong.html.contains("请选择拒绝原因") && wrong.html.contains("请先收货"), "{}", wrong.html);
        let sent = submit(&desk, &format!("{at}/refuse"), &[("reason_code", "4"), ("words", "请先收货")]).await;
        assert_eq!(sent.status, 303, "{}", sent.html);
        case_in(&selling.stage, &second, "refused").await;
        assert!(open(&desk, &at).await.html.contains("请先收货"));
        // Who only reads sees no buttons and cannot press them.
        let finance = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantFinance).await;
        let page = open(&finance, &at).await;
        assert!(page.status == 200 && !page.html.contains("/refuse\""), "{}", page.html);
        assert_eq!(submit(&finance, &format!("{at}/accept"), &[]).await.status, 403);
        selling.stage.stop().await;
    }
}

const LIST: &str = "/console/merchant/aftersales";

struct Answered {
    status: u16,
    location: String,
    html: String,
}

async fn answered(request: reqwest::RequestBuilder) -> Answered {
    let response = request.header("Accept-Language", "zh-CN").send().await.unwrap();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let location = without_seat(location.unwrap_or_default());
    Answered {
        status: response.status().as_u16(),
        location,
        html: without_seat(&response.text().await.unwrap()),
    }
}

async fn open(visitor: &Visitor, path: &str) -> Answered {
    answered(visitor.client.request(Method::GET, path).header("Cookie", &visitor.cookie)).await
}

async fn submit(visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> Answered {
    let mut all = vec![("_csrf", visitor.form_token.as_str())];
    all.extend(fields);
    answered(visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie).form(&all)).await
}
