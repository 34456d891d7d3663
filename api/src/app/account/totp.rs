//! A person's authenticator app: setting it up, recovery codes, switching it off. Each change is written to the audit
//! log and told by mail.

use crate::app::auth::second_step::{Proof, prove_again, purpose, step_of};
use crate::app::notices::{self, SignInChange};
use crate::auth::totp;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::login_challenge::challenge_end_all;
use qianpu_tenants::store::sign_in_rule::totp_required_since;
use qianpu_tenants::store::totp::{
    recovery_left, recovery_replace, totp_begin, totp_confirm, totp_delete, totp_find, totp_is_on,
};
use qianpu_tenants::store::user::{User, user_find};
use serde_json::json;

/// What a person has.
#[derive(Debug, Clone)]
pub struct TotpState {
    /// Since when codes are asked for.
    pub on_at: Option<Timestamp>,
    /// Being set up.
    pub pending: Option<SetUp>,
    pub codes_left: u64,
    /// The tenant asks it of everybody.
    pub required: bool,
}

/// What an app needs to know.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// In base32, for typing in.
    pub secret: String,
    /// What the picture holds.
    pub address: String,
    /// The picture, as SVG.
    pub picture: String,
}

fn set_up(secret: &Plain, email: &str) -> Answer<SetUp> {
    let address = totp::address(secret.expose(), email)?;
    let picture = totp::picture(&address)?;
    Ok(SetUp { secret: secret.expose().to_owned(), address, picture })
}

/// How far the caller is.
pub async fn totp_state(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
) -> Answer<TotpState> {
    let (caller, grant) = &at_home(state, caller, grant).await?;
    let tx = state.db.read(grant.ctx()).await?;
    let found = totp_find(&tx, caller.id).await?;
    let on_at = found.as_ref().and_then(|row| row.on_at);
    let pending = match found.filter(|row| row.on_at.is_none()) {
        Some(row) => {
            let secret = state.keys.sealer.open_text(grant.ctx(), &purpose(caller.id), &row.sealed)?;
            Some(set_up(&secret, &caller.email)?)
        }
        None => None,
    };
    let required = totp_required_since(&tx).await?.is_some();
    Ok(TotpState { on_at, pending, codes_left: recovery_left(&tx, caller.id).await?, required })
}

/// Begins to set an app up, with the password: whoever only found an open browser must not lock its owner out.
pub async fn begin_totp(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
    proof: &Proof<'_>,
) -> Answer<SetUp> {
    let (caller, grant) = &at_home(state, caller, grant).await?;
    if totp_is_on(&*state.db.read(grant.ctx()).await?, caller.id).await? {
        return Err(ApiError::new(ErrorCode::TotpOn));
    }
    let (mut tx, person) = prove_again(state, caller, grant, proof).await?;
    let secret = Plain::from(totp::new_secret());
    let sealed = state.keys.sealer.seal_text(grant.ctx(), &purpose(person.id), &secret)?;
    totp_begin(&mut tx, person.id, sealed).await.map_err(|error| so_already(error, ErrorCode::TotpOn))?;
    tx.commit().await?;
    set_up(&secret, &person.email)
}

/// Switches it on with the app's first code; the recovery codes, which are shown this once.
pub async fn confirm_totp(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
    code: &str,
) -> Answer<Vec<String>> {
    let (caller, grant) = &at_home(state, caller, grant).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let person = user_find(&tx, caller.id).await?.ok_or_else(ApiError::not_found)?;
    let found = totp_find(&tx, person.id).await?.ok_or_else(|| ApiError::new(ErrorCode::TotpOff))?;
    if found.on_at.is_some() {
        return Err(ApiError::new(ErrorCode::TotpOn));
    }
    let step = match totp::typed(code) {
        totp::Typed::App(code) => step_of(state, &tx, person.id, &code).await?,
        _ => None,
    };
    let Some(step) = step else {
        let (en, zh) = (
            "not the code the app shows now; mind the clock of the phone",
            "与身份验证器当前显示的不一致，请检查手机时间是否准确",
        );
        return Err(FieldError::new("code", "wrong", en, zh).into());
    };
    totp_confirm(&mut tx, person.id, step).await.map_err(|error| so_already(error, ErrorCode::TotpOn))?;
    let codes = fresh_codes(&mut tx, &person).await?;
    changed(state, &mut tx, &person, SignInChange::TotpOn).await?;
    tx.commit().await?;
    Ok(codes)
}

/// The caller as the person they are at home, where the app is, whichever tenant they are in now.
pub(in crate::app) async fn at_home(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
) -> Answer<(Person, Grant<perm::SelfManage>)> {
    let grant = grant.at_home(&state.db, caller).await?;
    Ok((Person { id: caller.home.user, ..caller.clone() }, grant))
}

async fn fresh_codes(tx: &mut TenantTx, person: &User) -> Answer<Vec<String>> {
    let codes = totp::new_recovery_codes();
    recovery_replace(tx, person.id, &codes).await?;
    Ok(codes.iter().map(|code| totp::shown(code)).collect())
}

/// New recovery codes in place of the old ones; shown this once.
pub async fn renew_codes(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
    proof: &Proof<'_>,
) -> Answer<Vec<String>> {
    let (caller, grant) = &at_home(state, caller, grant).await?;
    needs_totp(state, caller, grant).await?;
    let (mut tx, person) = prove_again(state, caller, grant, proof).await?;
    let codes = fresh_codes(&mut tx, &person).await?;
    changed(state, &mut tx, &person, SignInChange::CodesRenewed).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Switches it off. Refused where the tenant asks it of everybody.
pub async fn end_totp(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::SelfManage>,
    proof: &Proof<'_>,
) -> Answer<()> {
    let (caller, grant) = &at_home(state, caller, grant).await?;
    needs_totp(state, caller, grant).await?;
    let (mut tx, person) = prove_again(state, caller, grant, proof).await?;
    if totp_required_since(&tx).await?.is_some() {
        return Err(ApiError::new(ErrorCode::SecondFactorRequired));
    }
    totp_delete(&mut tx, person.id).await?;
    challenge_end_all(&mut tx, person.id).await?;
    changed(state, &mut tx, &person, SignInChange::TotpOff).await?;
    Ok(tx.commit().await?)
}

async fn needs_totp(state: &AppState, caller: &Person, grant: &Grant<perm::SelfManage>) -> Answer<()> {
    if totp_is_on(&*state.db.read(grant.ctx()).await?, caller.id).await? {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::TotpOff))
    }
}

async fn changed(state: &AppState, tx: &mut TenantTx, person: &User, change: SignInChange) -> Answer<()> {
    let action = match change {
        SignInChange::TotpOn => AuditAction::TotpOn,
        SignInChange::TotpOff => AuditAction::TotpOff,
        SignInChange::CodesRenewed => AuditAction::TotpCodesRenewed,
        SignInChange::TotpReset => AuditAction::TotpReset,
    };
    audit_append(tx, action, "user", &person.id.to_string(), json!({})).await?;
    notices::sign_in_changed(state, tx, person, change).await
}

fn so_already(error: StoreError, code: ErrorCode) -> ApiError {
    match error {
        StoreError::Conflict(_) => ApiError::new(code),
        other => other.into(),
    }
}
