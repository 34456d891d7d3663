//! A transfer that was confirmed by mistake is taken back: by another journal, once, with all that followed from it.

use super::deposits::{freeze, open, send};
use super::{FEE, Stage, id_of, stage, yuan};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};

const DESK: &str = "/console/provider/receipts";

impl Stage {
    async fn declared(&self, invoice: &str, reference: &str) -> String {
        let body = json!({"invoice_id": invoice, "amount": yuan(FEE), "bank_reference": reference});
        self.declare(&body, 201).await.text("/id")
    }
    async fn decide(&self, receipt: &str, what: &str, expected: u16) -> Answer {
        let body =
            if what == "confirm" { json!({}) } else { json!({"reason": "流水号属于另一商家"}) };
        self.finance.post(&format!("/api/v1/receipts/{receipt}/{what}"), &body, expected).await
    }
    /// The journals about a thing, in full, by code.
    async fn journal(&self, about: &str, code: &str) -> Value {
        let found = self.owner.get(&format!("/api/v1/ledger/journals?reference={about}"), 200).await;
        let items = found.json("/items");
        items.as_array().unwrap().iter().find(|item| item["code"] == code).cloned().unwrap_or(Value::Null)
    }
}

/// Account, side and amount of each leg.
fn legs(journal: &Value) -> Vec<(i64, String, i64)> {
    let leg = |leg: &Value| {
        (
            leg["account"]["code"].as_i64().unwrap(),
            leg["side"].as_str().unwrap().to_owned(),
            leg["amount"]["amount"].as_i64().unwrap(),
        )
    };
    let mut legs: Vec<_> = journal["legs"].as_array().unwrap().iter().map(leg).collect();
    legs.sort();
    legs
}

