//! Ours against the channel's: what was changed at the platform is found, shown and made like ours again.

use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::stage::{Stage, shop};
use serde_json::{Value, json};

async fn drifts(stage: &Stage) -> Vec<Value> {
    stage.owner.get("/api/v1/listing_drifts", 200).await.json("/items").as_array().cloned().unwrap()
}

/// A listed product with the platform's ids of itself and its SKUs.
async fn listed(stage: &Stage, account: &Value, title: &str) -> (String, String, Vec<String>) {
    let product = stage.product(title, 10).await;
    let id = stage.publish(&product, account, 202).await.text("/id");
    let listed = stage.listing_in(&id, "listed").await;
    let skus = listed["skus"].as_array().unwrap();
    let native = skus.iter().map(|sku| sku["external_sku_id"].as_str().unwrap().to_owned()).collect();
    (id, listed["external_product_id"].as_str().unwrap().to_owned(), native)
}

both! {
    async fn what_was_changed_at_the_platform_is_found_and_made_like_ours(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let (id, native, skus) = listed(&stage, &account, "明前龙井 500 克").await;
        let (other, other_native, _) = listed(&stage, &account, "正山小种 250 克").await;
        stage.work().await;
        assert!(drifts(&stage).await.is_empty(), "just published: nothing differs");

        // Somebody changes it by hand; the platform pushes that it changed.
        let by_hand = json!({ "title": "龙井 清仓", "skus": [{ "sku_id": skus[0], "sale_price": 100, "stock_num": 7 }] });
        stage.sandbox.patch(&format!("products/{native}"), &by_hand).await;
        let found = stage.work_until("the drift", async || {
            let found = drifts(&stage).await;
            (!found.is_empty()).then_some(found)
        }).await;
        assert_eq!((found.len(), &found[0]["listing_id"]), (1, &json!(id)));
        let whats: Vec<_> = found[0]["differences"].as_array().unwrap().iter()
            .map(|one| (one["what"].as_str().unwrap(), one["theirs"].as_str().unwrap())).collect();
        assert_eq!(whats, [("title", "龙井 清仓"), ("price", "100"), ("stock", "7")]);
        assert_eq!(found[0]["differences"][2]["ours"], "10");
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = async |path: &str| {
            let request = visitor.client.request(reqwest::Method::GET, path).header("cookie", &visitor.cookie);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            answer.text().await.unwrap()
        };
        let shown = page("/console/merchant/listings/drift").await;
        assert!(shown.contains("龙井 清仓") && shown.contains("¥1<small>.00"), "{shown}");
        assert!(page(&format!("/console/merchant/listings/{id}")).await.contains("平台上展示的内容与我方不一致"));
        assert!(page("/console/merchant").await.contains("与平台不一致的商品"));

        // Made like ours: through the audit again, and equal afterwards.
        let answer = stage.owner.post("/api/v1/listing_drifts/repair", &json!({}), 202).await;
        assert_eq!((answer.number("/repaired"), answer.json("/more")), (1, json!(false)));
        stage.app.advance(6);
        stage.work_until("no drift", async || drifts(&stage).await.is_empty().then_some(())).await;
        let now = stage.owner.get(&format!("/api/v1/listings/{id}"), 200).await;
        assert_eq!(now.text("/state"), "listed");
        let products = format!("products?appid={}", account["external_id"].as_str().unwrap());
        let there = stage.work_until("the quantity", async || {
            stage.app.advance(5);
            let all = stage.sandbox.get(&products).await;
            let one = all["products"].as_array()?.iter().find(|one| one["product_id"] == native.as_str())?.clone();
            one["stock"].as_array()?.iter().all(|sku| sku["stock"] == 10).then_some(one)
        }).await;
        assert_eq!(there["title"], "明前龙井 500 克");
        assert!(there["skus"].as_array().unwrap().iter().all(|sku| sku["sale_price"] != 100), "{there}");
        let log = stage.owner.get("/api/v1/audit_entries?action=listing.repair", 200).await;
        assert_eq!(log.json("/items").as_array().unwrap().len(), 1);

        // The push is lost: the next look finds it, by click and once a day. All are lost from here on, since one of before
        // may still be on its way.
        stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "event": "product_spu_update", "count": 100 })).await;
        stage.sandbox.patch(&format!("products/{other_native}"), &json!({ "title": "红茶" })).await;
        stage.work().await;
        assert!(drifts(&stage).await.is_empty());
        let look = format!("/api/v1/channel_accounts/{}/look", account["id"].as_str().unwrap());
        stage.owner.post(&look, &json!({}), 204).await;
        stage.work_until("the drift", async || (drifts(&stage).await.len() == 1).then_some(())).await;
        stage.owner.post(&format!("/api/v1/listings/{other}/repair"), &json!({}), 204).await;
        stage.app.advance(6);
        // Until the audit is over, what is sent anew replaces what is changed by hand.
        stage.work_until("the audit", async || {
            let now = stage.owner.get(&format!("/api/v1/listings/{other}"), 200).await;
            (!now.json("/published_version").is_null() && drifts(&stage).await.is_empty()).then_some(())
        }).await;
        stage.sandbox.patch(&format!("products/{other_native}"), &json!({ "title": "又一次" })).await;
        stage.work().await;
        assert!(drifts(&stage).await.is_empty());
        qianpu_api::app::listings::drift::watch(stage.app.state.clone()).await.unwrap();
        stage.app.advance(2 * 3600);
        stage.work_until("the daily look", async || {
            stage.app.advance(3);
            (drifts(&stage).await.len() == 1).then_some(())
        }).await;
        stage.stop().await;
    }

    async fn drift_is_the_merchants_own(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let (id, native, _) = listed(&stage, &account, "明前龙井 500 克").await;
        // Nothing was read of what is not on the shelf, and a title in audit is no drift.
        stage.sandbox.patch(&format!("products/{native}"), &json!({ "title": "别的" })).await;
        stage.work_until("the drift", async || (drifts(&stage).await.len() == 1).then_some(())).await;
        let merchant = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &merchant, "乙家小铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let stranger = stage.app.person(&merchant, Role::MerchantOwner).await;
        assert_eq!(stranger.get("/api/v1/listing_drifts", 200).await.json("/items"), json!([]));
        stranger.post(&format!("/api/v1/listings/{id}/repair"), &json!({}), 404).await;
        let account_id = account["id"].as_str().unwrap();
        stranger.post(&format!("/api/v1/channel_accounts/{account_id}/look"), &json!({}), 404).await;
        stranger.post("/api/v1/listing_drifts/repair", &json!({ "channel_account_id": account_id }), 404).await;
        let nothing = stranger.post("/api/v1/listing_drifts/repair", &json!({}), 202).await;
        assert_eq!(nothing.number("/repaired"), 0);
        // Taken off the shelf: there is nothing that could differ.
        stage.owner.post(&format!("/api/v1/listings/{id}/delist"), &json!({}), 202).await;
        stage.listing_in(&id, "delisted").await;
        assert!(drifts(&stage).await.is_empty());
        stage.owner.post(&format!("/api/v1/listings/{id}/repair"), &json!({}), 409).await;
        stage.stop().await;
    }
}
