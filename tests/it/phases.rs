//! Kinds of accounts that the policy calendar closes to new links or switches off by date.

use qianpu_domain::access::Role;
use qianpu_domain::time::Span;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

async fn days(app: &TestApp, count: i64) {
    for _ in 0..count {
        app.advance(DAY);
        app.run_jobs().await;
    }
}

/// Mails that speak of the kind of account, oldest first.
fn told(app: &TestApp) -> Vec<String> {
    let read = app.smtp.mails().iter().map(|mail| mail.readable()).collect::<Vec<_>>();
    read.into_iter().filter(|text| text.contains("微信小店") && text.contains("查看账号")).collect()
}

async fn owner(stage: &Stage) -> Client {
    stage.app.person(&stage.merchant, Role::MerchantOwner).await
}

async fn link(stage: &Stage, owner: &Client, name: &str, expected: u16) -> Answer {
    let account = stage.sandbox.post("accounts", &json!({ "kind": "store", "nickname": name })).await;
    let body = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
        "app_id": account["appid"], "secret": account["secret"], "token": PUSH_TOKEN,
        "encoding_aes_key": AES_KEY, "format": "json" });
    owner.post("/api/v1/channel_accounts/direct", &body, expected).await
}

async fn rule(stage: &Stage, phase: &str, in_days: i64) -> String {
    let staff = stage.app.person(&stage.provider, Role::ProviderOwner).await;
    let from = stage.app.state.clock().now().plus(Span::days(in_days)).to_string();
    let body =
        json!({ "kind": "channel_phase", "params": { "wechat_store": phase }, "effective_from": from });
    staff.post("/api/v1/policies", &body, 201).await.text("/id")
}

