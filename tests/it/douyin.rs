//! A Douyin shop through the application, against the platform's stand-in: linked by the platform's page, a product
//! published, orders by push and by reconciliation, parcels, stock, trouble.

mod aftersales;
mod self_use;

use qianpu_api::app::orders::reconcile;
use qianpu_domain::access::Role;
use qianpu_tests::stage::Stage;
use qianpu_tests::{TestDb, both};
use reqwest::Method;
use serde_json::{Value, json};

const APP_KEY: &str = "7000000000000000001";
const SECRET: &str = "douyin-app-secret";
const SERVICE: &str = "30001";
const CATEGORY: [&str; 3] = ["20000", "20001", "20002"];

/// A merchant whose Douyin shop is linked.
struct Shop {
    stage: Stage,
    shop_id: u64,
    account: Value,
}

/// The provider adds its app on both sides; the app as the API shows it.
async fn channel_app(stage: &Stage) -> Value {
    let body = json!({ "channel": "douyin", "component_app_id": APP_KEY, "secret": SECRET,
        "settings": { "service_id": SERVICE } });
    let app = stage.staff.post("/api/v1/channel_apps", &body, 201).await.json("");
    let told = json!({ "app_key": APP_KEY, "app_secret": SECRET, "service_id": SERVICE,
        "callback_url": app["callback_url"], "push_url": app["hook_url"] });
    stage.sandbox.post("douyin/apps", &told).await;
    app
}

/// The owner presses "authorise" on the platform's page; the path of our address the browser comes back to.
async fn authorise(stage: &Stage, page: &str, shop_id: u64) -> String {
    let page = url::Url::parse(page).expect("an address");
    assert!(page.as_str().starts_with(&stage.sandbox.base_url) && page.path() == "/authorize", "{page}");
    let query: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    let decision = json!({ "service_id": query["service_id"], "state": query["state"], "shop_id": shop_id });
    let decided = stage.sandbox.post("douyin/authorize", &decision).await;
    let back = decided["redirect_url"].as_str().expect("an address");
    back.strip_prefix(&stage.app.base_url).expect("back to us").to_owned()
}

impl Shop {
    async fn link(db: TestDb) -> Shop {
        let stage = Stage::start(db).await;
        // The application's clock is ahead, and tests put it further.
        stage.sandbox.patch("douyin/settings", &json!({ "max_age_seconds": 1_000_000 })).await;
        channel_app(&stage).await;
        let shop = stage.sandbox.post("douyin/shops", &json!({ "name": "山前抖店" })).await;
        let shop_id = shop["shop_id"].as_u64().expect("a shop id");
        let started = stage.start_link("douyin", "douyin_shop", None, 201).await;
        assert_eq!(started.text("/next"), "open");
        let path = authorise(&stage, &started.text("/desktop_url"), shop_id).await;
        stage.app.anonymous().get(&path, 303).await;
        let account = stage.account_of(&shop_id.to_string()).await.expect("linked");
        Shop { stage, shop_id, account }
    }

    /// A product on sale at the channel; its listing.
    async fn listed(&self, stock: i64) -> Value {
        let product = self.stage.product("明前龙井 500 克", stock).await;
        let body = json!({ "product_id": product["id"], "channel_account_id": self.account["id"],
            "category_path": CATEGORY });
        let listing = self.stage.owner.post("/api/v1/listings", &body, 202).await.text("/id");
        self.stage.listing_in(&listing, "listed").await
    }

    async fn buy(&self, listing: &Value, quantity: i64, pay: bool) -> String {
        let body = json!({ "shop_id": self.shop_id, "buyer": "欧阳晴", "pay": pay, "words": "请尽快发货",
            "items": [{ "product_id": listing["external_product_id"],
                "sku_id": listing["skus"][0]["external_sku_id"], "quantity": quantity }],
            "source": { "room_id": 7001, "author_id": 99, "author_name": "山前主播", "c_biz": 2 } });
        let order = self.stage.sandbox.post("douyin/orders", &body).await;
        order["order_id"].as_str().expect("an order id").to_owned()
    }

    async fn at_platform(&self, order: &str, action: &str) {
        self.stage.sandbox.post(&format!("douyin/orders/{order}/{action}"), &json!({})).await;
    }

