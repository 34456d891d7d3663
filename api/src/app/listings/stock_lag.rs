//! How far an account's quantities are behind ours.

use super::STOCK_JOB;
use qianpu_domain::ids::{ChannelAccountId, SkuId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{WaitingJob, job_oldest};
use qianpu_tenants::store::listing::listing_get;
use qianpu_tenants::store::listing_sku::{listing_sku_of, listing_sku_waiting};
use std::collections::BTreeMap;

/// Changes that no job has looked at yet, of which so many are looked through.
const MOST_CHANGES: u64 = 50;

/// Quantities that wait to be set at an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StockLag {
    pub waiting: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
}

/// What waits at each account where something does.
pub async fn read(tx: &TenantTx) -> StoreResult<BTreeMap<ChannelAccountId, StockLag>> {
    let mut lags: BTreeMap<ChannelAccountId, StockLag> = BTreeMap::new();
    for one in listing_sku_waiting(tx).await? {
        lags.insert(one.account, StockLag { waiting: one.waiting, oldest: Some(one.oldest) });
    }
    // Changes whose places nobody has found out yet: workers that stand still must not look like channels in step.
    for WaitingJob { payload, created_at } in job_oldest(tx, STOCK_JOB, MOST_CHANGES).await? {
        let Some(sku) = payload["sku_id"].as_str().and_then(|text| text.parse::<SkuId>().ok()) else {
            continue;
        };
        for place in listing_sku_of(tx, sku).await? {
            let account = listing_get(tx, place.listing).await?.account;
            let lag = lags.entry(account).or_default();
            lag.waiting += i64::from(place.due_at.is_none());
            lag.oldest = lag.oldest.into_iter().chain([created_at]).min();
        }
    }
    Ok(lags)
}
