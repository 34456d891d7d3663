//! What channels show of our products, as it was read last, and how many differences from ours that were.

use crate::db::TenantTx;
use crate::entity::listing_reading;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::listing::ListingRow;
use qianpu_domain::drift::{Shown, ShownSku};
use qianpu_domain::ids::{ChannelAccountId, ListingId, ShopId, SkuId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use uuid::Uuid;

/// A reading.
#[derive(Clone, Debug)]
pub struct ListingReading {
    /// The listing.
    pub listing: ListingId,
    /// Its account.
    pub account: ChannelAccountId,
    /// What was shown.
    pub shown: Shown,
    /// Differences that were found then.
    pub differences: i64,
    /// When it was read.
    pub read_at: Timestamp,
}

/// One SKU as it is kept: id, price, quantity.
type Kept = (Uuid, Option<i64>, Option<i64>);

fn from_model(row: listing_reading::Model) -> StoreResult<ListingReading> {
    let kept: Vec<Kept> =
        serde_json::from_str(&row.skus).map_err(|_| StoreError::Corrupt("listing_readings.skus"))?;
    let sku = |(id, price, stock): Kept| ShownSku { sku: SkuId(id), price: price.map(Fen::new), stock };
    Ok(ListingReading {
        listing: ListingId(row.listing_id),
        account: ChannelAccountId(row.channel_account_id),
        shown: Shown { title: row.title, skus: kept.into_iter().map(sku).collect() },
        differences: row.differences,
        read_at: Timestamp::from_micros(row.read_at),
    })
}

/// Keeps a reading in the place of the one before.
pub async fn reading_put(
    tx: &mut TenantTx,
    listing: &ListingRow,
    shown: &Shown,
    differences: usize,
) -> StoreResult<()> {
    use listing_reading::Column as C;
    let kept: Vec<Kept> =
        shown.skus.iter().map(|one| (one.sku.0, one.price.map(Fen::get), one.stock)).collect();
    let skus = serde_json::to_string(&kept).map_err(|_| StoreError::Corrupt("listing_readings.skus"))?;
    let row = listing_reading::ActiveModel {
        tenant_id: Set(tx.tenant()),
        listing_id: Set(listing.id.0),
        provider_id: Set(tx.provider()?),
        shop_id: Set(listing.shop.0),
        channel_account_id: Set(listing.account.0),
        title: Set(shown.title.clone()),
        skus: Set(skus),
        differences: Set(i64::try_from(differences).unwrap_or(i64::MAX)),
        read_at: Set(tx.now().micros()),
    };
    let again = OnConflict::columns([C::TenantId, C::ListingId])
        .update_columns([C::Title, C::Skus, C::Differences, C::ReadAt])
        .to_owned();
    listing_reading::Entity::insert(row).on_conflict(again).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Forgets what was read: the product is not shown there any more.
pub async fn reading_drop(tx: &mut TenantTx, listing: ListingId) -> StoreResult<()> {
    listing_reading::Entity::delete_by_id((tx.tenant(), listing.0)).exec(tx.conn()).await?;
    Ok(())
}

/// What was read of a listing.
pub async fn reading_get(tx: &TenantTx, listing: ListingId) -> StoreResult<Option<ListingReading>> {
    let row = listing_reading::Entity::find_by_id((tx.tenant(), listing.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()
}

/// Which readings with differences a list is about.
#[derive(Clone, Debug, Default)]
pub struct DriftFilter {
    /// Only on this account.
    pub account: Option<ChannelAccountId>,
    /// Only of these shops.
    pub shops: Option<Vec<ShopId>>,
}

fn drifted(tx: &TenantTx, filter: &DriftFilter) -> sea_orm::Select<listing_reading::Entity> {
    use listing_reading::Column as C;
    let mut query =
        listing_reading::Entity::find().filter(C::TenantId.eq(tx.tenant())).filter(C::Differences.gt(0));
    if let Some(account) = filter.account {
        query = query.filter(C::ChannelAccountId.eq(account.0));
    }
    if let Some(shops) = &filter.shops {
        query = query.filter(C::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    query
}

/// Readings with differences, newest first.
pub async fn reading_drifted(
    tx: &TenantTx,
    filter: &DriftFilter,
    page: PageRequest,
) -> StoreResult<Page<ListingReading>> {
    use listing_reading::Column as C;
    let rows = newest_first(drifted(tx, filter), C::ReadAt, C::ListingId, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.read_at, id: row.listing.0 }))
}

/// How many readings have differences.
pub async fn reading_drifted_count(tx: &TenantTx, filter: &DriftFilter) -> StoreResult<i64> {
    let count = drifted(tx, filter).count(tx.conn()).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}
