//! What a provider asks of applicants: documents, the agreement and protected brand names. Merchants read
//! the same through their provider.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{RequirementId, TenantId};
use qianpu_domain::onboarding::{AgreementVersion, Requirement};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::Db;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::requirement::{
    Agreement, MAX_REQUIREMENTS, StoredRequirement, agreement_current, agreement_insert, brand_authorise,
    brand_delete, brand_insert, brand_list, brand_list_authorised, requirement_delete, requirement_get,
    requirement_insert, requirement_list, requirement_save,
};
use serde_json::json;

/// Everything that holds for an applicant at a moment.
#[derive(Debug, Clone)]
pub struct Rules {
    pub requirements: Vec<Requirement>,
    pub agreement: Agreement,
    pub brands: Vec<String>,
    pub authorised: Vec<String>,
}

/// What the provider of `ctx` asks for, for the merchant of `ctx`.
pub async fn rules(db: &Db, ctx: &TenantCtx) -> Answer<Rules> {
    let tx = db.read_parent(ctx).await?;
    let now = tx.now();
    Ok(Rules {
        requirements: requirement_list(&tx).await?.into_iter().map(|row| row.requirement).collect(),
        agreement: agreement_current(&tx, now).await?,
        brands: brand_list(&tx).await?,
        authorised: brand_list_authorised(&tx, ctx.tenant()).await?,
    })
}

/// The documents asked for, in page order.
pub async fn list(state: &AppState, grant: &Grant<perm::PolicyRead>) -> Answer<Vec<StoredRequirement>> {
    let tx = state.db.read_parent(grant.ctx()).await?;
    Ok(requirement_list(&tx).await?)
}

