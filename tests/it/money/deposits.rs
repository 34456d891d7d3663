//! What ends a trial without a deposit, what a provider sees of its shops' deposits, and their forms.

use super::{DAY, stage, yuan};
use crate::orders::Selling;
use qianpu_api::app::money::{daily, deposits};
use qianpu_domain::access::Role;
use qianpu_tenants::jobs::{job_list, job_waits};
use qianpu_tenants::page::PageRequest;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use qianpu_tests::people::Visitor;
use serde_json::{Value, json};

const DEPOSITS: &str = "/console/merchant/money/deposits";
const RULES: &str = "/console/provider/deposits/rules";

/// A shop that sells at a platform, on trial under these limits; its deposit is ¥500.00.
async fn on_trial(db: qianpu_tests::TestDb, orders: &str, gmv: &str) -> (Selling, String) {
    let selling = Selling::start(db, 50).await;
    let stage = &selling.stage;
    let rule = json!({"kind": "deposit_trial", "params": {"days": "30", "orders": orders, "gmv_fen": gmv}});
    stage.staff.post("/api/v1/policies", &rule, 201).await;
    let tea = json!({"code": "tea", "name_zh": "茶叶", "name_en": "Tea", "admission": "open", "deposit": yuan(50_000)});
    let tea = stage.staff.post("/api/v1/categories", &tea, 201).await.text("/id");
    let body = json!({"title": "雨前龙井", "category_id": tea, "skus": [{"price": yuan(100), "stock": 1}]});
    let path = format!("/api/v1/shops/{}/products", stage.shop);
    let product = stage.owner.post(&path, &body, 201).await.text("/id");
    stage.owner.post(&format!("/api/v1/products/{product}/put_on_sale"), &json!({}), 200).await;
    let terms = deposits::terms(&stage.app.state, &stage.merchant, stage.shop).await.unwrap();
    let mut tx = stage.app.state.db.begin(&stage.merchant).await.unwrap();
    deposits::open_in(&mut tx, stage.shop, &terms).await.unwrap();
    tx.commit().await.unwrap();
    let deposit = stage.owner.get("/api/v1/deposits", 200).await;
    let what = (deposit.text("/items/0/state"), deposit.number("/items/0/due/amount"));
    assert_eq!(what, ("trial".into(), 50_000));
    let id = deposit.text("/items/0/id");
    (selling, format!("/api/v1/deposits/{id}"))
}

impl Selling {
    /// A buyer pays ¥128.00 and we know of it.
    async fn sells(&self) {
        let external = self.buy(1, true).await;
        self.order_in(&external, "paid").await;
        self.stage.work().await;
    }

    fn mails(&self, words: &str) -> Vec<String> {
        let mails = self.stage.app.smtp.mails();
        mails.iter().map(|mail| mail.readable()).filter(|text| text.contains(words)).collect()
    }
}

