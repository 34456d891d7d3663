//! A product's way to a channel account and back: audit, refusal with the platform's reason, new versions, stock,
//! and what happens when the platform is busy, out of quota or no longer accepts us.

use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::stage::{CATEGORY, Stage};
use serde_json::{Value, json};

async fn fault(stage: &Stage, path: &str, errcode: i64, count: u32) {
    stage.sandbox.post("faults/calls", &json!({ "path": path, "errcode": errcode, "count": count })).await;
}

async fn calls(stage: &Stage, path: &str) -> usize {
    let all = stage.sandbox.get(&format!("calls?path={path}")).await;
    all["calls"].as_array().map_or(0, Vec::len)
}

/// Events of one kind about one product within one second are one push: the platform gives them no other identity.
async fn next_second(stage: &Stage) {
    let clock = stage.app.state.clock();
    let second = clock.now().seconds();
    until("the next second", async || (clock.now().seconds() > second).then_some(())).await;
}

/// What the stand-in offers of a product's SKUs.
async fn remote_stock(stage: &Stage, account: &Value, native: &str) -> Vec<i64> {
    let app_id = account["external_id"].as_str().unwrap();
    let all = stage.sandbox.get(&format!("products?appid={app_id}")).await;
    let product = all["products"]
        .as_array()
        .unwrap()
        .iter()
        .find(|product| product["product_id"] == native)
        .unwrap_or_else(|| panic!("no product {native} in {all}"))
        .clone();
    product["stock"].as_array().unwrap().iter().filter_map(|sku| sku["stock"].as_i64()).collect()
}

