//! What says how often a merchant may ask: rules of the platform and of its provider, and its plan.

use crate::authz::Caller;
use crate::context::SystemCtx;
use crate::db::Db;
use crate::error::StoreResult;
use crate::store::policy::{policy_list, policy_list_of_platform};
use crate::store::subscription::subscription_active;
use qianpu_domain::policy::{PolicyKind, PolicyRule, PolicyScope};

/// Rules and a plan's limits.
#[derive(Clone, Debug, Default)]
pub struct RateSources {
    /// Rows about request rates that are for this merchant.
    pub rules: Vec<PolicyRule>,
    /// Limits of the merchant's plan; empty without one.
    pub plan: Vec<(String, i64)>,
}

/// Looks them up for the caller's merchant.
pub async fn rate_sources(db: &Db, caller: &Caller) -> StoreResult<RateSources> {
    let ctx = caller.own_ctx();
    let now = db.clock().now();
    let lookup = db.begin_lookup(&SystemCtx::for_task("request rates", ctx.request_id())).await?;
    let mut rules = policy_list_of_platform(&lookup, now).await?;
    drop(lookup);
    let parent = db.read_parent(ctx).await?;
    rules.extend(policy_list(&parent, now).await?);
    drop(parent);
    rules.retain(|rule| {
        let own = match rule.scope {
            PolicyScope::Merchant(id) => id == ctx.tenant(),
            PolicyScope::Platform | PolicyScope::Provider(_) => true,
        };
        own && rule.params.kind() == PolicyKind::RequestRate
    });
    let tx = db.read(ctx).await?;
    let plan = subscription_active(&tx).await?.map(|found| found.terms.limits).unwrap_or_default();
    Ok(RateSources { rules, plan })
}
