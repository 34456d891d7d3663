//! The raised quota of linked accounts: scores that the provider records, the daily look at them, what people are told,
//! and what may be linked.

use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const DAY: i64 = 86_400;
const USUAL: &str = "policy/link_quota/platform/2024-08-25";

fn marks(day: &str, each: u32) -> Value {
    json!({ "day": day, "description": each, "service": each, "logistics": each })
}

/// Lets days pass as they do: a day, then the jobs that are due.
async fn days(app: &TestApp, count: i64) {
    for _ in 0..count {
        app.advance(DAY);
        app.run_jobs().await;
    }
}

/// Subjects of the mails about the quota that a person got.
fn told(app: &TestApp, person: &str) -> Vec<String> {
    let to = |mail: &&qianpu_tests::smtp::Mail| mail.to.iter().any(|to| to == person);
    let read = app.smtp.mails().iter().filter(to).map(|mail| mail.readable()).collect::<Vec<_>>();
    read.into_iter().filter(|text| text.contains("账号上限")).collect()
}

async fn send_file(client: &Client, text: &str) -> Answer {
    let form = Form::new().part("file", Part::bytes(text.as_bytes().to_vec()).file_name("scores.csv"));
    let request = client.request(reqwest::Method::POST, "/api/v1/shop_scores/file").multipart(form);
    Answer::of(request.send().await.expect("an answer")).await
}

/// Today, as the application counts days.
fn day(app: &TestApp, ago: i64) -> String {
    let at = app.state.clock().now().minus(qianpu_domain::time::Span::days(ago));
    qianpu_domain::billing::date_in(at, "Asia/Shanghai").unwrap().to_string()
}

