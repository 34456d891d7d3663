//! Plans of the alliance are changed at the platform as they were seen, never twice and never unseen; products are added; what
//! is not certain is told as such.

use crate::alliance::{at, audited, calls, joined, play};
use crate::order_pages::{open, submit};
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::stage::shop;
use serde_json::{Value, json};

const CHANGE: &str = "/channels/ec/league/item/upd";
const ADD: &str = "/channels/ec/league/item/batchadd";

/// A plan of the product at the stand-in; where it is here.
async fn plan(selling: &Selling, product: u64, kind: i64, item: Value) -> String {
    let body = json!({ "product_id": product, "promotion_plan_type": kind, "item": item });
    let id = play(selling, "/plans", body).await["promotion_plan_id"].clone();
    at(selling, &format!("products/{product}/plans/{id}"))
}

fn seen(state: &str, percent: i64) -> Value {
    json!({ "state": state, "commission": { "parts": percent, "of": 100 } })
}

async fn terms(selling: &Selling, plan: &str) -> (String, Value) {
    let found = selling.stage.owner.get(plan, 200).await;
    (found.text("/terms/state"), found.json("/terms/commission/percent"))
}

async fn fault(selling: &Selling, path: &str, after: bool) {
    let fault = json!({ "path": path, "http_status": 502, "after": after, "count": 1 });
    selling.stage.sandbox.post("faults/calls", &fault).await;
}

async fn entry(selling: &Selling, action: &str) -> Value {
    let log = selling.stage.owner.get("/api/v1/audit_entries?limit=100", 200).await.json("/items");
    log.as_array().unwrap().iter().find(|entry| entry["action"] == action).unwrap()["detail"].clone()
}

