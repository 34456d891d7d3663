//! The policy calendar: rows of the operator (platform defaults) and of providers (for all their merchants
//! or one). Rows are never deleted; they end.

use crate::db::{SystemTx, TenantTx};
use crate::entity::policy_rule;
use crate::error::{StoreError, StoreResult};
use crate::store::tenant;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::TenantId;
use qianpu_domain::policy::{PolicyKind, PolicyRule, PolicyScope, RuleId, parse};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

/// The most rows one tenant may have in force or to come.
pub const MAX_ROWS: u64 = 500;

fn from_model(row: policy_rule::Model) -> StoreResult<PolicyRule> {
    let kind = PolicyKind::from_text(&row.kind).ok_or(StoreError::Corrupt("policy_rules.kind"))?;
    let pairs: Vec<(String, String)> =
        serde_json::from_str(&row.params).map_err(|_| StoreError::Corrupt("policy_rules.params"))?;
    let about = row.about_id.or(Some(row.tenant_id)).map(TenantId);
    Ok(PolicyRule {
        id: RuleId(row.rule_word),
        scope: PolicyScope::from_parts(&row.scope, about).ok_or(StoreError::Corrupt("policy_rules.scope"))?,
        params: parse(kind, &pairs).map_err(|_| StoreError::Corrupt("policy_rules.params"))?,
        effective_from: Timestamp::from_micros(row.effective_from),
        effective_to: row.effective_to.map(Timestamp::from_micros),
    })
}

/// Adds a row owned by the transaction's tenant. `Conflict` when its word exists.
pub async fn policy_insert(tx: &mut TenantTx, rule: &PolicyRule) -> StoreResult<()> {
    let about = match rule.scope {
        PolicyScope::Merchant(id) => Some(id.0),
        PolicyScope::Platform | PolicyScope::Provider(_) => None,
    };
    let params = serde_json::to_string(&rule.params.to_pairs())
        .map_err(|_| StoreError::Corrupt("policy_rules.params"))?;
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    policy_rule::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        rule_word: Set(rule.id.0.clone()),
        kind: Set(rule.params.kind().as_str().to_owned()),
        scope: Set(rule.scope.as_str().to_owned()),
        about_id: Set(about),
        params: Set(params),
        effective_from: Set(rule.effective_from.micros()),
        effective_to: Set(rule.effective_to.map(Timestamp::micros)),
        created_by: Set(actor),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await
    .map_err(|error| match StoreError::from(error) {
        StoreError::Conflict(_) => StoreError::Conflict("policy_rule"),
        other => other,
    })?;
    Ok(())
}

/// Ends a row of the transaction's tenant at a moment.
pub async fn policy_end(tx: &mut TenantTx, id: &RuleId, at: Timestamp) -> StoreResult<()> {
    let done = policy_rule::Entity::update_many()
        .col_expr(policy_rule::Column::EffectiveTo, Expr::value(at.micros()))
        .filter(policy_rule::Column::TenantId.eq(tx.tenant()))
        .filter(policy_rule::Column::RuleWord.eq(id.0.as_str()))
        .filter(open_after(at))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

fn open_after(at: Timestamp) -> Condition {
    Condition::any()
        .add(policy_rule::Column::EffectiveTo.is_null())
        .add(policy_rule::Column::EffectiveTo.gt(at.micros()))
}

/// Rows of the transaction's tenant that hold at `at` or later.
pub async fn policy_list(tx: &TenantTx, at: Timestamp) -> StoreResult<Vec<PolicyRule>> {
    let rows = policy_rule::Entity::find()
        .filter(policy_rule::Column::TenantId.eq(tx.tenant()))
        .filter(open_after(at))
        .order_by_desc(policy_rule::Column::EffectiveFrom)
        .order_by_desc(policy_rule::Column::Id)
        .limit(MAX_ROWS)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The platform's rows, those of the operator, that hold at `at` or later.
pub async fn policy_list_of_platform(tx: &SystemTx, at: Timestamp) -> StoreResult<Vec<PolicyRule>> {
    let operators = tenant::tenant_list_of_kind(tx, Surface::Operator, 1).await?;
    let Some(operator) = operators.first() else { return Ok(Vec::new()) };
    let rows = policy_rule::Entity::find()
        .filter(policy_rule::Column::TenantId.eq(operator.id.0))
        .filter(policy_rule::Column::Scope.eq("platform"))
        .filter(open_after(at))
        .order_by_desc(policy_rule::Column::EffectiveFrom)
        .order_by_desc(policy_rule::Column::Id)
        .limit(MAX_ROWS)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}
