//! A tenant's rows as a whole, table by table: for an archive of a merchant, for bringing one back, and for its
//! end. The only place where a table is named from outside this crate, by the migrations' own catalogue; which
//! columns a table has is read from the database, so that one that was added later cannot be forgotten.
//!
//! Rows are read and written in the tenant of the transaction only: `tenant_id` is never taken from a row.

pub mod about;
pub mod rows;

use crate::db::TenantTx;
use crate::error::{StoreError, StoreResult};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

/// A table as the catalogue declares it.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// Its name.
    pub name: &'static str,
    /// Its list of columns and constraints.
    pub columns: &'static str,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An id.
    Uuid,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// Bytes.
    Bytes,
    /// Yes or no.
    Boolean,
}

/// A column of the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether a value has to be there.
    pub required: bool,
    /// Whether the database fills it in when it is left out.
    pub has_default: bool,
}

/// A value of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// None.
    Null,
    /// An id.
    Uuid(Uuid),
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Yes or no.
    Boolean(bool),
}

/// A table with the columns it has in this database, by name, and the columns of its key.
#[derive(Clone, Debug)]
pub struct Shape {
    pub(crate) table: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Key columns besides the tenant, as positions in `columns`.
    pub(crate) key: Vec<usize>,
}

impl Shape {
    /// The table's name.
    pub fn table(&self) -> &'static str {
        self.table
    }
    /// Its columns, sorted by name.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
    /// Where a column stands in a row.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// Names go into the text of statements; the catalogue's are plain, and anything else is a fault.
fn plain(name: &str) -> StoreResult<&str> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && !name.is_empty() { Ok(name) } else { Err(StoreError::Corrupt("a name in the catalogue")) }
}

const ON_POSTGRES: &str = "SELECT column_name::text AS name, data_type::text AS kind,
        CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END AS required,
        CASE WHEN column_default IS NULL THEN 0 ELSE 1 END AS has_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY column_name";

const ON_SQLITE: &str = "SELECT name, lower(type) AS kind,
        CASE WHEN \"notnull\" = 1 OR pk > 0 THEN 1 ELSE 0 END AS required,
        CASE WHEN dflt_value IS NULL THEN 0 ELSE 1 END AS has_default
    FROM pragma_table_info($1) ORDER BY name";

/// How a declared table looks in this database.
pub async fn shape(tx: &TenantTx, declared: Declared) -> StoreResult<Shape> {
    plain(declared.name)?;
    let backend = tx.conn().get_database_backend();
    let sql = if backend == DbBackend::Postgres { ON_POSTGRES } else { ON_SQLITE };
    let statement = Statement::from_sql_and_values(backend, sql, [declared.name.into()]);
    let mut columns = Vec::new();
    for row in tx.conn().query_all_raw(statement).await? {
        let name: String = row.try_get("", "name")?;
        let word: String = row.try_get("", "kind")?;
        let required: i32 = row.try_get("", "required")?;
        let has_default: i32 = row.try_get("", "has_default")?;
        let kind = kind_of(&word, &name, declared.columns)?;
        plain(&name)?;
        columns.push(Column { name, kind, required: required == 1, has_default: has_default == 1 });
    }
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    let mut key = Vec::new();
    for name in key_of(declared.columns).iter().filter(|name| *name != "tenant_id") {
        let at = columns.iter().position(|column| column.name == *name);
        key.push(at.ok_or(StoreError::Corrupt("a key in the catalogue"))?);
    }
    Ok(Shape { table: declared.name, columns, key })
}

/// SQLite keeps ids and bytes in one type, so there the declaration tells them apart; a column that was added
/// later is an id when it is called one.
fn kind_of(word: &str, name: &str, declared: &str) -> StoreResult<Kind> {
    Ok(match word {
        "uuid" => Kind::Uuid,
        "text" => Kind::Text,
        "bigint" => Kind::Integer,
        "bytea" => Kind::Bytes,
        "boolean" => Kind::Boolean,
        "blob" => match declared_word(declared, name) {
            Some("uuid") => Kind::Uuid,
            Some(_) => Kind::Bytes,
            None if name == "id" || name.ends_with("_id") || name.ends_with("_by") => Kind::Uuid,
            None => Kind::Bytes,
        },
        _ => return Err(StoreError::Corrupt("the type of a column")),
    })
}

fn declared_word<'a>(declared: &'a str, name: &str) -> Option<&'a str> {
    declared.lines().find_map(|line| {
        let mut words = line.trim().trim_end_matches(',').split_whitespace();
        (words.next()? == name).then(|| words.next()).flatten()
    })
}

fn key_of(declared: &str) -> Vec<String> {
    for line in declared.lines() {
        let line = line.trim();
        if let Some(names) = line.strip_prefix("PRIMARY KEY (").and_then(|rest| rest.split(')').next()) {
            return names.split(',').map(|name| name.trim().to_owned()).collect();
        }
        if line.contains(" PRIMARY KEY") {
            return line.split_whitespace().next().map(str::to_owned).into_iter().collect();
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_tells_keys_and_kinds() {
        let declared = "\n  tenant_id uuid NOT NULL,\n  sku_id uuid NOT NULL,\n  n bigint NOT NULL,\n  PRIMARY KEY (tenant_id, sku_id, n)";
        assert_eq!(key_of(declared), ["tenant_id", "sku_id", "n"]);
        assert_eq!(key_of("tenant_id uuid NOT NULL PRIMARY KEY,\n name text"), ["tenant_id"]);
        assert_eq!(kind_of("blob", "sku_id", declared).unwrap(), Kind::Uuid);
        assert_eq!(kind_of("blob", "added_id", declared).unwrap(), Kind::Uuid);
        assert_eq!(kind_of("blob", "added_sealed", declared).unwrap(), Kind::Bytes);
        assert!(kind_of("real", "price", declared).is_err());
        assert!(plain("orders; DROP").is_err());
    }
}
