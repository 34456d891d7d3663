//! The calendar of policies ahead, and the simulator.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::onboarding::PASSWORD;
use serde_json::{Value, json};

both! {
    async fn what_applies_on_a_day_is_answered_and_nothing_is_changed(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("houshan").await;
        let lin = app.onboarded_merchant(&provider, "lin@tea.test", "enterprise", "山里茶铺", true).await;
        let chen = app.onboarded_merchant(&provider, "chen@tea.test", "personal", "陈家小铺", true).await;
        let calendar = async || provider.reviewer.get("/api/v1/policies/calendar", 200).await.json("/items");
        assert_eq!(calendar().await, json!([]));

        // All merchants get seven from the 20th on, this one nine from the 25th to the end of the month.
        let all = json!({ "kind": "link_quota", "params": { "enterprise.*": "7" }, "effective_from": "2026-03-20T00:00:00+08:00" });
        let all = provider.owner.post("/api/v1/policies", &all, 201).await.text("/id");
        let one = json!({ "kind": "link_quota", "params": { "enterprise.*": "9" }, "merchant_id": lin.merchant_id,
            "effective_from": "2026-03-25T00:00:00+08:00", "effective_to": "2026-04-01T00:00:00+08:00" });
        let one = provider.owner.post("/api/v1/policies", &one, 201).await.text("/id");
        let ahead = calendar().await;
        let told: Vec<(&str, &str)> = ahead.as_array().unwrap().iter()
            .map(|change| (change["change"].as_str().unwrap(), change["rule"]["id"].as_str().unwrap())).collect();
        assert_eq!(told, [("begins", all.as_str()), ("begins", one.as_str()), ("ends", one.as_str())]);
        assert_eq!(chen.owner.get("/api/v1/policies/calendar", 200).await.json("/items").as_array().unwrap().len(), 1,
            "another merchant's rows are not shown");

        let ask = async |day: &str, more: &str| {
            let path = format!("/api/v1/policies/simulation?merchant_id={}&day={day}{more}", lin.merchant_id);
            provider.reviewer.get(&path, 200).await.json("")
        };
        let rule = |answer: &Value, kind: &str| {
            answer["rules"].as_array().unwrap().iter().find(|one| one["rule"]["kind"] == kind).cloned().unwrap()
        };
        for (day, limit, id, over) in [
            ("2026-03-02", 5, "policy/link_quota/platform/2024-08-25", 0),
            ("2026-03-19", 5, "policy/link_quota/platform/2024-08-25", 0),
            ("2026-03-20", 7, all.as_str(), 1),
            ("2026-03-24", 7, all.as_str(), 1),
            ("2026-03-25", 9, one.as_str(), 2),
            ("2026-03-31", 9, one.as_str(), 2),
            ("2026-04-01", 7, all.as_str(), 1),
        ] {
            let answer = ask(day, "").await;
            let quota = rule(&answer, "link_quota");
            assert_eq!((&quota["rule"]["id"], quota["over"].as_array().unwrap().len()), (&json!(id), over), "{day}");
            assert_eq!(quota["instead_of"].is_null(), limit == 5, "{day}");
            assert_eq!(answer["shops"][0]["quotas"][0]["limit"], limit, "{day}");
        }

        // The shop began to trade on the 2nd: with 4.60 each day it is raised on April 1st, with 4.59 never.
        let raised = ask("2026-04-01", "&score=460").await;
        assert_eq!(raised["shops"][0]["turns"], json!([{ "day": "2026-04-01", "turn": "reached" }]));
        assert_eq!((&raised["shops"][0]["state"], &raised["shops"][0]["quotas"][0]["limit"]), (&json!("raised"), &json!(10)));
        assert_eq!(ask("2026-03-31", "&score=460").await["shops"][0]["state"], "standard");
        assert_eq!(ask("2026-12-31", "&score=459").await["shops"][0]["turns"], json!([]));
        assert_eq!(ask("2026-12-31", "").await["shops"][0]["score"], Value::Null);
        let shop = lin.owner.get(&format!("/api/v1/shops/{}/link_quotas", lin.shop_id), 200).await;
        assert_eq!((shop.text("/raise/state"), shop.json("/raise/evaluated_on")), ("standard".to_owned(), Value::Null), "only computed");

        // A merchant asks about itself; nobody about strangers; days and marks have bounds.
        lin.owner.get("/api/v1/policies/simulation?day=2026-03-20", 200).await;
        let of_chen = format!("/api/v1/policies/simulation?day=2026-03-20&merchant_id={}", chen.merchant_id);
        lin.owner.get(&of_chen, 404).await;
        other.owner.get(&of_chen, 404).await;
        for (query, field) in [
            ("day=2026-03-20", "merchant_id"),
            ("merchant_id=M&day=2026-03-01", "day"),
            ("merchant_id=M&day=2027-04-07", "day"),
            ("merchant_id=M&day=soon", "day"),
            ("merchant_id=M&day=2026-03-20&score=501", "score"),
        ] {
            let path = format!("/api/v1/policies/simulation?{}", query.replace("=M", &format!("={}", lin.merchant_id)));
            assert_eq!(provider.owner.get(&path, 422).await.text("/errors/0/field"), field, "{query}");
        }

        let mut li = Browser::new(&app.base_url);
        li.open("/console/login", 200).await;
        li.submit("/console/login", &[("email", &provider.reviewer_email), ("password", PASSWORD)], 200).await;
        let at = "/console/provider/policies/calendar";
        assert!(li.open("/console/provider/policies", 200).await.contains(at));
        assert!(li.open(at, 200).await.contains("开始生效"));
        let page = li.open(&format!("{at}?merchant={}&day=2026-04-01&score=4.6", lin.merchant_id), 200).await;
        assert!(page.contains("账号上限提升") && page.contains("0/10") && page.contains("山里茶铺"), "{page}");
        assert!(li.open(&format!("{at}?merchant=&day=2026-04-01"), 422).await.contains("id=\"e-merchant\""));
        app.stop().await;
    }
}
