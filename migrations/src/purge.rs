//! What stays of a deleted merchant until the law no longer wants it: removed by the owner of the database, because
//! the application's role may not.

use crate::{MigrateError, tables};
use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
};

/// Append-only tables that stay when a merchant is deleted, because the law wants them kept. The rows of every other
/// one go with it: the application's role may delete them in a transaction that erases, and in no other.
pub const KEPT_APPEND_ONLY: &[&str] = &[
    "audit_entries",
    "audit_links",
    "journals",
    "journal_links",
    "ledger_entries",
    "usage_events",
    "usage_lines",
    "credit_notes",
    "credit_note_lines",
];

/// Rights and policies that let the application's role erase a merchant: run after each migration.
pub(crate) fn erasing(role: &str) -> Vec<String> {
    const HELD: &str = "current_setting('app.erasing', true) = tenant_id::text";
    let mut statements = Vec::new();
    for table in tables().iter().filter(|table| table.append_only) {
        let name = table.name;
        statements.push(format!("DROP POLICY IF EXISTS erasing ON {name}"));
        if KEPT_APPEND_ONLY.contains(&name) {
            continue;
        }
        statements.push(format!("CREATE POLICY erasing ON {name} AS RESTRICTIVE FOR DELETE USING ({HELD})"));
        statements.push(format!("GRANT DELETE ON {name} TO {role}"));
    }
    // People's names are taken out of the log; nothing else of it can be changed.
    statements.push(format!(
        "CREATE POLICY erasing ON audit_entries AS RESTRICTIVE FOR UPDATE USING ({HELD}) WITH CHECK ({HELD})"
    ));
    statements.push(format!("GRANT UPDATE (actor_name) ON audit_entries TO {role}"));
    statements
}

/// Removes the rest of a merchant that was deleted and whose time is over; what was removed, by table.
///
/// `url` is that of the owner of the database, `merchant` the 32 hexadecimal digits of its id, `now` microseconds
/// since 1970.
pub async fn purge(url: &str, merchant: &str, now: i64) -> Result<Vec<(String, u64)>, MigrateError> {
    if merchant.len() != 32 || !merchant.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(MigrateError::Refused("a merchant's id has 32 hexadecimal digits".to_owned()));
    }
    let mut options = ConnectOptions::new(url);
    // One connection, so that the transaction covers every statement.
    options.max_connections(1).min_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    connection.execute_unprepared("BEGIN").await?;
    let outcome = purge_in(&connection, merchant, now).await;
    connection.execute_unprepared(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    connection.close().await?;
    outcome
}

async fn purge_in(
    connection: &DatabaseConnection,
    merchant: &str,
    now: i64,
) -> Result<Vec<(String, u64)>, MigrateError> {
    let backend = connection.get_database_backend();
    let id = match backend {
        DbBackend::Postgres => format!("'{merchant}'::uuid"),
        _ => format!("x'{merchant}'"),
    };
    if backend == DbBackend::Postgres {
        // Row-level security holds for the owner too.
        let own = format!(
            "SET LOCAL app.tenant_id = '{}-{}-{}-{}-{}'",
            &merchant[..8],
            &merchant[8..12],
            &merchant[12..16],
            &merchant[16..20],
            &merchant[20..]
        );
        connection.execute_unprepared(&own).await?;
        connection.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    let kept = keep_until(connection, &id).await?;
    match kept {
        None => {
            return Err(MigrateError::Refused("this merchant was not deleted; nothing is purged".to_owned()));
        }
        Some(until) if until > now => {
            let days = (until - now) / 86_400_000_000 + 1;
            return Err(MigrateError::Refused(format!(
                "its books are kept for {days} more days; nothing is purged"
            )));
        }
        Some(_) => {}
    }
    let mut removed = Vec::new();
    for table in tables().iter().rev() {
        let sql = format!("DELETE FROM {} WHERE tenant_id = {id}", table.name);
        let done = connection.execute_unprepared(&sql).await?;
        if done.rows_affected() > 0 {
            removed.push((table.name.to_owned(), done.rows_affected()));
        }
    }
    Ok(removed)
}

async fn keep_until(connection: &DatabaseConnection, id: &str) -> Result<Option<i64>, DbErr> {
    let sql =
        format!("SELECT keep_until FROM merchant_deletions WHERE tenant_id = {id} AND state = 'deleted'");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await?;
    row.map(|row| row.try_get::<Option<i64>>("", "keep_until")).transpose().map(Option::flatten)
}