both! {
    async fn thirty_days_at_4_60_raise_and_one_at_4_59_ends_it_with_notice(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = app.onboarded_merchant(&provider, "lin@tea.test", "enterprise", "山里茶铺", true).await;
        let shop = format!("/api/v1/shops/{}", lin.shop_id);
        // One score on the first day; the days after it carry it.
        provider.reviewer.post(&format!("{shop}/scores"), &json!({ "days": [marks("2026-03-02", 460)] }), 200).await;
        days(&app, 29).await;
        let owner = app.api("lin@tea.test", PASSWORD).await;
        let raise = async |owner: &Client| owner.get(&format!("{shop}/link_quotas"), 200).await.json("/raise");
        let now = raise(&owner).await;
        assert_eq!((&now["state"], &now["good_days"], &now["trading_days"]), (&json!("standard"), &json!(29), &json!(29)));
        assert_eq!((&now["score"], &now["score_needed"], &now["evaluated_on"]), (&json!(460), &json!(460), &json!("2026-03-31")));
        assert!(told(&app, "lin@tea.test").is_empty());
        days(&app, 1).await;
        let owner = app.api("lin@tea.test", PASSWORD).await;
        let now = raise(&owner).await;
        assert_eq!((&now["state"], &now["in_force"], &now["good_days"]), (&json!("raised"), &json!(true), &json!(30)));
        let quotas = owner.get(&format!("{shop}/link_quotas"), 200).await.json("/items");
        for quota in quotas.as_array().unwrap() {
            assert_eq!((&quota["limit"], &quota["usual"]), (&json!(10), &json!(5)), "{quota}");
            assert_eq!(quota["rule"], "policy/link_quota_raise/platform/2024-08-25");
        }
        let mails = told(&app, "lin@tea.test");
        assert!(mails.len() == 1 && mails[0].contains("最多可以关联 10 个"), "{mails:?}");
        days(&app, 2).await;
        assert_eq!(told(&app, "lin@tea.test").len(), 1, "told once");

        // A hundredth less, in one of the three marks of one day.
        let reviewer = app.api(&provider.reviewer_email, PASSWORD).await;
        let less = json!({ "day": "2026-04-03", "description": 460, "service": 459, "logistics": 460 });
        let recorded = reviewer.post(&format!("{shop}/scores"), &json!({ "days": [less] }), 200).await;
        assert_eq!(recorded.json("/items/0/mean"), 459);
        days(&app, 1).await;
        let owner = app.api("lin@tea.test", PASSWORD).await;
        let now = raise(&owner).await;
        assert_eq!((&now["state"], &now["in_force"], &now["falls_on"]), (&json!("falling"), &json!(true), &json!("2026-04-11")));
        assert_eq!((&now["good_days"], &now["score"]), (&json!(0), &json!(459)));
        let mails = told(&app, "lin@tea.test");
        assert!(mails.len() == 2 && mails[1].contains("2026-04-11"), "{mails:?}");
        let mut page = Browser::new(&app.base_url);
        page.open("/console/login", 200).await;
        page.submit("/console/login", &[("email", "lin@tea.test"), ("password", PASSWORD)], 200).await;
        let shown = page.open("/console/merchant/channel_accounts", 200).await;
        assert!(shown.contains("2026-04-11") && shown.contains("0 / 30 天") && shown.contains("4.59"), "{shown}");
        assert!(page.open("/console/merchant", 200).await.contains("账号上限即将恢复的店铺"));

        days(&app, 6).await;
        let owner = app.api("lin@tea.test", PASSWORD).await;
        assert_eq!(raise(&owner).await["in_force"], true, "the days of grace last");
        days(&app, 1).await;
        let owner = app.api("lin@tea.test", PASSWORD).await;
        assert_eq!(raise(&owner).await["state"], "standard");
        let mails = told(&app, "lin@tea.test");
        assert!(mails.len() == 3 && mails[2].contains("不会被解除"), "{mails:?}");
        let audit = owner.get("/api/v1/audit_entries?action=link_quota.standing", 200).await.json("/items");
        assert_eq!(audit.as_array().unwrap().len(), 3, "{audit}");
        app.stop().await;
    }

    async fn a_raised_shop_links_more_and_keeps_them_when_the_raise_ends(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.app.advance(30 * DAY);
        let (owner, staff) = (
            stage.app.person(&stage.merchant, Role::MerchantOwner).await,
            stage.app.person(&stage.provider, Role::ProviderOwner).await,
        );
        let terms = json!({ "kind": "link_quota_raise", "params": { "days": "30", "score": "460", "each_day": "0",
            "limit": "6", "grace_days": "7" } });
        let rule = staff.post("/api/v1/policies", &terms, 201).await.text("/id");
        let shop = format!("/api/v1/shops/{}", stage.shop);
        let link = async |owner: &Client, name: &str, expected: u16| {
            let new = json!({ "kind": "store", "nickname": name });
            let account = stage.sandbox.post("accounts", &new).await;
            let body = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
                "app_id": account["appid"], "secret": account["secret"], "token": PUSH_TOKEN,
                "encoding_aes_key": AES_KEY, "format": "json" });
            owner.post("/api/v1/channel_accounts/direct", &body, expected).await
        };
        for number in 1..=5 {
            link(&owner, &format!("茶铺{number}"), 201).await;
        }
        assert_eq!(link(&owner, "茶铺六", 409).await.text("/rule"), USUAL);
        // 29 days of scores are not 30, and 4.59 is not 4.60.
        let recorded: Vec<Value> = (1..=29).map(|ago| marks(&day(&stage.app, ago), 460)).collect();
        staff.post(&format!("{shop}/scores"), &json!({ "days": recorded }), 200).await;
        let looked = staff.post(&format!("{shop}/scores/evaluate"), &json!({}), 200).await;
        assert_eq!((looked.text("/state"), looked.json("/good_days")), ("standard".to_owned(), json!(29)));
        let first = |each| json!({ "days": [marks(&day(&stage.app, 30), each)] });
        staff.post(&format!("{shop}/scores"), &first(459), 200).await;
        let looked = staff.post(&format!("{shop}/scores/evaluate"), &json!({}), 200).await;
        assert_eq!((looked.text("/state"), looked.json("/score")), ("standard".to_owned(), json!(459)));
        link(&owner, "茶铺六", 409).await;
        staff.post(&format!("{shop}/scores"), &first(460), 200).await;
        let looked = staff.post(&format!("{shop}/scores/evaluate"), &json!({}), 200).await;
        assert_eq!(looked.text("/state"), "raised");
        link(&owner, "茶铺六", 201).await;
        let refused = link(&owner, "茶铺七", 409).await;
        assert_eq!((refused.code(), refused.text("/rule")), ("link_quota_full".to_owned(), rule));

        // The score falls; the grace ends by itself on its day, without anybody looking.
        staff.post(&format!("{shop}/scores"), &json!({ "days": [marks(&day(&stage.app, 1), 300)] }), 200).await;
        let looked = staff.post(&format!("{shop}/scores/evaluate"), &json!({}), 200).await;
        assert_eq!(looked.text("/state"), "falling");
        stage.app.advance(7 * DAY);
        let owner = stage.app.person(&stage.merchant, Role::MerchantManager).await;
        assert_eq!(link(&owner, "茶铺七", 409).await.text("/rule"), USUAL);
        let quotas = owner.get(&format!("{shop}/link_quotas"), 200).await.json("/items");
        let store = quotas.as_array().unwrap().iter().find(|one| one["kind"] == "wechat_store").cloned().unwrap();
        assert_eq!((&store["used"], &store["limit"]), (&json!(6), &json!(5)), "nothing is unlinked");
        stage.stop().await;
    }

    async fn scores_are_recorded_by_the_provider_only_and_checked(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("houshan").await;
        let lin = app.onboarded_merchant(&provider, "lin@tea.test", "enterprise", "山里茶铺", true).await;
        let chen = app.onboarded_merchant(&provider, "chen@tea.test", "personal", "陈家小铺", true).await;
        let scores = format!("/api/v1/shops/{}/scores", lin.shop_id);
        let good = json!({ "days": [marks("2026-03-01", 463)] });
        lin.owner.post(&scores, &good, 403).await;
        other.owner.post(&scores, &good, 404).await;
        other.owner.get(&scores, 404).await;
        chen.owner.get(&scores, 404).await;
        for (days, field) in [
            (json!([]), "days"),
            (json!([marks("2026-03-03", 463)]), "days[0].day"),
            (json!([marks("yesterday", 463)]), "days[0].day"),
            (json!([marks("2025-01-01", 463)]), "days[0].day"),
            (json!([marks("2026-03-01", 463), marks("2026-02-28", 501)]), "days[1].description"),
            (json!([marks("2026-03-01", 99)]), "days[0].description"),
        ] {
            let refused = provider.owner.post(&scores, &json!({ "days": days }), 422).await;
            assert_eq!(refused.text("/errors/0/field"), field, "{}", refused.body);
        }
        assert_eq!(provider.owner.get(&scores, 200).await.json("/items"), json!([]), "all or none");
        provider.owner.post(&scores, &good, 200).await;
        let shown = provider.owner.post(&scores, &json!({ "days": [marks("2026-03-01", 470)] }), 200).await;
        assert_eq!((shown.json("/items/0/mean"), shown.json("/items/1")), (json!(470), Value::Null), "corrected");
        assert_eq!(lin.owner.get(&scores, 200).await.text("/items/0/recorded_by"), "王掌柜");

        // A file: the wrong rows are told, the others recorded.
        let slug = chen.owner.get(&format!("/api/v1/shops/{}", chen.shop_id), 200).await.text("/slug");
        let stranger = app.onboarded_merchant(&other, "wu@tea.test", "enterprise", "吴记", true).await;
        let file = format!(
            "店铺,日期,描述相符,服务态度,物流服务\n{},2026-03-02,4.81,4.7,5\n{slug},2026/03/01,4.6,4.6,4.6\n{},2026-03-01,4.6,4.6,4.6\n{slug},2026-03-09,4.6,4.6,4.6\n{slug},2026-03-01,4.605,4.6,\n",
            lin.shop_id, stranger.shop_id,
        );
        let read = send_file(&provider.reviewer, &file).await;
        assert_eq!((read.status, read.json("/recorded"), read.json("/wrong")), (200, json!(2), json!(3)), "{}", read.body);
        let wrong: Vec<(Value, Value)> = (2..5)
            .map(|at| (read.json(&format!("/rows/{at}/row")), read.json(&format!("/rows/{at}/errors/0/column"))))
            .collect();
        assert_eq!(wrong, [(json!(4), json!("shop")), (json!(5), json!("day")), (json!(6), json!("description"))]);
        assert_eq!(lin.owner.get(&scores, 200).await.json("/items/0/description"), 481);
        assert_eq!(send_file(&provider.reviewer, "店铺,日期\nx,2026-03-01\n").await.status, 422);
        assert_eq!(send_file(&lin.owner, &file).await.status, 403);
        let template = provider.owner.get("/api/v1/shop_scores/template.csv", 200).await;
        assert!(template.body.contains("描述相符"), "{}", template.body);

        // The same by page.
        let mut li = Browser::new(&app.base_url);
        li.open("/console/login", 200).await;
        li.submit("/console/login", &[("email", &provider.reviewer_email), ("password", PASSWORD)], 200).await;
        let at = format!("/console/provider/shops/{}/scores", lin.shop_id);
        let page = li.open(&at, 200).await;
        assert!(page.contains("4.81") && page.contains("2026-03-01"), "{page}");
        let fields = [("day", "2026-03-09"), ("description", "4.6"), ("service", "4.6"), ("logistics", "4.6")];
        assert!(li.submit(&at, &fields, 422).await.contains("id=\"e-day\""));
        let fields = [("day", "2026-03-01"), ("description", "4.6"), ("service", ""), ("logistics", "9")];
        let page = li.submit(&at, &fields, 422).await;
        assert!(page.contains("id=\"e-service\"") && page.contains("id=\"e-logistics\""), "{page}");
        let fields = [("day", "2026-03-01"), ("description", "4.66"), ("service", "4.6"), ("logistics", "4.6")];
        assert!(li.submit(&at, &fields, 200).await.contains("4.66"));
        assert!(li.submit(&format!("{at}/evaluate"), &[], 200).await.contains("已按今天的评分评估"));
        li.open("/console/provider/shops/scores", 200).await;
        let page = li.upload("/console/provider/shops/scores", &[], file.as_bytes(), 200).await;
        assert!(page.contains("已录入 2 行，有误 3 行") && page.contains("第 4 行"), "{page}");
        app.stop().await;
    }
}
