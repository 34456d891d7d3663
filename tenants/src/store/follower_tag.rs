//! Tags on followers of public accounts, and who has which.

use crate::db::TenantTx;
use crate::entity::{follower_tag as row, follower_tag_mark as mark};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::follower_tag::MOST_TAGS;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::HashMap;

/// Tags that are listed: those of the account, and the platform's own.
const MOST_LISTED: u64 = MOST_TAGS as u64 + 20;

/// A tag.
#[derive(Clone, Debug)]
pub struct FollowerTag {
    /// Its id.
    pub id: FollowerTagId,
    /// The account.
    pub account: ChannelAccountId,
    /// The platform's id of it.
    pub native_id: String,
    /// Its name.
    pub name: String,
    /// Whether the platform keeps it, so that nobody can change it.
    pub fixed: bool,
    /// How many people have it, as the platform said last.
    pub people: i64,
    /// When it was first heard of.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> FollowerTag {
    FollowerTag {
        id: FollowerTagId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        native_id: row.native_id,
        name: row.name,
        fixed: row.fixed,
        people: row.people,
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// A tag as the platform tells it.
#[derive(Clone, Debug)]
pub struct ToldTag {
    /// The platform's id of it.
    pub native_id: String,
    /// Its name.
    pub name: String,
    /// Whether the platform keeps it.
    pub fixed: bool,
    /// How many people have it.
    pub people: i64,
}

/// Tags of an account by name, the platform's own last.
pub async fn tag_list(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Vec<FollowerTag>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .order_by_asc(row::Column::Fixed)
        .order_by_asc(row::Column::Name)
        .order_by_asc(row::Column::Id)
        .limit(MOST_LISTED)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// One tag.
pub async fn tag_get(tx: &TenantTx, id: FollowerTagId) -> StoreResult<FollowerTag> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).ok_or(StoreError::NotFound)
}

/// Keeps a tag as the platform tells it, new or known.
pub async fn tag_keep(tx: &mut TenantTx, account: ChannelAccountId, told: &ToldTag) -> StoreResult<()> {
    let now = tx.now().micros();
    let new = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        channel_account_id: Set(account.0),
        native_id: Set(told.native_id.clone()),
        name: Set(told.name.clone()),
        fixed: Set(told.fixed),
        people: Set(told.people),
        created_at: Set(now),
        updated_at: Set(now),
    };
    use row::Column as C;
    let known = OnConflict::columns([C::TenantId, C::ChannelAccountId, C::NativeId])
        .update_columns([C::Name, C::Fixed, C::People, C::UpdatedAt])
        .to_owned();
    row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Makes the tags of an account those that the platform tells.
pub async fn tags_take(tx: &mut TenantTx, account: ChannelAccountId, told: &[ToldTag]) -> StoreResult<()> {
    for tag in told {
        tag_keep(tx, account, tag).await?;
    }
    for tag in tag_list(tx, account).await? {
        if !told.iter().any(|one| one.native_id == tag.native_id) {
            tag_delete(tx, tag.id).await?;
        }
    }
    Ok(())
}

/// Gives a tag another name.
pub async fn tag_rename(tx: &mut TenantTx, id: FollowerTagId, name: &str) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::Name, Expr::value(name))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Deletes a tag, and takes it off everybody.
pub async fn tag_delete(tx: &mut TenantTx, id: FollowerTagId) -> StoreResult<()> {
    mark::Entity::delete_many()
        .filter(mark::Column::TenantId.eq(tx.tenant()))
        .filter(mark::Column::TagId.eq(id.0))
        .exec(tx.conn())
        .await?;
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// The tags on these followers.
pub async fn tags_of(
    tx: &TenantTx,
    followers: &[FollowerId],
) -> StoreResult<HashMap<FollowerId, Vec<FollowerTagId>>> {
    let rows = mark::Entity::find()
        .filter(mark::Column::TenantId.eq(tx.tenant()))
        .filter(mark::Column::FollowerId.is_in(followers.iter().map(|id| id.0)))
        .limit(10_000)
        .all(tx.conn())
        .await?;
    let mut tags: HashMap<FollowerId, Vec<FollowerTagId>> = HashMap::new();
    for row in rows {
        tags.entry(FollowerId(row.follower_id)).or_default().push(FollowerTagId(row.tag_id));
    }
    Ok(tags)
}

/// Notes that a tag was put on followers, or taken off; how many it changed.
pub async fn tag_note(
    tx: &mut TenantTx,
    tag: FollowerTagId,
    followers: &[FollowerId],
    on: bool,
) -> StoreResult<u64> {
    if followers.is_empty() {
        return Ok(0);
    }
    if !on {
        let done = mark::Entity::delete_many()
            .filter(mark::Column::TenantId.eq(tx.tenant()))
            .filter(mark::Column::TagId.eq(tag.0))
            .filter(mark::Column::FollowerId.is_in(followers.iter().map(|id| id.0)))
            .exec(tx.conn())
            .await?;
        return Ok(done.rows_affected);
    }
    let now = tx.now().micros();
    let rows: Vec<mark::ActiveModel> = followers
        .iter()
        .map(|id| mark::ActiveModel {
            tenant_id: Set(tx.tenant()),
            tag_id: Set(tag.0),
            follower_id: Set(id.0),
            created_at: Set(now),
        })
        .collect();
    let known = OnConflict::new().do_nothing().to_owned();
    Ok(mark::Entity::insert_many(rows).on_conflict(known).exec_without_returning(tx.conn()).await?)
}

/// Keeps how many people have a tag.
pub async fn tag_people(tx: &mut TenantTx, id: FollowerTagId, people: i64) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::People, Expr::value(people.max(0)))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
