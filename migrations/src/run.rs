//! Running migrations: under an advisory lock on PostgreSQL, then granting the application role.

use crate::{
    Table, m0001_core, m0002_onboarding, m0003_catalogue, m0004_channels, m0005_orders, m0006_money,
    m0007_supervision, m0008_people, m0009_roles, m0010_sign_in, m0011_machines, m0012_webhooks,
    m0013_tenancy, m0013b_white_label, m0014_buyers, m0015_whole, m0016_audit, m0017_hosts, m0020_scores,
    m0021_aftersale, m0022_followers, m0023_drift, m0024_reach, m0025_articles, m0026_live,
    m0027_listing_rules, m0027b_listing_runs, m0028_order_desk, m0029_phases, m0030_promotions,
    m0030b_coupons, m0031_shop_desk, m0032_fans, m0032b_notices, m0033_qualifications, m0034_disputes,
    m0035_listing_brands, m0036_ledger_entries, m0037_reversals, m0038_journal_links, m0039_ledger_findings,
    m0040_usage, m0041_deposit_cases, m0043_plan_changes, tables,
};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};

/// The list of migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_core::Migration),
            Box::new(m0002_onboarding::Migration),
            Box::new(m0003_catalogue::Migration),
            Box::new(m0004_channels::Migration),
            Box::new(m0005_orders::Migration),
            Box::new(m0006_money::Migration),
            Box::new(m0007_supervision::Migration),
            Box::new(m0008_people::Migration),
            Box::new(m0009_roles::Migration),
            Box::new(m0010_sign_in::Migration),
            Box::new(m0011_machines::Migration),
            Box::new(m0012_webhooks::Migration),
            Box::new(m0013_tenancy::Migration),
            Box::new(m0013b_white_label::Migration),
            Box::new(m0014_buyers::Migration),
            Box::new(m0015_whole::Migration),
            Box::new(m0016_audit::Migration),
            Box::new(m0017_hosts::Migration),
            Box::new(m0020_scores::Migration),
            Box::new(m0021_aftersale::Migration),
            Box::new(m0022_followers::Migration),
            Box::new(m0023_drift::Migration),
            Box::new(m0024_reach::Migration),
            Box::new(m0025_articles::Migration),
            Box::new(m0026_live::Migration),
            Box::new(m0027_listing_rules::Migration),
            Box::new(m0027b_listing_runs::Migration),
            Box::new(m0028_order_desk::Migration),
            Box::new(m0029_phases::Migration),
            Box::new(m0030_promotions::Migration),
            Box::new(m0030b_coupons::Migration),
            Box::new(m0031_shop_desk::Migration),
            Box::new(m0032_fans::Migration),
            Box::new(m0032b_notices::Migration),
            Box::new(m0033_qualifications::Migration),
            Box::new(m0034_disputes::Migration),
            Box::new(m0035_listing_brands::Migration),
            Box::new(m0036_ledger_entries::Migration),
            Box::new(m0037_reversals::Migration),
            Box::new(m0038_journal_links::Migration),
            Box::new(m0039_ledger_findings::Migration),
            Box::new(m0040_usage::Migration),
            Box::new(m0041_deposit_cases::Migration),
            Box::new(m0043_plan_changes::Migration),
        ]
    }
}

/// The `Migration` of a file that makes the tables it declares and nothing else.
macro_rules! makes_its_tables {
    ($name:literal) => {
        pub(crate) struct Migration;

        impl sea_orm_migration::MigrationName for Migration {
            fn name(&self) -> &str {
                $name
            }
        }

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            async fn up(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm_migration::DbErr> {
                $crate::run::create(manager, &tables()).await
            }
            async fn down(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm_migration::DbErr> {
                $crate::run::drop(manager, &tables()).await
            }
        }
    };
}
pub(crate) use makes_its_tables;

/// Why a migration did not run.
#[derive(Debug)]
pub enum MigrateError {
    /// The database refused.
    Database(DbErr),
    /// The name of the application role is not a plain lower-case identifier.
    RoleName,
    /// The owner may not let the application role into the schema; PostgreSQL only warns of it.
    SchemaUsage(String),
    /// What was asked for is not allowed; why.
    Refused(String),
}

impl std::fmt::Display for MigrateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(error) => write!(f, "the migration failed: {error}"),
            Self::RoleName => f.write_str("the application role must be a lower-case identifier"),
            Self::Refused(why) => f.write_str(why),
            Self::SchemaUsage(role) => write!(
                f,
                "{role} may not use the schema, and this user cannot allow it; let the owner of the database run: \
                 GRANT USAGE ON SCHEMA public TO {role}"
            ),
        }
    }
}

