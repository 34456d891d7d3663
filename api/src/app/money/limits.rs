//! Limits of plans, enforced where another shop, person, account or product is made. A merchant without a plan, and one whose
//! plan says nothing, has none. What is there already when a smaller plan begins stays.

use super::whole_merchant;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::billing::Limited;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::plan_limit::{limit_gate, limit_used};
use qianpu_tenants::store::subscription::subscription_active;

/// Refused with the way out when the plan allows no other one. Call it in the transaction that makes it.
pub(crate) async fn allow_in(tx: &mut TenantTx, what: Limited) -> Answer<()> {
    let Some(most) = subscription_active(tx).await?.and_then(|of| of.terms.limit(what.as_str())) else {
        return Ok(());
    };
    limit_gate(tx).await?;
    if limit_used(tx, what).await? < most {
        return Ok(());
    }
    let text = match what {
        Limited::Shops => "money.limit_reached_shops",
        Limited::Staff => "money.limit_reached_staff",
        Limited::LinkedAccounts => "money.limit_reached_linked_accounts",
        Limited::Products => "money.limit_reached_products",
    };
    Err(ApiError::new(ErrorCode::PlanLimitReached).with_text(text, vec![("most", most.to_string())]))
}

/// What the merchant has and may have of what its plan limits.
pub async fn standing(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
) -> Answer<Vec<(Limited, i64, i64)>> {
    whole_merchant(grant)?;
    let tx = state.db.read(grant.ctx()).await?;
    let Some(subscription) = subscription_active(&tx).await? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for what in Limited::ALL {
        if let Some(most) = subscription.terms.limit(what.as_str()) {
            found.push((what, limit_used(&tx, what).await?, most));
        }
    }
    Ok(found)
}
