//! Logging in and out. A person proves a password, and a code when they have an authenticator app
//! ([`second_step`]), and gets a session: a console cookie, or an access token with a refresh token that is
//! spent at each use. A refresh token seen twice means that somebody
//! has a copy; then the whole session ends.

use crate::auth::password;
use crate::auth::token::{self, Claims};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{RequestId, SessionId, TenantId, UserId};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::random;
use qianpu_tenants::resolve::{self, Workplace};
use qianpu_tenants::store::session::{
    RefreshUse, SessionKind, refresh_insert, refresh_use, session_insert, session_revoke, session_set_epoch,
};
use qianpu_tenants::store::user::{Home, User, member_set_email, user_find};
use serde_json::json;
use uuid::Uuid;

pub mod second_step;

pub use second_step::GiveCode;

/// What somebody shows to log in.
#[derive(Debug, Clone)]
pub struct LogIn {
    pub email: String,
    pub password: String,
    pub address: String,
    pub user_agent: String,
    /// The provider at whose host it happens; only its people and its merchants' people are known there.
    pub within: Option<TenantId>,
}

/// What a program keeps after log-in.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_in: i64,
}

/// What a browser keeps after log-in.
#[derive(Debug, Clone)]
pub struct ConsoleSession {
    pub cookie: String,
    pub surface: Surface,
    pub tenant: TenantId,
}

/// Starts a session for a program. A person with an authenticator app is refused with `second_factor_needed` and what
/// the log-in goes on with.
pub async fn log_in(state: &AppState, request: RequestId, command: &LogIn) -> Answer<Tokens> {
    let (ctx, user) = prove(state, request, command).await?;
    second_step::ask(state, &ctx, user).await?;
    let place = first_workplace(state, &ctx, user).await?;
    issue(state, &place.ctx, place.user, &command.user_agent).await
}

/// Starts a session for a browser.
pub async fn log_in_console(state: &AppState, request: RequestId, command: &LogIn) -> Answer<ConsoleSession> {
    let (ctx, user) = prove(state, request, command).await?;
    second_step::ask(state, &ctx, user).await?;
    let place = first_workplace(state, &ctx, user).await?;
    open_console(state, &place.ctx, place.user, &command.user_agent).await
}

/// Starts a session for a program whose log-in waited for a code.
pub async fn log_in_with_code(state: &AppState, request: RequestId, given: &GiveCode) -> Answer<Tokens> {
    let (ctx, user) = second_step::complete(state, request, given).await?;
    let place = first_workplace(state, &ctx, user).await?;
    issue(state, &place.ctx, place.user, &given.user_agent).await
}

/// Starts a session for a browser whose log-in waited for a code.
pub async fn log_in_console_with_code(
    state: &AppState,
    request: RequestId,
    given: &GiveCode,
) -> Answer<ConsoleSession> {
    let (ctx, user) = second_step::complete(state, request, given).await?;
    let place = first_workplace(state, &ctx, user).await?;
    open_console(state, &place.ctx, place.user, &given.user_agent).await
}

/// Starts a console session of a person who has just been proven.
pub(super) async fn open_console(
    state: &AppState,
    ctx: &TenantCtx,
    user: UserId,
    user_agent: &str,
) -> Answer<ConsoleSession> {
    let token = random::token();
    let own = log_in_of(state, ctx, user).await?;
    let mut tx = state.db.begin(ctx).await?;
    let session =
        begin(state, &mut tx, user, own.as_ref(), (SessionKind::Console, &token), user_agent).await?;
    tx.commit().await?;
    note_start(state, ctx, session).await?;
    let cookie = format!("{}.{token}", ctx.tenant().0.as_simple());
    Ok(ConsoleSession { cookie, surface: ctx.kind(), tenant: ctx.tenant() })
}

/// The row at home of somebody who is a member here.
async fn log_in_of(state: &AppState, ctx: &TenantCtx, user: UserId) -> Answer<Option<User>> {
    let person = user_find(&*state.db.read(ctx).await?, user).await?;
    let Some(home) = person.and_then(|person| person.home) else { return Ok(None) };
    Ok(resolve::at_home(&state.db, home, ctx.request_id()).await?.map(|(_, own)| own))
}

