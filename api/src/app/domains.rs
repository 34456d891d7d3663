//! Domains of their own: a provider's console and application page, and a merchant's shop. A host is claimed, proven
//! (`proof`), and then leads to its tenant; once a day it is looked at again, and dropped after some days without proof.

mod dns;
pub mod proof;

use crate::app::notices;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::host::{self, DomainState, ProofMethod};
use qianpu_domain::ids::{DomainId, ShopId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::random;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::domain::{
    Domain, domain_count, domain_delete, domain_drop, domain_get, domain_insert, domain_list, domain_missing,
    domain_proven,
};
use qianpu_tenants::store::shop::shop_get;
use serde_json::json;

pub const CHECK_JOB: &str = "domains.check";
/// Most domains of a tenant.
pub const MOST: u64 = 20;

type Manages = Grant<perm::DomainManage>;

/// A host as a tenant writes it, in ASCII and small letters.
fn ascii(text: &str) -> Result<String, FieldError> {
    let text = text.trim().trim_end_matches('.');
    match url::Host::parse(text) {
        Ok(url::Host::Domain(name)) => Ok(name),
        _ => {
            let (en, zh) =
                ("expected a domain such as shop.example.com", "请填写域名，例如 shop.example.com");
            Err(FieldError::new("host", "invalid", en, zh))
        }
    }
}

/// Claims a host for the caller's shop, or for the provider's own pages.
pub async fn claim(state: &AppState, grant: &Manages, text: &str, shop: Option<ShopId>) -> Answer<Domain> {
    let name = ascii(text)?;
    host::claimable(&name, &state.own_host(), state.config.is_development())?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    match (grant.ctx().kind(), shop) {
        (Surface::Provider, None) => {}
        (Surface::Merchant, Some(shop)) => own_shop(&tx, shop).await?,
        _ => {
            let (en, zh) = ("choose the shop it leads to", "请选择域名对应的店铺");
            return Err(FieldError::new("shop_id", "required", en, zh).into());
        }
    }
    if domain_count(&tx).await? >= MOST {
        let (en, zh) = (format!("at most {MOST} domains"), format!("最多 {MOST} 个域名"));
        return Err(FieldError::new("host", "too_many", en, zh).into());
    }
    let id = domain_insert(&mut tx, &name, shop, &random::token()).await.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::field(FieldError::new(
            "host",
            "claimed",
            "it stands in the list already",
            "该域名已在列表中",
        )),
        other => other.into(),
    })?;
    note(&mut tx, AuditAction::DomainClaimed, id, &name).await?;
    let domain = domain_get(&tx, id).await?;
    tx.commit().await?;
    Ok(domain)
}

async fn own_shop(tx: &TenantTx, shop: ShopId) -> Answer<()> {
    match shop_get(tx, shop).await {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound) => {
            let (en, zh) = ("choose one of your shops", "请选择自己的店铺");
            Err(FieldError::new("shop_id", "unknown", en, zh).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn note(tx: &mut TenantTx, action: AuditAction, id: DomainId, host: &str) -> Answer<()> {
    Ok(audit_append(tx, action, "domain", &id.to_string(), json!({"host": host})).await?)
}

/// The tenant's domains, newest first.
pub async fn list(state: &AppState, grant: &Manages, page: PageRequest) -> Answer<Page<Domain>> {
    Ok(domain_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// One domain.
pub async fn get(state: &AppState, grant: &Manages, id: DomainId) -> Answer<Domain> {
    Ok(domain_get(&*state.db.read(grant.ctx()).await?, id).await?)
}

/// Looks for the proof now. The host leads to the tenant when it is there and leads to nobody else.
pub async fn verify(state: &AppState, grant: &Manages, id: DomainId) -> Answer<Domain> {
    let ctx = grant.ctx();
    let was = domain_get(&*state.db.read(ctx).await?, id).await?;
    let found = proof::look(state, &was.host, &was.token).await;
    let mut tx = state.db.begin(ctx).await?;
    let was = domain_get(&tx, id).await?;
    match found {
        Ok(method) => prove(&mut tx, &was, method).await?,
        Err(error) => domain_missing(&mut tx, &was, error).await?,
    }
    let now = domain_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}

async fn prove(tx: &mut TenantTx, was: &Domain, method: ProofMethod) -> Answer<()> {
    domain_proven(tx, was, method).await.map_err(|error| match error {
        StoreError::Conflict(directory::HOST) => ApiError::new(ErrorCode::DomainTaken),
        other => other.into(),
    })?;
    if !was.state.is_in_use() {
        note(tx, AuditAction::DomainVerified, was.id, &was.host).await?;
    }
    ensure_in(tx).await
}

/// Gives a domain up; nothing leads to it any more.
pub async fn remove(state: &AppState, grant: &Manages, id: DomainId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = domain_get(&tx, id).await?;
    domain_delete(&mut tx, &was).await?;
    note(&mut tx, AuditAction::DomainRemoved, id, &was.host).await?;
    Ok(tx.commit().await?)
}

fn job(at: Timestamp) -> NewJob {
    NewJob {
        kind: CHECK_JOB,
        dedup_key: Some("daily".to_owned()),
        payload: json!({}),
        run_at: Some(at),
        priority: 9,
    }
}

async fn ensure_in(tx: &mut TenantTx) -> Answer<()> {
    let at = tx.now().plus(Span::days(1));
    job_enqueue(tx, job(at)).await?;
    Ok(())
}

/// The daily look at the domains in use. It makes its own successor first, so that a failure never ends the chain.
pub async fn run_check(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    let ctx = &claimed.ctx;
    let mut tx = state.db.begin(ctx).await?;
    let domains = domain_list(&tx, PageRequest::first(MOST)).await?.items;
    let in_use: Vec<Domain> = domains.into_iter().filter(|domain| domain.state.is_in_use()).collect();
    if in_use.is_empty() {
        return Ok(Done::Nothing);
    }
    ensure_in(&mut tx).await?;
    tx.commit().await?;
    for domain in in_use {
        check(state, ctx, &domain).await?;
    }
    Ok(Done::Nothing)
}

async fn check(state: &AppState, ctx: &TenantCtx, domain: &Domain) -> Answer<()> {
    let found = proof::look(state, &domain.host, &domain.token).await;
    let mut tx = state.db.begin(ctx).await?;
    let was = match domain_get(&tx, domain.id).await {
        // Given up meanwhile.
        Err(StoreError::NotFound) => return Ok(()),
        found => found?,
    };
    match found {
        Ok(method) => domain_proven(&mut tx, &was, method).await?,
        // That nobody can be asked says nothing about the domain.
        Err(proof::NO_DNS) => return Ok(()),
        Err(error) if host::is_overdue(was.failing_at, tx.now()) => {
            domain_drop(&mut tx, &was, error).await?;
            note(&mut tx, AuditAction::DomainDropped, was.id, &was.host).await?;
            notices::domain_dropped(state, &mut tx, &was.host).await?;
        }
        Err(error) => {
            domain_missing(&mut tx, &was, error).await?;
            if was.state == DomainState::Verified {
                notices::domain_failing(state, &mut tx, &was.host).await?;
            }
        }
    }
    Ok(tx.commit().await?)
}
