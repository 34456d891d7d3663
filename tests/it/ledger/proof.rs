//! The tables of the books refuse what does not balance, also from somebody who writes past the application: by keys and
//! checks alone, on both databases.

use super::{AT, merchant};
use qianpu_domain::ledger::flows::order_paid;
use qianpu_domain::money::Fen;
use qianpu_tenants::random;
use qianpu_tenants::store::ledger::{Posted, journal_post};
use qianpu_tests::{Backend, TestDb, both, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use uuid::Uuid;

/// A leg as it is written: number, next number, side, fen, sum before it, sum after it.
type Leg = (i64, i64, &'static str, i64, i64, i64);

const RING: [Leg; 3] =
    [(1, 2, "debit", 100, 0, 100), (2, 3, "credit", 60, 100, 40), (3, 1, "credit", 40, 40, 0)];

/// The books of a merchant, past the application.
struct Past {
    connection: DatabaseConnection,
    backend: Backend,
    tenant: Uuid,
    provider: Uuid,
    account: Uuid,
}

impl Past {
    async fn start(test_db: &TestDb) -> (Past, Uuid) {
        let (db, ctx) = merchant(test_db).await;
        let mut tx = db.begin(&ctx).await.unwrap();
        let paid = order_paid("ord_1", "wechat", Fen::new(100), AT).unwrap();
        let Posted::New(booked) = journal_post(&mut tx, &paid).await.unwrap() else {
            panic!("booked before")
        };
        tx.commit().await.unwrap();
        let connection = postgres::connect(&test_db.superuser_url()).await.unwrap();
        let mut past = Past {
            connection,
            backend: test_db.backend(),
            tenant: ctx.tenant().0,
            provider: ctx.provider().unwrap().0,
            account: Uuid::nil(),
        };
        let statement = Statement::from_string(
            past.connection.get_database_backend(),
            format!(
                "SELECT id FROM ledger_accounts WHERE code = 1030 AND tenant_id = {}",
                past.id(past.tenant)
            ),
        );
        past.account =
            past.connection.query_one_raw(statement).await.unwrap().unwrap().try_get("", "id").unwrap();
        (past, booked.0)
    }

    fn id(&self, id: Uuid) -> String {
        match self.backend {
            Backend::Postgres => format!("'{id}'"),
            Backend::Sqlite => format!("x'{}'", id.simple()),
        }
    }

    fn journal(&self, id: Uuid) -> String {
        let (tenant, provider) = (self.id(self.tenant), self.id(self.provider));
        format!(
            "INSERT INTO journals (tenant_id, id, provider_id, currency, code, business_ref, description, actor_kind, \
             actor_id, effective_at, recorded_at) VALUES ({tenant}, {}, {provider}, 'CNY', 'order.paid', '{id}', '', \
             'system', '', 0, 0)",
            self.id(id)
        )
    }

    /// One statement: keys are looked at when it ends.
    fn entries(&self, journal: Uuid, currency: &str, legs: &[Leg]) -> String {
        let (tenant, provider) = (self.id(self.tenant), self.id(self.provider));
        let row = |(no, next, side, amount, before, after): &Leg| {
            format!(
                "({tenant}, {}, {provider}, {}, {no}, {next}, '{currency}', {}, '{side}', {amount}, {before}, {after}, 0, 0)",
                self.id(random::id(AT)),
                self.id(journal),
                self.id(self.account)
            )
        };
        let rows: Vec<String> = legs.iter().map(row).collect();
        format!(
            "INSERT INTO ledger_entries (tenant_id, id, provider_id, journal_id, leg_no, next_leg_no, currency, \
             account_id, side, amount_fen, before_fen, after_fen, balance_after_fen, created_at) VALUES {}",
            rows.join(", ")
        )
    }

    /// Whether the statements can be committed together.
    async fn takes(&self, statements: &[String]) -> bool {
        self.connection.execute_unprepared("BEGIN").await.unwrap();
        for statement in statements {
            if self.connection.execute_unprepared(statement).await.is_err() {
                self.connection.execute_unprepared("ROLLBACK").await.unwrap();
                return false;
            }
        }
        let committed = self.connection.execute_unprepared("COMMIT").await.is_ok();
        if !committed && self.backend == Backend::Sqlite {
            self.connection.execute_unprepared("ROLLBACK").await.unwrap();
        }
        committed
    }

    /// Whether a new journal with these legs can be committed.
    async fn takes_legs(&self, legs: &[Leg]) -> bool {
        let journal = random::id(AT);
        self.takes(&[self.journal(journal), self.entries(journal, "CNY", legs)]).await
    }
}

both! {
    async fn only_a_journal_that_balances_can_be_committed(test_db: TestDb) {
        let (past, _) = Past::start(&test_db).await;
        assert!(past.takes_legs(&RING).await, "what balances is taken");
        let [first, second, third] = RING;
        assert!(past.takes_legs(&[third, first, second]).await, "in any order");
        let wrong: [(&str, &[Leg]); 11] = [
            ("a leg alone", &[(1, 1, "debit", 100, 0, 100)]),
            ("one fen less", &[first, second, (3, 1, "credit", 39, 40, 1)]),
            ("one fen more", &[first, second, (3, 1, "credit", 41, 40, -1)]),
            ("a sum that is none", &[first, second, (3, 1, "credit", 39, 40, 0)]),
            ("a beginning with something", &[(1, 2, "debit", 100, 1, 101), (2, 1, "credit", 101, 101, 0)]),
            ("no first leg", &[(2, 3, "debit", 100, 0, 100), (3, 1, "credit", 100, 100, 0)]),
            ("a leg that does not begin where the one before it ended", &[first, (2, 3, "credit", 61, 101, 40), third]),
            ("no last leg", &[first, second]),
            ("a leg past the last", &[first, second, third, (4, 5, "debit", 1, 0, 1)]),
            ("a second last leg", &[first, second, third, (4, 1, "debit", 1, -1, 0)]),
            ("nothing", &[(1, 2, "debit", 0, 0, 0), (2, 1, "credit", 0, 0, 0)]),
        ];
        for (what, legs) in wrong {
            assert!(!past.takes_legs(legs).await, "{what} is refused");
        }
        let most = 100_000_000_000_000;
        assert!(past.takes_legs(&[(1, 2, "debit", most, 0, most), (2, 1, "credit", most, most, 0)]).await);
        let more = most + 1;
        assert!(!past.takes_legs(&[(1, 2, "debit", more, 0, more), (2, 1, "credit", more, more, 0)]).await);
        // The books are looked at when this test is over: their balances know nothing of what was written past them.
        for table in ["ledger_entries", "journals"] {
            past.connection.execute_unprepared(&format!("DELETE FROM {table} WHERE tenant_id = {} AND \
                {} IN (SELECT id FROM journals WHERE recorded_at = 0)", past.id(past.tenant),
                if table == "journals" { "id" } else { "journal_id" })).await.unwrap();
        }
    }

    async fn nothing_can_be_added_to_a_journal_and_no_book_crossed(test_db: TestDb) {
        let (past, booked) = Past::start(&test_db).await;
        for legs in [
            &[(3, 4, "debit", 1, 0, 1), (4, 1, "credit", 1, 1, 0)][..],
            &[(3, 1, "debit", 1, -1, 0)],
            &[(1, 2, "debit", 100, 0, 100)],
        ] {
            assert!(!past.takes(&[past.entries(booked, "CNY", legs)]).await, "{legs:?}");
        }
        let journal = random::id(AT);
        let other_book = [past.journal(journal), past.entries(journal, "USD", &RING)];
        assert!(!past.takes(&other_book).await, "a leg in another currency than its journal and its account");
    }
}
