//! What the daily look finds in the books, until it is mended; and who looks after it.

use super::{Stage, id_of, stage};
use qianpu_api::app::money::daily;
use qianpu_domain::access::Role;
use qianpu_domain::ledger::flows::{
    PaidBy, PlacedOn, ReceivedAt, order_paid, payout_done, receipt_placed, receipt_unmatched, refund_done,
    refund_requested,
};
use qianpu_domain::ledger::{AccountCode as A, AccountRef, Journal, JournalBuilder};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::store::ledger::journal_post;
use qianpu_tests::{both, postgres};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

fn moved(
    code: &'static str,
    reference: &str,
    from: AccountRef,
    to: AccountRef,
    fen: i64,
    at: Timestamp,
) -> Journal {
    JournalBuilder::new(code, reference, at)
        .debit(from, Fen::new(fen))
        .credit(to, Fen::new(fen))
        .build()
        .unwrap()
}

fn accrued() -> AccountRef {
    AccountRef::owned(A::CommissionAccrued, "oln_1/promoter")
}

fn in_transit() -> AccountRef {
    AccountRef::owned(A::PayoutInTransit, "pay_1")
}

impl Stage {
    async fn book(&self, journals: &[Journal]) {
        let mut tx = self.app.state.db.begin(&self.merchant).await.unwrap();
        daily::ensure_in(&mut tx).await.unwrap();
        for journal in journals {
            journal_post(&mut tx, journal).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn findings(&self, state: &str) -> Vec<Value> {
        let found =
            self.finance.get(&format!("/api/v1/ledger/findings?state={state}"), 200).await.json("/items");
        found.as_array().unwrap().clone()
    }

    async fn kinds(&self, state: &str) -> Vec<(String, i64)> {
        let told = |row: &Value| {
            (row["kind"].as_str().unwrap().to_owned(), row["amount"]["amount"].as_i64().unwrap())
        };
        let mut kinds: Vec<_> = self.findings(state).await.iter().map(told).collect();
        kinds.sort();
        kinds
    }

    async fn page(&self, path: &str) -> String {
        let visitor = self.app.visitor(&self.provider, Role::ProviderFinance).await;
        let cookie = [("Cookie", visitor.cookie.as_str())];
        let answer = visitor.client.try_send(Method::GET, path, None, &cookie).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    async fn raw(&self, sql: &str) {
        let connection = postgres::connect(&self.app.db.superuser_url()).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }
}

fn known(kinds: &[(&str, i64)]) -> Vec<(String, i64)> {
    kinds.iter().map(|(kind, fen)| ((*kind).to_owned(), *fen)).collect()
}

both! {
    async fn money_that_stays_is_found_until_it_is_moved(db: TestDb) {
        let mut stage = stage(db).await;
        let at = stage.app.state.clock().now();
        let bank = || AccountRef::owned(A::Bank, "main");
        let escrow = || AccountRef::owned(A::PspEscrow, "wechat");
        let pending = || AccountRef::of(A::MerchantPending);
        stage.book(&[
            order_paid("ord_1", "wechat", Fen::new(20_000), at).unwrap(),
            moved("commission.accrued", "oln_1", pending(), accrued(), 1_280, at),
            moved("payout.requested", "pay_1", pending(), in_transit(), 700, at),
            refund_requested("afs_1", Fen::new(3_000), at).unwrap(),
            receipt_unmatched("rcp_1", &ReceivedAt::Bank("main".into()), Fen::new(900), at).unwrap(),
            moved("escrow.topped_up", "top_1", escrow(), bank(), 1_000, at),
        ]).await;
        assert_eq!(stage.findings("open").await, Vec::<Value>::new(), "nobody looked yet");

        stage.days_later(1).await;
        assert_eq!(stage.kinds("open").await, known(&[("negative_mirror", -100), ("unmatched", 900)]));
        stage.days_later(7).await;
        let expected = [("negative_mirror", -100), ("old_transit", 700), ("old_transit", 3_000), ("unmatched", 900)];
        assert_eq!(stage.kinds("open").await, known(&expected));
        // Seven days of the after-sale window and three more.
        stage.days_later(1).await;
        assert_eq!(stage.kinds("open").await, known(&expected), "nine days");
        stage.days_later(1).await;
        let old = [("negative_mirror", -100), ("old_commission", 1_280), ("old_transit", 700), ("old_transit", 3_000), ("unmatched", 900)];
        assert_eq!(stage.kinds("open").await, known(&old));
        let unmatched = stage.findings("open").await.into_iter().find(|row| row["kind"] == "unmatched").unwrap();
        assert_eq!((unmatched["first_seen_at"].as_str(), unmatched["last_seen_at"].as_str()),
            (Some("2026-03-03T02:00:00Z"), Some("2026-03-12T02:00:00Z")));
        assert_eq!((unmatched["severity"].as_str(), unmatched["account"].as_i64()), (Some("notice"), Some(2900)));

        // Mended, it is gone with the next look, and stands among those that were.
        let at = stage.app.state.clock().now();
        stage.book(&[
            receipt_placed("rcp_1/1", &PlacedOn::Wallet, Fen::new(900), at).unwrap(),
            payout_done("pay_1", &PaidBy::Escrow("wechat".into()), Fen::new(700), at).unwrap(),
            refund_done("afs_1", "wechat", Fen::new(3_000), at).unwrap(),
            moved("commission.reversed", "oln_1", accrued(), pending(), 1_280, at),
            moved("escrow.topped_up", "top_2", bank(), escrow(), 1_000, at),
        ]).await;
        assert_eq!(stage.kinds("open").await, known(&old), "nobody looked yet");
        stage.days_later(1).await;
        assert_eq!(stage.kinds("open").await, known(&[]));
        assert_eq!(stage.kinds("resolved").await, known(&old));
        // It comes again: that is another finding.
        stage.book(&[receipt_unmatched("rcp_2", &ReceivedAt::Bank("main".into()), Fen::new(5), at).unwrap()]).await;
        stage.days_later(1).await;
        assert_eq!(stage.kinds("open").await, known(&[("unmatched", 5)]));
        assert_eq!(stage.findings("resolved").await.len(), 5);
        stage.stop().await;
    }

    async fn somebody_looks_after_a_finding(db: TestDb) {
        let mut stage = stage(db).await;
        let at = stage.app.state.clock().now();
        stage.book(&[receipt_unmatched("rcp_1", &ReceivedAt::Bank("main".into()), Fen::new(900), at).unwrap()]).await;
        stage.days_later(1).await;
        let home = stage.page("/console/provider").await;
        assert!(home.contains("账目核对待处理事项") && home.contains("/books/findings"), "{home}");
        let page = stage.page("/console/provider/books/findings").await;
        let merchant = id_of(stage.merchant.tenant());
        assert!(page.contains("收款待认领") && page.contains("无人负责") && page.contains("2900 待认领款"), "{page}");
        assert!(page.contains(&format!("/books/merchants/{merchant}/accounts/lac_")), "{page}");

        let id = stage.findings("open").await[0]["id"].as_str().unwrap().to_owned();
        let take = format!("/api/v1/ledger/findings/{id}/take");
        let nothing = stage.finance.post(&take, &json!({"note": " "}), 422).await;
        assert_eq!(nothing.text("/errors/0/field"), "note");
        stage.finance.post(&take, &json!({"note": "长".repeat(201)}), 422).await;
        let taken = stage.finance.post(&take, &json!({"note": "已联系商家"}), 200).await;
        assert_eq!((taken.text("/note"), taken.text("/taken_at")), ("已联系商家".into(), "2026-03-03T02:00:00Z".into()));
        assert!(!taken.text("/taken_by").is_empty());
        let page = stage.page(&format!("/console/provider/books/findings?merchant={merchant}")).await;
        assert!(page.contains("已联系商家") && !page.contains("无人负责"), "{page}");
        let entries = stage.owner.get("/api/v1/audit_entries", 200).await.body;
        assert!(entries.contains("ledger.finding_taken"), "{entries}");

        let other = stage.app.provider("乙服务商").await;
        let other = stage.app.person(&other, Role::ProviderFinance).await;
        assert_eq!(other.get("/api/v1/ledger/findings", 200).await.json("/items"), json!([]));
        other.post(&take, &json!({"note": "x"}), 404).await;
        stage.owner.post(&take, &json!({"note": "x"}), 403).await;
        stage.owner.get("/api/v1/ledger/findings", 403).await;

        let at = stage.app.state.clock().now();
        stage.book(&[receipt_placed("rcp_1/1", &PlacedOn::Wallet, Fen::new(900), at).unwrap()]).await;
        stage.days_later(1).await;
        let done = stage.finance.post(&take, &json!({"note": "太晚"}), 409).await;
        assert_eq!(done.code(), "conflict");
        let page = stage.page("/console/provider/books/findings?state=resolved").await;
        assert!(page.contains("收款待认领") && page.contains("已联系商家"), "{page}");
        stage.stop().await;
    }

    async fn books_in_disorder_are_an_error_until_they_are_mended(db: TestDb) {
        let mut stage = stage(db).await;
        let at = stage.app.state.clock().now();
        stage.book(&[order_paid("ord_1", "wechat", Fen::new(20_000), at).unwrap()]).await;
        stage.raw("UPDATE ledger_accounts SET balance_fen = balance_fen + 1 WHERE code = 2020").await;
        stage.days_later(1).await;
        assert_eq!(stage.kinds("open").await, known(&[("balance", 1), ("book", -1)]));
        assert!(stage.findings("open").await.iter().all(|row| row["severity"] == "error"));
        let jobs = stage.owner.get("/api/v1/jobs?state=dead", 200).await.body;
        assert!(jobs.contains("ledger.check"), "{jobs}");
        let trial = stage.page("/console/provider/books/findings").await;
        assert!(trial.contains("账簿借贷不平") && trial.contains("错误"), "{trial}");
        stage.raw("UPDATE ledger_accounts SET balance_fen = balance_fen - 1 WHERE code = 2020").await;
        stage.days_later(1).await;
        assert_eq!(stage.kinds("open").await, known(&[]));
        assert_eq!(stage.kinds("resolved").await, known(&[("balance", 1), ("book", -1)]));
        stage.stop().await;
    }
}
