//! Followers of public accounts: who was heard of, and when they may be written to.

use crate::db::TenantTx;
use crate::entity::follower as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::follower::{FollowerState, Window, Windows};
use qianpu_domain::ids::{ChannelAccountId, FollowerId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set};

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
}

fn window(opened_at: Option<i64>, sent: i64) -> Option<Window> {
    let sent = u32::try_from(sent).unwrap_or(u32::MAX);
    opened_at.map(|at| Window { opened_at: Timestamp::from_micros(at), sent })
}

fn from_model(row: row::Model) -> StoreResult<Follower> {
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
    page: PageRequest,
) -> StoreResult<Page<Follower>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    if let Some(state) = state {
        query = query.filter(row::Column::State.eq(state.as_str()));
    }
    let rows = newest_first(query, row::Column::LastSeenAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.last_seen_at, id: row.id.0 }))
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

/// Ids of the followers with this id at an account of the tenant; at most 20.
pub(crate) async fn follower_ids(
    tx: &TenantTx,
    accounts: &[uuid::Uuid],
    open_ids: &[String],
) -> StoreResult<Vec<uuid::Uuid>> {
    Ok(row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.is_in(accounts.iter().copied()))
        .filter(row::Column::OpenId.is_in(open_ids.iter().map(String::as_str)))
        .limit(20)
        .into_tuple()
        .all(tx.conn())
        .await?)
}
