//! Applying changed rules. The merchant's and an account's begin a run over every listing they reach: what would be
//! sent differently is sent, what would be offered differently is pushed, and the others are left alone. An exception
//! is applied to its listing at once.

use super::draft::{self, Subject};
use super::publish_job::queue_again;
use super::{runs, stock_push};
use crate::app::channels::account_jobs::payload;
use crate::jobs::{JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, ListingId, ProductId};
use qianpu_domain::listing::ListingState;
use qianpu_domain::listing_run::RunOrigin;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::store::listing::{ListingRow, listing_get, listing_pairs};
use std::collections::BTreeSet;

/// Listings of a merchant that a rule is applied to, and of one run.
const MOST: u64 = 50_000;
const PER_RUN: usize = 10_000;

/// Looks at every listing that the owner's rule reaches. Running it twice changes nothing more.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    let account = match job.payload["owner"].as_str() {
        Some("merchant") => None,
        Some("channel_account") => Some(payload::<ChannelAccountId>(job, "id")?),
        Some("listing") => {
            let row = listing_get(&tx, payload::<ListingId>(job, "id")?).await?;
            one(state, &mut tx, &row).await?;
            return finish(tx, job).await;
        }
        _ => return Err(JobError::dead("bad_payload", "no owner of a rule is named")),
    };
    let pairs = listing_pairs(&tx, account, MOST).await?;
    for chunk in pairs.chunks(PER_RUN) {
        let products: BTreeSet<ProductId> = chunk.iter().map(|(product, _)| *product).collect();
        let accounts: BTreeSet<ChannelAccountId> = chunk.iter().map(|(_, account)| *account).collect();
        let (products, accounts) =
            (products.into_iter().collect::<Vec<_>>(), accounts.into_iter().collect::<Vec<_>>());
        runs::begin(&mut tx, RunOrigin::Rules, &products, &accounts, Some(chunk.to_vec())).await?;
    }
    finish(tx, job).await
}

async fn one(state: &AppState, tx: &mut TenantTx, row: &ListingRow) -> StoreResult<()> {
    if !row.listing.is_there() || row.listing.state == ListingState::Queued {
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
