//! Live rooms of accounts with their figures, as they were read last.

use crate::db::TenantTx;
use crate::entity::live_room as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};

/// A room.
#[derive(Clone, Debug)]
pub struct LiveRoomRow {
    /// Its id at the platform.
    pub room_id: String,
    /// What it was about; the platform tells that only while it is on.
    pub title: Option<String>,
    /// The day whose figures were read, `2026-11-22`; none before that.
    pub day: Option<String>,
    /// When it began, or was seen first.
    pub started_at: Timestamp,
    /// How long it was on.
    pub seconds: Option<i64>,
    /// Whether it was on when it was read.
    pub on_air: Option<bool>,
    /// Figures as the plugin wrote them; an empty object before they were read.
    pub figures: Value,
    /// Figures by product, likewise a list.
    pub products: Value,
    /// When it was read.
    pub read_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<LiveRoomRow> {
    let read = |text: &str| serde_json::from_str(text).map_err(|_| StoreError::Corrupt("live_rooms.figures"));
    Ok(LiveRoomRow {
        figures: read(&row.figures)?,
        products: read(&row.products)?,
        room_id: row.room_id,
        title: row.title,
        day: row.day,
        started_at: Timestamp::from_micros(row.started_at),
        seconds: row.seconds,
        on_air: row.on_air,
        read_at: Timestamp::from_micros(row.read_at),
    })
}

/// The newest rooms of an account.
pub async fn room_list(tx: &TenantTx, account: ChannelAccountId, most: u64) -> StoreResult<Vec<LiveRoomRow>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .order_by_desc(row::Column::StartedAt)
        .order_by_desc(row::Column::RoomId)
        .limit(most.min(200))
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

async fn put(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    room: &LiveRoomRow,
    columns: &[row::Column],
) -> StoreResult<()> {
    use row::Column as C;
    let model = row::Model {
        tenant_id: tx.tenant(),
        channel_account_id: account.0,
        room_id: room.room_id.clone(),
        title: room.title.clone(),
        day: room.day.clone(),
        started_at: room.started_at.micros(),
        seconds: room.seconds,
        on_air: room.on_air,
        figures: room.figures.to_string(),
        products: room.products.to_string(),
        read_at: room.read_at.micros(),
    };
    row::Entity::insert(row::ActiveModel::from(model))
        .on_conflict(
            OnConflict::columns([C::TenantId, C::ChannelAccountId, C::RoomId])
                .update_columns(columns.iter().copied())
                .to_owned(),
        )
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Notes a room that is on, with its title.
pub async fn room_seen(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    room_id: &str,
    title: &str,
) -> StoreResult<()> {
    let room = LiveRoomRow {
        room_id: room_id.to_owned(),
        title: Some(title.to_owned()),
        day: None,
        started_at: tx.now(),
        seconds: None,
        on_air: Some(true),
        figures: json!({}),
        products: json!([]),
        read_at: tx.now(),
    };
    put(tx, account, &room, &[row::Column::Title, row::Column::OnAir]).await
}

/// Keeps a room's figures; the title that was seen stays.
pub async fn room_figures(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    room: &LiveRoomRow,
) -> StoreResult<()> {
    use row::Column as C;
    let columns = [C::Day, C::StartedAt, C::Seconds, C::OnAir, C::Figures, C::Products, C::ReadAt];
    put(tx, account, room, &columns).await
}
