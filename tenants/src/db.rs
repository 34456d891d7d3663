//! The one door to the database: transactions that belong to somebody.
//!
//! On PostgreSQL each transaction sets `app.tenant_id` (or `app.provider_id`, `app.system`) with
//! `SET LOCAL` and a typed uuid in the text, because `set_config()` does not reach distributed workers and
//! `SET` takes no parameters; row-level security reads it. On SQLite writers take `BEGIN IMMEDIATE` one
//! after the other through a gate, so that "database is locked" cannot happen inside one process.

use crate::clock::Clock;
use crate::context::{ProviderCtx, SystemCtx, TenantCtx};
use crate::db_error;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::time::Timestamp;
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, IsolationLevel, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// `sqlite://path?mode=rwc` or `postgres://…`.
    pub url: String,
    /// Size of the pool; opened at once and kept.
    pub max_connections: u32,
    /// A statement that takes longer ends with [`StoreError::Busy`]; on SQLite statements have no limit of their own.
    pub statement_timeout: Duration,
    /// So does one that waits longer for a lock, or on SQLite for another process that writes.
    pub lock_timeout: Duration,
}

impl DbConfig {
    /// With the limits of the default configuration.
    pub fn new(url: impl Into<String>, max_connections: u32) -> Self {
        Self {
            url: url.into(),
            max_connections,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
        }
    }
}

/// Which database this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// The embedded default.
    Sqlite,
    /// The truth for production.
    Postgres,
}

/// The pool, the clock and the write gate of SQLite. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: DatabaseConnection,
    clock: Clock,
    gate: Option<Arc<Mutex<()>>>,
    connections: u32,
}

/// A connection that was used a moment ago is not asked whether it still answers: that would double the way of a short
/// transaction.
const IDLE_UNTIL_TESTED: Duration = Duration::from_secs(5);

impl Db {
    /// Opens the pool. Call it on the main multi-thread runtime: a connection opened on a worker of the web
    /// server would live on that worker's reactor and stall with it.
    pub async fn connect(config: &DbConfig, clock: Clock) -> StoreResult<Self> {
        let sqlite = config.url.starts_with("sqlite:");
        let mut options = ConnectOptions::new(config.url.as_str());
        options
            .max_connections(config.max_connections)
            .min_connections(config.max_connections)
            .connect_timeout(Duration::from_secs(5))
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .sqlx_logging(false);
        let (statement, lock) = (config.statement_timeout, config.lock_timeout);
        if sqlite {
            options.map_sqlx_sqlite_opts(move |opts| {
                opts.pragma("journal_mode", "WAL")
                    .pragma("synchronous", "NORMAL")
                    .pragma("foreign_keys", "ON")
                    .busy_timeout(lock)
            });
        } else {
            options.test_before_acquire_if_idle_for(IDLE_UNTIL_TESTED);
            let limits = [("statement_timeout", statement), ("lock_timeout", lock)];
            let limits = limits.map(|(name, limit)| (name, limit.as_millis().to_string()));
            options
                .map_sqlx_postgres_opts(move |opts| opts.application_name("qianpu").options(limits.clone()));
        }
        let pool = Database::connect(options).await?;
        let gate = sqlite.then(|| Arc::new(Mutex::new(())));
        Ok(Self { pool, clock, gate, connections: config.max_connections })
    }