both! {
    async fn the_orders_paid_end_a_trial(db: TestDb) {
        let (selling, at) = on_trial(db, "2", "100000000").await;
        selling.sells().await;
        let now = selling.stage.owner.get(&at, 200).await;
        assert_eq!((now.text("/state"), now.number("/trial/orders")), ("trial".into(), 1));
        assert_eq!(now.number("/trial/turnover/amount"), 12_800);
        // The provider sees as much.
        let listed = selling.stage.staff.get("/api/v1/deposits?state=trial", 200).await;
        assert_eq!(listed.number("/items/0/trial/orders"), 1);
        // One that was not paid does not count.
        let open = selling.buy(1, false).await;
        selling.order_in(&open, "awaiting_payment").await;
        selling.stage.work().await;
        assert_eq!(selling.stage.owner.get(&at, 200).await.text("/state"), "trial");
        selling.sells().await;
        let now = selling.stage.owner.get(&at, 200).await;
        assert_eq!((now.text("/state"), now.text("/trial/ended_by")), ("short".into(), "orders".into()));
        assert_eq!(now.number("/money/missing/amount"), 50_000);
        let told = selling.mails("试运营已结束");
        assert!(told.len() == 1 && told[0].contains("已支付订单达到 2 笔"), "{told:?}");
        selling.stage.stop().await;
    }

    async fn the_turnover_ends_a_trial(db: TestDb) {
        let (selling, at) = on_trial(db, "100", "25600").await;
        selling.sells().await;
        assert_eq!(selling.stage.owner.get(&at, 200).await.text("/state"), "trial");
        selling.sells().await;
        let now = selling.stage.owner.get(&at, 200).await;
        assert_eq!((now.text("/state"), now.text("/trial/ended_by")), ("short".into(), "turnover".into()));
        // Later orders change nothing, and a change of the rule does not bring it back.
        let rule = json!({"kind": "deposit_trial", "params": {"days": "90", "orders": "9999", "gmv_fen": "99999999"}});
        selling.stage.staff.post("/api/v1/policies", &rule, 201).await;
        selling.sells().await;
        assert_eq!(selling.stage.owner.get(&at, 200).await.text("/state"), "short");
        assert_eq!(selling.mails("试运营已结束").len(), 1);
        selling.stage.stop().await;
    }

    async fn a_rule_of_zero_gives_no_trial(db: TestDb) {
        let stage = stage(db).await;
        let owner = stage.app.person(&stage.provider, Role::ProviderOwner).await;
        let rule = |orders: &str| {
            json!({"kind": "deposit_trial", "params": {"days": "30", "orders": orders, "gmv_fen": "1"}})
        };
        owner.post("/api/v1/policies", &rule("10001"), 422).await;
        owner.post("/api/v1/policies", &rule("0"), 201).await;
        let deposit = stage.shop(200_000).await;
        let now = stage.owner.get(&format!("/api/v1/deposits/{deposit}"), 200).await;
        assert_eq!((now.text("/state"), now.text("/trial/ended_by")), ("short".into(), "orders".into()));
        stage.stop().await;
    }

    async fn every_merchant_with_a_journal_is_looked_at_daily(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let app = &selling.stage.app;
        let waits = async || {
            let tx = app.state.db.read(&selling.stage.merchant).await.unwrap();
            job_waits(&tx, daily::DAILY_JOB, "daily").await.unwrap()
        };
        assert!(!waits().await, "no subscription, no deposit, no journal");
        selling.sells().await;
        assert!(waits().await, "the first journal makes the job");
        let due = async || {
            let tx = app.state.db.read(&selling.stage.merchant).await.unwrap();
            let jobs = job_list(&tx, None, PageRequest::first(100)).await.unwrap().items;
            jobs.into_iter().find(|job| job.kind == daily::DAILY_JOB).unwrap().run_at
        };
        let first = due().await;
        app.advance(DAY + 1);
        selling.stage.work().await;
        assert!(waits().await && due().await > first, "it ran and made its successor");
        selling.stage.stop().await;
    }

    async fn a_provider_sees_the_money_of_its_shops_deposits(db: TestDb) {
        let stage = stage(db).await;
        let category = stage.category(200_000).await;
        let first = stage.shop_named("山里茶铺", "shanli-tea", category).await.to_string();
        let second = stage.shop_named("溪边茶铺", "xibian-tea", category).await.to_string();
        let mine = row(&stage.owner.get("/api/v1/deposits", 200).await, &first);
        let top_up = json!({"deposit_id": mine["id"], "amount": yuan(200_500), "bank_reference": "r1"});
        let receipt = stage.declare(&top_up, 201).await.text("/id");
        stage.finance.post(&format!("/api/v1/receipts/{receipt}/confirm"), &json!({}), 200).await;
        freeze(&stage, &first, 700).await;
        freeze(&stage, &first, 300).await;
        let listed = stage.finance.get("/api/v1/deposits", 200).await;
        let (one, other) = (row(&listed, &first), row(&listed, &second));
        let amounts = ["balance", "frozen", "withdrawable", "missing"];
        let amounts = amounts.map(|name| one["money"][name]["amount"].as_i64().unwrap());
        assert_eq!(amounts, [199_500, 1_000, 0, 500], "{one}");
        assert_eq!((&one["state"], &one["shop_name"]), (&json!("satisfied"), &json!("山里茶铺")));
        let missing = &other["money"]["missing"]["amount"];
        assert_eq!((&other["state"], missing), (&json!("trial"), &json!(200_000)));
        let only = stage.finance.get("/api/v1/deposits?state=trial&limit=1", 200).await;
        assert_eq!((only.text("/items/0/shop_id"), only.json("/next_cursor")), (second.clone(), Value::Null));
        stage.finance.get("/api/v1/deposits?state=rich", 422).await;
        // Page by page.
        let page = stage.finance.get("/api/v1/deposits?limit=1", 200).await;
        let after = format!("/api/v1/deposits?limit=1&cursor={}", page.text("/next_cursor"));
        assert_ne!(page.text("/items/0/id"), stage.finance.get(&after, 200).await.text("/items/0/id"));
        let stranger = stage.app.provider("乙服务商").await;
        let stranger = stage.app.person(&stranger, Role::ProviderFinance).await;
        assert_eq!(stranger.get("/api/v1/deposits", 200).await.json("/items"), json!([]));

        let finance = stage.app.visitor(&stage.provider, Role::ProviderFinance).await;
        let page = open(&finance, "/console/provider/deposits").await;
        assert!(page.body.contains("山里茶铺") && page.body.contains("¥1,995<small>.00"), "{}", page.body);
        // Finance staff see the rules and do not change them.
        let rules = open(&finance, RULES).await;
        assert_eq!(rules.status, 200, "{}", rules.body);
        assert!(!rules.body.contains("<form method=\"post\" action=\"/console/provider/deposits"), "{}", rules.body);
        stage.stop().await;
    }

    async fn a_provider_sets_the_rules_of_deposits_by_form(db: TestDb) {
        let stage = stage(db).await;
        let deposit = stage.shop(200_000).await;
        let owner = stage.app.visitor(&stage.provider, Role::ProviderOwner).await;
        let (trial, category) = ("/policies/deposit_trial", format!("{RULES}/category"));
        assert!(open(&owner, RULES).await.body.contains(trial), "the rule is changed on its own page");
        let rule = json!({"kind": "deposit_trial", "params": {"days": "10", "orders": "5", "gmv_fen": "123450"}});
        stage.app.person(&stage.provider, Role::ProviderOwner).await.post("/api/v1/policies", &rule, 201).await;
        let page = open(&owner, RULES).await;
        assert!(page.body.contains("¥1,234<small>.50") && page.body.contains("5 笔已支付订单"), "{}", page.body);
        // A trial that runs keeps the rule it began with.
        let now = stage.owner.get(&format!("/api/v1/deposits/{deposit}"), 200).await;
        assert_eq!(now.number("/trial/most_orders"), 100);
        let unknown = send(&owner, &category, &[("code", "wine"), ("deposit", "30")]).await;
        assert_eq!(unknown.status, 422, "{}", unknown.body);
        assert_eq!(send(&owner, &category, &[("code", "tea"), ("deposit", "30")]).await.status, 303);
        assert!(open(&owner, RULES).await.body.contains("¥30<small>.00"));
        stage.stop().await;
    }

    async fn a_refused_transfer_stands_with_its_own_shop(db: TestDb) {
        let stage = stage(db).await;
        let category = stage.category(200_000).await;
        stage.shop_named("山里茶铺", "shanli-tea", category).await;
        stage.shop_named("溪边茶铺", "xibian-tea", category).await;
        let all = stage.owner.get("/api/v1/deposits", 200).await;
        let (one, two) = (all.text("/items/0/id"), all.text("/items/1/id"));
        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let top_up = format!("{DEPOSITS}/{one}/top_up");
        let fields = [("amount", "12.345"), ("bank_reference", "工行回单")];
        let refused = send(&owner, &top_up, &fields).await;
        assert_eq!(refused.status, 422);
        let (own, other) = (section(&refused.body, &one), section(&refused.body, &two));
        for part in ["value=\"12.345\"", "value=\"工行回单\"", "aria-invalid", "role=\"alert\""] {
            assert!(own.contains(part), "{part} in {own}");
        }
        for part in ["12.345", "工行回单", "aria-invalid", "role=\"alert\""] {
            assert!(!other.contains(part), "{part} in {other}");
        }
        assert!(other.contains("value=\"2,000.00\""), "its own suggestion: {other}");
        // Labels lead to the fields of their own shop.
        for (id, text) in [(&one, &own), (&two, &other)] {
            assert!(text.contains(&format!("for=\"f-{id}-amount\"")), "{text}");
        }
        let sibling = stage.app.merchant(&stage.provider, "同服务商的另一商家").await;
        let sibling = stage.app.visitor(&sibling, Role::MerchantOwner).await;
        assert_eq!(send(&sibling, &top_up, &fields).await.status, 404);
        assert_eq!(send(&owner, &top_up, &[("amount", "1"), ("bank_reference", "r1")]).await.status, 303);
        stage.stop().await;
    }
}

