//! Figures a platform tells of a day that is over: read as it tells them, never 0 where it tells nothing.

use crate::live::Host;
use crate::order_pages::open;
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::stage::shop;
use qianpu_tests::standing::By;
use qianpu_tests::{TestDb, both};
use serde_json::{Value, json};

const DAY: &str = "2024-05-20";

fn at(selling: &Selling, rest: &str) -> String {
    format!("/api/v1/channel_accounts/{}/analytics{rest}", selling.account["id"].as_str().unwrap())
}

fn figure(figures: &Value, name: &str) -> Value {
    let rows = figures.as_array().unwrap_or_else(|| panic!("no figures: {figures}"));
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {figures}"));
    if row["amount"].is_object() { row["amount"]["amount"].clone() } else { row["count"].clone() }
}

/// What the compass says of a day instead of what orders say.
async fn give(selling: &Selling, of: &str, values: Value) {
    let appid = selling.account["external_id"].as_str().unwrap();
    let body = json!({ "appid": appid, "ds": DAY.replace('-', ""), "of": of, "values": values });
    selling.stage.sandbox.post("figures", &body).await;
}

both! {
    async fn a_day_is_told_as_the_platform_tells_it(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        // Two orders were paid on the day, one was not.
        let noon = 1_716_177_600;
        stage.sandbox.post("clock", &json!({ "at": noon })).await;
        let first = selling.buy(1, true).await;
        selling.buy(2, true).await;
        selling.buy(1, false).await;
        stage.sandbox.post("clock", &json!({ "at": noon + 43_200 })).await;
        selling.buy(1, true).await;
        stage.sandbox.post("clock", &json!({ "running": true })).await;
        let order = stage.sandbox.get(&format!("orders/{first}")).await;
        let day = owner.get(&at(&selling, &format!("?day={DAY}")), 200).await;
        let told = day.json("/figures");
        let one = figure(&told, "paid").as_i64().unwrap();
        assert!(one > 0 && one % 3 == 0, "two orders of three pieces: {told} {order}");
        assert_eq!((figure(&told, "paid_orders"), figure(&told, "paid_live")), (json!(2), json!(0)));
        assert_eq!((figure(&told, "clickers"), day.text("/day")), (Value::Null, DAY.to_owned()), "not told is not 0");
        assert_eq!(day.json("/promoters/authorised"), json!([]));

        // Products, with the listing here; those that sold most first.
        let listed = owner.get(&at(&selling, &format!("/products?day={DAY}")), 200).await;
        assert_eq!((listed.json("/told"), listed.json("/more"), listed.json("/next_cursor")), (json!(true), json!(false), Value::Null));
        let row = listed.json("/items/0");
        assert_eq!((&row["listing_id"], &row["title"]), (&selling.listing["id"], &json!("明前龙井 500 克")));
        assert_eq!((figure(&row["figures"], "paid"), figure(&row["figures"], "paid_items")), (json!(one), json!(3)));
        assert_eq!(figure(&row["figures"], "settled"), Value::Null);
        let id = row["external_product_id"].as_str().unwrap();
        let product = owner.get(&at(&selling, &format!("/products/{id}?day={DAY}")), 200).await;
        assert_eq!(product.json("/figures"), row["figures"]);
        for unknown in ["1", "nonsense", &"9".repeat(65)] {
            owner.get(&at(&selling, &format!("/products/{unknown}?day={DAY}")), 404).await;
        }
        let people = owner.get(&at(&selling, &format!("/people?day={DAY}")), 200).await;
        assert_eq!((people.text("/group"), people.json("/groups").as_array().unwrap().len()), ("bought".to_owned(), 5));
        assert_eq!(people.text("/traits/0/name"), "省级");
        assert_eq!(owner.get(&at(&selling, &format!("/people?day={DAY}&group=saw")), 200).await.json("/traits/0/kinds"), json!([]));

        // What the platform tells stands, whatever our orders say.
        give(&selling, "", json!({ "pay_gmv": "42292", "product_click_uv": "11", "pay_uv": null })).await;
        let told = owner.get(&at(&selling, &format!("?day={DAY}")), 200).await.json("/figures");
        assert_eq!((figure(&told, "paid"), figure(&told, "clickers")), (json!(42_292), json!(11)));
        assert_eq!(figure(&told, "buyers"), Value::Null);
        give(&selling, id, json!({ "pure_pay_gmv": "-81" })).await;
        let net = owner.get(&at(&selling, &format!("/products/{id}?day={DAY}")), 200).await.json("/figures");
        assert_eq!(figure(&net, "net"), json!(-81));

        // By page, in both languages.
        let account = selling.account["id"].as_str().unwrap();
        let page = format!("/console/merchant/channel_accounts/{account}/analytics");
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let shown = open(&desk, &format!("/console/merchant/channel_accounts/{account}")).await.html;
        assert!(shown.contains(&format!("{account}/analytics\"")), "{shown}");
        let shown = open(&desk, &format!("{page}?day={DAY}")).await.html;
        for text in ["经营数据", "¥422<small>.92", "42292 分", "平台未提供", "带货视频号", DAY] {
            assert!(shown.contains(text), "{text} in {shown}");
        }
        let listing = format!("listings/{}", selling.listing["id"].as_str().unwrap());
        let shown = open(&desk, &format!("{page}?day={DAY}&part=products")).await.html;
        assert!(shown.contains("明前龙井 500 克") && shown.contains(&listing), "{shown}");
        let shown = open(&desk, &format!("{page}/products/{id}?day={DAY}")).await.html;
        assert!(shown.contains("预估结算金额") && shown.contains(&listing) && shown.contains("−¥0<small>.81"), "{shown}");
        let shown = open(&desk, &format!("{page}?day={DAY}&part=people")).await.html;
        assert!(shown.contains("购买用户") && shown.contains("省级") && !shown.contains("直播观看用户"), "{shown}");
        for wrong in [format!("{page}?day=2999-01-01"), format!("{page}/products/{id}?day=2999-01-01")] {
            let shown = open(&desk, &wrong).await.html;
            assert!(shown.contains("请填写已经结束的日期") && !shown.contains("平台未提供"), "{shown}");
        }
        selling.stage.stop().await;
    }

    async fn what_was_not_told_is_missing_and_what_cannot_be_read_is_an_error(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        // At the platform the day is not over yet.
        stage.sandbox.post("clock", &json!({ "at": 1_716_177_600 })).await;
        let day = owner.get(&at(&selling, &format!("?day={DAY}")), 200).await;
        assert_eq!((day.json("/figures"), day.json("/promoters/figures")), (Value::Null, Value::Null), "{}", day.body);
        let listed = owner.get(&at(&selling, &format!("/products?day={DAY}")), 200).await;
        assert_eq!((listed.json("/told"), listed.json("/items")), (json!(false), json!([])));
        assert_eq!(owner.get(&at(&selling, &format!("/people?day={DAY}")), 200).await.json("/traits"), Value::Null);
        let account = selling.account["id"].as_str().unwrap();
        let page = format!("/console/merchant/channel_accounts/{account}/analytics?day={DAY}");
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        for part in ["", "&part=products", "&part=people"] {
            let shown = open(&desk, &format!("{page}{part}")).await.html;
            assert!(shown.contains("平台没有提供这一天的数据") && !shown.contains("¥0<small>"), "{shown}");
        }
        stage.sandbox.post("clock", &json!({ "running": true })).await;

        for wrong in [json!("一百"), json!("1.5"), json!("99999999999999999999"), json!([])] {
            give(&selling, "", json!({ "pay_gmv": wrong })).await;
            let refused = owner.get(&at(&selling, &format!("?day={DAY}")), 502).await;
            assert!(!refused.body.contains("\"figures\""), "{}", refused.body);
        }
        let shown = open(&desk, &page).await.html;
        assert!(shown.contains("暂时查不到经营数据") && !shown.contains("¥"), "{shown}");

        // Days: without one it is the last that is over, and later ones are refused in the caller's language.
        let last = owner.get(&at(&selling, ""), 200).await.text("/day");
        for text in ["2999-01-01", "20240520", "2024-02-30", "yesterday", "2016-12-31"] {
            for rest in ["", "/products", "/people", "/products/1"] {
                let refused = owner.get(&at(&selling, &format!("{rest}?day={text}")), 422).await;
                assert_eq!(refused.text("/errors/0/field"), "day", "{}", refused.body);
                assert!(refused.body.contains(&last), "{}", refused.body);
            }
        }
        let refused = owner.get(&at(&selling, &format!("/people?day={DAY}&group=watched")), 422).await;
        assert_eq!(refused.text("/errors/0/field"), "group");
        owner.get(&at(&selling, "/people?group=everybody"), 422).await;
        for limit in ["0", "101", "x"] {
            let status = if limit == "x" { 400 } else { 422 };
            owner.get(&at(&selling, &format!("/products?limit={limit}")), status).await;
        }
        for cursor in ["x", "0", "-1", "1001"] {
            owner.get(&at(&selling, &format!("/products?cursor={cursor}")), 400).await;
        }

        // The platform cannot be asked: that is said, and nothing else.
        stage.sandbox.post("faults/calls", &json!({ "path": "*", "http_status": 502, "count": 50 })).await;
        assert_eq!(owner.get(&at(&selling, &format!("?day={DAY}")), 503).await.code(), "channel_busy");
        // Nobody else's.
        let stranger = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &stranger, "乙家小铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let stranger = stage.app.person(&stranger, Role::MerchantOwner).await;
        for rest in ["", "/products", "/people", "/products/1", "?day=2999-01-01"] {
            stranger.get(&at(&selling, rest), 404).await;
        }
        selling.stage.stop().await;
    }

    async fn a_long_list_has_pages_that_hold_each_product_once(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let second = stage.product("白毫银针 50 克", 5).await;
        let listed = stage.publish(&second, &selling.account, 202).await.text("/id");
        stage.listing_in(&listed, "listed").await;
        let listing = owner.get(&format!("/api/v1/listings/{listed}"), 200).await;
        give(&selling, &listing.text("/external_product_id"), json!({ "pay_gmv": "990" })).await;
        let first = owner.get(&at(&selling, &format!("/products?day={DAY}&limit=1")), 200).await;
        assert_eq!((first.text("/items/0/listing_id"), first.text("/next_cursor")), (listed, "1".to_owned()));
        let next = owner.get(&at(&selling, &format!("/products?day={DAY}&limit=1&cursor=1")), 200).await;
        assert_eq!(next.json("/items").as_array().unwrap().len(), 1, "{}", next.body);
        assert_eq!((&next.json("/items/0/listing_id"), next.json("/next_cursor")), (&selling.listing["id"], Value::Null));
        selling.stage.stop().await;
    }
}

