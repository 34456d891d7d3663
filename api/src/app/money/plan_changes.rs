//! Changing a merchant's subscription to another plan, or to the newest version of its own. When it takes place says the
//! provider's table of rules (`plan_change`) over the ranks of both plans, never their prices. A change with the next
//! period waits and can be withdrawn; another one takes its place.
//!
//! The preview is the change itself, in a transaction that is not committed.

use super::credit_notes::CreditDetail;
use super::invoices::{IssueTerms, issue_terms, with_fee_in, without_fee_in};
use super::plan_switch::{catch_up_in, over, switch_in};
use super::{notices, subscriptions, usage, whole_merchant};
use crate::app::policies;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{
    ChangeRules, ChangeTiming, Direction, Limited, LineAmounts, Period, Schedule, date_in, date_text,
    flat_fee, parse_date,
};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{PlanChangeId, PlanId, SubscriptionId};
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::policy::{self, PolicyKind};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::invoice::{Invoice, InvoiceLine, invoice_gathering, invoice_lines};
use qianpu_tenants::store::ledger::account_balance;
use qianpu_tenants::store::plan::plan_get;
use qianpu_tenants::store::plan_change::{
    ChangeTarget, NewPlanChange, PlanChange, plan_change_decide, plan_change_get,
    plan_change_get_by_provider, plan_change_insert, plan_change_list, plan_change_list_by_provider,
    plan_change_pending,
};
use qianpu_tenants::store::plan_limit::{limit_gate, limit_used};
use qianpu_tenants::store::subscription::{Subscription, subscription_get};
use serde_json::json;

/// A subscription and where it may lead, looked up before the change.
pub struct ChangeOffer {
    /// The proof, on the merchant.
    pub grant: Grant<perm::PlanChange>,
    subscription: SubscriptionId,
    target: ChangeTarget,
    direction: Direction,
    rules: ChangeRules,
    /// The row of the calendar that has them.
    rule: String,
    issue: IssueTerms,
}

/// Whether the caller may change plans of the merchant, with the rules in force for it.
async fn rules_for(state: &AppState, grant: &Grant<perm::PlanChange>) -> Answer<(ChangeRules, String)> {
    let rule = policies::rule_in_force(&state.db, grant.ctx(), PolicyKind::PlanChange).await?;
    Ok((policy::plan_change(&rule)?, rule.id.0))
}

fn may_change(own: Surface, rules: &ChangeRules) -> Answer<()> {
    if own == Surface::Merchant && !rules.self_service {
        return Err(
            ApiError::new(ErrorCode::Forbidden).with_text("money.plan_change_not_allowed", Vec::new())
        );
    }
    Ok(())
}

/// The proof on the merchant whose subscription it is: the merchant's own, or its provider's.
async fn on_subscription(
    state: &AppState,
    grant: &Grant<perm::PlanChange>,
    id: SubscriptionId,
) -> Answer<Grant<perm::PlanChange>> {
    whole_merchant(grant)?;
    if grant.ctx().kind() != Surface::Merchant {
        return subscriptions::on_merchant(state, grant, id).await;
    }
    subscription_get(&*state.db.read(grant.ctx()).await?, id).await?;
    Ok(grant.clone())
}

/// Whether the merchant's own people may change its plan.
pub async fn self_service(state: &AppState, grant: &Grant<perm::PlanChange>) -> Answer<bool> {
    Ok(rules_for(state, grant).await?.0.self_service)
}

/// Looks both up: neither another's subscription nor another provider's plan is found.
pub async fn offer(
    state: &AppState,
    grant: &Grant<perm::PlanChange>,
    id: SubscriptionId,
    plan: PlanId,
) -> Answer<ChangeOffer> {
    let own = grant.ctx().kind();
    let grant = on_subscription(state, grant, id).await?;
    let was = subscription_get(&*state.db.read(grant.ctx()).await?, id).await?;
    let parent = state.db.read_parent(grant.ctx()).await?;
    let plan = plan_get(&parent, plan).await?;
    let rank = match plan_get(&parent, was.plan).await {
        Ok(before) => before.rank,
        // A plan of another installation, which the merchant came with: it is as high as any.
        Err(StoreError::NotFound) => plan.rank,
        Err(other) => return Err(other.into()),
    };
    drop(parent);
    let (rules, rule) = rules_for(state, &grant).await?;
    may_change(own, &rules)?;
    let direction = Direction::of(rank, plan.rank);
    let target = ChangeTarget {
        plan: plan.id,
        version: plan.version.id,
        name_zh: plan.name_zh,
        name_en: plan.name_en,
        terms: plan.version.terms,
    };
    let issue = issue_terms(state, grant.ctx()).await?;
    Ok(ChangeOffer { grant, subscription: id, target, direction, rules, rule, issue })
}

