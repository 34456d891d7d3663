//! A row as a line of an archive: a JSON object with its columns by name. Ids are written as usual, bytes in
//! base64, a category by its code. Work that was under way here is written as it comes back: not done.

use super::plan::{self, Secret};
use crate::error::{Answer, ApiError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qianpu_domain::ids::CategoryId;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::secrets::Sealer;
use qianpu_tenants::store::directory;
use qianpu_tenants::whole::rows::Row;
use qianpu_tenants::whole::{Cell, Shape};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// Told of an account that came back.
pub const AUTHORISE_AGAIN: (&str, &str) =
    ("authorise_again", "账号随商家迁移，请重新授权 / The account was moved; authorise it again");

/// What writing rows needs to know.
pub struct Writing<'a> {
    pub ctx: &'a TenantCtx,
    pub sealer: &'a Sealer,
    /// Codes of the provider's categories.
    pub categories: &'a HashMap<CategoryId, String>,
}

/// The line of a row; none when the row stays behind.
pub fn line(writing: &Writing<'_>, shape: &Shape, row: &Row) -> Answer<Option<Map<String, Value>>> {
    let mut line = Map::new();
    for (at, column, secret) in plan::written(shape) {
        let cell = row.get(at).ok_or_else(|| ApiError::internal("a row is too short"))?;
        let names_category = plan::CATEGORIES.contains(&(shape.table(), column.name.as_str()));
        let value = match (cell, secret) {
            (Cell::Bytes(sealed), Secret::Opened(purpose)) => {
                let opened = writing.sealer.open_text(writing.ctx, purpose, sealed)?;
                Value::String(opened.into_inner())
            }
            (Cell::Uuid(id), _) if names_category => {
                match writing.categories.get(&CategoryId(*id)) {
                    Some(code) => json!({ "code": code }),
                    // The provider has removed it; a row that names nothing names nothing there either.
                    None => Value::Null,
                }
            }
            (cell, _) => plain(cell),
        };
        line.insert(column.name.clone(), value);
    }
    match shape.table() {
        plan::KEYS => Ok(key(writing.ctx, line)),
        table => {
            settle(table, &mut line);
            if plan::finds_by_phone(table, &line) {
                line.insert("lookup".to_owned(), Value::Null);
            }
            Ok(Some(line))
        }
    }
}

fn plain(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Uuid(id) => Value::String(id.as_hyphenated().to_string()),
        Cell::Text(text) => Value::String(text.clone()),
        Cell::Integer(number) => Value::from(*number),
        Cell::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        Cell::Boolean(yes) => Value::Bool(*yes),
    }
}

/// Directory keys of links stay behind; the name of a shop is written without the provider it is unique in.
fn key(ctx: &TenantCtx, mut line: Map<String, Value>) -> Option<Map<String, Value>> {
    let kind = line.get("kind").and_then(Value::as_str)?.to_owned();
    if !plan::KEYS_KEPT.contains(&kind.as_str()) {
        return None;
    }
    if kind == directory::SHOP_NAME {
        let value = line.get("value").and_then(Value::as_str)?;
        let provider = ctx.provider().map(|id| Uuid::from(id).simple().to_string())?;
        let bare = value.strip_prefix(&provider)?.strip_prefix(':')?.to_owned();
        line.insert("value".to_owned(), Value::String(bare));
    }
    Some(line)
}

fn is(line: &Map<String, Value>, column: &str, words: &[&str]) -> bool {
    line.get(column).and_then(Value::as_str).is_some_and(|word| words.contains(&word))
}

/// Work that only this installation could end is written as what it is elsewhere.
fn settle(table: &str, line: &mut Map<String, Value>) {
    let changes: &[(&str, &str)] = match table {
        "channel_accounts" if is(line, "state", &["pending", "active", "limited", "expired"]) => {
            &[("state", "expired"), ("error_code", AUTHORISE_AGAIN.0), ("error_text", AUTHORISE_AGAIN.1)]
        }
        "imports" if is(line, "state", &["queued", "running"]) => &[("state", "cancelled")],
        "shipments" if is(line, "state", &["queued"]) => &[
            ("state", "refused"),
            ("reason", "迁移时尚未发送，请核对后重新发货 / Not sent before the move; check and send again"),
        ],
        _ => &[],
    };
    for (column, value) in changes {
        line.insert((*column).to_owned(), Value::String((*value).to_owned()));
    }
}
