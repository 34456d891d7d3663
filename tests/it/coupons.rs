//! Coupons of a WeChat shop, between what was asked, what the platform has, and what buyers do with them.

use crate::discounts::Shelf;
use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::browser::without_seat;
use qianpu_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};

const CREATE: &str = "/channels/ec/coupon/create";
const HELD: &str = "/channels/ec/coupon/get_user_coupon_list";
const STATUS: &str = "/channels/ec/coupon/update_status";

fn yuan(fen: i64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

fn wish(shelf: &Shelf, name: &str) -> Value {
    json!({ "name": name, "gives": { "kind": "less", "less": yuan(1_000), "from": yuan(9_900) },
        "listing_ids": [shelf.listing["id"]], "receive_from": shelf.hours(-1), "receive_until": shelf.hours(48),
        "total": 100, "per_person": 2, "valid_days": 30 })
}

async fn ask(shelf: &Shelf, body: &Value, expected: u16) -> Answer {
    shelf.stage.owner.post(&shelf.at("coupons"), body, expected).await
}

async fn list(shelf: &Shelf) -> Vec<Value> {
    let list = shelf.stage.owner.get(&shelf.at("coupons"), 200).await.json("/items");
    list.as_array().unwrap().clone()
}

fn path(coupon: &Answer) -> String {
    format!("/api/v1/coupons/{}", coupon.text("/id"))
}

async fn play(shelf: &Shelf, id: &str, action: &str, body: Value) -> Value {
    let app_id = shelf.account["external_id"].as_str().unwrap();
    shelf.stage.sandbox.post(&format!("stores/{app_id}/coupons/{id}/{action}"), &body).await
}

async fn until(shelf: &Shelf, at: &str, what: &str, looks: impl Fn(&Answer) -> bool) -> Answer {
    let seen = async || {
        let coupon = shelf.stage.owner.get(at, 200).await;
        looks(&coupon).then_some(coupon)
    };
    shelf.stage.work_until(what, seen).await
}

both! {
    async fn a_coupon_goes_from_draft_to_people_and_is_counted_by_the_platform(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let owner = &shelf.stage.owner;
        let made = ask(&shelf, &wish(&shelf, "新客券"), 201).await;
        assert_eq!((made.json("/state"), made.json("/native_kind")), (json!("draft"), json!("2")));
        assert_eq!(made.json("/external_product_ids/0"), shelf.listing["external_product_id"]);
        assert_eq!((made.json("/received"), made.json("/used")), (json!(0), json!(0)));
        let at = path(&made);
        // A draft can be changed, and is then what was said last.
        let mut other = wish(&shelf, "老客券");
        other["gives"] = json!({ "kind": "rate", "percent": 85, "pieces": 2 });
        let kind = owner.put(&at, &other, 422).await;
        assert_eq!(kind.code(), "channel_refused", "a coupon stays of its kind");
        let mut other = wish(&shelf, "老客券");
        other["total"] = json!(50);
        let changed = owner.put(&at, &other, 200).await;
        assert_eq!((changed.json("/name"), changed.json("/total")), (json!("老客券"), json!(50)));
        owner.post(&format!("{at}/withdraw"), &json!({}), 409).await;
        let live = owner.post(&format!("{at}/publish"), &json!({}), 200).await;
        assert_eq!(live.json("/state"), "live");
        owner.put(&at, &other, 409).await;
        owner.delete(&at, 409).await;
        // People receive and use it: pushes lead to the platform's numbers.
        let id = made.text("/external_id");
        let held = play(&shelf, &id, "receive", json!({ "buyer": "王晓" })).await;
        play(&shelf, &id, "receive", json!({ "buyer": "周舟" })).await;
        until(&shelf, &at, "two received", |coupon| coupon.json("/received") == 2).await;
        play(&shelf, held["user_coupon_id"].as_str().unwrap(), "use", json!({ "order_id": "3705115058471208928" })).await;
        until(&shelf, &at, "one used", |coupon| coupon.json("/used") == 1).await;
        // Withdrawn in the platform's own console.
        play(&shelf, &id, "withdraw", json!({})).await;
        until(&shelf, &at, "withdrawn", |coupon| coupon.json("/state") == "withdrawn").await;
        owner.delete(&at, 204).await;
        owner.get(&at, 404).await;
        assert_eq!(owner.post(&shelf.at("coupons/read"), &json!({}), 200).await.json("/told"), 0);
        let log = owner.get("/api/v1/audit_entries?limit=100", 200).await.json("/items").to_string();
        for action in ["coupon.asked", "coupon.changed", "coupon.published", "coupon.deleted"] {
            assert!(log.contains(action), "{action}");
        }
        shelf.stage.stop().await;
    }

    async fn a_lost_answer_makes_no_second_coupon(db: TestDb) {
        let shelf = Shelf::start(db).await;
        shelf.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 100 })).await;
        let lost = json!({ "path": CREATE, "errcode": -1, "count": 1, "after": true });
        shelf.fault(lost.clone()).await;
        ask(&shelf, &wish(&shelf, "新客券"), 503).await;
        let unclear = list(&shelf).await;
        assert_eq!((unclear.len(), &unclear[0]["state"]), (1, &json!("unclear")));
        // Asked again with the same content it is found.
        let made = ask(&shelf, &wish_again(&unclear[0], &shelf), 201).await;
        assert_eq!((made.text("/id").as_str(), made.json("/state")), (unclear[0]["id"].as_str().unwrap(), json!("draft")));
        assert_eq!(shelf.calls(CREATE).await, 1);
        // The same content on purpose is another coupon: the first one is known.
        let second = ask(&shelf, &wish_again(&unclear[0], &shelf), 201).await;
        assert_ne!(second.text("/external_id"), made.text("/external_id"));
        assert_eq!(shelf.calls(CREATE).await, 2);
        // Or it is read, and found.
        shelf.fault(lost).await;
        ask(&shelf, &wish(&shelf, "周末券"), 503).await;
        assert_eq!(shelf.stage.owner.post(&shelf.at("coupons/read"), &json!({}), 200).await.json("/told"), 3);
        let found = list(&shelf).await;
        assert!(found.len() == 3 && found.iter().all(|one| one["state"] == "draft"), "{found:?}");
        // It never arrived.
        shelf.fault(json!({ "path": CREATE, "errcode": -1, "count": 1 })).await;
        ask(&shelf, &wish(&shelf, "夜宵券"), 503).await;
        shelf.stage.owner.post(&shelf.at("coupons/read"), &json!({}), 200).await;
        assert_eq!(list(&shelf).await[0]["state"], "absent");
        // Publishing whose answer was lost is published once.
        let at = path(&made);
        shelf.fault(json!({ "path": STATUS, "errcode": -1, "count": 1, "after": true })).await;
        shelf.stage.owner.post(&format!("{at}/publish"), &json!({}), 503).await;
        assert_eq!(shelf.stage.owner.post(&format!("{at}/publish"), &json!({}), 200).await.json("/state"), "live");
        assert_eq!(shelf.calls(STATUS).await, 1);
        shelf.stage.stop().await;
    }

    async fn two_who_ask_for_one_coupon_at_once_make_one(db: TestDb) {
        let shelf = Shelf::start(db).await;
        shelf.fault(json!({ "path": CREATE, "delay_ms": 1500, "count": 5 })).await;
        let (body, at) = (wish(&shelf, "新客券"), shelf.at("coupons"));
        let send = || shelf.stage.owner.try_send(Method::POST, &at, Some(&body), &[]);
        let answers = futures_util::future::join_all([send(), send(), send()]).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!((made, shelf.calls(CREATE).await), (1, 1));
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(answer.code(), "promotion_busy", "{}", answer.body);
        }
        shelf.stage.stop().await;
    }

    async fn a_refused_coupon_keeps_the_platforms_words(db: TestDb) {
        let shelf = Shelf::start(db).await;
        shelf.fault(json!({ "path": CREATE, "errcode": 10_021_001, "count": 1 })).await;
        assert_eq!(ask(&shelf, &wish(&shelf, "新客券"), 422).await.code(), "channel_refused");
        let refused = list(&shelf).await;
        assert_eq!(refused[0]["state"], "refused");
        assert!(refused[0]["refusal"].as_str().unwrap().contains("优惠券状态不对"), "{refused:?}");
        let at = format!("/api/v1/coupons/{}", refused[0]["id"].as_str().unwrap());
        shelf.stage.owner.delete(&at, 204).await;
        assert!(list(&shelf).await.is_empty());
        shelf.stage.stop().await;
    }

    async fn what_a_coupon_cannot_be_is_said_at_its_field(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let with = |field: &str, value: Value| {
            let mut body = wish(&shelf, "新客券");
            body[field] = value;
            body
        };
        let less = |less: i64, from: i64| json!({ "kind": "less", "less": yuan(less), "from": yuan(from) });
        for (body, field) in [
            (with("name", json!("")), "name"),
            (with("name", json!("十一个字的名字太长了吧")), "name"),
            (with("gives", json!({ "kind": "rate", "percent": 19 })), "percent"),
            (with("gives", json!({ "kind": "rate", "percent": 100 })), "percent"),
            (with("gives", json!({ "kind": "rate", "percent": 80, "pieces": 0 })), "pieces"),
            (with("gives", less(20_001, 90_000)), "less"),
            (with("gives", less(1_000, 1_000)), "from"),
            (with("gives", json!({ "kind": "rate" })), "gives"),
            (with("listing_ids", json!(["lst_00000000000070008000000000000001"])), "listing_ids[0]"),
            (with("receive_until", json!(shelf.hours(-2))), "receive_until"),
            (with("receive_until", json!(shelf.hours(24 * 366))), "receive_until"),
            (with("total", json!(0)), "total"),
            (with("per_person", json!(101)), "per_person"),
            (with("valid_days", json!(0)), "valid_days"),
            (with("valid_days", Value::Null), "valid_days"),
        ] {
            let refused = ask(&shelf, &body, 422).await;
            assert_eq!(refused.text("/errors/0/field"), field, "{}", refused.body);
        }
        assert_eq!((shelf.calls(CREATE).await, list(&shelf).await.len()), (0, 0));
        shelf.stage.stop().await;
    }

    async fn coupons_of_an_orders_buyer_are_asked_for_and_kept_nowhere(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let owner = &shelf.stage.owner;
        let made = ask(&shelf, &wish(&shelf, "新客券"), 201).await;
        owner.post(&format!("{}/publish", path(&made)), &json!({}), 200).await;
        play(&shelf, &made.text("/external_id"), "receive", json!({ "buyer": "王晓" })).await;
        let body = json!({ "appid": shelf.account["external_id"], "buyer": "王晓", "pay": true,
            "items": [{ "product_id": shelf.listing["external_product_id"] }] });
        let order = shelf.stage.sandbox.post("orders", &body).await;
        let external = order["order_id"].as_str().unwrap().to_owned();
        let order = shelf.stage.work_until("the order", async || {
            let list = owner.get("/api/v1/orders", 200).await.json("/items");
            list.as_array().unwrap().iter().find(|one| one["external_id"] == external.as_str()).cloned()
        }).await;
        let at = format!("/api/v1/orders/{}/buyer_coupons", order["id"].as_str().unwrap());
        let held = owner.get(&at, 200).await;
        assert_eq!((held.json("/items/0/name"), held.json("/items/0/state")), (json!("新客券"), json!("usable")));
        assert_eq!((held.json("/items/0/coupon_id"), held.json("/items/1")), (made.json("/id"), Value::Null));
        let finance = shelf.stage.app.person(&shelf.stage.merchant, Role::MerchantGoods).await;
        finance.get(&at, 403).await;
        // The order's page leads to them and asks nothing by itself; one that was used says for which order.
        play(&shelf, &held.text("/items/0/external_id"), "use", json!({ "order_id": external })).await;
        let visitor = shelf.stage.app.visitor(&shelf.stage.merchant, Role::MerchantOwner).await;
        let order_page = format!("/console/merchant/orders/{}", order["id"].as_str().unwrap());
        let page = format!("{order_page}/coupons");
        let before = shelf.calls(HELD).await;
        let shown = without_seat(&open(&visitor, &order_page).await.html);
        assert!(shown.contains(&format!("href=\"{page}\"")), "{shown}");
        assert_eq!(shelf.calls(HELD).await, before);
        let shown = open(&visitor, &page).await;
        for text in ["新客券", "已使用", &external] {
            assert!(shown.html.contains(text), "{text} in {}", shown.html);
        }
        assert!(shelf.calls(HELD).await > before);
        // What the platform refuses is said there; others' orders are not there; who may not see orders sees no page.
        shelf.fault(json!({ "path": HELD, "errcode": 48001, "count": 1 })).await;
        let refused = open(&visitor, &page).await;
        assert!(refused.status == 200 && refused.html.contains("暂时读不到买家的优惠券"), "{}", refused.html);
        let other = shelf.stage.app.merchant(&shelf.stage.provider, "乙商家").await;
        let stranger = shelf.stage.app.visitor(&other, Role::MerchantOwner).await;
        assert_eq!(open(&stranger, &page).await.status, 404);
        let goods = shelf.stage.app.visitor(&shelf.stage.merchant, Role::MerchantGoods).await;
        assert_eq!(open(&goods, &page).await.status, 403);
        shelf.stage.stop().await;
    }

    async fn pages_of_coupons_lead_from_a_form_to_people(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let owner = shelf.stage.app.visitor(&shelf.stage.merchant, Role::MerchantOwner).await;
        let at = format!("/console/merchant/channel_accounts/{}/coupons", shelf.account["id"].as_str().unwrap());
        assert!(open(&owner, &at).await.html.contains("还没有优惠券"));
        let form = open(&owner, &format!("{at}/new")).await;
        assert!(form.html.contains("满减") && form.html.contains("明前龙井"), "{}", form.html);
        let local = |hours: i64| shelf.hours(hours + 8)[..16].to_owned();
        let (from, until) = (local(0), local(72));
        let send = async |to: &str, less: &str, total: &str| {
            submit(&owner, to, &[("name", "新客券"), ("kind", "less_from"), ("less", less), ("from", "99"),
                ("receive_from", &from), ("receive_until", &until), ("total", total), ("per_person", "1"),
                ("validity", "days"), ("valid_days", "30")]).await
        };
        let refused = send(&at, "300", "").await;
        assert_eq!(refused.status, 422);
        let refused = send(&at, "300", "many").await;
        assert!(refused.status == 422 && refused.html.contains("请填写整数"), "{}", refused.html);
        let refused = send(&at, "300", "100").await;
        assert!(refused.status == 422 && refused.html.contains("最多200元"), "{}", refused.html);
        let made = send(&at, "10", "100").await;
        assert_eq!((made.status, made.location.as_str()), (303, at.as_str()));
        let page = open(&owner, &at).await;
        assert!(page.html.contains("草稿") && page.html.contains("¥10<small>.00"), "{}", page.html);
        let id = list(&shelf).await[0]["id"].as_str().unwrap().to_owned();
        let one = format!("/console/merchant/coupons/{id}");
        assert!(open(&owner, &one).await.html.contains("value=\"99.00\""));
        assert_eq!(send(&one, "12", "100").await.status, 303);
        assert!(open(&owner, &at).await.html.contains("¥12<small>.00"));
        assert_eq!(submit(&owner, &format!("{one}/publish"), &[]).await.status, 303);
        assert!(open(&owner, &at).await.html.contains("可领取"));
        assert_eq!(open(&owner, &one).await.status, 404);
        assert_eq!(submit(&owner, &format!("{one}/withdraw"), &[]).await.status, 303);
        assert!(open(&owner, &at).await.html.contains("已作废"));
        assert_eq!(submit(&owner, &format!("{one}/delete"), &[]).await.status, 303);
        assert!(list(&shelf).await.is_empty());
        shelf.stage.stop().await;
    }

    async fn another_merchant_sees_no_coupon(db: TestDb) {
        let shelf = Shelf::start(db).await;
        let made = ask(&shelf, &wish(&shelf, "新客券"), 201).await;
        let other = shelf.stage.app.merchant(&shelf.stage.provider, "别家茶业").await;
        let other = shelf.stage.app.person(&other, Role::MerchantOwner).await;
        let at = path(&made);
        other.get(&at, 404).await;
        for step in ["publish", "withdraw"] {
            other.post(&format!("{at}/{step}"), &json!({}), 404).await;
        }
        other.put(&at, &wish(&shelf, "新客券"), 404).await;
        other.delete(&at, 404).await;
        other.get(&shelf.at("coupons"), 404).await;
        other.post(&shelf.at("coupons"), &wish(&shelf, "新客券"), 404).await;
        let host = shelf.stage.app.person(&shelf.stage.merchant, Role::MerchantLiveHost).await;
        host.get(&at, 200).await;
        host.post(&format!("{at}/publish"), &json!({}), 403).await;
        shelf.stage.stop().await;
    }
}

/// The same content as one that was asked for: the times as they were.
fn wish_again(one: &Value, shelf: &Shelf) -> Value {
    let mut body = wish(shelf, one["name"].as_str().unwrap());
    for field in ["receive_from", "receive_until"] {
        body[field] = one[field].clone();
    }
    body
}
