//! The moment at which one plan takes the place of another: the old subscription ends, what is unearned of it is credited,
//! its use is billed, and a subscription to the new plan begins with its first invoice, all in one transaction.

use super::credit_notes::{CreditDetail, credit_in};
use super::invoices::{IssueTerms, gather_in, issue_in, period_of};
use super::subscriptions::close_in;
use super::{daily, notices};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{InvoiceState, Schedule, date_text, parse_date};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::invoice::{
    Invoice, InvoiceChange, invoice_gathering, invoice_get, invoice_move, invoice_running,
};
use qianpu_tenants::store::plan_change::{PlanChange, plan_change_decide};
use qianpu_tenants::store::subscription::{
    NewSubscription, Subscription, subscription_end, subscription_get, subscription_insert,
};
use serde_json::json;

/// What a change of plan brought.
#[derive(Debug, Clone)]
pub(super) struct Switched {
    pub credits: Vec<CreditDetail>,
    /// What was used of the plan before, where anything was.
    pub closing: Option<Invoice>,
    /// The first invoice of the new plan.
    pub first: Invoice,
}

/// Another one was faster, or the subscription is over.
pub(super) fn over() -> ApiError {
    ApiError::new(ErrorCode::Conflict).with_text("money.plan_change_over", Vec::new())
}

/// The period begins that a change waits for; before that its invoice cannot be issued.
pub(super) async fn when_due(
    state: &AppState,
    tx: &mut TenantTx,
    terms: &IssueTerms,
    next: &Invoice,
    change: &PlanChange,
) -> Answer<Invoice> {
    if period_of(next)?.begins_at(&next.zone)? > tx.now() {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.plan_change_waits", Vec::new()));
    }
    let of = subscription_get(tx, change.subscription).await?;
    let schedule = of.schedule()?.from_period(of.next_period_index, change.target.terms.interval)?;
    Ok(Box::pin(switch_in(state, tx, terms, &of, change, schedule)).await?.first)
}

/// Makes a change that waits, with periods of the new plan by `schedule`.
pub(super) async fn switch_in(
    state: &AppState,
    tx: &mut TenantTx,
    terms: &IssueTerms,
    of: &Subscription,
    change: &PlanChange,
    schedule: Schedule,
) -> Answer<Switched> {
    let day = parse_date(&change.effective_on)?;
    let mut next = invoice_gathering(tx, of.id).await?.ok_or_else(over)?;
    // Whoever issues it at this moment has it, or has lost it.
    let draft = next.state.close()?;
    let lost = |error: StoreError| match error {
        StoreError::VersionConflict | StoreError::NotFound => over(),
        other => other.into(),
    };
    invoice_move(tx, next.id, next.state, draft, &InvoiceChange::default()).await.map_err(lost)?;
    next.state = draft;
    subscription_end(tx, of.id).await.map_err(lost)?;
    let mut credits = Vec::new();
    for invoice in invoice_running(tx, of.id, &change.effective_on).await? {
        credits.extend(credit_in(tx, &invoice, change.id, day).await?);
    }
    let closing = Box::pin(close_in(state, tx, terms, of, &next)).await?;
    let anchor = date_text(schedule.anchor);
    let target = &change.target;
    let new = NewSubscription {
        plan: target.plan,
        plan_version: target.version,
        plan_name_zh: &target.name_zh,
        plan_name_en: &target.name_en,
        terms: &target.terms,
        anchor_date: &anchor,
        anchor_months: schedule.first,
        predecessor: Some(of.id),
        zone: &of.zone,
    };
    let began = subscription_insert(tx, &new).await?;
    plan_change_decide(tx, change.id, Some(began)).await.map_err(lost)?;
    let subscription = subscription_get(tx, began).await?;
    let first = gather_in(tx, &subscription, 0).await?;
    daily::ensure_in(tx).await?;
    let (public, ended) = (change.id.to_string(), of.id.to_string());
    let detail = json!({"from": ended, "to": began.to_string(), "timing": change.timing.as_str(), "rule": change.rule});
    audit_append(tx, AuditAction::PlanChangeMade, "plan_change", &public, detail).await?;
    outbox_append(tx, EventType::PlanChangeMade, &public, 2, json!({"subscription_id": began.to_string()}))
        .await?;
    outbox_append(tx, EventType::SubscriptionEnded, &ended, 2, json!({})).await?;
    let said = json!({"plan_id": target.plan.to_string()});
    outbox_append(tx, EventType::SubscriptionStarted, &began.to_string(), 1, said).await?;
    notices::plan_change(state, tx, &terms.seller, "money.mail_plan_changed.", change, &points(&credits))
        .await?;
    Box::pin(issue_in(state, tx, terms, first)).await?;
    Ok(Switched { credits, closing, first: invoice_get(tx, first).await? })
}

fn points(credits: &[CreditDetail]) -> Vec<(String, String)> {
    let line = |detail: &CreditDetail| {
        let (number, total) = (&detail.note.number, detail.note.amounts.total);
        (format!("冲减单 {number}：退回 ¥{total}"), format!("Credit note {number}: ¥{total} back"))
    };
    credits.iter().map(line).collect()
}

/// Issues what is due by today, as its job does: a change is made of what was really charged.
pub(super) async fn catch_up_in(
    state: &AppState,
    tx: &mut TenantTx,
    terms: &IssueTerms,
    of: &Subscription,
    today: &str,
) -> Answer<()> {
    while let Some(next) = invoice_gathering(tx, of.id).await? {
        // Dates in this form are in order as texts.
        if next.period_start.as_str() > today || next.state != InvoiceState::Gathering {
            return Ok(());
        }
        Box::pin(issue_in(state, tx, terms, next.id)).await?;
    }
    Ok(())
}
