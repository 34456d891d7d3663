//! One move of an application: load it with its rules, ask the domain, save, and tell what happened.

use super::super::requirements::{self, Rules};
use super::super::{documents, notices};
use super::{name_taken, person};
use crate::app::money::limits;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::Limited;
use qianpu_domain::ids::{ApplicationId, ShopId};
use qianpu_domain::onboarding::{Application, ApplicationDecision, ApplicationEvent, OnboardingError, Step};
use qianpu_domain::subject::ShopSlug;
use qianpu_domain::time::Timestamp;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::{Actor, TenantCtx};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::application::{StoredApplication, application_get, application_save};
use qianpu_tenants::store::directory;
use qianpu_tenants::store::shop::{NewShop, shop_insert};
use qianpu_tenants::store::tenant::{TenantState, tenant_set};
use serde_json::{Value, json};

/// Makes one move. `seen` is the version the caller saw, if they said so; an application that was changed
/// meanwhile is a version conflict.
pub(super) async fn make_move(
    state: &AppState,
    ctx: &TenantCtx,
    id: ApplicationId,
    seen: Option<i64>,
    step: impl FnOnce(&Application, &Rules, Timestamp) -> Result<ApplicationDecision, OnboardingError>,
) -> Answer<()> {
    let rules = requirements::rules(&state.db, ctx).await?;
    let mut tx = state.db.begin(ctx).await?;
    let was = application_get(&tx, &state.keys.sealer, id).await?;
    if seen.is_some_and(|seen| seen != was.version) {
        return Err(StoreError::VersionConflict.into());
    }
    let decision = step(&was.application, &rules, tx.now())?;
    let next = &decision.application;
    let reviewer_name = match (next.reviewer, was.application.reviewer) {
        (None, _) => None,
        (Some(now), Some(before)) if now == before => was.reviewer_name.clone(),
        (Some(_), _) => match ctx.actor() {
            Actor::User { name, .. } => Some(name.clone()),
            _ => None,
        },
    };
    application_save(&mut tx, &state.keys.sealer, &was, next, reviewer_name.as_deref()).await?;
    for event in &decision.events {
        tell(state, &mut tx, &was, next, *event).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn tell(
    state: &AppState,
    tx: &mut TenantTx,
    was: &StoredApplication,
    next: &Application,
    event: ApplicationEvent,
) -> Answer<()> {
    let id = was.id.to_string();
    audit_append(tx, event.audited(), "application", &id, detail(next, event)).await?;
    match event {
        ApplicationEvent::Saved(Step::Subject) => {
            if let Some(subject) = &next.subject {
                tenant_set(tx, Some(&subject.legal_name), Some(subject.kind.as_str()), None).await?;
            }
            return Ok(());
        }
        ApplicationEvent::Saved(_) | ApplicationEvent::DocumentReviewed => return Ok(()),
        ApplicationEvent::Approved => open_shop(tx, was, next).await?,
        ApplicationEvent::Submitted
        | ApplicationEvent::Resubmitted
        | ApplicationEvent::ReviewStarted
        | ApplicationEvent::Returned
        | ApplicationEvent::Rejected
        | ApplicationEvent::AgreementSigned => {}
    }
    outbox_append(tx, event.told(), &id, was.version + 1, json!({"state": next.state.as_str()})).await?;
    notices::application(state, tx, was, next, event).await
}

/// What the timeline shows beside the action; no personal data.
fn detail(next: &Application, event: ApplicationEvent) -> Value {
    match event {
        ApplicationEvent::Saved(step) => json!({"step": step.as_str()}),
        ApplicationEvent::Returned => {
            let reasons: Vec<Value> = next
                .return_reasons
                .iter()
                .map(|reason| json!({"step": reason.step.as_str(), "text": reason.text}))
                .collect();
            json!({"reasons": reasons})
        }
        ApplicationEvent::Rejected => json!({"reason": next.reject_reason}),
        _ => json!({}),
    }
}

/// 开通: the merchant is in business and its shop exists, not yet trading.
async fn open_shop(tx: &mut TenantTx, was: &StoredApplication, next: &Application) -> Answer<()> {
    // Only a person approves; the audit entry above names them.
    person(tx.ctx())?;
    let Some(details) = &next.shop else {
        return Err(ApiError::internal("an approved application without a shop"));
    };
    limits::allow_in(tx, Limited::Shops).await?;
    let id = ShopId(tx.new_id());
    let slug = ShopSlug::suggest(&details.name, id);
    let new = NewShop {
        id,
        application: Some(was.id),
        name: &details.name,
        slug: &slug,
        category: Some(details.category),
    };
    shop_insert(tx, &new).await.map_err(|error| match error {
        StoreError::Conflict(directory::SHOP_NAME) => ApiError::field(name_taken("shop.name")),
        other => other.into(),
    })?;
    tenant_set(tx, None, None, Some(TenantState::Active)).await?;
    documents::daily::ensure_in(tx).await?;
    let shop = json!({"shop": id.to_string(), "name": details.name.as_str()});
    audit_append(tx, AuditAction::ShopOpened, "shop", &id.to_string(), shop.clone()).await?;
    outbox_append(tx, EventType::ShopOpened, &id.to_string(), 1, shop).await?;
    Ok(())
}
