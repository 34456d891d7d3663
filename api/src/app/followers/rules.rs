//! Rules that answer followers: welcome, keywords, buttons of the menu, codes, and the answer to everything else. Their
//! order is the merchant's.

use super::account_of;
use super::reply::{Reply, TypedReply};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::follower::{Condition, Matching, Trigger, answer_line, read_words};
use qianpu_domain::ids::{ChannelAccountId, ReplyRuleId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::product::{Product, ProductFilter, product_get, product_list};
use qianpu_tenants::store::reply_rule::{
    MOST_RULES, ReplyRule, RuleFacts, rule_delete, rule_get, rule_insert, rule_list, rule_place, rule_save,
};
use serde_json::json;

/// Longest name of a rule.
const LONGEST_NAME: usize = 40;

/// A rule as somebody typed it.
#[derive(Debug, Clone, Default)]
pub struct TypedRule {
    /// What people call it.
    pub name: String,
    /// When it answers.
    pub trigger: String,
    /// How texts are compared.
    pub matching: String,
    /// Words, keys or scenes.
    pub words: Vec<String>,
    /// What it answers.
    pub reply: TypedReply,
    /// Whether it answers at all.
    pub active: bool,
}

/// Rules of an account, in their order.
pub async fn list<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: ChannelAccountId,
) -> Answer<(ChannelAccount, Vec<ReplyRule>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, account).await?;
    let rules = rule_list(&tx, account.id).await?;
    Ok((account, rules))
}

/// One rule.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: ReplyRuleId) -> Answer<ReplyRule> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(covered(&tx, grant, id).await?.1)
}

async fn covered<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ReplyRuleId,
) -> Answer<(ChannelAccount, ReplyRule)> {
    let rule = rule_get(tx, id).await?;
    Ok((account_of(tx, grant, rule.account).await?, rule))
}

async fn facts(tx: &TenantTx, account: &ChannelAccount, typed: &TypedRule) -> Answer<RuleFacts> {
    let mut errors = Vec::new();
    let name = answer_line("name", &typed.name, LONGEST_NAME, true).map_err(|error| errors.push(error)).ok();
    let trigger = Trigger::from_text(&typed.trigger);
    let matching = if typed.matching.is_empty() {
        Some(Matching::Contains)
    } else {
        Matching::from_text(&typed.matching)
    };
    let words = match trigger {
        Some(trigger) => {
            read_words(trigger, &typed.words).map_err(|error| errors.push(error)).unwrap_or_default()
        }
        None => {
            let (en, zh) = ("followed, keyword, menu, scene or default", "请选择何时回复");
            errors.push(FieldError::new("trigger", "unknown", en, zh));
            Vec::new()
        }
    };
    if matching.is_none() {
        errors.push(FieldError::new("matching", "unknown", "exact or contains", "应为完全一致或包含"));
    }
    let reply = Reply::typed(&typed.reply).map_err(|found| errors.extend(found)).ok();
    if let Some(Reply::Product { product_id }) = &reply {
        let found = match product_id.parse() {
            Ok(id) => match product_get(tx, id).await {
                Err(StoreError::NotFound) => None,
                other => Some(other?),
            },
            Err(_) => None,
        };
        if found.is_none_or(|product| product.shop != account.shop) {
            let (en, zh) = ("no product of this account's shop", "该账号所属店铺没有这件商品");
            errors.push(FieldError::new("product_id", "unknown", en, zh));
        }
    }
    match (name, trigger, matching, reply) {
        (Some(name), Some(trigger), Some(matching), Some(reply)) if errors.is_empty() => Ok(RuleFacts {
            name,
            condition: Condition { trigger, matching, words },
            answer: reply.stored(),
            active: typed.active,
        }),
        _ => Err(errors.into()),
    }
}

fn told(facts: &RuleFacts) -> serde_json::Value {
    json!({ "name": facts.name, "trigger": facts.condition.trigger.as_str(), "active": facts.active })
}

/// Adds a rule behind the others.
pub async fn add(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
    typed: &TypedRule,
) -> Answer<ReplyRule> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_of(&tx, grant, account).await?;
    let facts = facts(&tx, &account, typed).await?;
    let known = rule_list(&tx, account.id).await?;
    if u64::try_from(known.len()).unwrap_or(u64::MAX) >= MOST_RULES {
        return Err(ApiError::new(ErrorCode::ReplyRulesFull));
    }
    let place = i64::try_from(known.len()).unwrap_or(i64::MAX);
    let rule = rule_insert(&mut tx, account.id, place, &facts).await?;
    audit_append(&mut tx, AuditAction::ReplyRuleAdded, "reply_rule", &rule.id.to_string(), told(&facts))
        .await?;
    tx.commit().await?;
    Ok(rule)
}

/// Changes a rule.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ReplyRuleId,
    seen: Option<i64>,
    typed: &TypedRule,
) -> Answer<ReplyRule> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, rule) = covered(&tx, grant, id).await?;
    if seen.is_some_and(|seen| seen != rule.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    let facts = facts(&tx, &account, typed).await?;
    rule_save(&mut tx, id, rule.version, &facts).await?;
    audit_append(&mut tx, AuditAction::ReplyRuleChanged, "reply_rule", &id.to_string(), told(&facts)).await?;
    let rule = rule_get(&tx, id).await?;
    tx.commit().await?;
    Ok(rule)
}

/// Deletes a rule.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ReplyRuleId,
) -> Answer<ChannelAccountId> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, rule) = covered(&tx, grant, id).await?;
    rule_delete(&mut tx, id).await?;
    let detail = json!({ "name": rule.name });
    audit_append(&mut tx, AuditAction::ReplyRuleDeleted, "reply_rule", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(account.id)
}

/// Moves a rule one place up; the first stays where it is.
pub async fn raise(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ReplyRuleId,
) -> Answer<(ChannelAccount, Vec<ReplyRule>)> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, _) = covered(&tx, grant, id).await?;
    let mut rules = rule_list(&tx, account.id).await?;
    if let Some(at) = rules.iter().position(|rule| rule.id == id).filter(|at| *at > 0) {
        rules.swap(at - 1, at);
    }
    for (place, rule) in rules.iter().enumerate() {
        rule_place(&mut tx, rule.id, i64::try_from(place).unwrap_or(i64::MAX)).await?;
    }
    tx.commit().await?;
    Ok((account, rules))
}

/// What an answer can show: the newest products that are on sale in the account's shop, at most 100.
pub async fn products<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: &ChannelAccount,
) -> Answer<Vec<Product>> {
    let shops = [account.shop];
    let filter = ProductFilter { shops: Some(&shops), state: Some(ProductState::OnSale), search: None };
    let tx = state.db.read(grant.ctx()).await?;
    Ok(product_list(&tx, &filter, PageRequest::first(100)).await?.items)
}