fn check(requirement: &Requirement) -> Answer<()> {
    let mut errors = Vec::new();
    let code = &requirement.code;
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !(2..=40).contains(&code.len()) || !code.bytes().all(word) {
        let (en, zh) = ("2 to 40 of a-z, 0-9 and _", "2 到 40 个小写字母、数字或下划线");
        errors.push(FieldError::new("code", "invalid", en, zh));
    }
    if requirement.kinds.is_empty() {
        errors.push(FieldError::required("kinds"));
    }
    for (path, name) in [("name_zh", &requirement.name_zh), ("name_en", &requirement.name_en)] {
        if name.trim().is_empty() {
            errors.push(FieldError::required(path));
        } else if name.chars().count() > 60 || name.chars().any(char::is_control) {
            errors.push(FieldError::new(path, "too_long", "at most 60 characters", "最多 60 个字"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// Asks for one more document.
pub async fn add(
    state: &AppState,
    grant: &Grant<perm::PolicyManage>,
    new: &Requirement,
) -> Answer<StoredRequirement> {
    check(new)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let known = requirement_list(&tx).await?;
    if known.len() as u64 >= MAX_REQUIREMENTS {
        return Err(ApiError::refused(
            ErrorCode::Conflict,
            format!("at most {MAX_REQUIREMENTS} requirements"),
        ));
    }
    let position = known.iter().map(|row| row.position).max().unwrap_or(0) + 1;
    let id = requirement_insert(&mut tx, new, position).await.map_err(|error| match error {
        StoreError::Conflict(_) => {
            FieldError::new("code", "taken", "this code exists already", "该编码已存在").into()
        }
        other => ApiError::from(other),
    })?;
    audit_append(
        &mut tx,
        AuditAction::RequirementAdded,
        "requirement",
        &id.to_string(),
        json!({"code": new.code}),
    )
    .await?;
    let stored = requirement_get(&tx, id).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Changes names and subject kinds of a requirement; its code stays.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::PolicyManage>,
    id: RequirementId,
    seen: Option<i64>,
    next: Requirement,
) -> Answer<StoredRequirement> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = requirement_get(&tx, id).await?;
    let next = Requirement { code: was.requirement.code, ..next };
    check(&next)?;
    requirement_save(&mut tx, id, seen.unwrap_or(was.version), &next).await?;
    audit_append(
        &mut tx,
        AuditAction::RequirementChanged,
        "requirement",
        &id.to_string(),
        json!({"code": next.code}),
    )
    .await?;
    let stored = requirement_get(&tx, id).await?;
    tx.commit().await?;
    Ok(stored)
}

/// No longer asks for a document.
pub async fn remove(state: &AppState, grant: &Grant<perm::PolicyManage>, id: RequirementId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    requirement_delete(&mut tx, id).await?;
    audit_append(&mut tx, AuditAction::RequirementRemoved, "requirement", &id.to_string(), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// The agreement in force.
pub async fn agreement(state: &AppState, grant: &Grant<perm::PolicyRead>) -> Answer<Agreement> {
    let tx = state.db.read_parent(grant.ctx()).await?;
    let now = tx.now();
    Ok(agreement_current(&tx, now).await?)
}

/// Publishes a new version of the agreement, in force from now. Applications signed for an older one are
/// asked to sign again.
pub async fn publish_agreement(
    state: &AppState,
    grant: &Grant<perm::PolicyManage>,
    word: &str,
    body_zh: &str,
    body_en: &str,
) -> Answer<AgreementVersion> {
    let mut errors = Vec::new();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if word.is_empty() || word.len() > 40 || !word.bytes().all(plain) {
        let (en, zh) = ("1 to 40 of letters, digits, - and .", "1 到 40 个字母、数字、- 或 .");
        errors.push(FieldError::new("version", "invalid", en, zh));
    }
    for (path, body) in [("body_zh", body_zh), ("body_en", body_en)] {
        if body.trim().is_empty() {
            errors.push(FieldError::required(path));
        } else if body.chars().count() > 50_000 {
            errors.push(FieldError::new(path, "too_long", "at most 50000 characters", "最多 50000 个字"));
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let now: Timestamp = tx.now();
    let version =
        agreement_insert(&mut tx, word, body_zh, body_en, now).await.map_err(|error| match error {
            StoreError::Conflict(_) => {
                FieldError::new("version", "taken", "this version exists already", "该版本号已存在").into()
            }
            other => ApiError::from(other),
        })?;
    let detail = json!({"version": version.version, "sha256": version.sha256});
    audit_append(&mut tx, AuditAction::AgreementPublished, "agreement", &version.version, detail).await?;
    tx.commit().await?;
    Ok(version)
}

/// One document asked for by the provider itself.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::PolicyManage>,
    id: RequirementId,
) -> Answer<StoredRequirement> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(requirement_get(&tx, id).await?)
}

/// The protected brand names.
pub async fn brands<P: Perm>(state: &AppState, grant: &Grant<P>) -> Answer<Vec<String>> {
    let tx = state.db.read_parent(grant.ctx()).await?;
    Ok(brand_list(&tx).await?)
}

/// Protects a brand name, or no longer.
pub async fn protect_brand(
    state: &AppState,
    grant: &Grant<perm::PolicyManage>,
    name: &str,
    protected: bool,
) -> Answer<()> {
    let name = name.trim();
    if name.chars().count() < 2 || name.chars().count() > 60 || name.chars().any(char::is_control) {
        let (en, zh) = ("2 to 60 characters", "2 到 60 个字");
        return Err(FieldError::new("name", "length", en, zh).into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    if protected {
        brand_insert(&mut tx, name).await?;
    } else {
        brand_delete(&mut tx, name).await?;
    }
    let action = if protected { AuditAction::BrandProtected } else { AuditAction::BrandReleased };
    audit_append(&mut tx, action, "brand", name, json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Protected brands that a merchant may not use yet.
pub async fn brands_open_to(
    state: &AppState,
    grant: &Grant<perm::ApplicationReview>,
    merchant: TenantId,
) -> Answer<Vec<String>> {
    let tx = state.db.read(grant.ctx()).await?;
    let granted = brand_list_authorised(&tx, merchant).await?;
    Ok(brand_list(&tx).await?.into_iter().filter(|name| !granted.contains(name)).collect())
}

/// Lets one merchant use a protected brand, after its authorisation was seen.
pub async fn authorise_brand(
    state: &AppState,
    grant: &Grant<perm::ApplicationReview>,
    name: &str,
    merchant: TenantId,
) -> Answer<()> {
    grant.on_merchant(&state.db, merchant).await?;
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let by = grant.ctx().actor().user();
    let mut tx = state.db.begin(grant.ctx()).await?;
    brand_authorise(&mut tx, name.trim(), merchant, by).await?;
    let detail = json!({"merchant": merchant.to_string()});
    audit_append(&mut tx, AuditAction::BrandAuthorised, "brand", name.trim(), detail).await?;
    tx.commit().await?;
    Ok(())
}
