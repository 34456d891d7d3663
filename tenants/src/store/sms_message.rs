//! Text messages a provider sends, and the counters that bound them. Rows of the provider's own tenant.
//!
//! The number and the text are sealed and taken out as soon as the message is sent or given up; what stays is a masked
//! number, the outcome and the sender's own id.

use crate::db::TenantTx;
use crate::entity::{sms_counter, sms_message as row};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ShopId, SmsMessageId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

/// A message to be.
#[derive(Clone, Debug)]
pub struct NewSmsMessage<'a> {
    /// The merchant and shop whose page asked; none for a test.
    pub shop: Option<(TenantId, ShopId)>,
    /// `code` or `test`.
    pub kind: &'static str,
    /// The sealed number and text.
    pub payload: Vec<u8>,
    /// For people: `138****0000`.
    pub phone_masked: &'a str,
}

/// A message as kept.
#[derive(Clone, Debug)]
pub struct SmsMessage {
    /// Its id.
    pub id: SmsMessageId,
    /// The merchant whose page asked.
    pub merchant: Option<TenantId>,
    /// The shop.
    pub shop: Option<ShopId>,
    /// `code` or `test`.
    pub kind: String,
    /// The sealed number and text, until it is sent or given up.
    pub payload: Option<Vec<u8>>,
    /// `138****0000`.
    pub phone_masked: String,
    /// `queued`, `sent` or `failed`.
    pub state: String,
    /// The sender's code of a failure.
    pub error_code: Option<String>,
    /// Its words.
    pub error_text: Option<String>,
    /// The sender's id of the message.
    pub remote_id: Option<String>,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

fn from_model(model: row::Model) -> SmsMessage {
    SmsMessage {
        id: SmsMessageId(model.id),
        merchant: model.merchant_id.map(TenantId),
        shop: model.shop_id.map(ShopId),
        kind: model.kind,
        payload: model.payload,
        phone_masked: model.phone_masked,
        state: model.state,
        error_code: model.error_code,
        error_text: model.error_text,
        remote_id: model.remote_id,
        sent_at: model.sent_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(model.created_at),
    }
}

/// Adds a message that waits to be sent.
pub async fn sms_insert(tx: &mut TenantTx, new: NewSmsMessage<'_>) -> StoreResult<SmsMessageId> {
    let id = tx.new_id();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        merchant_id: Set(new.shop.map(|(merchant, _)| merchant.0)),
        shop_id: Set(new.shop.map(|(_, shop)| shop.0)),
        kind: Set(new.kind.to_owned()),
        payload: Set(Some(new.payload)),
        phone_masked: Set(new.phone_masked.to_owned()),
        state: Set("queued".to_owned()),
        error_code: Set(None),
        error_text: Set(None),
        remote_id: Set(None),
        sent_at: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(SmsMessageId(id))
}

/// One message.
pub async fn sms_get(tx: &TenantTx, id: SmsMessageId) -> StoreResult<SmsMessage> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).ok_or(StoreError::NotFound)
}

/// Messages, newest first.
pub async fn sms_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<SmsMessage>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect();
    Ok(Page::from_rows(rows, page.limit, |message: &SmsMessage| Cursor {
        at: message.created_at,
        id: message.id.0,
    }))
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub enum SmsOutcome<'a> {
    /// Handed over.
    Sent {
        /// The sender's id of the message.
        remote_id: Option<&'a str>,
    },
    /// Refused or given up; or it will be tried again, when `last` is false.
    Failed {
        /// A stable word or the sender's code.
        code: &'a str,
        /// The sender's words.
        text: &'a str,
        /// No further try.
        last: bool,
    },
}

/// Notes what became of a message that waits. The sealed number goes with the last word.
pub async fn sms_note(tx: &mut TenantTx, id: SmsMessageId, outcome: SmsOutcome<'_>) -> StoreResult<()> {
    use row::Column;
    let mut query = row::Entity::update_many();
    query = match outcome {
        SmsOutcome::Sent { remote_id } => query
            .col_expr(Column::State, Expr::value("sent"))
            .col_expr(Column::RemoteId, Expr::value(remote_id.map(str::to_owned)))
            .col_expr(Column::ErrorCode, Expr::value(None::<String>))
            .col_expr(Column::ErrorText, Expr::value(None::<String>))
            .col_expr(Column::SentAt, Expr::value(tx.now().micros()))
            .col_expr(Column::Payload, Expr::value(None::<Vec<u8>>)),
        SmsOutcome::Failed { code, text, last } => {
            let noted = query
                .col_expr(Column::ErrorCode, Expr::value(clip(code, 60)))
                .col_expr(Column::ErrorText, Expr::value(clip(text, 300)));
            if last {
                noted
                    .col_expr(Column::State, Expr::value("failed"))
                    .col_expr(Column::Payload, Expr::value(None::<Vec<u8>>))
            } else {
                noted
            }
        }
    };
    query
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.eq("queued"))
        .exec(tx.conn())
        .await?;
    Ok(())
}

fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// A bound on messages of a day.
#[derive(Clone, Debug)]
pub struct SmsLimit {
    /// What is counted: a word and a keyed hash or an id. Never a number or an address.
    pub subject: String,
    /// At most so many a day.
    pub most: i64,
    /// At least this long after the one before.
    pub apart: Span,
}

/// Days are counted in China's time, where the shops are.
fn day(now: Timestamp) -> i64 {
    now.plus(Span::hours(8)).seconds().div_euclid(86_400)
}

/// Counts one message against a bound: none when it may be sent, else how long to wait. The count is guarded by the
/// statement itself, so of many at once no more than allowed get through; drop the transaction to take it back.
pub async fn sms_count(tx: &mut TenantTx, limit: &SmsLimit) -> StoreResult<Option<Span>> {
    use sms_counter::Column;
    let (now, today) = (tx.now(), day(tx.now()));
    let zero = sms_counter::ActiveModel {
        tenant_id: Set(tx.tenant()),
        subject: Set(limit.subject.clone()),
        day: Set(today),
        used: Set(0),
        last_at: Set(0),
    };
    let conflict =
        OnConflict::columns([Column::TenantId, Column::Subject, Column::Day]).do_nothing().to_owned();
    let fresh =
        sms_counter::Entity::insert(zero).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    if fresh == 1 {
        sms_counter::Entity::delete_many()
            .filter(Column::TenantId.eq(tx.tenant()))
            .filter(Column::Day.lt(today - 1))
            .exec(tx.conn())
            .await?;
    }
    let done = sms_counter::Entity::update_many()
        .col_expr(Column::Used, Expr::col(Column::Used).add(1))
        .col_expr(Column::LastAt, Expr::value(now.micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Subject.eq(limit.subject.as_str()))
        .filter(Column::Day.eq(today))
        .filter(Column::Used.lt(limit.most))
        .filter(Column::LastAt.lte(now.minus(limit.apart).micros()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 {
        return Ok(None);
    }
    let id = (tx.tenant(), limit.subject.clone(), today);
    let found = sms_counter::Entity::find_by_id(id).one(tx.conn()).await?.ok_or(StoreError::NotFound)?;
    let tomorrow = Span::seconds((today + 1) * 86_400 - 8 * 3600 - now.seconds());
    let next = Timestamp::from_micros(found.last_at).plus(limit.apart).since(now);
    Ok(Some(if found.used >= limit.most { tomorrow } else { next }))
}
