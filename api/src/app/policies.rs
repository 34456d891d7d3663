//! The policy calendar as use cases: which rows hold for whom, and a provider's own rows.

pub mod simulate;

use crate::app::channels::phases;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{PolicyId, TenantId};
use qianpu_domain::policy::{
    self, PhaseCalendar, PolicyKind, PolicyParams, PolicyRule, PolicyScope, RateTerms, RuleId,
};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::store::policy::{
    MAX_ROWS, policy_end, policy_insert, policy_list, policy_list_of_platform,
};
use serde_json::json;

/// Rows that hold at `at` or later for the tenant of `ctx`: the platform's, its provider's, and those the
/// provider set for this merchant (for all merchants, when the tenant is the provider).
pub async fn rules_for(db: &Db, ctx: &TenantCtx, at: Timestamp) -> Answer<Vec<PolicyRule>> {
    let system = SystemCtx::for_task("policies", ctx.request_id());
    let lookup = db.begin_lookup(&system).await?;
    let mut rules = policy_list_of_platform(&lookup, at).await?;
    drop(lookup);
    if ctx.provider().is_some() {
        let parent = db.read_parent(ctx).await?;
        let own = policy_list(&parent, at).await?;
        let other = |rule: &PolicyRule| match rule.scope {
            PolicyScope::Merchant(id) => ctx.kind() == Surface::Merchant && id != ctx.tenant(),
            PolicyScope::Platform | PolicyScope::Provider(_) => false,
        };
        rules.extend(own.into_iter().filter(|rule| !other(rule)));
    }
    Ok(rules)
}

/// The row of a kind that wins for the merchant of `ctx` now. Decisions record its id.
pub async fn rule_in_force(db: &Db, ctx: &TenantCtx, kind: PolicyKind) -> Answer<PolicyRule> {
    let now = db.clock().now();
    let rules = rules_for(db, ctx, now).await?;
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;
    let winner = policy::resolve(&rules, kind, provider, ctx.tenant(), now)
        .map_err(|error| ApiError::refused(error.code(), error))?;
    Ok(winner.clone())
}

/// A row with whether it wins for the tenant that asks.
#[derive(Debug, Clone)]
pub struct ListedRule {
    pub rule: PolicyRule,
    /// It decides now.
    pub in_force: bool,
}

/// Every row that matters to the caller, those in force first.
pub async fn list(state: &AppState, grant: &Grant<perm::PolicyRead>) -> Answer<Vec<ListedRule>> {
    let ctx = grant.ctx();
    let now = state.clock().now();
    let mut rules = rules_for(&state.db, ctx, now).await?;
    rules.push(installation_rule(state));
    let provider = ctx.provider().unwrap_or(ctx.tenant());
    let winners: Vec<RuleId> = PolicyKind::ALL
        .iter()
        .filter_map(|kind| policy::resolve(&rules, *kind, provider, ctx.tenant(), now).ok())
        .map(|rule| rule.id.clone())
        .collect();
    let calendar = PhaseCalendar::new(&rules, provider, ctx.tenant());
    let mut listed: Vec<ListedRule> = rules
        .into_iter()
        .map(|rule| {
            let in_force = match rule.params {
                // Such rows decide each for the kinds of accounts that they name.
                PolicyParams::ChannelPhase(_) => calendar.decides(&rule, now),
                _ => winners.contains(&rule.id),
            };
            ListedRule { in_force, rule }
        })
        .collect();
    listed.sort_by_key(|row| (row.rule.params.kind(), !row.in_force));
    Ok(listed)
}

