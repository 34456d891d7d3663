//! Entries of before m0036 are taken over with their sums, and given back; so are receipts of before m0037, which know one
//! state less.

use qianpu_migrations::{Migrator, MigratorTrait};
use qianpu_tests::{left_out, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Steps up to and with m0035.
fn before() -> u32 {
    let at = Migrator::migrations().iter().position(|one| one.name() == "m0036_ledger_entries").unwrap();
    u32::try_from(at).unwrap()
}

async fn numbers(connection: &DatabaseConnection, sql: &str) -> Vec<Vec<i64>> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| (0..row.column_names().len()).map(|at| row.try_get_by_index(at).unwrap()).collect())
        .collect()
}

async fn takes_over(owner: &str, superuser: &str) {
    let connection = postgres::connect(owner).await.unwrap();
    Migrator::up(&connection, Some(before())).await.unwrap();
    connection.close().await.unwrap();
    let connection = postgres::connect(superuser).await.unwrap();
    let backend = connection.get_database_backend();
    let id = |number: u8| match backend {
        DbBackend::Postgres => format!("'{}'", uuid::Uuid::from_u128(u128::from(number))),
        _ => format!("x'{}'", uuid::Uuid::from_u128(u128::from(number)).simple()),
    };
    let (tenant, provider) = (id(1), id(2));
    let columns = "tenant_id, kind, name, state, locale, zone, version, created_at, updated_at";
    let mut statements = vec![format!(
        "INSERT INTO tenants ({columns}) VALUES ({tenant}, 'merchant', 'x', 'active', 'zh', 'Asia/Shanghai', 1, 0, 0)"
    )];
    for (account, code, side) in [(3, 1030, "debit"), (4, 2020, "credit"), (5, 2010, "credit")] {
        statements.push(format!(
            "INSERT INTO ledger_accounts VALUES ({tenant}, {}, {provider}, 'CNY', {code}, '', '{side}', 'none', 'open', \
             0, 1, 0, 0)",
            id(account)
        ));
    }
    for journal in [10, 20] {
        statements.push(format!(
            "INSERT INTO journals VALUES ({tenant}, {}, {provider}, 'CNY', 'x', '{journal}', '', NULL, 'system', '', 0, 0)",
            id(journal)
        ));
    }
    for (entry, journal, leg, account, side, fen) in [
        (11, 10, 0, 3, "debit", 100),
        (12, 10, 1, 4, "credit", 60),
        (13, 10, 2, 5, "credit", 40),
        (21, 20, 0, 4, "debit", 7),
        (22, 20, 1, 3, "credit", 7),
    ] {
        statements.push(format!(
            "INSERT INTO entries VALUES ({tenant}, {}, {provider}, {}, {leg}, {}, '{side}', {fen}, {fen}, 5)",
            id(entry),
            id(journal),
            id(account)
        ));
    }
    let receipt = |number: u8, reference: &str, state: &str| {
        format!(
            "INSERT INTO receipts (tenant_id, id, provider_id, purpose, amount_fen, bank_reference, state, declared_by, \
             version, created_at, updated_at) VALUES ({tenant}, {}, {provider}, 'invoice', {number}, '{reference}', \
             '{state}', 'x', 1, 0, 0)",
            id(number)
        )
    };
    statements.extend([receipt(31, "r1", "confirmed"), receipt(32, "r2", "declared")]);
    for statement in statements {
        connection
            .execute_unprepared(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error} in {statement}"));
    }
    let old = "SELECT leg_no, amount_fen, balance_after_fen, created_at FROM entries ORDER BY id";
    let there = numbers(&connection, old).await;
    assert_eq!(there.len(), 5);
    connection.close().await.unwrap();

    let connection = postgres::connect(owner).await.unwrap();
    Migrator::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    let connection = postgres::connect(superuser).await.unwrap();
    let taken = numbers(
        &connection,
        "SELECT leg_no, next_leg_no, before_fen, after_fen, amount_fen, balance_after_fen, created_at \
         FROM ledger_entries ORDER BY id",
    );
    assert_eq!(
        taken.await,
        [
            [1, 2, 0, 100, 100, 100, 5],
            [2, 3, 100, 40, 60, 60, 5],
            [3, 1, 40, 0, 40, 40, 5],
            [1, 2, 0, 7, 7, 7, 5],
            [2, 1, 7, 0, 7, 7, 5],
        ]
    );
    let receipts = "SELECT amount_fen, version, created_at FROM receipts ORDER BY id";
    assert_eq!(numbers(&connection, receipts).await, [[31, 1, 0], [32, 1, 0]]);
    // A transfer that counts keeps its bank reference to itself; one that was taken back lets go of it.
    connection.execute_unprepared(&receipt(33, "r1", "declared")).await.unwrap_err();
    let reversed = "UPDATE receipts SET state = 'reversed', reversed_at = 1 WHERE amount_fen = 31";
    connection.execute_unprepared(reversed).await.unwrap();
    connection.execute_unprepared(&receipt(33, "r1", "declared")).await.unwrap();
    connection.execute_unprepared("DELETE FROM receipts WHERE amount_fen = 33").await.unwrap();
    connection.close().await.unwrap();

    let connection = postgres::connect(owner).await.unwrap();
    let steps = u32::try_from(Migrator::migrations().len()).unwrap() - before();
    Migrator::down(&connection, Some(steps)).await.unwrap();
    connection.close().await.unwrap();
    let connection = postgres::connect(superuser).await.unwrap();
    assert_eq!(numbers(&connection, old).await, there);
    assert_eq!(numbers(&connection, receipts).await, [[31, 1, 0], [32, 1, 0]]);
    let refused = "SELECT amount_fen FROM receipts WHERE state = 'refused'";
    assert_eq!(numbers(&connection, refused).await, [[31]]);
    connection.execute_unprepared(&receipt(33, "r1", "declared")).await.unwrap_err();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn entries_are_taken_over_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("before.db").display());
    takes_over(&url, &url).await;
}

#[tokio::test]
async fn entries_are_taken_over_on_postgres() {
    let server = match postgres::server() {
        Ok(server) => server,
        Err(reason) => {
            return left_out::no_postgres("ledger::takeover::entries_are_taken_over_on_postgres", reason);
        }
    };
    let db = server.create_empty_database().await;
    takes_over(&db.owner_url(), &db.superuser_url()).await;
}
