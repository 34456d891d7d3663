//! What people allowed third-party apps. Everybody sees and withdraws their own; who manages the staff sees everybody's.

use crate::auth::last_use::EVERY;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Permission;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::{AuthorisationId, RequestId, UserId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::resolve;
use qianpu_tenants::store::oauth_authorisation::{
    Authorisation, authorisation_get, authorisation_list, authorisation_touch, authorisation_withdraw,
};
use serde_json::json;

/// Whose authorisations the caller may see: everybody's, or the own.
fn whose(caller: &Caller) -> Answer<Option<UserId>> {
    let person = caller.person()?;
    Ok(if caller.may(Permission::StaffManage) { None } else { Some(person.id) })
}

/// Authorisations that hold, newest first.
pub async fn list(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::SelfManage>,
    page: PageRequest,
) -> Answer<Page<Authorisation>> {
    let whose = whose(caller)?;
    Ok(authorisation_list(&*state.db.read(grant.ctx()).await?, whose, page).await?)
}

/// Withdraws what was allowed. The app's next request is refused.
pub async fn withdraw(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::SelfManage>,
    id: AuthorisationId,
) -> Answer<()> {
    let whose = whose(caller)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let found = authorisation_get(&tx, id).await?;
    if whose.is_some_and(|own| own != found.user) {
        return Err(ApiError::not_found());
    }
    authorisation_withdraw(&mut tx, id).await?;
    let detail =
        json!({ "app": found.app.to_string(), "name": found.app_name, "of": found.user.to_string() });
    audit_append(&mut tx, AuditAction::OauthWithdrawn, "oauth_authorisation", &id.to_string(), detail)
        .await?;
    Ok(tx.commit().await?)
}

/// The app behind an access token; `None` when the token opens nothing (any more).
pub async fn authenticate(state: &AppState, request: RequestId, token: &str) -> Answer<Option<Caller>> {
    let Some(rest) = token.strip_prefix(super::ACCESS_PREFIX) else { return Ok(None) };
    let Some((caller, authorisation)) = resolve::by_app_token(&state.db, token, rest, request).await? else {
        return Ok(None);
    };
    if let Some(authorisation) = authorisation {
        note_use(state, &caller, &authorisation);
    }
    Ok(Some(caller))
}

/// Notes the use beside the request, never in its way.
fn note_use(state: &AppState, caller: &Caller, authorisation: &Authorisation) {
    let (id, now) = (authorisation.id, state.clock().now());
    let noted = authorisation.last_used_at.is_some_and(|at| now.since(at) < EVERY);
    if noted || !state.last_use.due(id.0, now) {
        return;
    }
    let Ok(grant) = caller.grant::<perm::SelfRead>() else { return };
    let db = state.db.clone();
    tokio::spawn(async move {
        let noted = async {
            let mut tx = db.begin(grant.ctx()).await?;
            authorisation_touch(&mut tx, id, now.minus(EVERY)).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, authorisation_id = %id, "the last use of an app was not noted");
        }
    });
}
