//! Acting in somebody else's tenant: with a reason, for a while, seen by its owners, named twice in the audit log, and
//! out of reach of money, log-ins, keys, staff and exports.

use qianpu_api::http::extract::Access;
use qianpu_domain::access::{Role, impersonated_role};
use qianpu_domain::shop::ShopState;
use qianpu_tenants::context::TenantCtx;
use qianpu_tests::app::TestApp;
use qianpu_tests::browser::Browser;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::rows::{assert_unchanged, stored};
use qianpu_tests::stage::shop;
use qianpu_tests::{both, postgres};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

const START: &str = "/api/v1/impersonations";
const STOP: &str = "/api/v1/impersonation/end";

fn asking(at: &TenantCtx, minutes: i64) -> Value {
    json!({ "tenant_id": at.tenant().to_string(), "reason": "商家反馈库存不对", "minutes": minutes })
}

async fn acting(app: &TestApp, by: &Client, at: &TenantCtx) -> Client {
    let started = by.post(START, &asking(at, 30), 201).await;
    app.anonymous().with_token(&started.text("/access_token"))
}

/// Who did what in the tenant, as the audit log has it.
async fn entries(app: &TestApp, at: &TenantCtx, action: &str) -> Vec<(String, String, String)> {
    let catalogue = postgres::connect(&app.db.superuser_url()).await.unwrap();
    let id = match app.db.backend() {
        qianpu_tests::Backend::Postgres => format!("'{}'", at.tenant().0),
        qianpu_tests::Backend::Sqlite => format!("x'{}'", at.tenant().0.as_simple()),
    };
    let sql = format!(
        "SELECT actor_kind, actor_id, actor_name FROM audit_entries WHERE tenant_id = {id} AND action = '{action}'"
    );
    let rows =
        catalogue.query_all_raw(Statement::from_string(catalogue.get_database_backend(), sql)).await.unwrap();
    rows.iter()
        .map(|row| {
            (
                row.try_get_by_index(0).unwrap(),
                row.try_get_by_index(1).unwrap(),
                row.try_get_by_index(2).unwrap(),
            )
        })
        .collect()
}

