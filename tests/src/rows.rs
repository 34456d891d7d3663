//! Everything that is stored, for tests that say nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use qianpu_migrations::tables;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::{Backend, TestDb, planted, postgres};

/// Table → its rows as text.
pub type Rows = BTreeMap<&'static str, BTreeSet<String>>;

/// All rows of the database, or those of one tenant.
pub async fn stored(db: &TestDb, of: Option<Uuid>) -> Rows {
    let connection = postgres::connect(&db.superuser_url()).await.expect("the database answers");
    let mut all = Rows::new();
    for table in tables() {
        let (whole, id) = match db.backend() {
            Backend::Postgres => ("row_to_json(t)::text".to_owned(), of.map(|id| format!("'{id}'"))),
            Backend::Sqlite => {
                let quoted: Vec<String> =
                    planted::columns(&table).iter().map(|column| format!("quote({})", column.name)).collect();
                (quoted.join(" || ',' || "), of.map(|id| format!("x'{}'", id.as_simple())))
            }
        };
        let only = id.map_or_else(String::new, |id| format!(" WHERE tenant_id = {id}"));
        let sql = format!("SELECT {whole} AS whole FROM {} t{only}", table.name);
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement).await.expect("a table can be read");
        let texts = rows.iter().map(|row| row.try_get("", "whole").expect("a row as text"));
        all.insert(table.name, texts.collect());
    }
    connection.close().await.expect("the connection closes");
    all
}

/// Panics with the first rows that came or went.
pub fn assert_unchanged(before: &Rows, after: &Rows, when: &str) {
    for (table, rows) in before {
        let now = &after[table];
        let gone: Vec<_> = rows.difference(now).take(3).collect();
        let new: Vec<_> = now.difference(rows).take(3).collect();
        assert!(gone.is_empty() && new.is_empty(), "{when}: {table} has lost {gone:?} and gained {new:?}");
    }
}

/// Everything the database holds, as one text.
pub async fn whole(db: &TestDb) -> String {
    stored(db, None).await.into_values().flatten().collect::<Vec<_>>().join("\n")
}
