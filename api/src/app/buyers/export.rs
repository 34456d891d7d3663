//! Everything personal that is kept of a buyer, as one JSON document: for the buyer, or for the merchant who was asked.

use super::own::with_lines;
use super::person::told;
use crate::error::{Answer, ApiError};
use crate::http::v1::own_order_view;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::BuyerId;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::resolve::BuyerCaller;
use qianpu_tenants::store::buyer::{buyer_get, identity_list};
use qianpu_tenants::store::buyer_erasure::erasure_list;
use qianpu_tenants::store::buyer_session::buyer_session_list;
use qianpu_tenants::store::order::order_list_of_buyer;
use qianpu_tenants::store::shipment::shipment_list_of;
use qianpu_tenants::store::shop::shop_get;
use serde_json::{Value, json};

/// The format's name; a change that old readers stumble over gets another.
pub const FORMAT: &str = "qianpu-buyer-1";
/// The most orders of one document; `orders_complete` says whether there were more.
const MOST_ORDERS: usize = 2_000;

/// The buyer's own request.
pub async fn own(state: &AppState, caller: &BuyerCaller) -> Answer<Value> {
    document(state, caller.ctx(), caller.id(), "buyer").await
}

/// The merchant's, for a buyer who asked it.
pub async fn by_merchant(state: &AppState, grant: &Grant<perm::BuyerErase>, id: BuyerId) -> Answer<Value> {
    let buyer = buyer_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if !grant.covers_shop(buyer.shop) {
        return Err(ApiError::not_found());
    }
    document(state, grant.ctx(), id, "merchant").await
}

async fn document(state: &AppState, ctx: &TenantCtx, id: BuyerId, by: &'static str) -> Answer<Value> {
    let tx = state.db.read(ctx).await?;
    let buyer = buyer_get(&tx, id).await?;
    let shop = shop_get(&tx, buyer.shop).await?;
    let identities = identity_list(&tx, &state.keys.sealer, id).await?;
    let identities: Vec<Value> = identities
        .iter()
        .map(|one| {
            json!({
                "phone": one.phone.as_ref().map(|phone| phone.reveal()),
                "channel": one.channel, "open_id": one.open_id, "union_id": one.union_id,
                "proven_at": one.verified_at.map(|at| at.to_string()),
                "known_since": one.created_at.to_string(),
            })
        })
        .collect();
    let sessions: Vec<Value> = buyer_session_list(&tx, id)
        .await?
        .iter()
        .map(|one| {
            json!({ "kind": one.kind.as_str(), "user_agent": one.user_agent,
                "created_at": one.created_at.to_string(), "expires_at": one.expires_at.to_string() })
        })
        .collect();
    let mut orders = Vec::new();
    let mut page = PageRequest::first(100);
    let complete = loop {
        let found = order_list_of_buyer(&tx, id, page).await?;
        let next = found.next;
        for own in with_lines(&tx, found).await?.items {
            let (receiver, facts) = (own.order.facts.receiver.clone(), own.order.facts.clone());
            let parcels = shipment_list_of(&tx, own.order.id).await?;
            let parcels: Vec<Value> = parcels
                .iter()
                .map(|parcel| json!({ "carrier": parcel.carrier_name, "waybill": parcel.waybill }))
                .collect();
            let mut order = serde_json::to_value(own_order_view(own)).map_err(ApiError::internal)?;
            order["receiver"] = json!({ "name": receiver.name, "phone": receiver.phone,
                "region": receiver.region, "detail": receiver.detail });
            order["buyer_notes"] = json!(facts.buyer_notes);
            order["merchant_notes"] = json!(facts.merchant_notes);
            order["parcels"] = json!(parcels);
            orders.push(order);
        }
        match next {
            None => break true,
            Some(_) if orders.len() >= MOST_ORDERS => break false,
            Some(cursor) => page = PageRequest { cursor: Some(cursor), ..PageRequest::first(100) },
        }
    };
    let erasures: Vec<Value> = erasure_list(&tx, id)
        .await?
        .iter()
        .map(|one| json!({ "requested_by": one.requested_by, "state": one.state, "due_at": one.due_at.to_string() }))
        .collect();
    let link = told(state, ctx, &buyer).await?;
    let made = json!({
        "format": FORMAT,
        "made_at": tx.now().to_string(),
        "shop": { "id": shop.id.to_string(), "name": shop.name },
        "buyer": { "id": id.to_string(), "name": buyer.name, "language": buyer.locale,
            "person_link": { "enabled": link.on, "state": link.state.as_str(), "shops": link.shops }, "state": buyer.state.as_str(),
            "known_since": buyer.created_at.to_string(),
            "last_seen_at": buyer.last_seen_at.map(|at| at.to_string()) },
        "identities": identities,
        "sessions": sessions,
        "orders": orders,
        "orders_complete": complete,
        "erasures": erasures,
    });
    drop(tx);
    let mut tx = state.db.begin(ctx).await?;
    audit_append(&mut tx, AuditAction::BuyerExported, "buyer", &id.to_string(), json!({ "by": by })).await?;
    tx.commit().await?;
    Ok(made)
}
