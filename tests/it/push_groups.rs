//! Pushes of one merchant that come while another of his is being stored: they are stored together, each once, and
//! what is wrong with one of them is nobody else's trouble.

use futures_util::future::join_all;
use qianpu_tenants::inbox::{NewInboxMessage, Stored, inbox_insert_all};
use qianpu_tenants::jobs::{NewJob, job_enqueue_all};
use qianpu_tests::push::{Push, Sender, push};
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage};
use qianpu_tests::{both, postgres};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, TransactionTrait,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

struct Account {
    url: String,
    sender: Sender,
}

impl Account {
    fn of(account: &Value) -> Account {
        let text = |name: &str| account[name].as_str().unwrap().to_owned();
        Account { url: text("hook_url"), sender: Sender::now(PUSH_TOKEN, AES_KEY, &text("external_id")) }
    }

    /// That an order was paid. The sender's name is part of what a push is known by.
    fn paid(&self, order: u32, from: &str) -> Push {
        let message = json!({ "ToUserName": "gh_1", "FromUserName": from, "CreateTime": 1_714_112_445, "MsgType": "event",
            "Event": "channels_ec_order_pay", "order_info": { "order_id": order, "pay_time": 1_714_112_400 } });
        self.sender.json(&message.to_string())
    }
}

/// Orders whose push is stored, with the moment that all of one transaction have.
async fn stored(catalogue: &DatabaseConnection) -> BTreeMap<String, i64> {
    let sql = "SELECT subject, received_at, tenant_id FROM inbox_messages WHERE kind = 'order.paid'";
    let statement = Statement::from_string(catalogue.get_database_backend(), sql);
    let rows = catalogue.query_all_raw(statement).await.unwrap();
    let found: BTreeMap<_, _> =
        rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect();
    assert_eq!(found.len(), rows.len(), "each is there once");
    found
}

