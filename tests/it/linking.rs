//! Linking accounts through the application against the platform's stand-in: by purchase, by the platform's page and
//! directly; quotas, tokens, and grants that come and go.

use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::stage::{AES_KEY, COMPONENT, PUSH_TOKEN, Stage, shop};
use serde_json::{Value, json};

async fn pushes(stage: &Stage, event: &str) -> Vec<Value> {
    let all = stage.sandbox.get(&format!("pushes?event={event}&limit=100")).await;
    all["pushes"].as_array().cloned().unwrap_or_default()
}

both! {
    async fn a_shop_is_linked_by_purchase_and_works(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = stage.channel_app().await;
        assert_eq!(app["ticket_late"], false);
        assert!(!app.to_string().contains(AES_KEY) && !app.to_string().contains("app-secret"), "secrets stay inside");
        let account = stage.linked_store("山前茶铺").await;
        assert_eq!((&account["kind"], &account["link_mode"]), (&json!("wechat_store"), &json!("purchase")));
        assert_eq!(account["name"], "山前茶铺");
        assert!(account["hook_url"].as_str().unwrap().contains("/apps/"));
        assert_eq!(account["push_format"], "xml");
        let id = account["id"].as_str().unwrap().to_owned();
        let checked = stage.owner.post(&format!("/api/v1/channel_accounts/{id}/check"), &json!({}), 200).await;
        assert_eq!(checked.text("/state"), "active");

        // Tokens end: ten checks at once refresh once, and everything is in the log without a secret.
        let app_id = account["external_id"].as_str().unwrap();
        stage.sandbox.post("tokens/expire", &json!({ "appid": app_id })).await;
        let path = format!("/api/v1/channel_accounts/{id}/check");
        let empty = json!({});
        let checks = (0..10).map(|_| stage.owner.post(&path, &empty, 200));
        futures_util::future::join_all(checks).await;
        let log = until("the exchange log", async || {
            let log = stage.owner.get(&format!("/api/v1/channel_accounts/{id}/exchanges?limit=100"), 200).await;
            let items = log.json("/items").as_array().cloned().unwrap();
            (items.len() >= 12).then_some(items)
        })
        .await;
        let refreshes = log.iter().filter(|row| row["operation"] == "account.refresh" && row["outcome"] == "ok");
        assert_eq!(refreshes.count(), 1, "{log:?}");
        let text = serde_json::to_string(&log).unwrap();
        assert!(!text.contains("access_token=") && !text.contains("refreshtoken@@@"), "{text}");

        // The grant is taken back at the platform.
        stage.sandbox.post("deauthorize", &json!({ "component_appid": COMPONENT, "appid": app_id })).await;
        let state = stage
            .work_until("the end of the link", async || {
                let account = stage.owner.get(&format!("/api/v1/channel_accounts/{id}"), 200).await;
                (account.text("/state") != "active").then(|| account.text("/state"))
            })
            .await;
        assert_eq!(state, "revoked");
        stage.owner.post(&path, &empty, 409).await;

        // And given again: the same account, a new link.
        stage.start_link("wechat-store", "wechat_store", Some(app_id), 201).await;
        stage.buy(app_id).await;
        let again = stage.work_until("the link again", async || stage.account_of(app_id).await).await;
        assert_eq!(again["id"], id.as_str());
        stage.stop().await;
    }

    async fn a_public_account_is_linked_by_the_platforms_page(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.channel_app().await;
        let app_id = stage.platform_account("official_account", "山前茶讯").await;
        let started = stage.start_link("wechat-official-account", "official_account", None, 201).await;
        assert_eq!(started.text("/next"), "open");
        let page = url::Url::parse(&started.text("/desktop_url")).unwrap();
        assert!(page.as_str().starts_with(&stage.sandbox.base_url), "{page}");
        let query: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
        let decision = json!({ "component_appid": COMPONENT, "pre_auth_code": query["pre_auth_code"], "appid": app_id,
            "redirect_uri": query["redirect_uri"] });
        let decided = stage.sandbox.post("authorize", &decision).await;
        let back = decided["redirect_url"].as_str().unwrap();
        let path = back.strip_prefix(&stage.app.base_url).expect("back to us").to_owned();
        let landed = stage.app.anonymous().get(&path, 303).await;
        let to = landed.headers["location"].to_str().unwrap();
        assert!(to.starts_with("/console/merchant~") && to.contains("/channel_accounts"), "{to}");
        let account = stage.account_of(&app_id).await.expect("linked");
        assert_eq!((&account["kind"], &account["name"]), (&json!("official_account"), &json!("山前茶讯")));
        // The same grant comes as a push too, and coming back twice is harmless.
        until("the push", async || pushes(&stage, "authorized").await.iter().find(|p| p["state"] == "delivered").cloned())
            .await;
        stage.work().await;
        stage.app.anonymous().get(&path, 303).await;
        let list = stage.owner.get("/api/v1/channel_accounts", 200).await;
        assert_eq!(list.json("/items").as_array().unwrap().len(), 1);
        let link = stage.owner.get(&format!("/api/v1/channel_links/{}", started.text("/id")), 200).await;
        assert_eq!(link.text("/state"), "linked");
        stage.app.anonymous().get("/channels/wechat/callback?state=unknown&auth_code=x", 404).await;
        stage.stop().await;
    }

    async fn the_fifth_account_is_linked_and_the_sixth_is_refused_by_rule(db: TestDb) {
        let stage = Stage::start(db).await;
        let rule = "policy/link_quota/platform/2024-08-25";
        for n in 1..=4 {
            stage.direct_store(&format!("茶铺{n}")).await;
        }
        let quotas = format!("/api/v1/shops/{}/link_quotas", stage.shop);
        let quota = async || {
            let list = stage.owner.get(&quotas, 200).await.json("/items");
            list.as_array().unwrap().iter().find(|one| one["kind"] == "wechat_store").cloned().unwrap()
        };
        let shown = quota().await;
        assert_eq!((&shown["used"], &shown["limit"], &shown["rule"]), (&json!(4), &json!(5), &json!(rule)));

        // Three at once for the last place: one passes, two are refused with the rule.
        let mut bodies = Vec::new();
        for n in 5..=7 {
            let new = json!({ "kind": "store", "nickname": format!("茶铺{n}") });
            let account = stage.sandbox.post("accounts", &new).await;
            bodies.push(json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store",
                "kind": "wechat_store", "app_id": account["appid"], "secret": account["secret"],
                "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY, "format": "json" }));
        }
        let path = "/api/v1/channel_accounts/direct";
        let tries = bodies.iter().map(|body| stage.owner.try_send(reqwest::Method::POST, path, Some(body), &[]));
        let answers = futures_util::future::join_all(tries).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409]);
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!((refused.code().as_str(), refused.text("/rule").as_str()), ("link_quota_full", rule));
        }
        assert_eq!(quota().await["used"], 5);
        let refused = stage.start_link("wechat-store", "wechat_store", None, 409).await;
        assert_eq!(refused.text("/rule"), rule);

        // Another kind has its own quota; a place becomes free when a link ends.
        let list = stage.owner.get("/api/v1/channel_accounts", 200).await;
        let first = list.text("/items/0/id");
        stage.owner.delete(&format!("/api/v1/channel_accounts/{first}"), 204).await;
        assert_eq!(quota().await["used"], 4);
        stage.stop().await;
    }

    async fn only_a_trading_shop_links(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.channel_app().await;
        let merchant = stage.app.merchant(&stage.provider, "未开张").await;
        let opened = shop(&stage.app, &merchant, "未开张小铺", "personal", ShopState::Opened).await;
        let owner = stage.app.person(&merchant, Role::MerchantOwner).await;
        let body = json!({ "shop_id": opened.to_string(), "channel": "wechat-store", "kind": "wechat_store" });
        let refused = owner.post("/api/v1/channel_links", &body, 409).await;
        assert_eq!((refused.code().as_str(), refused.text("/rule").as_str()), ("link_needs_trading", "link.needs_trading"));
        // Another merchant's shop does not exist for this one.
        let body = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store" });
        owner.post("/api/v1/channel_links", &body, 404).await;
        stage.stop().await;
    }

    async fn a_grant_nobody_can_place_waits_for_the_provider(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.channel_app().await;
        let other = stage.app.merchant(&stage.provider, "乙商家").await;
        let other_shop = shop(&stage.app, &other, "乙家小铺", "enterprise", ShopState::Trading).await;
        let other_owner = stage.app.person(&other, Role::MerchantOwner).await;
        // Two merchants wait for any shop: nobody can say whose this one is.
        stage.start_link("wechat-store", "wechat_store", None, 201).await;
        let body = json!({ "shop_id": other_shop.to_string(), "channel": "wechat-store", "kind": "wechat_store" });
        other_owner.post("/api/v1/channel_links", &body, 201).await;
        let app_id = stage.platform_account("store", "谁家茶铺").await;
        stage.buy(&app_id).await;
        let parked = stage
            .work_until("the parked grant", async || {
                let list = stage.staff.get("/api/v1/app_authorisations?state=unmatched", 200).await;
                list.json("/items").as_array().unwrap().first().cloned()
            })
            .await;
        assert_eq!((&parked["external_id"], &parked["outcome"]), (&json!(app_id), &json!("several_wait")));
        for client in [&stage.owner, &other_owner] {
            let list = client.get("/api/v1/channel_accounts", 200).await;
            assert!(list.json("/items").as_array().unwrap().is_empty(), "linked to nobody");
        }
        let path = format!("/api/v1/app_authorisations/{}/assign", parked["id"].as_str().unwrap());
        let wrong = json!({ "merchant_id": stage.merchant.tenant().to_string(), "shop_id": other_shop.to_string() });
        stage.staff.post(&path, &wrong, 404).await;
        let right = json!({ "merchant_id": other.tenant().to_string(), "shop_id": other_shop.to_string() });
        let assigned = stage.staff.post(&path, &right, 200).await;
        let id = assigned.text("/channel_account_id");
        assert_eq!(other_owner.get(&format!("/api/v1/channel_accounts/{id}"), 200).await.text("/external_id"), app_id);
        stage.owner.get(&format!("/api/v1/channel_accounts/{id}"), 404).await;

        // One that says which account it waits for gets that one and no other.
        let expected = stage.platform_account("store", "说好的茶铺").await;
        stage.start_link("wechat-store", "wechat_store", Some(&expected), 201).await;
        stage.buy(&expected).await;
        stage.work_until("the expected link", async || stage.account_of(&expected).await).await;
        stage.stop().await;
    }
}
