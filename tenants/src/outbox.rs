//! The outbox: domain events written in the same transaction as the change, for later delivery.

use crate::db::TenantTx;
use crate::entity::outbox_event;
use crate::error::StoreResult;
use sea_orm::{ActiveModelTrait, Set};
use serde_json::Value;

/// Appends an event: type (`order.paid`), subject (public id), the subject's version and a thin payload.
pub async fn outbox_append(
    tx: &mut TenantTx,
    event_type: &str,
    subject: &str,
    version: i64,
    payload: Value,
) -> StoreResult<()> {
    outbox_event::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        event_type: Set(event_type.to_owned()),
        subject: Set(subject.to_owned()),
        subject_version: Set(version),
        payload: Set(payload.to_string()),
        published_at: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}
