//! Changing what the alliance of a shop says: plans, and products put into it. A commission is the merchant's money: who wants
//! what is written down before the platform is told, nobody overwrites what he did not see, and a lost answer is no success.

use super::alliance::{self, PLAN_PAGES, Plan, named, told};
use super::call::{AccountCall, CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{
    AllianceAddition, COMMISSION_MOST, CommissionShare, PlanChange, PlanKind, PlanState, PlanTerms, PlanWish,
    PromotionPlan,
};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use serde_json::{Value, json};

type Manages = Grant<perm::PromotionManage>;

/// What the caller saw of a plan before wanting to change it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub state: String,
    pub commission: Option<CommissionShare>,
}

/// A commission that can be asked for.
pub fn check(percent: i64) -> Result<(), FieldError> {
    if (0..=COMMISSION_MOST).contains(&percent) {
        return Ok(());
    }
    let en = format!("a whole number of hundredths, 0 to {COMMISSION_MOST}");
    let zh = format!("请填写 0 到 {COMMISSION_MOST} 之间的整数");
    Err(FieldError::new("percent", "out_of_range", en, zh))
}

/// What is written down: what the plan said, and what it shall say.
fn wanted(terms: &PlanTerms, wish: &PlanWish) -> (AuditAction, Value, Value) {
    let state = json!({ "state": terms.state.as_str() });
    match wish {
        PlanWish::Commission { percent } => {
            let shown = |share: CommissionShare| {
                let raw = || format!("{}/{}", share.parts, share.of);
                share.percent().map_or_else(raw, |percent| format!("{percent}%"))
            };
            let before = json!({ "commission": terms.commission.map(shown) });
            let after = json!({ "commission": format!("{percent}%") });
            (AuditAction::PromotionPlanRepriced, before, after)
        }
        PlanWish::TakeDown => (AuditAction::PromotionPlanTakenDown, state, json!({ "state": "off" })),
        PlanWish::PutUp => (AuditAction::PromotionPlanPutUp, state, json!({ "state": "on" })),
    }
}

async fn note(
    state: &AppState,
    grant: &Manages,
    id: ChannelAccountId,
    action: AuditAction,
    detail: Value,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    audit_append(&mut tx, action, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(())
}

/// A "no" in the platform's words; otherwise nobody knows what became of it.
fn lost(error: CallError) -> ApiError {
    if error.certain().is_some() {
        return told(error);
    }
    match error {
        CallError::Channel(error) => {
            let doubt = ApiError::new(ErrorCode::PromotionPlanInDoubt);
            doubt.with_detail(plain_words(&error)).with_internal(&error)
        }
        error => error.into(),
    }
}

/// What the plan says now that it was changed; without terms where the platform does not tell.
async fn again(
    state: &AppState,
    grant: &Manages,
    id: ChannelAccountId,
    product: &str,
    plan: PromotionPlan,
) -> Plan {
    match alliance::plan(state, grant, id, product, &plan.id).await {
        Ok(found) => found,
        // It was done; only the look at it failed.
        Err(error) => {
            tracing::info!(account_id = %id, %error, "a plan of the alliance could not be read back");
            Plan { plan, terms: None }
        }
    }
}

/// Changes a plan at the platform, and reads it again. Nothing is called where it is so already; a plan that is not what the
/// caller saw is left alone.
pub async fn change(
    state: &AppState,
    grant: &Manages,
    id: ChannelAccountId,
    (product, plan): (&str, &str),
    wish: PlanWish,
    seen: &Seen,
) -> Answer<Plan> {
    alliance::account(state, grant, id).await?;
    if let PlanWish::Commission { percent } = wish {
        check(percent)?;
    }
    let before = alliance::plan(state, grant, id, product, plan).await?;
    let Some(terms) = before.terms.clone() else {
        return Err(ApiError::new(ErrorCode::PromotionPlanFixed));
    };
    if terms.fulfils(&wish) {
        return Ok(before);
    }
    if terms.state.as_str() != seen.state || terms.commission != seen.commission {
        return Err(ApiError::new(ErrorCode::PromotionPlanChanged));
    }
    if !terms.takes(&wish) {
        return Err(ApiError::new(ErrorCode::PromotionPlanFixed));
    }
    let product = named(product)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let (action, was, shall) = wanted(&terms, &wish);
    let detail = json!({ "product_id": product, "plan_id": before.plan.id, "before": was, "after": shall });
    note(state, grant, id, action, detail).await?;
    let asked = PlanChange { product_id: product, plan_id: before.plan.id.clone(), wish, terms };
    let answer = call.host().alliance_change_plan(call.account_ref(), &asked).await;
    call.settle(answer).await.map_err(lost)?;
    Ok(again(state, grant, id, &asked.product_id, before.plan).await)
}

/// The product's plan for everyone, where it has one that was not deleted.
async fn for_everyone(
    state: &AppState,
    grant: &Manages,
    id: ChannelAccountId,
    product: &str,
) -> Answer<Option<Plan>> {
    let mut after = None;
    for _ in 0..PLAN_PAGES {
        let page = alliance::plans(state, grant, id, product, after.as_deref()).await?;
        for plan in page.items.into_iter().filter(|one| one.kind == PlanKind::Everyone) {
            let found = alliance::of(state, grant, id, product, plan).await?;
            if !found.terms.as_ref().is_some_and(|terms| terms.state == PlanState::Deleted) {
                return Ok(Some(found));
            }
        }
        after = page.next_cursor;
        if after.is_none() {
            break;
        }
    }
    Ok(None)
}

/// Puts a product into the alliance at the platform, for every promoter. A product that is sold so already for this commission
/// is left as it is; one with another plan for everyone is changed there. None where the platform does not name the plan.
pub async fn add(
    state: &AppState,
    grant: &Manages,
    id: ChannelAccountId,
    product: &str,
    percent: i64,
) -> Answer<Option<Plan>> {
    alliance::account(state, grant, id).await?;
    check(percent)?;
    let product = named(product)?;
    if let Some(found) = for_everyone(state, grant, id, &product).await? {
        let wish = PlanWish::Commission { percent };
        let same = |terms: &PlanTerms| terms.fulfils(&wish) && terms.fulfils(&PlanWish::PutUp);
        return if found.terms.as_ref().is_some_and(same) {
            Ok(Some(found))
        } else {
            Err(ApiError::new(ErrorCode::PromotionPlanExists))
        };
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let detail = json!({ "product_id": product, "commission": format!("{percent}%") });
    note(state, grant, id, AuditAction::PromotionPlanAdded, detail).await?;
    let addition = AllianceAddition { product_id: product, percent };
    let answer = call.host().alliance_add_product(call.account_ref(), &addition).await;
    let added = call.settle(answer).await.map_err(lost)?;
    let product = &addition.product_id;
    Ok(match added.plan_id {
        Some(plan) => {
            let plan = PromotionPlan { id: plan, kind: PlanKind::Everyone };
            Some(again(state, grant, id, product, plan).await)
        }
        None => for_everyone(state, grant, id, product).await.unwrap_or_default(),
    })
}
