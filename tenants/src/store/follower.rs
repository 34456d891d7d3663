//! Followers of public accounts: who was heard of, and when they may be written to.

use crate::db::TenantTx;
use crate::entity::follower as row;
use crate::entity::follower_tag_mark as mark;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::follower::{FollowerState, Window, Windows};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set};

/// A follower of an account.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Its id.
    pub id: FollowerId,
    /// The account.
    pub account: ChannelAccountId,
    /// The person's id at the account.
    pub open_id: String,
    /// Where they stand.
    pub state: FollowerState,
    /// The scene of the code they last followed by.
    pub scene: Option<String>,
    /// When they last began to follow, as far as it was told.
    pub followed_at: Option<Timestamp>,
    /// When they last stopped.
    pub left_at: Option<Timestamp>,
    /// When they last did something.
    pub last_seen_at: Timestamp,
    /// When they may be written to.
    pub windows: Windows,
    /// For guarded updates.
    pub version: i64,
    /// When they were first heard of.
    pub created_at: Timestamp,
    /// The person's id at all accounts of one owner, as far as it was read.
    pub union_id: Option<String>,
    /// Since when nothing is sent to them of itself: their data was erased.
    pub erased_at: Option<Timestamp>,
}

fn window(opened_at: Option<i64>, sent: i64) -> Option<Window> {
    let sent = u32::try_from(sent).unwrap_or(u32::MAX);
    opened_at.map(|at| Window { opened_at: Timestamp::from_micros(at), sent })
}

pub(crate) fn from_model(row: row::Model) -> StoreResult<Follower> {
    Ok(Follower {
        id: FollowerId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        open_id: row.open_id,
        state: FollowerState::from_text(&row.state).ok_or(StoreError::Corrupt("followers.state"))?,
        scene: row.scene,
        followed_at: row.followed_at.map(Timestamp::from_micros),
        left_at: row.left_at.map(Timestamp::from_micros),
        last_seen_at: Timestamp::from_micros(row.last_seen_at),
        windows: Windows {
            message: window(row.message_opened_at, row.message_sent),
            moment: window(row.moment_opened_at, row.moment_sent),
        },
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        union_id: row.union_id,
        erased_at: row.erased_at.map(Timestamp::from_micros),
    })
}

/// The follower with this id at the account; made when nobody heard of them before.
pub async fn follower_ensure(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    open_id: &str,
    at: Timestamp,
) -> StoreResult<Follower> {
    let new = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        channel_account_id: Set(account.0),
        open_id: Set(open_id.to_owned()),
        state: Set(FollowerState::Following.as_str().to_owned()),
        scene: Set(None),
        followed_at: Set(None),
        left_at: Set(None),
        last_seen_at: Set(at.micros()),
        message_opened_at: Set(None),
        message_sent: Set(0),
        moment_opened_at: Set(None),
        moment_sent: Set(0),
        version: Set(1),
        created_at: Set(tx.now().micros()),
        union_id: Set(None),
        listed_at: Set(None),
        detailed_at: Set(None),
        erased_at: Set(None),
    };
    let known =
        OnConflict::columns([row::Column::TenantId, row::Column::ChannelAccountId, row::Column::OpenId])
            .do_nothing()
            .to_owned();
    row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::OpenId.eq(open_id))
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Keeps a follower as it is now, if nobody changed it since it was read.
pub async fn follower_save(tx: &mut TenantTx, now: &Follower) -> StoreResult<()> {
    use row::Column as C;
    let micros = |at: Option<Timestamp>| at.map(Timestamp::micros);
    let opened = |window: Option<Window>| window.map(|window| window.opened_at.micros());
    let sent = |window: Option<Window>| window.map_or(0, |window| i64::from(window.sent));
    let done = row::Entity::update_many()
        .col_expr(C::State, Expr::value(now.state.as_str()))
        .col_expr(C::Scene, Expr::value(now.scene.clone()))
        .col_expr(C::FollowedAt, Expr::value(micros(now.followed_at)))
        .col_expr(C::LeftAt, Expr::value(micros(now.left_at)))
        .col_expr(C::LastSeenAt, Expr::value(now.last_seen_at.micros()))
        .col_expr(C::MessageOpenedAt, Expr::value(opened(now.windows.message)))
        .col_expr(C::MessageSent, Expr::value(sent(now.windows.message)))
        .col_expr(C::MomentOpenedAt, Expr::value(opened(now.windows.moment)))
        .col_expr(C::MomentSent, Expr::value(sent(now.windows.moment)))
        .col_expr(C::Version, Expr::value(now.version + 1))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(now.id.0))
        .filter(C::Version.eq(now.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// One follower.
pub async fn follower_get(tx: &TenantTx, id: FollowerId) -> StoreResult<Follower> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Followers of an account, those who did something last first.
pub async fn follower_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    state: Option<FollowerState>,
    tag: Option<FollowerTagId>,
    page: PageRequest,
) -> StoreResult<Page<Follower>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    if let Some(state) = state {
        query = query.filter(row::Column::State.eq(state.as_str()));
    }
    if let Some(tag) = tag {
        query = query.filter(row::Column::Id.in_subquery(tagged(tx, tag)));
    }
    let rows = newest_first(query, row::Column::LastSeenAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.last_seen_at, id: row.id.0 }))
}

