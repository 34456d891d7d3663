//! The alliance of the WeChat shop: read at the platform as it tells it; promoters shut out and let back, and what is not
//! certain is told as such.

use crate::order_pages::{open, submit};
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::stage::shop;
use serde_json::{Value, json};

const UPDATE: &str = "/channels/ec/league/talent/update";

pub fn at(selling: &Selling, rest: &str) -> String {
    format!("/api/v1/channel_accounts/{}/alliance/{rest}", selling.account["id"].as_str().unwrap())
}

/// Somebody does something with the shop's alliance at the stand-in.
pub async fn play(selling: &Selling, rest: &str, body: Value) -> Value {
    let path = format!("league/{}{rest}", selling.account["external_id"].as_str().unwrap());
    selling.stage.sandbox.post(&path, &body).await
}

/// A shop in the alliance with one listed product, and the platform's id of that.
pub async fn joined(selling: &Selling) -> u64 {
    play(selling, "", json!({ "opened": true })).await;
    selling.listing["external_product_id"].as_str().unwrap().parse().unwrap()
}

async fn talent(selling: &Selling, id: &str, name: &str, rest: Value) {
    let mut body = json!({ "talent_appid": id, "nickname": name });
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    play(selling, "/talents", body).await;
}

pub async fn calls(selling: &Selling, path: &str) -> usize {
    let calls = selling.stage.sandbox.get(&format!("calls?path={path}")).await;
    calls["calls"].as_array().unwrap().len()
}

pub async fn audited(selling: &Selling, action: &str) -> usize {
    let log = selling.stage.owner.get("/api/v1/audit_entries?limit=100", 200).await.json("/items");
    log.as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
}