    async fn order_in(&self, external: &str, state: &str) -> Value {
        let list = format!("/api/v1/orders?q={external}");
        let found = self
            .stage
            .work_until(&format!("order {external} {state}"), async || {
                let order = self.stage.owner.get(&list, 200).await.json("/items/0");
                (order["state"] == state).then_some(order)
            })
            .await;
        self.stage.owner.get(&format!("/api/v1/orders/{}", found["id"].as_str().unwrap()), 200).await.json("")
    }

    /// What the platform offers of each SKU, sorted.
    async fn remote_stock(&self, native: &Value) -> Vec<i64> {
        let products = self.stage.sandbox.get("douyin/products").await;
        let product = products["products"].as_array().unwrap().iter().find(|p| p["product_id"] == *native);
        let skus = product.expect("the product")["skus"].as_array().unwrap();
        let mut stock: Vec<i64> = skus.iter().filter_map(|sku| sku["stock"].as_i64()).collect();
        stock.sort_unstable();
        stock
    }

    async fn set_stock(&self, listing: &Value, pieces: i64) {
        let path = format!("/api/v1/stock/{}", listing["skus"][0]["sku_id"].as_str().unwrap());
        self.stage.owner.send(Method::PUT, &path, Some(&json!({ "on_hand": pieces })), &[], 200).await;
    }

    async fn reconcile(&self) {
        self.stage.app.advance(301);
        reconcile::watch(self.stage.app.state.clone()).await.unwrap();
        self.stage.work().await;
    }

    async fn calls(&self, path: &str) -> usize {
        let all = self.stage.sandbox.get(&format!("calls?path={path}")).await;
        all["calls"].as_array().map_or(0, Vec::len)
    }

    async fn fault(&self, path: &str, errcode: i64, sub_code: &str, count: u32) {
        let body = json!({ "path": path, "errcode": errcode, "sub_code": sub_code, "count": count });
        self.stage.sandbox.post("faults/calls", &body).await;
    }
}

