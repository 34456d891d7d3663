//! Money between a provider and its merchants, over HTTP: a plan, a bill, a transfer, a deposit, a statement. Whatever
//! happens, the books balance; the harness looks after every test.

#[path = "money/bills.rs"]
mod bills;
#[path = "money/books.rs"]
mod books;
#[path = "money/chain.rs"]
mod chain;
#[path = "money/deposit_case_pages.rs"]
mod deposit_case_pages;
#[path = "money/deposit_cases.rs"]
mod deposit_cases;
#[path = "money/deposits.rs"]
mod deposits;
#[path = "money/findings.rs"]
mod findings;
#[path = "money/limits.rs"]
mod limits;
#[path = "money/plan_changes.rs"]
mod plan_changes;
#[path = "money/reversals.rs"]
mod reversals;
#[path = "money/usage.rs"]
mod usage;

use qianpu_domain::access::Role;
use qianpu_domain::ids::{CategoryId, ShopId, TenantId};
use qianpu_domain::money::{Fen, MAX_FEN};
use qianpu_tenants::context::TenantCtx;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use reqwest::Method;
use serde_json::{Value, json};

const DAY: i64 = 86_400;
/// ¥1,999.00 with 6 % tax inside: 188,585 + 11,315.
const FEE: i64 = 199_900;

pub struct Stage {
    pub app: TestApp,
    provider: TenantCtx,
    merchant: TenantCtx,
    pub finance: Client,
    pub owner: Client,
}

async fn stage(db: qianpu_tests::TestDb) -> Stage {
    stage_on(TestApp::start(db).await).await
}

pub async fn stage_on(app: TestApp) -> Stage {
    app.operator().await;
    let provider = app.provider("千山服务商").await;
    let merchant = app.merchant(&provider, "山里茶业").await;
    let finance = app.person(&provider, Role::ProviderFinance).await;
    let owner = app.person(&merchant, Role::MerchantOwner).await;
    Stage { app, provider, merchant, finance, owner }
}

pub fn yuan(fen: i64) -> Value {
    json!({"amount": fen, "currency": "CNY"})
}

fn plan(code: &str, fee: i64) -> Value {
    json!({
        "code": code, "name_zh": "基础版", "name_en": "Basic",
        "terms": {"fee": yuan(fee), "tax_ppm": 60_000, "take_rate_ppm": 20_000, "limits": []},
    })
}

fn id_of(tenant: TenantId) -> String {
    tenant.to_string()
}

impl Stage {
    /// Puts the merchant on a plan and answers with the invoice that gathers.
    async fn subscribe(&self, fee: i64) -> String {
        let plan = self.finance.post("/api/v1/plans", &plan("basic", fee), 201).await.text("/id");
        let body = json!({"merchant_id": id_of(self.merchant.tenant()), "plan_id": plan});
        let subscription = self.finance.post("/api/v1/subscriptions", &body, 201).await;
        assert_eq!(subscription.text("/anchor_date"), "2026-03-02");
        assert_eq!(subscription.text("/zone"), "Asia/Shanghai");
        let invoices = self.owner.get("/api/v1/invoices", 200).await;
        assert_eq!(invoices.text("/items/0/state"), "gathering");
        invoices.text("/items/0/id")
    }

    /// A trading shop whose category asks for a deposit, made through the stores; the obligation by the use case.
    pub async fn shop(&self, deposit: i64) -> String {
        let category = self.category(deposit).await;
        self.shop_named("山里茶铺", "shanli-tea", category).await;
        self.owner.get("/api/v1/deposits", 200).await.text("/items/0/id")
    }

    async fn category(&self, deposit: i64) -> CategoryId {
        use qianpu_domain::category::Admission;
        use qianpu_tenants::store::category::{CategoryContent, category_insert};
        let db = &self.app.state.db;
        let mut tx = db.begin(&self.provider).await.unwrap();
        let content = CategoryContent {
            name_zh: "茶叶",
            name_en: "Tea",
            admission: Admission::Open,
            deposit: Fen::new(deposit),
            position: 0,
        };
        let category = category_insert(&mut tx, None, "tea", &content).await.unwrap();
        tx.commit().await.unwrap();
        category.id
    }

