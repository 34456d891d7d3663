//! What the rules in force say about an order of this merchant: read before its transaction, frozen on it.

use crate::app::policies::rules_for;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::policy::{self, PolicyError, PolicyKind, PolicyParams};
use qianpu_domain::time::Span;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::order::Rates;
use qianpu_tenants::store::subscription::subscription_active;

/// What the rules say.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The provider's share.
    pub rates: Rates,
    /// How long an unpaid order holds stock.
    pub hold: Span,
    /// How long after receipt its money waits.
    pub after_sale_window: Span,
}

/// How long after receipt money waits, for a merchant that has no rows here yet.
pub async fn window(state: &AppState, ctx: &TenantCtx) -> Answer<Span> {
    let now = state.clock().now();
    let rules = rules_for(&state.db, ctx, now).await?;
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;
    let refused = |error: PolicyError| ApiError::refused(error.code(), error);
    let rule = policy::resolve(&rules, PolicyKind::AfterSaleWindow, provider, ctx.tenant(), now);
    policy::after_sale_window(rule.map_err(refused)?).map_err(refused)
}

/// The terms of the merchant now: its plan's share if it has a plan, else the calendar's.
pub async fn of(state: &AppState, ctx: &TenantCtx) -> Answer<Terms> {
    let now = state.clock().now();
    let rules = rules_for(&state.db, ctx, now).await?;
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;
    let refused = |error: PolicyError| ApiError::refused(error.code(), error);
    let rule = |kind| policy::resolve(&rules, kind, provider, ctx.tenant(), now).map_err(refused);
    let subscription = subscription_active(&*state.db.read(ctx).await?).await?;
    let rates = match subscription {
        Some(subscription) => {
            Rates { take_rate_ppm: subscription.terms.take_rate_ppm, tax_ppm: subscription.terms.tax_ppm }
        }
        None => match rule(PolicyKind::TakeRate)?.params {
            PolicyParams::TakeRate { rate_ppm, tax_ppm } => {
                Rates { take_rate_ppm: rate_ppm.into(), tax_ppm: tax_ppm.into() }
            }
            _ => return Err(refused(PolicyError::WrongKind(PolicyKind::TakeRate))),
        },
    };
    Ok(Terms {
        rates,
        hold: policy::stock_hold(rule(PolicyKind::StockHold)?).map_err(refused)?,
        after_sale_window: policy::after_sale_window(rule(PolicyKind::AfterSaleWindow)?).map_err(refused)?,
    })
}
