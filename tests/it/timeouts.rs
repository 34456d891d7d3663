//! What takes too long: a request is stopped whole, its claim of an idempotency key let go, and a statement that waits for
//! somebody else's lock ends; both are told as what may be tried again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use qianpu_domain::time::Timestamp;
use qianpu_tenants::clock::Clock;
use qianpu_tests::app::{BEGIN, TestApp};
use qianpu_tests::goods::Goods;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::program::Program;
use qianpu_tests::{Backend, TestDb, both, postgres, rows};
use reqwest::Method;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;

/// Somebody else at the database who does not let go of the stock.
struct Lock(DatabaseConnection);

impl Lock {
    async fn take(db: &TestDb) -> Lock {
        let connection = postgres::connect(&db.superuser_url()).await.expect("the database answers");
        let statements: &[&str] = match db.backend() {
            Backend::Postgres => &["BEGIN", "LOCK TABLE stocks IN EXCLUSIVE MODE"],
            Backend::Sqlite => &["BEGIN IMMEDIATE"],
        };
        for statement in statements {
            connection.execute_unprepared(statement).await.expect("the lock can be taken");
        }
        Lock(connection)
    }

    async fn release(self) {
        self.0.execute_unprepared("ROLLBACK").await.expect("the lock is let go");
        self.0.close().await.expect("the connection closes");
    }
}

async fn adjust(client: &Client, sku: &str, key: &str) -> Answer {
    let body = json!({ "change": 1, "note": "补货" });
    let path = format!("/api/v1/stock/{sku}/adjust");
    client.try_send(Method::POST, &path, Some(&body), &[("Idempotency-Key", key)]).await
}

async fn on_hand(client: &Client, sku: &str) -> i64 {
    client.get(&format!("/api/v1/stock/{sku}"), 200).await.number("/stock/on_hand")
}

both! {
    async fn a_request_that_takes_too_long_is_stopped_whole(db: TestDb) {
        let settings = [("QIANPU__HTTP__ANSWER_TIMEOUT_SECONDS", "1")];
        let clock = Clock::fixed(Timestamp::from_seconds(BEGIN));
        let goods = Goods::start_on(TestApp::start_with(db, clock, &settings).await).await;
        let product = goods.on_sale(&Goods::simple("明前龙井", 12_800, 10)).await;
        let sku = product["skus"][0]["id"].as_str().unwrap();
        let before = rows::stored(&goods.app.db, None).await;

        let lock = Lock::take(&goods.app.db).await;
        let started = Instant::now();
        let stopped = adjust(&goods.owner, sku, "one").await;
        assert_eq!((stopped.status, stopped.code()), (503, "timed_out".to_owned()), "{}", stopped.body);
        assert_eq!(stopped.headers["retry-after"], "5");
        assert_eq!(stopped.headers["content-type"], "application/problem+json");
        assert!(started.elapsed() < Duration::from_secs(8), "took {:?}", started.elapsed());
        // Whoever only reads is served meanwhile.
        assert_eq!(on_hand(&goods.owner, sku).await, 10);
        lock.release().await;
        rows::assert_unchanged(&before, &rows::stored(&goods.app.db, None).await, "after a stopped command");

        // Neither the effect nor the claim of the key is there: the same command is carried out now, and once. The
        // database may still be busy with giving up.
        let begun = Instant::now();
        let done = loop {
            let again = adjust(&goods.owner, sku, "one").await;
            if again.status != 503 || begun.elapsed() > Duration::from_secs(30) {
                break again;
            }
        };
        assert_eq!((done.status, done.headers.contains_key("idempotency-replayed")), (200, false), "{}", done.body);
        let replayed = adjust(&goods.owner, sku, "one").await;
        assert_eq!((replayed.status, replayed.headers.contains_key("idempotency-replayed")), (200, true));
        assert_eq!(on_hand(&goods.owner, sku).await, 11);
        goods.app.stop().await;
    }

    async fn a_statement_that_waits_for_a_lock_ends_and_may_be_tried_again(db: TestDb) {
        let goods = Goods::start_on(TestApp::start_with(db, Clock::ahead(), &[]).await).await;
        let product = goods.on_sale(&Goods::simple("明前龙井", 12_800, 10)).await;
        let sku = product["skus"][0]["id"].as_str().unwrap();
        let limits: &[(&str, &str)] = match goods.app.db.backend() {
            Backend::Postgres => &[("1", "30"), ("30", "1")],
            Backend::Sqlite => &[("30", "1")],
        };
        let mut expected = 10;
        for (statement, lock) in limits {
            let settings = [
                ("QIANPU__DATABASE__STATEMENT_TIMEOUT_SECONDS", *statement),
                ("QIANPU__DATABASE__LOCK_TIMEOUT_SECONDS", *lock),
            ];
            let arguments = "serve --no-jobs";
            let entry = "crash::program";
            let process = Program::serve_logging(&goods.app, entry, arguments, &settings, Stdio::null()).await;
            let client = process.client_of(&goods.owner);
            let held = Lock::take(&goods.app.db).await;
            let started = Instant::now();
            let busy = adjust(&client, sku, statement).await;
            assert_eq!((busy.status, busy.code()), (503, "unavailable".to_owned()), "{}", busy.body);
            assert!(busy.headers.contains_key("retry-after"));
            assert!(started.elapsed() < Duration::from_secs(15), "took {:?}", started.elapsed());
            held.release().await;
            let done = adjust(&client, sku, statement).await;
            assert_eq!((done.status, done.headers.contains_key("idempotency-replayed")), (200, false), "{}", done.body);
            expected += 1;
            assert_eq!(on_hand(&client, sku).await, expected);
        }
        goods.app.stop().await;
    }
}
