//! Ours against the channel's: what was read of each listing is kept and compared, differences are listed, and made
//! good with ours on request. A look at everything follows the merchant's click, and happens once a day by itself.

use super::draft::{self, Subject};
use super::{PUBLISH_JOB, listing_job, refresh_job, stock_push};
use crate::app::channels::account_jobs::payload;
use crate::config::Config;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, chains};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::drift::{Difference, Shown, ShownSku, Wanted, WantedSku, differences};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, ListingId, ShopId, SkuId};
use qianpu_domain::listing::ListingState;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::RemoteListing;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{MAX_LIMIT, Page, PageRequest};
use qianpu_tenants::store::channel_account::{AccountFilter, account_get, account_list};
use qianpu_tenants::store::listing::{
    ListingFacts, ListingFilter, ListingRow, listing_get, listing_list, listing_save,
};
use qianpu_tenants::store::listing_reading::{
    DriftFilter, ListingReading, reading_drifted, reading_drifted_count, reading_drop, reading_get,
    reading_put,
};
use qianpu_tenants::store::listing_sku::{listing_sku_forget_stock, listing_sku_list};
use qianpu_tenants::store::product::{Product, product_get};
use qianpu_tenants::store::sku::sku_list;
use serde_json::json;
use std::collections::HashMap;

/// The job that asks for the truth about every listing of an account, or of the whole merchant.
pub const LOOK_JOB: &str = "listing.look";
/// A difference that was not there before may be a sale whose news is on its way: it is looked at again after this.
const LOOK_AGAIN: Span = Span::minutes(2);
/// Between two listings of the daily look.
const APART: Span = Span::seconds(2);
/// Differences that one click makes good.
const MOST_REPAIRS: usize = 500;
const PER_PAGE: u64 = 50;

/// Keeps what the platform shows, with the number of differences; call it where a listing was saved with the truth.
pub(super) async fn keep(
    tx: &mut TenantTx,
    config: &Config,
    id: ListingId,
    remote: &RemoteListing,
) -> StoreResult<()> {
    let row = listing_get(tx, id).await?;
    let Some(shown) = remote.shown.as_ref() else { return reading_drop(tx, id).await };
    let sku = |(own, there): (&String, &qianpu_sdk::ShownSku)| {
        Some(ShownSku { sku: own.parse().ok()?, price: there.price, stock: there.stock })
    };
    let shown = Shown { title: shown.title.clone(), skus: shown.skus.iter().filter_map(sku).collect() };
    let found = differences(&wanted(tx, config, &row).await?, &shown);
    let before = reading_get(tx, id).await?.map_or(0, |reading| reading.differences);
    reading_put(tx, &row, &shown, found.len()).await?;
    if let Some(native) = row.native_product_id.as_deref().filter(|_| before == 0 && !found.is_empty()) {
        let at = tx.now().plus(LOOK_AGAIN);
        job_enqueue(tx, refresh_job::new_job(row.account, native, Some(at))).await?;
    }
    Ok(())
}

/// A quantity was set at the channel: a listing that differed may differ no more.
pub(super) async fn stock_was_set(tx: &mut TenantTx, row: &ListingRow) -> StoreResult<()> {
    let differed = reading_get(tx, row.id).await?.is_some_and(|reading| reading.differences > 0);
    if let Some(native) = row.native_product_id.as_deref().filter(|_| differed) {
        job_enqueue(tx, refresh_job::new_job(row.account, native, None)).await?;
    }
    Ok(())
}

