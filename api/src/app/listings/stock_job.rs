//! Finding out where a changed quantity has to be set. A change of stock adds one job in its own transaction; that
//! job marks every place that differs and adds one push for each listing, again in one transaction. Many changes in
//! a row become one push, which sets what is there when it runs.

use super::{STOCK_JOB, stock_push};
use crate::app::channels::account_jobs::payload;
use crate::jobs::{JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::SkuId;
use qianpu_domain::listing_rule::ListingRule;
use qianpu_domain::stock::StockLevel as OwnLevel;
use qianpu_tenants::jobs::{ClaimedJob, NewJob};
use qianpu_tenants::store::listing::listing_get;
use qianpu_tenants::store::listing_sku::listing_sku_of;
use serde_json::json;

/// What a channel may offer of a level.
pub fn offered(level: &OwnLevel, rule: &ListingRule) -> i64 {
    rule.stock(level.available())
}

/// The job for one SKU.
pub fn new_job(sku: SkuId) -> NewJob {
    NewJob {
        kind: STOCK_JOB,
        dedup_key: Some(sku.to_string()),
        payload: json!({ "sku_id": sku.to_string() }),
        run_at: None,
        priority: 5,
    }
}

/// Adds a push wherever the SKU's quantity differs.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let sku: SkuId = payload(job, "sku_id")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    for place in listing_sku_of(&tx, sku).await? {
        let row = listing_get(&tx, place.listing).await?;
        stock_push::want(&mut tx, &row, &place, job.created_at).await?;
    }
    finish(tx, job).await
}
