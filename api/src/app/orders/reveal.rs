//! The receiver of an order in the clear, from the channel. Never stored; who asked is written down first.

use crate::app::channels::call::AccountCall;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::OrderId;
use qianpu_sdk::ClearReceiver;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::order::{Order, order_get};
use serde_json::json;

/// Whether the channel of an order tells its receiver in the clear.
pub fn possible(order: &Order) -> bool {
    let channel = order.channel.as_deref().and_then(qianpu_host::find);
    // Whoever asked to be forgotten stays forgotten, although the platform still knows.
    order.account.is_some()
        && order.personal_erased_at.is_none()
        && channel.is_some_and(|channel| channel.reveal().is_some())
}

/// Asks the channel for the receiver of an order. The entry in the audit log is made before the platform is asked,
/// so that nobody looks without it.
pub async fn receiver(
    state: &AppState,
    grant: &Grant<perm::OrderReveal>,
    id: OrderId,
) -> Answer<ClearReceiver> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let order = order_get(&tx, id).await?;
    if !grant.covers_shop(order.shop) {
        return Err(ApiError::not_found());
    }
    let (Some(account), Some(external_id)) =
        (order.account.filter(|_| possible(&order)), order.external_id.as_deref())
    else {
        return Err(
            ApiError::new(ErrorCode::ChannelRefused).with_text("orders.reveal_impossible", Vec::new())
        );
    };
    let detail = json!({ "channel": order.channel, "external_id": external_id });
    audit_append(&mut tx, AuditAction::OrderReceiverShown, "order", &id.to_string(), detail).await?;
    tx.commit().await?;
    let call = AccountCall::open(state, grant.ctx(), account).await?;
    let answer = call.host().receiver(call.account_ref(), external_id).await;
    Ok(call.settle(answer).await?)
}
