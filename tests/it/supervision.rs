//! What a provider watches after a shop is open: shops that it suspends, documents that end and are renewed.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::{OnboardedMerchant, OnboardedProvider, PASSWORD, PNG};
use qianpu_tests::stage::{CATEGORY, Stage};
use serde_json::json;

const DAY: i64 = 86_400;

/// A trading merchant whose business licence ends on a day; the tests begin on 2026-03-02 in China.
async fn with_licence_until(
    app: &TestApp,
    provider: &OnboardedProvider,
    email: &str,
    shop: &str,
    last: &str,
) -> OnboardedMerchant {
    let (owner, application_id) = app.applicant(provider, email).await;
    app.fill_in(&owner, &application_id, "enterprise", shop).await;
    let at = format!("/api/v1/applications/{application_id}");
    let media = app.upload(&owner, "document", PNG, 201).await.text("/id");
    let body = json!({ "media_id": media, "expires_on": last });
    owner.put(&format!("{at}/documents/business_license"), &body, 200).await;
    app.sign(&owner, &application_id).await;
    owner.post(&format!("{at}/submit"), &json!({}), 200).await;
    provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
    let approved = provider.reviewer.post(&format!("{at}/approve"), &json!({}), 200).await;
    let (shop_id, merchant_id) = (approved.text("/shop_id"), approved.text("/merchant_id"));
    owner.post(&format!("/api/v1/shops/{shop_id}/start_trading"), &json!({}), 200).await;
    app.run_jobs().await;
    OnboardedMerchant { merchant_id, application_id, shop_id, owner, email: email.to_owned() }
}

/// Lets days pass as they do: a day, then the jobs that are due.
async fn days(app: &TestApp, count: i64) {
    for _ in 0..count {
        app.advance(DAY);
        app.run_jobs().await;
    }
}

/// The mails a person got, without those about the deposit, which falls due meanwhile.
fn mails_to(app: &TestApp, person: &str) -> Vec<String> {
    let to = |mail: &qianpu_tests::smtp::Mail| mail.to.iter().any(|to| to == person);
    let read: Vec<String> =
        app.smtp.mails().iter().filter(|mail| to(mail)).map(|mail| mail.readable()).collect();
    read.into_iter().filter(|text| !text.contains("保证金")).collect()
}

async fn again(app: &TestApp, email: &str) -> Client {
    app.api(email, PASSWORD).await
}

