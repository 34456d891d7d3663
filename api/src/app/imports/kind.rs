//! What an import does: the interface of kinds, and the list of them.

use super::product_kind::PRODUCTS;
use super::shipment_kind::SHIPMENTS;
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use async_trait::async_trait;
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::import::{Column, Header};
use qianpu_tenants::authz::Caller;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::import::Import;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every kind of import. Add yours here.
pub const KINDS: &[&dyn ImportKind] = &[&PRODUCTS, &SHIPMENTS];

/// The kind of a name.
pub fn kind_of(name: &str) -> Option<&'static dyn ImportKind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}

/// A column as people of the language call it; what is no column stays as it is.
pub fn column_word<'a>(kind: &str, key: &'a str, lang: Lang) -> &'a str {
    let columns = kind_of(kind).map_or(&[][..], |kind| kind.columns());
    match (lang, columns.iter().find(|column| column.key == key)) {
        (Lang::Zh, Some(column)) => column.names.first().copied().unwrap_or(key),
        _ => key,
    }
}

/// The refusal of a name that no kind has.
pub(crate) fn unknown() -> ApiError {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let names = names.join(", ");
    FieldError::new("kind", "unknown", format!("expected one of: {names}"), format!("应为：{names}")).into()
}

/// A kind of import.
#[async_trait]
pub trait ImportKind: Send + Sync {
    /// Its word, in the plural: `products`.
    fn name(&self) -> &'static str;
    /// What a person must be allowed besides running imports.
    fn permission(&self) -> Permission;
    /// The columns of its files.
    fn columns(&self) -> &'static [Column];
    /// Rows of the template below the header, in the order of the columns.
    fn examples(&self) -> &'static [&'static [&'static str]];
    /// Names of the options that may come with a file; pages ask for those they know (`shop_id`).
    fn options(&self) -> &'static [&'static str] {
        &[]
    }
    /// Reads the options that come with a file. Refuses what it does not know, and what the caller may
    /// not do; the answer is stored with the import.
    async fn accept(
        &self,
        state: &AppState,
        caller: &Caller,
        options: &BTreeMap<String, String>,
    ) -> Answer<Value>;
    /// Prepares to read rows. The context is the job's.
    async fn open(
        &self,
        state: &AppState,
        ctx: &TenantCtx,
        import: &Import,
        header: Header,
    ) -> Answer<Box<dyn RowReader>>;
}

/// Turns rows into units of work. Rows may be gathered, as long as memory stays bounded.
pub trait RowReader: Send {
    /// Takes a row, with its number in the file; answers with the units that are complete now.
    fn push(&mut self, number: u64, cells: &[String]) -> Vec<Unit>;
    /// What is left after the last row.
    fn finish(&mut self) -> Vec<Unit>;
}

/// Rows that are applied together or not at all.
pub enum Unit {
    /// They can be applied.
    Ready {
        /// Their numbers.
        rows: Vec<u64>,
        /// What to do.
        work: Box<dyn Work>,
    },
    /// They cannot; each row with why.
    Refused(Vec<(u64, Vec<FieldError>)>),
}

impl Unit {
    pub(super) fn rows(&self) -> Vec<u64> {
        match self {
            Self::Ready { rows, .. } => rows.clone(),
            Self::Refused(rows) => rows.iter().map(|(number, _)| *number).collect(),
        }
    }
}

/// One unit's work.
#[async_trait]
pub trait Work: Send + Sync {
    /// Applies it in a transaction that the runner commits, and answers with the public id of the thing
    /// that was made or changed. A refusal (its code is not retryable) becomes the result of the rows, and
    /// the transaction is dropped; the `path` of a field error is the column. Any other error stops the
    /// import for now, and it is tried again.
    async fn apply(&self, tx: &mut TenantTx) -> Answer<String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_fit_their_own_columns() {
        for kind in KINDS {
            let names: Vec<&str> = kind.columns().iter().map(|column| column.names[0]).collect();
            let header = Header::read(kind.columns(), &names).unwrap();
            assert!(header.ignored.is_empty(), "{}", kind.name());
            for row in kind.examples() {
                assert_eq!(row.len(), names.len(), "{}", kind.name());
            }
        }
    }
}
