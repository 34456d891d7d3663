//! Deliveries: one event on its way to one endpoint, with a row for each try. They are made in the transaction of
//! the event itself, or by the relay in the provider's; an endpoint gets an event once, however often it is relayed.

use crate::db::TenantTx;
use crate::entity::{webhook_attempt, webhook_delivery as row};
use crate::error::{StoreError, StoreResult};
use crate::jobs::{NewJob, job_enqueue_part};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::webhook_endpoint::{WebhookEndpoint, endpoint_active};
use qianpu_domain::ids::{EventId, TenantId, WebhookDeliveryId, WebhookEndpointId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_domain::webhook::EventType;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The job that sends one delivery.
pub const DELIVER_JOB: &str = "webhooks.deliver";
/// How long the log is kept.
pub const KEPT: Span = Span::days(30);
/// The most deliveries that are kept of an endpoint; the oldest go first.
pub const MOST_KEPT: u64 = 20_000;
/// The most deliveries that one command sends again.
pub const MOST_REPLAYED: u64 = 500;
const MOST_ATTEMPTS_SHOWN: u64 = 50;

/// An event as it is sent.
#[derive(Clone, Debug)]
pub struct TellableEvent {
    /// The same for every receiver and every try.
    pub id: EventId,
    /// What happened.
    pub event: EventType,
    /// Public id of what it happened to.
    pub subject: String,
    /// The subject's version then.
    pub version: i64,
    /// In whose tenant.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// Ids of things beside it; nothing else of it is sent.
    pub payload: Value,
}

impl TellableEvent {
    /// The body of the message: type, time, and ids. What it is about is read over the API.
    pub fn body(&self) -> String {
        let mut data = serde_json::Map::new();
        data.insert("id".to_owned(), json!(self.subject));
        data.insert("object_version".to_owned(), json!(self.version));
        data.insert("tenant_id".to_owned(), json!(self.tenant.to_string()));
        for (name, value) in self.payload.as_object().into_iter().flatten() {
            if name.ends_with("_id") && value.is_string() {
                data.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        json!({ "type": self.event.as_str(), "timestamp": self.at.to_string(), "data": data }).to_string()
    }
}

/// Makes a delivery for each of the tenant's endpoints that wants the event; how many are new.
pub async fn fan_out(tx: &mut TenantTx, event: &TellableEvent) -> StoreResult<u64> {
    let foreign = event.tenant.0 != tx.tenant();
    let mut made = 0;
    for endpoint in endpoint_active(tx).await? {
        // What happened before there was an endpoint is not told to it.
        let heard = endpoint.created_at <= event.at && (endpoint.merchants || !foreign);
        if heard && endpoint.wanted.has(event.event) && deliver_to(tx, &endpoint, event).await?.is_some() {
            made += 1;
        }
    }
    Ok(made)
}

/// Makes the delivery of an event to one endpoint, and the job that sends it. None when it has the event already.
pub async fn deliver_to(
    tx: &mut TenantTx,
    endpoint: &WebhookEndpoint,
    event: &TellableEvent,
) -> StoreResult<Option<WebhookDeliveryId>> {
    let id = WebhookDeliveryId(tx.new_id());
    let now = tx.now().micros();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id.0),
        endpoint_id: Set(endpoint.id.0),
        event_id: Set(event.id.0),
        event_type: Set(event.event.as_str().to_owned()),
        subject: Set(event.subject.clone()),
        payload: Set(event.body()),
        state: Set("pending".to_owned()),
        attempt: Set(0),
        next_at: Set(Some(now)),
        last_status: Set(None),
        last_error: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let seen = OnConflict::columns([row::Column::TenantId, row::Column::EndpointId, row::Column::EventId])
        .do_nothing()
        .to_owned();
    if row::Entity::insert(model).on_conflict(seen).exec_without_returning(tx.conn()).await? == 0 {
        return Ok(None);
    }
    delivery_enqueue(tx, endpoint.id, id, None).await?;
    Ok(Some(id))
}

/// The job that sends a delivery, at once or later.
pub async fn delivery_enqueue(
    tx: &mut TenantTx,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
    at: Option<Timestamp>,
) -> StoreResult<()> {
    let job = NewJob {
        kind: DELIVER_JOB,
        // None: a delivery that is sent again must not wait for the job of its next try.
        dedup_key: None,
        payload: json!({ "delivery_id": id.to_string() }),
        run_at: at,
        priority: 6,
    };
    job_enqueue_part(tx, job, endpoint.0).await.map(drop)
}

/// A delivery.
#[derive(Clone, Debug)]
pub struct WebhookDelivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// Where it goes.
    pub endpoint: WebhookEndpointId,
    /// Goes out as `webhook-id`.
    pub event: EventId,
    /// What happened.
    pub event_type: String,
    /// Public id of what it happened to.
    pub subject: String,
    /// The body.
    pub payload: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Tries since it was last sent off.
    pub attempt: i64,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// Status of the last answer.
    pub last_status: Option<i64>,
    /// Why the last try failed; a word.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> WebhookDelivery {
    WebhookDelivery {
        id: WebhookDeliveryId(row.id),
        endpoint: WebhookEndpointId(row.endpoint_id),
        event: EventId(row.event_id),
        event_type: row.event_type,
        subject: row.subject,
        payload: row.payload,
        state: row.state,
        attempt: row.attempt,
        next_at: row.next_at.map(Timestamp::from_micros),
        last_status: row.last_status,
        last_error: row.last_error,
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// One delivery.
pub async fn delivery_get(tx: &TenantTx, id: WebhookDeliveryId) -> StoreResult<WebhookDelivery> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).ok_or(StoreError::NotFound)
}

/// Deliveries to an endpoint, newest first, of one state only when asked.
pub async fn delivery_list(
    tx: &TenantTx,
    endpoint: WebhookEndpointId,
    state: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<WebhookDelivery>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::EndpointId.eq(endpoint.0));
    if let Some(state) = state {
        query = query.filter(row::Column::State.eq(state));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(from_model))
}

