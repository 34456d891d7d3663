//! Rows put into tables past the application, for tests that ask who can see them: one row per table, of one victim,
//! whose texts all say [`MARK`]. Foreign keys and checks are out of force for it; the row is never meant to be read.

use qianpu_migrations::{Table, tables};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

use crate::{Backend, TestDb, postgres};

/// Every text of a planted row. Where it appears, a row was shown.
pub const MARK: &str = "planted_for_nobody_else";

/// Whose rows are planted.
#[derive(Clone, Copy)]
pub struct Victim {
    pub tenant: Uuid,
    pub provider: Uuid,
}

/// A column of a declared table.
pub struct Column {
    pub name: String,
    pub kind: String,
}

/// The columns in the declaration, in order.
pub fn columns(table: &Table) -> Vec<Column> {
    let kinds = ["uuid", "text", "bigint", "boolean", "bytea", "integer", "smallint"];
    table
        .columns
        .lines()
        .filter_map(|line| {
            let mut words = line.trim().trim_end_matches(',').split_whitespace();
            let (name, kind) = (words.next()?, words.next()?.trim_end_matches(','));
            kinds.contains(&kind).then(|| Column { name: name.to_owned(), kind: kind.to_owned() })
        })
        .collect()
}

/// The id of the row planted into the table at this place of the list of tables.
pub fn planted_id(position: usize) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_00de_0000 + position as u128)
}

/// The id of the row planted into a table.
pub fn planted_id_of(table: &str) -> Option<Uuid> {
    tables().iter().position(|declared| declared.name == table).map(planted_id)
}

/// The columns and values of an insert that plants a row.
pub fn planted_row(backend: Backend, table: &Table, position: usize, victim: Victim) -> (String, String) {
    let uuid = |id: Uuid| match backend {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("x'{}'", id.as_simple()),
    };
    let mut names = Vec::new();
    let mut values = Vec::new();
    for column in columns(table) {
        values.push(match (column.name.as_str(), column.kind.as_str()) {
            ("tenant_id", _) => uuid(victim.tenant),
            ("provider_id", _) => uuid(victim.provider),
            (_, "uuid") => uuid(planted_id(position)),
            (_, "text") => format!("'{MARK}'"),
            (_, "boolean") => "false".to_owned(),
            (_, "bytea") if backend == Backend::Postgres => "'\\x00'".to_owned(),
            (_, "bytea") => "x'00'".to_owned(),
            _ => "1".to_owned(),
        });
        names.push(column.name);
    }
    (names.join(", "), values.join(", "))
}

/// Plants a row into every table but those named, and hands back the connection that sees everything.
pub async fn plant(db: &TestDb, victim: Victim, without: &[&str]) -> DatabaseConnection {
    let connection = postgres::connect(&db.superuser_url()).await.expect("the database answers");
    let lift = match db.backend() {
        Backend::Postgres => "SET session_replication_role = replica",
        Backend::Sqlite => "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON",
    };
    connection.execute_unprepared(lift).await.expect("constraints can be lifted");
    for (position, table) in tables().iter().enumerate() {
        if without.contains(&table.name) {
            continue;
        }
        if db.backend() == Backend::Postgres {
            drop_checks(&connection, table.name).await;
        }
        let (names, values) = planted_row(db.backend(), table, position, victim);
        let insert = format!("INSERT INTO {} ({names}) VALUES ({values})", table.name);
        connection.execute_unprepared(&insert).await.unwrap_or_else(|error| panic!("{error} in {insert}"));
    }
    connection
}

async fn drop_checks(connection: &DatabaseConnection, table: &str) {
    let sql = format!(
        "SELECT conname::text AS name FROM pg_constraint WHERE contype = 'c' AND conrelid = 'public.{table}'::regclass"
    );
    let rows = connection
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .expect("the catalogue can be read");
    for row in rows {
        let check: String = row.try_get("", "name").expect("a name");
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {check}");
        connection.execute_unprepared(&drop).await.expect("a check can be dropped");
    }
}
