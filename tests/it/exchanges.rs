//! Looking for exchanges with platforms across a merchant's accounts, and how an account fares by interface.

use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::stage::{Stage, shop};
use serde_json::{Value, json};

async fn search(stage: &Stage, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/channel_exchanges?limit=100&{query}");
    stage.owner.get(&path, 200).await.json("/items").as_array().cloned().unwrap()
}

both! {
    async fn exchanges_are_found_by_account_interface_outcome_and_time(db: TestDb) {
        let stage = Stage::start(db).await;
        let (one, two) = (stage.direct_store("茶铺一").await, stage.direct_store("茶铺二").await);
        let ids = [&one, &two].map(|account| account["id"].as_str().unwrap().to_owned());
        let check = async |id: &str, expected| {
            stage.owner.post(&format!("/api/v1/channel_accounts/{id}/check"), &json!({}), expected).await
        };
        check(&ids[0], 200).await;
        let before = stage.app.state.clock().now();
        // The second account's calls meet a used-up quota from here on.
        let rule = json!({ "path": "/channels/ec/basics/info/get", "appid": two["external_id"], "errcode": 45009, "count": 5 });
        stage.sandbox.post("faults/calls", &rule).await;
        check(&ids[1], 503).await;
        let failed = until("the failed exchange", async || {
            let found = search(&stage, "outcome=failed").await;
            (!found.is_empty()).then_some(found)
        })
        .await;
        assert!(failed.iter().all(|one| one["channel_account_id"] == ids[1].as_str()), "{failed:?}");
        assert_eq!((&failed[0]["exchange"]["outcome"], &failed[0]["account_name"]), (&json!("quota"), &json!("茶铺二")));
        let operation = failed[0]["exchange"]["operation"].as_str().unwrap().to_owned();

        let all = search(&stage, "").await;
        let of_one = search(&stage, &format!("channel_account_id={}", ids[0])).await;
        assert!(!of_one.is_empty() && of_one.len() < all.len());
        assert!(of_one.iter().all(|one| one["channel_account_id"] == ids[0].as_str()));
        let part = operation.split('.').next().unwrap().to_uppercase();
        assert!(search(&stage, &format!("text={part}&outcome=quota")).await.len() == failed.len());
        assert_eq!(search(&stage, "text=45009").await.len(), failed.len(), "by the platform's code");
        // What stands for anything in a pattern stands for itself.
        assert!(search(&stage, "text=%25").await.is_empty() && search(&stage, "text=a_c").await.is_empty());
        let earlier = search(&stage, &format!("until={before}")).await;
        let later = search(&stage, &format!("from={before}")).await;
        assert_eq!((earlier.len() + later.len(), later.len() >= failed.len()), (all.len(), true));
        let page = stage.owner.get("/api/v1/channel_exchanges?limit=1", 200).await;
        let next = page.text("/next_cursor");
        let second = stage.owner.get(&format!("/api/v1/channel_exchanges?limit=1&cursor={next}"), 200).await;
        assert_eq!(second.json("/items/0/exchange/id"), all[1]["exchange"]["id"]);
        assert!(!serde_json::to_string(&all).unwrap().contains("access_token="));

        for (query, field) in [("outcome=bad", "outcome"), (&format!("text={}", "x".repeat(101)), "text")] {
            let refused = stage.owner.get(&format!("/api/v1/channel_exchanges?{query}"), 422).await;
            assert_eq!(refused.text("/errors/0/field"), field);
        }

        // By interface.
        let fitness = async |id: &str| stage.owner.get(&format!("/api/v1/channel_accounts/{id}/fitness"), 200).await;
        let of_two = fitness(&ids[1]).await;
        let interface = of_two.json("/interfaces").as_array().unwrap().iter()
            .find(|one| one["operation"] == operation.as_str()).cloned().unwrap();
        assert_eq!((&interface["out_of_quota"], &interface["last_outcome"]), (&json!(failed.len()), &json!("quota")));
        assert!(interface["calls"].as_i64() >= interface["failed"].as_i64(), "{interface}");
        assert_eq!(of_two.json("/missing_scopes"), json!([]), "a direct link grants everything");
        let of_one = fitness(&ids[0]).await.json("/interfaces");
        assert!(of_one.as_array().unwrap().iter().all(|one| one["failed"] == 0), "{of_one}");
        stage.app.advance(86_400 + 60);
        let owner = stage.app.person(&stage.merchant, Role::MerchantOwner).await;
        let path = format!("/api/v1/channel_accounts/{}/fitness", ids[1]);
        assert_eq!(owner.get(&path, 200).await.json("/interfaces"), json!([]), "of the last day only");

        // Nobody else's, by account or at all.
        let other = stage.app.merchant(&stage.provider, "乙商家").await;
        shop(&stage.app, &other, "乙家小铺", "enterprise", qianpu_domain::shop::ShopState::Trading).await;
        let stranger = stage.app.person(&other, Role::MerchantOwner).await;
        assert_eq!(stranger.get("/api/v1/channel_exchanges", 200).await.json("/items"), json!([]));
        stranger.get(&format!("/api/v1/channel_exchanges?channel_account_id={}", ids[0]), 404).await;
        stranger.get(&path, 404).await;

        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = async |path: &str, expected: u16| {
            let request = visitor.client.request(reqwest::Method::GET, path).header("cookie", &visitor.cookie);
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), expected, "{path}");
            response.text().await.unwrap()
        };
        let shown = page("/console/merchant/channel_accounts/exchanges?outcome=failed", 200).await;
        assert!(shown.contains("额度用完") && shown.contains("茶铺二"), "{shown}");
        assert!(page("/console/merchant/channel_accounts/exchanges?from=soon", 422).await.contains("id=\"e-from\""));
        stage.stop().await;
    }
}