both! {
    async fn a_bill_is_owed_again_and_can_be_paid_again(db: TestDb) {
        let mut stage = stage(db).await;
        let invoice = stage.subscribe(FEE).await;
        stage.app.run_jobs().await;
        let at = format!("/api/v1/invoices/{invoice}");
        let first = stage.declared(&invoice, "工行0001").await;
        // Only what is confirmed can be taken back, and not without a reason.
        assert_eq!(stage.decide(&first, "reverse", 409).await.code(), "conflict");
        stage.decide(&first, "confirm", 200).await;
        let path = format!("/api/v1/receipts/{first}/reverse");
        for reason in [" ".to_owned(), "长".repeat(201), "a\u{7}b".to_owned()] {
            let refused = stage.finance.post(&path, &json!({"reason": reason}), 422).await;
            assert_eq!(refused.text("/errors/0/field"), "reason");
        }
        stage.owner.post(&path, &json!({"reason": "x"}), 403).await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "paid");

        // By two at once: one journal. The same key is answered as before.
        let body = json!({"reason": "流水号属于另一商家"});
        let send = |key: &'static str| {
            let (client, path, body) = (stage.finance.clone(), path.clone(), body.clone());
            async move { client.try_send(Method::POST, &path, Some(&body), &[("Idempotency-Key", key)]).await }
        };
        let (one, two) = tokio::join!(send("a"), send("b"));
        assert_eq!((one.status, two.status), (200, 200), "{} {}", one.body, two.body);
        assert_eq!(send("a").await.headers["idempotency-replayed"], "true");
        assert_eq!((one.text("/state"), one.text("/reason")), ("reversed".into(), "流水号属于另一商家".into()));
        assert_eq!(one.text("/reversed_at"), one.text("/decided_at"), "the clock stands still");
        let now = stage.owner.get(&at, 200).await;
        assert_eq!((now.text("/state"), now.json("/paid_at")), ("issued".into(), Value::Null));
        assert_eq!(stage.balance("receivable").await, FEE);
        assert_eq!(stage.journals(&invoice).await, ["invoice.issued", "invoice.paid", "invoice.paid.reversed"]);
        let (paid, back) = (stage.journal(&invoice, "invoice.paid").await, stage.journal(&invoice, "invoice.paid.reversed").await);
        assert_eq!((&paid["reversed_by_id"], &back["reverses_id"]), (&back["id"], &paid["id"]));
        assert_eq!((&paid["reverses_id"], &back["reversed_by_id"]), (&Value::Null, &Value::Null));
        assert_eq!(legs(&paid), [(1010, "debit".into(), FEE), (1110, "credit".into(), FEE)]);
        assert_eq!(legs(&back), [(1010, "credit".into(), FEE), (1110, "debit".into(), FEE)]);
        assert_eq!(back["name_zh"], "账单付款（冲销）");

        // It is over with this receipt; what is told by the bank's reference can be declared anew.
        stage.decide(&first, "confirm", 409).await;
        stage.decide(&first, "refuse", 409).await;
        let second = stage.declared(&invoice, "工行0001").await;
        stage.decide(&second, "confirm", 200).await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "paid");
        let about = format!("{invoice}/{second}");
        assert_eq!(stage.journals(&about).await, ["invoice.paid"]);
        assert_eq!(stage.balance("receivable").await, 0);
        // Again, after the day it was due: it is overdue at once.
        stage.days_later(8).await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "paid");
        stage.decide(&second, "reverse", 200).await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "overdue");
        assert_eq!(stage.journals(&about).await, ["invoice.paid", "invoice.paid.reversed"]);
        assert_eq!(stage.balance("receivable").await, FEE);
        let third = stage.declared(&invoice, "工行0003").await;
        stage.decide(&third, "confirm", 200).await;
        assert_eq!((stage.owner.get(&at, 200).await.text("/state"), stage.balance("receivable").await), ("paid".into(), 0));
        // What is earned does not depend on who paid when.
        stage.days_later(23).await;
        let all = stage.owner.get("/api/v1/ledger/journals?limit=100", 200).await.json("/items");
        let earned = all.as_array().unwrap().iter().filter(|item| item["code"] == "subscription.earned");
        assert_eq!(earned.count(), 2);
        let found = stage.owner.get("/api/v1/receipts?state=reversed", 200).await.json("/items");
        assert_eq!(found.as_array().unwrap().len(), 2);
        stage.owner.get("/api/v1/receipts?state=gone", 422).await;
        stage.stop().await;
    }

    async fn a_bill_that_is_owed_again_falls_due(db: TestDb) {
        let mut stage = stage(db).await;
        let invoice = stage.subscribe(FEE).await;
        stage.app.run_jobs().await;
        let receipt = stage.declared(&invoice, "r1").await;
        stage.decide(&receipt, "confirm", 200).await;
        stage.decide(&receipt, "reverse", 200).await;
        stage.days_later(8).await;
        assert_eq!(stage.owner.get(&format!("/api/v1/invoices/{invoice}"), 200).await.text("/state"), "overdue");
        stage.stop().await;
    }

    async fn a_top_up_is_taken_off_the_deposit_if_it_is_still_there(db: TestDb) {
        let stage = stage(db).await;
        let deposit = stage.shop(200_000).await;
        let at = format!("/api/v1/deposits/{deposit}");
        let shop = stage.owner.get(&at, 200).await.text("/shop_id");
        let top_up = async |reference: &str| {
            let body = json!({"deposit_id": deposit, "amount": yuan(200_000), "bank_reference": reference});
            let receipt = stage.declare(&body, 201).await.text("/id");
            stage.decide(&receipt, "confirm", 200).await;
            receipt
        };
        let first = top_up("r1").await;
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "satisfied");
        // A part of it is held for a case: the books refuse, and nothing of it happens.
        freeze(&stage, &shop, 1).await;
        let refused = stage.decide(&first, "reverse", 409).await;
        assert_eq!(refused.code(), "insufficient_balance");
        assert!(refused.text("/detail").contains("保证金余额"), "{}", refused.body);
        let unchanged = stage.owner.get(&format!("/api/v1/receipts/{first}"), 200).await;
        assert_eq!((unchanged.text("/state"), unchanged.json("/reason")), ("confirmed".into(), Value::Null));
        assert_eq!(stage.journals(&first).await, ["deposit.topped_up"]);
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "satisfied");
        // With the next one there is enough.
        top_up("r2").await;
        stage.decide(&first, "reverse", 200).await;
        assert_eq!(stage.journals(&first).await, ["deposit.topped_up", "deposit.topped_up.reversed"]);
        let now = stage.owner.get(&at, 200).await;
        assert_eq!((now.text("/state"), now.number("/money/balance/amount")), ("short".into(), 199_999));
        let log = stage.owner.get("/api/v1/audit_entries?action=receipt.reversed", 200).await;
        assert_eq!((log.text("/items/0/target/id"), log.text("/items/0/detail/reason")), (first, "流水号属于另一商家".into()));
        stage.stop().await;
    }

    async fn finance_takes_a_confirmation_back_by_form(db: TestDb) {
        let stage = stage(db).await;
        let invoice = stage.subscribe(FEE).await;
        stage.app.run_jobs().await;
        let receipt = stage.declared(&invoice, "工行0001").await;
        let finance = stage.app.visitor(&stage.provider, Role::ProviderFinance).await;
        let path = format!("{DESK}/{receipt}/reverse");
        let early = send(&finance, &path, &[("reason", "x")]).await;
        assert!(early.status == 303 && early.headers["location"].to_str().unwrap().ends_with("?state=confirmed"));
        let action = format!("/{receipt}/reverse\"");
        stage.decide(&receipt, "confirm", 200).await;
        let page = open(&finance, &format!("{DESK}?state=confirmed")).await;
        assert!(page.body.contains(&action) && page.body.contains("撤销确认"), "{}", page.body);
        let mended = send(&finance, &path, &[("reason", " ")]).await;
        assert_eq!(mended.status, 422);
        assert!(mended.body.contains("role=\"alert\"") && mended.body.contains(&action), "{}", mended.body);
        assert_eq!(send(&finance, &path, &[("reason", "登记错了")]).await.status, 303);
        let page = open(&finance, &format!("{DESK}?state=reversed")).await;
        assert!(page.body.contains("撤销确认原因：登记错了") && !page.body.contains(&action), "{}", page.body);
        // The merchant sees why, and both journals lead to each other.
        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let bill = open(&owner, &format!("/console/merchant/money/bills/{invoice}")).await;
        assert!(bill.body.contains("撤销确认原因：登记错了") && bill.body.contains("已撤销"), "{}", bill.body);
        let paid = stage.journal(&invoice, "invoice.paid").await;
        let (paid, back) = (paid["id"].as_str().unwrap(), paid["reversed_by_id"].as_str().unwrap());
        let journals = "/console/merchant/money/journals";
        for (own, word, other) in [(paid, "冲销凭证", back), (back, "被冲销凭证", paid)] {
            let page = open(&owner, &format!("{journals}/{own}")).await;
            assert!(page.body.contains(word) && page.body.contains(&format!("/journals/{other}\"")), "{}", page.body);
            // The provider's staff go the same way, in the books of its merchants.
            let books = format!("/books/merchants/{}/journals", id_of(stage.merchant.tenant()));
            let page = open(&finance, &format!("/console/provider{books}/{own}")).await;
            assert!(page.body.contains(word) && page.body.contains(&format!("{books}/{other}\"")), "{}", page.body);
        }
        // Another provider's staff find nothing there.
        let stranger = stage.app.provider("乙服务商").await;
        let stranger = stage.app.visitor(&stranger, Role::ProviderFinance).await;
        assert_eq!(send(&stranger, &path, &[("reason", "x")]).await.status, 404);
        stage.stop().await;
    }
}