fn row(listed: &Answer, shop: &str) -> Value {
    let items = listed.json("/items");
    items.as_array().unwrap().iter().find(|row| row["shop_id"] == shop).unwrap().clone()
}

/// The card of a deposit on the page.
fn section(page: &str, id: &str) -> String {
    let from = page.find(&format!("<section class=\"card\" id=\"{id}\"")).unwrap();
    page[from..].split("</section>").next().unwrap().to_owned()
}

/// Freezes a part of a shop's deposit for a case of its own.
pub(super) async fn freeze(stage: &super::Stage, shop: &str, fen: i64) {
    use qianpu_domain::ledger::flows::deposit_frozen;
    use qianpu_domain::money::Fen;
    use qianpu_tenants::store::ledger::journal_post;
    let mut tx = stage.app.state.db.begin(&stage.merchant).await.unwrap();
    let owner = format!("basic:{shop}");
    let case = format!("{owner}/case{fen}");
    let journal = deposit_frozen(&case, &owner, Fen::new(fen), tx.now()).unwrap();
    journal_post(&mut tx, &journal).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn open(visitor: &Visitor, path: &str) -> Answer {
    let request = visitor.client.request(reqwest::Method::GET, path).header("Cookie", &visitor.cookie);
    Answer::of(request.send().await.unwrap()).await
}

pub(super) async fn send(visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut form = vec![("_csrf", visitor.form_token.as_str())];
    form.extend(fields);
    let request = visitor.client.request(reqwest::Method::POST, path).header("Cookie", &visitor.cookie);
    Answer::of(request.form(&form).send().await.unwrap()).await
}