both! {
    async fn an_interface_that_does_not_answer_is_left_alone_for_a_while(db: TestDb) {
        let stage = Stage::start(db).await;
        let (one, two) = (stage.direct_store("茶铺一").await, stage.direct_store("茶铺二").await);
        let ids = [&one, &two].map(|account| account["id"].as_str().unwrap().to_owned());
        let check = async |id: &str, expected| {
            stage.owner.post(&format!("/api/v1/channel_accounts/{id}/check"), &json!({}), expected).await
        };
        let profile = "/channels/ec/basics/info/get";
        let calls = async || {
            let answer = stage.sandbox.get(&format!("calls?path={profile}")).await;
            answer["calls"].as_array().unwrap().len()
        };
        let resting = async |id: &str| {
            stage.owner.get(&format!("/api/v1/channel_accounts/{id}/fitness"), 200).await.json("/resting")
        };
        stage.sandbox.post("faults/calls", &json!({ "path": profile, "http_status": 502, "count": 100 })).await;
        assert_eq!(resting(&ids[0]).await, json!([]));
        check(&ids[0], 503).await;
        check(&ids[0], 503).await;
        let made = calls().await;
        check(&ids[0], 503).await;
        check(&ids[1], 503).await;
        assert_eq!(calls().await, made, "nobody calls it any more");
        for id in &ids {
            assert_eq!(resting(id).await[0]["path"], profile);
        }
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = format!("/console/merchant/channel_accounts/{}", ids[0]);
        let request = visitor.client.request(reqwest::Method::GET, &page).header("cookie", &visitor.cookie);
        let shown = request.send().await.unwrap().text().await.unwrap();
        assert!(shown.contains("连续多次没有响应") && shown.contains(profile), "{shown}");

        // After the rest one call is let through, and all is well.
        stage.sandbox.delete("faults/calls").await;
        stage.app.advance(16);
        check(&ids[1], 200).await;
        check(&ids[0], 200).await;
        assert_eq!(resting(&ids[0]).await, json!([]));
        assert!(calls().await > made);
        stage.stop().await;
    }
}
