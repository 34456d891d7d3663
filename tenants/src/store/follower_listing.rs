//! Followers as the platform lists them, many at once.

use super::follower::{Follower, from_model, tagged};
use crate::db::TenantTx;
use crate::entity::{follower as row, follower_tag, follower_tag_mark as mark};
use crate::error::StoreResult;
use qianpu_domain::follower::FollowerState;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set,
};
use std::collections::HashMap;

/// Rows of one statement: both databases bound the values of one.
const CHUNK: usize = 500;

/// Keeps that these people follow the account, as a reading found that began at `started`. Who left after it began
/// stays away: the list may be older than the push.
pub async fn followers_listed(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    open_ids: &[String],
    started: Timestamp,
) -> StoreResult<()> {
    use row::Column as C;
    let now = tx.now().micros();
    for chunk in open_ids.chunks(CHUNK) {
        let rows: Vec<row::ActiveModel> = chunk
            .iter()
            .map(|open_id| row::ActiveModel {
                tenant_id: Set(tx.tenant()),
                id: Set(tx.new_id()),
                channel_account_id: Set(account.0),
                open_id: Set(open_id.clone()),
                state: Set(FollowerState::Following.as_str().to_owned()),
                scene: Set(None),
                followed_at: Set(None),
                left_at: Set(None),
                // They were never seen to do anything.
                last_seen_at: Set(0),
                message_opened_at: Set(None),
                message_sent: Set(0),
                moment_opened_at: Set(None),
                moment_sent: Set(0),
                version: Set(1),
                created_at: Set(now),
                union_id: Set(None),
                listed_at: Set(Some(now)),
                detailed_at: Set(None),
                erased_at: Set(None),
            })
            .collect();
        let known = OnConflict::columns([C::TenantId, C::ChannelAccountId, C::OpenId])
            .update_column(C::ListedAt)
            .to_owned();
        row::Entity::insert_many(rows).on_conflict(known).exec_without_returning(tx.conn()).await?;
        row::Entity::update_many()
            .col_expr(C::State, Expr::value(FollowerState::Following.as_str()))
            .col_expr(C::Version, Expr::col(C::Version).add(1))
            .filter(C::TenantId.eq(tx.tenant()))
            .filter(C::ChannelAccountId.eq(account.0))
            .filter(C::OpenId.is_in(chunk.iter().map(String::as_str)))
            .filter(C::State.eq(FollowerState::Left.as_str()))
            .filter(Condition::any().add(C::LeftAt.is_null()).add(C::LeftAt.lt(started.micros())))
            .exec(tx.conn())
            .await?;
    }
    Ok(())
}

/// Notes that everybody left who is not on the list of the reading that began at `started`, and of whom nothing was
/// heard since; how many.
pub async fn followers_unlisted(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    started: Timestamp,
) -> StoreResult<u64> {
    use row::Column as C;
    let at = started.micros();
    let before = |column: C| Condition::any().add(column.is_null()).add(column.lt(at));
    let done = row::Entity::update_many()
        .col_expr(C::State, Expr::value(FollowerState::Left.as_str()))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ChannelAccountId.eq(account.0))
        .filter(C::State.eq(FollowerState::Following.as_str()))
        .filter(before(C::ListedAt))
        .filter(before(C::FollowedAt))
        .filter(C::LastSeenAt.lt(at))
        .filter(C::CreatedAt.lt(at))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// Which followers are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Everybody who follows.
    All,
    /// Who has a tag.
    Tagged(FollowerTagId),
    /// Who followed by a code with this scene.
    Scene(String),
    /// These.
    These(Vec<FollowerId>),
}

fn chosen(tx: &TenantTx, account: ChannelAccountId, choice: &Choice) -> Select<row::Entity> {
    use row::Column as C;
    let query = row::Entity::find()
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ChannelAccountId.eq(account.0))
        .filter(C::State.eq(FollowerState::Following.as_str()))
        .filter(C::ErasedAt.is_null());
    match choice {
        Choice::All => query,
        Choice::Tagged(tag) => query.filter(C::Id.in_subquery(tagged(tx, *tag))),
        Choice::Scene(scene) => query.filter(C::Scene.eq(scene.as_str())),
        Choice::These(ids) => query.filter(C::Id.is_in(ids.iter().map(|id| id.0))),
    }
}

