//! The inbox: each verified push is stored once. A push only says "go and fetch".

use crate::db::TenantTx;
use crate::entity::inbox_message;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::InboxId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use std::collections::HashSet;
use uuid::Uuid;

/// The most rows of one statement: a database takes some thousands of values.
const MOST_ROWS: usize = 500;

/// The most messages that are marked at once.
const MOST_SETTLED: u64 = 200;

/// A verified push.
#[derive(Clone, Debug)]
pub struct NewInboxMessage<'a> {
    /// The channel account or channel app it came for.
    pub owner: Uuid,
    /// Unique per owner: the platform's message id, or what identifies the event.
    pub dedup_key: &'a str,
    /// Normalised kind.
    pub kind: &'a str,
    /// What the platform calls it; empty when it has no name.
    pub native_type: &'a str,
    /// External id of what changed.
    pub subject: &'a str,
    /// The push's own hint, without secrets.
    pub payload: &'a str,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// New.
    New(InboxId),
    /// Seen before; nothing was written.
    Duplicate,
}

/// Stores a push unless its key was seen.
pub async fn inbox_insert(tx: &mut TenantTx, message: &NewInboxMessage<'_>) -> StoreResult<Stored> {
    let stored = inbox_insert_all(tx, std::slice::from_ref(message)).await?;
    Ok(stored.first().copied().unwrap_or(Stored::Duplicate))
}

/// Stores several, each unless its key was seen, one before it in the list included; what became of each.
pub async fn inbox_insert_all(
    tx: &mut TenantTx,
    messages: &[NewInboxMessage<'_>],
) -> StoreResult<Vec<Stored>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = messages.iter().map(|_| tx.new_id()).collect();
    let mut rows: Vec<(Uuid, &NewInboxMessage<'_>)> = ids.iter().copied().zip(messages).collect();
    // Two processes that store the same pushes at once wait for each other's keys in one order.
    rows.sort_by_key(|(_, message)| (message.owner, message.dedup_key));
    let mut new = HashSet::new();
    for some in rows.chunks(MOST_ROWS) {
        let some = some.iter().map(|(id, message)| row_of(tx, *id, message));
        let conflict = OnConflict::columns([
            inbox_message::Column::TenantId,
            inbox_message::Column::OwnerId,
            inbox_message::Column::DedupKey,
        ])
        .do_nothing()
        .to_owned();
        let insert = inbox_message::Entity::insert_many(some).on_conflict(conflict);
        let keys = insert.exec_with_returning_keys(tx.conn()).await?;
        new.extend(keys.into_iter().map(|(_, id)| id));
    }
    let became = |id: Uuid| if new.contains(&id) { Stored::New(InboxId(id)) } else { Stored::Duplicate };
    Ok(ids.into_iter().map(became).collect())
}

fn row_of(tx: &TenantTx, id: Uuid, message: &NewInboxMessage<'_>) -> inbox_message::ActiveModel {
    inbox_message::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        owner_id: Set(message.owner),
        dedup_key: Set(message.dedup_key.to_owned()),
        kind: Set(message.kind.to_owned()),
        native_type: Set(Some(message.native_type.to_owned()).filter(|name| !name.is_empty())),
        subject: Set(message.subject.to_owned()),
        payload: Set(message.payload.to_owned()),
        received_at: Set(tx.now().micros()),
        handled_at: Set(None),
    }
}

/// A stored push.
#[derive(Clone, Debug)]
pub struct InboxMessage {
    /// Its id.
    pub id: InboxId,
    /// The channel account or channel app.
    pub owner: Uuid,
    /// Normalised kind.
    pub kind: String,
    /// What the platform calls it.
    pub native_type: Option<String>,
    /// External id of what changed.
    pub subject: String,
    /// The push's hint.
    pub payload: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When somebody dealt with it, of those that wait for people.
    pub handled_at: Option<Timestamp>,
}

fn from_model(row: inbox_message::Model) -> InboxMessage {
    InboxMessage {
        id: InboxId(row.id),
        owner: row.owner_id,
        kind: row.kind,
        native_type: row.native_type,
        subject: row.subject,
        payload: row.payload,
        received_at: Timestamp::from_micros(row.received_at),
        handled_at: row.handled_at.map(Timestamp::from_micros),
    }
}

/// One message.
pub async fn inbox_get(tx: &TenantTx, id: InboxId) -> StoreResult<InboxMessage> {
    let row = inbox_message::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    Ok(from_model(row))
}

/// Messages for an account or app, newest first; `waiting` kinds only those that nobody dealt with.
pub async fn inbox_list(
    tx: &TenantTx,
    owner: Uuid,
    waiting: Option<&[&str]>,
    page: PageRequest,
) -> StoreResult<Page<InboxMessage>> {
    use inbox_message::Column;
    let mut query = inbox_message::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::OwnerId.eq(owner));
    if let Some(kinds) = waiting {
        query = query.filter(Column::HandledAt.is_null()).filter(Column::Kind.is_in(kinds.iter().copied()));
    }
    let rows = newest_first(query, Column::ReceivedAt, Column::Id, page).all(tx.conn()).await?;
    let messages = rows.into_iter().map(from_model).collect();
    Ok(Page::from_rows(messages, page.limit, |message| Cursor { at: message.received_at, id: message.id.0 }))
}

/// How many messages of these kinds for these accounts nobody dealt with.
pub async fn inbox_waiting_count(tx: &TenantTx, owners: &[Uuid], kinds: &[&str]) -> StoreResult<u64> {
    use inbox_message::Column;
    Ok(inbox_message::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::OwnerId.is_in(owners.iter().copied()))
        .filter(Column::HandledAt.is_null())
        .filter(Column::Kind.is_in(kinds.iter().copied()))
        .count(tx.conn())
        .await?)
}

/// Marks messages of a kind about a subject as handled; with `keep_newest` all but the newest.
pub async fn inbox_settle(
    tx: &mut TenantTx,
    owner: Uuid,
    kind: &str,
    subject: &str,
    keep_newest: bool,
) -> StoreResult<()> {
    use inbox_message::Column;
    use sea_orm::sea_query::Expr;
    use sea_orm::{QueryOrder, QuerySelect};
    let rows = inbox_message::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::OwnerId.eq(owner))
        .filter(Column::Kind.eq(kind))
        .filter(Column::Subject.eq(subject))
        .filter(Column::HandledAt.is_null())
        .order_by_desc(Column::ReceivedAt)
        .order_by_desc(Column::Id)
        // What is left over is settled with the next push.
        .limit(MOST_SETTLED)
        .all(tx.conn())
        .await?;
    let done: Vec<Uuid> = rows.into_iter().skip(usize::from(keep_newest)).map(|row| row.id).collect();
    if done.is_empty() {
        return Ok(());
    }
    inbox_message::Entity::update_many()
        .col_expr(Column::HandledAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.is_in(done))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Marks a message as handled.
pub async fn inbox_handled(tx: &mut TenantTx, id: InboxId) -> StoreResult<()> {
    use sea_orm::sea_query::Expr;
    inbox_message::Entity::update_many()
        .col_expr(inbox_message::Column::HandledAt, Expr::value(tx.now().micros()))
        .filter(inbox_message::Column::TenantId.eq(tx.tenant()))
        .filter(inbox_message::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