    async fn shop_named(&self, name: &str, slug: &str, category: CategoryId) -> ShopId {
        use qianpu_api::app::money::deposits;
        use qianpu_domain::subject::{ShopName, ShopSlug};
        use qianpu_tenants::store::shop::{NewShop, shop_insert};
        let db = &self.app.state.db;
        let mut tx = db.begin(&self.merchant).await.unwrap();
        let shop = ShopId(tx.new_id());
        let (name, slug) = (ShopName::parse(name).unwrap(), ShopSlug::parse(slug).unwrap());
        let new = NewShop { id: shop, application: None, name: &name, slug: &slug, category: Some(category) };
        shop_insert(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let terms = deposits::terms(&self.app.state, &self.merchant, shop).await.unwrap();
        let mut tx = db.begin(&self.merchant).await.unwrap();
        deposits::open_in(&mut tx, shop, &terms).await.unwrap();
        tx.commit().await.unwrap();
        shop
    }

    /// Moves the clock, runs what is due, and logs everybody in again: sessions are shorter than months.
    async fn days_later(&mut self, days: i64) {
        self.app.advance(days * DAY);
        self.app.run_jobs().await;
        self.finance = self.app.person(&self.provider, Role::ProviderFinance).await;
        self.owner = self.app.person(&self.merchant, Role::MerchantOwner).await;
    }

    pub async fn declare(&self, body: &Value, expected: u16) -> Answer {
        self.owner.post("/api/v1/receipts", body, expected).await
    }

    pub async fn journals(&self, about: &str) -> Vec<String> {
        let found = self.owner.get(&format!("/api/v1/ledger/journals?reference={about}"), 200).await;
        let items = found.json("/items");
        let mut codes: Vec<String> =
            items.as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect();
        // The clock stands still, so their order in time says nothing.
        codes.sort();
        codes
    }

    pub async fn balance(&self, name: &str) -> i64 {
        self.owner.get("/api/v1/ledger/summary", 200).await.number(&format!("/{name}/amount"))
    }

    async fn stop(self) {
        qianpu_api::app::money::daily::check(&self.app.state, &self.merchant)
            .await
            .map(|found| assert!(found.is_empty(), "{found:?}"))
            .unwrap();
        self.app.stop().await;
    }
}

both! {
    async fn a_deposit_is_on_trial_then_short_then_satisfied(db: TestDb) {
        let mut stage = stage(db).await;
        let deposit = stage.shop(200_000).await;
        let at = format!("/api/v1/deposits/{deposit}");
        let fresh = stage.owner.get(&at, 200).await;
        assert_eq!((fresh.text("/state"), fresh.text("/rule_id")), ("trial".into(), "deposit/category/tea".into()));
        assert_eq!((fresh.number("/due/amount"), fresh.number("/money/missing/amount")), (200_000, 200_000));
        assert_eq!((fresh.number("/trial/most_orders"), fresh.number("/trial/most_turnover/amount")), (100, 1_000_000));
        assert_eq!((fresh.number("/trial/orders"), fresh.json("/trial/ended_by")), (0, Value::Null));
        assert_eq!(fresh.text("/trial/rule_id"), "policy/deposit_trial/platform/default");
        assert_eq!(fresh.text("/trial/ends_at"), "2026-04-01T02:00:00Z");
        stage.days_later(29).await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "trial");
        stage.days_later(2).await;
        let over = stage.owner.get(&at, 200).await;
        assert_eq!((over.text("/state"), over.text("/trial/ended_by")), ("short".into(), "days".into()));
        assert_eq!(over.json("/trial/orders"), Value::Null, "it is not counted any more");
        let top_up = |fen: i64, reference: &str| {
            json!({"deposit_id": deposit, "amount": yuan(fen), "bank_reference": reference})
        };
        for (fen, reference, state, withdrawable) in
            [(150_000, "r1", "short", 0), (50_000, "r2", "satisfied", 0), (1, "r3", "satisfied", 1)]
        {
            let id = stage.declare(&top_up(fen, reference), 201).await.text("/id");
            stage.finance.post(&format!("/api/v1/receipts/{id}/confirm"), &json!({}), 200).await;
            let now = stage.owner.get(&at, 200).await;
            assert_eq!(now.text("/state"), state, "{reference}");
            assert_eq!(now.number("/money/withdrawable/amount"), withdrawable, "{reference}");
            assert_eq!(stage.journals(&id).await, ["deposit.topped_up"]);
        }
        assert_eq!(stage.balance("deposit").await, 200_001);
        // The category asks for more from now on; the shop is told the next day.
        let owner = stage.app.person(&stage.provider, Role::ProviderOwner).await;
        let tea = owner.get("/api/v1/categories", 200).await.text("/items/0/id");
        let dearer = json!({"name_zh": "茶叶", "name_en": "Tea", "admission": "open", "deposit": yuan(300_000)});
        owner.put(&format!("/api/v1/categories/{tea}"), &dearer, 200).await;
        stage.days_later(2).await;
        let now = stage.owner.get(&at, 200).await;
        assert_eq!((now.text("/state"), now.number("/money/missing/amount")), ("short".into(), 99_999));
        stage.stop().await;
    }

