//! What a platform still lets an account call: asked of it, left alone when used up, and counted anew.

use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::stage::{Stage, shop};
use serde_json::{Value, json};

const ADD: &str = "/channels/ec/product/add";

/// How often the platform was called here.
async fn calls(stage: &Stage, path: &str) -> usize {
    stage.sandbox.get(&format!("calls?path={path}")).await["calls"].as_array().map_or(0, Vec::len)
}

/// Jobs that wait because a quota is used up.
async fn waiting(stage: &Stage) -> usize {
    let jobs = stage.owner.get("/api/v1/jobs?state=pending&limit=100", 200).await.json("/items");
    jobs.as_array().unwrap().iter().filter(|job| job["error_code"] == "channel_quota_exhausted").count()
}

both! {
    async fn an_interface_without_quota_is_left_alone_until_it_is_counted_anew(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let other = stage.direct_store("山后茶铺").await;
        let id = account["id"].as_str().unwrap().to_owned();
        let at = format!("/api/v1/channel_accounts/{id}/call_quotas");
        let first = stage.product("白毫银针 50 克", 5).await;
        let listed = stage.publish(&first, &account, 202).await.text("/id");
        stage.listing_in(&listed, "listed").await;

        let row = async |path: &str| -> Value {
            let items = stage.owner.get(&at, 200).await.json("/items");
            items.as_array().unwrap().iter().find(|one| one["interface"] == path).cloned()
                .unwrap_or_else(|| panic!("no {path} in {items}"))
        };
        let told = row(ADD).await;
        assert_eq!(told["daily"], json!({ "limit": 1_000_000, "used": 1, "left": 999_999 }), "{told}");
        assert_eq!(told["rates"], json!([]), "the platform names no rate");
        let url = format!("{}/sandbox/api/settings", stage.sandbox.base_url);
        let http = qianpu_tests::http::http_client();
        http.patch(&url).json(&json!({ "minute_limit": 600 })).send().await.unwrap();
        assert_eq!(row(ADD).await["rates"], json!([{ "calls": 600, "seconds": 60, "shared": false }]));

        // The day's quota is used up: whoever comes next waits without asking.
        let fault = json!({ "path": ADD, "appid": account["external_id"], "errcode": 45009, "count": 50 });
        stage.sandbox.post("faults/calls", &fault).await;
        let before = calls(&stage, ADD).await;
        let (second, third) = (stage.product("寿眉 50 克", 5).await, stage.product("贡眉 50 克", 5).await);
        let here = stage.publish(&second, &account, 202).await.text("/id");
        stage.work_until("the first to wait", async || (waiting(&stage).await == 1).then_some(())).await;
        let here_too = stage.publish(&third, &account, 202).await.text("/id");
        stage.work_until("the second to wait", async || (waiting(&stage).await == 2).then_some(())).await;
        assert_eq!(calls(&stage, ADD).await, before + 1, "asked once");
        let jobs = stage.owner.get("/api/v1/jobs?state=pending&limit=100", 200).await.json("/items");
        assert!(jobs.to_string().matches("45009").count() >= 2, "each says why, in the platform's words: {jobs}");
        let elsewhere = stage.publish(&third, &other, 202).await.text("/id");
        stage.listing_in(&elsewhere, "listed").await;

        // Counted anew: what waited goes on.
        let cleared = stage.owner.post(&format!("{at}/clear"), &json!({}), 200).await;
        assert_eq!(cleared.json("/woken"), 2);
        for id in [here, here_too] {
            stage.listing_in(&id, "listed").await;
        }
        assert_eq!(calls(&stage, ADD).await, before + 4, "two here, one at the other account");
        let entries = stage.owner.get("/api/v1/audit_entries?action=channel_account.quota_cleared", 200).await;
        assert_eq!((entries.json("/items/0/target/id"), entries.json("/items/0/detail/woken")), (json!(id), json!(2)));
        // Ten times a month, says the platform.
        for _ in 0..9 {
            stage.owner.post(&format!("{at}/clear"), &json!({}), 200).await;
        }
        let refused = stage.owner.post(&format!("{at}/clear"), &json!({}), 422).await;
        assert!(refused.text("/detail").contains("48006"), "{}", refused.text("/detail"));

        // By page.
        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = format!("/console/merchant/channel_accounts/{id}/call_quotas");
        let link = format!("channel_accounts/{id}/call_quotas\"");
        let shown = open(&owner, &page).await.html;
        assert!(shown.contains(ADD) && shown.contains("60 秒内 600 次") && shown.contains("清零重新计数"), "{shown}");
        assert!(open(&owner, &format!("/console/merchant/channel_accounts/{id}")).await.html.contains(&link));
        let said = submit(&owner, &format!("{page}/clear"), &[]).await;
        assert_eq!((said.status, said.location), (303, page.clone()), "it says there why not");
        let entries = stage.owner.get("/api/v1/audit_entries?action=channel_account.quota_cleared&limit=50", 200).await;
        assert_eq!(entries.json("/items").as_array().unwrap().len(), 10, "what was refused did not happen");
        stage.sandbox.post("faults/calls", &json!({ "path": "/cgi-bin/openapi/quota/get", "errcode": -1, "count": 50 })).await;
        assert!(open(&owner, &page).await.html.contains("平台没有告知额度"));

        // Nobody else's.
        let stranger = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &stranger, "乙家小铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let stranger = stage.app.person(&stranger, Role::MerchantOwner).await;
        stranger.get(&at, 404).await;
        stranger.post(&format!("{at}/clear"), &json!({}), 404).await;
        stage.stop().await;
    }

    async fn whoever_asks_how_an_account_fares_hears_it_from_the_platform(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let id = account["id"].as_str().unwrap();
        let check = format!("/api/v1/channel_accounts/{id}/check");
        let path = "/channels/ec/basics/info/get";
        stage.sandbox.post("faults/calls", &json!({ "path": path, "errcode": 45009, "count": 1 })).await;
        stage.owner.post(&check, &json!({}), 503).await;
        stage.owner.post(&check, &json!({}), 200).await;
        stage.stop().await;
    }
}