both! {
    async fn a_product_is_audited_listed_changed_and_taken_off(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.channel_app().await;
        let account = stage.linked_store("山前茶铺").await;
        let product = stage.product("明前龙井 500 克", 10).await;
        // Without a category there is nothing to send.
        let body = json!({ "product_id": product["id"], "channel_account_id": account["id"] });
        assert_eq!(stage.owner.post("/api/v1/listings", &body, 422).await.code(), "category_path_missing");
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        stage.owner.patch(&path, &json!({ "category_path": CATEGORY }), 200).await;
        let listing = stage.owner.post("/api/v1/listings", &body, 202).await;
        assert_eq!(listing.text("/state"), "queued");
        let id = listing.text("/id");
        let listed = stage.listing_in(&id, "listed").await;
        assert_eq!(listed["published_version"], product["version"]);
        let native = listed["external_product_id"].as_str().unwrap().to_owned();
        assert_eq!(listed["skus"].as_array().unwrap().len(), 2);
        assert!(listed["skus"].as_array().unwrap().iter().all(|sku| sku["pushed_stock"] == 10));
        assert_eq!(remote_stock(&stage, &account, &native).await, [10, 10]);

        // The same version again changes nothing.
        let writes = calls(&stage, "/channels/ec/product/update").await;
        stage.owner.post("/api/v1/listings", &body, 202).await;
        stage.work().await;
        assert_eq!(calls(&stage, "/channels/ec/product/update").await, writes);

        // Stock changes follow, set and not added; several changes in a row are one call.
        let sku = listed["skus"][0]["sku_id"].as_str().unwrap().to_owned();
        for pieces in [9, 4, 3] {
            stage.owner.put(&format!("/api/v1/stock/{sku}"), &json!({ "on_hand": pieces }), 200).await;
        }
        let before = calls(&stage, "/channels/ec/product/stock/update").await;
        stage.work().await;
        assert_eq!(calls(&stage, "/channels/ec/product/stock/update").await, before + 1);
        let mut stock = remote_stock(&stage, &account, &native).await;
        stock.sort_unstable();
        assert_eq!(stock, [3, 10]);

        next_second(&stage).await;

        // A new version goes through the audit again while the old one is on sale.
        let url = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let now = stage.owner.get(&url, 200).await.json("");
        let skus: Vec<Value> = now["skus"].as_array().unwrap().iter()
            .map(|sku| json!({ "id": sku["id"], "values": sku["values"], "price": { "amount": 9900, "currency": "CNY" } }))
            .collect();
        let change = json!({ "title": "明前龙井 250 克", "description": now["description"], "pictures": now["pictures"],
            "specifications": now["specifications"], "skus": skus, "version": now["version"] });
        let changed = stage.owner.put(&url, &change, 200).await;
        stage.owner.post("/api/v1/listings", &body, 202).await;
        let version = changed.number("/version");
        let listed = stage
            .work_until("the new version", async || {
                let listing = stage.owner.get(&format!("/api/v1/listings/{id}"), 200).await.json("");
                (listing["published_version"] == version).then_some(listing)
            })
            .await;
        assert_eq!(listed["external_product_id"], native.as_str(), "still the same product there");

        // Off the shelf, by us; and taken off by the platform, with its words.
        stage.owner.post(&format!("/api/v1/listings/{id}/delist"), &json!({}), 202).await;
        stage.listing_in(&id, "delisted").await;
        next_second(&stage).await;
        stage.owner.post("/api/v1/listings", &body, 202).await;
        stage.listing_in(&id, "listed").await;
        stage.sandbox.post(&format!("products/{native}/status"), &json!({ "status": 14 })).await;
        let off = stage.listing_in(&id, "delisted").await;
        assert!(off["reason"].as_str().unwrap().contains("保证金"), "{off}");
        stage.stop().await;
    }

    async fn a_refusal_shows_the_platforms_reason(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        stage.sandbox.patch("settings", &json!({ "audit_automatically": false })).await;
        let product = stage.product("正山小种 250 克", 5).await;
        let id = stage.publish(&product, &account, 202).await.text("/id");
        let waiting = stage.listing_in(&id, "in_audit").await;
        let native = waiting["external_product_id"].as_str().unwrap();
        let reason = json!({ "reason": "主图包含违禁词" });
        stage.sandbox.post(&format!("products/{native}/refuse"), &reason).await;
        let refused = stage.listing_in(&id, "refused").await;
        assert!(refused["reason"].as_str().unwrap().contains("主图包含违禁词"), "{refused}");
        assert!(refused["published_version"].is_null());

        // Refused at once: the platform's words stand at the listing, and nobody tries again in vain.
        fault(&stage, "/channels/ec/product/add", 10_020_017, 1).await;
        let second = stage.product("大红袍 100 克", 5).await;
        let id = stage.publish(&second, &account, 202).await.text("/id");
        let refused = stage.listing_in(&id, "refused").await;
        assert!(refused["reason"].as_str().unwrap().contains("10020017"), "{refused}");
        stage.publish(&second, &account, 202).await;
        stage.listing_in(&id, "in_audit").await;

        // Several accounts at once: a result for each.
        let other = stage.direct_store("分号").await;
        let batch = json!({ "product_ids": [second["id"]], "category_path": CATEGORY,
            "channel_account_ids": [account["id"], other["id"], "cac_0000000000007000800000ffffffffff"] });
        let results = stage.owner.post("/api/v1/listings/batch", &batch, 200).await.json("/results");
        let outcome: Vec<&Value> = results.as_array().unwrap().iter().map(|one| &one["error"]).collect();
        assert_eq!(outcome, [&Value::Null, &Value::Null, &json!("not_found")]);
        stage.stop().await;
    }

    async fn busy_quota_and_lost_tokens_lead_where_they_should(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        let product = stage.product("白毫银针 50 克", 5).await;

        // Busy: a little patience inside the call is enough.
        fault(&stage, "/channels/ec/product/add", -1, 1).await;
        let id = stage.publish(&product, &account, 202).await.text("/id");
        stage.listing_in(&id, "listed").await;

        // The token ends in the middle of the day: refreshed once, nobody notices.
        stage.sandbox.post("tokens/expire", &json!({ "appid": account["external_id"] })).await;
        stage.owner.post(&format!("{path}/check"), &json!({}), 200).await;
        assert_eq!(stage.owner.get(&path, 200).await.text("/state"), "active");

        // Per minute and per day: the job waits, as long as the class says, and says why.
        for (errcode, code) in [(45_011, "channel_busy"), (45_009, "channel_quota_exhausted")] {
            // A job waits from the end of its call, which is a moment after the minute it was told to wait for.
            stage.app.advance_to_next_minute();
            stage.app.advance(10);
            stage.work().await;
            fault(&stage, "/channels/ec/product/add", errcode, 1).await;
            let product = stage.product(&format!("白毫银针 {errcode} 克"), 5).await;
            let id = stage.publish(&product, &account, 202).await.text("/id");
            stage.work().await;
            let listing = stage.owner.get(&format!("/api/v1/listings/{id}"), 200).await;
            assert_eq!(listing.text("/state"), "publishing");
            let jobs = stage.owner.get("/api/v1/jobs?state=pending&limit=100", 200).await.json("/items");
            let waits = jobs.as_array().unwrap().iter()
                .find(|job| job["kind"] == "listing.publish" && job["error_code"] == code).cloned();
            let waits = waits.unwrap_or_else(|| panic!("no job waits for {code}: {jobs}"));
            assert!(waits["error"].as_str().unwrap().contains(&errcode.to_string()), "{waits}");
        }

        // Whoever has the platform count anew does not wait for tomorrow.
        stage.owner.post(&format!("{path}/call_quotas/clear"), &json!({}), 200).await;

        // The secret was changed at the platform: the account says so, the job lies aside and can be tried again.
        stage.sandbox.post("tokens/expire", &json!({ "appid": account["external_id"] })).await;
        fault(&stage, "*", 40_001, 50).await;
        let product = stage.product("白毫银针 100 克", 5).await;
        let id = stage.publish(&product, &account, 202).await.text("/id");
        let dead = stage
            .work_until("the dead letter", async || {
                let jobs = stage.owner.get("/api/v1/jobs?state=dead", 200).await.json("/items");
                jobs.as_array().unwrap().iter().find(|job| job["kind"] == "listing.publish").cloned()
            })
            .await;
        // Whichever job called first met the refusal; the others find the account as it is since.
        let code = dead["error_code"].as_str().unwrap();
        assert!(["channel_reauthorise", "channel_account_unusable"].contains(&code), "{dead}");
        let shown = stage.owner.get(&path, 200).await;
        assert_eq!((shown.text("/state").as_str(), shown.text("/health/error_code").as_str()), ("expired", "channel_reauthorise"));
        stage.publish(&product, &account, 409).await;
        let url = format!("{}/sandbox/api/faults/calls", stage.sandbox.base_url);
        qianpu_tests::http::http_client().delete(&url).send().await.unwrap();
        let secret = stage.sandbox.get("accounts").await["accounts"].as_array().unwrap().iter()
            .find(|one| one["appid"] == account["external_id"]).unwrap()["secret"].clone();
        let body = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
            "app_id": account["external_id"], "secret": secret, "token": "AAAAA", "encoding_aes_key": "A".repeat(43),
            "format": "json" });
        stage.owner.post("/api/v1/channel_accounts/direct", &body, 201).await;
        assert_eq!(stage.owner.get(&path, 200).await.text("/state"), "active");
        stage.owner.post(&format!("/api/v1/jobs/{}/retry", dead["id"].as_str().unwrap()), &json!({}), 204).await;
        stage.listing_in(&id, "listed").await;
        stage.stop().await;
    }

    async fn a_lost_grant_that_still_stands_is_found_by_a_check_and_caught_up_with(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.channel_app().await;
        let account = stage.linked_store("山前茶铺").await;
        let product = stage.product("老白茶 350 克", 10).await;
        let id = stage.publish(&product, &account, 202).await.text("/id");
        let listed = stage.listing_in(&id, "listed").await;
        let native = listed["external_product_id"].as_str().unwrap().to_owned();
        let skus = listed["skus"].as_array().unwrap().clone();
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        let on_hand = async |sku: &Value, pieces: i64| {
            let url = format!("/api/v1/stock/{}", sku["sku_id"].as_str().unwrap());
            stage.owner.put(&url, &json!({ "on_hand": pieces }), 200).await;
        };

        // One call is not permitted: the account waits to be authorised, and the change has not arrived.
        fault(&stage, "/channels/ec/product/stock/update", 48_001, 1).await;
        on_hand(&skus[0], 7).await;
        stage.work().await;
        assert_eq!(stage.owner.get(&path, 200).await.text("/state"), "expired");
        // Changes of that time pass the account by.
        on_hand(&skus[1], 2).await;
        stage.work().await;
        assert_eq!(remote_stock(&stage, &account, &native).await, [10, 10]);

        // The platform announces a grant that still stands to nobody, so a check has to be enough.
        stage.buy(account["external_id"].as_str().unwrap()).await;
        stage.work().await;
        assert_eq!(stage.owner.get(&path, 200).await.text("/state"), "expired");
        fault(&stage, "/channels/ec/basics/info/get", 61_003, 1).await;
        assert_eq!(stage.owner.post(&format!("{path}/check"), &json!({}), 409).await.code(), "channel_reauthorise");
        assert_eq!(stage.owner.get(&path, 200).await.text("/state"), "expired");
        let checked = stage.owner.post(&format!("{path}/check"), &json!({}), 200).await;
        assert_eq!((checked.text("/state").as_str(), checked.json("/health/error")), ("active", Value::Null));
        stage.work().await;
        let mut stock = remote_stock(&stage, &account, &native).await;
        stock.sort_unstable();
        assert_eq!(stock, [2, 7]);
        stage.stop().await;
    }
}
