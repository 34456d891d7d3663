//! What stands in the windows of accounts, as it was read last, with what the platform refused.

use crate::db::TenantTx;
use crate::entity::showcase_item as row;
use crate::error::StoreResult;
use crate::store::live_board::board_note_showcase;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Most products that are kept of one window.
pub const MOST_ITEMS: usize = 500;

/// A product in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowcaseRow {
    /// The product's id at the platform.
    pub product_id: String,
    /// The shop account's id at the platform; empty for somebody else's product.
    pub source_id: String,
    /// `shown`, `off`, `gone`, `unknown`, or `absent`: it was asked for and is not in the window.
    pub state: String,
    /// The platform's raw state.
    pub native_state: String,
    /// Its title there.
    pub title: Option<String>,
    /// Address of its picture.
    pub picture_url: Option<String>,
    /// The lowest price.
    pub price: Option<Fen>,
    /// Pieces left.
    pub stock: Option<i64>,
    /// Kept off the window's own page.
    pub hidden: bool,
    /// Why it may not be sold.
    pub barred: Option<String>,
    /// Our listing of it.
    pub listing: Option<ListingId>,
    /// What the platform said when the last change of it was refused.
    pub refusal: Option<String>,
    /// When it was read.
    pub read_at: Timestamp,
}

fn from_model(row: row::Model) -> ShowcaseRow {
    ShowcaseRow {
        product_id: row.product_id,
        source_id: row.source_id,
        state: row.state,
        native_state: row.native_state,
        title: row.title,
        picture_url: row.picture_url,
        price: row.price_fen.map(Fen::new),
        stock: row.stock,
        hidden: row.hidden,
        barred: row.barred,
        listing: row.listing_id.map(ListingId),
        refusal: row.refusal,
        read_at: Timestamp::from_micros(row.read_at),
    }
}

fn model(tx: &TenantTx, account: ChannelAccountId, item: &ShowcaseRow, position: usize) -> row::Model {
    row::Model {
        tenant_id: tx.tenant(),
        channel_account_id: account.0,
        product_id: item.product_id.clone(),
        source_id: item.source_id.clone(),
        state: item.state.clone(),
        native_state: item.native_state.clone(),
        title: item.title.clone(),
        picture_url: item.picture_url.clone(),
        price_fen: item.price.map(Fen::get),
        stock: item.stock,
        hidden: item.hidden,
        barred: item.barred.clone(),
        listing_id: item.listing.map(|listing| listing.0),
        refusal: item.refusal.clone(),
        position: i64::try_from(position).unwrap_or(i64::MAX),
        read_at: item.read_at.micros(),
    }
}

/// The window of an account, in the platform's order.
pub async fn showcase_list(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Vec<ShowcaseRow>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .order_by_asc(row::Column::Position)
        .order_by_asc(row::Column::ProductId)
        .limit(MOST_ITEMS as u64)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// Puts the window that was read in the place of the one before. `more`: the platform has further products.
pub async fn showcase_replace(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    items: &[ShowcaseRow],
    more: bool,
) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .exec(tx.conn())
        .await?;
    for (position, item) in items.iter().take(MOST_ITEMS).enumerate() {
        row::ActiveModel::from(model(tx, account, item, position)).insert(tx.conn()).await?;
    }
    board_note_showcase(tx, account, more).await
}

/// Keeps one product as it was read, or what was refused about it.
pub async fn showcase_put(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    item: &ShowcaseRow,
) -> StoreResult<()> {
    use row::Column as C;
    let columns = [
        C::SourceId,
        C::State,
        C::NativeState,
        C::Title,
        C::PictureUrl,
        C::PriceFen,
        C::Stock,
        C::Hidden,
        C::Barred,
        C::ListingId,
        C::Refusal,
        C::ReadAt,
    ];
    let key = [C::TenantId, C::ChannelAccountId, C::ProductId];
    row::Entity::insert(row::ActiveModel::from(model(tx, account, item, MOST_ITEMS)))
        .on_conflict(OnConflict::columns(key).update_columns(columns).to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}
