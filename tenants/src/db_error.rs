//! The only mapping of database errors.

use crate::error::StoreError;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => return Self::Conflict("exists"),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => return Self::NotFound,
            _ => {}
        }
        match sql_state(&error).as_deref() {
            // serialization failure, deadlock, lock not available, statement timeout; SQLITE_BUSY, SQLITE_LOCKED
            Some("40001" | "40P01" | "55P03" | "57014" | "5" | "6" | "517" | "262") => {
                Self::Busy(error.to_string())
            }
            // check violation on PostgreSQL and SQLite
            Some("23514" | "275") => Self::Rule(error.to_string()),
            _ if matches!(error, DbErr::RecordNotUpdated) => Self::NotFound,
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// The SQLSTATE (PostgreSQL) or extended result code (SQLite).
fn sql_state(error: &DbErr) -> Option<String> {
    let (DbErr::Query(runtime) | DbErr::Exec(runtime) | DbErr::Conn(runtime)) = error else { return None };
    let RuntimeErr::SqlxError(sqlx) = runtime else { return None };
    sqlx.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// Whether the connection is gone, by the server's word (it ends the session) or without one.
pub(crate) fn is_lost(error: &DbErr) -> bool {
    let (DbErr::Query(runtime) | DbErr::Exec(runtime) | DbErr::Conn(runtime)) = error else { return false };
    let RuntimeErr::SqlxError(sqlx) = runtime else { return false };
    match sqlx.as_database_error() {
        Some(told) => matches!(told.code().as_deref(), Some("57P01" | "57P02")),
        None => matches!(**sqlx, sea_orm::sqlx::Error::Io(_)),
    }
}
