//! Journals are chained: whoever changes what was booked past the application is found, also when everything still balances.

use super::{FEE, Stage, stage, yuan};
use crate::audit::as_owner_of_the_database;
use qianpu_api::app::money::{chain, daily};
use qianpu_domain::ledger::flows::order_paid;
use qianpu_domain::money::Fen;
use qianpu_tenants::chain::Fault;
use qianpu_tenants::store::ledger::journal_post;
use qianpu_tenants::store::ledger_check::Disorder;
use qianpu_tests::{both, postgres};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

/// The journal of a transfer, in SQL.
fn journal_of(receipt: &str) -> String {
    format!("(SELECT id FROM journals WHERE business_ref = '{receipt}')")
}

impl Stage {
    async fn number(&self, sql: &str) -> i64 {
        let connection = postgres::connect(&self.app.db.superuser_url()).await.unwrap();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        connection.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }
    async fn links(&self) -> i64 {
        self.number("SELECT count(*) FROM journal_links").await
    }
    async fn found(&self) -> Vec<Disorder> {
        daily::check(&self.app.state, &self.merchant).await.unwrap()
    }
    /// Where the chain breaks, when nothing else is out of order.
    async fn broken(&self) -> (i64, Fault) {
        match self.found().await.as_slice() {
            [Disorder::Chain { position, fault, .. }] => (*position, *fault),
            other => panic!("{other:?}"),
        }
    }
    pub(super) async fn top_up(&self, deposit: &str, fen: i64, reference: &str) -> String {
        let body = json!({"deposit_id": deposit, "amount": yuan(fen), "bank_reference": reference});
        let receipt = self.declare(&body, 201).await.text("/id");
        self.finance.post(&format!("/api/v1/receipts/{receipt}/confirm"), &json!({}), 200).await;
        receipt
    }
    async fn link(&self) {
        chain::watch(self.app.state.clone()).await.unwrap();
        self.app.run_jobs().await;
    }
    async fn book_order(&self, order: &str) {
        let mut tx = self.app.state.db.begin(&self.merchant).await.unwrap();
        let paid = order_paid(order, "wechat", Fen::new(12_800), tx.now()).unwrap();
        journal_post(&mut tx, &paid).await.unwrap();
        tx.commit().await.unwrap();
    }
}

