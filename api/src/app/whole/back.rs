//! Lines of an archive back into rows. A line has exactly the columns its table has in the manifest, each of the
//! right kind; whose row it is follows from the transaction, never from the line. What was withheld comes back
//! empty, or as a new random value.

use super::plan::{self, Secret};
use super::unpack::Refused;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qianpu_domain::ids::{CategoryId, ShopId};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::random;
use qianpu_tenants::secrets::{Plain, Sealer};
use qianpu_tenants::store::{buyer, directory};
use qianpu_tenants::whole::rows::Row;
use qianpu_tenants::whole::{Cell, Column, Kind, Shape};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Types of files that may come back: those that can be uploaded.
const CONTENT_TYPES: &[&str] = &["image/jpeg", "image/png", "image/webp", "application/pdf", "text/csv"];

/// A directory key: kind, value, target.
pub type Key = (String, String, Uuid);

/// What reading lines needs to know, and what it has found.
pub struct Reading<'a> {
    pub ctx: &'a TenantCtx,
    pub provider: Uuid,
    pub sealer: &'a Sealer,
    /// A hash that no password fits.
    pub password_hash: &'a str,
    /// The provider's categories by code.
    pub categories: &'a HashMap<String, CategoryId>,
    /// Codes that this provider does not have.
    pub lost_categories: HashSet<String>,
    /// Keys of the directory that have to point to a row that comes.
    pub keys: HashSet<Key>,
    /// Accounts that get a new push address: token and id.
    pub hooks: Vec<(String, Uuid)>,
    /// Names, so that a fault can be found: table and line.
    pub at: (String, u64),
}

/// A table as it comes back.
pub struct Coming {
    /// Positions in the shape that stand in each line.
    given: HashSet<usize>,
    /// Positions that the database fills in itself.
    pub left_out: Vec<usize>,
}

impl Coming {
    /// Which columns come, of those the table has here.
    pub fn of(shape: &Shape, names: &[String]) -> Result<Self, Refused> {
        let writable: HashMap<&str, usize> =
            plan::written(shape).map(|(at, column, _)| (column.name.as_str(), at)).collect();
        let mut given = HashSet::new();
        for name in names {
            let Some(at) = writable.get(name.as_str()) else {
                return Err(Refused(format!("{}: there is no column {name:?} in an archive", shape.table())));
            };
            if !given.insert(*at) {
                return Err(Refused(format!("{}: {name:?} is there twice", shape.table())));
            }
        }
        let mut left_out = Vec::new();
        for (name, at) in writable.iter().filter(|(_, at)| !given.contains(*at)) {
            let Some(column) = shape.columns().get(*at) else { continue };
            match (column.required, column.has_default) {
                (_, true) => left_out.push(*at),
                (false, false) => {}
                (true, false) => {
                    return Err(Refused(format!("{}: the column {name} is missing", shape.table())));
                }
            }
        }
        Ok(Self { given, left_out })
    }
}

