//! Tenants as seen by whoever stands above them: the operator's providers, and stopping, resuming and closing a
//! provider or a merchant. A stopped tenant's people may look and change nothing (`http::extract::gate`); pushes of
//! its channels are stored all the same.

pub mod merchants;
pub mod providers;

use crate::app::notices;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::tenancy::{self, TenantCommand, TenantState};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::tenant::{StateChange, TenantRow, tenant_change_state, tenant_get};
use serde_json::json;

/// What is done, and what its people are told.
#[derive(Debug, Clone, Copy)]
struct Change<'a> {
    command: TenantCommand,
    /// None when it goes on.
    reason: Option<&'a str>,
    stops_merchants: bool,
}

/// Carries a change out in the tenant's own transaction: state, audit entry, and a mail to its owners.
async fn change(state: &AppState, ctx: &TenantCtx, change: &Change<'_>) -> Answer<TenantRow> {
    let mut tx = state.db.begin(ctx).await?;
    let was = tenant_get(&tx).await?;
    let to = tenancy::decide(was.state, change.command)
        .map_err(|error| ApiError::refused(error.code(), error).with_rule("tenant.life"))?;
    let new =
        StateChange { from: was.state, to, reason: change.reason, stops_merchants: change.stops_merchants };
    tenant_change_state(&mut tx, &new).await?;
    let action = action(ctx.kind(), to)?;
    // Whose person it was that the entry names: it is nobody of the tenant's own.
    let by = if ctx.kind() == Surface::Provider { "operator" } else { "provider" };
    let detail = json!({"reason": change.reason, "stops_merchants": change.stops_merchants, "by": by});
    audit_append(&mut tx, action, "tenant", &was.id.to_string(), detail).await?;
    notices::tenant_changed(state, &mut tx, &was.name, to, change.reason.unwrap_or_default()).await?;
    let row = tenant_get(&tx).await?;
    tx.commit().await?;
    Ok(row)
}

fn action(kind: Surface, to: TenantState) -> Answer<AuditAction> {
    match (kind, to) {
        (Surface::Provider, TenantState::Suspended) => Ok(AuditAction::ProviderSuspended),
        (Surface::Provider, TenantState::Active) => Ok(AuditAction::ProviderResumed),
        (Surface::Provider, TenantState::Closed) => Ok(AuditAction::ProviderClosed),
        (Surface::Merchant, TenantState::Suspended) => Ok(AuditAction::MerchantSuspended),
        (Surface::Merchant, TenantState::Active) => Ok(AuditAction::MerchantResumed),
        (Surface::Merchant, TenantState::Closed) => Ok(AuditAction::MerchantClosed),
        _ => Err(ApiError::new(ErrorCode::TenantWrongState)),
    }
}
