//! The outbox: what happened, written in the same transaction as the change.
//!
//! The tenant's own webhook endpoints get their deliveries in that transaction. What concerns the provider too, and
//! only when one of its endpoints listens, waits here for the relay: a job of the tenant that carries it over in the
//! provider's own transaction and then marks it. Killed between the two, it carries it over again, and the
//! provider's endpoints know it by its id.

use crate::db::TenantTx;
use crate::entity::outbox_event;
use crate::error::StoreResult;
use crate::jobs::{NewJob, job_enqueue};
use crate::store::order_notice::order_notice_waits;
use crate::store::webhook_delivery::{TellableEvent, fan_out};
use crate::store::webhook_endpoint::provider_listens;
use qianpu_domain::access::Surface;
use qianpu_domain::follower_notice::NoticeEvent;
use qianpu_domain::ids::{EventId, TenantId};
use qianpu_domain::time::Timestamp;
use qianpu_domain::webhook::{EventType, Origin};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};

/// The job that tells followers of public accounts what became of their orders.
pub const NOTICES_JOB: &str = "order.notices";
/// The job that carries events to the provider.
pub const RELAY_JOB: &str = "outbox.relay";
/// Events that one run of the relay carries.
pub const RELAY_BATCH: u64 = 100;

/// Appends an event: its type, subject (public id), the subject's version and a thin payload.
pub async fn outbox_append(
    tx: &mut TenantTx,
    event: EventType,
    subject: &str,
    version: i64,
    payload: Value,
) -> StoreResult<()> {
    let now = tx.now();
    let for_provider = tx.ctx().kind() == Surface::Merchant && event.origin() == Origin::MerchantAndProvider;
    let relayed = for_provider && provider_listens(tx).await?;
    let id = tx.new_id();
    outbox_event::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        event_type: Set(event.as_str().to_owned()),
        subject: Set(subject.to_owned()),
        subject_version: Set(version),
        payload: Set(payload.to_string()),
        published_at: Set((!relayed).then_some(now.micros())),
        created_at: Set(now.micros()),
    }
    .insert(tx.conn())
    .await?;
    let told = TellableEvent {
        id: EventId(id),
        event,
        subject: subject.to_owned(),
        version,
        tenant: TenantId(tx.tenant()),
        at: now,
        payload,
    };
    fan_out(tx, &told).await?;
    tell_followers(tx, &told).await?;
    if relayed {
        relay_enqueue(tx).await?;
    }
    Ok(())
}

/// What of an order is told to the followers of public accounts.
const fn notice_of(event: EventType) -> Option<NoticeEvent> {
    match event {
        EventType::OrderPaid => Some(NoticeEvent::Paid),
        EventType::OrderShipped => Some(NoticeEvent::Shipped),
        EventType::AftersaleRefunded => Some(NoticeEvent::Refunded),
        _ => None,
    }
}

/// Makes the job that tells followers, where an account of the merchant tells of the event.
async fn tell_followers(tx: &mut TenantTx, told: &TellableEvent) -> StoreResult<()> {
    let Some(event) = notice_of(told.event) else { return Ok(()) };
    if tx.ctx().kind() != Surface::Merchant || !order_notice_waits(tx, event).await? {
        return Ok(());
    }
    let job = NewJob {
        kind: NOTICES_JOB,
        dedup_key: Some(told.id.to_string()),
        payload: json!({ "event": event.as_str(), "event_id": told.id.to_string(),
            "order_id": told.payload["order_id"], "amount_fen": told.payload["amount_fen"] }),
        run_at: None,
        priority: 6,
    };
    job_enqueue(tx, job).await.map(drop)
}

/// Asks for a run of the relay.
pub async fn relay_enqueue(tx: &mut TenantTx) -> StoreResult<()> {
    let job = NewJob {
        kind: RELAY_JOB,
        dedup_key: Some("relay".to_owned()),
        payload: json!({}),
        run_at: None,
        priority: 6,
    };
    job_enqueue(tx, job).await.map(drop)
}

/// Events that wait for the relay.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// All of them.
    pub ids: Vec<EventId>,
    /// Those that can be told; another release may have written others.
    pub events: Vec<TellableEvent>,
}

/// The oldest events that wait for the relay; at most [`RELAY_BATCH`].
pub async fn outbox_waiting(tx: &TenantTx) -> StoreResult<Waiting> {
    let rows = outbox_event::Entity::find()
        .filter(outbox_event::Column::TenantId.eq(tx.tenant()))
        .filter(outbox_event::Column::PublishedAt.is_null())
        .order_by_asc(outbox_event::Column::CreatedAt)
        .order_by_asc(outbox_event::Column::Id)
        .limit(RELAY_BATCH)
        .all(tx.conn())
        .await?;
    let ids = rows.iter().map(|row| EventId(row.id)).collect();
    Ok(Waiting { ids, events: rows.into_iter().filter_map(tellable).collect() })
}

fn tellable(row: outbox_event::Model) -> Option<TellableEvent> {
    let event =
        EventType::parse(&row.event_type).filter(|own| own.origin() == Origin::MerchantAndProvider)?;
    Some(TellableEvent {
        id: EventId(row.id),
        event,
        subject: row.subject,
        version: row.subject_version,
        tenant: TenantId(row.tenant_id),
        at: Timestamp::from_micros(row.created_at),
        payload: serde_json::from_str(&row.payload).unwrap_or_default(),
    })
}

/// Marks events as carried over.
pub async fn outbox_published(tx: &mut TenantTx, events: &[EventId]) -> StoreResult<()> {
    outbox_event::Entity::update_many()
        .col_expr(outbox_event::Column::PublishedAt, Expr::value(Some(tx.now().micros())))
        .filter(outbox_event::Column::TenantId.eq(tx.tenant()))
        .filter(outbox_event::Column::Id.is_in(events.iter().map(|event| event.0)))
        .exec(tx.conn())
        .await?;
    Ok(())
}