    /// Which database this is.
    pub fn backend(&self) -> Backend {
        match self.pool.get_database_backend() {
            DbBackend::Postgres => Backend::Postgres,
            _ => Backend::Sqlite,
        }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> StoreResult<()> {
        Ok(self.pool.ping().await?)
    }

    /// Closes the pool.
    pub async fn close(self) -> StoreResult<()> {
        Ok(self.pool.close().await?)
    }

    /// A writing transaction of one tenant. Dropping it rolls back.
    pub async fn begin(&self, ctx: &TenantCtx) -> StoreResult<TenantTx> {
        let (inner, gate) = self.open(true).await?;
        set(&inner, "app.tenant_id", ctx.tenant.0).await?;
        Ok(TenantTx { inner, ctx: ctx.clone(), now: self.clock.now(), _gate: gate })
    }

    /// A writing transaction in which a tenant's rows are removed for good, those of tables that are only added to
    /// among them. May take minutes.
    pub async fn begin_erasing(&self, ctx: &TenantCtx) -> StoreResult<TenantTx> {
        let tx = self.begin(ctx).await?;
        set(&tx.inner, "app.erasing", ctx.tenant.0).await?;
        if self.backend() == Backend::Postgres {
            tx.inner.execute_unprepared("SET LOCAL statement_timeout = '10min'").await?;
        }
        Ok(tx)
    }

    /// A reading transaction of one tenant.
    pub async fn read(&self, ctx: &TenantCtx) -> StoreResult<ReadTx> {
        let (inner, gate) = self.open(false).await?;
        set(&inner, "app.tenant_id", ctx.tenant.0).await?;
        Ok(ReadTx(TenantTx { inner, ctx: ctx.clone(), now: self.clock.now(), _gate: gate }))
    }

    /// A reading transaction of one tenant in which every statement sees the same moment, for copies.
    pub async fn snapshot(&self, ctx: &TenantCtx) -> StoreResult<ReadTx> {
        let (inner, gate) = self.open_as(false, Some(IsolationLevel::RepeatableRead)).await?;
        set(&inner, "app.tenant_id", ctx.tenant.0).await?;
        Ok(ReadTx(TenantTx { inner, ctx: ctx.clone(), now: self.clock.now(), _gate: gate }))
    }

    /// A reading transaction on the provider of this tenant: requirements, categories, plans, policies.
    pub async fn read_parent(&self, ctx: &TenantCtx) -> StoreResult<ReadTx> {
        let provider = ctx.provider.ok_or(StoreError::NotFound)?;
        let parent = TenantCtx {
            tenant: provider,
            kind: qianpu_domain::access::Surface::Provider,
            provider: Some(provider),
            ..ctx.clone()
        };
        self.read(&parent).await
    }

    /// A reading transaction across the merchants of one provider.
    pub async fn read_provider(&self, ctx: &ProviderCtx) -> StoreResult<ProviderTx> {
        let (inner, _) = self.open(false).await?;
        set(&inner, "app.provider_id", ctx.provider.0).await?;
        Ok(ProviderTx { inner, ctx: ctx.clone(), now: self.clock.now() })
    }

    /// A transaction of the installation itself: directory, registry, queues.
    pub async fn begin_system(&self, ctx: &SystemCtx) -> StoreResult<SystemTx> {
        let (inner, gate) = self.open(true).await?;
        if inner.get_database_backend() == DbBackend::Postgres {
            inner.execute_unprepared("SET LOCAL app.system = 'on'").await?;
        }
        Ok(SystemTx { inner, ctx: ctx.clone(), now: self.clock.now(), _gate: gate })
    }

    /// A short reading transaction of the installation itself: directory and registry look-ups.
    pub async fn begin_lookup(&self, ctx: &SystemCtx) -> StoreResult<SystemTx> {
        let (inner, gate) = self.open(false).await?;
        if inner.get_database_backend() == DbBackend::Postgres {
            inner.execute_unprepared("SET LOCAL app.system = 'on'").await?;
        }
        Ok(SystemTx { inner, ctx: ctx.clone(), now: self.clock.now(), _gate: gate })
    }

    async fn open(&self, write: bool) -> StoreResult<(DatabaseTransaction, Option<OwnedMutexGuard<()>>)> {
        self.open_as(write, None).await
    }

    #[allow(clippy::disallowed_methods, reason = "the one home of raw transactions")]
    async fn open_as(
        &self,
        write: bool,
        isolation: Option<IsolationLevel>,
    ) -> StoreResult<(DatabaseTransaction, Option<OwnedMutexGuard<()>>)> {
        let gate = match (&self.gate, write) {
            (Some(gate), true) => Some(gate.clone().lock_owned().await),
            _ => None,
        };
        let mode = if write { SqliteTransactionMode::Immediate } else { SqliteTransactionMode::Deferred };
        let options = TransactionOptions {
            // A transaction of SQLite sees one moment from its first read on, whatever is asked.
            isolation_level: isolation.filter(|_| self.gate.is_none()),
            access_mode: (!write && self.gate.is_none()).then_some(AccessMode::ReadOnly),
            sqlite_transaction_mode: self.gate.as_ref().map(|_| mode),
        };
        Ok((self.begin_on(options).await?, gate))
    }

    /// Begins on a connection that answers. That one was lost since it was last used shows only here, where nothing was
    /// done on it yet; the pool drops it.
    #[allow(clippy::disallowed_methods, reason = "the one home of raw transactions")]
    async fn begin_on(&self, options: TransactionOptions) -> StoreResult<DatabaseTransaction> {
        for _ in 0..self.connections {
            match self.pool.begin_with_options(options).await {
                Err(error) if db_error::is_lost(&error) => {}
                begun => return Ok(begun?),
            }
        }
        Ok(self.pool.begin_with_options(options).await?)
    }
}

async fn set(connection: &DatabaseTransaction, name: &str, id: Uuid) -> StoreResult<()> {
    if connection.get_database_backend() == DbBackend::Postgres {
        connection.execute_unprepared(&format!("SET LOCAL {name} = '{id}'")).await?;
    }
    Ok(())
}

/// A writing transaction of one tenant.
pub struct TenantTx {
    inner: DatabaseTransaction,
    ctx: TenantCtx,
    now: Timestamp,
    // Declared last: the gate opens after the transaction has ended.
    _gate: Option<OwnedMutexGuard<()>>,
}

impl TenantTx {
    /// Makes the changes durable.
    pub async fn commit(self) -> StoreResult<()> {
        crate::deadline::committing();
        self.inner.commit().await?;
        Ok(())
    }
    /// The moment of this transaction, the same for every row it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }
    /// For whom and by whom.
    pub fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }
    /// A new id.
    pub fn new_id(&self) -> Uuid {
        crate::random::id(self.now)
    }
    pub(crate) fn conn(&self) -> &DatabaseTransaction {
        &self.inner
    }
    pub(crate) fn tenant(&self) -> Uuid {
        self.ctx.tenant.0
    }
    /// The provider copy that rows carry for provider reports.
    pub(crate) fn provider(&self) -> StoreResult<Uuid> {
        self.ctx.provider.map(|id| id.0).ok_or(StoreError::Corrupt("a tenant without a provider"))
    }
}