    async fn a_command_has_one_effect(db: TestDb) {
        let stage = stage(db).await;
        let deposit = stage.shop(200_000).await;
        let body = json!({"deposit_id": deposit, "amount": yuan(100), "bank_reference": "一"});
        let other = json!({"deposit_id": deposit, "amount": yuan(101), "bank_reference": "一"});
        let path = "/api/v1/receipts";
        let key = [("Idempotency-Key", "k1")];
        let missing = stage.owner.send(Method::POST, path, Some(&body), &[], 400).await;
        assert_eq!(missing.code(), "idempotency_key_missing");
        for bad in ["", "a b", &"x".repeat(300)] {
            stage.owner.send(Method::POST, path, Some(&body), &[("Idempotency-Key", bad)], 400).await;
        }
        let first = stage.owner.send(Method::POST, path, Some(&body), &key, 201).await;
        let again = stage.owner.send(Method::POST, path, Some(&body), &key, 201).await;
        assert_eq!(first.body, again.body);
        assert_eq!(again.headers["idempotency-replayed"], "true");
        let reused = stage.owner.send(Method::POST, path, Some(&other), &key, 422).await;
        assert_eq!(reused.code(), "idempotency_key_reused");
        assert_eq!(stage.owner.get(path, 200).await.json("/items").as_array().unwrap().len(), 1);
        let confirm = format!("/api/v1/receipts/{}/confirm", first.text("/id"));
        stage.finance.send(Method::POST, &confirm, None, &[], 400).await;
        stage.stop().await;
    }

    async fn amounts_out_of_range_are_refused(db: TestDb) {
        let stage = stage(db).await;
        let deposit = stage.shop(200_000).await;
        for amount in ["0", "-1", "-9223372036854775808", "9223372036854775807", "100000000000001", "9223372036854775808"] {
            let text = format!(r#"{{"amount": {amount}, "currency": "CNY"}}"#);
            refused(&stage, &deposit, &text).await;
        }
        for amount in [r#""1e3""#, "1e3", "0.1", r#""１２""#, "null", "\"12\"", "-0.0", "[1]"] {
            let text = format!(r#"{{"amount": {amount}, "currency": "CNY"}}"#);
            refused(&stage, &deposit, &text).await;
        }
        for money in [r#"{"amount": 1, "currency": "USD"}"#, r#"{"amount": 1}"#, r#"{"amount": 1, "currency": "CNY", "scale": 2}"#, "1"] {
            refused(&stage, &deposit, money).await;
        }
        assert_eq!(stage.owner.get("/api/v1/receipts", 200).await.json("/items"), json!([]));
        let most = json!({"deposit_id": deposit, "amount": yuan(MAX_FEN), "bank_reference": "most"});
        stage.declare(&most, 201).await;
        stage.stop().await;
    }

    async fn somebody_elses_money_is_not_there(db: TestDb) {
        let stage = stage(db).await;
        let invoice = stage.subscribe(FEE).await;
        let deposit = stage.shop(200_000).await;
        stage.app.run_jobs().await;
        let sibling = stage.app.merchant(&stage.provider, "同服务商的另一商家").await;
        let sibling = stage.app.person(&sibling, Role::MerchantOwner).await;
        let other = stage.app.provider("乙服务商").await;
        let other = stage.app.person(&other, Role::ProviderFinance).await;
        for (client, what) in [(&sibling, "sibling"), (&other, "provider")] {
            client.get(&format!("/api/v1/invoices/{invoice}"), 404).await;
            client.get(&format!("/api/v1/deposits/{deposit}"), 404).await;
            assert_eq!(client.get("/api/v1/invoices", 200).await.json("/items"), json!([]), "{what}");
        }
        for pays in [json!({"invoice_id": invoice}), json!({"deposit_id": deposit})] {
            let mut body = pays;
            body["amount"] = yuan(FEE);
            body["bank_reference"] = json!("x");
            sibling.post("/api/v1/receipts", &body, 404).await;
        }
        other.post(&format!("/api/v1/invoices/{invoice}/issue"), &json!({}), 404).await;
        let plan = stage.finance.get("/api/v1/plans", 200).await.text("/items/0/id");
        let body = json!({"merchant_id": id_of(stage.merchant.tenant()), "plan_id": plan});
        other.post("/api/v1/subscriptions", &body, 404).await;
        let account = stage.owner.get("/api/v1/ledger/accounts", 200).await.text("/items/0/id");
        stage.owner.get(&format!("/api/v1/ledger/accounts/{account}/entries"), 200).await;
        sibling.get(&format!("/api/v1/ledger/accounts/{account}/entries"), 404).await;
        // A provider's staff see invoices, not their merchants' books.
        stage.finance.get("/api/v1/ledger/accounts", 403).await;
        stage.finance.get(&format!("/api/v1/invoices/{invoice}"), 200).await;
        stage.stop().await;
    }
}

async fn refused(stage: &Stage, deposit: &str, money: &str) {
    let body = format!(r#"{{"deposit_id": "{deposit}", "amount": {money}, "bank_reference": "r"}}"#);
    let request = stage.owner.request(Method::POST, "/api/v1/receipts");
    let request = request.header("Content-Type", "application/json").header("Idempotency-Key", "same");
    let answer = Answer::of(request.body(body).send().await.unwrap()).await;
    assert!((400..500).contains(&answer.status), "{money}: {} {}", answer.status, answer.body);
}
