//! Notices by templates to followers, and what became of each.

use crate::db::TenantTx;
use crate::entity::follower_notice as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::follower::Follower;
use crate::store::keyset::newest_first;
use crate::store::message_template::StoredTemplate;
use qianpu_domain::follower_notice::NoticeState;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerNoticeId, MessageTemplateId, OrderId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::BTreeMap;

/// A notice.
#[derive(Clone, Debug)]
pub struct FollowerNotice {
    /// Its id.
    pub id: FollowerNoticeId,
    /// The account.
    pub account: ChannelAccountId,
    /// Whom it is for.
    pub follower: FollowerId,
    /// The template.
    pub template: MessageTemplateId,
    /// Its title at that time.
    pub title: String,
    /// What stands in the fields.
    pub fields: BTreeMap<String, String>,
    /// The page it leads to.
    pub url: Option<String>,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// Who sent it by hand.
    pub by: Option<String>,
    /// Where it stands.
    pub state: NoticeState,
    /// Why it was refused, or what became of it, in the platform's words.
    pub error: Option<(String, String)>,
    /// The same in plain words.
    pub plain: Option<String>,
    /// When it was first brought to the platform.
    pub first_sent_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last moved on.
    pub settled_at: Option<Timestamp>,
}

fn from_model(row: row::Model) -> StoreResult<FollowerNotice> {
    Ok(FollowerNotice {
        id: FollowerNoticeId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        follower: FollowerId(row.follower_id),
        template: MessageTemplateId(row.template_id),
        title: row.title,
        fields: serde_json::from_str(&row.fields)
            .map_err(|_| StoreError::Corrupt("follower_notices.fields"))?,
        url: row.url,
        order: row.order_id.map(OrderId),
        by: row.by_name,
        state: NoticeState::from_text(&row.state).ok_or(StoreError::Corrupt("follower_notices.state"))?,
        error: row.error_text.map(|text| (row.error_code.unwrap_or_default(), text)),
        plain: row.plain_text,
        first_sent_at: row.first_sent_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
        settled_at: row.settled_at.map(Timestamp::from_micros),
    })
}

/// A notice to be.
#[derive(Debug)]
pub struct NewNotice<'a> {
    /// The template.
    pub template: &'a StoredTemplate,
    /// What stands in the fields.
    pub fields: &'a BTreeMap<String, String>,
    /// The page it leads to.
    pub url: Option<&'a str>,
    /// What happened, so that it is told once; none for one by hand.
    pub happening: Option<&'a str>,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// Who sends it by hand.
    pub by: Option<&'a str>,
}

/// Keeps a notice to a follower; none when what happened was told to them before.
pub async fn notice_insert(
    tx: &mut TenantTx,
    follower: &Follower,
    new: &NewNotice<'_>,
) -> StoreResult<Option<FollowerNotice>> {
    let id = tx.new_id();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        channel_account_id: Set(follower.account.0),
        follower_id: Set(follower.id.0),
        template_id: Set(new.template.id.0),
        title: Set(new.template.title.clone()),
        fields: Set(serde_json::to_string(new.fields).unwrap_or_else(|_| "{}".to_owned())),
        url: Set(new.url.map(str::to_owned)),
        happening: Set(new.happening.map(str::to_owned)),
        order_id: Set(new.order.map(|order| order.0)),
        by_name: Set(new.by.map(str::to_owned)),
        state: Set(NoticeState::Waiting.as_str().to_owned()),
        native_message_id: Set(None),
        error_code: Set(None),
        error_text: Set(None),
        plain_text: Set(None),
        first_sent_at: Set(None),
        created_at: Set(tx.now().micros()),
        settled_at: Set(None),
    };
    let told = OnConflict::columns([row::Column::TenantId, row::Column::Happening, row::Column::FollowerId])
        .do_nothing()
        .to_owned();
    let made = row::Entity::insert(model).on_conflict(told).exec_without_returning(tx.conn()).await?;
    if made == 0 {
        return Ok(None);
    }
    notice_get(tx, FollowerNoticeId(id)).await.map(Some)
}

