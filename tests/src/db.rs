//! One fresh, migrated database per test, on either engine, and the macro that runs a test on both.

use std::future::Future;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use qianpu_tenants::clock::Clock;
use qianpu_tenants::db::{Db, DbConfig};

use crate::books;
use crate::left_out;
use crate::postgres::{self, PostgresDb};

/// A test that hangs is red, not silent.
const LONGEST_TEST: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// The database of one test; gone when the value is dropped.
pub struct TestDb {
    storage: Storage,
}

enum Storage {
    Sqlite { dir: tempfile::TempDir },
    Postgres(PostgresDb),
}

impl TestDb {
    pub fn backend(&self) -> Backend {
        match self.storage {
            Storage::Sqlite { .. } => Backend::Sqlite,
            Storage::Postgres(_) => Backend::Postgres,
        }
    }

    /// What the application's configuration gets: on PostgreSQL the role that owns nothing.
    pub fn url(&self) -> String {
        match &self.storage {
            Storage::Sqlite { dir } => sqlite_url(&dir.path().join("test.db")),
            Storage::Postgres(db) => db.app_url(),
        }
    }

    /// The role that owns the tables, for `migrate`.
    pub fn owner_url(&self) -> String {
        match &self.storage {
            Storage::Sqlite { .. } => self.url(),
            Storage::Postgres(db) => db.owner_url(),
        }
    }

    /// A role that sees everything, for looking past the application at what is stored.
    pub fn superuser_url(&self) -> String {
        match &self.storage {
            Storage::Sqlite { .. } => self.url(),
            Storage::Postgres(db) => db.superuser_url(),
        }
    }

    /// The application's database on top of it.
    pub async fn open(&self, clock: Clock) -> Db {
        let config = DbConfig::new(self.url(), 4);
        Db::connect(&config, clock).await.expect("the application connects to the test database")
    }

    pub async fn sqlite() -> TestDb {
        let dir = tempfile::Builder::new().prefix("qianpu-test-").tempdir().expect("a temporary directory");
        std::fs::copy(sqlite_template(), dir.path().join("test.db")).expect("the template can be copied");
        TestDb { storage: Storage::Sqlite { dir } }
    }

    /// A database on PostgreSQL; `None`, said loudly in the name of `test`, when there is no server.
    pub async fn postgres(test: &str) -> Option<TestDb> {
        match postgres::server() {
            Ok(server) => Some(TestDb { storage: Storage::Postgres(server.create_database().await) }),
            Err(reason) => {
                left_out::no_postgres(test, reason);
                None
            }
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let url = self.superuser_url();
        let broken = postgres::off_runtime(async move { books::broken_rules(&url).await });
        assert!(broken == Ok(Vec::new()), "the books at the end of the test: {broken:?}");
    }
}

fn sqlite_url(path: &std::path::Path) -> String {
    format!("sqlite://{}?mode=rwc", path.display())
}

/// Migrated once per process, then copied.
fn sqlite_template() -> PathBuf {
    static TEMPLATE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = TEMPLATE.get_or_init(|| {
        let dir = tempfile::Builder::new().prefix("qianpu-test-template-").tempdir().expect("a directory");
        let path = dir.path().join("template.db");
        let url = sqlite_url(&path);
        postgres::off_runtime(async move { qianpu_migrations::migrate(&url, None).await })
            .expect("the migrations run on SQLite");
        (dir, path)
    });
    path.clone()
}

/// Runs one test body on one engine; called by [`crate::both!`].
pub fn run<F, Fut>(backend: Backend, test: &str, body: F)
where
    F: FnOnce(TestDb) -> Fut,
    Fut: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the test");
    runtime.block_on(async {
        let db = match backend {
            Backend::Sqlite => TestDb::sqlite().await,
            Backend::Postgres => match TestDb::postgres(test).await {
                Some(db) => db,
                None => return,
            },
        };
        tokio::time::timeout(LONGEST_TEST, body(db))
            .await
            .unwrap_or_else(|_| panic!("{test} did not end within {LONGEST_TEST:?}"));
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
}

/// Makes two tests, `<name>::sqlite` and `<name>::postgres`, out of one async body.
///
/// ```text
/// both! {
///     /// Stock never goes below zero.
///     async fn stock_holds(db: TestDb) {
///         …
///     }
/// }
/// ```
#[macro_export]
macro_rules! both {
    () => {};
    ($(#[$meta:meta])* async fn $name:ident($db:ident: TestDb) $body:block $($rest:tt)*) => {
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($db: $crate::TestDb) $body

            #[test]
            fn sqlite() {
                $crate::db::run($crate::Backend::Sqlite, concat!(module_path!(), "::sqlite"), body);
            }

            #[test]
            fn postgres() {
                $crate::db::run($crate::Backend::Postgres, concat!(module_path!(), "::postgres"), body);
            }
        }
        $crate::both! { $($rest)* }
    };
}
