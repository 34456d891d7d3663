//! Categories of channels with their attributes, remembered for categories of ours.

use crate::db::TenantTx;
use crate::entity::channel_mapping as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{CategoryId, ChannelMappingId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::collections::BTreeMap;

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelMapping {
    /// Its id.
    pub id: ChannelMappingId,
    /// The channel.
    pub channel: String,
    /// Our category.
    pub category: CategoryId,
    /// The channel's category ids, top to leaf.
    pub category_path: Vec<String>,
    /// Attributes that were chosen: name → value.
    pub attributes: BTreeMap<String, String>,
    /// Changes so far.
    pub version: i64,
    /// When it was first chosen.
    pub created_at: Timestamp,
    /// When it was chosen last.
    pub updated_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<ChannelMapping> {
    let corrupt = |_| StoreError::Corrupt("a remembered category");
    Ok(ChannelMapping {
        id: ChannelMappingId(row.id),
        channel: row.channel,
        category: CategoryId(row.category_id),
        category_path: serde_json::from_str(&row.category_path).map_err(corrupt)?,
        attributes: serde_json::from_str(&row.attributes).map_err(corrupt)?,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

/// Remembers what was chosen, in the place of what was chosen before.
pub async fn mapping_put(
    tx: &mut TenantTx,
    channel: &str,
    category: CategoryId,
    path: &[String],
    attributes: &BTreeMap<String, String>,
) -> StoreResult<()> {
    use row::Column as C;
    let text =
        |value: serde_json::Result<String>| value.map_err(|_| StoreError::Corrupt("a remembered category"));
    let now = tx.now().micros();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        channel: Set(channel.to_owned()),
        category_id: Set(category.0),
        category_path: Set(text(serde_json::to_string(path))?),
        attributes: Set(text(serde_json::to_string(attributes))?),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let again = OnConflict::columns([C::TenantId, C::Channel, C::CategoryId])
        .update_columns([C::CategoryPath, C::Attributes, C::UpdatedAt])
        .value(C::Version, Expr::col((row::Entity, C::Version)).add(1))
        .to_owned();
    row::Entity::insert(model).on_conflict(again).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// What was chosen for a category.
pub async fn mapping_find(
    tx: &TenantTx,
    channel: &str,
    category: CategoryId,
) -> StoreResult<Option<ChannelMapping>> {
    row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Channel.eq(channel))
        .filter(row::Column::CategoryId.eq(category.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// One that is remembered.
pub async fn mapping_get(tx: &TenantTx, id: ChannelMappingId) -> StoreResult<ChannelMapping> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Everything that is remembered, newest first.
pub async fn mapping_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<ChannelMapping>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |one| Cursor { at: one.created_at, id: one.id.0 }))
}

/// Forgets one.
pub async fn mapping_drop(tx: &mut TenantTx, id: ChannelMappingId) -> StoreResult<()> {
    let done = row::Entity::delete_by_id((tx.tenant(), id.0)).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}