async fn begin(
    state: &AppState,
    tx: &mut TenantTx,
    user: UserId,
    own: Option<&User>,
    (kind, token): (SessionKind, &str),
    user_agent: &str,
) -> Answer<SessionId> {
    let life = Span::days(state.config.login.session_days);
    let session = session_insert(tx, user, kind, token, user_agent, life).await?;
    if let Some(own) = own {
        session_set_epoch(tx, session, own.credentials_epoch).await?;
        // The e-mail may have changed at home since the last time.
        member_set_email(tx, user, &own.email).await?;
    }
    Ok(session)
}

/// Where a person who has proven themself at home goes: home, or, when they may not work there any more, the first
/// of the other tenants.
async fn first_workplace(state: &AppState, home: &TenantCtx, user: UserId) -> Answer<Workplace> {
    let home = (Home { tenant: home.tenant(), user }, home.request_id());
    let places = resolve::workplaces(&state.db, home.0, home.1).await?;
    places.into_iter().next().ok_or_else(|| ApiError::new(ErrorCode::WrongCredentials))
}

/// Proves a password; the answer is the row at home.
async fn prove(state: &AppState, request: RequestId, command: &LogIn) -> Answer<(TenantCtx, UserId)> {
    let now = state.clock().now();
    let account = command.email.trim();
    if let Some(seconds) = state.throttle.wait(account, &command.address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let wrong = || ApiError::new(ErrorCode::WrongCredentials);
    let found = match resolve::by_login_email(&state.db, account, request).await? {
        None => None,
        Some((ctx, _)) if command.within.is_some_and(|provider| ctx.provider() != Some(provider)) => None,
        Some((ctx, user)) => {
            let tx = state.db.read(&ctx).await?;
            // An address that was changed stays taken for a while; it is no log-in.
            let person = user_find(&tx, user).await?;
            person.filter(|person| person.email == account.to_lowercase()).map(|person| (ctx, person))
        }
    };
    let stored = found.as_ref().map(|(_, person)| person.password_hash.clone());
    // Longer than any password can be: no need to hash it, and no way to make us hash megabytes.
    let given = command.password.get(..password::LONGEST * 4).unwrap_or(&command.password).to_owned();
    let fits = password::verify(given, stored).await?;
    let works = match &found {
        Some((ctx, person)) if fits => {
            let home = Home { tenant: ctx.tenant(), user: person.id };
            !resolve::workplaces(&state.db, home, request).await?.is_empty()
        }
        _ => false,
    };
    match found.filter(|_| works) {
        Some((ctx, person)) => {
            state.throttle.succeeded(account);
            Ok((ctx, person.id))
        }
        None => {
            state.throttle.failed(account, &command.address, now);
            metrics::counter!("qianpu_login_failures_total").increment(1);
            Err(wrong())
        }
    }
}

/// Starts an API session of a person who has just been proven.
pub(super) async fn issue(
    state: &AppState,
    ctx: &TenantCtx,
    user: UserId,
    user_agent: &str,
) -> Answer<Tokens> {
    let own = log_in_of(state, ctx, user).await?;
    let mut tx = state.db.begin(ctx).await?;
    let life = Span::days(state.config.login.session_days);
    // Bearers never send the session's own token; it only has to be unguessable.
    let kind = SessionKind::Api;
    let session = begin(state, &mut tx, user, own.as_ref(), (kind, &random::token()), user_agent).await?;
    let refresh = random::token();
    refresh_insert(&mut tx, session, &refresh, life).await?;
    tx.commit().await?;
    note_start(state, ctx, session).await?;
    tokens(state, ctx, user, session, &refresh)
}

fn tokens(
    state: &AppState,
    ctx: &TenantCtx,
    user: UserId,
    session: SessionId,
    refresh: &str,
) -> Answer<Tokens> {
    let life = Span::minutes(state.config.login.access_token_minutes);
    let claims = Claims { user, tenant: ctx.tenant(), session, surface: ctx.kind() };
    let access_token =
        token::sign(&state.keys, &claims, state.clock().now(), life).map_err(ApiError::internal)?;
    let refresh_token = format!("{}.{}.{refresh}", ctx.tenant().0.as_simple(), session.0.as_simple());
    Ok(Tokens { access_token, refresh_token, expires_in: life.as_seconds() })
}

/// Spends a refresh token for new tokens.
pub async fn refresh(state: &AppState, request: RequestId, given: &str) -> Answer<Tokens> {
    let refused = || ApiError::new(ErrorCode::Unauthenticated);
    let mut parts = given.splitn(3, '.');
    let mut id = || parts.next().and_then(|part| Uuid::try_parse(part).ok()).ok_or_else(refused);
    let (tenant, session) = (TenantId(id()?), SessionId(id()?));
    let secret = parts.next().ok_or_else(refused)?;
    let caller = resolve::by_token(&state.db, tenant, session, request).await?.ok_or_else(refused)?;
    let user = caller.person()?.id;
    let grant = caller.grant::<perm::SelfManage>()?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    match refresh_use(&mut tx, secret).await {
        Ok(RefreshUse::Good(of)) if of == session => {
            let next = random::token();
            let life = Span::days(state.config.login.session_days);
            refresh_insert(&mut tx, session, &next, life).await?;
            tx.commit().await?;
            tokens(state, grant.ctx(), user, session, &next)
        }
        Ok(RefreshUse::Reused(of)) => {
            session_revoke(&mut tx, of).await?;
            note(&mut tx, AuditAction::SessionTokenReused, user, of).await?;
            tx.commit().await?;
            tracing::warn!(session_id = %of, "a refresh token was used twice; its session has ended");
            Err(ApiError::new(ErrorCode::TokenReused))
        }
        Ok(RefreshUse::Good(_)) | Err(StoreError::NotFound) => Err(refused()),
        Err(error) => Err(error.into()),
    }
}

/// Ends the caller's session; its tokens and cookie are worthless from now on.
pub async fn log_out(state: &AppState, person: &Person, grant: &Grant<perm::SelfManage>) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    session_revoke(&mut tx, person.session).await?;
    note(&mut tx, AuditAction::SessionEnd, person.id, person.session).await?;
    tx.commit().await?;
    Ok(())
}

