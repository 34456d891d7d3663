//! Rules of listings: what a product is at each account, what a changed rule sends again, and how far the quantities of
//! accounts are behind ours.

use qianpu_domain::access::Role;
use qianpu_domain::ids::RequestId;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::job_queues::job_queues;
use qianpu_tests::both;
use qianpu_tests::stage::{CATEGORY, Stage, shop};
use serde_json::{Value, json};

/// What the stand-in has of the only product of an account.
async fn there(stage: &Stage, account: &Value) -> Value {
    let all =
        stage.sandbox.get(&format!("products?appid={}", account["external_id"].as_str().unwrap())).await;
    let products = all["products"].as_array().unwrap();
    assert_eq!(products.len(), 1, "{all}");
    products[0].clone()
}

fn stocks(product: &Value) -> Vec<i64> {
    product["stock"].as_array().unwrap().iter().filter_map(|sku| sku["stock"].as_i64()).collect()
}

fn prices(product: &Value) -> Vec<i64> {
    product["skus"].as_array().unwrap().iter().filter_map(|sku| sku["sale_price"].as_i64()).collect()
}

async fn calls(stage: &Stage, path: &str) -> usize {
    stage.sandbox.get(&format!("calls?path={path}")).await["calls"].as_array().map_or(0, Vec::len)
}

const UPDATE: &str = "/channels/ec/product/update";
const STOCK: &str = "/channels/ec/product/stock/update";

async fn settled(stage: &Stage, listing: &str) -> Value {
    stage
        .work_until("the listing is as it should be", async || {
            let now = stage.owner.get(&format!("/api/v1/listings/{listing}"), 200).await.json("");
            let done = now["state"] == "listed" && now["published_version"] == now["sent_version"];
            let pushed = now["skus"].as_array()?.iter().all(|sku| sku["pushed_stock"] == sku["wanted_stock"]);
            (done && pushed).then_some(now)
        })
        .await
}

