//! Rows of one table of one tenant: read in the order of the key a page at a time, written, counted, removed.

use super::{Cell, Kind, Shape, plain};
use crate::db::TenantTx;
use crate::error::{StoreError, StoreResult};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

/// One row: a cell for each column of the shape.
pub type Row = Vec<Cell>;

/// Values one statement may carry.
const MOST_VALUES: usize = 4_000;

/// Up to `limit` rows after the last one of the page before. The order is that of the key, byte by byte, so that
/// it is the same on every database.
pub async fn rows_after(
    tx: &TenantTx,
    shape: &Shape,
    after: Option<&Row>,
    limit: u64,
) -> StoreResult<Vec<Row>> {
    let backend = tx.conn().get_database_backend();
    let names: Vec<&str> = shape.columns.iter().map(|column| column.name.as_str()).collect();
    let mut values: Vec<Value> = vec![tx.tenant().into()];
    let mut sql = format!("SELECT {} FROM {} WHERE tenant_id = $1", names.join(", "), plain(shape.table)?);
    let ordered: Vec<String> = shape
        .key
        .iter()
        .filter_map(|at| shape.columns.get(*at))
        .map(|column| match (backend, column.kind) {
            (DbBackend::Postgres, Kind::Text) => format!("{} COLLATE \"C\"", column.name),
            _ => column.name.clone(),
        })
        .collect();
    if let Some(last) = after {
        let mut places = Vec::new();
        for at in &shape.key {
            values.push(value(last.get(*at).unwrap_or(&Cell::Null), Kind::Text));
            places.push(format!("${}", values.len()));
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        sql.push_str(&format!(" AND ({}) > ({})", ordered.join(", "), places.join(", ")));
    }
    if !ordered.is_empty() {
        sql.push_str(&format!(" ORDER BY {}", ordered.join(", ")));
    }
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    sql.push_str(&format!(" LIMIT ${}", values.len()));
    let found = tx.conn().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    found.iter().map(|row| read(shape, row)).collect()
}

fn read(shape: &Shape, row: &QueryResult) -> StoreResult<Row> {
    let mut cells = Vec::with_capacity(shape.columns.len());
    for (at, column) in shape.columns.iter().enumerate() {
        cells.push(match column.kind {
            Kind::Uuid => row.try_get_by_index::<Option<uuid::Uuid>>(at)?.map_or(Cell::Null, Cell::Uuid),
            Kind::Text => row.try_get_by_index::<Option<String>>(at)?.map_or(Cell::Null, Cell::Text),
            Kind::Integer => row.try_get_by_index::<Option<i64>>(at)?.map_or(Cell::Null, Cell::Integer),
            Kind::Bytes => row.try_get_by_index::<Option<Vec<u8>>>(at)?.map_or(Cell::Null, Cell::Bytes),
            Kind::Boolean => row.try_get_by_index::<Option<bool>>(at)?.map_or(Cell::Null, Cell::Boolean),
        });
    }
    Ok(cells)
}

fn value(cell: &Cell, kind: Kind) -> Value {
    match (cell, kind) {
        (Cell::Uuid(id), _) => (*id).into(),
        (Cell::Text(text), _) => text.as_str().into(),
        (Cell::Integer(number), _) => (*number).into(),
        (Cell::Bytes(bytes), _) => bytes.clone().into(),
        (Cell::Boolean(yes), _) => (*yes).into(),
        (Cell::Null, Kind::Uuid) => Option::<uuid::Uuid>::None.into(),
        (Cell::Null, Kind::Text) => Option::<String>::None.into(),
        (Cell::Null, Kind::Integer) => Option::<i64>::None.into(),
        (Cell::Null, Kind::Bytes) => Option::<Vec<u8>>::None.into(),
        (Cell::Null, Kind::Boolean) => Option::<bool>::None.into(),
    }
}

/// Writes rows into the tenant of the transaction, whatever they say about it. Columns whose cells are left out
/// (`left_out`, by position) get the database's own default.
pub async fn rows_insert(
    tx: &mut TenantTx,
    shape: &Shape,
    left_out: &[usize],
    rows: &[Row],
) -> StoreResult<()> {
    let backend = tx.conn().get_database_backend();
    let written: Vec<usize> = (0..shape.columns.len()).filter(|at| !left_out.contains(at)).collect();
    let tenant = shape.position("tenant_id").ok_or(StoreError::Corrupt("a table without a tenant"))?;
    let names: Vec<&str> =
        written.iter().filter_map(|at| shape.columns.get(*at)).map(|column| column.name.as_str()).collect();
    let at_once = (MOST_VALUES / written.len().max(1)).max(1);
    for some in rows.chunks(at_once) {
        let mut values: Vec<Value> = Vec::with_capacity(some.len() * written.len());
        let mut tuples = Vec::with_capacity(some.len());
        for row in some {
            let mut places = Vec::with_capacity(written.len());
            for at in &written {
                let column = shape.columns.get(*at).ok_or(StoreError::Corrupt("a row's length"))?;
                let cell = row.get(*at).ok_or(StoreError::Corrupt("a row's length"))?;
                let own = if *at == tenant { tx.tenant().into() } else { value(cell, column.kind) };
                values.push(own);
                places.push(format!("${}", values.len()));
            }
            tuples.push(format!("({})", places.join(", ")));
        }
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}",
            plain(shape.table)?,
            names.join(", "),
            tuples.join(", ")
        );
        tx.conn().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(())
}

/// How many rows the tenant has in a table.
pub async fn rows_count(tx: &TenantTx, table: &'static str) -> StoreResult<i64> {
    let backend = tx.conn().get_database_backend();
    let sql = format!("SELECT count(*) AS n FROM {} WHERE tenant_id = $1", plain(table)?);
    let statement = Statement::from_sql_and_values(backend, sql, [tx.tenant().into()]);
    let row = tx.conn().query_one_raw(statement).await?.ok_or(StoreError::Corrupt("a count"))?;
    Ok(row.try_get("", "n")?)
}

/// Removes every row of the tenant from a table; how many. Tables that are only added to give their rows up inside a
/// transaction that erases.
pub async fn rows_delete(tx: &mut TenantTx, table: &'static str) -> StoreResult<u64> {
    let backend = tx.conn().get_database_backend();
    let sql = format!("DELETE FROM {} WHERE tenant_id = $1", plain(table)?);
    let statement = Statement::from_sql_and_values(backend, sql, [tx.tenant().into()]);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected())
}

/// Puts the same text into a column of every row of the tenant that has one.
pub async fn rows_mask(tx: &mut TenantTx, table: &'static str, column: &str, text: &str) -> StoreResult<()> {
    let backend = tx.conn().get_database_backend();
    let (table, column) = (plain(table)?, plain(column)?);
    let sql = format!("UPDATE {table} SET {column} = $2 WHERE tenant_id = $1 AND {column} IS NOT NULL");
    let statement = Statement::from_sql_and_values(backend, sql, [tx.tenant().into(), text.into()]);
    tx.conn().execute_raw(statement).await?;
    Ok(())
}
