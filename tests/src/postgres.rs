//! PostgreSQL for tests: one server per test process, one migrated template, one database per test.
//!
//! Where the server comes from, in this order:
//! 1. `QIANPU_TEST_DATABASE_URL`: a superuser's URL on a server where databases and roles may be created;
//! 2. Docker, when an engine answers at once ([`crate::postgres_docker`]);
//! 3. the machine's own `initdb` and `postgres` ([`crate::postgres_local`]).
//!
//! With none of them the PostgreSQL half of the tests is left out, loudly ([`crate::left_out`]).
//!
//! Migrations run as `qianpu_owner`, which owns the databases; the application connects as `qianpu_app`, which owns
//! nothing, so that row-level security holds in every test as it does in production. The statements of `qianpu_app`
//! are logged; [`crate::sql_lint`] reads them afterwards.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

use crate::left_out;

pub const OWNER: &str = "qianpu_owner";
pub const APP: &str = "qianpu_app";
/// The password of both test roles; the server listens on loopback only and lives as long as the test run.
const ROLE_PASSWORD: &str = "qianpu-test";
/// Databases of runs that died are swept when they are older than this.
const STALE_SECONDS: u64 = 3 * 3600;

/// A server that was found or started.
pub struct Server {
    /// `user:password`, `host:port`, query — of the superuser.
    superuser: Address,
    /// The database every run may connect to.
    maintenance_db: String,
    template: String,
    /// The file holding the logged statements; none on a server that is not ours.
    pub sql_log: Option<PathBuf>,
    /// Said in the summary.
    pub origin: String,
}

/// What a way of getting a server must say about it.
pub(crate) struct Found {
    pub superuser_url: String,
    pub sql_log: Option<PathBuf>,
    pub origin: String,
}

#[derive(Clone)]
struct Address {
    credentials: String,
    host: String,
    query: String,
}

impl Address {
    /// Splits `postgres://user:password@host:port/db?query` and returns the database name as well.
    fn parse(url: &str) -> Result<(Address, String), String> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or("a PostgreSQL URL starts with postgres://")?;
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(a, b)| (a, b));
        let (authority, db) = rest.split_once('/').unwrap_or((rest, "postgres"));
        let (credentials, host) = authority.rsplit_once('@').unwrap_or(("postgres", authority));
        let db = if db.is_empty() { "postgres" } else { db };
        let address = Address { credentials: credentials.into(), host: host.into(), query: query.into() };
        Ok((address, db.to_owned()))
    }

    fn url(&self, credentials: &str, db: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("postgres://{credentials}@{}/{db}{mark}{}", self.host, self.query)
    }
}

/// The server of this process, started at the first call; the error says why there is none.
pub fn server() -> Result<&'static Server, &'static str> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    let found = SERVER.get_or_init(|| off_runtime(start())).as_ref().map_err(String::as_str);
    // Who names a server wants the tests on it: a wrong address is a failure, not a reason to leave tests out.
    assert!(
        found.is_ok() || given_url().is_none(),
        "QIANPU_TEST_DATABASE_URL: {}",
        found.err().unwrap_or_default()
    );
    found
}

async fn start() -> Result<Server, String> {
    left_out::forget_old_notes();
    let found = find().await?;
    let (superuser, maintenance_db) = Address::parse(&found.superuser_url)?;
    let mut server = Server {
        superuser,
        maintenance_db,
        template: String::new(),
        sql_log: found.sql_log,
        origin: found.origin,
    };
    server.template = server.prepare().await.map_err(|error| {
        format!("PostgreSQL from {} could not be prepared for tests: {error}", server.origin)
    })?;
    Ok(server)
}

