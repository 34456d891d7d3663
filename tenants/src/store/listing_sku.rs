//! SKUs of listings: the channel's id of each, and the stock we last set there.

use crate::db::TenantTx;
use crate::entity::{listing, listing_sku};
use crate::error::StoreResult;
use qianpu_domain::ids::{ChannelAccountId, ListingId, SkuId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef, Set};
use uuid::Uuid;

/// A SKU of a listing.
#[derive(Clone, Debug)]
pub struct ListingSku {
    /// The listing.
    pub listing: ListingId,
    /// Our SKU.
    pub sku: SkuId,
    /// The channel's id.
    pub native_sku_id: Option<String>,
    /// The quantity last set at the channel.
    pub pushed_stock: Option<i64>,
    /// When it was set.
    pub pushed_at: Option<Timestamp>,
    /// Why it could not be set.
    pub error_text: Option<String>,
    /// Since when another quantity waits to be set.
    pub due_at: Option<Timestamp>,
}

fn from_model(row: listing_sku::Model) -> ListingSku {
    ListingSku {
        listing: ListingId(row.listing_id),
        sku: SkuId(row.sku_id),
        native_sku_id: row.native_sku_id,
        pushed_stock: row.pushed_stock,
        pushed_at: row.pushed_at.map(Timestamp::from_micros),
        error_text: row.error_text,
        due_at: row.due_at.map(Timestamp::from_micros),
    }
}

/// The most SKUs a listing may have; a product has fewer.
const MOST: u64 = 2000;

/// SKUs of a listing, by id.
pub async fn listing_sku_list(tx: &TenantTx, listing: ListingId) -> StoreResult<Vec<ListingSku>> {
    let rows = listing_sku::Entity::find()
        .filter(listing_sku::Column::TenantId.eq(tx.tenant()))
        .filter(listing_sku::Column::ListingId.eq(listing.0))
        .order_by_asc(listing_sku::Column::SkuId)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// Where a SKU is listed.
pub async fn listing_sku_of(tx: &TenantTx, sku: SkuId) -> StoreResult<Vec<ListingSku>> {
    let rows = listing_sku::Entity::find()
        .filter(listing_sku::Column::TenantId.eq(tx.tenant()))
        .filter(listing_sku::Column::SkuId.eq(sku.0))
        .order_by_asc(listing_sku::Column::ListingId)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// Our SKU behind the channel's, on an account: for order lines that carry only the channel's id.
pub async fn listing_sku_by_native(
    tx: &TenantTx,
    account: ChannelAccountId,
    native_sku_id: &str,
) -> StoreResult<Option<ListingSku>> {
    let rows = listing_sku::Entity::find()
        .filter(listing_sku::Column::TenantId.eq(tx.tenant()))
        .filter(listing_sku::Column::NativeSkuId.eq(native_sku_id))
        .limit(50)
        .all(tx.conn())
        .await?;
    for row in rows {
        let owner = listing::Entity::find_by_id((tx.tenant(), row.listing_id)).one(tx.conn()).await?;
        if owner.is_some_and(|listing| listing.channel_account_id == account.0) {
            return Ok(Some(from_model(row)));
        }
    }
    Ok(None)
}

/// Keeps the channel's id of a SKU.
pub async fn listing_sku_put(
    tx: &mut TenantTx,
    listing: ListingId,
    sku: SkuId,
    native_sku_id: Option<&str>,
) -> StoreResult<()> {
    let row = listing_sku::ActiveModel {
        tenant_id: Set(tx.tenant()),
        listing_id: Set(listing.0),
        sku_id: Set(sku.0),
        native_sku_id: Set(native_sku_id.map(str::to_owned)),
        pushed_stock: Set(None),
        pushed_at: Set(None),
        error_text: Set(None),
        due_at: Set(None),
    };
    let key = [listing_sku::Column::TenantId, listing_sku::Column::ListingId, listing_sku::Column::SkuId];
    let conflict = OnConflict::columns(key).update_column(listing_sku::Column::NativeSkuId).to_owned();
    listing_sku::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Forgets the quantity that was set at the channel: what is there now is another, so the next look sets it.
pub async fn listing_sku_forget_stock(tx: &mut TenantTx, listing: ListingId, sku: SkuId) -> StoreResult<()> {
    use listing_sku::Column;
    listing_sku::Entity::update_many()
        .col_expr(Column::PushedStock, Expr::value(None::<i64>))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ListingId.eq(listing.0))
        .filter(Column::SkuId.eq(sku.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes the quantity that was set at the channel, or why it was not.
pub async fn listing_sku_pushed(
    tx: &mut TenantTx,
    listing: ListingId,
    sku: SkuId,
    outcome: Result<i64, &str>,
) -> StoreResult<()> {
    use listing_sku::Column;
    let update = listing_sku::Entity::update_many()
        .col_expr(Column::PushedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::ErrorText, Expr::value(outcome.err().map(str::to_owned)));
    let update = match outcome {
        Ok(quantity) => update
            .col_expr(Column::PushedStock, Expr::value(quantity))
            .col_expr(Column::DueAt, Expr::value(None::<i64>)),
        Err(_) => update,
    };
    update
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ListingId.eq(listing.0))
        .filter(Column::SkuId.eq(sku.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes that another quantity waits to be set. What waited before goes on waiting since then.
pub async fn listing_sku_due(
    tx: &mut TenantTx,
    listing: ListingId,
    sku: SkuId,
    since: Timestamp,
) -> StoreResult<()> {
    use listing_sku::Column;
    listing_sku::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(since.micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ListingId.eq(listing.0))
        .filter(Column::SkuId.eq(sku.0))
        .filter(Column::DueAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// What was waiting is as it should be already.
pub async fn listing_sku_settled(tx: &mut TenantTx, listing: ListingId, sku: SkuId) -> StoreResult<()> {
    use listing_sku::Column;
    listing_sku::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(None::<i64>))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ListingId.eq(listing.0))
        .filter(Column::SkuId.eq(sku.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Quantities that wait to be set at an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingStock {
    /// The account.
    pub account: ChannelAccountId,
    /// How many.
    pub waiting: i64,
    /// Since when the oldest waits.
    pub oldest: Timestamp,
}

/// What waits at each account of the merchant.
pub async fn listing_sku_waiting(tx: &TenantTx) -> StoreResult<Vec<WaitingStock>> {
    use listing_sku::Column;
    let rows: Vec<(Uuid, i64, i64)> = listing_sku::Entity::find()
        .select_only()
        .column(listing::Column::ChannelAccountId)
        .column_as(Column::SkuId.count(), "waiting")
        .column_as(Column::DueAt.min(), "oldest")
        .join(JoinType::InnerJoin, of_listing())
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(listing::Column::TenantId.eq(tx.tenant()))
        .filter(Column::DueAt.is_not_null())
        .group_by(listing::Column::ChannelAccountId)
        .limit(MOST)
        .into_tuple()
        .all(tx.conn())
        .await?;
    let one = |(account, waiting, oldest)| WaitingStock {
        account: ChannelAccountId(account),
        waiting,
        oldest: Timestamp::from_micros(oldest),
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Both columns of the key, so that the rows lie side by side in a database that is spread by tenant.
fn of_listing() -> RelationDef {
    listing_sku::Entity::belongs_to(listing::Entity)
        .from((listing_sku::Column::TenantId, listing_sku::Column::ListingId))
        .to((listing::Column::TenantId, listing::Column::Id))
        .into()
}