/// Tokens for another tenant the person works for; every other tenant is not found.
pub async fn switch(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
    to: TenantId,
    user_agent: &str,
) -> Answer<Tokens> {
    let place = workplace(state, person, grant, to).await?;
    issue(state, &place.ctx, place.user, user_agent).await
}

/// The same for a browser; the session it comes from goes on.
pub async fn switch_console(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
    to: TenantId,
    user_agent: &str,
) -> Answer<ConsoleSession> {
    let place = workplace(state, person, grant, to).await?;
    open_console(state, &place.ctx, place.user, user_agent).await
}

async fn workplace(
    state: &AppState,
    person: &Person,
    grant: &Grant<perm::SelfManage>,
    to: TenantId,
) -> Answer<Workplace> {
    let places = workplaces(state, person, grant.ctx().request_id()).await?;
    places.into_iter().find(|place| place.ctx.tenant() == to).ok_or_else(ApiError::not_found)
}

/// The tenants a person may work in, home first.
pub async fn workplaces(state: &AppState, person: &Person, request: RequestId) -> Answer<Vec<Workplace>> {
    Ok(resolve::workplaces(&state.db, person.home, request).await?)
}

/// The log-in's own entry, by the person who now has a session.
async fn note_start(state: &AppState, ctx: &TenantCtx, session: SessionId) -> Answer<()> {
    let caller = resolve::by_token(&state.db, ctx.tenant(), session, ctx.request_id()).await?;
    let caller = caller.ok_or_else(|| ApiError::new(ErrorCode::WrongCredentials))?;
    let Ok(grant) = caller.grant::<perm::SelfManage>() else { return Ok(()) };
    let mut tx = state.db.begin(grant.ctx()).await?;
    note(&mut tx, AuditAction::SessionStart, caller.person()?.id, session).await?;
    Ok(tx.commit().await?)
}

async fn note(tx: &mut TenantTx, action: AuditAction, user: UserId, session: SessionId) -> Answer<()> {
    let detail = json!({"user": user.to_string()});
    Ok(audit_append(tx, action, "session", &session.to_string(), detail).await?)
}