impl std::error::Error for MigrateError {}

impl From<DbErr> for MigrateError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// Brings the database at `url` to the newest schema. On PostgreSQL `app_role` (a role that owns nothing) is
/// granted what the application needs; it must exist. Two runs at once wait for each other.
pub async fn migrate(url: &str, app_role: Option<&str>) -> Result<(), MigrateError> {
    let mut options = ConnectOptions::new(url);
    // One connection, so that the session's advisory lock covers every statement.
    options.max_connections(1).min_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    let outcome = migrate_locked(&connection, app_role).await;
    connection.close().await?;
    outcome
}

const LOCK: i64 = 0x5149_414e_5055;

async fn migrate_locked(connection: &DatabaseConnection, app_role: Option<&str>) -> Result<(), MigrateError> {
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    if postgres {
        connection.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    }
    Migrator::up(connection, None).await?;
    if let (true, Some(role)) = (postgres, app_role) {
        grant(connection, role).await?;
    }
    if postgres {
        connection.execute_unprepared(&format!("SELECT pg_advisory_unlock({LOCK})")).await?;
    }
    Ok(())
}

async fn grant(connection: &DatabaseConnection, role: &str) -> Result<(), MigrateError> {
    let plain = role.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || role.is_empty() || role.len() > 50 {
        return Err(MigrateError::RoleName);
    }
    connection.execute_unprepared(&format!("GRANT USAGE ON SCHEMA public TO {role}")).await?;
    let sql = format!("SELECT has_schema_privilege('{role}', 'public', 'USAGE') AS usage");
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    if !row.map(|row| row.try_get::<bool>("", "usage")).transpose()?.unwrap_or(false) {
        return Err(MigrateError::SchemaUsage(role.to_owned()));
    }
    let rights = tables().into_iter().flat_map(|table| table.grants(role));
    for statement in rights.chain(crate::purge::erasing(role)) {
        connection.execute_unprepared(&statement).await?;
    }
    // The application checks at start that the schema is the one it was built for.
    connection.execute_unprepared(&format!("GRANT SELECT ON seaql_migrations TO {role}")).await?;
    Ok(())
}

/// Creates `tables` in order.
pub(crate) async fn create(manager: &SchemaManager<'_>, tables: &[Table]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for table in tables {
        let statements = match manager.get_database_backend() {
            DbBackend::Postgres => table.postgres(),
            _ => table.sqlite(),
        };
        for statement in statements {
            connection.execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// Drops `tables` in reverse order.
pub(crate) async fn drop(manager: &SchemaManager<'_>, tables: &[Table]) -> Result<(), DbErr> {
    for table in tables.iter().rev() {
        manager.get_connection().execute_unprepared(&format!("DROP TABLE {}", table.name)).await?;
    }
    Ok(())
}

/// Runs a statement over rows of all tenants. On PostgreSQL row-level security holds for the owner too, and is forced again
/// afterwards.
pub(crate) async fn across_tenants(
    manager: &SchemaManager<'_>,
    sql: &str,
    tables: &[&str],
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    let forced = async |force: &str| {
        for table in tables.iter().filter(|_| postgres) {
            connection.execute_unprepared(&format!("ALTER TABLE {table} {force} ROW LEVEL SECURITY")).await?;
        }
        Ok::<_, DbErr>(())
    };
    forced("NO FORCE").await?;
    connection.execute_unprepared(sql).await?;
    forced("FORCE").await
}