impl Reading<'_> {
    fn fault<T>(&self, what: impl std::fmt::Display) -> Result<T, Refused> {
        Err(Refused(format!("tables/{}.jsonl line {}: {what}", self.at.0, self.at.1)))
    }

    /// The row of a line.
    pub fn row(&mut self, shape: &Shape, coming: &Coming, line: &str) -> Result<Row, Refused> {
        let mut line: Map<String, Value> = match serde_json::from_str(line) {
            Ok(line) => line,
            Err(error) => return self.fault(error),
        };
        if let Some(owner) = plan::OWNERSHIP.iter().find(|name| line.contains_key(**name)) {
            return self.fault(format!("a row does not say whose it is, and this one has {owner}"));
        }
        if plan::finds_by_phone(shape.table(), &line) {
            self.find_by_phone(&mut line)?;
        }
        let mut row = Vec::with_capacity(shape.columns().len());
        for (at, column) in shape.columns().iter().enumerate() {
            let cell = if coming.given.contains(&at) {
                let Some(value) = line.remove(&column.name) else {
                    return self.fault(format!("{} is missing", column.name));
                };
                self.cell(shape.table(), column, value)?
            } else {
                self.made(shape.table(), column)?
            };
            if cell == Cell::Null && column.required && !coming.left_out.contains(&at) {
                return self.fault(format!("{} has to have a value", column.name));
            }
            row.push(cell);
        }
        if let Some(name) = line.keys().next() {
            return self.fault(format!("there is no column {name:?}"));
        }
        self.look(shape, &mut row)?;
        Ok(row)
    }

    fn find_by_phone(&self, line: &mut Map<String, Value>) -> Result<(), Refused> {
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        let Ok(shop) = Uuid::try_parse(text("shop_id")) else { return self.fault("shop_id names no shop") };
        let lookup = buyer::lookup_of(self.sealer, self.ctx, ShopId(shop), text("sealed"));
        let lookup = lookup.map_err(|error| Refused(error.to_string()))?;
        line.insert("lookup".to_owned(), Value::String(lookup));
        Ok(())
    }

    /// A value that is not in the archive.
    fn made(&self, table: &str, column: &Column) -> Result<Cell, Refused> {
        Ok(match (column.name.as_str(), plan::treatment(table, column)) {
            // Overwritten with the tenant of the transaction when it is stored.
            ("tenant_id", _) => Cell::Uuid(self.ctx.tenant().0),
            ("provider_id", _) => Cell::Uuid(self.provider),
            (_, Secret::Password) => Cell::Text(self.password_hash.to_owned()),
            (_, _) if !column.required => Cell::Null,
            (_, Secret::Withheld(_)) => match column.kind {
                Kind::Text => Cell::Text(random::token()),
                Kind::Bytes => Cell::Bytes(random::bytes::<32>().to_vec()),
                Kind::Uuid => Cell::Uuid(Uuid::from_bytes(random::bytes::<16>())),
                Kind::Integer => Cell::Integer(0),
                Kind::Boolean => Cell::Boolean(false),
            },
            (_, Secret::Opened(_) | Secret::Plain) => Cell::Null,
        })
    }

    fn cell(&mut self, table: &str, column: &Column, value: Value) -> Result<Cell, Refused> {
        let name = &column.name;
        if plan::CATEGORIES.contains(&(table, name.as_str())) {
            return self.category(name, value);
        }
        if let (Secret::Opened(purpose), Value::String(text)) = (plan::treatment(table, column), &value) {
            let sealed = self.sealer.seal_text(self.ctx, purpose, &Plain::from(text.clone()));
            return sealed.map(Cell::Bytes).map_err(|error| Refused(error.to_string()));
        }
        let cell = match (column.kind, value) {
            (_, Value::Null) => Some(Cell::Null),
            (Kind::Text, Value::String(text)) if !text.contains('\0') => Some(Cell::Text(text)),
            (Kind::Integer, Value::Number(number)) => number.as_i64().map(Cell::Integer),
            (Kind::Boolean, Value::Bool(yes)) => Some(Cell::Boolean(yes)),
            (Kind::Uuid, Value::String(text)) => Uuid::try_parse(&text).ok().map(Cell::Uuid),
            (Kind::Bytes, Value::String(text)) => STANDARD.decode(text).ok().map(Cell::Bytes),
            _ => None,
        };
        match cell {
            Some(cell) => Ok(cell),
            None => self.fault(format!("{name} is not what the column holds ({:?})", column.kind)),
        }
    }

    fn category(&mut self, name: &str, value: Value) -> Result<Cell, Refused> {
        let code = match &value {
            Value::Null => return Ok(Cell::Null),
            Value::Object(members) if members.len() == 1 => members.get("code").and_then(Value::as_str),
            _ => None,
        };
        let Some(code) = code else { return self.fault(format!("{name} names no category")) };
        match self.categories.get(code) {
            Some(id) => Ok(Cell::Uuid(id.0)),
            None => {
                self.lost_categories.insert(code.to_owned());
                Ok(Cell::Null)
            }
        }
    }

    /// What a table's rows mean beyond their columns.
    fn look(&mut self, shape: &Shape, row: &mut Row) -> Result<(), Refused> {
        let at = |name: &str| shape.position(name).unwrap_or(usize::MAX);
        let text = |row: &Row, name: &str| match row.get(at(name)) {
            Some(Cell::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let id = |row: &Row, name: &str| match row.get(at(name)) {
            Some(Cell::Uuid(id)) => *id,
            _ => Uuid::nil(),
        };
        let found = |keys: &mut HashSet<Key>, kind: &str, value: String, target| {
            keys.remove(&(kind.to_owned(), value, target));
        };
        match shape.table() {
            "tenants" => {
                if text(row, "kind") != "merchant" {
                    return self.fault("only a merchant can come back");
                }
                if let Some(parent) = row.get_mut(at("parent_id")) {
                    *parent = Cell::Uuid(self.provider);
                }
            }
            plan::KEYS => {
                let kind = text(row, "kind");
                if !plan::KEYS_KEPT.contains(&kind.as_str()) {
                    return self.fault(format!("{kind:?} is no key that goes along"));
                }
                let mut value = text(row, "value");
                if kind == directory::SHOP_NAME {
                    value = format!("{}:{value}", self.provider.simple());
                    if let Some(cell) = row.get_mut(at("value")) {
                        *cell = Cell::Text(value.clone());
                    }
                }
                self.keys.insert((kind, value, id(row, "target_id")));
            }
            "users" => found(
                &mut self.keys,
                directory::LOGIN_EMAIL,
                text(row, "email").to_lowercase(),
                id(row, "id"),
            ),
            "shops" => {
                found(&mut self.keys, directory::SHOP_SLUG, text(row, "slug"), id(row, "id"));
                let name = format!("{}:{}", self.provider.simple(), text(row, "name_key"));
                found(&mut self.keys, directory::SHOP_NAME, name, id(row, "id"));
            }
            "channel_accounts" => {
                let value = format!("{}:{}", text(row, "channel"), text(row, "external_id"));
                let key = (directory::EXTERNAL_ACCOUNT.to_owned(), value, id(row, "id"));
                if !matches!(text(row, "state").as_str(), "expired" | "revoked" | "closed") {
                    return self.fault("an account comes back without its authorisation");
                }
                if self.keys.remove(&key) {
                    self.hooks.push((text(row, "hook_token"), key.2));
                }
            }
            "media" if !CONTENT_TYPES.contains(&text(row, "content_type").as_str()) => {
                return self.fault("this type of file cannot be uploaded");
            }
            _ => {}
        }
        Ok(())
    }
}
