//! What a store may answer besides a row.

use qianpu_domain::error::ErrorCode;

/// A store's refusal. `Display` is for logs; what a caller sees comes from the code table.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row in this tenant.
    #[error("no such row")]
    NotFound,
    /// A unique fact exists already; the text names it (`shop_name`, `login_email`).
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// The row was changed since it was read.
    #[error("the row was changed meanwhile")]
    VersionConflict,
    /// Stored data that the code cannot read.
    #[error("stored data is not readable: {0}")]
    Corrupt(&'static str),
    /// A lock, deadlock or timeout; the whole transaction may be tried again.
    #[error("busy: {0}")]
    Busy(String),
    /// A rule of the database held (CHECK).
    #[error("refused by a database rule: {0}")]
    Rule(String),
    /// Anything else.
    #[error("database: {0}")]
    Internal(String),
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::NotFound,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::VersionConflict => ErrorCode::VersionConflict,
            Self::Busy(_) => ErrorCode::Unavailable,
            Self::Corrupt(_) | Self::Rule(_) | Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

/// Reads a stored JSON document. What the code cannot read is an error, never an empty value: that would be taken
/// for "nothing there yet", and done again.
pub fn stored<T: serde::de::DeserializeOwned>(
    value: &serde_json::Value,
    what: &'static str,
) -> StoreResult<T> {
    T::deserialize(value).map_err(|_| StoreError::Corrupt(what))
}

/// Shorthand.
pub type StoreResult<T> = Result<T, StoreError>;