/// Failed deliveries of an endpoint since a time, oldest first; at most [`MOST_REPLAYED`].
pub async fn delivery_failed_since(
    tx: &TenantTx,
    endpoint: WebhookEndpointId,
    since: Timestamp,
) -> StoreResult<Vec<WebhookDeliveryId>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::EndpointId.eq(endpoint.0))
        .filter(row::Column::State.eq("failed"))
        .filter(row::Column::CreatedAt.gte(since.micros()))
        .order_by_asc(row::Column::CreatedAt)
        .limit(MOST_REPLAYED)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| WebhookDeliveryId(row.id)).collect())
}

/// Sends an ended delivery off again, from the start of the schedule. `Conflict` while it is still being tried.
pub async fn delivery_replay(
    tx: &mut TenantTx,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
) -> StoreResult<()> {
    let now = tx.now().micros();
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("pending"))
        .col_expr(row::Column::Attempt, Expr::value(0_i64))
        .col_expr(row::Column::NextAt, Expr::value(Some(now)))
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.ne("pending"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::Conflict("webhook delivery"));
    }
    delivery_enqueue(tx, endpoint, id, None).await
}

/// How a try went.
#[derive(Clone, Debug)]
pub struct NewAttempt<'a> {
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed; a word.
    pub error: Option<&'a str>,
    /// The beginning of the answer.
    pub answer: &'a str,
    /// How long it took.
    pub took: Span,
}

/// Writes a try down, and what the delivery is after it: tried again at `next_at`, or ended as `state` says.
pub async fn delivery_note(
    tx: &mut TenantTx,
    id: WebhookDeliveryId,
    attempt: &NewAttempt<'_>,
    state: &str,
    (tries, next_at): (i64, Option<Timestamp>),
) -> StoreResult<()> {
    let status = attempt.status.map(i64::from);
    webhook_attempt::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        delivery_id: Set(id.0),
        status: Set(status),
        error: Set(attempt.error.map(str::to_owned)),
        answer: Set(attempt.answer.to_owned()),
        took_us: Set(attempt.took.as_micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state))
        .col_expr(row::Column::Attempt, Expr::value(tries))
        .col_expr(row::Column::NextAt, Expr::value(next_at.map(Timestamp::micros)))
        .col_expr(row::Column::LastStatus, Expr::value(status))
        .col_expr(row::Column::LastError, Expr::value(attempt.error.map(str::to_owned)))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Ends every delivery to an endpoint that is still being tried.
pub async fn delivery_give_up(tx: &mut TenantTx, endpoint: WebhookEndpointId, why: &str) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("failed"))
        .col_expr(row::Column::NextAt, Expr::value(Option::<i64>::None))
        .col_expr(row::Column::LastError, Expr::value(Some(why.to_owned())))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::EndpointId.eq(endpoint.0))
        .filter(row::Column::State.eq("pending"))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// A try, as people see it.
#[derive(Clone, Debug)]
pub struct WebhookAttempt {
    /// Status of the answer.
    pub status: Option<i64>,
    /// Why it failed; a word.
    pub error: Option<String>,
    /// The beginning of the answer.
    pub answer: String,
    /// How long it took.
    pub took: Span,
    /// When.
    pub at: Timestamp,
}

/// The tries of a delivery, newest first; the last fifty.
pub async fn attempt_list(tx: &TenantTx, id: WebhookDeliveryId) -> StoreResult<Vec<WebhookAttempt>> {
    let rows = webhook_attempt::Entity::find()
        .filter(webhook_attempt::Column::TenantId.eq(tx.tenant()))
        .filter(webhook_attempt::Column::DeliveryId.eq(id.0))
        .order_by_desc(webhook_attempt::Column::CreatedAt)
        .order_by_desc(webhook_attempt::Column::Id)
        .limit(MOST_ATTEMPTS_SHOWN)
        .all(tx.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| WebhookAttempt {
            status: row.status,
            error: row.error,
            answer: row.answer,
            took: Span::micros(row.took_us),
            at: Timestamp::from_micros(row.created_at),
        })
        .collect())
}

/// Removes up to `limit` ended deliveries of an endpoint that are too old or too many, and their tries.
pub async fn delivery_trim(
    tx: &mut TenantTx,
    endpoint: WebhookEndpointId,
    keep: u64,
    limit: u64,
) -> StoreResult<u64> {
    let own = Condition::all()
        .add(row::Column::TenantId.eq(tx.tenant()))
        .add(row::Column::EndpointId.eq(endpoint.0));
    let ended = row::Column::State.ne("pending");
    // The newest row that is one too many, if there is one.
    let edge = row::Entity::find()
        .filter(own.clone())
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .offset(keep)
        .limit(1)
        .one(tx.conn())
        .await?
        .map(|row| row.created_at);
    let old = tx.now().minus(KEPT).micros();
    let too_many = edge.map_or(old, |edge| edge.max(old));
    let rows = row::Entity::find()
        .filter(own)
        .filter(ended)
        .filter(row::Column::CreatedAt.lte(too_many))
        .order_by_asc(row::Column::CreatedAt)
        .limit(limit)
        .all(tx.conn())
        .await?;
    let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    webhook_attempt::Entity::delete_many()
        .filter(webhook_attempt::Column::TenantId.eq(tx.tenant()))
        .filter(webhook_attempt::Column::DeliveryId.is_in(ids.clone()))
        .exec(tx.conn())
        .await?;
    let done = row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.is_in(ids))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}