/// What a channels account sold out of a shop's products; it has no accounts that sell for it.
async fn a_channels_account_tells_what_it_sold(db: TestDb, by: By) {
    let host = Host::start(db, by).await;
    let (stage, owner) = (&host.stage, &host.stage.owner);
    host.add().await;
    stage.sandbox.post("clock", &json!({ "at": 1_716_177_600 })).await;
    let product = &host.listing["external_product_id"];
    for scene in [3, 5] {
        let order = json!({ "buyer": "宋知夏", "product_id": product, "scene": scene, "pay": true });
        host.play("orders", order).await;
    }
    let early = owner.get(&host.at(&format!("analytics?day={DAY}")), 200).await;
    assert_eq!((early.json("/figures"), early.json("/promoters")), (Value::Null, Value::Null));
    stage.sandbox.post("clock", &json!({ "running": true })).await;
    let told = owner.get(&host.at(&format!("analytics?day={DAY}")), 200).await.json("/figures");
    let all = figure(&told, "paid").as_i64().unwrap();
    assert!(all > 0, "{told}");
    assert_eq!(
        (figure(&told, "paid_videos"), figure(&told, "paid_window")),
        (json!(all / 2), json!(all / 2))
    );
    let listed = owner.get(&host.at(&format!("analytics/products?day={DAY}")), 200).await;
    let row = listed.json("/items/0");
    assert_eq!((&row["external_product_id"], figure(&row["figures"], "paid_orders")), (product, json!(2)));
    assert_eq!(
        (figure(&row["figures"], "buyers"), figure(&row["figures"], "commission")),
        (json!(1), Value::Null)
    );
    let id = product.as_str().unwrap();
    let one = owner.get(&host.at(&format!("analytics/products/{id}?day={DAY}")), 200).await;
    assert_eq!(one.json("/figures"), row["figures"]);
    owner.get(&host.at(&format!("analytics/products/1?day={DAY}")), 404).await;
    let people = owner.get(&host.at(&format!("analytics/people?day={DAY}&group=watched")), 200).await;
    assert_eq!(people.json("/groups").as_array().unwrap().len(), 6, "{}", people.body);
    // The shop's own page names the account that sold for it.
    let store =
        format!("/api/v1/channel_accounts/{}/analytics?day={DAY}", host.store["id"].as_str().unwrap());
    let shop = owner.get(&store, 200).await;
    assert_eq!(figure(&shop.json("/promoters/items/0/figures"), "paid"), json!(all), "{}", shop.body);
    assert_eq!(shop.json("/promoters/items/0/external_id"), shop.json("/promoters/main"));
    // A switch of the assistant that is off is told as that, and the account stays linked.
    let path = "/channels/ec/compass/finder/overall/get";
    stage.sandbox.post("faults/calls", &json!({ "path": path, "errcode": 48_001, "count": 1 })).await;
    let refused = owner.get(&host.at(&format!("analytics?day={DAY}")), 422).await;
    assert!(refused.body.contains("视频号助手"), "{}", refused.body);
    owner.get(&host.at(&format!("analytics?day={DAY}")), 200).await;
    host.stage.stop().await;
}

mod built_in {
    use super::*;
    both! {
        async fn a_channels_account_tells_what_it_sold(db: TestDb) {
            Box::pin(super::a_channels_account_tells_what_it_sold(db, By::BuiltIn)).await;
        }
    }
}

#[cfg(feature = "wasm")]
mod component {
    use super::*;
    both! {
        async fn a_channels_account_tells_what_it_sold(db: TestDb) {
            Box::pin(super::a_channels_account_tells_what_it_sold(db, By::Component)).await;
        }
    }
}