/// One notice.
pub async fn notice_get(tx: &TenantTx, id: FollowerNoticeId) -> StoreResult<FollowerNotice> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Notices of an account, or of one of its followers, newest first.
pub async fn notice_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    follower: Option<FollowerId>,
    page: PageRequest,
) -> StoreResult<Page<FollowerNotice>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    if let Some(follower) = follower {
        query = query.filter(row::Column::FollowerId.eq(follower.0));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// How a notice moves on.
#[derive(Debug, Default)]
pub struct NoticeMove<'a> {
    /// The platform's id of it.
    pub message_id: Option<&'a str>,
    /// The platform's words.
    pub error: Option<(&'a str, &'a str)>,
    /// The same in plain words.
    pub plain: Option<&'a str>,
}

/// Moves a notice on, if it is still where it was; whether it was.
pub async fn notice_move(
    tx: &mut TenantTx,
    was: &FollowerNotice,
    to: NoticeState,
    change: &NoticeMove<'_>,
) -> StoreResult<bool> {
    use row::Column as C;
    let now = tx.now().micros();
    let short = |text: &str| text.chars().take(500).collect::<String>();
    let mut query = row::Entity::update_many()
        .col_expr(C::State, Expr::value(to.as_str()))
        .col_expr(C::ErrorCode, Expr::value(change.error.map(|(code, _)| code.to_owned())))
        .col_expr(C::ErrorText, Expr::value(change.error.map(|(_, text)| short(text))))
        .col_expr(C::PlainText, Expr::value(change.plain.map(short)))
        .col_expr(C::SettledAt, Expr::value(now))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(was.id.0))
        .filter(C::State.eq(was.state.as_str()));
    if let Some(id) = change.message_id {
        query = query.col_expr(C::NativeMessageId, Expr::value(id));
    }
    if to == NoticeState::Sending && was.first_sent_at.is_none() {
        query = query.col_expr(C::FirstSentAt, Expr::value(now));
    }
    Ok(query.exec(tx.conn()).await?.rows_affected == 1)
}

/// The notice of an account that a push is about: by the platform's id of it, or, for notices that got none, the oldest
/// one by a template to a person of which nothing was told yet.
pub async fn notice_about(
    tx: &TenantTx,
    account: ChannelAccountId,
    message_id: Option<&str>,
    person: Option<(MessageTemplateId, FollowerId)>,
) -> StoreResult<Option<FollowerNotice>> {
    use row::Column as C;
    let own =
        row::Entity::find().filter(C::TenantId.eq(tx.tenant())).filter(C::ChannelAccountId.eq(account.0));
    let query = match (message_id, person) {
        (Some(id), _) => own.filter(C::NativeMessageId.eq(id)),
        (None, Some((template, follower))) => {
            own.filter(C::FollowerId.eq(follower.0))
                .filter(C::TemplateId.eq(template.0))
                .filter(C::NativeMessageId.is_null())
                .filter(C::State.is_in(
                    [NoticeState::Sending, NoticeState::Sent, NoticeState::Unknown].map(|s| s.as_str()),
                ))
        }
        (None, None) => return Ok(None),
    };
    let found = query.order_by_asc(C::CreatedAt).order_by_asc(C::Id).limit(1).one(tx.conn()).await?;
    found.map(from_model).transpose()
}

/// Deletes the notices to these followers; how many.
pub(crate) async fn notice_delete(tx: &mut TenantTx, followers: &[uuid::Uuid]) -> StoreResult<u64> {
    let done = row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::FollowerId.is_in(followers.iter().copied()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// Deletes the notices to a follower that are older than `before`.
pub async fn notice_trim(tx: &mut TenantTx, follower: FollowerId, before: Timestamp) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::FollowerId.eq(follower.0))
        .filter(row::Column::CreatedAt.lt(before.micros()))
        .exec(tx.conn())
        .await?;
    Ok(())
}
