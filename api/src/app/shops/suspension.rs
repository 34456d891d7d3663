//! The provider stops a shop and lets it go on; the daily check of documents does the same in its own name. A
//! suspended shop shows a closed door, links no accounts and publishes nothing new. Orders that exist go on.

use crate::app::{documents, notices};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ShopId;
use qianpu_domain::onboarding::OnboardingError;
use qianpu_domain::shop::{self, ShopCommand, ShopError, ShopState, SuspensionCause};
use qianpu_domain::subject::is_invisible;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::{Actor, TenantCtx};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::shop::{Shop, ShopChange, shop_get, shop_get_by_provider, shop_save};
use qianpu_tenants::store::shop_suspension::{
    Suspension, suspension_insert, suspension_lift, suspension_list, suspension_open,
};
use serde_json::json;

const LONGEST_REASON: usize = 500;

/// A provider's shop with the context in which it can be changed. Another provider's is not found.
async fn of_provider(
    state: &AppState,
    grant: &Grant<perm::ShopSuspend>,
    id: ShopId,
) -> Answer<(TenantCtx, Shop)> {
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let shop = shop_get_by_provider(&tx, id).await?;
    drop(tx);
    Ok((grant.on_merchant(&state.db, shop.tenant).await?.ctx().clone(), shop))
}

/// Stops a trading shop, with a reason that its merchant reads.
pub async fn suspend(
    state: &AppState,
    grant: &Grant<perm::ShopSuspend>,
    id: ShopId,
    reason: &str,
) -> Answer<Shop> {
    let (ctx, _) = of_provider(state, grant, id).await?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(FieldError::required("reason").into());
    }
    if reason.chars().count() > LONGEST_REASON {
        let (en, zh) =
            (format!("at most {LONGEST_REASON} characters"), format!("最多 {LONGEST_REASON} 个字"));
        return Err(FieldError::new("reason", "too_long", en, zh).into());
    }
    if reason.chars().any(is_invisible) {
        let (en, zh) = ("expected no invisible characters", "不能包含不可见字符");
        return Err(FieldError::new("reason", "invisible", en, zh).into());
    }
    let mut tx = state.db.begin(&ctx).await?;
    let was = shop_get(&tx, id).await?;
    suspend_in(state, &mut tx, &was, SuspensionCause::Provider, reason).await?;
    let now = shop_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}

/// Lets a suspended shop trade again. While a document is overdue it cannot: accept a renewed one first, or set a
/// rule for this merchant that does not suspend.
pub async fn resume(state: &AppState, grant: &Grant<perm::ShopSuspend>, id: ShopId) -> Answer<Shop> {
    let (ctx, shop) = of_provider(state, grant, id).await?;
    let overdue = match shop.state {
        ShopState::Suspended => documents::overdue_of(state, &ctx, &shop).await?,
        _ => Vec::new(),
    };
    if !overdue.is_empty() {
        let error = OnboardingError::DocumentsOpen(overdue);
        return Err(ApiError::refused(error.code(), &error));
    }
    let mut tx = state.db.begin(&ctx).await?;
    let was = shop_get(&tx, id).await?;
    resume_in(state, &mut tx, &was).await?;
    let now = shop_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}

/// The suspension in the caller's transaction, with audit, event and mail.
pub(crate) async fn suspend_in(
    state: &AppState,
    tx: &mut TenantTx,
    was: &Shop,
    cause: SuspensionCause,
    reason: &str,
) -> Answer<()> {
    let next = shop::decide(was.state, ShopCommand::Suspend)?;
    shop_save(tx, was, &ShopChange { state: Some(next), ..ShopChange::default() }).await?;
    let by = name_of(tx.ctx());
    suspension_insert(tx, was.id, cause, reason, &by).await?;
    let id = was.id.to_string();
    let detail = json!({"cause": cause.as_str(), "reason": reason});
    audit_append(tx, AuditAction::ShopSuspended, "shop", &id, detail).await?;
    let payload = json!({"state": next.as_str(), "cause": cause.as_str()});
    outbox_append(tx, EventType::ShopSuspended, &id, was.version + 1, payload).await?;
    match cause {
        SuspensionCause::Provider => notices::shop_suspended(state, tx, was, reason).await,
        SuspensionCause::DocumentExpired => {
            notices::shop_suspended_for_documents(state, tx, was, reason).await
        }
    }
}

/// The resumption in the caller's transaction.
pub(crate) async fn resume_in(state: &AppState, tx: &mut TenantTx, was: &Shop) -> Answer<()> {
    let next = shop::decide(was.state, ShopCommand::Resume)?;
    shop_save(tx, was, &ShopChange { state: Some(next), ..ShopChange::default() }).await?;
    let by = name_of(tx.ctx());
    suspension_lift(tx, was.id, &by).await?;
    let id = was.id.to_string();
    audit_append(tx, AuditAction::ShopResumed, "shop", &id, json!({})).await?;
    outbox_append(tx, EventType::ShopResumed, &id, was.version + 1, json!({"state": next.as_str()})).await?;
    notices::shop_resumed(state, tx, was).await
}

/// Who acts, for people to read; empty for a job.
pub(crate) fn name_of(ctx: &TenantCtx) -> String {
    match ctx.actor() {
        actor @ (Actor::User { .. }
        | Actor::ApiKey { .. }
        | Actor::App { .. }
        | Actor::Impersonator { .. }) => actor.audit_parts().2,
        _ => String::new(),
    }
}

/// Where the rows of a shop are read: the merchant's own context, or through its provider.
async fn reading(state: &AppState, grant: &Grant<perm::ShopRead>, shop: &Shop) -> Answer<TenantCtx> {
    match grant.ctx().kind() {
        Surface::Merchant => Ok(grant.ctx().clone()),
        _ => Ok(grant.on_merchant(&state.db, shop.tenant).await?.ctx().clone()),
    }
}

/// Why a shop is suspended now; none when it is not.
pub async fn current(
    state: &AppState,
    grant: &Grant<perm::ShopRead>,
    shop: &Shop,
) -> Answer<Option<Suspension>> {
    if shop.state != ShopState::Suspended {
        return Ok(None);
    }
    let tx = state.db.read(&reading(state, grant, shop).await?).await?;
    Ok(suspension_open(&tx, shop.id).await?)
}

/// Every suspension of a shop, newest first.
pub async fn history(
    state: &AppState,
    grant: &Grant<perm::ShopRead>,
    shop: &Shop,
) -> Answer<Vec<Suspension>> {
    let tx = state.db.read(&reading(state, grant, shop).await?).await?;
    Ok(suspension_list(&tx, shop.id).await?)
}

/// Refuses what only a trading shop may do.
pub(crate) fn needs_trading(shop: &Shop) -> Answer<()> {
    match shop.state {
        ShopState::Trading => Ok(()),
        state => Err(ShopError::WrongState { state }.into()),
    }
}