both! {
    async fn rules_make_the_product_another_and_send_again_only_what_they_change(db: TestDb) {
        let stage = Stage::start(db).await;
        let (first, second) = (stage.direct_store("山前茶铺").await, stage.direct_store("分号").await);
        let product = stage.product("明前龙井", 10).await;
        let of = |account: &Value| format!("/api/v1/channel_accounts/{}/listing_rules", account["id"].as_str().unwrap());
        let rule = json!({ "price_ppm": 1_080_000, "price_step_fen": 100, "title_prefix": "【旗舰】", "safety_stock": 3 });
        let saved = stage.owner.put(&of(&first), &rule, 200).await;
        assert_eq!((saved.number("/version"), saved.number("/holds/safety_stock")), (1, 3));

        // Seen before anything is sent.
        let pair = json!({ "product_ids": [product["id"]], "channel_account_ids": [first["id"], second["id"]] });
        let seen = stage.owner.post("/api/v1/listing_previews", &pair, 200).await.json("/results");
        assert_eq!(seen[0]["error"], "category_path_missing");
        for account in [&first, &second] {
            let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
            stage.owner.patch(&path, &json!({ "category_path": CATEGORY }), 200).await;
        }
        let seen = stage.owner.post("/api/v1/listing_previews", &pair, 200).await.json("/results");
        assert_eq!((&seen[0]["title"], &seen[0]["sends"]), (&json!("【旗舰】明前龙井"), &json!(true)));
        assert_eq!((&seen[0]["skus"][0]["price_fen"], &seen[0]["skus"][0]["stock"]), (&json!(13_800), &json!(7)));
        assert_eq!((&seen[1]["title"], &seen[1]["skus"][0]["price_fen"]), (&json!("明前龙井"), &json!(12_800)));

        let mut listings = Vec::new();
        for account in [&first, &second] {
            let id = stage.publish(&product, account, 202).await.text("/id");
            stage.listing_in(&id, "listed").await;
            listings.push(settled(&stage, &id).await);
        }
        let (one, two) = (there(&stage, &first).await, there(&stage, &second).await);
        assert_eq!((one["title"].as_str(), prices(&one), stocks(&one)), (Some("【旗舰】明前龙井"), vec![13_800; 2], vec![7; 2]));
        assert_eq!((two["title"].as_str(), prices(&two), stocks(&two)), (Some("明前龙井"), vec![12_800; 2], vec![10; 2]));
        // What the platform shows is compared with what the rules make of it.
        assert_eq!(stage.owner.get("/api/v1/listing_drifts", 200).await.json("/items"), json!([]));

        // The merchant's default: quantities change where the account says nothing, and nothing is sent again.
        let (updates, sets) = (calls(&stage, UPDATE).await, calls(&stage, STOCK).await);
        stage.owner.put("/api/v1/listing_rules", &json!({ "safety_stock": 2 }), 200).await;
        settled(&stage, listings[1]["id"].as_str().unwrap()).await;
        stage.work().await;
        assert_eq!(stocks(&there(&stage, &second).await), [8, 8]);
        assert_eq!(stocks(&there(&stage, &first).await), [7, 7]);
        assert_eq!((calls(&stage, UPDATE).await - updates, calls(&stage, STOCK).await - sets), (0, 2));

        // A default that changes the price: only the listing whose price it changes is sent.
        stage.owner.put("/api/v1/listing_rules", &json!({ "safety_stock": 2, "price_ppm": 1_100_000 }), 200).await;
        stage.work_until("the new price", async || {
            (prices(&there(&stage, &second).await) == [14_080, 14_080]).then_some(())
        }).await;
        settled(&stage, listings[1]["id"].as_str().unwrap()).await;
        assert_eq!(calls(&stage, UPDATE).await - updates, 1);

        // An exception for one listing; the same once more, or what somebody else changed meanwhile, is no change.
        let exception = format!("/api/v1/listings/{}/rules", listings[0]["id"].as_str().unwrap());
        let said = json!({ "title_prefix": "", "stock_ppm": 500_000 });
        stage.owner.put(&exception, &said, 200).await;
        stage.work_until("the exception", async || {
            let now = there(&stage, &first).await;
            (now["title"] == "明前龙井" && stocks(&now) == [3, 3]).then_some(())
        }).await;
        assert_eq!(prices(&there(&stage, &first).await), [13_800, 13_800]);
        let updates = calls(&stage, UPDATE).await;
        stage.owner.put(&exception, &said, 200).await;
        stage.owner.put(&of(&first), &rule, 200).await;
        stage.work().await;
        assert_eq!(calls(&stage, UPDATE).await, updates);
        let stale = stage.owner.request(reqwest::Method::PUT, &exception).header("If-Match", "\"7\"").json(&said);
        assert_eq!(stale.send().await.unwrap().status().as_u16(), 409);

        // A new version of the product of which nothing is shown there is not sent; what is wrong is said.
        let wrong = json!({ "price_ppm": 0, "safety_stock": -1, "title_suffix": "太长".repeat(20) });
        let faults = stage.owner.put(&of(&first), &wrong, 422).await.json("/errors");
        assert_eq!(faults.as_array().unwrap().len(), 3, "{faults}");
        stage.stop().await;
    }

    async fn rules_are_the_merchants_own_and_defaults_need_every_shop(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let path = format!("/api/v1/channel_accounts/{}/listing_rules", account["id"].as_str().unwrap());
        let merchant = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &merchant, "乙家小铺", "enterprise", ShopState::Trading).await;
        let stranger = stage.app.person(&merchant, Role::MerchantOwner).await;
        stranger.put(&path, &json!({ "safety_stock": 1 }), 404).await;
        stranger.get(&path, 404).await;
        let one_shop = stage.app.person_of_shop(&stage.merchant, Role::MerchantManager, stage.shop).await;
        one_shop.put("/api/v1/listing_rules", &json!({ "safety_stock": 1 }), 403).await;
        one_shop.put(&path, &json!({ "safety_stock": 1 }), 200).await;
        stage.stop().await;
    }

    async fn a_product_is_sold_by_the_accounts_of_another_shop(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let other = shop(&stage.app, &stage.merchant, "山后茶铺", "enterprise", ShopState::Trading).await;
        let second = stage.direct_store_of(other, "山后").await;
        let product = stage.product("明前龙井", 10).await;
        let mut ids = Vec::new();
        for account in [&account, &second] {
            ids.push(stage.publish(&product, account, 202).await.text("/id"));
        }
        stage.listing_in(&ids[0], "listed").await;
        let listed = stage.listing_in(&ids[1], "listed").await;
        assert_eq!(listed["shop_id"], other.to_string());
        // One stock for both.
        let sku = listed["skus"][0]["sku_id"].as_str().unwrap();
        stage.owner.put(&format!("/api/v1/stock/{sku}"), &json!({ "on_hand": 4 }), 200).await;
        stage.work().await;
        for account in [&account, &second] {
            assert!(stocks(&there(&stage, account).await).contains(&4));
        }
        stage.stop().await;
    }

    async fn a_change_of_stock_reaches_ten_accounts_once_and_the_lag_is_shown(db: TestDb) {
        let stage = Stage::start(db).await;
        let product = stage.product("明前龙井", 100).await;
        let mut accounts = Vec::new();
        let mut sku = String::new();
        // Five accounts of a kind for each shop.
        let other = shop(&stage.app, &stage.merchant, "山后茶铺", "enterprise", ShopState::Trading).await;
        for number in 0..10 {
            let of = if number < 5 { stage.shop } else { other };
            let account = stage.direct_store_of(of, &format!("第 {number} 号店")).await;
            let id = stage.publish(&product, &account, 202).await.text("/id");
            stage.listing_in(&id, "listed").await;
            sku = settled(&stage, &id).await["skus"][0]["sku_id"].as_str().unwrap().to_owned();
            accounts.push(account);
        }
        stage.work().await;
        let before = calls(&stage, STOCK).await;
        let health = async |account: &Value| {
            let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
            stage.owner.get(&path, 200).await.json("/health")
        };
        assert_eq!(health(&accounts[0]).await["stock_waiting"], 0);

        // Twenty changes: one job, made in the transaction of the first; nobody runs it yet, and the lag is seen.
        for pieces in (50..70).rev() {
            stage.owner.put(&format!("/api/v1/stock/{sku}"), &json!({ "on_hand": pieces }), 200).await;
        }
        let jobs = stage.owner.get("/api/v1/jobs?state=pending&limit=100", 200).await.json("/items");
        let kinds = |kind: &str| jobs.as_array().unwrap().iter().filter(|job| job["kind"] == kind).count();
        assert_eq!((kinds("stock.fan_out"), kinds("stock.push")), (1, 0), "{jobs}");
        let late = health(&accounts[7]).await;
        assert_eq!(late["stock_waiting"], 1, "{late}");
        assert!(late["stock_waits_since"].is_string());
        let now = stage.app.state.clock().now();
        let request = RequestId(stage.app.state.new_id());
        let queues = job_queues(&stage.app.state.db, now, 10, request).await.unwrap();
        let own = queues.iter().find(|queue| queue.tenant == stage.merchant.tenant()).unwrap();
        assert_eq!(own.stock_waiting, 1);
        assert!(own.stock_oldest.is_some_and(|oldest| oldest <= now));

        // One account does not answer: nine have it at once, and only it is behind.
        let held = accounts[3]["external_id"].as_str().unwrap();
        let fault = json!({ "path": STOCK, "appid": held, "errcode": 45_011, "count": 1 });
        stage.sandbox.post("faults/calls", &fault).await;
        stage.app.advance_to_next_minute();
        stage.work().await;
        assert_eq!(calls(&stage, STOCK).await - before, 10, "one call for each account");
        let mut behind = Vec::new();
        for (number, account) in accounts.iter().enumerate() {
            if health(account).await["stock_waiting"] != 0 {
                behind.push(number);
            }
        }
        assert_eq!(behind.len(), 1, "{behind:?}");
        stage.app.advance(120);
        stage.work().await;
        for account in &accounts {
            assert_eq!(health(account).await["stock_waiting"], 0);
            let mut there = stocks(&there(&stage, account).await);
            there.sort_unstable();
            assert_eq!(there, [50, 100]);
        }
        stage.stop().await;
    }
}