async fn jobs(catalogue: &DatabaseConnection) -> i64 {
    let sql = "SELECT count(tenant_id) FROM jobs WHERE kind = 'order.sync'";
    let statement = Statement::from_string(catalogue.get_database_backend(), sql);
    catalogue.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Somebody for whom everybody waits who would store a push.
#[allow(clippy::disallowed_methods, reason = "a lock beside the application")]
async fn in_the_way(catalogue: &DatabaseConnection) -> DatabaseTransaction {
    let tx = catalogue.begin().await.unwrap();
    let lock = match catalogue.get_database_backend() {
        DbBackend::Postgres => "LOCK TABLE inbox_messages IN SHARE MODE",
        _ => "DELETE FROM inbox_messages WHERE 1 = 0",
    };
    tx.execute_unprepared(lock).await.unwrap();
    tx
}

/// Sends one push, then the others while that one waits, then lets them in; the answers in that order.
async fn wave(tx: DatabaseTransaction, pushes: Vec<(&Account, Push)>) -> Vec<(u16, String)> {
    let send = |(account, sent): (&Account, Push)| {
        let url = account.url.clone();
        tokio::spawn(async move {
            let answer = push(&url, &sent).await;
            (answer.status, answer.body)
        })
    };
    let mut answers = Vec::new();
    for (number, one) in pushes.into_iter().enumerate() {
        answers.push(send(one));
        if number == 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    tx.commit().await.unwrap();
    join_all(answers).await.into_iter().map(Result::unwrap).collect()
}

both! {
    async fn more_than_one_statement_takes_are_stored_in_several(db: TestDb) {
        let stage = Stage::start(db).await;
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        // Two of them have one key.
        let keys: Vec<String> = (0..1_201).map(|number| format!("key {}", number % 1_200)).collect();
        let message = |key| NewInboxMessage { owner: uuid::Uuid::nil(), dedup_key: key, kind: "order.paid", native_type: "",
            subject: key, payload: "{}" };
        let messages: Vec<NewInboxMessage> = keys.iter().map(|key| message(key)).collect();
        let jobs_of = |key: &String| NewJob { kind: "order.sync", dedup_key: Some(key.clone()), payload: json!({}),
            run_at: None, priority: 0 };
        let mut tx = stage.app.state.db.begin(&stage.merchant).await.unwrap();
        let became = inbox_insert_all(&mut tx, &messages).await.unwrap();
        let new = became.iter().filter(|one| matches!(one, Stored::New(_))).count();
        assert_eq!((became.len(), new), (1_201, 1_200));
        job_enqueue_all(&mut tx, keys.iter().map(jobs_of).collect()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((stored(&catalogue).await.len(), jobs(&catalogue).await), (1_200, 1_200));
        stage.stop().await;
    }

    async fn those_that_wait_are_stored_together_and_each_once(db: TestDb) {
        let stage = Stage::start(db).await;
        let accounts = [stage.direct_store("一号店").await, stage.direct_store("二号店").await];
        let [one, two] = accounts.each_ref().map(Account::of);
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        // Both are known, as accounts that push are.
        for (account, order) in [(&one, 1), (&two, 2)] {
            assert_eq!(push(&account.url, &account.paid(order, "o")).await.body, "success");
        }
        let tx = in_the_way(&catalogue).await;
        let mut pushes = vec![(&one, one.paid(10, "o"))];
        for order in 11..40 {
            let account = if order % 2 == 0 { &one } else { &two };
            pushes.push((account, account.paid(order, "o")));
        }
        // Twice in one wave, and once more what is stored already; the other account's push about the same order is another.
        pushes.push((&one, one.paid(12, "o")));
        pushes.push((&one, one.paid(1, "o")));
        let answers = wave(tx, pushes).await;
        assert!(answers.iter().all(|(status, body)| (*status, body.as_str()) == (200, "success")), "{answers:?}");
        let found = stored(&catalogue).await;
        assert_eq!((found.len(), jobs(&catalogue).await), (32, 32));
        let waited: BTreeSet<i64> = (11..40).map(|order| found[&order.to_string()]).collect();
        // On a busy machine some of them come when the way is free again.
        assert!(waited.len() <= 7, "29 pushes were stored by a transaction for several: {found:?}");
        assert!(!waited.contains(&found["10"]));
        for account in &accounts {
            let shown = stage.owner.get(&format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap()), 200).await;
            assert!(!shown.json("/health/last_push_at").is_null());
        }
        stage.stop().await;
    }

    async fn an_account_that_is_unlinked_meanwhile_takes_nothing_and_keeps_nobody_out(db: TestDb) {
        let stage = Stage::start(db).await;
        let accounts = [stage.direct_store("一号店").await, stage.direct_store("二号店").await];
        let [one, two] = accounts.each_ref().map(Account::of);
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        for (account, order) in [(&one, 1), (&two, 2)] {
            assert_eq!(push(&account.url, &account.paid(order, "o")).await.body, "success");
        }
        let tx = in_the_way(&catalogue).await;
        let gone = format!("UPDATE channel_accounts SET state = 'revoked' WHERE external_id = '{}'", two.sender.app_id);
        tx.execute_unprepared(&gone).await.unwrap();
        let answers = wave(tx, vec![(&one, one.paid(10, "o")), (&two, two.paid(11, "o")), (&one, one.paid(12, "o"))]).await;
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [200, 404, 200], "{answers:?}");
        assert_eq!(stored(&catalogue).await.into_keys().collect::<Vec<_>>(), ["1", "10", "12", "2"]);
        stage.stop().await;
    }

    /// What is wrong with one of them only shows when it is written.
    async fn a_push_that_cannot_be_stored_keeps_no_other_out(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = Account::of(&stage.direct_store("一号店").await);
        let catalogue = postgres::connect(&stage.app.db.superuser_url()).await.unwrap();
        assert_eq!(push(&account.url, &account.paid(1, "o")).await.body, "success");
        let refuses = match catalogue.get_database_backend() {
            DbBackend::Postgres => "ALTER TABLE inbox_messages ADD CONSTRAINT none_of_these CHECK (native_type <> 'wrong')",
            _ => {
                "CREATE TRIGGER none_of_these BEFORE INSERT ON inbox_messages WHEN NEW.native_type = 'wrong' \
                 BEGIN SELECT RAISE(ABORT, 'none of these'); END"
            }
        };
        catalogue.execute_unprepared(refuses).await.unwrap();
        let wrong = json!({ "ToUserName": "gh_1", "FromUserName": "o", "CreateTime": 1, "MsgType": "event", "Event": "wrong" });
        let tx = in_the_way(&catalogue).await;
        let mut pushes = vec![(&account, account.paid(10, "o"))];
        for order in 11..16 {
            pushes.push((&account, account.paid(order, "o")));
        }
        pushes.insert(3, (&account, account.sender.json(&wrong.to_string())));
        let answers = wave(tx, pushes).await;
        let refused: Vec<usize> = (0..answers.len()).filter(|at| answers[*at].0 != 200).collect();
        assert_eq!(refused, [3], "{answers:?}");
        assert_eq!((stored(&catalogue).await.len(), jobs(&catalogue).await), (7, 7));
        // And the next one is taken as ever.
        assert_eq!(push(&account.url, &account.paid(20, "o")).await.body, "success");
        stage.stop().await;
    }
}