/// What a change brings.
#[derive(Debug, Clone)]
pub struct Changed {
    pub change: PlanChange,
    /// What is given back.
    pub credits: Vec<CreditDetail>,
    /// What was used of the plan before; where the change waits, as far as it is known.
    pub used: Vec<InvoiceLine>,
    /// The new plan's fee of its first period.
    pub fee: LineAmounts,
    /// That period.
    pub period: Period,
    /// What the wallet pays of the first invoice.
    pub from_wallet: Fen,
    /// What is then to be paid by a transfer.
    pub due: Fen,
    /// What the wallet holds afterwards.
    pub wallet: Fen,
    /// The new plan's first invoice, once there is one.
    pub invoice: Option<Invoice>,
    /// What there is more of than the new plan allows: what, how many, how many it allows.
    pub over_limit: Vec<(Limited, i64, i64)>,
}

/// What the change would bring, down to the fen: it is made, and not kept.
pub async fn preview(state: &AppState, offer: &ChangeOffer) -> Answer<Changed> {
    let mut tx = state.db.begin(offer.grant.ctx()).await?;
    Box::pin(change_in(state, &mut tx, offer)).await
}

/// Makes the change, or lets it wait for the next period, as the rules say. One that waited is withdrawn.
pub async fn change_in(state: &AppState, tx: &mut TenantTx, offer: &ChangeOffer) -> Answer<Changed> {
    limit_gate(tx).await?;
    let id = offer.subscription;
    let was = running(tx, id).await?;
    let today = date_in(tx.now(), &was.zone)?;
    catch_up_in(state, tx, &offer.issue, &was, &date_text(today)).await?;
    let was = running(tx, id).await?;
    let target = &offer.target;
    if was.plan_version == target.version {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.plan_change_same", Vec::new()));
    }
    if let Some(before) = plan_change_pending(tx, id).await? {
        undo_in(tx, &was, &before).await?;
    }
    let other_interval = was.terms.interval != target.terms.interval;
    let timing = offer.rules.timing(offer.direction, other_interval);
    let next = invoice_gathering(tx, id).await?.ok_or_else(over)?;
    let (schedule, effective_on) = match timing {
        ChangeTiming::Now => {
            (Schedule { anchor: today, first: 0, interval: target.terms.interval }, date_text(today))
        }
        ChangeTiming::PeriodEnd => {
            let index = was.next_period_index;
            (was.schedule()?.from_period(index, target.terms.interval)?, next.period_start.clone())
        }
    };
    let new = NewPlanChange {
        subscription: id,
        target,
        direction: offer.direction,
        timing,
        rule: &offer.rule,
        effective_on: &effective_on,
    };
    let made = plan_change_insert(tx, &new).await.map_err(|error| match error {
        StoreError::Conflict("plan_change") => over(),
        other => other.into(),
    })?;
    let change = plan_change_get(tx, made).await?;
    let over_limit = over_limit(tx, &change.target).await?;
    let (fee, period) = (flat_fee(&target.terms)?, schedule.period(0)?);
    let mut changed = match timing {
        ChangeTiming::PeriodEnd => {
            plan_in(state, tx, offer, &was, &change, &next).await?;
            let used = usage::preview(tx, &was, LineAmounts::default(), &next.period_start).await?;
            let used = used.into_iter().map(InvoiceLine::from).collect();
            Changed {
                change,
                credits: Vec::new(),
                used,
                fee,
                period,
                from_wallet: Fen::ZERO,
                due: fee.total,
                wallet: Fen::ZERO,
                invoice: None,
                over_limit,
            }
        }
        ChangeTiming::Now => {
            let switched = Box::pin(switch_in(state, tx, &offer.issue, &was, &change, schedule)).await?;
            let used = match &switched.closing {
                Some(closing) => invoice_lines(tx, closing.id).await?,
                None => Vec::new(),
            };
            Changed {
                change: plan_change_get(tx, made).await?,
                credits: switched.credits,
                used,
                fee,
                period,
                from_wallet: switched.first.from_wallet,
                due: switched.first.due()?,
                wallet: Fen::ZERO,
                invoice: Some(switched.first),
                over_limit,
            }
        }
    };
    changed.wallet = account_balance(tx, Currency::Cny, &AccountRef::of(AccountCode::MerchantWallet)).await?;
    if timing == ChangeTiming::PeriodEnd {
        changed.from_wallet = changed.wallet.min(changed.due);
        changed.due = changed.due.sub(changed.from_wallet)?;
        changed.wallet = changed.wallet.sub(changed.from_wallet)?;
    }
    Ok(changed)
}

async fn running(tx: &TenantTx, id: SubscriptionId) -> Answer<Subscription> {
    let found = subscription_get(tx, id).await?;
    if found.active { Ok(found) } else { Err(over()) }
}

async fn over_limit(tx: &TenantTx, target: &ChangeTarget) -> Answer<Vec<(Limited, i64, i64)>> {
    let mut found = Vec::new();
    for what in Limited::ALL {
        if let Some(most) = target.terms.limit(what.as_str()) {
            let used = limit_used(tx, what).await?;
            if used > most {
                found.push((what, used, most));
            }
        }
    }
    Ok(found)
}