/// A reading transaction of one tenant: the same stores, but only those that take `&TenantTx`.
pub struct ReadTx(TenantTx);

impl Deref for ReadTx {
    type Target = TenantTx;
    fn deref(&self) -> &TenantTx {
        &self.0
    }
}

/// A reading transaction across one provider's merchants.
pub struct ProviderTx {
    inner: DatabaseTransaction,
    ctx: ProviderCtx,
    now: Timestamp,
}

impl ProviderTx {
    /// The moment of this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }
    /// For whom.
    pub fn ctx(&self) -> &ProviderCtx {
        &self.ctx
    }
    pub(crate) fn conn(&self) -> &DatabaseTransaction {
        &self.inner
    }
    pub(crate) fn provider(&self) -> Uuid {
        self.ctx.provider.0
    }
}

/// A transaction of the installation itself.
pub struct SystemTx {
    inner: DatabaseTransaction,
    ctx: SystemCtx,
    now: Timestamp,
    _gate: Option<OwnedMutexGuard<()>>,
}

impl SystemTx {
    /// Makes the changes durable.
    pub async fn commit(self) -> StoreResult<()> {
        crate::deadline::committing();
        self.inner.commit().await?;
        Ok(())
    }
    /// The moment of this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }
    /// Which task.
    pub fn ctx(&self) -> &SystemCtx {
        &self.ctx
    }
    pub(crate) fn conn(&self) -> &DatabaseTransaction {
        &self.inner
    }
}
