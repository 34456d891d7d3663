//! The last messages from and to a follower. What people wrote is masked before it comes here.

use crate::db::TenantTx;
use crate::entity::follower_message as row;
use crate::error::{StoreError, StoreResult};
use crate::store::follower::Follower;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerMessageId, ReplyRuleId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// Messages kept of one follower.
pub const KEEP_MOST: u64 = 50;
/// How long messages are kept.
pub const KEEP: Span = Span::days(180);

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Came in.
    Received,
    /// Is to be sent.
    Waiting,
    /// Is being sent: the platform may have it.
    Sending,
    /// The platform took it.
    Sent,
    /// Was not sent; `error_code` says why.
    Refused,
    /// No answer came: it may have been delivered.
    Unknown,
}

impl MessageState {
    /// Every state.
    pub const ALL: &'static [Self] =
        &[Self::Received, Self::Waiting, Self::Sending, Self::Sent, Self::Refused, Self::Unknown];
    /// Stored and sent form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct FollowerMessage {
    /// Its id.
    pub id: FollowerMessageId,
    /// The account.
    pub account: ChannelAccountId,
    /// From whom or to whom.
    pub follower: FollowerId,
    /// Whether the person sent it.
    pub inbound: bool,
    /// What it is: `text`, `followed`, `clicked`, `link`, ….
    pub kind: String,
    /// The text; what else there is as JSON.
    pub body: String,
    /// The rule that answers.
    pub rule: Option<ReplyRuleId>,
    /// Who of the merchant wrote it.
    pub by: Option<String>,
    /// Where it stands.
    pub state: MessageState,
    /// Why it was refused.
    pub error_code: Option<String>,
    /// The same in the platform's words.
    pub error_text: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<FollowerMessage> {
    let state = MessageState::ALL.iter().copied().find(|state| state.as_str() == row.state);
    Ok(FollowerMessage {
        id: FollowerMessageId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        follower: FollowerId(row.follower_id),
        inbound: row.direction == "in",
        kind: row.kind,
        body: row.body,
        rule: row.rule_id.map(ReplyRuleId),
        by: row.by_name,
        state: state.ok_or(StoreError::Corrupt("follower_messages.state"))?,
        error_code: row.error_code,
        error_text: row.error_text,
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// A message to be kept.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    /// Whether the person sent it.
    pub inbound: bool,
    /// What it is.
    pub kind: &'a str,
    /// The text; what else there is as JSON.
    pub body: &'a str,
    /// The rule that answers.
    pub rule: Option<ReplyRuleId>,
    /// Who of the merchant wrote it.
    pub by: Option<&'a str>,
    /// Where it stands.
    pub state: MessageState,
}

/// Keeps a message.
pub async fn message_insert(
    tx: &mut TenantTx,
    follower: &Follower,
    new: &NewMessage<'_>,
) -> StoreResult<FollowerMessage> {
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: follower.account.0,
        follower_id: follower.id.0,
        direction: if new.inbound { "in" } else { "out" }.to_owned(),
        kind: new.kind.to_owned(),
        body: new.body.to_owned(),
        rule_id: new.rule.map(|rule| rule.0),
        by_name: new.by.map(str::to_owned),
        state: new.state.as_str().to_owned(),
        error_code: None,
        error_text: None,
        // An answer made in the transaction of its message stands after it.
        created_at: tx.now().micros() + i64::from(!new.inbound),
        settled_at: None,
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// One message.
pub async fn message_get(tx: &TenantTx, id: FollowerMessageId) -> StoreResult<FollowerMessage> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Moves a message on, if it is still where it was; whether it was.
pub async fn message_move(
    tx: &mut TenantTx,
    id: FollowerMessageId,
    from: MessageState,
    to: MessageState,
    error: Option<(&str, &str)>,
) -> StoreResult<bool> {
    use row::Column as C;
    let short = |text: &str| text.chars().take(500).collect::<String>();
    let done = row::Entity::update_many()
        .col_expr(C::State, Expr::value(to.as_str()))
        .col_expr(C::ErrorCode, Expr::value(error.map(|(code, _)| code.to_owned())))
        .col_expr(C::ErrorText, Expr::value(error.map(|(_, text)| short(text))))
        .col_expr(C::SettledAt, Expr::value(tx.now().micros()))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(id.0))
        .filter(C::State.eq(from.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// The kept messages of a follower, newest first.
pub async fn message_list(tx: &TenantTx, follower: FollowerId) -> StoreResult<Vec<FollowerMessage>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::FollowerId.eq(follower.0))
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .limit(KEEP_MOST)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The newest message of each of these followers.
pub async fn message_newest(
    tx: &TenantTx,
    followers: &[FollowerId],
) -> StoreResult<HashMap<FollowerId, FollowerMessage>> {
    let mut newest = HashMap::new();
    for follower in followers {
        let row = row::Entity::find()
            .filter(row::Column::TenantId.eq(tx.tenant()))
            .filter(row::Column::FollowerId.eq(follower.0))
            .order_by_desc(row::Column::CreatedAt)
            .order_by_desc(row::Column::Id)
            .limit(1)
            .one(tx.conn())
            .await?;
        if let Some(row) = row {
            newest.insert(*follower, from_model(row)?);
        }
    }
    Ok(newest)
}

/// Forgets what a follower has beyond [`KEEP_MOST`] messages, and what is older than [`KEEP`].
pub async fn message_trim(tx: &mut TenantTx, follower: FollowerId) -> StoreResult<()> {
    use row::Column as C;
    let beyond: Vec<Uuid> = row::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::FollowerId.eq(follower.0))
        .order_by_desc(C::CreatedAt)
        .order_by_desc(C::Id)
        .offset(KEEP_MOST)
        .limit(KEEP_MOST)
        .into_tuple()
        .all(tx.conn())
        .await?;
    if !beyond.is_empty() {
        row::Entity::delete_many()
            .filter(C::TenantId.eq(tx.tenant()))
            .filter(C::Id.is_in(beyond))
            .exec(tx.conn())
            .await?;
    }
    row::Entity::delete_many()
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::FollowerId.eq(follower.0))
        .filter(C::CreatedAt.lt(tx.now().minus(KEEP).micros()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Deletes the messages of these followers; how many.
pub(crate) async fn message_delete(tx: &mut TenantTx, followers: &[Uuid]) -> StoreResult<u64> {
    let done = row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::FollowerId.is_in(followers.iter().copied()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}
