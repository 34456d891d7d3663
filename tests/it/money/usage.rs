//! Metered use: reported once, counted in its period, billed with the next one, in as many parts as it came.

use super::{FEE, Stage, id_of, plan, stage, yuan};
use crate::order_pages::{open, submit};
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};

/// The price of the specification's F2: 4.5 fen a message.
const SMS: i64 = 4_500_000;

fn sms() -> Value {
    json!({"metric": "sms", "name_zh": "短信", "name_en": "SMS", "model": "per_unit", "price_per_million": yuan(SMS)})
}

fn event(metric: &str, id: &str, quantity: i64, at: &str) -> Value {
    json!({"metric": metric, "event_id": id, "quantity": quantity, "occurred_at": at})
}

impl Stage {
    /// Puts the merchant on a plan with these charges beside the fee; the invoice that gathers.
    async fn metered(&self, fee: i64, charges: Value) -> String {
        let mut body = plan("metered", fee);
        body["terms"]["charges"] = charges;
        let made = self.finance.post("/api/v1/plans", &body, 201).await;
        assert_eq!(
            made.json("/version/terms/charges"),
            body["terms"]["charges"].clone().with_free(),
            "{}",
            made.body
        );
        let body = json!({"merchant_id": id_of(self.merchant.tenant()), "plan_id": made.text("/id")});
        self.finance.post("/api/v1/subscriptions", &body, 201).await;
        self.owner.get("/api/v1/invoices", 200).await.text("/items/0/id")
    }

    async fn report(&self, events: &[Value], expected: u16) -> Answer {
        let path = format!("/api/v1/merchants/{}/usage_events", id_of(self.merchant.tenant()));
        self.finance.post(&path, &json!({"events": events}), expected).await
    }

    async fn invoice_of(&self, period_start: &str) -> Answer {
        let items = self.owner.get("/api/v1/invoices?limit=100", 200).await.json("/items");
        let found =
            items.as_array().unwrap().iter().find(|item| item["period_start"] == period_start).unwrap();
        self.owner.get(&format!("/api/v1/invoices/{}", found["id"].as_str().unwrap()), 200).await
    }

    async fn meters(&self) -> Vec<Value> {
        self.owner.get("/api/v1/usage_meters", 200).await.json("/items").as_array().unwrap().clone()
    }
}

/// What a plan answers: free units are 0 where none were said.
trait WithFree {
    fn with_free(self) -> Self;
}

impl WithFree for Value {
    fn with_free(mut self) -> Self {
        for charge in self.as_array_mut().unwrap() {
            if ["per_unit", "package"].contains(&charge["model"].as_str().unwrap())
                && charge.get("free").is_none()
            {
                charge["free"] = json!(0);
            }
        }
        self
    }
}

fn outcomes(answer: &Answer) -> Vec<String> {
    let outcomes = answer.json("/outcomes");
    let word = |outcome: &Value| outcome["outcome"].as_str().unwrap().to_owned();
    outcomes.as_array().unwrap().iter().map(word).collect()
}

fn legs(journal: &Value) -> Vec<(i64, &str, i64)> {
    let leg = |leg: &'_ Value| {
        (leg["account"]["code"].as_i64().unwrap(), leg["amount"]["amount"].as_i64().unwrap())
    };
    let mut legs: Vec<(i64, &str, i64)> = journal["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (leg(row).0, row["side"].as_str().unwrap(), leg(row).1))
        .collect();
    legs.sort_unstable();
    legs
}

