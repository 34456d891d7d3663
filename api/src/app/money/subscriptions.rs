//! Subscriptions: a provider puts a merchant on a plan; the merchant sees it. The terms are pinned by copy,
//! so what a merchant pays is explained by its own rows alone.

use super::invoices::{IssueTerms, gather_in, issue_in, without_fee_in};
use super::{daily, usage, whole_merchant};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{LineAmounts, date_in, date_text};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{PlanId, SubscriptionId, TenantId};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::invoice::{Invoice, InvoiceChange, invoice_gathering, invoice_move};
use qianpu_tenants::store::plan::{Plan, plan_get};
use qianpu_tenants::store::plan_change::{plan_change_decide, plan_change_pending};
use qianpu_tenants::store::plan_limit::limit_gate;
use qianpu_tenants::store::subscription::{
    NewSubscription, Subscription, subscription_active, subscription_end, subscription_get,
    subscription_get_by_provider, subscription_insert, subscription_list, subscription_list_by_provider,
};
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

/// Subscriptions, newest first: a merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    page: PageRequest,
) -> Answer<Page<Subscription>> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        let tx = state.db.read(grant.ctx()).await?;
        return Ok(subscription_list(&tx, page).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(subscription_list_by_provider(&tx, page).await?)
}

/// One subscription.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    id: SubscriptionId,
) -> Answer<Subscription> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        return Ok(subscription_get(&*state.db.read(grant.ctx()).await?, id).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(subscription_get_by_provider(&tx, id).await?)
}

/// The merchant's running subscription.
pub async fn active(state: &AppState, grant: &Grant<perm::BillingRead>) -> Answer<Option<Subscription>> {
    whole_merchant(grant)?;
    Ok(subscription_active(&*state.db.read(grant.ctx()).await?).await?)
}

/// A merchant and a plan of one provider, looked up before the subscription begins.
pub struct Offer {
    /// The provider's proof, on the merchant.
    pub grant: Grant<perm::PlanManage>,
    plan: Plan,
}

/// Looks both up: neither another provider's merchant nor another provider's plan is found.
pub async fn offer(
    state: &AppState,
    grant: &Grant<perm::PlanManage>,
    merchant: TenantId,
    plan: PlanId,
) -> Answer<Offer> {
    let on_merchant = grant.on_merchant(&state.db, merchant).await?;
    let tx = state.db.read(grant.ctx()).await?;
    Ok(Offer { grant: on_merchant, plan: plan_get(&tx, plan).await? })
}

/// Begins a subscription today, in the merchant's zone, with the newest version of the plan. Its first
/// invoice gathers at once and is issued by a job, since a month is paid in advance.
pub async fn subscribe_in(tx: &mut TenantTx, offer: &Offer) -> Answer<Subscription> {
    let Plan { id, name_zh, name_en, version, .. } = &offer.plan;
    let zone = tenant_get(tx).await?.zone;
    let anchor = date_text(date_in(tx.now(), &zone)?);
    let new = NewSubscription {
        plan: *id,
        plan_version: version.id,
        plan_name_zh: name_zh,
        plan_name_en: name_en,
        terms: &version.terms,
        anchor_date: &anchor,
        anchor_months: 0,
        predecessor: None,
        zone: &zone,
    };
    let made = subscription_insert(tx, &new).await.map_err(|error| match error {
        StoreError::Conflict("subscription") => {
            ApiError::new(ErrorCode::Conflict).with_text("money.subscribed_already", Vec::new())
        }
        other => other.into(),
    })?;
    let subscription = subscription_get(tx, made).await?;
    gather_in(tx, &subscription, 0).await?;
    daily::ensure_in(tx).await?;
    let public = made.to_string();
    let detail = json!({"plan": id.to_string(), "version": version.number});
    audit_append(tx, AuditAction::SubscriptionStarted, "subscription", &public, detail).await?;
    outbox_append(tx, EventType::SubscriptionStarted, &public, 1, json!({"plan_id": id.to_string()})).await?;
    Ok(subscription)
}

/// Where a subscription of a merchant is found by its provider.
pub async fn on_merchant<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: SubscriptionId,
) -> Answer<Grant<P>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let merchant = subscription_get_by_provider(&tx, id).await?.merchant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

/// Ends a subscription now. What was invoiced stays. The invoice that gathers for the next period bills what was used so
/// far, without the period's fee; it is void where nothing was.
pub async fn end_in(
    state: &AppState,
    tx: &mut TenantTx,
    terms: &IssueTerms,
    id: SubscriptionId,
) -> Answer<Subscription> {
    limit_gate(tx).await?;
    let was = subscription_get(tx, id).await?;
    if !was.active {
        return Ok(was);
    }
    if let Some(change) = plan_change_pending(tx, id).await? {
        plan_change_decide(tx, change.id, None).await?;
    }
    subscription_end(tx, id).await?;
    if let Some(next) = invoice_gathering(tx, id).await? {
        close_in(state, tx, terms, &was, &next).await?;
    }
    audit_append(tx, AuditAction::SubscriptionEnded, "subscription", &id.to_string(), json!({})).await?;
    outbox_append(tx, EventType::SubscriptionEnded, &id.to_string(), 2, json!({})).await?;
    Ok(subscription_get(tx, id).await?)
}

/// Closes the invoice that gathers, or is a draft, when its period does not come.
pub(super) async fn close_in(
    state: &AppState,
    tx: &mut TenantTx,
    terms: &IssueTerms,
    of: &Subscription,
    next: &Invoice,
) -> Answer<Option<Invoice>> {
    let nothing = LineAmounts::default();
    if usage::preview(tx, of, nothing, &next.period_start).await?.is_empty() {
        let void = next.state.void()?;
        invoice_move(tx, next.id, next.state, void, &InvoiceChange::default()).await?;
        return Ok(None);
    }
    without_fee_in(tx, next, next.state).await?;
    Ok(Some(issue_in(state, tx, terms, next.id).await?))
}
