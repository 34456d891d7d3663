//! Says which PostgreSQL this run uses, and checks that it is set up as production is.

use qianpu_tests::left_out::announce;
use qianpu_tests::{deadline, postgres, sql_lint};
use sea_orm::ConnectionTrait;

#[test]
fn postgres_available() {
    match postgres::server() {
        Ok(server) => announce(&format!("PostgreSQL for this run: {}", server.origin)),
        Err(reason) => qianpu_tests::left_out::no_postgres("postgres_available", reason),
    }
}

/// The guard of the SQL rules is worth nothing when the statements are not in the log.
#[tokio::test]
async fn the_applications_statements_are_logged() {
    let test = "postgres_available::the_applications_statements_are_logged";
    let Some(db) = qianpu_tests::TestDb::postgres(test).await else { return };
    let Some(log) = postgres::server().unwrap().sql_log.clone() else {
        announce("SQL LOG: not collected from a server that this suite did not start");
        return;
    };
    let app = postgres::connect(&format!("{}?application_name=qianpu", db.url())).await.unwrap();
    let statement = "SELECT 1 AS one, 'a statement to be found'";
    app.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, statement))
        .await
        .unwrap();
    deadline::until("the statement in the log", || async {
        let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
        sql_lint::statements(&text).contains_key(statement).then_some(())
    })
    .await;
}
