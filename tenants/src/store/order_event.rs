//! What happened to an order and who did it. Append-only.

use crate::db::TenantTx;
use crate::entity::order_event as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{OrderEventId, OrderId};
use qianpu_domain::order::Happening;
use qianpu_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct OrderEventRow {
    /// Its id.
    pub id: OrderEventId,
    /// What.
    pub kind: Happening,
    /// JSON object; no personal data of the buyer.
    pub detail: serde_json::Value,
    /// `user`, `channel`, `job` or `system`.
    pub actor_kind: String,
    /// Name at the time.
    pub actor_name: String,
    /// When it happened.
    pub at: Timestamp,
    /// When we learnt of it.
    pub recorded_at: Timestamp,
}

/// Who did something to an order.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// The transaction's own actor.
    Actor,
    /// A channel account reported it.
    Channel(&'a str),
    /// A person, by a job that works for them.
    Person(&'a str),
}

/// Something to be noted.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// The order.
    pub order: OrderId,
    /// What.
    pub kind: Happening,
    /// JSON object.
    pub detail: serde_json::Value,
    /// Who did it.
    pub by: By<'a>,
    /// When it happened.
    pub at: Timestamp,
}

/// The most events shown of an order.
const MOST: u64 = 300;

/// Notes something.
pub async fn order_event_append(tx: &mut TenantTx, new: NewEvent<'_>) -> StoreResult<()> {
    let (actor_kind, actor_name) = match new.by {
        By::Channel(name) => ("channel", name.to_owned()),
        By::Person(name) => ("user", name.to_owned()),
        By::Actor => {
            let (kind, _, name) = tx.ctx().actor().audit_parts();
            (kind, name)
        }
    };
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        order_id: Set(new.order.0),
        kind: Set(new.kind.as_str().to_owned()),
        detail: Set(new.detail.to_string()),
        actor_kind: Set(actor_kind.to_owned()),
        actor_name: Set(actor_name),
        happened_at: Set(new.at.micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Events of an order, in the order they happened; the last [`MOST`].
pub async fn order_event_list(tx: &TenantTx, order: OrderId) -> StoreResult<Vec<OrderEventRow>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .order_by_desc(row::Column::HappenedAt)
        .order_by_desc(row::Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    let mut events = rows
        .into_iter()
        .map(|model| {
            Ok(OrderEventRow {
                id: OrderEventId(model.id),
                kind: Happening::from_text(&model.kind).ok_or(StoreError::Corrupt("order_events.kind"))?,
                detail: serde_json::from_str(&model.detail)
                    .map_err(|_| StoreError::Corrupt("order_events.detail"))?,
                actor_kind: model.actor_kind,
                actor_name: model.actor_name,
                at: Timestamp::from_micros(model.happened_at),
                recorded_at: Timestamp::from_micros(model.created_at),
            })
        })
        .collect::<StoreResult<Vec<_>>>()?;
    // Platforms count whole seconds and we do not: within a second things follow each other as they must.
    events.sort_by_key(|event| {
        (event.at.micros().div_euclid(1_000_000), event.kind, event.at, event.recorded_at)
    });
    Ok(events)
}
