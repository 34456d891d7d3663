//! A person's own log-in: changing the password, setting a new one by a link in a mail, and sessions. The authenticator
//! app is in [`totp`].
//!
//! A password that is changed or set anew ends the other sessions: whoever knew the old one is out.

use super::notices;
use crate::auth::password;
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{RequestId, SessionId, UserId};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::login_challenge::challenge_end_all;
use qianpu_tenants::store::password_reset::{reset_find, reset_insert, reset_token_hash, reset_use};
use qianpu_tenants::store::session::{
    SessionRow, session_list, session_revoke_others, session_revoke_own, session_set_epoch,
};
use qianpu_tenants::store::user::{Home, User, user_find, user_set_password};
use qianpu_tenants::{random, resolve};
use serde_json::json;
use uuid::Uuid;

pub mod email;
pub mod totp;

/// How long the link of a mail works.
pub const RESET_LIFE: Span = Span::hours(1);

/// Writes a mail with a link when the address has a log-in, and says nothing about whether it has.
pub async fn ask_reset(state: &AppState, request: RequestId, email: &str, address: &str) -> Answer<()> {
    let now = state.clock().now();
    let email = email.trim();
    // Counted apart from log-ins, so that nobody is locked out by somebody who asks.
    let asked = format!("reset {email}");
    if let Some(seconds) = state.throttle.wait(&asked, address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    state.throttle.failed(&asked, address, now);
    let Some((ctx, user)) = resolve::by_login_email(&state.db, email, request).await? else { return Ok(()) };
    if !may_log_in(state, &ctx, user).await? {
        return Ok(());
    }
    let mut tx = state.db.begin(&ctx).await?;
    let own = |person: &User| person.email == email.to_lowercase();
    let Some(person) = user_find(&tx, user).await?.filter(own) else { return Ok(()) };
    let token = random::token();
    reset_insert(&mut tx, user, &token, RESET_LIFE).await?;
    let lang = Lang::parse(&person.locale).unwrap_or(state.config.app.language);
    notices::password_link(state, &mut tx, &person, lang, &token).await?;
    Ok(tx.commit().await?)
}

/// Somewhere, be it not at home.
async fn may_log_in(state: &AppState, ctx: &TenantCtx, user: UserId) -> Answer<bool> {
    let home = Home { tenant: ctx.tenant(), user };
    Ok(!resolve::workplaces(&state.db, home, ctx.request_id()).await?.is_empty())
}

async fn link_of(state: &AppState, request: RequestId, token: &str) -> Answer<(TenantCtx, Uuid)> {
    let hash = reset_token_hash(token);
    let found = resolve::by_link(&state.db, directory::PASSWORD_RESET, &hash, request).await?;
    found.ok_or_else(ApiError::not_found)
}

/// Whether a link works. Not found when it was used, replaced by a newer one, or is too old.
pub async fn check_reset(state: &AppState, request: RequestId, token: &str) -> Answer<()> {
    let (ctx, id) = link_of(state, request, token).await?;
    reset_find(&*state.db.read(&ctx).await?, id).await?;
    Ok(())
}

/// Sets a new password with the token of a mail's link. Every session of the person ends.
pub async fn complete_reset(state: &AppState, request: RequestId, token: &str, new: &str) -> Answer<()> {
    let (ctx, id) = link_of(state, request, token).await?;
    check_length("password", new)?;
    // Before the work of hashing: a dead link costs nothing.
    let user = reset_find(&*state.db.read(&ctx).await?, id).await?;
    if !may_log_in(state, &ctx, user).await? {
        return Err(ApiError::not_found());
    }
    let hash = password::hash(new.to_owned()).await?;
    let mut tx = state.db.begin(&ctx).await?;
    let user = reset_use(&mut tx, id).await?;
    user_set_password(&mut tx, user, &hash).await?;
    session_revoke_others(&mut tx, user, None).await?;
    challenge_end_all(&mut tx, user).await?;
    audit_append(&mut tx, AuditAction::PasswordReset, "user", &user.to_string(), json!({})).await?;
    let person = user_find(&tx, user).await?.ok_or_else(ApiError::not_found)?;
    notices::password_changed(state, &mut tx, &person).await?;
    tx.commit().await?;
    state.throttle.succeeded(&person.email);
    Ok(())
}

/// What a person gives to change the password.
#[derive(Debug, Clone, Copy)]
pub struct ChangePassword<'a> {
    pub current: &'a str,
    pub new: &'a str,
    /// Where it comes from, for the brake on guessing.
    pub address: &'a str,
}

/// Changes the caller's password, which is at home, wherever the caller is now. The caller's other sessions
/// end, in every tenant.
pub async fn change_password(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
    change: &ChangePassword<'_>,
) -> Answer<()> {
    let now = state.clock().now();
    if let Some(seconds) = state.throttle.wait(&person.email, change.address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    check_length("new_password", change.new)?;
    let found = resolve::at_home(&state.db, person.home, grant.ctx().request_id()).await?;
    let (home, stored) = found.ok_or_else(ApiError::not_found)?;
    let is_home = person.id == stored.id;
    let given = change.current.chars().take(password::LONGEST).collect();
    if !password::verify(given, Some(stored.password_hash.clone())).await? {
        state.throttle.failed(&person.email, change.address, now);
        let (en, zh) = ("this is not the current password", "当前密码不正确");
        return Err(FieldError::new("current_password", "wrong", en, zh).into());
    }
    let hash = password::hash(change.new.to_owned()).await?;
    let mut tx = state.db.begin(if is_home { grant.ctx() } else { &home }).await?;
    user_set_password(&mut tx, stored.id, &hash).await?;
    session_revoke_others(&mut tx, stored.id, is_home.then_some(person.session)).await?;
    challenge_end_all(&mut tx, stored.id).await?;
    audit_append(&mut tx, AuditAction::PasswordChanged, "user", &stored.id.to_string(), json!({})).await?;
    notices::password_changed(state, &mut tx, &stored).await?;
    let set = user_find(&tx, stored.id).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    if !is_home {
        // The new password has ended every session of a member; the one that asked goes on.
        let mut tx = state.db.begin(grant.ctx()).await?;
        session_set_epoch(&mut tx, person.session, set.credentials_epoch).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn check_length(field: &'static str, new: &str) -> Answer<()> {
    if (password::SHORTEST..=password::LONGEST).contains(&new.chars().count()) {
        return Ok(());
    }
    let (from, to) = (password::SHORTEST, password::LONGEST);
    let (en, zh) = (format!("{from} to {to} characters"), format!("{from} 至 {to} 个字符"));
    Err(FieldError::new(field, "length", en, zh).into())
}

/// The caller's sessions, newest first.
pub async fn sessions(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
) -> Answer<Vec<SessionRow>> {
    Ok(session_list(&*state.db.read(grant.ctx()).await?, person.id).await?)
}

/// Ends one of the caller's sessions.
pub async fn end_session(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
    id: SessionId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    session_revoke_own(&mut tx, person.id, id).await?;
    let detail = json!({ "user": person.id.to_string() });
    audit_append(&mut tx, AuditAction::SessionEnd, "session", &id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}

/// Ends all of the caller's sessions but the one that asks; how many.
pub async fn end_others(state: &AppState, person: &Person, grant: &Grant<perm::SelfManage>) -> Answer<u64> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let ended = session_revoke_others(&mut tx, person.id, Some(person.session)).await?;
    let detail = json!({ "ended": ended });
    audit_append(&mut tx, AuditAction::SessionOthersEnded, "user", &person.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(ended)
}
