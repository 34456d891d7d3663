//! Plans of a provider. A version never changes; a new price is a new version, and subscriptions keep the
//! version they pinned.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{BillingError, Charge, MOST_CHARGES, MOST_RANK, PlanTerms, is_metric};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::PlanId;
use qianpu_domain::policy::{PLAN_AT_ONCE, PLAN_PER_SECOND, RequestRate};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::ReadTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::plan::{
    NewPlan, Plan, PlanVersion, plan_get, plan_insert, plan_list, plan_set_rank, plan_version_add,
    plan_version_list,
};
use serde_json::json;

const LONGEST_NAME: usize = 40;
const MOST_LIMITS: usize = 20;

async fn read(state: &AppState, grant: &Grant<perm::PlanRead>) -> Answer<ReadTx> {
    Ok(match grant.ctx().kind() {
        Surface::Provider => state.db.read(grant.ctx()).await?,
        _ => state.db.read_parent(grant.ctx()).await?,
    })
}

/// The provider's plans by code, each with its newest version.
pub async fn list(state: &AppState, grant: &Grant<perm::PlanRead>) -> Answer<Vec<Plan>> {
    let tx = read(state, grant).await?;
    Ok(plan_list(&tx).await?)
}

/// A plan with all its versions, newest first.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::PlanRead>,
    id: PlanId,
) -> Answer<(Plan, Vec<PlanVersion>)> {
    let tx = read(state, grant).await?;
    Ok((plan_get(&tx, id).await?, plan_version_list(&tx, id).await?))
}

/// A plan to be.
#[derive(Debug, Clone)]
pub struct CreatePlan {
    /// Short word, unique within the provider: `basic`, `pro-2027`.
    pub code: String,
    pub name_zh: String,
    pub name_en: String,
    /// A change to a plan of a higher one is an upgrade.
    pub rank: i64,
    pub terms: PlanTerms,
}

/// Adds a plan with its first version.
pub async fn create(
    state: &AppState,
    grant: &Grant<perm::PlanManage>,
    command: &CreatePlan,
) -> Answer<(Plan, Vec<PlanVersion>)> {
    let (code, name_zh, name_en) = (command.code.trim(), command.name_zh.trim(), command.name_en.trim());
    let mut errors = terms_errors(&command.terms, state.config.limits.most());
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !(1..=32).contains(&code.len()) || !code.bytes().all(word) {
        let (en, zh) = ("1 to 32 of a–z, 0–9, - and _", "1 到 32 位小写字母、数字、- 或 _");
        errors.push(FieldError::new("code", "invalid", en, zh));
    }
    for (field, name) in [("name_zh", name_zh), ("name_en", name_en)] {
        if name.is_empty() {
            errors.push(FieldError::required(field));
        } else if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            let (en, zh) =
                (format!("at most {LONGEST_NAME} characters"), format!("最多 {LONGEST_NAME} 个字"));
            errors.push(FieldError::new(field, "too_long", en, zh));
        }
    }
    errors.extend(rank_error(command.rank));
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let new = NewPlan { code, name_zh, name_en, rank: command.rank, terms: &command.terms };
    let id = plan_insert(&mut tx, &new).await.map_err(|error| match error {
        StoreError::Conflict("plan_code") => {
            ApiError::field(FieldError::new("code", "taken", "the code is in use", "编码已被使用"))
        }
        other => other.into(),
    })?;
    audit_append(&mut tx, AuditAction::PlanCreated, "plan", &id.to_string(), terms_detail(&command.terms))
        .await?;
    outbox_append(&mut tx, EventType::PlanCreated, &id.to_string(), 1, json!({})).await?;
    let made = (plan_get(&tx, id).await?, plan_version_list(&tx, id).await?);
    tx.commit().await?;
    Ok(made)
}

fn rank_error(rank: i64) -> Option<FieldError> {
    let (en, zh) = (format!("between 0 and {MOST_RANK}"), format!("应在 0 到 {MOST_RANK} 之间"));
    (!(0..=MOST_RANK).contains(&rank)).then(|| FieldError::new("rank", "out_of_range", en, zh))
}

/// Sets a plan's rank: what is an upgrade from now on. Changes that wait keep their day.
pub async fn set_rank(
    state: &AppState,
    grant: &Grant<perm::PlanManage>,
    id: PlanId,
    rank: i64,
) -> Answer<(Plan, Vec<PlanVersion>)> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = plan_get(&tx, id).await?.rank;
    if let Some(error) = rank_error(rank) {
        return Err(error.into());
    }
    plan_set_rank(&mut tx, id, rank).await?;
    let detail = json!({"rank": {"old": was, "new": rank}});
    audit_append(&mut tx, AuditAction::PlanRankSet, "plan", &id.to_string(), detail).await?;
    let now = (plan_get(&tx, id).await?, plan_version_list(&tx, id).await?);
    tx.commit().await?;
    Ok(now)
}

/// Adds the next version of a plan. Running subscriptions keep theirs.
pub async fn add_version(
    state: &AppState,
    grant: &Grant<perm::PlanManage>,
    id: PlanId,
    terms: &PlanTerms,
) -> Answer<(Plan, Vec<PlanVersion>)> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    plan_get(&tx, id).await?;
    let errors = terms_errors(terms, state.config.limits.most());
    if !errors.is_empty() {
        return Err(errors.into());
    }
    plan_version_add(&mut tx, id, terms).await?;
    audit_append(&mut tx, AuditAction::PlanVersionAdded, "plan", &id.to_string(), terms_detail(terms))
        .await?;
    let now = (plan_get(&tx, id).await?, plan_version_list(&tx, id).await?);
    let number = now.1.iter().map(|version| version.number).max().unwrap_or(1);
    outbox_append(&mut tx, EventType::PlanVersionAdded, &id.to_string(), number, json!({})).await?;
    tx.commit().await?;
    Ok(now)
}