both! {
    async fn use_is_billed_with_the_next_period_and_explains_itself(db: TestDb) {
        let mut stage = stage(db).await;
        stage.metered(FEE, json!([sms()])).await;
        stage.app.run_jobs().await;
        assert_eq!(stage.invoice_of("2026-03-02").await.number("/total/amount"), FEE, "nothing was used before");
        stage.report(&[event("sms", "a", 12_000, "2026-03-02T02:00:00Z")], 200).await;
        stage.report(&[event("sms", "b", 345, "2026-03-02T01:00:00Z")], 200).await;

        // The invoice that gathers is the real thing: the same lines and figures as when it is issued.
        let preview = stage.invoice_of("2026-04-02").await;
        assert_eq!((preview.text("/state"), preview.number("/total/amount")), ("gathering".into(), FEE + 55_553));
        assert_eq!(preview.json("/lines/1/id"), Value::Null);
        let listed = stage.owner.get("/api/v1/invoices?state=gathering", 200).await;
        assert_eq!(listed.number("/items/0/total/amount"), FEE + 55_553);
        let listed = stage.finance.get("/api/v1/invoices?state=gathering", 200).await;
        assert_eq!(listed.number("/items/0/total/amount"), FEE + 55_553);

        stage.days_later(31).await;
        let issued = stage.invoice_of("2026-04-02").await;
        assert_eq!(issued.text("/state"), "issued");
        for figure in ["/net/amount", "/tax/amount", "/total/amount", "/lines/1/net/amount", "/lines/1/tax/amount"] {
            assert_eq!(issued.number(figure), preview.number(figure), "{figure}");
        }
        assert_eq!(issued.json("/lines/1/usage/steps"), preview.json("/lines/1/usage/steps"));
        assert_eq!(issued.text("/lines/1/description_zh"), "短信，2026-03-02 至 2026-04-01");
        assert_eq!((issued.number("/lines/1/quantity"), issued.text("/lines/1/kind")), (12_345, "usage".into()));
        let step = issued.json("/lines/1/usage/steps/0");
        assert_eq!((&step["count"], &step["price_per_million"]["amount"]), (&json!(12_345), &json!(SMS)));
        // F1 a and F2 in one journal, to the fen: use is income at once, the fee is not yet.
        let id = issued.text("/id");
        let journals = stage.owner.get(&format!("/api/v1/ledger/journals?reference={id}"), 200).await.json("/items");
        assert_eq!(
            legs(&journals[0]),
            [(1110, "debit", FEE + 55_553), (2300, "credit", 11_315 + 3_145), (2400, "credit", 188_585), (4020, "credit", 52_408)]
        );
        let meter = stage.meters().await.remove(0);
        for (field, expected) in [("quantity", 12_345), ("rated_quantity", 12_345), ("accepted", 2), ("rated", 2), ("rejected", 0)] {
            assert_eq!(meter[field], expected, "{field}");
        }
        // Only the fee is earned by days.
        stage.days_later(31).await;
        let all = stage.owner.get("/api/v1/ledger/journals?limit=100", 200).await.json("/items");
        let earned: i64 = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["code"] == "subscription.earned" && item["reference"].as_str().unwrap().starts_with(&id))
            .map(|item| item["legs"][0]["amount"]["amount"].as_i64().unwrap())
            .sum();
        assert_eq!(earned, 188_585);
        stage.stop().await;
    }

    async fn each_event_has_an_answer_and_counts_once(db: TestDb) {
        let mut stage = stage(db).await;
        let now = "2026-03-02T02:00:00Z";
        assert_eq!(stage.report(&[event("sms", "a", 1, now)], 409).await.text("/code"), "conflict", "no plan yet");
        stage.metered(0, json!([sms()])).await;
        stage.app.run_jobs().await;
        // Where one cannot be, none is stored.
        for (wrong, field) in [
            (event("calls", "b", 1, now), "events.1.metric"),
            (event("sms", "", 1, now), "events.1.event_id"),
            (event("sms", &"x".repeat(101), 1, now), "events.1.event_id"),
            (event("sms", "b", 0, now), "events.1.quantity"),
            (event("sms", "b", i64::MAX, now), "events.1.quantity"),
            (event("sms", "b", 1, "2026-03-02T02:06:00Z"), "events.1.occurred_at"),
        ] {
            let refused = stage.report(&[event("sms", "a", 1, now), wrong], 422).await;
            assert_eq!(refused.text("/errors/0/field"), field);
        }
        stage.report(&[], 422).await;
        stage.report(&vec![event("sms", "a", 1, now); 501], 422).await;
        assert_eq!(stage.meters().await, Vec::<Value>::new());

        let first = stage.report(&[event("sms", "a", 5, now), event("sms", "a", 5, now), event("sms", "a", 6, now)], 200).await;
        assert_eq!(outcomes(&first), ["accepted", "duplicate", "differs"]);
        // Reported by twenty at once: counted once.
        let path = format!("/api/v1/merchants/{}/usage_events", id_of(stage.merchant.tenant()));
        let body = json!({"events": [event("sms", "b", 7, now), event("sms", "c", 1, now)]});
        let send = || {
            let (client, path, body) = (stage.finance.clone(), path.clone(), body.clone());
            async move { client.try_send(Method::POST, &path, Some(&body), &[]).await }
        };
        let mut accepted = 0;
        for answer in futures_util::future::join_all((0..20).map(|_| send())).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
            accepted += outcomes(&answer).iter().filter(|word| *word == "accepted").count();
        }
        assert_eq!(accepted, 2);
        let old = stage.report(&[event("sms", "before", 9, "2026-03-01T02:00:00Z")], 200).await;
        assert_eq!(old.text("/outcomes/0/reason"), "before_subscription");
        assert_eq!(outcomes(&stage.report(&[event("sms", "before", 9, "2026-03-01T02:00:00Z")], 200).await), ["duplicate"]);
        // Two periods later the first one is closed; the one before the present is open.
        stage.days_later(31).await;
        stage.days_later(30).await;
        let late = [event("sms", "d", 9, "2026-03-20T02:00:00Z"), event("sms", "e", 2, "2026-04-20T02:00:00Z")];
        let answer = stage.report(&late, 200).await;
        assert_eq!(outcomes(&answer), ["rejected", "accepted"]);
        assert_eq!(answer.text("/outcomes/0/reason"), "too_late");
        // What was accepted, billed and rejected is told, and adds up to what was reported.
        let meters = stage.meters().await;
        let told: Vec<(String, i64, i64, i64)> = meters
            .iter()
            .map(|row| {
                let number = |field: &str| row[field].as_i64().unwrap();
                (row["period_start"].as_str().unwrap().to_owned(), number("quantity"), number("accepted"), number("rejected"))
            })
            .collect();
        let expected = [("2026-04-02", 2, 1, 0), ("2026-03-02", 13, 3, 1), ("2026-02-02", 0, 0, 1)];
        assert_eq!(told, expected.map(|(start, units, accepted, rejected)| (start.to_owned(), units, accepted, rejected)));
        let events = stage.owner.get("/api/v1/usage_events?metric=sms&limit=100", 200).await;
        assert_eq!(events.json("/items").as_array().unwrap().len(), 6);
        assert_eq!(stage.finance.get("/api/v1/usage_events", 200).await.json("/items").as_array().unwrap().len(), 6);
        stage.finance.get("/api/v1/usage_meters", 422).await;
        stage.stop().await;
    }

    async fn what_comes_late_is_a_further_part_of_its_period(db: TestDb) {
        let mut stage = stage(db).await;
        let tier = |up_to: Value, price: i64| json!({"up_to": up_to, "price_per_million": yuan(price), "fee": yuan(0)});
        let volume = json!({
            "metric": "calls", "name_zh": "调用", "name_en": "Calls", "model": "volume",
            "tiers": [tier(json!(100), 10_000_000), tier(Value::Null, 5_000_000)],
        });
        let package = json!({
            "metric": "storage", "name_zh": "存储", "name_en": "Storage", "model": "package",
            "free": 10, "size": 100, "package_fee": yuan(300),
        });
        stage.metered(1_000, json!([volume, package])).await;
        stage.app.run_jobs().await;
        let at = "2026-03-02T01:00:00Z";
        stage.report(&[event("calls", "a", 90, at), event("storage", "a", 110, at)], 200).await;
        stage.days_later(31).await;
        assert_eq!(stage.invoice_of("2026-04-02").await.number("/total/amount"), 1_000 + 900 + 300);
        // 90 calls at 10 fen were billed; with 60 more all 150 cost 5 fen: ¥1.50 less.
        stage.report(&[event("calls", "b", 60, at), event("storage", "b", 1, at)], 200).await;
        let preview = stage.invoice_of("2026-05-02").await;
        stage.days_later(30).await;
        let issued = stage.invoice_of("2026-05-02").await;
        assert_eq!(issued.number("/total/amount"), 1_000 - 150 + 300);
        assert_eq!(preview.number("/total/amount"), issued.number("/total/amount"));
        assert_eq!(issued.number("/lines/1/total/amount"), -150);
        assert_eq!((issued.number("/lines/1/usage/part"), issued.number("/lines/1/usage/billed_before/amount")), (2, 900));
        assert_eq!(issued.text("/lines/1/description_en"), "Calls, 2026-03-02 to 2026-04-01, counted late");
        for (line, total) in [(1, 150 * 5), (2, 600)] {
            let before = issued.number(&format!("/lines/{line}/usage/billed_before/amount"));
            assert_eq!(before + issued.number(&format!("/lines/{line}/total/amount")), total);
        }
        // Two who issue at once bill it once.
        assert_eq!(stage.journals(&issued.text("/id")).await, ["invoice.issued"]);
        stage.stop().await;
    }

    async fn the_end_of_a_subscription_bills_what_was_used(db: TestDb) {
        let stage = stage(db).await;
        let gathering = stage.metered(FEE, json!([sms()])).await;
        stage.app.run_jobs().await;
        stage.report(&[event("sms", "a", 1_000, "2026-03-02T02:00:00Z")], 200).await;
        let id = stage.owner.get("/api/v1/subscriptions", 200).await.text("/items/0/id");
        stage.finance.post(&format!("/api/v1/subscriptions/{id}/end"), &json!({}), 200).await;
        let last = stage.invoice_of("2026-04-02").await;
        assert_ne!(last.text("/id"), gathering);
        assert_eq!((last.text("/state"), last.number("/total/amount")), ("issued".into(), 4_500));
        assert_eq!(last.json("/lines").as_array().unwrap().len(), 1, "without the fee of a period that does not come");
        assert_eq!(last.text("/number"), "2026-000002");
        stage.app.run_jobs().await;
        let all = stage.owner.get("/api/v1/invoices?limit=100", 200).await.json("/items");
        assert_eq!(all.as_array().unwrap().len(), 2, "and no next one");
        stage.report(&[event("sms", "b", 1, "2026-03-02T02:00:00Z")], 409).await;
        stage.stop().await;
    }

    async fn use_that_no_invoice_could_bill_is_refused_where_it_is_reported(db: TestDb) {
        let mut stage = stage(db).await;
        let dear = json!({
            "metric": "rooms", "name_zh": "房间", "name_en": "Rooms", "model": "per_unit", "price_per_million": yuan(100_000_000_000_000),
        });
        stage.metered(0, json!([dear])).await;
        stage.app.run_jobs().await;
        let at = "2026-03-02T02:00:00Z";
        stage.report(&[event("rooms", "a", 1_000_000, at)], 200).await;
        let refused = stage.report(&[event("rooms", "b", 1, at), event("rooms", "a", 1, at)], 422).await;
        assert_eq!((refused.text("/errors/0/field"), refused.text("/errors/0/code")), ("events".into(), "too_much".into()));
        assert_eq!(stage.meters().await.remove(0)["quantity"], 1_000_000, "nothing of it is counted");
        stage.days_later(31).await;
        assert_eq!(stage.invoice_of("2026-04-02").await.number("/total/amount"), 100_000_000_000_000);
        // Who reported what is told.
        let told = stage.owner.get("/api/v1/audit_entries?action=usage.reported", 200).await.json("/items");
        let told = told.as_array().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["detail"]["accepted"], 1, "{told:?}");
        stage.stop().await;
    }

    async fn paid_orders_are_counted_here(db: TestDb) {
        let selling = Selling::start(db, 50).await;
        let stage = &selling.stage;
        let orders = json!({
            "metric": "orders", "name_zh": "订单", "name_en": "Orders", "model": "per_unit", "price_per_million": yuan(10_000_000),
        });
        let mut body = plan("orders", 0);
        body["terms"]["charges"] = json!([orders]);
        let plan = stage.staff.post("/api/v1/plans", &body, 201).await.text("/id");
        let body = json!({"merchant_id": id_of(stage.merchant.tenant()), "plan_id": plan});
        stage.staff.post("/api/v1/subscriptions", &body, 201).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        stage.work().await;
        let events = stage.owner.get("/api/v1/usage_events", 200).await;
        assert_eq!(events.text("/items/0/event_id"), order["id"].as_str().unwrap(), "{}", events.body);
        let meters = stage.owner.get("/api/v1/usage_meters", 200).await;
        assert_eq!((meters.number("/items/0/quantity"), meters.number("/items/0/accepted")), (1, 1));
        selling.stage.stop().await;
    }

    async fn charges_are_set_and_use_is_seen_on_pages(db: TestDb) {
        let stage = stage(db).await;
        let made = stage.finance.post("/api/v1/plans", &plan("basic", FEE), 201).await.text("/id");
        let at = format!("/console/provider/plans/{made}/charges");
        let staff = stage.app.visitor(&stage.provider, Role::ProviderFinance).await;
        let names = [("name_zh", "短信"), ("name_en", "SMS")];
        let send = |rest: Vec<(&'static str, &'static str)>| names.into_iter().chain(rest).collect::<Vec<_>>();
        for (form, words) in [
            (send(vec![("model", "per_unit"), ("metric", "SMS"), ("price_per_million", "0.045")]), "以字母开头"),
            (send(vec![("model", "per_unit"), ("metric", "sms"), ("price_per_million", "1e3")]), "8 位小数"),
            (send(vec![("model", "volume"), ("metric", "sms"), ("tiers", "100 0\n50 1\n* 2")]), "依次递增"),
            (send(vec![("model", "graduated"), ("metric", "sms"), ("tiers", "* 1 2 3")]), "每行一级"),
            (send(vec![("model", "package"), ("metric", "sms"), ("package_fee", "3")]), "必填"),
            (send(vec![("model", "package"), ("metric", "sms"), ("size", "0"), ("package_fee", "3")]), "应在 1 到"),
        ] {
            let page = submit(&staff, &at, &form).await;
            assert!(page.status == 422 && page.html.contains(words), "{words}: {} {}", page.status, page.html);
        }
        submit(&staff, &at, &send(vec![("model", "per_unit"), ("metric", "sms"), ("price_per_million", "0.045"), ("free", "100")])).await;
        submit(&staff, &at, &send(vec![("model", "graduated"), ("metric", "calls"), ("tiers", "100 0\n1000 0.05\n* 0.03 1")])).await;
        submit(&staff, &at, &send(vec![("model", "package"), ("metric", "room"), ("size", "10"), ("package_fee", "30.00")])).await;
        let page = open(&staff, &at).await.html;
        for words in ["前 100 个免费", "第 101 个起，每个 ¥0.045", "第 101 至 1000 个，每个 ¥0.05", "+ <span class=\"money\">¥1<small>", "每 10 个 <span class=\"money\">¥30<small>"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let terms = stage.finance.get(&format!("/api/v1/plans/{made}"), 200).await;
        assert_eq!(terms.number("/version/number"), 4);
        assert_eq!(terms.number("/version/terms/charges/1/tiers/2/fee/amount"), 100);
        submit(&staff, &format!("{at}/remove"), &[("metric", "room")]).await;
        let terms = stage.finance.get(&format!("/api/v1/plans/{made}"), 200).await;
        assert_eq!(terms.json("/version/terms/charges").as_array().unwrap().len(), 2);
        // A new price keeps what use costs.
        let form = [("fee", "10"), ("take_rate", "2"), ("tax", "6")];
        submit(&staff, &format!("/console/provider/plans/{made}"), &form).await;
        let terms = stage.finance.get(&format!("/api/v1/plans/{made}"), 200).await;
        assert_eq!(terms.json("/version/terms/charges").as_array().unwrap().len(), 2);

        let body = json!({"merchant_id": id_of(stage.merchant.tenant()), "plan_id": made});
        stage.finance.post("/api/v1/subscriptions", &body, 201).await;
        stage.app.run_jobs().await;
        stage.report(&[event("sms", "wa-1", 1_100, "2026-03-02T02:00:00Z")], 200).await;
        stage.report(&[event("sms", "old", 1, "2026-02-02T02:00:00Z")], 200).await;
        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = open(&owner, "/console/merchant/money/usage").await.html;
        for words in ["短信", "1100", "wa-1", "未计入：早于套餐开通", "2026-03-02 至 2026-04-01"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let bill = stage.invoice_of("2026-04-02").await.text("/id");
        let page = open(&owner, &format!("/console/merchant/money/bills/{bill}")).await.html;
        for words in ["¥45<small>.00", "第 101 至 1100 个，共 1000 个", "× ¥0.045"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        stage.stop().await;
    }
}