/// What the channel should show of a listing.
async fn wanted(tx: &TenantTx, config: &Config, row: &ListingRow) -> StoreResult<Wanted> {
    let drafted = draft::read(tx, config, &Subject::of(row)).await?;
    let places: HashMap<SkuId, Option<i64>> = listing_sku_list(tx, row.id)
        .await?
        .into_iter()
        .map(|place| (place.sku, place.pushed_stock))
        .collect();
    let mut skus = Vec::new();
    for sku in &drafted.draft.skus {
        let Ok(id) = sku.out_sku_id.parse::<SkuId>() else { continue };
        // The draft has read the quantities of all its SKUs at once.
        let offered = if drafted.on_sale { sku.stock } else { 0 };
        let stock = (places.get(&id).copied().flatten() == Some(offered)).then_some(offered);
        skus.push(WantedSku { sku: id, price: sku.price, stock });
    }
    // While a new version, or what a changed rule makes of it, is on its way, it differs rightly.
    let sent = row.sent_hash.as_ref().is_none_or(|sent| *sent == drafted.hash);
    let settled = sent
        && row.listing.state == ListingState::Listed
        && row.listing.listed_version == Some(drafted.version);
    Ok(Wanted { settled, title: drafted.draft.title, skus })
}

/// A listing that differs.
#[derive(Debug, Clone)]
pub struct Drift {
    pub row: ListingRow,
    pub product: Product,
    pub account_name: String,
    /// Specification values of its SKUs, for people.
    pub values: HashMap<SkuId, Vec<String>>,
    /// What differs now; empty when ours has become what was read.
    pub differences: Vec<Difference>,
    pub read_at: Timestamp,
}

async fn drift(tx: &TenantTx, config: &Config, reading: &ListingReading) -> StoreResult<Drift> {
    let row = listing_get(tx, reading.listing).await?;
    let found = differences(&wanted(tx, config, &row).await?, &reading.shown);
    let own = sku_list(tx, row.product).await?;
    Ok(Drift {
        product: product_get(tx, row.product).await?,
        account_name: account_get(tx, row.account).await?.name,
        values: own.into_iter().map(|sku| (sku.id, sku.values)).collect(),
        differences: found,
        read_at: reading.read_at,
        row,
    })
}

fn filter(grant_shops: Option<Vec<ShopId>>, account: Option<ChannelAccountId>) -> DriftFilter {
    DriftFilter { account, shops: grant_shops }
}

/// Listings that differed when they were read last, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    account: Option<ChannelAccountId>,
    page: PageRequest,
) -> Answer<Page<Drift>> {
    let tx = state.db.read(grant.ctx()).await?;
    let found = reading_drifted(&tx, &filter(grant.shops(), account), page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for reading in &found.items {
        items.push(drift(&tx, &state.config, reading).await?);
    }
    Ok(Page { items, next: found.next })
}

/// How many listings differ.
pub async fn count(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    account: Option<ChannelAccountId>,
) -> Answer<i64> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(reading_drifted_count(&tx, &filter(grant.shops(), account)).await?)
}

/// Makes a listing like ours: sends the product once more where its content differs, and sets quantities that differ.
pub async fn repair(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    id: ListingId,
) -> Answer<ListingRow> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let row = super::covered(grant, listing_get(&tx, id).await?)?;
    if !repair_in(&mut tx, &state.config, &row).await? {
        return Err(ApiError::new(ErrorCode::ListingWrongState));
    }
    let row = listing_get(&tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whether there was something to make good.
async fn repair_in(tx: &mut TenantTx, config: &Config, row: &ListingRow) -> Answer<bool> {
    let Some(reading) = reading_get(tx, row.id).await? else { return Ok(false) };
    let Some(native) = row.native_product_id.as_deref() else { return Ok(false) };
    let found = differences(&wanted(tx, config, row).await?, &reading.shown);
    if found.iter().any(Difference::needs_publish) {
        let mut next = row.listing.clone();
        // The version is the one that is there already, so the state says that it has to be sent,
        // and that what is there is not it.
        next.state = ListingState::Queued;
        next.reason = None;
        next.listed_version = None;
        listing_save(tx, row, &next, &ListingFacts::default()).await?;
        job_enqueue(tx, listing_job(PUBLISH_JOB, row.id)).await?;
    }
    for difference in &found {
        if let Difference::Stock { sku, .. } = difference {
            listing_sku_forget_stock(tx, row.id, *sku).await?;
            stock_push::enqueue(tx, row).await?;
        }
    }
    // Also where nothing differs any more: then the new reading says so.
    let soon = tx.now().plus(Span::seconds(5));
    job_enqueue(tx, refresh_job::new_job(row.account, native, Some(soon))).await?;
    if !found.is_empty() {
        let detail = json!({ "channel_account_id": row.account.to_string(), "differences": found.len() });
        audit_append(tx, AuditAction::ListingRepair, "listing", &row.id.to_string(), detail).await?;
    }
    Ok(true)
}

/// Makes every listing that differs like ours, up to a bound; how many, and whether some are left.
pub async fn repair_all(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    account: Option<ChannelAccountId>,
) -> Answer<(usize, bool)> {
    if let Some(account) = account {
        visible(state, grant, account).await?;
    }
    let filter = filter(grant.shops(), account);
    let mut page = PageRequest::first(PER_PAGE);
    let mut repaired = 0;
    loop {
        let mut tx = state.db.begin(grant.ctx()).await?;
        let found = reading_drifted(&tx, &filter, page).await?;
        for reading in &found.items {
            let row = listing_get(&tx, reading.listing).await?;
            repaired += usize::from(repair_in(&mut tx, &state.config, &row).await?);
        }
        tx.commit().await?;
        match found.next {
            Some(next) if repaired < MOST_REPAIRS => page.cursor = Some(next),
            next => return Ok((repaired, next.is_some())),
        }
    }
}

async fn visible(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    account: ChannelAccountId,
) -> Answer<()> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_get(&tx, account).await?;
    if grant.covers_shop(account.shop) { Ok(()) } else { Err(ApiError::not_found()) }
}

