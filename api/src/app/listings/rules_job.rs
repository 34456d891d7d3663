//! Applying changed rules: every listing they reach is looked at; what would be sent differently is queued, and what
//! would be offered differently is pushed. The others are left alone.

use super::draft::{self, Subject};
use super::publish_job::queue_again;
use super::stock_push;
use crate::app::channels::account_jobs::payload;
use crate::jobs::{Done, JobError, JobResult};
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::{ListingFilter, ListingRow, listing_get, listing_list};

const PER_PAGE: u64 = 50;

/// Looks at every listing that the owner's rule reaches. Running it twice changes nothing more.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account = match job.payload["owner"].as_str() {
        Some("merchant") => None,
        Some("channel_account") => Some(payload::<ChannelAccountId>(job, "id")?),
        Some("listing") => {
            let mut tx = state.db.begin(&job.ctx).await?;
            let row = listing_get(&tx, payload::<ListingId>(job, "id")?).await?;
            one(state, &mut tx, &row).await?;
            tx.commit().await?;
            return Ok(Done::Nothing);
        }
        _ => return Err(JobError::dead("bad_payload", "no owner of a rule is named")),
    };
    let filter = ListingFilter { account, ..ListingFilter::default() };
    let mut page = PageRequest::first(PER_PAGE);
    loop {
        let mut tx = state.db.begin(&job.ctx).await?;
        let found = listing_list(&tx, &filter, page).await?;
        for row in &found.items {
            one(state, &mut tx, row).await?;
        }
        tx.commit().await?;
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(Done::Nothing),
        }
    }
}

async fn one(state: &AppState, tx: &mut TenantTx, row: &ListingRow) -> StoreResult<()> {
    if !matches!(row.listing.state, ListingState::Listed | ListingState::InAudit | ListingState::Publishing) {
        // What waits is sent with the rules of that moment; what is off the shelf stays there.
        return Ok(());
    }
    let drafted = match draft::read(tx, &state.config, &Subject::of(row)).await {
        Ok(drafted) => drafted,
        Err(StoreError::NotFound) => return Ok(()),
        Err(other) => return Err(other),
    };
    if row.sent_hash.as_ref() != Some(&drafted.hash) {
        return queue_again(tx, row, drafted.version).await;
    }
    stock_push::want_all(tx, row).await
}
