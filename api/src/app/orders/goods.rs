//! Stock of an order's lines: which of our SKUs they are, and the move that is due.

use crate::error::Answer;
use qianpu_domain::ids::{ChannelAccountId, ProductId, SkuId};
use qianpu_domain::order::OrderProgress;
use qianpu_domain::order::goods::{LineStock, StockMove};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::store::listing::listing_get;
use qianpu_tenants::store::listing_sku::listing_sku_by_native;
use qianpu_tenants::store::order::Order;
use qianpu_tenants::store::order_line::OrderLine;
use qianpu_tenants::store::sku::sku_get;
use qianpu_tenants::store::stock::{
    StockRefusal, stock_hold, stock_release_hold, stock_return, stock_sell_direct,
};
use std::collections::BTreeMap;

/// Our SKU behind a line: by the id we gave the channel, else by the channel's own id in our listings. A line
/// of a product that did not come from us stays without one; it is kept and shown.
pub async fn find_sku(
    tx: &TenantTx,
    account: ChannelAccountId,
    out_sku_id: Option<&str>,
    native_sku_id: &str,
) -> StoreResult<Option<(ProductId, SkuId)>> {
    if let Some(id) = out_sku_id.and_then(|text| text.parse::<SkuId>().ok()) {
        match sku_get(tx, id).await {
            Ok(sku) => return Ok(Some((sku.product, sku.id))),
            Err(StoreError::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    let Some(listed) = listing_sku_by_native(tx, account, native_sku_id).await? else { return Ok(None) };
    let listing = listing_get(tx, listed.listing).await?;
    Ok(Some((listing.product, listed.sku)))
}

/// A SKU of which too little was there.
#[derive(Debug, Clone)]
pub struct Shortage {
    pub sku: SkuId,
    pub wanted: i64,
    pub available: i64,
}

/// Makes every move that is due and notes on the lines where they stand now; returns what is newly short.
/// Call it last in the order's transaction. SKUs go in ascending order, so that two orders never wait for
/// each other in a circle.
pub async fn settle_stock(
    tx: &mut TenantTx,
    order: &Order,
    progress: &OrderProgress,
    lines: &mut [OrderLine],
    hold_until: Timestamp,
) -> Answer<Vec<Shortage>> {
    let mut by_sku: BTreeMap<SkuId, Vec<usize>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(sku) = line.sku {
            by_sku.entry(sku).or_default().push(index);
        }
    }
    let mut shortages = Vec::new();
    for (sku, indexes) in by_sku {
        let own = || indexes.iter().filter_map(|index| lines.get(*index));
        let sent: i64 = own().map(|line| line.shipped).sum();
        let quantity: i64 = own().map(|line| line.quantity).sum();
        let was_short = own().any(|line| line.stock == LineStock::Short);
        let Some(due) = own().find_map(|line| line.stock.due(progress, sent)) else { continue };
        let moved = match due {
            StockMove::Hold => stock_hold(tx, order.id, sku, quantity, hold_until).await,
            StockMove::Sell => stock_sell_direct(tx, order.id, sku, quantity).await,
            StockMove::Release => stock_release_hold(tx, order.id, sku).await,
            StockMove::Return => stock_return(tx, order.id, sku).await,
        };
        let now = match moved {
            Ok(_) => due.leads_to(),
            Err(refusal) => {
                let available = shortage(&refusal).ok_or_else(|| failed(refusal))?;
                if !was_short {
                    shortages.push(Shortage { sku, wanted: quantity, available });
                }
                LineStock::Short
            }
        };
        for index in indexes {
            if let Some(line) = lines.get_mut(index) {
                line.stock = now;
            }
        }
    }
    Ok(shortages)
}

/// The channel sold it already, so being short is no reason to refuse the order. `None` for other failures.
fn shortage(refusal: &StockRefusal) -> Option<i64> {
    use qianpu_domain::stock::StockError;
    match refusal {
        StockRefusal::Rule(StockError::Short { available, .. }) => Some(*available),
        // No stock was ever opened for the SKU, or the quantity is beyond any stock.
        StockRefusal::Rule(_) | StockRefusal::Store(StoreError::NotFound) => Some(0),
        StockRefusal::Store(_) => None,
    }
}

fn failed(refusal: StockRefusal) -> crate::error::ApiError {
    match refusal {
        StockRefusal::Store(error) => error.into(),
        StockRefusal::Rule(rule) => crate::error::ApiError::refused(rule.code(), rule),
    }
}