both! {
    async fn a_kind_is_closed_and_switched_off_on_its_day_and_people_know(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = &stage.app;
        let account = stage.direct_store("山里茶铺").await;
        let account_id = account["id"].as_str().unwrap().to_owned();
        let closing = rule(&stage, "closed", 40).await;
        app.run_jobs().await;
        assert!(told(app).is_empty(), "forty days are too early");
        let quota = async |owner: &Client| -> Value {
            let quotas = owner.get(&format!("/api/v1/shops/{}/link_quotas", stage.shop), 200).await.json("/items");
            quotas.as_array().unwrap().iter().find(|one| one["kind"] == "wechat_store").cloned().unwrap()
        };
        let now = quota(&owner(&stage).await).await;
        assert_eq!((&now["phase"], &now["next_phase"]["phase"], &now["next_phase"]["rule"]),
            (&json!("open"), &json!("closed"), &json!(closing)));

        days(app, 9).await;
        assert!(told(app).is_empty(), "31 days left");
        days(app, 2).await;
        let mails = told(app);
        assert!(!mails.is_empty() && mails.iter().all(|mail| mail.contains("停止新关联") && mail.contains("山里茶铺")), "{mails:?}");
        let people = mails.len();
        // Each time everybody who runs the merchant's shops gets one.
        days(app, 20).await;
        assert_eq!(told(app).len(), people, "told once, nine days left");
        days(app, 3).await;
        assert_eq!(told(app).len(), 2 * people, "a week left");
        days(app, 5).await;
        assert_eq!(told(app).len(), 3 * people, "a day left");
        link(&stage, &owner(&stage).await, "茶铺二", 201).await;

        days(app, 1).await;
        let manager = owner(&stage).await;
        let refused = link(&stage, &manager, "茶铺三", 409).await;
        assert_eq!((refused.code(), refused.text("/rule")), ("link_kind_closed".to_owned(), closing.clone()));
        assert_eq!(quota(&manager).await["phase"], "closed");
        let path = format!("/api/v1/channel_accounts/{account_id}");
        assert_eq!(manager.get(&path, 200).await.text("/state"), "active", "what is linked goes on");
        manager.post(&format!("{path}/check"), &json!({}), 200).await;
        stage.stop().await;
    }

    async fn accounts_are_retired_at_the_moment_and_come_back_when_the_rule_ends(db: TestDb) {
        let stage = Stage::start(db).await;
        let app = &stage.app;
        let account = stage.direct_store("山里茶铺").await;
        let account_id = account["id"].as_str().unwrap().to_owned();
        let product = stage.product("明前龙井 50g", 20).await;
        let off = rule(&stage, "off", 1).await;
        app.run_jobs().await;
        let people = told(app).len();
        assert!(people > 0 && told(app).iter().all(|mail| mail.contains("停用") && mail.contains("山里茶铺")), "told at once: a day is left");
        let manager = owner(&stage).await;
        let path = format!("/api/v1/channel_accounts/{account_id}");
        assert_eq!(manager.get(&path, 200).await.text("/state"), "active");

        app.advance(DAY);
        app.run_jobs().await;
        let manager = owner(&stage).await;
        assert_eq!(manager.get(&path, 200).await.text("/state"), "retired");
        let last = told(app).split_off(people);
        assert!(!last.is_empty() && last.iter().all(|mail| mail.contains("自现在起停用")), "{last:?}");
        let refused = manager.post(&format!("{path}/check"), &json!({}), 409).await;
        assert_eq!(refused.code(), "channel_kind_off");
        let calls = stage.sandbox.get("calls").await["calls"].as_array().map(Vec::len);
        let publish = async |owner: &Client, expected: u16| {
            let body = json!({ "product_id": product["id"], "channel_account_id": account["id"],
                "category_path": ["1000", "1010", "1011"] });
            owner.post("/api/v1/listings", &body, expected).await
        };
        let refused = publish(&manager, 409).await;
        assert_eq!(refused.code(), "channel_kind_off");
        let refused = link(&stage, &manager, "茶铺二", 409).await;
        assert_eq!((refused.code(), refused.text("/rule")), ("link_kind_closed".to_owned(), off.clone()));
        days(app, 1).await;
        assert_eq!(stage.sandbox.get("calls").await["calls"].as_array().map(Vec::len), calls, "the platform is left alone");
        assert_eq!(told(app).len(), people + last.len(), "told once");
        let audit = owner(&stage).await.get("/api/v1/audit_entries?action=channel_account.state", 200).await.json("/items");
        assert_eq!(audit[0]["detail"]["rule"], json!(off), "{audit}");

        let visitor = app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = visitor.client.request(reqwest::Method::GET, "/console/merchant/channel_accounts");
        let shown = page.header("cookie", &visitor.cookie).send().await.unwrap().text().await.unwrap();
        assert!(shown.contains("已停用") && shown.contains(&off), "{shown}");

        let staff = app.person(&stage.provider, Role::ProviderOwner).await;
        staff.post(&format!("/api/v1/policies/{off}/end"), &json!({}), 204).await;
        app.run_jobs().await;
        let manager = owner(&stage).await;
        assert_eq!(manager.get(&path, 200).await.text("/state"), "active");
        let listing = publish(&manager, 202).await.text("/id");
        stage.work().await;
        let listing = manager.get(&format!("/api/v1/listings/{listing}"), 200).await;
        assert!(["in_audit", "listed"].contains(&listing.text("/state").as_str()), "{}", listing.body);
        stage.stop().await;
    }

    async fn a_rule_names_kinds_and_words_that_exist(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = app.onboarded_merchant(&provider, "lin@tea.test", "enterprise", "山里茶铺", true).await;
        for params in [json!({}), json!({ "wechat_store": "gone" }), json!({ "Wechat Store": "off" })] {
            let body = json!({ "kind": "channel_phase", "params": params });
            let refused = provider.owner.post("/api/v1/policies", &body, 422).await;
            assert_eq!(refused.code(), "policy_invalid", "{}", refused.body);
        }
        let body = json!({ "kind": "channel_phase", "params": { "wechat_store": "off", "douyin_shop": "closed" } });
        lin.owner.post("/api/v1/policies", &body, 403).await;
        // A narrower rule spares one merchant of one kind; the other kind stays as the wider rule says.
        let wide = provider.owner.post("/api/v1/policies", &body, 201).await.text("/id");
        let spare = json!({ "kind": "channel_phase", "params": { "wechat_store": "open" }, "merchant_id": lin.merchant_id });
        let spare = provider.owner.post("/api/v1/policies", &spare, 201).await.text("/id");
        let day = "2026-03-20";
        let then = lin.owner.get(&format!("/api/v1/policies/simulation?day={day}"), 200).await.json("");
        let of = |kind: &str| then["shops"][0]["quotas"].as_array().unwrap().iter().find(|one| one["kind"] == kind).cloned().unwrap();
        assert_eq!((&of("wechat_store")["phase"], &of("wechat_store")["phase_rule"]), (&json!("open"), &json!(spare)));
        assert_eq!((&of("douyin_shop")["phase"], &of("douyin_shop")["phase_rule"]), (&json!("closed"), &json!(wide)));
        let listed = lin.owner.get("/api/v1/policies", 200).await.json("/items");
        let deciding: Vec<&Value> = listed.as_array().unwrap().iter()
            .filter(|row| row["kind"] == "channel_phase" && row["in_force"] == true).map(|row| &row["id"]).collect();
        assert_eq!(deciding.len(), 3, "the platform's, the wide and the narrow one: {listed}");
        app.stop().await;
    }
}
