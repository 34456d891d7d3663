//! Third-party apps of a provider: registering, changing, secrets, and closing them. What an app may ask people for is
//! bounded by what those people hold; what it may do for itself by what whoever registers it holds.

use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::access::Permission;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{OauthAppId, OauthSecretId};
use qianpu_domain::oauth::{MOST_REDIRECTS, redirect_uri};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::program::{can_be_given, program_name, scopes_to_give};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Denied, Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::random;
use qianpu_tenants::store::oauth_app::{
    AppFacts, OauthApp, OauthSecret, oauth_app_count, oauth_app_get, oauth_app_insert, oauth_app_list,
    oauth_app_save, oauth_secret_delete, oauth_secret_list, oauth_secret_rotate,
};
use serde_json::json;

/// What every client secret begins with.
pub const SECRET_PREFIX: &str = "qp_secret_";
/// Longest time that a replaced secret works on.
pub const LONGEST_OVERLAP_HOURS: i64 = 168;
const MOST_APPS: u64 = 200;

/// An app as it was asked for.
#[derive(Debug, Clone, Default)]
pub struct AppForm {
    pub name: String,
    pub publisher: String,
    pub homepage: String,
    pub redirect_uris: Vec<String>,
    /// Words of permissions it may ask people for.
    pub scopes: Vec<String>,
    /// Words of permissions it has for itself in its provider.
    pub own_scopes: Vec<String>,
}

/// A secret that was made, shown this once.
#[derive(Clone)]
pub struct MadeSecret {
    pub id: OauthSecretId,
    pub secret: String,
}

/// What any app may ask people for: whatever a person can pass on to a program.
pub fn scope_choices() -> PermissionSet {
    can_be_given(Permission::ALL.iter().copied().collect())
}

/// What the caller can give to an app for itself.
pub fn own_scope_choices(caller: &Caller) -> PermissionSet {
    can_be_given(caller.permissions_in(None))
}

fn check(state: &AppState, form: &AppForm, held: PermissionSet, confidential: bool) -> Answer<AppFacts> {
    let mut errors = Vec::new();
    let mut keep = |outcome: Result<String, FieldError>| {
        outcome.unwrap_or_else(|error| {
            errors.push(error);
            String::new()
        })
    };
    let development = state.config.is_development();
    let name = keep(program_name("name", &form.name));
    let publisher = keep(program_name("publisher", &form.publisher));
    let homepage = match form.homepage.trim() {
        "" => String::new(),
        page => keep(
            redirect_uri(page, development)
                .map_err(|error| FieldError { path: "homepage".to_owned(), ..error }),
        ),
    };
    let mut redirect_uris: Vec<String> = Vec::new();
    for uri in form.redirect_uris.iter().filter(|uri| !uri.trim().is_empty()) {
        let uri = keep(redirect_uri(uri, development));
        if !redirect_uris.contains(&uri) {
            redirect_uris.push(uri);
        }
    }
    if redirect_uris.len() > MOST_REDIRECTS {
        let (en, zh) =
            (format!("at most {MOST_REDIRECTS} addresses"), format!("最多 {MOST_REDIRECTS} 个地址"));
        errors.push(FieldError::new("redirect_uris", "too_many", en, zh));
    }
    let mut scopes = |field: &'static str, held, words: &[String]| {
        if words.is_empty() {
            return PermissionSet::EMPTY;
        }
        scopes_to_give(field, held, words.iter().map(String::as_str), false).unwrap_or_else(|error| {
            errors.push(error);
            PermissionSet::EMPTY
        })
    };
    let asks = scopes("scopes", scope_choices(), &form.scopes);
    let own = scopes("own_scopes", held, &form.own_scopes);
    if !confidential && !form.own_scopes.is_empty() {
        let en = "an app that cannot keep a secret can do nothing for itself";
        errors.push(FieldError::new("own_scopes", "public", en, "无法保管密钥的应用不能以自身名义调用接口"));
    }
    if form.scopes.is_empty() && form.own_scopes.is_empty() {
        let (en, zh) = ("choose at least one permission", "请至少选择一个权限");
        errors.push(FieldError::new("scopes", "required", en, zh));
    }
    if !form.scopes.is_empty() && redirect_uris.is_empty() {
        errors.push(FieldError::required("redirect_uris"));
    }
    if errors.is_empty() {
        Ok(AppFacts { name, publisher, homepage, redirect_uris, scopes: asks, own_scopes: own })
    } else {
        Err(errors.into())
    }
}