both! {
    async fn a_commission_is_changed_as_it_was_seen(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let product = joined(&selling).await;
        let one = plan(&selling, product, 100, json!({ "type": 1, "status": 1, "ratio": 10 })).await;
        let commission = format!("{one}/commission");
        let body = |percent: i64, seen: Value| json!({ "percent": percent, "seen": seen });
        let changed = owner.post(&commission, &body(12, seen("on", 10)), 200).await;
        assert_eq!((changed.text("/kind"), changed.json("/terms/commission/percent")), ("everyone".to_owned(), json!("12")));
        assert_eq!((calls(&selling, CHANGE).await, audited(&selling, "promotion_plan.commission_changed").await), (1, 1));
        let detail = entry(&selling, "promotion_plan.commission_changed").await;
        assert_eq!((&detail["before"]["commission"], &detail["after"]["commission"]), (&json!("10%"), &json!("12%")), "{detail}");
        assert!(one.ends_with(detail["plan_id"].as_str().unwrap()), "{detail}");

        // Said again it is what it is: the platform is not told twice, and nothing is written down.
        owner.post(&commission, &body(12, seen("on", 10)), 200).await;
        // Who saw the older one does not overwrite the newer one.
        for stale in [seen("on", 10), seen("off", 12), json!({ "state": "on", "commission": null }), json!({ "state": "on", "commission": { "parts": 120, "of": 1000 } })] {
            assert_eq!(owner.post(&commission, &body(15, stale), 409).await.code(), "promotion_plan_changed");
        }
        for wrong in [-1, 91, i64::MAX] {
            let refused = owner.post(&commission, &body(wrong, seen("on", 12)), 422).await;
            assert!(refused.code() == "invalid_field" && refused.body.contains("percent"), "{}", refused.body);
        }
        owner.post(&commission, &json!({ "percent": 12.5, "seen": seen("on", 12) }), 400).await;
        owner.post(&commission, &json!({ "percent": 15 }), 400).await;
        assert_eq!((calls(&selling, CHANGE).await, audited(&selling, "promotion_plan.commission_changed").await), (1, 1));

        // A lost answer is never a success, whether it was done or not; whoever looks sees it.
        for (after, holds) in [(false, "12"), (true, "0")] {
            fault(&selling, CHANGE, after).await;
            assert_eq!(owner.post(&commission, &body(0, seen("on", 12)), 502).await.code(), "promotion_plan_in_doubt");
            assert_eq!(terms(&selling, &one).await, ("on".to_owned(), json!(holds)));
        }
        assert_eq!(audited(&selling, "promotion_plan.commission_changed").await, 3, "who wants to is written down first");
        let told = calls(&selling, CHANGE).await;
        owner.post(&commission, &body(0, seen("on", 12)), 200).await;
        assert_eq!(calls(&selling, CHANGE).await, told, "it is so already");
        // What the platform refuses is told in its words.
        stage.sandbox.post("faults/calls", &json!({ "path": CHANGE, "errcode": 10_021_041, "count": 1 })).await;
        let refused = owner.post(&commission, &body(90, seen("on", 0)), 422).await;
        assert!(refused.code() == "channel_refused" && refused.body.contains("10021041"), "{}", refused.body);
        assert_eq!(owner.post(&commission, &body(90, seen("on", 0)), 200).await.json("/terms/commission/parts"), json!(90));

        // Who may only look cannot; nobody else's is there, whatever is said.
        let host = stage.app.person(&stage.merchant, Role::MerchantLiveHost).await;
        host.post(&commission, &body(10, seen("on", 90)), 403).await;
        let stranger = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &stranger, "乙家小铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let stranger = stage.app.person(&stranger, Role::MerchantOwner).await;
        stranger.post(&commission, &body(99, seen("on", 90)), 404).await;
        for step in ["take_down", "put_up"] {
            stranger.post(&format!("{one}/{step}"), &json!({ "seen": seen("on", 90) }), 404).await;
        }
        stranger.post(&at(&selling, &format!("products/{product}/plans")), &json!({ "percent": 99 }), 404).await;
        assert_eq!(terms(&selling, &one).await, ("on".to_owned(), json!("90")));
        for missing in [format!("products/{product}/plans/1/commission"), "products/nonsense/plans/1/commission".to_owned()] {
            owner.post(&at(&selling, &missing), &body(10, seen("on", 90)), 404).await;
        }
        selling.stage.stop().await;
    }

    async fn a_plan_is_taken_down_and_put_up(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let product = joined(&selling).await;
        let one = plan(&selling, product, 100, json!({ "type": 1, "status": 1, "ratio": 10 })).await;
        let (down, up) = (format!("{one}/take_down"), format!("{one}/put_up"));
        let body = |seen: Value| json!({ "seen": seen });
        assert_eq!(owner.post(&down, &body(seen("on", 10)), 200).await.text("/terms/state"), "off");
        owner.post(&down, &body(seen("on", 10)), 200).await;
        assert_eq!((calls(&selling, CHANGE).await, audited(&selling, "promotion_plan.taken_down").await), (1, 1));
        assert_eq!(owner.post(&up, &body(seen("on", 10)), 409).await.code(), "promotion_plan_changed");
        assert_eq!(owner.post(&up, &body(seen("off", 10)), 200).await.text("/terms/state"), "on");
        owner.post(&up, &body(seen("off", 10)), 200).await;
        assert_eq!((calls(&selling, CHANGE).await, audited(&selling, "promotion_plan.put_up").await), (2, 1));
        for (after, state) in [(false, "on"), (true, "off")] {
            fault(&selling, CHANGE, after).await;
            assert_eq!(owner.post(&down, &body(seen("on", 10)), 502).await.code(), "promotion_plan_in_doubt");
            assert_eq!(terms(&selling, &one).await.0, state);
        }

        // A plan for some: its times go along as they are; it stands only beside the ordinary one.
        let times = json!({ "begin_time": 1_669_867_200, "end_time": 1_672_459_200, "is_forerver": false });
        let item = json!({ "type": 2, "status": 2, "ratio": 18, "exclusive_info": times });
        let some = plan(&selling, product, 300, item).await;
        let refused = owner.post(&format!("{some}/put_up"), &body(seen("off", 18)), 422).await;
        assert!(refused.code() == "channel_refused" && refused.body.contains("10023106"), "{}", refused.body);
        // Another commission puts a plan up that was taken down.
        let wish = json!({ "percent": 11, "seen": seen("off", 10) });
        let changed = owner.post(&format!("{one}/commission"), &wish, 200).await;
        assert_eq!((changed.text("/terms/state"), changed.json("/terms/commission/percent")), ("on".to_owned(), json!("11")));
        let wish = json!({ "percent": 20, "seen": seen("off", 18) });
        let changed = owner.post(&format!("{some}/commission"), &wish, 200).await;
        assert_eq!((changed.text("/terms/way"), changed.text("/terms/state")), ("directed".to_owned(), "on".to_owned()));
        assert_eq!((changed.text("/terms/begins_at"), changed.text("/terms/ends_at")), ("2022-12-01T04:00:00Z".to_owned(), "2022-12-31T04:00:00Z".to_owned()));
        assert_eq!(changed.json("/terms/commission/percent"), json!("20"));

        // What is not known enough of is left alone: without times, deleted, in a state or of a kind nobody knows.
        let told = calls(&selling, CHANGE).await;
        for (kind, item, state) in [
            (300, json!({ "type": 3, "status": 1, "ratio": 10 }), "on"),
            (100, json!({ "type": 1, "status": 4, "ratio": 10 }), "deleted"),
            (100, json!({ "type": 1, "status": 77, "ratio": 10 }), "other"),
            (400, json!({ "type": 1, "status": 1, "ratio": 10 }), "on"),
        ] {
            let fixed = plan(&selling, product, kind, item).await;
            let wish = json!({ "percent": 20, "seen": seen(state, 10) });
            assert_eq!(owner.post(&format!("{fixed}/commission"), &wish, 409).await.code(), "promotion_plan_fixed");
        }
        assert_eq!(calls(&selling, CHANGE).await, told);
        selling.stage.stop().await;
    }

    async fn a_product_is_put_into_the_alliance(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let body = |percent: i64| json!({ "percent": percent });
        let number = selling.listing["external_product_id"].as_str().unwrap();
        let plans = at(&selling, &format!("products/{number}/plans"));
        // Before the shop opened it nothing is written down.
        assert_eq!(owner.post(&plans, &body(10), 409).await.code(), "alliance_not_open");
        let product = joined(&selling).await;
        for wrong in [-1, 91] {
            assert_eq!(owner.post(&plans, &body(wrong), 422).await.code(), "invalid_field");
        }
        assert_eq!((calls(&selling, ADD).await, audited(&selling, "promotion_plan.added").await), (0, 0));
        let host = stage.app.person(&stage.merchant, Role::MerchantLiveHost).await;
        host.post(&plans, &body(10), 403).await;

        // What the platform says of the product is its answer, also where the call as a whole went well.
        let exclusive = json!({ "type": 3, "status": 1, "ratio": 10 });
        let body_of = json!({ "promotion_plan_id": 77, "product_id": product, "promotion_plan_type": 300, "item": exclusive });
        play(&selling, "/plans", body_of).await;
        let refused = owner.post(&plans, &body(10), 422).await;
        assert!(refused.code() == "channel_refused" && refused.body.contains("10023105"), "{}", refused.body);
        let gone = json!({ "promotion_plan_id": 77, "product_id": product, "promotion_plan_type": 300,
            "item": { "type": 3, "status": 4, "ratio": 10 } });
        play(&selling, "/plans", gone).await;
        let refused = owner.post(&at(&selling, "products/1/plans"), &body(10), 422).await;
        assert!(refused.code() == "channel_refused" && refused.body.contains("10023103"), "{}", refused.body);

        fault(&selling, ADD, false).await;
        assert_eq!(owner.post(&plans, &body(10), 502).await.code(), "promotion_plan_in_doubt");
        let listed = owner.get(&plans, 200).await.json("/items");
        assert!(listed.as_array().unwrap().iter().all(|one| one["kind"] != "everyone"), "{listed}");
        let added = owner.post(&plans, &body(10), 200).await;
        assert_eq!((added.text("/plan/kind"), added.text("/plan/terms/way"), added.text("/plan/terms/state")), ("everyone".to_owned(), "ordinary".to_owned(), "on".to_owned()));
        assert_eq!(added.json("/plan/terms/commission/percent"), json!("10"));
        assert_eq!(owner.get(&at(&selling, "products"), 200).await.json("/items/0/listing_id"), selling.listing["id"]);
        assert_eq!(audited(&selling, "promotion_plan.added").await, 4, "who wants to is written down first");

        // Said again it is what it is; with another commission the plan is to be changed.
        let told = calls(&selling, ADD).await;
        assert_eq!(owner.post(&plans, &body(10), 200).await.text("/plan/external_id"), added.text("/plan/external_id"));
        assert_eq!(owner.post(&plans, &body(11), 409).await.code(), "promotion_plan_exists");
        assert_eq!((calls(&selling, ADD).await, audited(&selling, "promotion_plan.added").await), (told, 4));
        selling.stage.stop().await;
    }

    async fn a_lost_answer_about_a_product_is_found_by_looking(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let product = joined(&selling).await;
        let plans = at(&selling, &format!("products/{product}/plans"));
        fault(&selling, ADD, true).await;
        let body = json!({ "percent": 10 });
        assert_eq!(owner.post(&plans, &body, 502).await.code(), "promotion_plan_in_doubt");
        assert_eq!(owner.get(&plans, 200).await.json("/items/0/kind"), json!("everyone"));
        assert_eq!(owner.post(&plans, &body, 200).await.json("/plan/terms/commission/percent"), json!("10"));
        assert_eq!(calls(&selling, ADD).await, 1);
        selling.stage.stop().await;
    }

    async fn the_pages_ask_with_the_old_and_the_new_commission(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let stage = &selling.stage;
        let product = joined(&selling).await;
        let home = format!("/console/merchant/channel_accounts/{}/alliance", selling.account["id"].as_str().unwrap());
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantManager).await;
        // A product is added: chosen, looked at, said.
        assert!(open(&desk, &format!("{home}?part=products")).await.html.contains("/alliance/add\""));
        let add = format!("{home}/add");
        let shown = open(&desk, &add).await.html;
        assert!(shown.contains("明前龙井 500 克") && !shown.contains("确认加入"), "{shown}");
        for wrong in ["91", "-1", "1.5", "十"] {
            let shown = open(&desk, &format!("{add}?product={product}&percent={wrong}")).await.html;
            assert!(shown.contains("0 到 90 之间的整数") && shown.contains("aria-invalid") && !shown.contains("确认加入"), "{shown}");
        }
        let shown = open(&desk, &format!("{add}?product={product}&percent=10")).await.html;
        assert!(shown.contains("确认加入") && shown.contains("<strong>10%</strong>"), "{shown}");
        let english = open(&desk, &format!("{add}?product={product}&percent=10&lang=en")).await.html;
        assert!(english.contains("Add it like this?"), "{english}");
        let number = product.to_string();
        let fields = [("product", number.as_str()), ("percent", "10")];
        let added = submit(&desk, &add, &fields).await.location;
        let goods = format!("{home}/products/{product}");
        assert!(added.starts_with(&format!("{goods}/plans/")), "{added}");
        assert!(!open(&desk, &goods).await.html.contains("/add?"), "it has its plan for everyone");

        // The commission: the plan leads there, old and new stand beside each other, and what was seen goes along.
        let shown = open(&desk, &added).await.html;
        assert!(shown.contains("/commission\"") && shown.contains("data-confirm") && shown.contains("10%"), "{shown}");
        let commission = format!("{added}/commission");
        assert!(!open(&desk, &commission).await.html.contains("确认修改"));
        let shown = open(&desk, &format!("{commission}?percent=12")).await.html;
        for text in ["确认修改", "10%", "<strong>12%</strong>", "name=\"state\" value=\"on\"", "name=\"parts\" value=\"10\"", "name=\"of\" value=\"100\""] {
            assert!(shown.contains(text), "{text} in {shown}");
        }
        let english = open(&desk, &format!("{commission}?percent=12&lang=en")).await.html;
        assert!(english.contains("Change it like this?"), "{english}");
        assert!(open(&desk, &format!("{commission}?percent=10")).await.html.contains("无需修改"));
        assert!(open(&desk, &format!("{commission}?percent=91")).await.html.contains("0 到 90 之间的整数"));
        let with = |percent: &'static str, parts: &'static str| [("percent", percent), ("state", "on"), ("parts", parts), ("of", "100")];
        assert_eq!(submit(&desk, &commission, &with("12", "10")).await.location, added);
        assert!(open(&desk, &added).await.html.contains("12%"));
        // What another one changed meanwhile is not overwritten.
        assert_eq!(submit(&desk, &commission, &with("15", "10")).await.location, added);
        assert_eq!(submit(&desk, &commission, &with("x", "12")).await.location, added);
        assert!(open(&desk, &added).await.html.contains("12%"));

        let shown = |parts: &'static str, state: &'static str| [("state", state), ("parts", parts), ("of", "100")];
        assert_eq!(submit(&desk, &format!("{added}/take_down"), &shown("12", "on")).await.location, added);
        let off = open(&desk, &added).await.html;
        assert!(off.contains("已下架") && off.contains("/put_up") && !off.contains("/take_down\""), "{off}");
        assert!(open(&desk, &format!("{commission}?percent=13")).await.html.contains("同时重新上架"));
        fault(&selling, CHANGE, false).await;
        assert_eq!(submit(&desk, &format!("{added}/put_up"), &shown("12", "off")).await.location, added);
        assert!(open(&desk, &added).await.html.contains("已下架"));
        assert_eq!(submit(&desk, &format!("{added}/put_up"), &shown("12", "off")).await.location, added);
        assert!(open(&desk, &added).await.html.contains("推广中"));

        // Who only looks has no form and cannot send one.
        let host = stage.app.visitor(&stage.merchant, Role::MerchantLiveHost).await;
        let seen = open(&host, &added).await.html;
        assert!(seen.contains("推广中") && !seen.contains("/take_down") && !seen.contains("/commission"), "{seen}");
        assert!(!open(&host, &format!("{home}?part=products")).await.html.contains("/add"));
        for path in [&add, &commission] {
            assert_eq!(open(&host, path).await.status, 403);
            assert_eq!(submit(&host, path, &with("12", "12")).await.status, 403);
        }
        // The platform cannot be asked: that is said, and nothing can be confirmed.
        stage.sandbox.post("faults/calls", &json!({ "path": "*", "http_status": 502, "count": 50 })).await;
        let shown = open(&desk, &format!("{commission}?percent=20")).await.html;
        assert!(shown.contains("暂时查不到联盟数据") && !shown.contains("确认修改"), "{shown}");
        selling.stage.stop().await;
    }
}