fn given_url() -> Option<String> {
    std::env::var("QIANPU_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

async fn find() -> Result<Found, String> {
    if let Some(url) = given_url() {
        return Ok(Found {
            superuser_url: url,
            sql_log: None,
            origin: "QIANPU_TEST_DATABASE_URL".to_owned(),
        });
    }
    let docker = match crate::postgres_docker::start().await {
        Ok(found) => return Ok(found),
        Err(reason) => reason,
    };
    match crate::postgres_local::start().await {
        Ok(found) => Ok(found),
        Err(local) => Err(format!("QIANPU_TEST_DATABASE_URL is not set; Docker: {docker}; local: {local}")),
    }
}

impl Server {
    fn url_as(&self, role: &str, db: &str) -> String {
        self.superuser.url(&format!("{role}:{ROLE_PASSWORD}"), db)
    }

    fn superuser_url(&self, db: &str) -> String {
        self.superuser.url(&self.superuser.credentials, db)
    }

    /// Roles and the migrated template.
    async fn prepare(&self) -> Result<String, String> {
        let admin = connect(&self.superuser_url(&self.maintenance_db)).await.map_err(text)?;
        // Two test processes may prepare the same outside server at the same time.
        admin.execute_unprepared("SELECT pg_advisory_lock(7119071)").await.map_err(text)?;
        for role in [OWNER, APP] {
            let exists = admin
                .query_one_raw(sea_orm::Statement::from_string(
                    sea_orm::DbBackend::Postgres,
                    format!("SELECT 1 AS one FROM pg_roles WHERE rolname = '{role}'"),
                ))
                .await
                .map_err(text)?
                .is_some();
            let verb = if exists { "ALTER" } else { "CREATE" };
            execute(
                &admin,
                &format!("{verb} ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{ROLE_PASSWORD}'"),
            )
            .await?;
        }
        execute(&admin, &format!("ALTER ROLE {APP} SET log_statement = 'all'")).await?;
        sweep_stale(&admin).await?;
        let template = database_name("tmpl");
        execute(
            &admin,
            &format!("CREATE DATABASE {template} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8'"),
        )
        .await?;
        admin.close().await.map_err(text)?;

        let inside = connect(&self.superuser_url(&template)).await.map_err(text)?;
        for statement in bootstrap(&template) {
            execute(&inside, &statement).await?;
        }
        inside.close().await.map_err(text)?;
        qianpu_migrations::migrate(&self.url_as(OWNER, &template), Some(APP)).await.map_err(text)?;
        Ok(template)
    }

    /// A fresh database, copied from the template.
    pub async fn create_database(&'static self) -> PostgresDb {
        self.create_from(&self.template).await
    }

    /// A fresh database without tables, prepared as an operator prepares it.
    pub async fn create_empty_database(&'static self) -> PostgresDb {
        let db = self.create_from("template0").await;
        let inside = connect(&db.superuser_url()).await.expect("the test server answers");
        for statement in bootstrap(&db.name) {
            execute(&inside, &statement).await.expect("the database can be prepared");
        }
        inside.close().await.expect("the connection closes");
        db
    }

    async fn create_from(&'static self, template: &str) -> PostgresDb {
        let name = database_name("db");
        let admin =
            connect(&self.superuser_url(&self.maintenance_db)).await.expect("the test server answers");
        execute(&admin, &format!("CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}"))
            .await
            .expect("a database can be made from the template");
        execute(&admin, &format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC")).await.expect("revoke");
        execute(&admin, &format!("GRANT CONNECT ON DATABASE {name} TO {APP}")).await.expect("grant");
        admin.close().await.expect("the connection closes");
        PostgresDb { server: self, name }
    }
}

/// What an operator does once in a new database: nobody but the two roles comes in, and only the owner makes tables.
/// What the application may do with them is granted by the migration.
fn bootstrap(db: &str) -> Vec<String> {
    vec![
        format!("REVOKE ALL ON DATABASE {db} FROM PUBLIC"),
        format!("GRANT CONNECT ON DATABASE {db} TO {APP}"),
        "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned(),
        format!("GRANT ALL ON SCHEMA public TO {OWNER}"),
    ]
}

/// One test's database; dropped with the value.
pub struct PostgresDb {
    server: &'static Server,
    pub name: String,
}

impl PostgresDb {
    /// What the application connects with.
    pub fn app_url(&self) -> String {
        self.server.url_as(APP, &self.name)
    }

    /// What migrations connect with.
    pub fn owner_url(&self) -> String {
        self.server.url_as(OWNER, &self.name)
    }

    /// For looking into the catalogue.
    pub fn superuser_url(&self) -> String {
        self.server.superuser_url(&self.name)
    }
}

impl Drop for PostgresDb {
    fn drop(&mut self) {
        let url = self.server.superuser_url(&self.server.maintenance_db);
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = off_runtime(async move {
            let admin = connect(&url).await.map_err(text)?;
            execute(&admin, &statement).await
        });
        if let Err(error) = dropped {
            left_out::announce(&format!("test database {} stays behind: {error}", self.name));
        }
    }
}

/// A single connection; SQL is not logged on the client.
pub async fn connect(url: &str) -> Result<DatabaseConnection, sea_orm::DbErr> {
    let mut options = ConnectOptions::new(url);
    options.min_connections(1).max_connections(1).sqlx_logging(false);
    Database::connect(options).await
}

async fn execute(connection: &DatabaseConnection, statement: &str) -> Result<(), String> {
    connection
        .execute_unprepared(statement)
        .await
        .map(|_| ())
        .map_err(|error| format!("{error} in: {statement}"))
}

async fn sweep_stale(admin: &DatabaseConnection) -> Result<(), String> {
    let rows = admin
        .query_all_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            "SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'qianpu\\_test\\_%'",
        ))
        .await
        .map_err(text)?;
    for row in rows {
        let name: String = row.try_get("", "name").map_err(text)?;
        let made = name.split('_').nth(3).and_then(|part| u64::from_str_radix(part, 16).ok()).unwrap_or(0);
        if made + STALE_SECONDS < unix_seconds() {
            execute(admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        }
    }
    Ok(())
}

/// `qianpu_test_<what>_<unix seconds>_<process>_<number>`; the time lets a later run sweep it.
fn database_name(what: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("qianpu_test_{what}_{:x}_{}_{number}", unix_seconds(), std::process::id())
}

fn unix_seconds() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Runs a future to its end on a thread and runtime of its own, from inside or outside of another runtime.
pub(crate) fn off_runtime<T: Send + 'static>(
    future: impl std::future::Future<Output = T> + Send + 'static,
) -> T {
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(future)
    })
    .join()
    .expect("the work on the harness's own thread does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_credentials_host_and_query() {
        let (address, db) = Address::parse("postgres://u:p%40@127.0.0.1:5433/main?sslmode=disable").unwrap();
        assert_eq!(db, "main");
        assert_eq!(address.url("x:y", "other"), "postgres://x:y@127.0.0.1:5433/other?sslmode=disable");
        let (address, db) = Address::parse("postgresql://u@localhost").unwrap();
        assert_eq!((db.as_str(), address.credentials.as_str()), ("postgres", "u"));
    }
}