both! {
    async fn a_provider_suspends_a_shop_and_lets_it_go_on(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("houshan").await;
        let lin = app.onboarded_merchant(&provider, "lin@tea.test", "enterprise", "山里茶铺", false).await;
        app.run_jobs().await;
        let shop = format!("/api/v1/shops/{}", lin.shop_id);
        let reason = json!({"reason": "商品涉嫌侵权，请下架后联系我们"});
        // An opened shop has nothing to be stopped from.
        assert_eq!(provider.owner.post(&format!("{shop}/suspend"), &reason, 409).await.code(), "shop_wrong_state");
        lin.owner.post(&format!("{shop}/start_trading"), &json!({}), 200).await;
        let slug = lin.owner.get(&shop, 200).await.text("/slug");
        assert!(!app.anonymous().get(&format!("/s/{slug}/"), 200).await.body.contains("店铺暂停营业"));

        let nothing = provider.reviewer.post(&format!("{shop}/suspend"), &json!({"reason": " "}), 422).await;
        assert_eq!(nothing.text("/errors/0/field"), "reason");
        let long = json!({"reason": "字".repeat(501)});
        provider.reviewer.post(&format!("{shop}/suspend"), &long, 422).await;
        let turned = json!({"reason": "请\u{202e}联系"});
        provider.reviewer.post(&format!("{shop}/suspend"), &turned, 422).await;
        lin.owner.post(&format!("{shop}/suspend"), &reason, 403).await;
        other.owner.post(&format!("{shop}/suspend"), &reason, 404).await;
        let stopped = provider.reviewer.post(&format!("{shop}/suspend"), &reason, 200).await;
        assert_eq!(stopped.text("/state"), "suspended");
        provider.reviewer.post(&format!("{shop}/suspend"), &reason, 409).await;
        app.run_jobs().await;
        let mail = app.smtp.nth_to("lin@tea.test", 3).await.readable();
        assert!(mail.contains("商品涉嫌侵权") && mail.contains(&lin.shop_id), "{mail}");

        assert!(app.anonymous().get(&format!("/s/{slug}/"), 200).await.body.contains("店铺暂停营业"));
        lin.owner.post(&format!("{shop}/resume"), &json!({}), 403).await;

        for client in [&lin.owner, &provider.owner] {
            let listed = client.get(&format!("{shop}/suspensions"), 200).await;
            assert_eq!(listed.text("/items/0/suspended_by"), "李审核");
            assert_eq!(listed.json("/items/0/lifted_at"), json!(null));
        }
        other.owner.get(&format!("{shop}/suspensions"), 404).await;
        other.owner.post(&format!("{shop}/resume"), &json!({}), 404).await;
        assert_eq!(provider.owner.post(&format!("{shop}/resume"), &json!({}), 200).await.text("/state"), "trading");
        assert_eq!(provider.owner.post(&format!("{shop}/resume"), &json!({}), 409).await.code(), "shop_wrong_state");
        app.run_jobs().await;
        assert!(app.smtp.nth_to("lin@tea.test", 4).await.readable().contains("已恢复营业"));
        let listed = lin.owner.get(&format!("{shop}/suspensions"), 200).await;
        assert_eq!(listed.text("/items/0/lifted_by"), "王掌柜");

        // The same by the console.
        let mut li = Browser::new(&app.base_url);
        li.open("/console/login", 200).await;
        li.submit("/console/login", &[("email", &provider.reviewer_email), ("password", PASSWORD)], 200).await;
        let at = format!("/console/provider/shops/{}", lin.shop_id);
        assert!(li.open("/console/provider/shops", 200).await.contains(&at));
        li.open(&at, 200).await;
        let refused = li.submit(&format!("{at}/suspend"), &[("reason", "")], 422).await;
        assert!(refused.contains("id=\"e-reason\""), "{refused}");
        let page = li.submit(&format!("{at}/suspend"), &[("reason", "等待补充材料")], 200).await;
        assert!(page.contains("已暂停") && page.contains("等待补充材料"), "{page}");
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login", 200).await;
        owner.submit("/console/login", &[("email", "lin@tea.test"), ("password", PASSWORD)], 200).await;
        assert!(owner.open("/console/merchant/shops", 200).await.contains("等待补充材料"));
        li.submit(&format!("{at}/resume"), &[], 200).await;
        assert!(!owner.open("/console/merchant/shops", 200).await.contains("等待补充材料"));
        app.stop().await;
    }

    async fn documents_that_end_are_told_then_the_shop_is_suspended_until_one_is_renewed(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = with_licence_until(&app, &provider, "lin@tea.test", "山里茶铺", "2026-04-05").await;
        let mut told = 2;
        let shop = format!("/api/v1/shops/{}", lin.shop_id);

        // 34 days ahead nothing is said; then at 30, 7 and 1 days, and on the day after the end, once each.
        days(&app, 3).await;
        assert_eq!(mails_to(&app, "lin@tea.test").len(), told);
        for (wait, says) in [(1, "还剩 30 天"), (23, "还剩 7 天"), (6, "还剩 1 天"), (2, "已于 2026-04-05 到期")] {
            days(&app, wait).await;
            told += 1;
            let mail = &mails_to(&app, "lin@tea.test")[told - 1];
            assert!(mail.contains(says) && mail.contains("营业执照"), "{says}: {mail}");
            assert_eq!(mails_to(&app, "lin@tea.test").len(), told);
        }
        let owner = again(&app, "lin@tea.test").await;
        days(&app, 13).await;
        assert_eq!(owner_state(&app, &lin).await, "trading", "the days of grace last");
        days(&app, 1).await;
        assert_eq!(owner_state(&app, &lin).await, "suspended");
        told += 1;
        assert!(mails_to(&app, "lin@tea.test")[told - 1].contains("店铺已自动暂停"));
        drop(owner);
        let owner = again(&app, "lin@tea.test").await;
        let listed = owner.get(&format!("{shop}/suspensions"), 200).await;
        assert_eq!(listed.text("/items/0/cause"), "document_expired");
        let reviewer = again(&app, &provider.reviewer_email).await;
        assert_eq!(reviewer.post(&format!("{shop}/resume"), &json!({}), 409).await.code(), "documents_open");

        // Handing in, and what is refused.
        let at = format!("/api/v1/applications/{}", lin.application_id);
        let renew = format!("{at}/documents/business_license/renew");
        let judge = format!("{at}/documents/business_license/judge_renewal");
        assert_eq!(reviewer.post(&judge, &json!({"verdict": "accept"}), 409).await.code(), "application_wrong_state");
        let media = app.upload(&owner, "document", PNG, 201).await.text("/id");
        let body = |day: &str| json!({"media_id": media, "expires_on": day});
        assert_eq!(owner.post(&renew, &body("2026-04-01"), 422).await.text("/errors/0/code"), "expired");
        let passport = format!("{at}/documents/passport/renew");
        assert_eq!(owner.post(&passport, &body("2036-04-01"), 422).await.code(), "document_not_required");
        let picture = app.upload(&owner, "picture", PNG, 201).await.text("/id");
        owner.post(&renew, &json!({"media_id": picture}), 422).await;
        owner.post(&renew, &body("2030-04-05"), 201).await;
        // A newer one replaces what waits.
        owner.post(&renew, &body("2036-04-05"), 201).await;
        app.run_jobs().await;
        let waiting = reviewer.get("/api/v1/renewals", 200).await;
        assert_eq!(waiting.json("/items").as_array().unwrap().len(), 1);
        assert_eq!(waiting.text("/items/0/expires_on"), "2036-04-05");
        reviewer.get(&format!("/api/v1/media/{media}/content"), 200).await;

        assert_eq!(reviewer.post(&judge, &json!({"verdict": "return"}), 422).await.text("/errors/0/field"), "reason");
        reviewer.post(&judge, &json!({"verdict": "return", "reason": "照片模糊"}), 200).await;
        app.run_jobs().await;
        told += 1;
        assert!(mails_to(&app, "lin@tea.test")[told - 1].contains("照片模糊"));
        assert_eq!(owner_state(&app, &lin).await, "suspended");
        owner.post(&renew, &body("2036-04-05"), 201).await;
        reviewer.post(&judge, &json!({"verdict": "accept"}), 200).await;
        assert_eq!(owner_state(&app, &lin).await, "trading");
        app.run_jobs().await;
        let kept = owner.get(&at, 200).await;
        assert!(kept.body.contains("2036-04-05"), "{}", kept.body);
        days(&app, 3).await;
        assert_eq!(mails_to(&app, "lin@tea.test").len(), told + 2);
        app.stop().await;
    }

    async fn what_waits_for_the_provider_is_not_held_against_the_merchant(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("houshan").await;
        let lin = with_licence_until(&app, &provider, "lin@tea.test", "山里茶铺", "2026-03-04").await;
        let chen = with_licence_until(&app, &provider, "chen@tea.test", "陈家茶铺", "2026-03-04").await;
        // The terms are the provider's to set, for all or for one.
        let rule = json!({"kind": "document_expiry", "merchant_id": chen.merchant_id, "params": {
            "first_days": "30", "second_days": "7", "last_days": "1", "grace_days": "0", "suspends": "0"}});
        provider.owner.post("/api/v1/policies", &rule, 201).await;
        let rising = json!({"kind": "document_expiry", "params": {
            "first_days": "7", "second_days": "30", "last_days": "1", "grace_days": "0", "suspends": "1"}});
        let refused = provider.owner.post("/api/v1/policies", &rising, 422).await;
        assert_eq!((refused.code(), refused.text("/errors/0/field")), ("policy_invalid".into(), "params.second_days".into()));

        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login", 200).await;
        owner.submit("/console/login", &[("email", "lin@tea.test"), ("password", PASSWORD)], 200).await;
        assert!(owner.open("/console/merchant", 200).await.contains("到期待更新的资质"));
        let page = owner.open("/console/merchant/documents", 200).await;
        assert!(page.contains("即将到期") && page.contains("2026-03-04"), "{page}");
        let form = format!("/console/merchant/documents/{}/business_license", lin.application_id);
        let refused = owner.upload(&form, &[("expires_on", "2020-01-01")], PNG, 422).await;
        assert!(refused.contains("资料已过期") && refused.contains("value=\"2020-01-01\""), "{refused}");
        let page = owner.upload(&form, &[("expires_on", "2036-03-04")], PNG, 200).await;
        assert!(page.contains("正在等待服务商审核"), "{page}");

        days(&app, 20).await;
        assert_eq!(owner_state(&app, &lin).await, "trading", "it waits for the provider");
        assert_eq!(owner_state(&app, &chen).await, "trading", "the rule for this merchant only tells");

        let mut li = Browser::new(&app.base_url);
        li.open("/console/login", 200).await;
        li.submit("/console/login", &[("email", &provider.reviewer_email), ("password", PASSWORD)], 200).await;
        assert!(li.open("/console/provider", 200).await.contains("待审核的资质更新"));
        let page = li.open("/console/provider/documents", 200).await;
        assert!(page.contains("山里茶铺") && page.contains("2036-03-04") && !page.contains("陈家茶铺"), "{page}");
        let form = format!("/console/provider/documents/{}/business_license", lin.application_id);
        assert!(li.submit(&form, &[("verdict", "return")], 422).await.contains("请填写原因"));
        assert!(li.submit(&form, &[("verdict", "accept")], 200).await.contains("没有待审核的更新"));
        let strangers = again(&app, "owner@houshan.test").await;
        drop(other);
        assert_eq!(strangers.get("/api/v1/renewals", 200).await.json("/items"), json!([]));
        strangers.get(&format!("/api/v1/applications/{}/renewals", lin.application_id), 404).await;
        app.stop().await;
    }

    async fn an_application_is_not_handed_in_with_a_document_that_ended_meanwhile(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        app.fill_in(&lin, &id, "personal", "林家小铺").await;
        let at = format!("/api/v1/applications/{id}");
        let media = app.upload(&lin, "document", PNG, 201).await.text("/id");
        let body = json!({"media_id": media, "expires_on": "2026-03-03"});
        lin.put(&format!("{at}/documents/id_card"), &body, 200).await;
        days(&app, 3).await;
        let lin = again(&app, "lin@tea.test").await;
        let refused = lin.post(&format!("{at}/submit"), &json!({}), 422).await;
        assert_eq!(refused.text("/errors/0/code"), "expired");
        assert_eq!(lin.get(&at, 200).await.text("/resume_at"), "documents");
        app.stop().await;
    }

    async fn a_suspended_shop_links_and_publishes_nothing_new(db: TestDb) {
        let stage = Stage::start(db).await;
        stage.channel_app().await;
        let account = stage.linked_store("山前茶铺").await;
        let product = stage.product("明前龙井 500 克", 10).await;
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        stage.owner.patch(&path, &json!({ "category_path": CATEGORY }), 200).await;
        let shop = format!("/api/v1/shops/{}", stage.shop);
        stage.staff.post(&format!("{shop}/suspend"), &json!({"reason": "核查资质"}), 200).await;
        let listing = json!({ "product_id": product["id"], "channel_account_id": account["id"] });
        assert_eq!(stage.owner.post("/api/v1/listings", &listing, 409).await.code(), "shop_wrong_state");
        let link = json!({ "shop_id": stage.shop.to_string(), "channel": "wechat-store", "kind": "wechat_store" });
        assert_eq!(stage.owner.post("/api/v1/channel_links", &link, 409).await.code(), "link_needs_trading");
        stage.staff.post(&format!("{shop}/resume"), &json!({}), 200).await;
        stage.owner.post("/api/v1/listings", &listing, 202).await;
        stage.stop().await;
    }
}

/// Where the merchant's shop stands, asked by the merchant with a fresh log-in.
async fn owner_state(app: &TestApp, merchant: &OnboardedMerchant) -> String {
    let owner = again(app, &merchant.email).await;
    owner.get(&format!("/api/v1/shops/{}", merchant.shop_id), 200).await.text("/state")
}
