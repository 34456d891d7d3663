//! The merchant's own changes of stock: counting, adding, taking, splitting a hot SKU. What orders do to
//! stock is in the order use cases.

use super::products::covers;
use crate::error::Answer;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::SkuId;
use qianpu_domain::stock::StockLevel;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::{Db, TenantTx};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::product::{Product, product_get};
use qianpu_tenants::store::sku::{Sku, sku_get};
use qianpu_tenants::store::stock::{
    MovementNote, MovementRow, movement_list, stock_adjust, stock_level, stock_set, stock_split,
};
use qianpu_tenants::store::stock_view::{StockFilter, StockLine, stock_line_list};
use serde_json::json;

/// A SKU's stock with what it belongs to.
#[derive(Debug, Clone)]
pub struct StockDetail {
    pub sku: Sku,
    pub product: Product,
    pub level: StockLevel,
}

/// What a person does to stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChange {
    /// So many were counted.
    Set(i64),
    /// So many more or fewer.
    Adjust(i64),
}

/// The stock of a SKU.
pub async fn stock_read(db: &Db, grant: &Grant<perm::ProductRead>, sku: SkuId) -> Answer<StockDetail> {
    let tx = db.read(grant.ctx()).await?;
    detail(&tx, grant, sku).await
}

async fn detail<P: Perm>(tx: &TenantTx, grant: &Grant<P>, sku: SkuId) -> Answer<StockDetail> {
    let sku = sku_get(tx, sku).await?;
    let product = product_get(tx, sku.product).await?;
    covers(grant, product.shop)?;
    let level = stock_level(tx, sku.id).await?;
    Ok(StockDetail { sku, product, level })
}

/// Stock of many SKUs, newest first.
pub async fn stock_search(
    db: &Db,
    grant: &Grant<perm::ProductRead>,
    search: Option<&str>,
    at_most: Option<i64>,
    page: PageRequest,
) -> Answer<Page<StockLine>> {
    let shops = grant.shops();
    let filter = StockFilter { shops: shops.as_deref(), search, at_most };
    let tx = db.read(grant.ctx()).await?;
    Ok(stock_line_list(&tx, &filter, page).await?)
}

/// Changes the stock of a SKU in the caller's transaction, which the caller commits.
pub async fn stock_change(
    tx: &mut TenantTx,
    grant: &Grant<perm::StockWrite>,
    sku: SkuId,
    change: StockChange,
    note: &str,
) -> Answer<StockDetail> {
    let before = detail(tx, grant, sku).await?;
    let note = MovementNote { order: None, text: note };
    let level = match change {
        StockChange::Set(on_hand) => stock_set(tx, sku, on_hand, note).await?,
        StockChange::Adjust(delta) => stock_adjust(tx, sku, delta, note).await?,
    };
    let detail = json!({ "on_hand": [before.level.on_hand, level.on_hand] });
    audit_append(tx, AuditAction::StockChanged, "sku", &sku.to_string(), detail).await?;
    Ok(StockDetail { level, ..before })
}

/// Splits a hot SKU into buckets, in the caller's transaction.
pub async fn stock_make_hot(
    tx: &mut TenantTx,
    grant: &Grant<perm::StockWrite>,
    sku: SkuId,
    buckets: i64,
) -> Answer<StockDetail> {
    detail(tx, grant, sku).await?;
    stock_split(tx, sku, buckets).await?;
    audit_append(tx, AuditAction::StockSplit, "sku", &sku.to_string(), json!({ "buckets": buckets })).await?;
    detail(tx, grant, sku).await
}

/// What happened to the stock of a SKU, newest first.
pub async fn stock_history(
    db: &Db,
    grant: &Grant<perm::ProductRead>,
    sku: SkuId,
    page: PageRequest,
) -> Answer<Page<MovementRow>> {
    let tx = db.read(grant.ctx()).await?;
    detail(&tx, grant, sku).await?;
    Ok(movement_list(&tx, sku, page).await?)
}
