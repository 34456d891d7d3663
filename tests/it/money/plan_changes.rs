//! A merchant changes its plan: at once with what is left credited, or with the next period; to the fen, once, and as the
//! preview said.

use super::{FEE, Stage, id_of, plan, stage, yuan};
use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_domain::ids::TenantId;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};

/// ¥3,999.00.
const PRO: i64 = 399_900;

impl Stage {
    async fn offer(&self, code: &str, fee: i64, rank: i64, interval: &str) -> String {
        let mut body = plan(code, fee);
        body["rank"] = json!(rank);
        body["terms"]["interval"] = json!(interval);
        let made = self.finance.post("/api/v1/plans", &body, 201).await;
        assert_eq!((made.number("/rank"), made.text("/version/terms/interval")), (rank, interval.to_owned()));
        made.text("/id")
    }

    async fn put_on(&self, merchant: TenantId, plan: &str) -> String {
        let body = json!({"merchant_id": id_of(merchant), "plan_id": plan});
        let made = self.finance.post("/api/v1/subscriptions", &body, 201).await.text("/id");
        self.app.run_jobs().await;
        made
    }

    /// The merchant's running subscription.
    async fn runs(&self) -> Value {
        let items = self.owner.get("/api/v1/subscriptions", 200).await.json("/items");
        items.as_array().unwrap().iter().find(|row| row["state"] == "active").unwrap().clone()
    }

    async fn change(&self, subscription: &str, plan: &str, expected: u16) -> Answer {
        let path = format!("/api/v1/subscriptions/{subscription}/plan_change");
        self.finance.post(&path, &json!({"plan_id": plan}), expected).await
    }

    async fn seen_before(&self, subscription: &str, plan: &str) -> Answer {
        let path = format!("/api/v1/subscriptions/{subscription}/plan_change/preview");
        self.finance.post(&path, &json!({"plan_id": plan}), 200).await
    }

    async fn pay(&self, invoice: &str, fen: i64, reference: &str) {
        let body = json!({"invoice_id": invoice, "amount": yuan(fen), "bank_reference": reference});
        let id = self.declare(&body, 201).await.text("/id");
        self.finance.post(&format!("/api/v1/receipts/{id}/confirm"), &json!({}), 200).await;
    }

    async fn rules(&self, params: Value) {
        let owner = self.app.person(&self.provider, Role::ProviderOwner).await;
        owner.post("/api/v1/policies", &json!({"kind": "plan_change", "params": params}), 201).await;
    }

    async fn account(&self, code: i64) -> i64 {
        let items = self.owner.get("/api/v1/ledger/accounts", 200).await.json("/items");
        let of = items.as_array().unwrap().iter().filter(|row| row["account"]["code"] == code);
        of.map(|row| row["balance"]["amount"].as_i64().unwrap()).sum()
    }

    async fn invoices(&self) -> Vec<Value> {
        self.owner.get("/api/v1/invoices?limit=100", 200).await.json("/items").as_array().unwrap().clone()
    }
}

