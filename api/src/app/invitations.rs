//! Invitations: a provider writes to somebody, the link opens the application page with the e-mail filled
//! in. Only a hash of the link's token is stored.

use super::notices;
use super::setup::email_is_plausible;
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{InvitationId, RequestId};
use qianpu_domain::time::Span;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::random;
use qianpu_tenants::resolve;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::invitation::{
    Invitation, invitation_get, invitation_insert, invitation_list, invitation_revoke, invitation_token_hash,
};
use qianpu_tenants::store::tenant::{TenantState, tenant_get};
use serde_json::json;

/// How long an invitation's link works.
pub const LIFE: Span = Span::days(14);

/// What the provider writes.
#[derive(Debug, Clone)]
pub struct Invite {
    pub email: String,
    /// To greet with; may be empty.
    pub merchant_name: String,
    pub lang: Lang,
}

/// Invites somebody by mail.
pub async fn invite(
    state: &AppState,
    grant: &Grant<perm::MerchantInvite>,
    command: &Invite,
) -> Answer<Invitation> {
    let mut errors = Vec::new();
    if !email_is_plausible(&command.email) {
        let (en, zh) = ("expected an e-mail address", "请填写正确的邮箱地址");
        errors.push(FieldError::new("email", "invalid", en, zh));
    }
    let name = command.merchant_name.trim();
    if name.chars().count() > 60 || name.chars().any(char::is_control) {
        errors.push(FieldError::new("merchant_name", "too_long", "at most 60 characters", "最多 60 个字"));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let token = random::token();
    let mut tx = state.db.begin(grant.ctx()).await?;
    let by = grant.ctx().actor().user();
    let email = command.email.trim().to_lowercase();
    let email = email.as_str();
    let id = invitation_insert(&mut tx, email, name, command.lang.code(), &token, by, LIFE).await?;
    let provider = tenant_get(&tx).await?;
    notices::invitation(state, &mut tx, &provider.name, email, name, command.lang, &token).await?;
    audit_append(&mut tx, AuditAction::InvitationSent, "invitation", &id.to_string(), json!({})).await?;
    outbox_append(&mut tx, EventType::InvitationSent, &id.to_string(), 1, json!({})).await?;
    let sent = invitation_get(&tx, id).await?;
    tx.commit().await?;
    Ok(sent)
}

/// The provider's invitations, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::MerchantInvite>,
    page: PageRequest,
) -> Answer<Page<Invitation>> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(invitation_list(&tx, page).await?)
}

/// The slug of the caller's own application page, if it has one.
pub async fn own_slug(state: &AppState, grant: &Grant<perm::MerchantInvite>) -> Answer<Option<String>> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(directory::key_value(&tx, directory::PROVIDER_SLUG).await?)
}

/// Takes an invitation back; its link is dead at once.
pub async fn revoke(state: &AppState, grant: &Grant<perm::MerchantInvite>, id: InvitationId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    invitation_revoke(&mut tx, id).await.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::Conflict),
        other => other.into(),
    })?;
    audit_append(&mut tx, AuditAction::InvitationRevoked, "invitation", &id.to_string(), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Where an application page belongs to.
#[derive(Debug, Clone)]
pub struct Door {
    pub provider: TenantCtx,
    pub provider_name: String,
    /// When an invitation opened it.
    pub invitation: Option<Invitation>,
}

/// By the provider's public slug. A provider that is not in business has no door.
pub async fn door_by_slug(state: &AppState, slug: &str, request: RequestId) -> Answer<Door> {
    let ctx = resolve::by_provider_slug(&state.db, slug, request).await?;
    door(state, ctx.ok_or_else(ApiError::not_found)?, None).await
}

/// By the token of an open invitation; spent, revoked and expired ones are not found.
pub async fn door_by_invitation(state: &AppState, token: &str, request: RequestId) -> Answer<Door> {
    let hash = invitation_token_hash(token);
    let found = resolve::by_link(&state.db, directory::INVITATION, &hash, request).await?;
    let (ctx, id) = found.ok_or_else(ApiError::not_found)?;
    door(state, ctx, Some(InvitationId(id))).await
}

async fn door(state: &AppState, provider: TenantCtx, invitation: Option<InvitationId>) -> Answer<Door> {
    let tx = state.db.read(&provider).await?;
    let row = tenant_get(&tx).await?;
    let invitation = match invitation {
        None => None,
        Some(id) => Some(invitation_get(&tx, id).await?),
    };
    let dead = invitation.as_ref().is_some_and(|invitation| invitation.state != "open");
    if row.state != TenantState::Active || dead {
        return Err(ApiError::not_found());
    }
    drop(tx);
    Ok(Door { provider, provider_name: row.name, invitation })
}
