//! Bringing a database up: from nothing, twice at once, and again.

use qianpu_tests::{left_out, postgres};
use sea_orm::ConnectionTrait;

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_wait_for_each_other() {
    let server = match postgres::server() {
        Ok(server) => server,
        Err(reason) => return left_out::no_postgres("migrations::two_runs_at_once", reason),
    };
    let db = server.create_empty_database().await;
    let run = || {
        let url = db.owner_url();
        tokio::spawn(async move { qianpu_migrations::migrate(&url, Some(postgres::APP)).await })
    };
    let (first, second, third) = (run(), run(), run());
    for outcome in [first.await, second.await, third.await] {
        outcome.unwrap().unwrap();
    }
    qianpu_migrations::migrate(&db.owner_url(), Some(postgres::APP)).await.unwrap();

    // What the application does first: it may read the tables, and which version they have.
    let app = postgres::connect(&db.app_url()).await.unwrap();
    for table in ["tenants", "seaql_migrations"] {
        app.execute_unprepared(&format!("SELECT count(*) FROM {table}")).await.unwrap();
    }
    app.close().await.unwrap();
}

/// An owner that may not pass on the use of the schema is told so: PostgreSQL would leave it at a warning, and the
/// application would find no tables. What the operator's page says to do is enough.
#[tokio::test]
async fn an_owner_without_the_grant_option_is_told() {
    let server = match postgres::server() {
        Ok(server) => server,
        Err(reason) => return left_out::no_postgres("migrations::an_owner_without_the_grant_option", reason),
    };
    let db = server.create_empty_database().await;
    let admin = postgres::connect(&db.superuser_url()).await.unwrap();
    for statement in ["ALTER DATABASE $db OWNER TO CURRENT_USER", "GRANT CONNECT ON DATABASE $db TO $owner"] {
        let statement = statement.replace("$db", &db.name).replace("$owner", postgres::OWNER);
        admin.execute_unprepared(&statement).await.unwrap();
    }
    let refused =
        qianpu_migrations::migrate(&db.owner_url(), Some(postgres::APP)).await.unwrap_err().to_string();
    assert!(refused.contains("GRANT USAGE ON SCHEMA public"), "{refused}");
    let grant = format!("GRANT ALL ON SCHEMA public TO {} WITH GRANT OPTION", postgres::OWNER);
    admin.execute_unprepared(&grant).await.unwrap();
    qianpu_migrations::migrate(&db.owner_url(), Some(postgres::APP)).await.unwrap();
    let app = postgres::connect(&db.app_url()).await.unwrap();
    app.execute_unprepared("SELECT count(*) FROM tenants").await.unwrap();
    app.close().await.unwrap();
    admin.close().await.unwrap();
}

/// A role name goes into the text of a statement; anything that is not a plain name is refused.
#[tokio::test]
async fn a_role_that_is_no_name_is_refused() {
    let server = match postgres::server() {
        Ok(server) => server,
        Err(reason) => return left_out::no_postgres("migrations::a_role_that_is_no_name", reason),
    };
    let db = server.create_empty_database().await;
    for role in ["", "app; DROP TABLE tenants", "\"app\"", "App"] {
        let refused = qianpu_migrations::migrate(&db.owner_url(), Some(role)).await;
        assert!(refused.is_err(), "{role:?} must be refused");
    }
}

#[tokio::test]
async fn the_embedded_database_is_brought_up_again_without_harm() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("again.db").display());
    for _ in 0..2 {
        qianpu_migrations::migrate(&url, None).await.unwrap();
    }
}
