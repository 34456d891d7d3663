//! Acting in somebody else's tenant: a provider's people in one of its merchants, the operator's in a provider. It needs
//! a reason, ends by itself, is told to the tenant's owners and seen by them, and never reaches money, passwords, keys,
//! staff or exports (`Permission::never_impersonated`). At each request it is asked anew whether the person may still do
//! it and still belongs above the tenant (`tenants::resolve`).

use crate::app::notices;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ImpersonationId, TenantId};
use qianpu_domain::tenancy::{self, TenantState};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, Principal, perm};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::random;
use qianpu_tenants::store::impersonation::{
    Impersonation, NewImpersonation, impersonation_end, impersonation_get, impersonation_insert,
    impersonation_list,
};
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

/// Begins what a program shows as its bearer token.
pub const TOKEN_PREFIX: &str = "imp_";

/// What somebody gives who wants to act for a tenant.
#[derive(Debug, Clone)]
pub struct StartImpersonation {
    pub tenant: TenantId,
    pub reason: String,
    /// None for as long as may be.
    pub minutes: Option<i64>,
}

/// An impersonation that has begun, with what a browser or program shows.
#[derive(Debug, Clone)]
pub struct Started {
    pub impersonation: Impersonation,
    /// `<tenant hex>.<token>`.
    pub secret: String,
    /// The console it opens.
    pub surface: Surface,
    /// Whose.
    pub tenant: TenantId,
}

/// Begins to act in a tenant below the caller's own. Another provider's merchant is not found.
pub async fn start(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::Impersonate>,
    command: &StartImpersonation,
) -> Answer<Started> {
    let person = caller.person()?;
    let on = match grant.ctx().kind() {
        Surface::Provider => grant.on_merchant(&state.db, command.tenant).await?,
        Surface::Operator => grant.on_provider(&state.db, command.tenant).await?,
        Surface::Merchant => return Err(ApiError::not_found()),
    };
    let reason = tenancy::reason(&command.reason)?;
    let most = state.config.login.impersonation_minutes;
    let minutes = command.minutes.unwrap_or(most);
    if !(1..=most).contains(&minutes) {
        let (en, zh) = (format!("1 to {most} minutes"), format!("1 至 {most} 分钟"));
        return Err(FieldError::new("minutes", "out_of_range", en, zh).into());
    }
    let token = random::token();
    let new = NewImpersonation {
        actor_tenant: caller.tenant(),
        actor: person.id,
        actor_name: &person.name,
        actor_tenant_name: caller.tenant_name(),
        reason,
        token: &token,
        life: Span::minutes(minutes),
    };
    let mut tx = state.db.begin(on.ctx()).await?;
    let row = tenant_get(&tx).await?;
    if row.state == TenantState::Closed {
        return Err(ApiError::new(ErrorCode::TenantWrongState));
    }
    let id = impersonation_insert(&mut tx, &new).await?;
    let by = grant.ctx().kind().as_str();
    let detail = json!({"reason": reason, "minutes": minutes, "from": caller.tenant_name(), "by": by});
    audit_append(&mut tx, AuditAction::ImpersonationStarted, "impersonation", &id.to_string(), detail)
        .await?;
    let impersonation = impersonation_get(&tx, id).await?;
    notices::impersonation_started(state, &mut tx, &row.name, &impersonation).await?;
    tx.commit().await?;
    // The own log says it too: one transaction is one tenant's.
    let mut tx = state.db.begin(grant.ctx()).await?;
    let detail = json!({"reason": reason, "minutes": minutes, "tenant": row.name});
    let target = command.tenant.to_string();
    audit_append(&mut tx, AuditAction::ImpersonationStarted, "tenant", &target, detail).await?;
    tx.commit().await?;
    let secret = format!("{}.{token}", on.ctx().tenant().0.as_simple());
    Ok(Started { impersonation, secret, surface: on.ctx().kind(), tenant: on.ctx().tenant() })
}

/// Who acted and acts in the own tenant, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ImpersonationManage>,
    page: PageRequest,
) -> Answer<Page<Impersonation>> {
    Ok(impersonation_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// The tenant's owner ends one that goes on; it acts at once.
pub async fn end(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ImpersonationManage>,
    id: ImpersonationId,
) -> Answer<Impersonation> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    impersonation_get(&tx, id).await?;
    over(impersonation_end(&mut tx, id, caller.name()).await)?;
    audit_append(&mut tx, AuditAction::ImpersonationEnded, "impersonation", &id.to_string(), json!({}))
        .await?;
    let ended = impersonation_get(&tx, id).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Whoever acts ends it.
pub async fn end_own(state: &AppState, caller: &Caller, grant: &Grant<perm::SelfRead>) -> Answer<()> {
    let Principal::Impersonator(acting) = caller.principal() else { return Err(ApiError::not_found()) };
    let mut tx = state.db.begin(grant.ctx()).await?;
    over(impersonation_end(&mut tx, acting.impersonation, &acting.name).await)?;
    let id = acting.impersonation.to_string();
    audit_append(&mut tx, AuditAction::ImpersonationEnded, "impersonation", &id, json!({})).await?;
    Ok(tx.commit().await?)
}

fn over(done: Result<(), StoreError>) -> Answer<()> {
    done.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::Conflict),
        other => other.into(),
    })
}