/// What a merchant was charged less what was credited, by its provider's lists; and how many credit notes it has.
async fn charged(stage: &Stage, merchant: TenantId) -> (i64, usize) {
    let of = format!("/api/v1/invoices?limit=100&merchant_id={}", id_of(merchant));
    let invoices = stage.finance.get(&of, 200).await.json("/items");
    let counted = |row: &&Value| row["number"] != Value::Null;
    let sum = |row: &Value| row["total"]["amount"].as_i64().unwrap();
    let billed: i64 = invoices.as_array().unwrap().iter().filter(counted).map(sum).sum();
    let notes = stage.finance.get("/api/v1/credit_notes?limit=100", 200).await.json("/items");
    let own: Vec<&Value> =
        notes.as_array().unwrap().iter().filter(|row| row["merchant_id"] == id_of(merchant)).collect();
    let mut numbers: Vec<&str> = own.iter().map(|row| row["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    let without_gaps: Vec<String> = (1..=own.len()).map(|no| format!("2026-C{no:06}")).collect();
    assert_eq!(numbers, without_gaps);
    (billed - own.iter().map(|row| sum(row)).sum::<i64>(), own.len())
}

/// Without what a preview cannot know: ids, numbers and times.
fn figures(changed: &Answer) -> Value {
    let mut seen = changed.json("");
    for lasting in ["id", "created_at", "successor_id"] {
        seen["change"][lasting] = Value::Null;
    }
    for note in seen["credit_notes"].as_array_mut().unwrap() {
        for lasting in ["id", "plan_change_id", "created_at"] {
            note[lasting] = Value::Null;
        }
        for line in note["lines"].as_array_mut().unwrap() {
            line["id"] = Value::Null;
        }
    }
    for line in seen["used"].as_array_mut().unwrap() {
        line["id"] = Value::Null;
    }
    if seen["invoice"] != Value::Null {
        for lasting in ["id", "subscription_id", "created_at"] {
            seen["invoice"][lasting] = Value::Null;
        }
    }
    seen
}

both! {
    async fn an_upgrade_credits_what_is_left_and_begins_now(db: TestDb) {
        let mut stage = stage(db).await;
        let (basic, pro) = (stage.offer("basic", FEE, 1, "month").await, stage.offer("pro", PRO, 2, "month").await);
        let old = stage.put_on(stage.merchant.tenant(), &basic).await;
        let first = stage.invoices().await.iter().find(|row| row["state"] == "issued").unwrap()["id"].as_str().unwrap().to_owned();
        stage.pay(&first, FEE, "r1").await;
        stage.days_later(10).await;

        // Ten of 31 days were used: 60,834 of 188,585, and 3,650 of the tax.
        let seen = stage.seen_before(&old, &pro).await;
        assert_eq!(stage.runs().await["id"], json!(old), "a look changes nothing");
        assert_eq!(stage.finance.get("/api/v1/credit_notes", 200).await.json("/items"), json!([]));
        let made = stage.change(&old, &pro, 201).await;
        assert_eq!(figures(&seen), figures(&made));
        assert_eq!((made.text("/change/timing"), made.text("/change/direction"), made.text("/change/state")), ("now".into(), "up".into(), "done".into()));
        assert_eq!((made.text("/change/effective_on"), made.text("/period_end")), ("2026-03-12".into(), "2026-04-12".into()));
        let note = |at: &str| made.number(&format!("/credit_notes/0/{at}/amount"));
        assert_eq!((note("net"), note("tax"), note("total"), note("wallet"), note("receivable")), (127_751, 7_665, 135_416, 135_416, 0));
        assert_eq!(made.text("/credit_notes/0/number"), "2026-C000001");
        let (wallet, due) = (made.number("/from_wallet/amount"), made.number("/due/amount"));
        assert_eq!((made.number("/total/amount"), wallet, due), (PRO, 135_416, PRO - 135_416));
        assert_eq!(made.number("/invoice/due/amount"), due);

        let runs = stage.runs().await;
        assert_eq!((&runs["anchor_date"], &runs["predecessor_id"]), (&json!("2026-03-12"), &json!(old)));
        assert_eq!(stage.balance("receivable").await, due);
        assert_eq!(stage.account(2030).await, 0);
        let new = made.text("/invoice/id");
        assert_eq!(stage.journals(&new).await, ["invoice.issued", "wallet.used"]);
        let refused = stage.declare(&json!({"invoice_id": new, "amount": yuan(PRO), "bank_reference": "r2"}), 422).await;
        assert_eq!(refused.text("/errors/0/code"), "not_what_is_due");
        stage.pay(&new, due, "r2").await;
        assert_eq!(stage.balance("receivable").await, 0);
        let of_old = stage.owner.get(&format!("/api/v1/invoices/{first}"), 200).await;
        assert_eq!((of_old.text("/state"), of_old.text("/credit_note/number")), ("paid".into(), "2026-C000001".into()));

        // Of the old fee the used days are earned, of the new one all.
        stage.days_later(31).await;
        let net = |total: i64| total - (total * 60_000 + 530_000) / 1_060_000;
        let next = stage.invoices().await.iter().filter(|row| row["state"] == "issued").count();
        assert_eq!(next, 1, "the next period of the new plan is issued");
        assert_eq!(stage.account(4010).await, 60_834 + net(PRO));
        assert_eq!(charged(&stage, stage.merchant.tenant()).await, (FEE - 135_416 + 2 * PRO, 1));
        stage.change(&old, &basic, 409).await;
        stage.stop().await;
    }

    async fn three_changes_in_one_day_cost_what_the_last_one_does(db: TestDb) {
        let mut stage = stage(db).await;
        let basic = stage.offer("basic", FEE, 1, "month").await;
        let mut steps = Vec::new();
        for (code, fee, rank) in [("plus", 251_033, 2), ("year", 1_999_999, 3), ("top", 333_333, 4)] {
            let interval = if code == "year" { "year" } else { "month" };
            steps.push(stage.offer(code, fee, rank, interval).await);
        }
        stage.rules(json!({"interval_now": "1", "up_now": "1", "same_now": "0", "down_now": "0", "self_service": "0"})).await;
        let alone = stage.app.merchant(&stage.provider, "一次更换的商家").await;
        let mut of = stage.put_on(stage.merchant.tenant(), &basic).await;
        let once = stage.put_on(alone.tenant(), &basic).await;
        // Neither has paid; ten days are used.
        stage.days_later(10).await;
        for plan in &steps {
            of = stage.change(&of, plan, 201).await.text("/change/successor_id");
        }
        stage.change(&once, &steps[2], 201).await;
        let (many, notes) = charged(&stage, stage.merchant.tenant()).await;
        assert_eq!((many, notes), (charged(&stage, alone.tenant()).await.0, 3));
        // What was never paid is owed no more: nothing lies in the wallet, and what is due is what was used and the last plan.
        assert_eq!((stage.account(2030).await, stage.balance("receivable").await), (0, many));
        let states: Vec<String> = {
            let mut rows = stage.invoices().await;
            rows.retain(|row| row["number"] != Value::Null);
            rows.sort_by_key(|row| row["number"].as_str().unwrap().to_owned());
            rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(states, ["overdue", "void", "void", "issued"]);
        let due = |rows: &[Value]| rows.iter().filter(|row| row["number"] != Value::Null && row["state"] != "void").map(|row| row["due"]["amount"].as_i64().unwrap()).sum::<i64>();
        assert_eq!(due(&stage.invoices().await), many);
        stage.days_later(40).await;
        stage.stop().await;
    }

    async fn a_downgrade_waits_for_the_period_and_can_be_withdrawn(db: TestDb) {
        let mut stage = stage(db).await;
        let (basic, pro) = (stage.offer("basic", FEE, 1, "month").await, stage.offer("pro", PRO, 2, "month").await);
        let year = stage.offer("pro-year", PRO * 10, 2, "year").await;
        let of = stage.put_on(stage.merchant.tenant(), &pro).await;
        let next = || async { stage.owner.get("/api/v1/invoices?state=gathering", 200).await };
        assert_eq!(next().await.number("/items/0/total/amount"), PRO);
        let seen = stage.seen_before(&of, &basic).await;
        let waits = stage.change(&of, &basic, 201).await;
        assert_eq!(figures(&seen), figures(&waits));
        assert_eq!((waits.text("/change/timing"), waits.text("/change/effective_on")), ("period_end".into(), "2026-04-02".into()));
        assert_eq!((waits.json("/invoice"), waits.number("/due/amount")), (Value::Null, FEE));
        // The invoice that gathers is still the real thing: the fee is the new plan's to charge.
        assert_eq!(next().await.number("/items/0/total/amount"), 0);
        let gathers = next().await.text("/items/0/id");
        let early = stage.finance.post(&format!("/api/v1/invoices/{gathers}/issue"), &json!({}), 409).await;
        assert!(early.body.contains("下一期起将更换套餐"), "{}", early.body);
        let change = waits.text("/change/id");
        let gone = stage.finance.post(&format!("/api/v1/plan_changes/{change}/withdraw"), &json!({}), 200).await;
        assert_eq!(gone.text("/state"), "withdrawn");
        stage.finance.post(&format!("/api/v1/plan_changes/{change}/withdraw"), &json!({}), 200).await;
        assert_eq!(next().await.number("/items/0/total/amount"), PRO);
        // Another interval waits too, and a later wish takes the place of an earlier one.
        let other = stage.change(&of, &year, 201).await;
        assert_eq!((other.text("/change/timing"), other.text("/period_end")), ("period_end".into(), "2027-04-02".into()));
        stage.change(&of, &basic, 201).await;
        let all = stage.owner.get("/api/v1/plan_changes", 200).await.json("/items");
        let mut states: Vec<&str> = all.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
        states.sort_unstable();
        assert_eq!(states, ["pending", "withdrawn", "withdrawn"]);

        stage.days_later(31).await;
        let runs = stage.runs().await;
        assert_eq!((&runs["terms"]["fee"]["amount"], &runs["predecessor_id"]), (&json!(FEE), &json!(of)));
        let invoices = stage.invoices().await;
        let issued: Vec<i64> = invoices.iter().filter(|row| row["number"] != Value::Null).map(|row| row["total"]["amount"].as_i64().unwrap()).collect();
        assert_eq!(issued.iter().sum::<i64>(), PRO + FEE);
        assert_eq!(charged(&stage, stage.merchant.tenant()).await.1, 0, "nothing is credited");
        let waited = all.as_array().unwrap().iter().find(|row| row["state"] == "pending").unwrap()["id"].clone();
        let made = stage.finance.get(&format!("/api/v1/plan_changes/{}", waited.as_str().unwrap()), 200).await;
        assert_eq!((made.text("/state"), made.json("/successor_id")), ("done".into(), runs["id"].clone()));
        let path = format!("/api/v1/plan_changes/{}/withdraw", waited.as_str().unwrap());
        stage.finance.post(&path, &json!({}), 409).await;
        stage.stop().await;
    }

    async fn a_quarter_is_billed_and_a_year_follows_a_month_by_the_same_anchor(db: TestDb) {
        let mut stage = stage(db).await;
        let quarter = stage.offer("quarter", 3 * FEE, 1, "quarter").await;
        let (month, year) = (stage.offer("month", FEE, 1, "month").await, stage.offer("year", 10 * FEE, 1, "year").await);
        let wrong = json!({"fee": yuan(1), "tax_ppm": 0, "take_rate_ppm": 0, "interval": "week"});
        let refused = stage.finance.post(&format!("/api/v1/plans/{year}/versions"), &wrong, 422).await;
        assert_eq!(refused.text("/errors/0/field"), "interval");
        let other = stage.app.merchant(&stage.provider, "按季商家").await;
        stage.put_on(other.tenant(), &quarter).await;
        let of_other = format!("/api/v1/invoices?merchant_id={}", id_of(other.tenant()));
        let periods = |answer: &Answer| {
            let rows = answer.json("/items");
            let period = |row: &Value| format!("{} {}", row["period_start"].as_str().unwrap(), row["period_end"].as_str().unwrap());
            let mut rows: Vec<String> = rows.as_array().unwrap().iter().map(period).collect();
            rows.sort();
            rows
        };
        assert_eq!(periods(&stage.finance.get(&of_other, 200).await), ["2026-03-02 2026-06-02", "2026-06-02 2026-09-02"]);
        let first = stage.finance.get(&of_other, 200).await.json("/items").as_array().unwrap().iter().find(|row| row["state"] == "issued").unwrap()["id"].clone();
        let lines = stage.finance.get(&format!("/api/v1/invoices/{}", first.as_str().unwrap()), 200).await;
        assert_eq!((lines.text("/lines/0/description_zh"), lines.number("/total/amount")), ("基础版，2026-03-02 至 2026-06-01 季费".into(), 3 * FEE));

        let of = stage.put_on(stage.merchant.tenant(), &month).await;
        stage.days_later(5).await;
        let waits = stage.change(&of, &year, 201).await;
        assert_eq!((waits.text("/period_start"), waits.text("/period_end")), ("2026-04-02".into(), "2027-04-02".into()));
        stage.days_later(27).await;
        let runs = stage.runs().await;
        assert_eq!((&runs["terms"]["interval"], &runs["anchor_date"]), (&json!("year"), &json!("2026-03-02")));
        let all = stage.owner.get("/api/v1/invoices", 200).await;
        assert_eq!(periods(&all), ["2026-03-02 2026-04-02", "2026-04-02 2026-05-02", "2026-04-02 2027-04-02", "2027-04-02 2028-04-02"]);
        assert_eq!(all.json("/items").as_array().unwrap().iter().filter(|row| row["state"] == "void").count(), 1);
        stage.stop().await;
    }

    async fn use_before_a_change_is_billed_by_the_plan_of_its_time(db: TestDb) {
        let mut stage = stage(db).await;
        let metered = |code: &str, rank: i64, price: i64| {
            let mut body = plan(code, FEE);
            body["rank"] = json!(rank);
            body["terms"]["charges"] = json!([{"metric": "sms", "name_zh": "短信", "name_en": "SMS", "model": "per_unit", "price_per_million": yuan(price)}]);
            body
        };
        let dear = stage.finance.post("/api/v1/plans", &metered("dear", 1, 10_000_000), 201).await.text("/id");
        let cheap = stage.finance.post("/api/v1/plans", &metered("cheap", 2, 1_000_000), 201).await.text("/id");
        let of = stage.put_on(stage.merchant.tenant(), &dear).await;
        let path = format!("/api/v1/merchants/{}/usage_events", id_of(stage.merchant.tenant()));
        let event = |id: &str, at: &str| json!({"events": [{"metric": "sms", "event_id": id, "quantity": 100, "occurred_at": at}]});
        stage.finance.post(&path, &event("a", "2026-03-02T02:00:00Z"), 200).await;
        stage.days_later(10).await;
        let made = stage.change(&of, &cheap, 201).await;
        assert_eq!(made.number("/used/0/total/amount"), 1_000);
        // Of the day of the change on, the new plan counts; before it, the old one, on the new one's next invoice.
        let late = stage.finance.post(&path, &event("b", "2026-03-05T02:00:00Z"), 200).await;
        assert_eq!(late.text("/outcomes/0/outcome"), "accepted");
        stage.finance.post(&path, &event("c", "2026-03-12T02:00:00Z"), 200).await;
        let early = stage.finance.post(&path, &event("d", "2026-02-05T02:00:00Z"), 200).await;
        assert_eq!(early.text("/outcomes/0/reason"), "before_subscription");
        let gathers = stage.owner.get("/api/v1/invoices?state=gathering", 200).await;
        assert_eq!(gathers.number("/items/0/total/amount"), FEE + 1_000 + 100);
        stage.days_later(31).await;
        let issued = stage.owner.get(&format!("/api/v1/invoices/{}", gathers.text("/items/0/id")), 200).await;
        assert_eq!((issued.text("/state"), issued.number("/total/amount")), ("issued".into(), FEE + 1_100));
        let too_late = stage.finance.post(&path, &event("e", "2026-03-06T02:00:00Z"), 200).await;
        assert_eq!(too_late.text("/outcomes/0/reason"), "too_late");
        stage.stop().await;
    }

    async fn a_plan_changes_once_whoever_wants_it_at_once(db: TestDb) {
        let stage = stage(db).await;
        let (basic, pro) = (stage.offer("basic", FEE, 1, "month").await, stage.offer("pro", PRO, 2, "month").await);
        let body = json!({"merchant_id": id_of(stage.merchant.tenant()), "plan_id": basic});
        let of = stage.finance.post("/api/v1/subscriptions", &body, 201).await.text("/id");
        // The first invoice is not issued yet: its job, and two people, at once.
        let path = format!("/api/v1/subscriptions/{of}/plan_change");
        let send = |key: &'static str| {
            let (client, path, body) = (stage.finance.clone(), path.clone(), json!({"plan_id": pro}));
            async move { client.try_send(Method::POST, &path, Some(&body), &[("Idempotency-Key", key)]).await }
        };
        let (one, two, _) = tokio::join!(send("a"), send("b"), stage.app.run_jobs());
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.body, two.body);
        stage.app.run_jobs().await;
        let (sum, notes) = charged(&stage, stage.merchant.tenant()).await;
        assert_eq!((sum, notes), (PRO, 1));
        let mut numbers: Vec<String> = stage.invoices().await.iter().filter_map(|row| row["number"].as_str().map(str::to_owned)).collect();
        numbers.sort();
        assert_eq!(numbers, ["2026-000001", "2026-000002"]);
        assert_eq!((stage.balance("receivable").await, stage.account(2030).await), (PRO, 0));
        stage.stop().await;
    }

    async fn a_declared_transfer_stays_right_when_the_plan_changes(db: TestDb) {
        let stage = stage(db).await;
        let (basic, pro) = (stage.offer("basic", FEE, 1, "month").await, stage.offer("pro", PRO, 2, "month").await);
        let of = stage.put_on(stage.merchant.tenant(), &basic).await;
        let first = stage.invoices().await.iter().find(|row| row["state"] == "issued").unwrap()["id"].as_str().unwrap().to_owned();
        let receipt = stage.declare(&json!({"invoice_id": first, "amount": yuan(FEE), "bank_reference": "r1"}), 201).await.text("/id");
        let made = stage.change(&of, &pro, 201).await;
        assert_eq!((made.number("/credit_notes/0/wallet/amount"), made.number("/due/amount")), (FEE, PRO - FEE));
        stage.finance.post(&format!("/api/v1/receipts/{receipt}/confirm"), &json!({}), 200).await;
        assert_eq!(stage.balance("receivable").await, PRO - FEE);
        stage.stop().await;
    }

    async fn what_is_left_in_the_wallet_pays_the_next_bills(db: TestDb) {
        let mut stage = stage(db).await;
        let (basic, pro) = (stage.offer("basic", FEE, 1, "month").await, stage.offer("pro", PRO, 2, "month").await);
        stage.rules(json!({"interval_now": "0", "up_now": "1", "same_now": "0", "down_now": "1", "self_service": "0"})).await;
        let of = stage.put_on(stage.merchant.tenant(), &pro).await;
        let first = stage.invoices().await.iter().find(|row| row["state"] == "issued").unwrap()["id"].as_str().unwrap().to_owned();
        stage.pay(&first, PRO, "r1").await;
        let made = stage.change(&of, &basic, 201).await;
        assert_eq!((made.text("/change/direction"), made.number("/due/amount"), made.number("/wallet/amount")), ("down".into(), 0, PRO - FEE));
        assert_eq!(made.text("/invoice/state"), "paid");
        stage.days_later(31).await;
        // The second month is paid from the wallet, the third one in part.
        assert_eq!((stage.account(2030).await, stage.balance("receivable").await), (PRO - 2 * FEE, 0));
        stage.days_later(30).await;
        assert_eq!((stage.account(2030).await, stage.balance("receivable").await), (0, 3 * FEE - PRO));
        let issued = stage.owner.get("/api/v1/invoices?state=issued", 200).await;
        assert_eq!((issued.number("/items/0/from_wallet/amount"), issued.number("/items/0/due/amount")), (PRO - 2 * FEE, 3 * FEE - PRO));
        let page = open(&stage.app.visitor(&stage.merchant, Role::MerchantOwner).await, &format!("/console/merchant/money/bills/{}", issued.text("/items/0/id"))).await;
        assert!(page.html.contains("预存余额抵扣") && page.html.contains("还需支付"), "{}", page.html);
        stage.stop().await;
    }

    async fn who_may_change_a_plan_is_the_providers_to_say(db: TestDb) {
        let stage = stage(db).await;
        let (basic, pro) = (stage.offer("basic", FEE, 1, "month").await, stage.offer("pro", PRO, 2, "month").await);
        let small = {
            let mut body = plan("small", 100);
            body["terms"]["limits"] = json!([{"name": "staff", "limit": 0}]);
            stage.finance.post("/api/v1/plans", &body, 201).await.text("/id")
        };
        let of = stage.put_on(stage.merchant.tenant(), &basic).await;
        let path = format!("/api/v1/subscriptions/{of}/plan_change");
        let body = json!({"plan_id": pro});
        stage.owner.post(&path, &body, 403).await;
        stage.rules(json!({"interval_now": "0", "up_now": "1", "same_now": "0", "down_now": "0", "self_service": "1"})).await;
        let manager = stage.app.person(&stage.merchant, Role::MerchantManager).await;
        manager.post(&path, &body, 403).await;
        let sibling = stage.app.merchant(&stage.provider, "另一商家").await;
        let sibling = stage.app.person(&sibling, Role::MerchantOwner).await;
        sibling.post(&path, &body, 404).await;
        let foreign = stage.app.provider("乙服务商").await;
        let foreign = stage.app.person(&foreign, Role::ProviderFinance).await;
        foreign.post(&path, &body, 404).await;
        stage.change(&of, &basic, 409).await;
        let seen = stage.owner.post(&format!("{path}/preview"), &json!({"plan_id": small}), 200).await;
        assert_eq!((seen.text("/over_limit/0/name"), seen.number("/over_limit/0/limit")), ("staff".into(), 0));

        // By the page: choose, see, confirm, withdraw; and the rank on the plan's page.
        let browser = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let own = "/console/merchant/money/plan";
        let page = open(&browser, own).await.html;
        assert!(page.contains("更换套餐") && page.contains("按月"), "{page}");
        let page = open(&browser, &format!("{own}?plan_id={pro}")).await.html;
        for words in ["立即更换", "退回 2026-03-02 至 2026-04-01", "¥1,999<small>", "¥3,999<small>"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let done = submit(&browser, own, &[("plan_id", pro.as_str())]).await;
        assert_eq!(done.status, 303, "{}", done.html);
        assert_eq!(stage.runs().await["terms"]["fee"]["amount"], json!(PRO));
        let bills = stage.invoices().await;
        let voided = bills.iter().find(|row| row["state"] == "void" && row["number"] != Value::Null).unwrap();
        let page = open(&browser, &format!("/console/merchant/money/bills/{}", voided["id"].as_str().unwrap())).await.html;
        assert!(page.contains("冲减单 2026-C000001") && page.contains("已冲减"), "{page}");
        let page = open(&browser, &format!("{own}?plan_id={small}")).await.html;
        assert!(page.contains("预约 2026-04-02 更换") && page.contains("超过新套餐的上限"), "{page}");
        submit(&browser, own, &[("plan_id", small.as_str())]).await;
        let page = open(&browser, own).await.html;
        assert!(page.contains("2026-04-02 起更换为"), "{page}");
        assert!(open(&browser, "/console/merchant/money").await.html.contains("2026-04-02 起更换为"));
        let changes = stage.owner.get("/api/v1/plan_changes", 200).await.json("/items");
        let waits = changes.as_array().unwrap().iter().find(|row| row["state"] == "pending").unwrap()["id"].clone();
        let withdraw = format!("/console/merchant/money/plan_changes/{}/withdraw", waits.as_str().unwrap());
        assert_eq!(submit(&browser, &withdraw, &[]).await.status, 303);
        assert!(!open(&browser, own).await.html.contains("2026-04-02 起更换为"));
        let again = submit(&browser, own, &[("plan_id", pro.as_str())]).await;
        assert!(again.status == 422 && again.html.contains("已是该套餐的最新版本"), "{} {}", again.status, again.html);
        let finance = stage.app.visitor(&stage.provider, Role::ProviderFinance).await;
        let runs = stage.runs().await["id"].as_str().unwrap().to_owned();
        let page = open(&finance, &format!("/console/provider/subscriptions/{runs}/plan?plan_id={small}")).await.html;
        assert!(page.contains("山里茶业") && page.contains("预约"), "{page}");
        assert!(open(&finance, "/console/provider/subscriptions").await.html.contains(&format!("{runs}/plan")));
        let at = format!("/console/provider/plans/{pro}");
        assert_eq!(submit(&finance, &format!("{at}/rank"), &[("rank", "7")]).await.status, 303);
        assert!(submit(&finance, &format!("{at}/rank"), &[("rank", "x")]).await.html.contains("请填写整数"));
        assert!(open(&finance, &at).await.html.contains("value=\"7\""));
        assert_eq!(stage.finance.get(&format!("/api/v1/plans/{pro}"), 200).await.number("/rank"), 7);
        stage.finance.put(&format!("/api/v1/plans/{pro}/rank"), &json!({"rank": 101}), 422).await;
        stage.stop().await;
    }
}