/// Who has a tag.
pub(crate) fn tagged(tx: &TenantTx, tag: FollowerTagId) -> SelectStatement {
    Query::select()
        .column(mark::Column::FollowerId)
        .from(mark::Entity)
        .and_where(mark::Column::TenantId.eq(tx.tenant()))
        .and_where(mark::Column::TagId.eq(tag.0))
        .to_owned()
}

/// How many followers of an account are in a state.
pub async fn follower_count(
    tx: &TenantTx,
    account: ChannelAccountId,
    state: FollowerState,
) -> StoreResult<u64> {
    Ok(row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::State.eq(state.as_str()))
        .count(tx.conn())
        .await?)
}

/// Ids of the followers with this id at an account of the tenant, or with this id at all accounts of one owner; at most
/// 20.
pub(crate) async fn follower_ids(
    tx: &TenantTx,
    accounts: &[uuid::Uuid],
    open_ids: &[String],
    union_ids: &[String],
) -> StoreResult<Vec<uuid::Uuid>> {
    let by_open_id = Condition::all()
        .add(row::Column::ChannelAccountId.is_in(accounts.iter().copied()))
        .add(row::Column::OpenId.is_in(open_ids.iter().map(String::as_str)));
    let by_union_id = row::Column::UnionId.is_in(union_ids.iter().filter(|id| !id.is_empty()).cloned());
    Ok(row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(Condition::any().add(by_open_id).add(by_union_id))
        .limit(20)
        .into_tuple()
        .all(tx.conn())
        .await?)
}

/// Forgets what joins followers to a person elsewhere, and sees to it that nothing is sent to them of itself any more.
/// That they follow stays: the platform tells it to whoever asks.
pub(crate) async fn follower_forget(tx: &mut TenantTx, ids: &[uuid::Uuid]) -> StoreResult<u64> {
    mark::Entity::delete_many()
        .filter(mark::Column::TenantId.eq(tx.tenant()))
        .filter(mark::Column::FollowerId.is_in(ids.iter().copied()))
        .exec(tx.conn())
        .await?;
    let none: Option<String> = None;
    let done = row::Entity::update_many()
        .col_expr(row::Column::UnionId, Expr::value(none))
        .col_expr(row::Column::ErasedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.is_in(ids.iter().copied()))
        .filter(row::Column::ErasedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// The follower with this id at an account, when they were heard of.
pub async fn follower_by_open_id(
    tx: &TenantTx,
    account: ChannelAccountId,
    open_id: &str,
) -> StoreResult<Option<Follower>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::OpenId.eq(open_id))
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}