/// A provider gives its merchants no more than the installation allows.
fn within_installation(state: &AppState, terms: &RateTerms) -> Answer<()> {
    let most = state.config.limits.most();
    let mut errors = Vec::new();
    for (who, rate) in terms.numbers() {
        for (what, number, most) in
            [("per_second", rate.per_second, most.per_second), ("at_once", rate.at_once, most.at_once)]
        {
            if number > most {
                let (en, zh) = (format!("at most {most} here"), format!("本平台最高 {most}"));
                errors.push(FieldError::new(format!("params.{who}{what}"), "out_of_range", en, zh));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::new(ErrorCode::PolicyInvalid).with_fields(errors)) }
}

/// The installation's default as a row, for the kind whose default is configured.
fn installation_rule(state: &AppState) -> PolicyRule {
    PolicyRule {
        id: RuleId("policy/request_rate/installation".to_owned()),
        scope: PolicyScope::Platform,
        params: PolicyParams::RequestRate(state.config.limits.terms()),
        effective_from: Timestamp::from_seconds(0),
        effective_to: None,
    }
}

/// A provider's row to be.
#[derive(Debug, Clone)]
pub struct SetPolicy {
    pub kind: PolicyKind,
    pub params: Vec<(String, String)>,
    /// For one merchant only.
    pub merchant: Option<TenantId>,
    /// From now when not given; never in the past, since decisions were made by then.
    pub effective_from: Option<Timestamp>,
    pub effective_to: Option<Timestamp>,
}

/// Adds a row for the provider's merchants, or for one of them.
pub async fn set(
    state: &AppState,
    grant: &Grant<perm::PolicyManage>,
    command: &SetPolicy,
) -> Answer<PolicyRule> {
    let provider = grant.provider_ctx()?.provider();
    let params = policy::parse(command.kind, &command.params).map_err(|error| {
        ApiError::refused(error.code(), &error).with_fields(error.field().into_iter().collect())
    })?;
    if let PolicyParams::RequestRate(terms) = params {
        within_installation(state, &terms)?;
    }
    let scope = match command.merchant {
        None => PolicyScope::Provider(provider),
        Some(merchant) => {
            grant.on_merchant(&state.db, merchant).await?;
            PolicyScope::Merchant(merchant)
        }
    };
    let mut tx = state.db.begin(grant.ctx()).await?;
    let now = tx.now();
    // More than are read when a rule is looked for must not be stored.
    if policy_list(&tx, now).await?.len() as u64 >= MAX_ROWS {
        return Err(ApiError::refused(
            ErrorCode::Conflict,
            format!("at most {MAX_ROWS} rules; end some first"),
        ));
    }
    let effective_from = command.effective_from.unwrap_or(now);
    if effective_from < now {
        let (en, zh) = ("not in the past", "不能早于当前时间");
        return Err(FieldError::new("effective_from", "past", en, zh).into());
    }
    if command.effective_to.is_some_and(|end| end <= effective_from) {
        let (en, zh) = ("after effective_from", "须晚于生效时间");
        return Err(FieldError::new("effective_to", "order", en, zh).into());
    }
    let id = RuleId(PolicyId(tx.new_id()).to_string());
    let rule = PolicyRule { id, scope, params, effective_from, effective_to: command.effective_to };
    policy_insert(&mut tx, &rule).await?;
    let detail = json!({"kind": command.kind.as_str(), "params": command.params, "scope": scope.as_str()});
    audit_append(&mut tx, AuditAction::PolicySet, "policy", &rule.id.0, detail).await?;
    phases::rule_changed(&mut tx, &rule.params).await?;
    tx.commit().await?;
    state.rates.forget();
    Ok(rule)
}

/// Ends one of the provider's own rows now. Rows of the platform are not found.
pub async fn end(state: &AppState, grant: &Grant<perm::PolicyManage>, id: PolicyId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let now = tx.now();
    let rule = RuleId(id.to_string());
    let ending = policy_list(&tx, now).await?.into_iter().find(|row| row.id == rule);
    policy_end(&mut tx, &rule, now).await?;
    if let Some(row) = ending {
        phases::rule_changed(&mut tx, &row.params).await?;
    }
    audit_append(&mut tx, AuditAction::PolicyEnded, "policy", &rule.0, json!({})).await?;
    tx.commit().await?;
    state.rates.forget();
    Ok(())
}
