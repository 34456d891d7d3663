//! A subscription is billed each month, paid by transfer, and earned by days.

use super::{FEE, id_of, plan, stage, yuan};
use qianpu_tests::both;
use reqwest::Method;
use serde_json::{Value, json};

both! {
    async fn a_month_is_billed_once_and_paid_once(db: TestDb) {
        let stage = stage(db).await;
        let invoice = stage.subscribe(FEE).await;
        let at = format!("/api/v1/invoices/{invoice}");

        // Two people and the job issue it at once: one number, one journal, one next invoice.
        let path = format!("{at}/issue");
        let send = |key: &'static str| {
            let (client, path) = (stage.finance.clone(), path.clone());
            async move { client.try_send(Method::POST, &path, None, &[("Idempotency-Key", key)]).await }
        };
        let (one, two, three, _) = tokio::join!(send("a"), send("b"), send("c"), stage.app.run_jobs());
        for answer in [&one, &two, &three] {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.text("/number"), "2026-000001");
        }
        let issued = stage.owner.get(&at, 200).await;
        assert_eq!(issued.text("/state"), "issued");
        assert_eq!((issued.number("/net/amount"), issued.number("/tax/amount")), (188_585, 11_315));
        assert_eq!(issued.text("/lines/0/description_zh"), "基础版，2026-03-02 至 2026-04-01 月费");
        assert_eq!(issued.text("/due_at"), "2026-03-09T02:00:00Z");
        assert_eq!(stage.journals(&invoice).await, ["invoice.issued"]);
        assert_eq!(stage.balance("receivable").await, FEE);
        let all = stage.owner.get("/api/v1/invoices", 200).await;
        assert_eq!(all.json("/items").as_array().unwrap().len(), 2, "{}", all.body);
        let next = stage.owner.get("/api/v1/invoices?state=gathering", 200).await;
        assert_eq!(next.text("/items/0/period_start"), "2026-04-02");

        // Not a part of it, not twice the same reference.
        let body = |fen: i64, reference: &str| {
            json!({"invoice_id": invoice, "amount": yuan(fen), "bank_reference": reference})
        };
        assert_eq!(stage.declare(&body(FEE - 1, "工行0001"), 422).await.text("/errors/0/field"), "amount");
        let first = stage.declare(&body(FEE, "工行0001"), 201).await.text("/id");
        stage.declare(&body(FEE, "工行0001"), 422).await;
        let second = stage.declare(&body(FEE, "工行0002"), 201).await.text("/id");
        assert_eq!(stage.balance("receivable").await, FEE, "declaring moves nothing");

        // Confirmed by two at once: one journal. The other transfer finds the invoice paid.
        let path = format!("/api/v1/receipts/{first}/confirm");
        let send = |key: &'static str| {
            let (client, path) = (stage.finance.clone(), path.clone());
            async move { client.try_send(Method::POST, &path, None, &[("Idempotency-Key", key)]).await }
        };
        let (one, two) = tokio::join!(send("d"), send("e"));
        assert_eq!((one.status, two.status), (200, 200), "{} {}", one.body, two.body);
        assert_eq!(stage.journals(&invoice).await, ["invoice.issued", "invoice.paid"]);
        stage.finance.post(&format!("/api/v1/receipts/{second}/confirm"), &json!({}), 409).await;
        let nothing = stage.finance.post(&format!("/api/v1/receipts/{second}/refuse"), &json!({"reason": " "}), 422).await;
        assert_eq!(nothing.text("/errors/0/field"), "reason");
        let refused =
            stage.finance.post(&format!("/api/v1/receipts/{second}/refuse"), &json!({"reason": "重复登记"}), 200).await;
        assert_eq!(refused.text("/state"), "refused");
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "paid");
        assert_eq!(stage.balance("receivable").await, 0);

        let statement = stage.owner.get("/api/v1/statements?month=2026-03", 200).await;
        let sections = statement.json("/sections");
        let bills = sections.as_array().unwrap().iter().find(|part| part["account"]["code"] == 1110).unwrap();
        assert_eq!(bills["opening"]["amount"], 0);
        assert_eq!(bills["movements"][0]["name_zh"], "账单开具");
        assert_eq!(bills["movements"][0]["change"]["amount"], FEE);
        assert_eq!(bills["movements"][1]["change"]["amount"], -FEE);
        assert_eq!(bills["closing"]["amount"], 0);
        assert_eq!(statement.json("/is_final"), json!(false));
        let file = stage.owner.get("/api/v1/statements/file?month=2026-03&lang=zh", 200).await;
        assert!(file.body.contains(",1110,应收账单,账单付款,") && file.body.contains(",-1999.00,0.00"), "{}", file.body);
        stage.owner.get("/api/v1/statements?month=2026-13", 422).await;
        let totals = stage.finance.get("/api/v1/ledger/totals", 200).await;
        let bank = totals.json("/items").as_array().unwrap().iter().find(|row| row["account"]["code"] == 1010).cloned();
        assert_eq!(bank.unwrap()["balance"]["amount"], FEE);
        stage.stop().await;
    }

    async fn a_bill_that_is_not_paid_falls_due_and_the_fee_is_earned_by_days(db: TestDb) {
        let mut stage = stage(db).await;
        let invoice = stage.subscribe(FEE).await;
        let at = format!("/api/v1/invoices/{invoice}");
        assert_eq!(stage.owner.get(&at, 200).await.json("/number"), Value::Null);
        stage.app.run_jobs().await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "issued", "the job issues it, since the period began");
        stage.days_later(7).await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "overdue");
        // 31 days: 30 of them are over with March, the last with the period.
        stage.days_later(24).await;
        let journals = stage.owner.get("/api/v1/ledger/journals?limit=100", 200).await.json("/items");
        let earned = journals.as_array().unwrap().iter().filter(|item| item["code"] == "subscription.earned");
        let mut earned: Vec<(String, i64)> = earned
            .map(|item| {
                let amount = item["legs"][0]["amount"]["amount"].as_i64().unwrap();
                (item["effective_at"].as_str().unwrap().to_owned(), amount)
            })
            .collect();
        // Midnight of 1 and 2 April in Shanghai is the evening before in UTC.
        earned.sort();
        let expected = [("2026-03-31T16:00:00Z", 182_502), ("2026-04-01T16:00:00Z", 6_083)];
        assert_eq!(earned, expected.map(|(at, fen)| (at.to_owned(), fen)));
        let invoices = stage.owner.get("/api/v1/invoices", 200).await.json("/items");
        let mut numbers: Vec<_> = invoices.as_array().unwrap().iter().map(|item| item["number"].to_string()).collect();
        numbers.sort();
        assert_eq!(numbers, ["\"2026-000001\"", "\"2026-000002\"", "null"]);
        stage.stop().await;
    }

    async fn a_plan_keeps_its_versions_and_a_subscription_its_terms(db: TestDb) {
        let stage = stage(db).await;
        stage.subscribe(FEE).await;
        let plan_id = stage.finance.get("/api/v1/plans", 200).await.text("/items/0/id");
        let terms = json!({"fee": yuan(FEE * 2), "tax_ppm": 60_000, "take_rate_ppm": 10_000});
        let now = stage.finance.post(&format!("/api/v1/plans/{plan_id}/versions"), &terms, 201).await;
        assert_eq!((now.number("/version/number"), now.number("/versions/1/terms/fee/amount")), (2, FEE));
        let subscription = stage.owner.get("/api/v1/subscriptions", 200).await;
        assert_eq!(subscription.number("/items/0/terms/fee/amount"), FEE);
        // One running subscription; after its end the next invoice is void.
        let body = json!({"merchant_id": id_of(stage.merchant.tenant()), "plan_id": plan_id});
        stage.finance.post("/api/v1/subscriptions", &body, 409).await;
        let id = subscription.text("/items/0/id");
        let ended = stage.finance.post(&format!("/api/v1/subscriptions/{id}/end"), &json!({}), 200).await;
        assert_eq!(ended.text("/state"), "ended");
        stage.app.run_jobs().await;
        assert_eq!(stage.owner.get("/api/v1/invoices", 200).await.text("/items/0/state"), "void", "it is the only one");
        stage.finance.post("/api/v1/subscriptions", &body, 201).await;
        // A plan that costs nothing is invoiced and paid without a journal.
        stage.finance.post("/api/v1/plans", &plan("basic", 1), 422).await;
        stage.finance.post("/api/v1/plans", &plan("Basic!", 1), 422).await;
        let free = stage.finance.post("/api/v1/plans", &plan("free", 0), 201).await.text("/id");
        let other = stage.app.merchant(&stage.provider, "另一商家").await;
        let body = json!({"merchant_id": id_of(other.tenant()), "plan_id": free});
        stage.finance.post("/api/v1/subscriptions", &body, 201).await;
        stage.app.run_jobs().await;
        let paid = stage.finance.get("/api/v1/invoices?state=paid", 200).await;
        assert_eq!(paid.text("/items/0/number"), "2026-000001");
        stage.stop().await;
    }
}
