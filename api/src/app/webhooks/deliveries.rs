//! The log of deliveries, sending again, and the test event.

use super::{inactive, note};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{EventId, WebhookDeliveryId, WebhookEndpointId};
use qianpu_domain::time::Timestamp;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::webhook_delivery::{
    MOST_REPLAYED, TellableEvent, WebhookAttempt, WebhookDelivery, attempt_list, deliver_to,
    delivery_failed_since, delivery_get, delivery_list, delivery_replay,
};
use qianpu_tenants::store::webhook_endpoint::{EndpointState, WebhookEndpoint, endpoint_get};
use serde_json::json;

/// How many deliveries were sent off again, and whether that was all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    pub count: u64,
    pub more: bool,
}

/// Deliveries to an endpoint, newest first; `pending`, `delivered` or `failed` only when asked.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    endpoint: WebhookEndpointId,
    of: Option<&str>,
    page: PageRequest,
) -> Answer<Page<WebhookDelivery>> {
    if of.is_some_and(|of| !matches!(of, "pending" | "delivered" | "failed")) {
        let (en, zh) = ("pending, delivered or failed", "应为 pending、delivered 或 failed");
        return Err(FieldError::new("state", "invalid", en, zh).into());
    }
    let tx = state.db.read(grant.ctx()).await?;
    endpoint_get(&tx, endpoint).await?;
    Ok(delivery_list(&tx, endpoint, of, page).await?)
}

/// One delivery with its tries.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
) -> Answer<(WebhookDelivery, Vec<WebhookAttempt>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let delivery = of_endpoint(&tx, endpoint, id).await?;
    let attempts = attempt_list(&tx, id).await?;
    Ok((delivery, attempts))
}

async fn of_endpoint(
    tx: &TenantTx,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
) -> Answer<WebhookDelivery> {
    endpoint_get(tx, endpoint).await?;
    let delivery = delivery_get(tx, id).await?;
    if delivery.endpoint == endpoint { Ok(delivery) } else { Err(ApiError::not_found()) }
}

async fn active(tx: &TenantTx, id: WebhookEndpointId) -> Answer<WebhookEndpoint> {
    let endpoint = endpoint_get(tx, id).await?;
    if endpoint.state == EndpointState::Active { Ok(endpoint) } else { Err(inactive()) }
}

/// Sends an ended delivery off again.
pub async fn replay(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
) -> Answer<WebhookDelivery> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    of_endpoint(&tx, endpoint, id).await?;
    active(&tx, endpoint).await?;
    delivery_replay(&mut tx, endpoint, id).await.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::WebhookDeliveryWaits),
        other => other.into(),
    })?;
    let detail = json!({ "delivery": id.to_string() });
    note(&mut tx, AuditAction::WebhookReplayed, endpoint, detail).await?;
    let delivery = delivery_get(&tx, id).await?;
    tx.commit().await?;
    Ok(delivery)
}

/// Sends every failed delivery since a time off again, the oldest first; a bounded number at once.
pub async fn replay_failed(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    endpoint: WebhookEndpointId,
    since: Timestamp,
) -> Answer<Replayed> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    active(&tx, endpoint).await?;
    let failed = delivery_failed_since(&tx, endpoint, since).await?;
    let count = u64::try_from(failed.len()).unwrap_or(u64::MAX);
    for id in failed {
        delivery_replay(&mut tx, endpoint, id).await?;
    }
    let detail = json!({ "since": since.to_string(), "count": count });
    note(&mut tx, AuditAction::WebhookReplayed, endpoint, detail).await?;
    tx.commit().await?;
    Ok(Replayed { count, more: count >= MOST_REPLAYED })
}

/// Sends a test event to one endpoint, whatever types it asks for.
pub async fn test(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
) -> Answer<WebhookDelivery> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let endpoint = active(&tx, id).await?;
    let event = TellableEvent {
        id: EventId(tx.new_id()),
        event: EventType::WebhookTest,
        subject: id.to_string(),
        version: endpoint.version,
        tenant: grant.ctx().tenant(),
        at: tx.now(),
        payload: json!({}),
    };
    let made = deliver_to(&mut tx, &endpoint, &event).await?;
    let made = made.ok_or_else(|| ApiError::internal("a new event was known already"))?;
    note(&mut tx, AuditAction::WebhookTested, id, json!({})).await?;
    let delivery = delivery_get(&tx, made).await?;
    tx.commit().await?;
    Ok(delivery)
}