both! {
    async fn what_was_booked_and_changed_is_found(db: TestDb) {
        let stage = stage(db).await;
        stage.subscribe(FEE).await;
        stage.app.run_jobs().await;
        stage.app.advance(1);
        let deposit = stage.shop(200_000).await;
        let receipt = stage.top_up(&deposit, 500, "r1").await;
        stage.app.advance(1);
        stage.top_up(&deposit, 700, "r2").await;
        assert_eq!(stage.links().await, 0, "nobody who books waits for it");
        stage.link().await;
        assert_eq!(stage.links().await, 3);
        assert_eq!(stage.found().await, []);
        // One that became visible late, with an earlier time and id than what is linked.
        stage.app.advance(-30);
        stage.book_order("ord_late").await;
        stage.app.advance(30);
        stage.link().await;
        let late = "SELECT position FROM journal_links WHERE journal_id = ";
        assert_eq!(stage.number(&format!("{late}{}", journal_of("ord_late"))).await, 4);
        stage.link().await;
        assert_eq!(stage.links().await, 4, "each once");

        // Everything that stands in a journal, its legs and the names of its accounts is in the chain.
        let journal = journal_of(&receipt);
        let end = format!("WHERE business_ref = '{receipt}'");
        let legs = format!("WHERE journal_id = {journal}");
        let account = format!("WHERE code = 2100 AND id IN (SELECT account_id FROM ledger_entries {legs})");
        for (change, back) in [
            (format!("UPDATE journals SET effective_at = effective_at + 1 {end}"), format!("UPDATE journals SET effective_at = effective_at - 1 {end}")),
            (format!("UPDATE journals SET actor_id = actor_id || '0' {end}"), format!("UPDATE journals SET actor_id = substr(actor_id, 1, length(actor_id) - 1) {end}")),
            (format!("UPDATE ledger_entries SET created_at = created_at + 1 {legs}"), format!("UPDATE ledger_entries SET created_at = created_at - 1 {legs}")),
            (format!("UPDATE ledger_accounts SET owner_key = owner_key || '0' {account}"), format!("UPDATE ledger_accounts SET owner_key = substr(owner_key, 1, length(owner_key) - 1) {account}")),
        ] {
            as_owner_of_the_database(&stage.app, &change).await;
            assert_eq!(stage.broken().await, (2, Fault::RowChanged), "{change}");
            as_owner_of_the_database(&stage.app, &back).await;
            assert_eq!(stage.found().await, [], "{back}");
        }
        as_owner_of_the_database(&stage.app, "UPDATE journal_links SET hash = 'x' WHERE position = 3").await;
        assert_eq!(stage.broken().await, (3, Fault::RowChanged));
        // What is linked is made anew, as after coming back from an archive.
        as_owner_of_the_database(&stage.app, "DELETE FROM journal_links").await;
        assert_eq!(stage.found().await, []);
        assert_eq!(stage.links().await, 4);

        // A forger who keeps everything in balance: only the chain tells.
        let more = |fen: i64| [
            format!(
                "UPDATE ledger_entries SET amount_fen = amount_fen + {fen}, \
                 before_fen = before_fen + CASE leg_no WHEN 1 THEN 0 ELSE {fen} END, \
                 after_fen = after_fen + CASE leg_no WHEN 1 THEN {fen} ELSE 0 END {legs}"
            ),
            format!("UPDATE ledger_accounts SET balance_fen = balance_fen + {fen} WHERE id IN (SELECT account_id FROM ledger_entries {legs})"),
        ];
        let place = stage.number(&format!("SELECT position FROM journal_links WHERE journal_id = {journal}")).await;
        for statement in more(100) {
            as_owner_of_the_database(&stage.app, &statement).await;
        }
        assert_eq!(stage.broken().await, (place, Fault::RowChanged));
        for statement in more(-100) {
            as_owner_of_the_database(&stage.app, &statement).await;
        }
        assert_eq!(stage.found().await, []);
        stage.app.stop().await;
    }

    async fn what_was_booked_and_removed_is_found(db: TestDb) {
        let mut stage = stage(db).await;
        let deposit = stage.shop(200_000).await;
        stage.top_up(&deposit, 500, "r1").await;
        stage.app.advance(1);
        let receipt = stage.top_up(&deposit, 700, "r2").await;
        stage.link().await;
        assert_eq!((stage.links().await, stage.found().await), (2, Vec::new()));
        // With all that it moved, so that everything balances.
        let journal = journal_of(&receipt);
        let legs = format!("WHERE journal_id = {journal}");
        for statement in [
            format!("DELETE FROM ledger_pending WHERE entry_id IN (SELECT id FROM ledger_entries {legs})"),
            "UPDATE ledger_accounts SET balance_fen = balance_fen - 700 WHERE code = 2100".to_owned(),
            format!("DELETE FROM ledger_entries {legs}"),
            format!("DELETE FROM journals WHERE business_ref = '{receipt}'"),
        ] {
            as_owner_of_the_database(&stage.app, &statement).await;
        }
        assert_eq!(stage.broken().await, (2, Fault::RowMissing));
        // Its link too, with one after it.
        stage.book_order("ord_1").await;
        stage.link().await;
        as_owner_of_the_database(&stage.app, "DELETE FROM journal_links WHERE position = 2").await;
        assert_eq!(stage.broken().await, (2, Fault::LinkMissing));
        // The daily check lays its job aside, and the log says what was found.
        stage.days_later(1).await;
        let jobs = stage.owner.get("/api/v1/jobs?state=dead", 200).await;
        assert_eq!(jobs.text("/items/0/kind"), "ledger.check", "{}", jobs.body);
        let log = stage.owner.get("/api/v1/audit_entries?action=ledger.disorder", 200).await;
        assert!(log.body.contains("Chain") && log.body.contains("LinkMissing"), "{}", log.body);
        stage.app.stop().await;
    }
}
