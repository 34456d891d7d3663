//! How many accounts of a kind a shop may link, and who says so.

use super::{phases, raise};
use crate::app::policies;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::ShopId;
use qianpu_domain::policy::{self, LinkRefusal, PhaseCalendar, PolicyKind, PolicyRule, Quota};
use qianpu_domain::shop::ShopState;
use qianpu_domain::subject::SubjectKind;
use qianpu_domain::time::Date;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::account_count;
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::tenant::tenant_get;

/// The quota of one kind of account.
#[derive(Debug, Clone)]
pub struct KindQuota {
    /// The channel's slug.
    pub channel: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Used, limit and the row that says so.
    pub quota: Quota,
    /// Whether the kind is still linked, and what comes next.
    pub phase: phases::KindPhase,
    /// Whether the shop may link at all now.
    pub shop_trading: bool,
}

/// The quotas of a shop, for every kind of account that can be linked.
pub async fn of_shop(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    shop: ShopId,
) -> Answer<Vec<KindQuota>> {
    if !grant.covers_shop(shop) {
        return Err(ApiError::not_found());
    }
    let tx = state.db.read(grant.ctx()).await?;
    let (subject, shop_state) = standing(&tx, shop).await?;
    drop(tx);
    let rules = rules(state, grant.ctx()).await?;
    let tx = state.db.read(grant.ctx()).await?;
    let raise = raise::in_force(&tx, shop, &rules.raise, rules.today).await?;
    let now = tx.now();
    let mut quotas = Vec::new();
    for channel in qianpu_host::channels() {
        for kind in channel.info().kinds {
            let existing = account_count(&tx, shop, kind.code).await?;
            let quota = policy::quota(existing, subject, kind.code, &rules.usual, raise.as_ref())
                .map_err(|error| ApiError::refused(error.code(), error))?;
            let shop_trading = shop_state == ShopState::Trading;
            let phase = phases::of_kind(&rules.phases, kind.code, now);
            let channel = channel.info().slug;
            quotas.push(KindQuota { channel, kind: kind.code, quota, phase, shop_trading });
        }
    }
    Ok(quotas)
}

/// The row of the calendar that sets the usual quota of this merchant now.
pub(super) async fn rule(state: &AppState, ctx: &TenantCtx) -> Answer<PolicyRule> {
    policies::rule_in_force(&state.db, ctx, PolicyKind::LinkQuota).await
}

/// The rows of the calendar that decide links of a merchant, and the day they decide on.
pub(super) struct LinkRules {
    usual: PolicyRule,
    raise: PolicyRule,
    pub(super) phases: PhaseCalendar,
    today: Date,
}

/// The rows that decide links of this merchant now.
pub(super) async fn rules(state: &AppState, ctx: &TenantCtx) -> Answer<LinkRules> {
    let (usual, raise) = (rule(state, ctx).await?, raise::rule(state, ctx).await?);
    let phases = phases::calendar(state, ctx).await?;
    Ok(LinkRules { usual, raise, phases, today: raise::day_of(state, state.clock().now())? })
}

/// Decides inside a transaction whether one more account may be linked.
pub(super) async fn decide(
    tx: &TenantTx,
    shop: ShopId,
    kind: &str,
    rules: &LinkRules,
) -> Answer<Result<Quota, LinkRefusal>> {
    let (subject, state) = standing(tx, shop).await?;
    let existing = account_count(tx, shop, kind).await?;
    let raise = raise::in_force(tx, shop, &rules.raise, rules.today).await?;
    Ok(policy::decide_link(existing, subject, kind, state, &rules.usual, raise.as_ref()))
}

async fn standing(tx: &TenantTx, shop: ShopId) -> Answer<(SubjectKind, ShopState)> {
    let shop = shop_get(tx, shop).await?;
    let merchant = tenant_get(tx).await?;
    // A merchant whose kind is not known yet has no trading shop either; the narrowest quota is shown.
    let subject = merchant.subject_kind.as_deref().and_then(SubjectKind::from_text);
    Ok((subject.unwrap_or(SubjectKind::Personal), shop.state))
}

/// The refusal as the caller reads it, with the id of the rule.
pub(super) fn refused(refusal: &LinkRefusal) -> ApiError {
    let error = ApiError::refused(refusal.code(), refusal);
    match refusal.rule() {
        Some(rule) => error.with_rule(rule),
        None => error,
    }
}
