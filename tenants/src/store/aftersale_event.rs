//! What happened to an after-sale case and who did it. Append-only.

use crate::db::TenantTx;
use crate::entity::aftersale_event as row;
use crate::error::{StoreError, StoreResult};
use crate::store::order_event::By;
use qianpu_domain::aftersale::AftersaleHappening;
use qianpu_domain::ids::{AftersaleEventId, AftersaleId};
use qianpu_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct AftersaleEventRow {
    /// Its id.
    pub id: AftersaleEventId,
    /// What.
    pub kind: AftersaleHappening,
    /// JSON object; no personal data of the buyer.
    pub detail: serde_json::Value,
    /// `user`, `channel`, `job` or `system`.
    pub actor_kind: String,
    /// Name at the time.
    pub actor_name: String,
    /// When it happened.
    pub at: Timestamp,
}

/// The most events shown of a case.
const MOST: u64 = 200;

/// Notes something.
pub async fn aftersale_event_append(
    tx: &mut TenantTx,
    case: AftersaleId,
    kind: AftersaleHappening,
    detail: serde_json::Value,
    by: By<'_>,
    at: Timestamp,
) -> StoreResult<()> {
    let (actor_kind, actor_name) = match by {
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
        aftersale_id: Set(case.0),
        kind: Set(kind.as_str().to_owned()),
        detail: Set(detail.to_string()),
        actor_kind: Set(actor_kind.to_owned()),
        actor_name: Set(actor_name),
        happened_at: Set(at.micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Events of a case in the order they happened; the last [`MOST`].
pub async fn aftersale_event_list(tx: &TenantTx, case: AftersaleId) -> StoreResult<Vec<AftersaleEventRow>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::AftersaleId.eq(case.0))
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    let mut events = rows
        .into_iter()
        .map(|model| {
            let kind = AftersaleHappening::from_text(&model.kind);
            Ok(AftersaleEventRow {
                id: AftersaleEventId(model.id),
                kind: kind.ok_or(StoreError::Corrupt("aftersale_events.kind"))?,
                detail: serde_json::from_str(&model.detail)
                    .map_err(|_| StoreError::Corrupt("aftersale_events.detail"))?,
                actor_kind: model.actor_kind,
                actor_name: model.actor_name,
                at: Timestamp::from_micros(model.happened_at),
            })
        })
        .collect::<StoreResult<Vec<_>>>()?;
    // The order in which we learnt of things is the order of the list; those of one transaction follow their words.
    events.reverse();
    Ok(events)
}
