//! A provider stops one of its merchants, lets it go on, or closes it.

use super::{Change, change};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::TenantId;
use qianpu_domain::order::OrderState;
use qianpu_domain::tenancy::{self, TenantCommand};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::deposit::{deposit_balances, deposit_list};
use qianpu_tenants::store::order::{OrderFilter, order_counts};
use qianpu_tenants::store::tenant::TenantRow;

async fn on(state: &AppState, grant: &Grant<perm::MerchantManage>, id: TenantId) -> Answer<TenantCtx> {
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    Ok(grant.on_merchant(&state.db, id).await?.ctx().clone())
}

/// Stops a merchant: its people may look and change nothing, its storefronts close.
pub async fn suspend(
    state: &AppState,
    grant: &Grant<perm::MerchantManage>,
    id: TenantId,
    reason: &str,
) -> Answer<TenantRow> {
    let ctx = on(state, grant, id).await?;
    let reason = tenancy::reason(reason)?;
    let wanted = Change { command: TenantCommand::Suspend, reason: Some(reason), stops_merchants: false };
    change(state, &ctx, &wanted).await
}

/// Lets a merchant go on.
pub async fn resume(
    state: &AppState,
    grant: &Grant<perm::MerchantManage>,
    id: TenantId,
) -> Answer<TenantRow> {
    let ctx = on(state, grant, id).await?;
    let wanted = Change { command: TenantCommand::Resume, reason: None, stops_merchants: false };
    change(state, &ctx, &wanted).await
}

/// Closes a merchant for good. Orders that are not over and deposits that hold money keep it from that.
pub async fn close(
    state: &AppState,
    grant: &Grant<perm::MerchantManage>,
    id: TenantId,
    reason: &str,
) -> Answer<TenantRow> {
    let ctx = on(state, grant, id).await?;
    let reason = tenancy::reason(reason)?;
    let command = TenantCommand::Close { in_use: in_use(state, &ctx).await? };
    change(state, &ctx, &Change { command, reason: Some(reason), stops_merchants: false }).await
}

async fn in_use(state: &AppState, ctx: &TenantCtx) -> Answer<u64> {
    let tx = state.db.read(ctx).await?;
    let counts = order_counts(&tx, &OrderFilter::default()).await?;
    let over = [OrderState::Completed, OrderState::Cancelled];
    let open: i64 = counts.iter().filter(|(state, _)| !over.contains(state)).map(|(_, count)| count).sum();
    let deposits = deposit_list(&tx).await?;
    let balances = deposit_balances(&tx, &deposits).await?;
    let kept = balances.values().filter(|one| one.available.get() != 0 || one.frozen.get() != 0).count();
    Ok(u64::try_from(open).unwrap_or(0) + u64::try_from(kept).unwrap_or(0))
}
