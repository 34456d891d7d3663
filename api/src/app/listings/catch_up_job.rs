//! Making up for the time in which an account could not be called: pushes and our own changes passed it by, so
//! every quantity that differs is set, and every undecided product is asked for.

use super::CATCH_UP_JOB;
use super::refresh_job::{new_job as refresh, undecided};
use super::stock_push;
use crate::app::channels::account_jobs::payload;
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::{ListingFilter, ListingRow, listing_list};
use serde_json::json;

const PER_PAGE: u64 = 50;

/// The job for an account that works again.
pub fn new_job(account: ChannelAccountId) -> NewJob {
    NewJob {
        kind: CATCH_UP_JOB,
        dedup_key: Some(account.to_string()),
        payload: json!({ "channel_account_id": account.to_string() }),
        run_at: None,
        priority: 5,
    }
}

/// Adds the jobs of everything that may have changed meanwhile. Running it twice adds nothing new.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let filter = ListingFilter { account: Some(account), ..ListingFilter::default() };
    let mut page = PageRequest::first(PER_PAGE);
    loop {
        let mut tx = state.db.begin(&job.ctx).await?;
        let listings = listing_list(&tx, &filter, page).await?;
        for row in &listings.items {
            one(&mut tx, account, row).await?;
        }
        tx.commit().await?;
        match listings.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(Done::Nothing),
        }
    }
}

async fn one(tx: &mut TenantTx, account: ChannelAccountId, row: &ListingRow) -> StoreResult<()> {
    let Some(native) = row.native_product_id.as_deref() else { return Ok(()) };
    if undecided(&row.listing) {
        job_enqueue(tx, refresh(account, native, None)).await?;
    }
    stock_push::want_all(tx, row).await
}
