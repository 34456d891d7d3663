//! What an owner decides about the sign-in of the tenant's people: whether an authenticator app is asked of everybody,
//! and taking a colleague's away who lost it.

use super::held_by;
use crate::app::notices::{self, SignInChange};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::custom_role::within;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::UserId;
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::resolve;
use qianpu_tenants::store::login_challenge::challenge_end_all;
use qianpu_tenants::store::sign_in_rule::{totp_require, totp_required_since};
use qianpu_tenants::store::staff::person_get;
use qianpu_tenants::store::totp::totp_delete;
use qianpu_tenants::store::user::user_find;
use serde_json::json;

/// Since when an authenticator app is asked of everybody.
pub async fn required_since(state: &AppState, grant: &Grant<perm::StaffManage>) -> Answer<Option<Timestamp>> {
    Ok(totp_required_since(&*state.db.read(grant.ctx()).await?).await?)
}

/// Asks an authenticator app of everybody, or not any more. Whoever asks has one: nobody locks themself out.
pub async fn require(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::StaffManage>,
    required: bool,
) -> Answer<Option<Timestamp>> {
    let own = resolve::has_second_factor(&state.db, caller.home, grant.ctx().request_id()).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    if totp_required_since(&tx).await?.is_some() == required {
        return Ok(totp_required_since(&tx).await?);
    }
    if required && !own {
        let (en, zh) = ("set up your own authenticator app first", "请先为自己开启两步验证");
        return Err(FieldError::new("totp_required", "own_first", en, zh).into());
    }
    totp_require(&mut tx, required).await?;
    let action = if required { AuditAction::TotpRequired } else { AuditAction::TotpNotRequired };
    let tenant = grant.ctx().tenant().to_string();
    audit_append(&mut tx, action, "tenant", &tenant, json!({})).await?;
    let since = totp_required_since(&tx).await?;
    tx.commit().await?;
    Ok(since)
}

/// Takes a colleague's app away, who lost it and the recovery codes; the next log-in asks for the password only. One's
/// own is switched off in the account, with password and code.
pub async fn reset(
    state: &AppState,
    caller: &Person,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    id: UserId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    within(holds, held_by(&person_get(&tx, id).await?))?;
    if id == caller.id {
        let (en, zh) = ("switch your own off in your account", "自己的两步验证请在“我的账号”中关闭");
        return Err(FieldError::new("user_id", "own", en, zh).into());
    }
    if !totp_delete(&mut tx, id).await? {
        return Err(ApiError::new(ErrorCode::TotpOff));
    }
    challenge_end_all(&mut tx, id).await?;
    audit_append(&mut tx, AuditAction::TotpReset, "user", &id.to_string(), json!({})).await?;
    let person = user_find(&tx, id).await?.ok_or_else(ApiError::not_found)?;
    notices::sign_in_changed(state, &mut tx, &person, SignInChange::TotpReset).await?;
    Ok(tx.commit().await?)
}
