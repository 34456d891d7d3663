//! What a merchant sees of buyers, and that what was erased is in no text of the database any more.

use crate::buyers::{PHONE, buyer};
use crate::orders::Selling;
use crate::restores::{SLUG, acting, empty, packed, second};
use qianpu_api::app::whole::restore::restore;
use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::browser::Browser;
use qianpu_tests::goods::Goods;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::planted::columns;
use qianpu_tests::{TestDb, both, postgres};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

const NAME: &str = "林小满独一无二";

/// Tables whose text columns hold the text.
async fn tables_with(db: &TestDb, text: &str) -> Vec<String> {
    let connection = postgres::connect(&db.superuser_url()).await.unwrap();
    let mut found = Vec::new();
    for table in qianpu_migrations::tables() {
        for column in columns(&table).into_iter().filter(|column| column.kind == "text") {
            let sql = format!("SELECT 1 FROM {} WHERE {} LIKE '%{text}%' LIMIT 1", table.name, column.name);
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            if connection.query_one_raw(statement).await.unwrap().is_some() {
                found.push(format!("{}.{}", table.name, column.name));
            }
        }
    }
    connection.close().await.unwrap();
    found
}

both! {
    async fn the_merchant_finds_buyers_exports_and_erases(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug, owner) = (&goods.app, goods.slug.as_str(), &goods.owner);
        let own = buyer(app, slug, PHONE).await;
        let me = format!("/api/v1/storefront/{slug}/me");
        own.patch(&me, &json!({ "name": NAME }), 200).await;
        let id = own.get(&me, 200).await.text("/id");
        let list = owner.get("/api/v1/buyers", 200).await;
        assert_eq!(list.text("/items/0/phone_masked"), "138****5678");
        assert!(!list.body.contains(PHONE));
        // Found by the whole number or name, and by nothing less.
        for (search, hits) in [
            (json!({ "phone": PHONE }), 1),
            (json!({ "phone": "13812345679" }), 0),
            (json!({ "name": NAME }), 1),
            (json!({ "name": "林小" }), 0),
        ] {
            let found = owner.post("/api/v1/buyers/search", &search, 200).await.json("/items");
            assert_eq!(found.as_array().unwrap().len(), hits, "{search}");
        }
        // Reading does not give handing out.
        let desk = app.person(&goods.merchant, Role::MerchantServiceDesk).await;
        desk.get(&format!("/api/v1/buyers/{id}"), 200).await;
        desk.post(&format!("/api/v1/buyers/{id}/export"), &json!({}), 403).await;
        let exported = owner.post(&format!("/api/v1/buyers/{id}/export"), &json!({}), 200).await;
        assert!(exported.body.contains(PHONE) && exported.text("/format") == "qianpu-buyer-1");
        assert!(own.get(&format!("{me}/export"), 200).await.body.contains(NAME));

        assert!(tables_with(&app.db, NAME).await.contains(&"buyers.name".to_owned()));
        assert_eq!(tables_with(&app.db, PHONE).await, Vec::<String>::new(), "a phone is in no text, ever");
        // Asked for twice, taken back, asked for again.
        let erasure = format!("{me}/erasure");
        own.post(&erasure, &json!({}), 202).await;
        assert_eq!(own.post(&erasure, &json!({}), 409).await.code(), "erasure_requested");
        own.delete(&erasure, 204).await;
        app.advance(1);
        owner.post(&format!("/api/v1/buyers/{id}/erasure"), &json!({ "reason": "" }), 422).await;
        owner.post(&format!("/api/v1/buyers/{id}/erasure"), &json!({ "reason": "买家来电要求" }), 202).await;
        app.advance(6 * 86_400);
        app.run_jobs().await;
        own.get(&me, 200).await;
        app.advance(86_401);
        app.run_jobs().await;
        own.get(&me, 401).await;
        let owner = &app.person(&goods.merchant, Role::MerchantOwner).await;
        let done = owner.get(&format!("/api/v1/buyers/{id}"), 200).await;
        assert_eq!((done.text("/state"), done.text("/erasures/0/state")), ("erased".into(), "done".into()));
        assert!(done.body.contains("buyer_identities"), "{}", done.body);
        assert_eq!(tables_with(&app.db, NAME).await, Vec::<String>::new());
        owner.post(&format!("/api/v1/buyers/{id}/erasure"), &json!({ "reason": "again" }), 409).await;
        // The phone is free: whoever signs in with it is somebody new.
        let fresh = buyer(app, slug, PHONE).await;
        assert_ne!(fresh.get(&me, 200).await.text("/id"), id);
        goods.app.stop().await;
    }

    async fn an_order_stays_without_the_person_once_nobody_needs_the_address(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, app) = (&selling.stage, &selling.stage.app);
        stage.staff.put("/api/v1/buyer_settings", &json!({ "erasure_days": 31 }), 422).await;
        stage.staff.put("/api/v1/buyer_settings", &json!({ "erasure_days": 0 }), 200).await;
        let external = selling.buy(2, false).await;
        let order = selling.order_in(&external, "awaiting_payment").await;
        let id = stage.owner.get("/api/v1/buyers", 200).await.text("/items/0/id");
        let of_buyer = format!("/api/v1/buyers/{id}");
        let orders = stage.owner.get(&format!("{of_buyer}/orders"), 200).await;
        assert_eq!(orders.text("/items/0/id"), order["id"].as_str().unwrap());
        let exported = stage.owner.post(&format!("{of_buyer}/export"), &json!({}), 200).await;
        let open_id = exported.text("/identities/0/open_id");
        assert_eq!(exported.json("/orders/0/buyer_notes"), "请尽快发货");
        assert!(!tables_with(&app.db, &open_id).await.is_empty());
        let receiver = format!("/api/v1/orders/{}/receiver", order["id"].as_str().unwrap());
        assert_eq!(stage.owner.post(&receiver, &json!({}), 200).await.text("/name"), "王晓");
        // The order still needs its address: the job comes again the next day.
        stage.owner.post(&format!("{of_buyer}/erasure"), &json!({ "reason": "买家来电要求" }), 202).await;
        stage.work().await;
        assert_eq!(stage.owner.get(&of_buyer, 200).await.text("/erasures/0/state"), "waiting");
        selling.at_platform(&external, "cancel").await;
        selling.order_in(&external, "cancelled").await;
        app.advance(86_401);
        stage.work().await;
        let owner = app.person(&stage.merchant, Role::MerchantOwner).await;
        assert_eq!(owner.get(&of_buyer, 200).await.text("/erasures/0/state"), "done");
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let kept = owner.get(&path, 200).await;
        assert_eq!(kept.json("/amounts"), order["amounts"]);
        assert_eq!(kept.json("/receiver/name"), "***");
        for text in ["请尽快发货", open_id.as_str()] {
            assert_eq!(tables_with(&app.db, text).await, Vec::<String>::new(), "{text}");
        }
        // What the platform says again does not bring the person back.
        selling.reconcile().await;
        let again = owner.get(&path, 200).await;
        assert_eq!(again.json("/receiver"), kept.json("/receiver"));
        assert_eq!(tables_with(&app.db, &open_id).await, Vec::<String>::new());
        // The platform still knows, and is not asked.
        assert_eq!(owner.post(&receiver, &json!({}), 422).await.code(), "channel_refused");
        selling.stage.stop().await;
    }

    async fn the_merchants_pages_find_export_and_erase(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await;
        let merchant = app.onboarded_merchant(&provider, "lin@yunfan.test", "enterprise", "山前茶铺", true).await;
        let shop = merchant.owner.get(&format!("/api/v1/shops/{}", merchant.shop_id), 200).await;
        let own = buyer(&app, &shop.text("/slug"), PHONE).await;
        let me = format!("/api/v1/storefront/{}/me", shop.text("/slug"));
        own.patch(&me, &json!({ "name": NAME }), 200).await;
        let at = format!("/console/merchant/buyers/{}", own.get(&me, 200).await.text("/id"));
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login?lang=zh", 200).await;
        browser.submit("/console/login", &[("email", "lin@yunfan.test"), ("password", PASSWORD)], 200).await;
        let list = browser.open("/console/merchant/buyers", 200).await;
        assert!(list.contains("138****5678") && !list.contains(PHONE), "{list}");
        let search = "/console/merchant/buyers/search";
        assert!(browser.submit(search, &[("phone", PHONE), ("name", "")], 200).await.contains(NAME));
        browser.open("/console/merchant/buyers", 200).await;
        assert!(!browser.submit(search, &[("phone", ""), ("name", "林小")], 200).await.contains("138****"));
        browser.open(&at, 200).await;
        assert!(browser.submit(&format!("{at}/export"), &[], 200).await.contains(PHONE));
        browser.open(&at, 200).await;
        let refused = browser.submit(&format!("{at}/erase"), &[("reason", "")], 200).await;
        assert!(refused.contains("请填写原因"), "{refused}");
        let asked = browser.submit(&format!("{at}/erase"), &[("reason", "买家来电")], 200).await;
        assert!(asked.contains("已提交删除申请") && asked.contains("收货后才会删除"), "{asked}");
        assert!(browser.submit(&format!("{at}/keep"), &[], 200).await.contains("已撤回删除申请"));
        browser.submit(&format!("{at}/erase"), &[("reason", "买家来电")], 200).await;
        app.advance(7 * 86_400);
        app.run_jobs().await;
        browser.open("/console/login?lang=zh", 200).await;
        browser.submit("/console/login", &[("email", "lin@yunfan.test"), ("password", PASSWORD)], 200).await;
        let done = browser.open(&at, 200).await;
        assert!(done.contains("个人信息已删除") && !done.contains(NAME) && !done.contains("138****"), "{done}");
        // What was taken away is said in the merchant's words, table by table.
        for words in ["称呼：1 条", "登录记录：1 条", "手机号与渠道身份：1 条", "订单中的收货信息、备注与渠道身份：0 单"] {
            assert!(done.contains(words), "{words} in {done}");
        }
        app.stop().await;
    }

    async fn a_request_that_waited_goes_on_where_the_merchant_is_restored(db: TestDb) {
        let Some(other) = second(db.backend(), "buyer_data::a_request_that_waited").await else { return };
        let goods = Goods::start(db).await;
        let buyer = buyer(&goods.app, &goods.slug, PHONE).await;
        let me = format!("/api/v1/storefront/{}/me", goods.slug);
        buyer.patch(&me, &json!({ "name": NAME }), 200).await;
        let at = format!("/api/v1/buyers/{}", buyer.get(&me, 200).await.text("/id"));
        buyer.post(&format!("{me}/erasure"), &json!({}), 202).await;
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("merchant.tar");
        packed(&goods.app, goods.merchant.tenant(), &archive).await;
        let app = empty(other).await;
        restore(&app.state, &archive, SLUG).await.expect("it comes back");
        let there = acting(&app, goods.merchant.tenant()).await;
        let owner = app.person(&there, Role::MerchantOwner).await;
        let jobs = owner.get("/api/v1/jobs?limit=100", 200).await.json("/items");
        let erasing: Vec<_> = jobs.as_array().unwrap().iter().filter(|job| job["kind"] == "buyer.erase").collect();
        let waiting = owner.get(&at, 200).await;
        assert_eq!(erasing.len(), 1, "{jobs}");
        assert_eq!((waiting.text("/name"), waiting.text("/erasures/0/state")), (NAME.to_owned(), "waiting".to_owned()));
        assert_eq!(erasing[0]["run_at"], waiting.json("/erasures/0/due_at"));
        app.stop().await;
        goods.app.stop().await;
    }
}