both! {
    async fn support_acts_in_a_merchant_and_both_are_named(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let shop = shop(&app, &merchant, "甲的店", "enterprise", ShopState::Trading).await.to_string();
        let support = app.person(&provider, Role::ProviderSupport).await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        // What has to be given.
        for (body, field) in [
            (json!({ "tenant_id": merchant.tenant().to_string(), "reason": " " }), "reason"),
            (asking(&merchant, 0), "minutes"),
            (asking(&merchant, 61), "minutes"),
        ] {
            assert_eq!(support.post(START, &body, 422).await.text("/errors/0/field"), field);
        }
        let client = acting(&app, &support, &merchant).await;
        let me = client.get("/api/v1/me", 200).await;
        assert_eq!((me.text("/principal/kind"), me.text("/tenant/name")), ("impersonator".into(), "甲商家".into()));
        // What it does is done as the merchant's manager would, and says who it was.
        let body = Goods::simple("代建的茶", 100, 1);
        client.post(&format!("/api/v1/shops/{shop}/products"), &body, 201).await;
        let made = entries(&app, &merchant, "product.created").await;
        let [(kind, id, name)] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!(kind, "impersonator");
        assert!(id.starts_with("usr_") && id.contains("/imp_"), "{id}");
        assert!(name.contains("provider_support") && name.contains("甲服务商") && name.contains("甲商家"), "{name}");
        // The provider finds what its people did there, by the person too.
        let lead = app.person(&provider, Role::ProviderOwner).await;
        let person = id.split('/').next().unwrap();
        let found = lead.get(&format!("/api/v1/audit_entries?action=product.created&actor={person}"), 200).await;
        assert_eq!(found.text("/items/0/actor/kind"), "impersonator", "{}", found.body);
        // Both logs say that it began.
        assert_eq!(entries(&app, &merchant, "impersonation.started").await.len(), 1);
        assert_eq!(entries(&app, &provider, "impersonation.started").await.len(), 1);
        // The owner sees it and ends it; that acts at once.
        let listed = owner.get(START, 200).await;
        assert_eq!((listed.text("/items/0/reason"), listed.text("/items/0/actor_tenant_name")), ("商家反馈库存不对".into(), "甲服务商".into()));
        let end = format!("{START}/{}/end", listed.text("/items/0/id"));
        assert!(!owner.post(&end, &json!({}), 200).await.json("/ended_at").is_null());
        owner.post(&end, &json!({}), 409).await;
        client.get("/api/v1/me", 401).await;
        // Whoever acts can end it too.
        let again = acting(&app, &support, &merchant).await;
        again.post(STOP, &json!({}), 204).await;
        again.get("/api/v1/me", 401).await;
        owner.post(STOP, &json!({}), 404).await;
        app.stop().await;
    }

    async fn it_ends_by_itself_and_with_the_role_and_the_relation(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await;
        let merchant = app.onboarded_merchant(&provider, "lin@yunfan.test", "enterprise", "山前茶铺", true).await;
        let ask = json!({ "tenant_id": merchant.merchant_id, "reason": "核对订单", "minutes": 10 });
        let begin = async |by: &Client| {
            let started = by.post(START, &ask, 201).await;
            app.anonymous().with_token(&started.text("/access_token"))
        };
        // By time, to the second.
        let client = begin(&provider.owner).await;
        app.advance(599);
        client.get("/api/v1/me", 200).await;
        app.advance(1);
        client.get("/api/v1/me", 401).await;
        // With the role.
        let owner = app.api("owner@yunfan.test", PASSWORD).await;
        let body = json!({ "email": "help@yunfan.test", "name": "周敏", "role": "provider_support", "locale": "zh" });
        owner.post("/api/v1/staff_invitations", &body, 201).await;
        app.run_jobs().await;
        let text = app.smtp.nth_to("help@yunfan.test", 1).await.readable();
        let token = text.split("/console/join/").nth(1).unwrap().split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap().to_owned();
        let joined = app.anonymous().post("/api/v1/staff_invitations/join", &json!({ "token": token, "name": "周敏", "password": PASSWORD }), 201).await;
        let support = app.anonymous().with_token(&joined.text("/access_token"));
        let client = begin(&support).await;
        client.get("/api/v1/orders", 200).await;
        let person = owner.get(&format!("/api/v1/staff/{}", joined.text("/user_id")), 200).await;
        let grant = format!("/api/v1/staff/{}/grants/{}", joined.text("/user_id"), person.text("/grants/0/id"));
        owner.delete(&grant, 204).await;
        client.get("/api/v1/orders", 401).await;
        // With the person.
        owner.post(&format!("/api/v1/staff/{}/grants", joined.text("/user_id")), &json!({ "role": "provider_support" }), 201).await;
        let client = begin(&support).await;
        owner.post(&format!("/api/v1/staff/{}/disable", joined.text("/user_id")), &json!({}), 200).await;
        client.get("/api/v1/me", 401).await;
        // With the relation: a suspended provider acts nowhere.
        let client = begin(&owner).await;
        let operator = app.person(&app.operator().await, Role::OperatorOwner).await;
        let suspend = format!("/api/v1/providers/{}/suspend", provider.id);
        operator.post(&suspend, &json!({ "reason": "欠费" }), 200).await;
        client.get("/api/v1/me", 401).await;
        // The merchant's owner was told each time.
        app.run_jobs().await;
        let mails = app.smtp.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == "lin@yunfan.test"));
        let told = mails.filter(|mail| mail.readable().contains("核对订单")).count();
        assert_eq!(told, 4);
        app.stop().await;
    }

    async fn only_what_stands_below_can_be_acted_in(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = app.operator().await;
        let (one, two) = (app.provider("甲服务商").await, app.provider("乙服务商").await);
        let (mine, foreign) = (app.merchant(&one, "甲商家").await, app.merchant(&two, "乙商家").await);
        let support = app.person(&one, Role::ProviderSupport).await;
        for at in [&foreign, &two, &one, &operator] {
            support.post(START, &asking(at, 5), 404).await;
        }
        for role in [Role::ProviderReviewer, Role::ProviderFinance, Role::ProviderDeveloper] {
            app.person(&one, role).await.post(START, &asking(&mine, 5), 403).await;
        }
        app.person(&mine, Role::MerchantOwner).await.post(START, &asking(&mine, 5), 403).await;
        // The operator in a provider, and from there no further.
        let root = app.person(&operator, Role::OperatorOwner).await;
        root.post(START, &asking(&mine, 5), 404).await;
        let client = acting(&app, &root, &one).await;
        client.get("/api/v1/merchants", 200).await;
        client.post(START, &asking(&mine, 5), 403).await;
        // A token for one tenant opens no other, and no other part of it does.
        let token = client.token().unwrap().to_owned();
        let (head, tail) = token.split_once('.').unwrap();
        let other = format!("imp_{}.{tail}", two.tenant().0.as_simple());
        for bad in [other, format!("{head}.x"), "imp_".into(), "imp_x.y".into()] {
            app.anonymous().with_token(&bad).get("/api/v1/me", 401).await;
        }
        assert!(!qianpu_tests::rows::whole(&app.db).await.contains(tail), "the token is stored as a hash");
        app.stop().await;
    }

    async fn what_is_out_of_reach_is_refused_for_every_operation(db: TestDb) {
        let app = TestApp::start(db).await;
        let operator = app.operator().await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let support = app.person(&provider, Role::ProviderOwner).await;
        let root = app.person(&operator, Role::OperatorOwner).await;
        let routes = qianpu_api::http::routes();
        for (by, at) in [(&support, &merchant), (&root, &provider)] {
            let client = acting(&app, by, at).await;
            let role = impersonated_role(at.kind()).unwrap();
            let before = stored(&app.db, None).await;
            let mut wrong = Vec::new();
            let mut refused = 0;
            for entry in routes.entries().iter().filter(|entry| entry.summary.is_some()) {
                let Access::Needs(permission) = entry.access else { continue };
                let reaches = !permission.never_impersonated() && qianpu_domain::access::allows(role, permission);
                if reaches {
                    continue;
                }
                refused += 1;
                let mut path = entry.path.clone();
                while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
                    path.replace_range(from..=to, "xxx_0000000000007000800000000000ffff");
                }
                let answer = client.try_send(entry.method.as_str().parse().unwrap(), &path, None, &[]).await;
                if answer.status != 403 || answer.code() != "forbidden" || !answer.body.contains("代操作") {
                    wrong.push(format!("{} {}: {} {}", entry.method, entry.path, answer.status, answer.body));
                }
            }
            assert!(refused > 20, "{refused} operations are out of reach");
            assert!(wrong.is_empty(), "within reach of who acts in somebody else's tenant:\n{}", wrong.join("\n"));
            assert_unchanged(&before, &stored(&app.db, None).await, "what was refused");
        }
        app.stop().await;
    }

    async fn it_works_by_page_with_a_banner_on_each(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await;
        let merchant = app.onboarded_merchant(&provider, "lin@yunfan.test", "enterprise", "山前茶铺", true).await;
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "owner@yunfan.test"), ("password", PASSWORD)], 200).await;
        let page = format!("/console/provider/merchants/{}", merchant.merchant_id);
        browser.open(&page, 200).await;
        let at = format!("{page}/impersonate");
        browser.submit(&at, &[("reason", ""), ("minutes", "30")], 200).await;
        assert_eq!(browser.path, page);
        browser.submit(&at, &[("reason", "协助上架"), ("minutes", "30")], 200).await;
        assert_eq!(browser.path, "/console/merchant");
        for path in ["/console/merchant", "/console/merchant/products", "/console/merchant/orders"] {
            browser.open(path, 200).await;
            assert!(browser.html.contains("/console/merchant/impersonation/end"), "{path}: {}", browser.html);
        }
        for path in ["/console/merchant/staff", "/console/merchant/account", "/console/merchant/domains"] {
            browser.open(path, 403).await;
            assert!(browser.html.contains("代操作"), "{path}");
        }
        // The provider's own console goes on beside it.
        browser.open("/console/provider", 200).await;
        assert!(!browser.html.contains("impersonation/end"));
        browser.open("/console/merchant", 200).await;
        browser.submit("/console/merchant/impersonation/end", &[], 200).await;
        assert!(browser.path.starts_with("/console/provider"), "{}", browser.path);
        browser.open("/console/merchant", 200).await;
        assert!(browser.path.starts_with("/console/login"), "{}", browser.path);
        // The merchant reads who was there.
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login", 200).await;
        owner.submit("/console/login", &[("email", "lin@yunfan.test"), ("password", PASSWORD)], 200).await;
        owner.open("/console/merchant/impersonations", 200).await;
        assert!(owner.html.contains("协助上架"), "{}", owner.html);
        app.stop().await;
    }
}
