//! The second step of a log-in, and proving oneself once more before something important: a code of the authenticator
//! app, or a recovery code. Wrong codes are braked apart from wrong passwords, because a right password must not give
//! new tries at the code.

use crate::app::notices;
use crate::auth::{password, totp};
use crate::error::{Answer, ApiError, Challenge};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{RequestId, UserId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::login_challenge::{challenge_end, challenge_insert, challenge_try};
use qianpu_tenants::store::totp::{recovery_left, recovery_use, totp_find, totp_is_on, totp_spend};
use qianpu_tenants::store::user::{User, user_find};
use qianpu_tenants::{random, resolve};
use serde_json::json;

/// How long a log-in waits for its code.
pub const CHALLENGE_LIFE: Span = Span::minutes(5);

/// What the code is given with.
#[derive(Debug, Clone)]
pub struct GiveCode {
    pub challenge: String,
    /// Of the app, or a recovery code.
    pub code: String,
    pub address: String,
    pub user_agent: String,
}

/// Under which name wrong codes of an account are counted.
pub(in crate::app) fn brake(email: &str) -> String {
    format!("code {email}")
}

/// What a shared secret is sealed for.
pub(in crate::app) fn purpose(user: UserId) -> String {
    format!("totp {user}")
}

/// Lets the log-in wait when the person has an authenticator app; otherwise it goes on.
pub(super) async fn ask(state: &AppState, ctx: &TenantCtx, user: UserId) -> Answer<()> {
    if !totp_is_on(&*state.db.read(ctx).await?, user).await? {
        return Ok(());
    }
    let token = random::token();
    let mut tx = state.db.begin(ctx).await?;
    challenge_insert(&mut tx, user, &token, CHALLENGE_LIFE).await?;
    tx.commit().await?;
    let token = format!("{}.{token}", ctx.tenant().0.as_simple());
    let challenge = Challenge { token, expires_in: CHALLENGE_LIFE.as_seconds() };
    Err(ApiError::new(ErrorCode::SecondFactorNeeded).with_challenge(challenge))
}

/// Ends the waiting of a log-in with the right code. A wrong one, one that was used, and one of another time are
/// answered alike.
pub(super) async fn complete(
    state: &AppState,
    request: RequestId,
    given: &GiveCode,
) -> Answer<(TenantCtx, UserId)> {
    let now = state.clock().now();
    let over = || ApiError::new(ErrorCode::SignInExpired);
    let found = resolve::by_challenge(&state.db, &given.challenge, request).await?;
    let (ctx, waiting) = found.ok_or_else(over)?;
    let person = user_find(&*state.db.read(&ctx).await?, waiting.user).await?;
    // Disabled or not, the caller asks where the person may work.
    let person = person.ok_or_else(over)?;
    let brake = brake(&person.email);
    if let Some(seconds) = state.throttle.wait(&brake, &given.address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let mut tx = state.db.begin(&ctx).await?;
    let left = match challenge_try(&mut tx, waiting.id).await {
        Err(StoreError::NotFound) => return Err(over()),
        counted => counted?,
    };
    if code_fits(state, &mut tx, &person, &given.code).await? {
        challenge_end(&mut tx, waiting.id).await?;
        tx.commit().await?;
        state.throttle.succeeded(&brake);
        return Ok((ctx, person.id));
    }
    if left == 0 {
        // Whoever came here knows the password.
        challenge_end(&mut tx, waiting.id).await?;
        audit_append(&mut tx, AuditAction::TotpGuessed, "user", &person.id.to_string(), json!({})).await?;
        notices::codes_guessed(state, &mut tx, &person).await?;
    }
    // The try stays counted.
    tx.commit().await?;
    state.throttle.failed(&brake, &given.address, now);
    metrics::counter!("qianpu_login_failures_total").increment(1);
    Err(ApiError::new(ErrorCode::WrongCode))
}

/// Whether a code is the person's, and uses it up. The mail and the entry of a recovery code go with the transaction.
async fn code_fits(state: &AppState, tx: &mut TenantTx, person: &User, code: &str) -> Answer<bool> {
    match totp::typed(code) {
        totp::Typed::Nothing => Ok(false),
        totp::Typed::App(code) => {
            let Some(step) = step_of(state, tx, person.id, &code).await? else { return Ok(false) };
            Ok(totp_spend(tx, person.id, step).await?)
        }
        totp::Typed::Recovery(code) => {
            if !recovery_use(tx, person.id, &code).await? {
                return Ok(false);
            }
            let left = recovery_left(tx, person.id).await?;
            let detail = json!({ "left": left });
            audit_append(tx, AuditAction::TotpRecoveryUsed, "user", &person.id.to_string(), detail).await?;
            notices::recovery_code_used(state, tx, person, left).await?;
            Ok(true)
        }
    }
}

/// The time step of a code by the person's stored secret, set up or waiting for its first code.
pub(in crate::app) async fn step_of(
    state: &AppState,
    tx: &TenantTx,
    user: UserId,
    code: &str,
) -> Answer<Option<i64>> {
    let Some(row) = totp_find(tx, user).await? else { return Ok(None) };
    let secret = state.keys.sealer.open_text(tx.ctx(), &purpose(user), &row.sealed)?;
    totp::step_of(secret.expose(), code, tx.now())
}

/// What somebody shows who is logged in, before something important.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    pub password: &'a str,
    /// Looked at when the person has an authenticator app.
    pub code: &'a str,
    /// Where it comes from, for the brake on guessing.
    pub address: &'a str,
}

/// Proves the caller once more: the password, and the code of those who have an app. Both are always looked at, and
/// the refusal does not say which was wrong. The code is used up with the transaction that is handed back.
pub(in crate::app) async fn prove_again(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
    proof: &Proof<'_>,
) -> Answer<(TenantTx, User)> {
    let now = state.clock().now();
    let brakes = [caller.email.clone(), brake(&caller.email)];
    if let Some(seconds) = longest_wait(state, &brakes, proof.address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let person = user_find(&*state.db.read(grant.ctx()).await?, caller.id).await?;
    let person = person.ok_or_else(ApiError::not_found)?;
    let given = proof.password.chars().take(password::LONGEST).collect();
    let known = password::verify(given, Some(person.password_hash.clone())).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let fits = !totp_is_on(&tx, person.id).await? || code_fits(state, &mut tx, &person, proof.code).await?;
    if known && fits {
        return Ok((tx, person));
    }
    drop(tx);
    for account in &brakes {
        state.throttle.failed(account, proof.address, now);
    }
    Err(ApiError::new(ErrorCode::WrongProof))
}

fn longest_wait(state: &AppState, accounts: &[String], address: &str, now: Timestamp) -> Option<u32> {
    accounts.iter().filter_map(|account| state.throttle.wait(account, address, now)).max()
}