/// Asks the platform about every product of an account.
pub async fn look(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    account: ChannelAccountId,
) -> Answer<()> {
    visible(state, grant, account).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    job_enqueue(&mut tx, asked_for(account)).await?;
    Ok(tx.commit().await?)
}

/// The same for every account that the caller may see.
pub async fn look_at_all(state: &AppState, grant: &Grant<perm::ListingWrite>) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    for account in account_list(&tx, &filter, PageRequest::first(MAX_LIMIT)).await?.items {
        job_enqueue(&mut tx, asked_for(account.id)).await?;
    }
    Ok(tx.commit().await?)
}

fn asked_for(account: ChannelAccountId) -> NewJob {
    NewJob {
        kind: LOOK_JOB,
        dedup_key: Some(account.to_string()),
        payload: json!({ "channel_account_id": account.to_string() }),
        run_at: None,
        priority: 7,
    }
}

fn daily(at: Timestamp) -> NewJob {
    NewJob {
        kind: LOOK_JOB,
        dedup_key: Some("daily".to_owned()),
        payload: json!({ "channel_account_id": null }),
        run_at: Some(at),
        priority: 9,
    }
}

/// Adds a job for each product that is at the channel. The daily look takes its time, so that it never stands in the
/// way of what people wait for.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: Option<ChannelAccountId> = if job.payload["channel_account_id"].is_null() {
        None
    } else {
        Some(payload(job, "channel_account_id")?)
    };
    let filter = ListingFilter { account, state: Some(ListingState::Listed), ..ListingFilter::default() };
    let mut page = PageRequest::first(PER_PAGE);
    let mut at = state.clock().now();
    loop {
        let mut tx = state.db.begin(&job.ctx).await?;
        let found = listing_list(&tx, &filter, page).await?;
        for row in &found.items {
            let Some(native) = row.native_product_id.as_deref() else { continue };
            at = at.plus(APART);
            let when = account.is_none().then_some(at);
            job_enqueue(&mut tx, refresh_job::new_job(row.account, native, when)).await?;
        }
        if found.next.is_none() && account.is_none() {
            let tomorrow = tx.now().plus(Span::days(1));
            job_enqueue(&mut tx, daily(tomorrow)).await?;
        }
        tx.commit().await?;
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(Done::Nothing),
        }
    }
}

/// Begins the chain of daily looks of every merchant in business that has none.
pub async fn watch(state: AppState) -> Result<(), ApiError> {
    chains::begin(&state, "listings.watch", Span::hours(1), daily).await
}
