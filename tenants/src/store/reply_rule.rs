//! Rules that answer followers of an account, in their order.

use crate::db::TenantTx;
use crate::entity::reply_rule as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::follower::{Condition, Matching, Trigger};
use qianpu_domain::ids::{ChannelAccountId, ReplyRuleId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Rules an account may have.
pub const MOST_RULES: u64 = 100;

/// A rule.
#[derive(Clone, Debug)]
pub struct ReplyRule {
    /// Its id.
    pub id: ReplyRuleId,
    /// The account.
    pub account: ChannelAccountId,
    /// What people call it.
    pub name: String,
    /// When it answers.
    pub condition: Condition,
    /// What it answers, as JSON.
    pub answer: serde_json::Value,
    /// Whether it answers at all.
    pub active: bool,
    /// How often it answered.
    pub answered: i64,
    /// For `If-Match`.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<ReplyRule> {
    Ok(ReplyRule {
        id: ReplyRuleId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        name: row.name,
        condition: Condition {
            trigger: Trigger::from_text(&row.trigger_kind)
                .ok_or(StoreError::Corrupt("reply_rules.trigger_kind"))?,
            matching: Matching::from_text(&row.matching)
                .ok_or(StoreError::Corrupt("reply_rules.matching"))?,
            words: serde_json::from_str(&row.words).map_err(|_| StoreError::Corrupt("reply_rules.words"))?,
        },
        answer: serde_json::from_str(&row.answer).map_err(|_| StoreError::Corrupt("reply_rules.answer"))?,
        active: row.active,
        answered: row.answered,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// What a rule is to be.
#[derive(Clone, Debug)]
pub struct RuleFacts {
    /// What people call it.
    pub name: String,
    /// When it answers.
    pub condition: Condition,
    /// What it answers, as JSON.
    pub answer: serde_json::Value,
    /// Whether it answers at all.
    pub active: bool,
}

fn words(condition: &Condition) -> String {
    serde_json::Value::from(condition.words.clone()).to_string()
}

/// Rules of an account, in their order.
pub async fn rule_list(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Vec<ReplyRule>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .order_by_asc(row::Column::Place)
        .order_by_asc(row::Column::Id)
        .limit(MOST_RULES)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// One rule.
pub async fn rule_get(tx: &TenantTx, id: ReplyRuleId) -> StoreResult<ReplyRule> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Adds a rule behind the others.
pub async fn rule_insert(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    place: i64,
    facts: &RuleFacts,
) -> StoreResult<ReplyRule> {
    let now = tx.now().micros();
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        place,
        name: facts.name.clone(),
        trigger_kind: facts.condition.trigger.as_str().to_owned(),
        matching: facts.condition.matching.as_str().to_owned(),
        words: words(&facts.condition),
        answer: facts.answer.to_string(),
        active: facts.active,
        answered: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// Changes a rule, if it is still as it was seen.
pub async fn rule_save(tx: &mut TenantTx, id: ReplyRuleId, seen: i64, facts: &RuleFacts) -> StoreResult<()> {
    use row::Column as C;
    let done = row::Entity::update_many()
        .col_expr(C::Name, Expr::value(facts.name.clone()))
        .col_expr(C::TriggerKind, Expr::value(facts.condition.trigger.as_str()))
        .col_expr(C::Matching, Expr::value(facts.condition.matching.as_str()))
        .col_expr(C::Words, Expr::value(words(&facts.condition)))
        .col_expr(C::Answer, Expr::value(facts.answer.to_string()))
        .col_expr(C::Active, Expr::value(facts.active))
        .col_expr(C::Version, Expr::value(seen + 1))
        .col_expr(C::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(id.0))
        .filter(C::Version.eq(seen))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Puts a rule at a place of the order.
pub async fn rule_place(tx: &mut TenantTx, id: ReplyRuleId, place: i64) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::Place, Expr::value(place))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Counts an answer of a rule.
pub async fn rule_count_answer(tx: &mut TenantTx, id: ReplyRuleId) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::Answered, Expr::col(row::Column::Answered).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Deletes a rule.
pub async fn rule_delete(tx: &mut TenantTx, id: ReplyRuleId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
