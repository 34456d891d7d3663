//! What accounts that go live told last: rooms that are on, reservations, followers.

use crate::db::TenantTx;
use crate::entity::live_board as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Accounts that are looked up at once.
const MOST: u64 = 500;

/// What an account told.
#[derive(Clone, Debug)]
pub struct LiveBoard {
    /// The id by which orders name it.
    pub public_id: Option<String>,
    /// How many follow it.
    pub followers: Option<i64>,
    /// Rooms that are on, as the plugin wrote them.
    pub rooms: Value,
    /// Reservations, likewise.
    pub reservations: Value,
    /// When its window was read.
    pub showcase_read_at: Option<Timestamp>,
    /// Whether the window has more than was read.
    pub showcase_more: bool,
    /// When rooms and reservations were read.
    pub read_at: Option<Timestamp>,
}

impl Default for LiveBoard {
    fn default() -> Self {
        Self {
            public_id: None,
            followers: None,
            rooms: json!([]),
            reservations: json!([]),
            showcase_read_at: None,
            showcase_more: false,
            read_at: None,
        }
    }
}

fn from_model(row: row::Model) -> StoreResult<LiveBoard> {
    let read = |text: &str| serde_json::from_str(text).map_err(|_| StoreError::Corrupt("live_boards.rooms"));
    Ok(LiveBoard {
        public_id: row.public_id,
        followers: row.followers,
        rooms: read(&row.rooms)?,
        reservations: read(&row.reservations)?,
        showcase_read_at: row.showcase_read_at.map(Timestamp::from_micros),
        showcase_more: row.showcase_more,
        read_at: row.read_at.map(Timestamp::from_micros),
    })
}

/// What an account told; nothing yet is an empty one.
pub async fn board_get(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<LiveBoard> {
    let found = row::Entity::find_by_id((tx.tenant(), account.0)).one(tx.conn()).await?;
    found.map(from_model).transpose().map(Option::unwrap_or_default)
}

/// Which account has which public id.
pub async fn board_public_ids(tx: &TenantTx) -> StoreResult<BTreeMap<String, ChannelAccountId>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::PublicId.is_not_null())
        .limit(MOST)
        .all(tx.conn())
        .await?;
    let named = |row: row::Model| Some((row.public_id?, ChannelAccountId(row.channel_account_id)));
    Ok(rows.into_iter().filter_map(named).collect())
}

fn model(tx: &TenantTx, account: ChannelAccountId, board: &LiveBoard) -> row::Model {
    row::Model {
        tenant_id: tx.tenant(),
        channel_account_id: account.0,
        public_id: board.public_id.clone(),
        followers: board.followers,
        rooms: board.rooms.to_string(),
        reservations: board.reservations.to_string(),
        showcase_read_at: board.showcase_read_at.map(Timestamp::micros),
        showcase_more: board.showcase_more,
        read_at: board.read_at.map(Timestamp::micros),
    }
}

async fn put(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    board: &LiveBoard,
    columns: &[row::Column],
) -> StoreResult<()> {
    use row::Column as C;
    row::Entity::insert(row::ActiveModel::from(model(tx, account, board)))
        .on_conflict(
            OnConflict::columns([C::TenantId, C::ChannelAccountId])
                .update_columns(columns.iter().copied())
                .to_owned(),
        )
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Keeps rooms, reservations and figures that were read now.
pub async fn board_put(tx: &mut TenantTx, account: ChannelAccountId, board: &LiveBoard) -> StoreResult<()> {
    use row::Column as C;
    let board = LiveBoard { read_at: Some(tx.now()), ..board.clone() };
    put(tx, account, &board, &[C::PublicId, C::Followers, C::Rooms, C::Reservations, C::ReadAt]).await
}

/// Notes that the window was read.
pub(crate) async fn board_note_showcase(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    more: bool,
) -> StoreResult<()> {
    use row::Column as C;
    let board = LiveBoard { showcase_read_at: Some(tx.now()), showcase_more: more, ..LiveBoard::default() };
    put(tx, account, &board, &[C::ShowcaseReadAt, C::ShowcaseMore]).await
}