/// Registers an app. A confidential one gets its first secret.
pub async fn register(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::OauthAppManage>,
    form: &AppForm,
    confidential: bool,
) -> Answer<(OauthApp, Option<MadeSecret>)> {
    let facts = check(state, form, caller.permissions_in(None), confidential)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    if oauth_app_count(&tx).await? >= MOST_APPS {
        let (en, zh) = (format!("at most {MOST_APPS} apps"), format!("最多 {MOST_APPS} 个应用"));
        return Err(FieldError::new("name", "too_many", en, zh).into());
    }
    let id = oauth_app_insert(&mut tx, &facts, confidential).await?;
    let secret = if confidential { Some(make_secret(&mut tx, id, Span::hours(0)).await?) } else { None };
    let detail = json!({ "name": facts.name, "scopes": facts.scopes.words(), "own_scopes": facts.own_scopes.words(),
        "redirect_uris": facts.redirect_uris });
    audit_append(&mut tx, AuditAction::OauthAppRegistered, "oauth_app", &id.to_string(), detail).await?;
    let app = oauth_app_get(&tx, id).await?;
    tx.commit().await?;
    Ok((app, secret))
}

async fn make_secret(tx: &mut TenantTx, app: OauthAppId, overlap: Span) -> Answer<MadeSecret> {
    let secret = format!("{SECRET_PREFIX}{}", random::token());
    let hint = secret.get(secret.len().saturating_sub(4)..).unwrap_or_default();
    let id = oauth_secret_rotate(tx, app, &secret, hint, overlap).await?;
    Ok(MadeSecret { id, secret })
}

/// The provider's apps, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::OauthAppManage>,
    page: PageRequest,
) -> Answer<Page<OauthApp>> {
    Ok(oauth_app_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// One app with the secrets that work now.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::OauthAppManage>,
    id: OauthAppId,
) -> Answer<(OauthApp, Vec<OauthSecret>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let app = oauth_app_get(&tx, id).await?;
    let secrets = oauth_secret_list(&tx, id).await?;
    Ok((app, secrets))
}

/// Changes an app. What it could do for itself before may stay; more than the caller holds is not added.
pub async fn change(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::OauthAppManage>,
    id: OauthAppId,
    seen: Option<i64>,
    form: &AppForm,
) -> Answer<OauthApp> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = oauth_app_get(&tx, id).await?;
    if seen.is_some_and(|seen| seen != was.version) {
        return Err(StoreError::VersionConflict.into());
    }
    let held = caller.permissions_in(None).or(was.facts.own_scopes);
    let facts = check(state, form, held, was.confidential)?;
    oauth_app_save(&mut tx, &was, &facts, was.active).await?;
    let detail = json!({ "scopes": facts.scopes.words(), "own_scopes": facts.own_scopes.words(),
        "redirect_uris": facts.redirect_uris });
    audit_append(&mut tx, AuditAction::OauthAppChanged, "oauth_app", &id.to_string(), detail).await?;
    let app = oauth_app_get(&tx, id).await?;
    tx.commit().await?;
    Ok(app)
}

/// Stops an app everywhere at once, or lets it work again with what people allowed it before.
pub async fn set_active(
    state: &AppState,
    grant: &Grant<perm::OauthAppManage>,
    id: OauthAppId,
    active: bool,
) -> Answer<OauthApp> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = oauth_app_get(&tx, id).await?;
    if was.active != active {
        oauth_app_save(&mut tx, &was, &was.facts, active).await?;
        let action = if active { AuditAction::OauthAppEnabled } else { AuditAction::OauthAppDisabled };
        audit_append(&mut tx, action, "oauth_app", &id.to_string(), json!({ "name": was.facts.name }))
            .await?;
    }
    let app = oauth_app_get(&tx, id).await?;
    tx.commit().await?;
    Ok(app)
}

/// Makes a new secret; those before it work on for `overlap_hours`. Who holds the secret can do what the app may do for
/// itself, so nobody is shown one that does more than they hold.
pub async fn rotate_secret(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::OauthAppManage>,
    id: OauthAppId,
    overlap_hours: i64,
) -> Answer<MadeSecret> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let app = oauth_app_get(&tx, id).await?;
    if !app.confidential {
        let (en, zh) = ("a public app has no secret", "公开应用没有密钥");
        return Err(FieldError::new("overlap_hours", "public", en, zh).into());
    }
    let held = caller.permissions_in(None);
    if let Some(missing) = app.facts.own_scopes.iter().find(|one| !held.contains(*one)) {
        return Err(Denied(missing).into());
    }
    if !(0..=LONGEST_OVERLAP_HOURS).contains(&overlap_hours) {
        let en = format!("0 to {LONGEST_OVERLAP_HOURS} hours");
        let zh = format!("0 至 {LONGEST_OVERLAP_HOURS} 小时");
        return Err(FieldError::new("overlap_hours", "range", en, zh).into());
    }
    let made = make_secret(&mut tx, id, Span::hours(overlap_hours)).await?;
    let detail = json!({ "overlap_hours": overlap_hours });
    audit_append(&mut tx, AuditAction::OauthSecretRotated, "oauth_app", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(made)
}

/// Ends a secret now.
pub async fn end_secret(
    state: &AppState,
    grant: &Grant<perm::OauthAppManage>,
    id: OauthAppId,
    secret: OauthSecretId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    oauth_app_get(&tx, id).await?;
    oauth_secret_delete(&mut tx, id, secret).await?;
    let detail = json!({ "secret": secret.to_string() });
    audit_append(&mut tx, AuditAction::OauthSecretEnded, "oauth_app", &id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}
