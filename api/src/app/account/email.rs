//! Another log-in e-mail. The new address confirms by a link within an hour; the old one is told at once, with a link
//! that stops the change, or undoes it for seven days. Nothing says whether an address has a log-in already: whoever
//! has one is told by mail.

use super::totp::at_home;
use crate::app::auth::second_step::{Proof, prove_again};
use crate::app::notices;
use crate::app::setup::email_is_plausible;
use crate::error::{Answer, ApiError};
use crate::jobs::{JobError, JobResult, finish};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::RequestId;
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::directory;
use qianpu_tenants::store::email_change::{
    EmailChange, NewEmailChange, email_change_complete, email_change_insert, email_change_open,
    email_change_undo, email_change_undoable, email_release, email_token_hash,
};
use qianpu_tenants::store::login_challenge::challenge_end_all;
use qianpu_tenants::store::password_reset::reset_insert;
use qianpu_tenants::store::session::session_revoke_others;
use qianpu_tenants::store::user::{user_end_memberships_sessions, user_find};
use qianpu_tenants::{random, resolve};
use serde_json::{Value, json};
use uuid::Uuid;

/// Gives old addresses free that can no longer be gone back to.
pub const RELEASE_JOB: &str = "email.release";
/// How long the link to the new address works.
pub const LIFE: Span = Span::hours(1);
/// How long the link to the old address works.
pub const UNDO_LIFE: Span = Span::days(7);

/// An address as an audit entry may show it.
fn masked(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}