fn terms_detail(terms: &PlanTerms) -> serde_json::Value {
    json!({
        "fee_fen": terms.fee.get(),
        "interval": terms.interval.as_str(),
        "tax_ppm": terms.tax_ppm,
        "take_rate_ppm": terms.take_rate_ppm,
        "charges": terms.charges.iter().map(|charge| charge.metric.as_str()).collect::<Vec<_>>(),
    })
}

fn terms_errors(terms: &PlanTerms, most: RequestRate) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match terms.check() {
        Ok(()) => {}
        // Named below, with the charge that it is about.
        Err(_) if terms.charges.iter().any(|charge| charge.pricing.check().is_err()) => {}
        Err(BillingError::Fee) => errors.push(FieldError::new(
            "fee",
            "out_of_range",
            "between 0 and 10^14 fen",
            "金额应在 0 到 10^14 分之间",
        )),
        Err(_) => errors.push(FieldError::new(
            "take_rate_ppm",
            "out_of_range",
            "the take rate is at most 30 %, the tax rate at most 50 %",
            "交易服务费率最高 30%，税率最高 50%",
        )),
    }
    errors.extend(charge_errors(&terms.charges));
    let word = |name: &str| {
        (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let good = terms.limits.len() <= MOST_LIMITS
        && terms.limits.iter().all(|(name, limit)| word(name) && (0..=1_000_000_000).contains(limit));
    if !good {
        let (en, zh) =
            ("at most 20 limits: a word and a number from 0", "最多 20 项限额：名称与不小于 0 的数字");
        errors.push(FieldError::new("limits", "invalid", en, zh));
    }
    for (name, most) in [(PLAN_PER_SECOND, most.per_second), (PLAN_AT_ONCE, most.at_once)] {
        let said = terms.limits.iter().find(|(own, _)| own == name);
        if said.is_some_and(|(_, number)| !(1..=i64::from(most)).contains(number)) {
            let (en, zh) = (format!("between 1 and {most} here"), format!("应在 1 到 {most} 之间"));
            errors.push(FieldError::new(name, "out_of_range", en, zh));
        }
    }
    let number = |name: &str| terms.limits.iter().find(|(own, _)| own == name).map(|(_, number)| *number);
    match (number(PLAN_PER_SECOND), number(PLAN_AT_ONCE)) {
        (None, Some(_)) => errors.push(FieldError::required(PLAN_PER_SECOND)),
        (Some(per_second), Some(at_once)) if at_once < per_second => {
            let (en, zh) = ("at least as many as per second", "不能少于每秒的次数");
            errors.push(FieldError::new(PLAN_AT_ONCE, "out_of_range", en, zh));
        }
        _ => {}
    }
    errors
}

fn charge_errors(charges: &[Charge]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if charges.len() > MOST_CHARGES {
        let (en, zh) = (format!("at most {MOST_CHARGES}"), format!("最多 {MOST_CHARGES} 项"));
        errors.push(FieldError::new("charges", "too_many", en, zh));
    }
    for (at, charge) in charges.iter().enumerate() {
        let mut wrong = |field: &str, code, en: &str, zh: &str| {
            errors.push(FieldError::new(format!("charges.{at}.{field}"), code, en, zh));
        };
        if !is_metric(&charge.metric) {
            let (en, zh) = (
                "1 to 40 of a–z, 0–9 and _, beginning with a letter",
                "1 到 40 位小写字母、数字或 _，以字母开头",
            );
            wrong("metric", "invalid", en, zh);
        } else if charges.iter().take(at).any(|other| other.metric == charge.metric) {
            wrong("metric", "taken", "another charge counts this already", "该计量项已有收费");
        }
        for (field, name) in [("name_zh", &charge.name_zh), ("name_en", &charge.name_en)] {
            let length = name.trim().chars().count();
            if !(1..=LONGEST_NAME).contains(&length) || name.chars().any(char::is_control) {
                wrong(field, "invalid", "1 to 40 characters", "请填写 1 到 40 个字");
            }
        }
        match charge.pricing.check() {
            Ok(()) => {}
            Err((field, BillingError::Tiers)) => {
                let (en, zh) = (
                    "tiers follow each other, at most 20, and the last has no end",
                    "阶梯须依次递增，最多 20 级，最后一级不设上限",
                );
                wrong(field, "invalid", en, zh);
            }
            Err((field @ "size", _)) => {
                wrong(field, "out_of_range", "between 1 and 10^12", "应在 1 到 10^12 之间")
            }
            Err((field, BillingError::Units)) => {
                wrong(field, "out_of_range", "between 0 and 10^12", "应在 0 到 10^12 之间")
            }
            Err((field @ "package_fee", _)) => {
                wrong(field, "out_of_range", "between 0 and 9·10^12 fen", "金额应在 0 到 9·10^12 分之间")
            }
            Err((field, _)) => {
                wrong(field, "out_of_range", "between 0 and 10^14 fen", "金额应在 0 到 10^14 分之间")
            }
        }
    }
    errors
}