both! {
    async fn the_alliance_is_told_as_the_platform_tells_it(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let product = joined(&selling).await;
        assert_eq!(owner.get(&at(&selling, "promoters"), 200).await.json("/items"), json!([]));
        assert_eq!(owner.get(&at(&selling, "products"), 200).await.json("/items"), json!([]));
        let data = json!({ "total_sale_gmv": 128_000, "sale_gmv_30d": "25600", "total_order_num": 0 });
        let sold = json!({ "spu_id": product, "product_data": { "total_sale_gmv": 64_000 },
            "talent_commission_info": { "commission_type": 3, "ratio": 12_500 } });
        talent(&selling, "wxaaaaaa", "阿青说茶", json!({ "level": 2, "data": data, "products": [sold] })).await;
        talent(&selling, "wxbbbbbb", "", json!({})).await;
        let listed = owner.get(&at(&selling, "promoters"), 200).await;
        assert_eq!(listed.json("/items"), json!([
            { "external_id": "wxaaaaaa", "name": "阿青说茶" }, { "external_id": "wxbbbbbb", "name": null },
        ]));
        assert_eq!(listed.json("/next_cursor"), Value::Null);
        let one = owner.get(&at(&selling, "promoters/wxaaaaaa"), 200).await.json("");
        assert_eq!((&one["level"], &one["blocked"]), (&json!(2), &json!(false)));
        assert_eq!((&one["sales"]["total"]["amount"], &one["sales"]["recent"]["amount"]), (&json!(128_000), &json!(25_600)));
        assert_eq!((&one["sales"]["orders"], &one["sales"]["recent_orders"]), (&json!(0), &Value::Null), "not told is not 0");
        let products = owner.get(&at(&selling, "promoters/wxaaaaaa/products"), 200).await.json("/items");
        assert_eq!((&products[0]["listing_id"], &products[0]["commission"]["percent"]), (&selling.listing["id"], &json!("12.5")));
        assert_eq!((&products[0]["native_split"], &products[0]["sales"]["recent"]), (&json!("3"), &Value::Null));

        // Plans: a documented one, one of each other kind, and one whose numbers nobody knows.
        let ordinary = json!({ "type": 1, "status": 1, "ratio": 10, "ext_info": { "is_banned": true } });
        let seller = json!({ "talent_appid": "wxaaaaaa", "ratio": 1250, "talent_relation_status": 7 });
        let plan = json!({ "product_id": product, "promotion_plan_type": 100, "item": ordinary, "talents": [seller] });
        let everyone = play(&selling, "/plans", plan).await["promotion_plan_id"].clone();
        let times = json!({ "begin_time": 1_669_867_200, "end_time": 1_672_459_200, "is_forerver": true });
        let directed = json!({ "type": 3, "status": 10, "ratio": 50, "exclusive_info": times });
        let plan = json!({ "product_id": product, "promotion_plan_type": 300, "item": directed });
        let named = play(&selling, "/plans", plan).await["promotion_plan_id"].clone();
        let plan = json!({ "product_id": product, "promotion_plan_type": 400, "item": { "type": 1, "status": 99 } });
        let strange = play(&selling, "/plans", plan).await["promotion_plan_id"].clone();
        let shown = owner.get(&at(&selling, "products"), 200).await.json("/items");
        assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
        assert_eq!((&shown[0]["listing_id"], &shown[0]["title"]), (&selling.listing["id"], &json!("明前龙井 500 克")));
        let plans = owner.get(&at(&selling, &format!("products/{product}/plans")), 200).await.json("/items");
        let kinds: Vec<&Value> = plans.as_array().unwrap().iter().map(|plan| &plan["kind"]).collect();
        assert_eq!(kinds, [&json!("everyone"), &json!("named"), &json!("other")]);
        assert_eq!(plans[2]["native_kind"], "400");
        let of = |plan: &Value, rest: &str| at(&selling, &format!("products/{product}/plans/{plan}{rest}"));
        let found = owner.get(&of(&everyone, ""), 200).await.json("/terms");
        assert_eq!((&found["way"], &found["state"], &found["commission"]["percent"]), (&json!("ordinary"), &json!("on"), &json!("10")));
        assert_eq!((&found["begins_at"], &found["barred"], &found["category_barred"]), (&Value::Null, &json!(true), &Value::Null));
        let found = owner.get(&of(&named, ""), 200).await.json("/terms");
        assert_eq!((&found["way"], &found["state"], &found["for_ever"]), (&json!("exclusive"), &json!("pending"), &json!(true)));
        assert_eq!(found["begins_at"], "2022-12-01T04:00:00Z", "{found}");
        assert_eq!(owner.get(&of(&strange, ""), 200).await.json("/terms"), Value::Null);
        let sellers = owner.get(&of(&everyone, "/promoters"), 200).await.json("/items");
        assert_eq!((&sellers[0]["external_id"], &sellers[0]["commission"]["percent"], &sellers[0]["native_state"]), (&json!("wxaaaaaa"), &json!("12.5"), &json!("7")));

        for unknown in ["promoters/wxnobody", "promoters/wxnobody/products", "products/nonsense/plans", "products/1/plans/1", "products/0/plans"] {
            owner.get(&at(&selling, unknown), 404).await;
        }
        let long = "x".repeat(65);
        owner.get(&at(&selling, &format!("promoters/{long}")), 404).await;
        // What cannot be read is an error of the platform's, and nothing of it is shown.
        talent(&selling, "wxbbbbbb", "小满", json!({ "data": { "total_sale_gmv": "一百" } })).await;
        let refused = owner.get(&at(&selling, "promoters/wxbbbbbb"), 502).await;
        assert!(!refused.body.contains("小满"), "{}", refused.body);
        selling.stage.sandbox.post("faults/calls", &json!({ "path": "*", "http_status": 502, "count": 50 })).await;
        assert_eq!(owner.get(&at(&selling, "promoters"), 503).await.code(), "channel_busy");
        selling.stage.stop().await;
    }

    async fn a_long_list_goes_on_and_ends(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        joined(&selling).await;
        for number in 0..21 {
            talent(&selling, &format!("wx{number:04}"), "带货者", json!({})).await;
        }
        let first = owner.get(&at(&selling, "promoters"), 200).await;
        assert_eq!((first.json("/items").as_array().unwrap().len(), first.text("/next_cursor")), (20, "2".to_owned()));
        let second = owner.get(&at(&selling, "promoters?cursor=2"), 200).await;
        assert_eq!((second.json("/items").as_array().unwrap().len(), second.json("/next_cursor")), (1, Value::Null));
        assert_eq!(owner.get(&at(&selling, "promoters?cursor=100"), 200).await.json("/items"), json!([]));
        for cursor in ["x", "0", "1", "-1", "101", &"9".repeat(65)] {
            for list in ["promoters", "products"] {
                let refused = owner.get(&at(&selling, &format!("{list}?cursor={cursor}")), 400).await;
                assert_eq!(refused.code(), "invalid_cursor");
            }
        }
        selling.stage.stop().await;
    }

    async fn a_shop_outside_the_alliance_learns_what_to_do(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        for rest in ["promoters", "promoters/wxaaaaaa", "products", "products/1/plans", "products/1/plans/1"] {
            let refused = owner.get(&at(&selling, rest), 409).await;
            assert!(refused.code() == "alliance_not_open" && refused.body.contains("先在微信小店后台开通"), "{}", refused.body);
        }
        assert_eq!(owner.post(&at(&selling, "promoters/wxaaaaaa/block"), &json!({}), 409).await.code(), "alliance_not_open");
        assert_eq!((calls(&selling, UPDATE).await, audited(&selling, "promoter.blocked").await), (0, 0));
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = format!("/console/merchant/channel_accounts/{}/alliance", selling.account["id"].as_str().unwrap());
        let shown = open(&desk, &page).await.html;
        assert!(shown.contains("先在微信小店后台开通") && !shown.contains("还没有带货者"), "{shown}");
        let english = open(&desk, &format!("{page}?lang=en")).await.html;
        assert!(english.contains("has not joined the alliance"), "{english}");
        // The account stays linked.
        let account = owner.get(&format!("/api/v1/channel_accounts/{}", selling.account["id"].as_str().unwrap()), 200).await;
        assert_eq!(account.json("/state"), selling.account["state"]);
        selling.stage.stop().await;
    }

    async fn a_promoter_is_shut_out_and_let_back(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        joined(&selling).await;
        talent(&selling, "wxaaaaaa", "阿青说茶", json!({ "level": 2 })).await;
        let one = at(&selling, "promoters/wxaaaaaa");
        let (block, back) = (format!("{one}/block"), format!("{one}/let_back"));
        assert_eq!(owner.post(&block, &json!({}), 200).await.json("/blocked"), json!(true));
        assert_eq!(owner.get(&one, 200).await.json("/blocked"), json!(true));
        // Said again it is what it is, and the platform is not told twice.
        owner.post(&block, &json!({}), 200).await;
        assert_eq!((calls(&selling, UPDATE).await, audited(&selling, "promoter.blocked").await), (1, 1));
        assert_eq!(owner.post(&back, &json!({}), 200).await.json("/blocked"), json!(false));
        assert_eq!((calls(&selling, UPDATE).await, audited(&selling, "promoter.let_back").await), (2, 1));
        owner.post(&at(&selling, "promoters/wxnobody/block"), &json!({}), 404).await;

        // A lost answer is never a success, whether it was done or not; whoever looks sees it.
        for (after, blocked) in [(false, false), (true, true)] {
            let fault = json!({ "path": UPDATE, "http_status": 502, "after": after, "count": 1 });
            stage.sandbox.post("faults/calls", &fault).await;
            assert_eq!(owner.post(&block, &json!({}), 502).await.code(), "promoter_in_doubt");
            assert_eq!(owner.get(&one, 200).await.json("/blocked"), json!(blocked));
        }
        assert_eq!(audited(&selling, "promoter.blocked").await, 3, "who wants to is written down first");
        // What the platform refuses is told in its words.
        stage.sandbox.post("faults/calls", &json!({ "path": UPDATE, "errcode": 10_021_041, "count": 1 })).await;
        let refused = owner.post(&back, &json!({}), 422).await;
        assert!(refused.code() == "channel_refused" && refused.body.contains("10021041"), "{}", refused.body);
        assert_eq!(owner.post(&back, &json!({}), 200).await.json("/blocked"), json!(false));

        // Who may only look cannot; who may not look sees nothing.
        let host = stage.app.person(&stage.merchant, Role::MerchantLiveHost).await;
        host.get(&one, 200).await;
        host.post(&block, &json!({}), 403).await;
        let finance = stage.app.person(&stage.merchant, Role::MerchantFinance).await;
        finance.get(&one, 403).await;
        finance.get(&at(&selling, "products"), 403).await;
        // Nobody else's.
        let stranger = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &stranger, "乙家小铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let stranger = stage.app.person(&stranger, Role::MerchantOwner).await;
        for rest in ["promoters", "promoters/wxaaaaaa", "promoters/wxaaaaaa/products", "products", "products/1/plans", "products/1/plans/1", "products/1/plans/1/promoters", "promoters?cursor=x"] {
            stranger.get(&at(&selling, rest), 404).await;
        }
        for rest in ["block", "let_back"] {
            stranger.post(&format!("{one}/{rest}"), &json!({}), 404).await;
        }
        assert_eq!(owner.get(&one, 200).await.json("/blocked"), json!(false));
        selling.stage.stop().await;
    }

    async fn the_pages_show_it_in_both_languages(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let stage = &selling.stage;
        let product = joined(&selling).await;
        let sold = json!({ "spu_id": product, "product_data": { "total_sale_gmv": 64_000 }, "talent_commission_info": { "ratio": 12_500 } });
        let data = json!({ "total_sale_gmv": 128_050 });
        talent(&selling, "wxaaaaaa", "阿青<说>茶", json!({ "level": 2, "data": data, "products": [sold] })).await;
        let item = json!({ "type": 1, "status": 1, "ratio": 10 });
        let seller = json!({ "talent_appid": "wxaaaaaa", "ratio": 1000, "talent_relation_status": 7 });
        let plan = json!({ "product_id": product, "promotion_plan_type": 100, "item": item, "talents": [seller] });
        let plan = play(&selling, "/plans", plan).await["promotion_plan_id"].clone();
        let account = selling.account["id"].as_str().unwrap();
        let home = format!("/console/merchant/channel_accounts/{account}");
        let page = format!("{home}/alliance");
        let listing = format!("listings/{}", selling.listing["id"].as_str().unwrap());
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantManager).await;
        assert!(open(&desk, &home).await.html.contains(&format!("{account}/alliance\"")));
        let one = format!("{page}/promoters/wxaaaaaa");
        let goods = format!("{page}/products/{product}");
        for (address, zh, en) in [
            (page.clone(), vec!["优选联盟", "阿青&lt;说&gt;茶", "wxaaaaaa"], vec!["Alliance", "Promoters"]),
            (format!("{page}?part=products"), vec!["明前龙井 500 克", listing.as_str(), "查看推广计划"], vec!["Show plans"]),
            (one.clone(), vec!["¥1,280<small>.50", "平台未提供", "未拉黑", "12.5%", listing.as_str(), "在平台拉黑带货者"], vec!["Not told", "Shut out", "Sold in 30 days"]),
            (goods.clone(), vec!["全部带货者", listing.as_str()], vec!["Every promoter"]),
            (format!("{goods}/plans/{plan}"), vec!["普通推广", "推广中", "10%", "阿青", "删除计划，请到微信小店后台处理"], vec!["Ordinary", "Running", "deleting a plan"]),
        ] {
            let shown = open(&desk, &address).await.html;
            for text in zh {
                assert!(shown.contains(text), "{text} in {shown}");
            }
            let sign = if address.contains('?') { '&' } else { '?' };
            let shown = open(&desk, &format!("{address}{sign}lang=en")).await.html;
            for text in en {
                assert!(shown.contains(text), "{text} in {shown}");
            }
        }
        // Shut out and let back by the page, which asks before.
        assert_eq!(submit(&desk, &format!("{one}/block"), &[]).await.location, one);
        let shown = open(&desk, &one).await.html;
        assert!(shown.contains("已拉黑") && shown.contains("let_back") && !shown.contains("/block\""), "{shown}");
        assert!(shown.contains("data-confirm"), "{shown}");
        assert_eq!(submit(&desk, &format!("{one}/let_back"), &[]).await.location, one);
        assert!(open(&desk, &one).await.html.contains("未拉黑"));
        let fault = json!({ "path": UPDATE, "http_status": 502, "count": 1 });
        stage.sandbox.post("faults/calls", &fault).await;
        let told = submit(&desk, &format!("{one}/block"), &[]).await;
        assert_eq!(told.location, one);
        assert!(open(&desk, &one).await.html.contains("未拉黑"));
        // Who only looks has no form and cannot send one.
        let host = stage.app.visitor(&stage.merchant, Role::MerchantLiveHost).await;
        let seen = open(&host, &one).await.html;
        assert!(seen.contains("未拉黑") && !seen.contains("/block\""), "{seen}");
        assert_eq!(submit(&host, &format!("{one}/block"), &[]).await.status, 403);
        // The platform cannot be asked: that is said, and nothing else.
        stage.sandbox.post("faults/calls", &json!({ "path": "*", "http_status": 502, "count": 50 })).await;
        for address in [&page, &one, &goods] {
            let shown = open(&desk, address).await.html;
            assert!(shown.contains("暂时查不到联盟数据") && !shown.contains('¥'), "{shown}");
        }
        selling.stage.stop().await;
    }
}