/// How many follow the account now and are meant.
pub async fn followers_count_chosen(
    tx: &TenantTx,
    account: ChannelAccountId,
    choice: &Choice,
) -> StoreResult<u64> {
    Ok(chosen(tx, account, choice).count(tx.conn()).await?)
}

/// The next of those who follow the account and are meant, by id.
pub async fn followers_behind(
    tx: &TenantTx,
    account: ChannelAccountId,
    choice: &Choice,
    behind: Option<FollowerId>,
    most: u64,
) -> StoreResult<Vec<Follower>> {
    let mut query = chosen(tx, account, choice);
    if let Some(behind) = behind {
        query = query.filter(row::Column::Id.gt(behind.0));
    }
    let rows = query.order_by_asc(row::Column::Id).limit(most).all(tx.conn()).await?;
    rows.into_iter().map(from_model).collect()
}

/// What was read about a follower.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Whether they follow.
    pub follows: bool,
    /// Since when.
    pub followed_at: Option<Timestamp>,
    /// The person's id at all accounts of one owner.
    pub union_id: Option<String>,
    /// The scene of the code they followed by.
    pub scene: Option<String>,
    /// The platform's ids of the tags on them.
    pub tag_ids: Vec<String>,
}

/// Keeps what was read about followers of an account by a reading that began at `started`.
pub async fn followers_detailed(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    read: &[(Follower, Detail)],
    started: Timestamp,
) -> StoreResult<()> {
    use row::Column as C;
    let tags: HashMap<String, uuid::Uuid> = follower_tag::Entity::find()
        .filter(follower_tag::Column::TenantId.eq(tx.tenant()))
        .filter(follower_tag::Column::ChannelAccountId.eq(account.0))
        .all(tx.conn())
        .await?
        .into_iter()
        .map(|tag| (tag.native_id, tag.id))
        .collect();
    let now = tx.now().micros();
    let mut marks = Vec::new();
    for (follower, detail) in read {
        let left = !detail.follows && follower.followed_at.is_none_or(|at| at < started);
        let state = if left { FollowerState::Left } else { FollowerState::Following };
        // Pushes tell more exactly than lists do.
        let followed = follower.followed_at.or(detail.followed_at);
        let seen = follower.last_seen_at.max(followed.unwrap_or(follower.last_seen_at));
        row::Entity::update_many()
            .col_expr(C::State, Expr::value(state.as_str()))
            .col_expr(C::FollowedAt, Expr::value(followed.map(Timestamp::micros)))
            .col_expr(C::UnionId, Expr::value(detail.union_id.clone().or(follower.union_id.clone())))
            .col_expr(C::Scene, Expr::value(follower.scene.clone().or(detail.scene.clone())))
            .col_expr(C::LastSeenAt, Expr::value(seen.micros()))
            .col_expr(C::DetailedAt, Expr::value(now))
            .col_expr(C::Version, Expr::value(follower.version + 1))
            .filter(C::TenantId.eq(tx.tenant()))
            .filter(C::Id.eq(follower.id.0))
            // A push was quicker: what it said stands, and the next reading looks again.
            .filter(C::Version.eq(follower.version))
            .filter(C::ErasedAt.is_null())
            .exec(tx.conn())
            .await?;
        for tag in detail.tag_ids.iter().filter_map(|native| tags.get(native)) {
            marks.push(mark::ActiveModel {
                tenant_id: Set(tx.tenant()),
                tag_id: Set(*tag),
                follower_id: Set(follower.id.0),
                created_at: Set(now),
            });
        }
    }
    mark::Entity::delete_many()
        .filter(mark::Column::TenantId.eq(tx.tenant()))
        .filter(mark::Column::FollowerId.is_in(read.iter().map(|(follower, _)| follower.id.0)))
        .exec(tx.conn())
        .await?;
    while !marks.is_empty() {
        let rest = marks.split_off(marks.len().min(CHUNK));
        let known = OnConflict::new().do_nothing().to_owned();
        mark::Entity::insert_many(marks).on_conflict(known).exec_without_returning(tx.conn()).await?;
        marks = rest;
    }
    Ok(())
}