/// Asks for another log-in e-mail, with password and code.
pub async fn ask_change(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
    new: &str,
    proof: &Proof<'_>,
) -> Answer<()> {
    let (person, grant) = &at_home(state, person, grant).await?;
    let new = new.trim().to_lowercase();
    if !email_is_plausible(&new) {
        let (en, zh) = ("expected an e-mail address", "请填写正确的邮箱地址");
        return Err(FieldError::new("new_email", "invalid", en, zh).into());
    }
    if new == person.email {
        let (en, zh) = ("this is your log-in e-mail already", "这已经是您的登录邮箱");
        return Err(FieldError::new("new_email", "same", en, zh).into());
    }
    let now = state.clock().now();
    // Each asking sends mail to an address that somebody typed.
    let asked = format!("email {}", person.id);
    if let Some(seconds) = state.throttle.wait(&asked, proof.address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let (mut tx, stored) = prove_again(state, person, grant, proof).await?;
    state.throttle.failed(&asked, proof.address, now);
    let taken = resolve::by_login_email(&state.db, &new, grant.ctx().request_id()).await?;
    let taken = taken.filter(|(at, user)| (at.tenant(), *user) != (grant.ctx().tenant(), person.id));
    let (token, undo_token) = (random::token(), random::token());
    let change = NewEmailChange {
        user: person.id,
        session: person.session,
        old: &stored.email,
        new: &new,
        token: &token,
        undo_token: &undo_token,
        life: LIFE,
        undo_life: UNDO_LIFE,
    };
    let id = email_change_insert(&mut tx, &change).await?;
    let later = tx.now().plus(UNDO_LIFE);
    let release = NewJob {
        kind: RELEASE_JOB,
        dedup_key: None,
        payload: json!({ "change": id }),
        run_at: Some(later),
        priority: 5,
    };
    job_enqueue(&mut tx, release).await?;
    // A taken address gets no link: it is told that it has a log-in, and the change comes to nothing.
    let token = if taken.is_some() { None } else { Some(token.as_str()) };
    notices::email_to_confirm(state, &mut tx, &stored, &new, token).await?;
    notices::email_asked(state, &mut tx, &stored, &new, &undo_token).await?;
    let detail = json!({ "before": { "email": masked(&stored.email) }, "after": { "email": masked(&new) } });
    audit_append(&mut tx, AuditAction::EmailChangeAsked, "user", &person.id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}

async fn link_of(
    state: &AppState,
    request: RequestId,
    kind: &'static str,
    token: &str,
) -> Answer<(TenantCtx, Uuid)> {
    let found = resolve::by_link(&state.db, kind, &email_token_hash(token), request).await?;
    found.ok_or_else(ApiError::not_found)
}

/// What a link of the new address would do. Not found when it does not work.
pub async fn check_change(state: &AppState, request: RequestId, token: &str) -> Answer<EmailChange> {
    let (ctx, id) = link_of(state, request, directory::EMAIL_CHANGE, token).await?;
    Ok(email_change_open(&*state.db.read(&ctx).await?, id).await?)
}

/// Completes the change with the link of the new address. The person's other sessions end.
pub async fn complete_change(state: &AppState, request: RequestId, token: &str) -> Answer<()> {
    let (ctx, id) = link_of(state, request, directory::EMAIL_CHANGE, token).await?;
    let mut tx = state.db.begin(&ctx).await?;
    let change = email_change_open(&tx, id).await?;
    match email_change_complete(&mut tx, &change).await {
        // Somebody else got the address meanwhile: as dead as any other link.
        Err(StoreError::Conflict(_)) => return Err(ApiError::not_found()),
        done => done?,
    }
    session_revoke_others(&mut tx, change.user, Some(change.session)).await?;
    user_end_memberships_sessions(&mut tx, change.user).await?;
    challenge_end_all(&mut tx, change.user).await?;
    let detail =
        json!({ "before": { "email": masked(&change.old) }, "after": { "email": masked(&change.new) } });
    audit_append(&mut tx, AuditAction::EmailChanged, "user", &change.user.to_string(), detail).await?;
    let person = user_find(&tx, change.user).await?.ok_or_else(ApiError::not_found)?;
    notices::email_changed(state, &mut tx, &person, &change.old).await?;
    Ok(tx.commit().await?)
}

/// What a link of the old address would do. Not found when it does not work.
pub async fn check_undo(state: &AppState, request: RequestId, token: &str) -> Answer<EmailChange> {
    let (ctx, id) = link_of(state, request, directory::EMAIL_UNDO, token).await?;
    Ok(email_change_undoable(&*state.db.read(&ctx).await?, id).await?)
}

/// Stops the change, or sets it back, with the link of the old address. Whoever asked for it knows the password: every
/// session ends, and a mail with a link for a new password goes to the old address.
pub async fn undo_change(state: &AppState, request: RequestId, token: &str) -> Answer<()> {
    let (ctx, id) = link_of(state, request, directory::EMAIL_UNDO, token).await?;
    let mut tx = state.db.begin(&ctx).await?;
    let change = email_change_undoable(&tx, id).await?;
    email_change_undo(&mut tx, &change).await?;
    session_revoke_others(&mut tx, change.user, None).await?;
    user_end_memberships_sessions(&mut tx, change.user).await?;
    challenge_end_all(&mut tx, change.user).await?;
    let action = if change.done { AuditAction::EmailChangeUndone } else { AuditAction::EmailChangeStopped };
    let detail =
        json!({ "before": { "email": masked(&change.new) }, "after": { "email": masked(&change.old) } });
    audit_append(&mut tx, action, "user", &change.user.to_string(), detail).await?;
    let person = user_find(&tx, change.user).await?.ok_or_else(ApiError::not_found)?;
    let password = random::token();
    reset_insert(&mut tx, change.user, &password, super::RESET_LIFE).await?;
    let lang = Lang::parse(&person.locale).unwrap_or(state.config.app.language);
    notices::password_link(state, &mut tx, &person, lang, &password).await?;
    Ok(tx.commit().await?)
}

/// `email.release`: an address that can no longer be gone back to is free again.
pub async fn run_release(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload.get("change").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
    let id = id.ok_or_else(|| JobError::dead("payload", "the payload names no change"))?;
    let mut tx = state.db.begin(&job.ctx).await?;
    email_release(&mut tx, id).await?;
    finish(tx, job).await
}