both! {
    async fn a_shop_is_linked_by_the_platforms_page_and_stays_fresh(db: TestDb) {
        let shop = Shop::link(db).await;
        let (stage, account) = (&shop.stage, &shop.account);
        assert_eq!((&account["channel"], &account["kind"]), (&json!("douyin"), &json!("douyin_shop")));
        assert_eq!((&account["name"], &account["link_mode"]), (&json!("山前抖店"), &json!("authorisation_link")));
        let check = format!("/api/v1/channel_accounts/{}/check", account["id"].as_str().unwrap());
        assert_eq!(stage.owner.post(&check, &json!({}), 200).await.text("/state"), "active");

        // The token ends: ten checks refresh it once.
        stage.sandbox.post("douyin/tokens/expire", &json!({ "shop_id": shop.shop_id })).await;
        let empty = json!({});
        futures_util::future::join_all((0..10).map(|_| stage.owner.post(&check, &empty, 200))).await;
        assert_eq!(shop.calls("/token/refresh").await, 1);

        // Busy passes; a lost grant asks for a new link, which finds the same account.
        shop.fault("/shop/reputation", 20_000, "isp.service-error", 1).await;
        stage.owner.post(&check, &empty, 200).await;
        stage.sandbox.post("douyin/deauthorize", &json!({ "app_key": APP_KEY, "shop_id": shop.shop_id })).await;
        let refused = stage.owner.post(&check, &empty, 409).await;
        assert_eq!(refused.code(), "channel_reauthorise");
        let again = stage.start_link("douyin", "douyin_shop", Some(&shop.shop_id.to_string()), 201).await;
        let path = authorise(stage, &again.text("/desktop_url"), shop.shop_id).await;
        stage.app.anonymous().get(&path, 303).await;
        let linked = stage.account_of(&shop.shop_id.to_string()).await.expect("linked anew");
        assert_eq!(linked["id"], account["id"]);
        // The code was spent, and coming back twice is harmless.
        stage.app.anonymous().get(&path, 303).await;
        shop.stage.stop().await;
    }

    async fn an_app_without_tickets_says_what_it_needs(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = channel_app(&stage).await;
        assert_eq!((&app["ticket_late"], &app["state"]), (&json!(false), &json!("active")));
        assert!(!app.to_string().contains(SECRET), "secrets stay inside");
        assert!(app["callback_url"].as_str().unwrap().ends_with("/channels/douyin/callback"), "{app}");
        let add = async |body: Value| stage.staff.post("/api/v1/channel_apps", &body, 422).await;
        let bare = json!({ "channel": "douyin", "component_app_id": "8", "secret": "x" });
        assert!(add(bare).await.body.contains("service_id"));
        let odd = json!({ "channel": "douyin", "component_app_id": "8", "secret": "x", "token": "AAAAA",
            "settings": { "service_id": "1", "colour": "red" } });
        let refused = add(odd).await.body;
        assert!(refused.contains("token") && refused.contains("colour"), "{refused}");
        let wechat = json!({ "channel": "wechat-store", "component_app_id": "wx8", "secret": "x" });
        assert!(add(wechat).await.body.contains("encoding_aes_key"));
        // Its secret can be changed, and nothing that it does not have.
        let path = format!("/api/v1/channel_apps/{}", app["id"].as_str().unwrap());
        let changed = stage.staff.send(Method::PATCH, &path, Some(&json!({ "secret": "another" })), &[], 200).await;
        assert_eq!(changed.text("/state"), "active");
        stage.staff.send(Method::PATCH, &path, Some(&json!({ "token": "AAAAA" })), &[], 422).await;
        // Nothing to ask tickets from.
        let path = format!("/api/v1/channel_apps/{}/request_ticket", app["id"].as_str().unwrap());
        assert_eq!(stage.staff.post(&path, &json!({}), 422).await.code(), "channel_refused");
        stage.stop().await;
    }

    async fn a_product_passes_the_audit_and_its_stock_follows(db: TestDb) {
        let shop = Shop::link(db).await;
        let listing = shop.listed(10).await;
        let native = &listing["external_product_id"];
        assert_eq!(shop.remote_stock(native).await, [10, 10]);
        shop.set_stock(&listing, 3).await;
        shop.stage.work().await;
        assert_eq!(shop.remote_stock(native).await, [3, 10]);

        // Off the shelf and on again.
        let path = format!("/api/v1/listings/{}", listing["id"].as_str().unwrap());
        shop.stage.owner.post(&format!("{path}/delist"), &json!({}), 202).await;
        shop.stage.listing_in(listing["id"].as_str().unwrap(), "delisted").await;

        // A refusal shows the auditor's words; limits and busy answers pass.
        shop.stage.sandbox.patch("settings", &json!({ "audit_automatically": false })).await;
        shop.fault("/material/uploadImageSync", 60_000, "", 1).await;
        let product = shop.stage.product("明前龙井礼盒", 5).await;
        let body = json!({ "product_id": product["id"], "channel_account_id": shop.account["id"],
            "category_path": CATEGORY });
        let second = shop.stage.owner.post("/api/v1/listings", &body, 202).await.text("/id");
        shop.stage.work().await;
        shop.stage.app.advance(61);
        let waiting = shop.stage.listing_in(&second, "in_audit").await;
        let refuse = format!("douyin/products/{}/refuse", waiting["external_product_id"].as_str().unwrap());
        shop.stage.sandbox.post(&refuse, &json!({ "reason": "主图含有联系方式" })).await;
        let refused = shop.stage.listing_in(&second, "refused").await;
        assert!(refused.to_string().contains("主图含有联系方式"), "{refused}");
        shop.stage.stop().await;
    }

    async fn an_order_comes_by_push_and_leaves_in_a_parcel(db: TestDb) {
        let shop = Shop::link(db).await;
        let listing = shop.listed(10).await;
        let external = shop.buy(&listing, 2, false).await;
        shop.order_in(&external, "awaiting_payment").await;
        shop.at_platform(&external, "pay").await;
        let order = shop.order_in(&external, "paid").await;
        assert_eq!(order["source"]["channel"], "douyin");
        assert_eq!(order["source"]["scene"], "live_session");
        assert_eq!(order["source"]["attribution"]["account"]["name"], "山前主播");
        assert_eq!(order["amounts"]["total"], json!({ "amount": 25_600, "currency": "CNY" }));
        assert_eq!(order["lines"][0]["sku_id"], listing["skus"][0]["sku_id"]);
        assert!(order["receiver"]["phone"].as_str().unwrap().contains('*'), "{}", order["receiver"]);
        assert!(!order.to_string().contains("13900139000"), "masked by default");
        assert_eq!(shop.remote_stock(&listing["external_product_id"]).await, [8, 10]);

        // The answer to the parcel is lost; the platform's key keeps it from leaving twice.
        let lost = json!({ "path": "/order/logisticsAddSinglePack", "http_status": 502, "after": true, "count": 1 });
        shop.stage.sandbox.post("faults/calls", &lost).await;
        let path = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
        let parcel = json!({ "carrier": "SF", "waybill": "SF1234567890" });
        shop.stage.owner.post(&path, &parcel, 201).await;
        shop.stage.work().await;
        shop.stage.app.advance(120);
        let shipped = shop.order_in(&external, "shipped").await;
        assert_eq!(shipped["shipments"].as_array().unwrap().len(), 1, "{shipped}");
        let told = shop.stage.sandbox.get(&format!("douyin/orders/{external}")).await;
        let packs = told["order"]["logistics_info"].as_array().unwrap();
        assert_eq!((packs.len(), &packs[0]["company"]), (1, &json!("shunfeng")));
        shop.at_platform(&external, "confirm").await;
        shop.order_in(&external, "completed").await;
        shop.stage.stop().await;
    }

    async fn a_receiver_is_shown_to_those_who_may_and_the_look_is_written_down(db: TestDb) {
        let shop = Shop::link(db).await;
        let listing = shop.listed(10).await;
        let external = shop.buy(&listing, 1, true).await;
        let order = shop.order_in(&external, "paid").await;
        let path = format!("/api/v1/orders/{}/receiver", order["id"].as_str().unwrap());
        let stage = &shop.stage;
        let told = stage.owner.post(&path, &json!({}), 200).await.json("");
        assert_eq!((&told["name"], &told["phone"]), (&json!("欧阳晴"), &json!("13900139000")));
        assert_eq!((&told["city"], &told["detail"]), (&json!("杭州市"), &json!("转塘街道象山路352号3幢201")));
        assert_eq!((&told["phone_is_virtual"], &told["extension"]), (&json!(false), &Value::Null));

        // Finance sees orders and not receivers; a shipper sees them.
        let finance = stage.app.person(&stage.merchant, Role::MerchantFinance).await;
        finance.post(&path, &json!({}), 403).await;
        let shipper = stage.app.person(&stage.merchant, Role::MerchantOrders).await;
        shipper.post(&path, &json!({}), 200).await;
        // The platform refuses: the attempt stands in the log all the same.
        shop.fault("/order/batchDecrypt", 50_002, "isv.business-failed", 1).await;
        assert_eq!(stage.owner.post(&path, &json!({}), 422).await.code(), "channel_refused");
        let log = stage.owner.get("/api/v1/audit_entries?action=order.receiver_shown&limit=50", 200).await;
        let looks = log.json("/items").as_array().cloned().unwrap();
        assert_eq!(looks.len(), 3, "{looks:?}");
        assert!(looks.iter().all(|look| look["target"]["id"] == order["id"]), "{looks:?}");
        // Neither the log nor the order keeps what was shown.
        let kept = format!("{looks:?}{}", stage.owner.get(&format!("/api/v1/orders?q={external}"), 200).await.body);
        assert!(!kept.contains("13900139000") && !kept.contains("象山路352号"), "{kept}");
        shop.stage.stop().await;
    }

    async fn pushes_lost_twice_reordered_or_forged_end_in_the_platforms_truth(db: TestDb) {
        let shop = Shop::link(db).await;
        let listing = shop.listed(10).await;
        let sandbox = &shop.stage.sandbox;
        for kind in ["duplicate", "reorder", "bad_signature", "foreign_app_id", "duplicate"] {
            sandbox.post("faults/pushes", &json!({ "kind": kind, "count": 1, "delay_ms": 100 })).await;
        }
        let first = shop.buy(&listing, 1, true).await;
        shop.order_in(&first, "paid").await;
        // From here on nothing is pushed at all.
        sandbox.delete("faults/pushes").await;
        sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        let second = shop.buy(&listing, 3, true).await;
        let third = shop.buy(&listing, 1, false).await;
        shop.at_platform(&third, "cancel").await;
        shop.at_platform(&first, "refund").await;
        shop.stage.work().await;
        let list = shop.stage.owner.get("/api/v1/orders", 200).await.json("/items");
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        shop.reconcile().await;
        shop.order_in(&second, "paid").await;
        shop.order_in(&third, "cancelled").await;
        shop.order_in(&first, "cancelled").await;
        shop.stage.work().await;
        shop.stage.stop().await;
    }
}