/// The change waits: the next period's fee is the new plan's to charge, so the invoice that gathers is left with the use.
async fn plan_in(
    state: &AppState,
    tx: &mut TenantTx,
    offer: &ChangeOffer,
    was: &Subscription,
    change: &PlanChange,
    next: &Invoice,
) -> Answer<()> {
    without_fee_in(tx, next, next.state).await?;
    let public = change.id.to_string();
    let detail = json!({
        "from": was.id.to_string(), "plan": change.target.plan.to_string(),
        "on": change.effective_on, "rule": change.rule,
    });
    audit_append(tx, AuditAction::PlanChangePlanned, "plan_change", &public, detail).await?;
    outbox_append(tx, EventType::PlanChangePlanned, &public, 1, json!({"on": change.effective_on})).await?;
    let (before, after) = (was.terms.fee, change.target.terms.fee);
    let points = [(format!("费用：¥{before} → ¥{after}"), format!("Fee: ¥{before} → ¥{after}"))];
    notices::plan_change(state, tx, &offer.issue.seller, "money.mail_plan_change_planned.", change, &points)
        .await
}

/// The next period is the running plan's again.
async fn undo_in(tx: &mut TenantTx, of: &Subscription, change: &PlanChange) -> Answer<()> {
    plan_change_decide(tx, change.id, None).await.map_err(|error| match error {
        StoreError::VersionConflict => over(),
        other => other.into(),
    })?;
    let next = invoice_gathering(tx, of.id).await?.ok_or_else(over)?;
    with_fee_in(tx, of, &next).await?;
    let public = change.id.to_string();
    audit_append(tx, AuditAction::PlanChangeWithdrawn, "plan_change", &public, json!({})).await?;
    outbox_append(tx, EventType::PlanChangeWithdrawn, &public, 2, json!({})).await?;
    Ok(())
}

/// A change that may be withdrawn.
pub struct Withdrawal {
    /// The proof, on the merchant.
    pub grant: Grant<perm::PlanChange>,
    id: PlanChangeId,
    issue: IssueTerms,
}

/// Looks it up.
pub async fn withdrawal(
    state: &AppState,
    grant: &Grant<perm::PlanChange>,
    id: PlanChangeId,
) -> Answer<Withdrawal> {
    whole_merchant(grant)?;
    let own = grant.ctx().kind();
    let grant = if own == Surface::Merchant {
        plan_change_get(&*state.db.read(grant.ctx()).await?, id).await?;
        grant.clone()
    } else {
        let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
        let merchant = plan_change_get_by_provider(&tx, id).await?.merchant;
        drop(tx);
        grant.on_merchant(&state.db, merchant).await?
    };
    may_change(own, &rules_for(state, &grant).await?.0)?;
    let issue = issue_terms(state, grant.ctx()).await?;
    Ok(Withdrawal { grant, id, issue })
}

/// Withdraws a change that waits. Withdrawn before, it is answered as it is.
pub async fn withdraw_in(state: &AppState, tx: &mut TenantTx, wanted: &Withdrawal) -> Answer<PlanChange> {
    limit_gate(tx).await?;
    let change = plan_change_get(tx, wanted.id).await?;
    match change.state.as_str() {
        "pending" => {}
        "withdrawn" => return Ok(change),
        _ => return Err(ApiError::new(ErrorCode::Conflict).with_text("money.plan_change_made", Vec::new())),
    }
    let of = running(tx, change.subscription).await?;
    // Its period has begun, and the job that makes it is about to run.
    if parse_date(&change.effective_on)? <= date_in(tx.now(), &of.zone)? {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.plan_change_made", Vec::new()));
    }
    undo_in(tx, &of, &change).await?;
    let texts = "money.mail_plan_change_withdrawn.";
    notices::plan_change(state, tx, &wanted.issue.seller, texts, &change, &[]).await?;
    Ok(plan_change_get(tx, wanted.id).await?)
}

/// Changes, newest first: a merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    page: PageRequest,
) -> Answer<Page<PlanChange>> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        return Ok(plan_change_list(&*state.db.read(grant.ctx()).await?, page).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(plan_change_list_by_provider(&tx, page).await?)
}

/// One change.
pub async fn get(state: &AppState, grant: &Grant<perm::BillingRead>, id: PlanChangeId) -> Answer<PlanChange> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        return Ok(plan_change_get(&*state.db.read(grant.ctx()).await?, id).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(plan_change_get_by_provider(&tx, id).await?)
}

/// The change of a subscription that waits.
pub async fn pending(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    of: &Subscription,
) -> Answer<Option<PlanChange>> {
    whole_merchant(grant)?;
    let ctx = match grant.ctx().kind() {
        Surface::Merchant => grant.ctx().clone(),
        _ => grant.on_merchant(&state.db, of.merchant).await?.ctx().clone(),
    };
    Ok(plan_change_pending(&*state.db.read(&ctx).await?, of.id).await?)
}
