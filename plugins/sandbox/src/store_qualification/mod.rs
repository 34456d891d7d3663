//! What a store may sell: applications for categories and brands, and the platform's auditor who decides them.
//!
//! From the models of the client libraries WxJava (`CategoryAuditInfo`, `Brand`, their comments on limits) and
//! SKIT.FlurlHttpClient.Wechat (`ChannelsECCategory…`, `ChannelsECBrand…`). The documents are silent about these, so they
//! are the sandbox's reading: numbers of errors; one application at a time for a category; no change of a brand while it
//! is audited; a person decides always, however products are audited.

mod brand;
mod category;
mod page;

use crate::clock::Now;
use crate::errors::{WxError, error, error_with};
use crate::push::Event;
use crate::state::{Account, AccountKind, State, id_of, text_of};
use actix_web::web;
pub use brand::{ROUTES as BRANDS, accepted, name_of};
pub use category::ROUTES as CATEGORIES;
pub use page::cards;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MOST: usize = 500;
const AUDIT_IDS: u64 = 700_000_000;

pub fn routes(config: &mut web::ServiceConfig) {
    page::routes(config);
}

/// What a store applied for.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Qualifications {
    pub categories: Vec<CategoryAudit>,
    pub brands: Vec<StoreBrand>,
}

/// An application for a category.
#[derive(Clone, Serialize, Deserialize)]
pub struct CategoryAudit {
    pub audit_id: u64,
    /// The leaf.
    pub cat_id: u64,
    /// 0 audited, 1 passed, 9 refused, 12 cancelled.
    pub status: i64,
    pub reason: String,
    pub info: Value,
    pub create_time: u64,
}

/// A brand of a store, or an application for one.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoreBrand {
    pub brand_id: u64,
    pub audit_id: u64,
    /// 1 audited, 2 refused, 3 in force, 4 withdrawn, 5 soon over, 6 over.
    pub status: i64,
    pub reason: String,
    pub brand: Value,
    pub create_time: u64,
    pub update_time: u64,
}

/// Whether a store may sell in a category that has to be applied for.
pub fn approved(account: &Account, cat_id: u64) -> bool {
    account.qualifications.categories.iter().any(|one| one.cat_id == cat_id && one.status == 1)
}

fn tell_category(state: &mut State, now: Now, appid: &str, audit_id: u64, status: i64, reason: &str) {
    // The example of the event has the number as text.
    let body = json!({"audit_id": audit_id.to_string(), "status": status.to_string(), "reason": reason});
    let body = json!({"ProductCategoryAudit": body});
    state.emit(now, appid, Event { name: "product_category_audit", openid: None, body });
}

fn tell_brand(state: &mut State, now: Now, appid: &str, one: &StoreBrand, status: i64) {
    let body = json!({"brand_id": one.brand_id.to_string(), "audit_id": one.audit_id.to_string(),
        "status": status, "reason": one.reason});
    state.emit(
        now,
        appid,
        Event { name: "channels_ec_brand", openid: None, body: json!({"BrandEvent": body}) },
    );
}

/// The auditor's decision about an application: of a category or of a brand.
pub fn decide(
    state: &mut State,
    now: Now,
    appid: &str,
    audit_id: u64,
    refusal: Option<&str>,
) -> Result<(), String> {
    let account = state.accounts.get_mut(appid).filter(|one| one.kind == AccountKind::Store);
    let own = &mut account.ok_or_else(|| format!("no store {appid}"))?.qualifications;
    if let Some(one) = own.categories.iter_mut().find(|one| one.audit_id == audit_id && one.status == 0) {
        one.status = if refusal.is_some() { 9 } else { 1 };
        one.reason = refusal.unwrap_or_default().to_owned();
        let (event, reason) = (if refusal.is_some() { 2 } else { 3 }, one.reason.clone());
        tell_category(state, now, appid, audit_id, event, &reason);
        return Ok(());
    }
    let found = own.brands.iter_mut().find(|one| one.audit_id == audit_id && one.status == 1);
    let one = found.ok_or("no such application waits")?;
    one.status = if refusal.is_some() { 2 } else { 3 };
    one.reason = refusal.unwrap_or_default().to_owned();
    one.update_time = now.seconds();
    let told = one.clone();
    tell_brand(state, now, appid, &told, if refusal.is_some() { 5 } else { 4 });
    Ok(())
}

/// Every application that waits, of every store.
pub fn waiting(state: &State) -> usize {
    let of = |account: &Account| {
        let own = &account.qualifications;
        own.categories.iter().filter(|one| one.status == 0).count()
            + own.brands.iter().filter(|one| one.status == 1).count()
    };
    state.accounts.values().map(of).sum()
}

fn wrong(what: impl Into<String>) -> WxError {
    error_with(40_097, format!("invalid args, {}", what.into()))
}

/// Ids of uploaded documents: known to the platform, and no more than are taken.
fn documents(
    state: &State,
    value: Option<&Value>,
    at: &str,
    least: usize,
    most: usize,
) -> Result<(), WxError> {
    let empty = Vec::new();
    let list = value.and_then(Value::as_array).unwrap_or(&empty);
    if !(least..=most).contains(&list.len()) {
        return Err(wrong(format!("{at}: expecting {least} to {most} files")));
    }
    match list.iter().all(|file| state.images.contains_key(text_of(Some(file)))) {
        true => Ok(()),
        false => Err(error(40_007)),
    }
}

fn store_only(account: &Account) -> Result<(), WxError> {
    if account.kind == AccountKind::Store { Ok(()) } else { Err(error(48_001)) }
}

fn number(body: &Value, name: &str) -> Option<u64> {
    id_of(body.get(name)).filter(|id| *id > 0)
}
