//! The token endpoint: an app proves who it is and gets tokens for a code, for a refresh token, or for itself; and it
//! gives tokens back. A code or refresh token that comes a second time means that somebody has a copy: all tokens that
//! came of it end.

use super::authorize::scopes_within;
use super::{ACCESS_PREFIX, CODE_PREFIX, REFRESH_PREFIX, Refused};
use crate::auth::csrf::same;
use crate::state::AppState;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::{AuthorisationId, RequestId};
use qianpu_domain::oauth::{OauthError, verifier_is_well_formed};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::oauth_app::{OauthApp, oauth_secret_holds};
use qianpu_tenants::store::oauth_authorisation::authorisation_get;
use qianpu_tenants::store::oauth_token::{
    NewToken, TokenKind, code_find, code_spend, family_revoke, token_find, token_insert, token_revoke,
    token_spend,
};
use qianpu_tenants::{random, resolve};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

type Outcome<T> = Result<T, Refused>;

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::own(error)
    }
}

/// How an app says who it is.
#[derive(Debug, Clone)]
pub struct ClientProof {
    pub client_id: String,
    pub secret: Option<String>,
    /// Where it calls from, for the brake on guessing.
    pub address: String,
}

/// What an app gives for tokens.
#[derive(Debug, Clone)]
pub enum Ask {
    Code { code: String, redirect_uri: String, verifier: String },
    Refresh { token: String, scope: Option<String> },
    Own { scope: Option<String> },
}

/// The answer of the token endpoint.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in: i64,
    pub scope: String,
}

fn bad_grant(description: &str) -> Refused {
    Refused::new(OauthError::InvalidGrant, description)
}

/// The app, proven. Guesses are counted per app and address, so that nobody can lock an app out from elsewhere.
async fn prove(state: &AppState, request: RequestId, proof: &ClientProof) -> Outcome<(TenantCtx, OauthApp)> {
    let now = state.clock().now();
    let guesses = format!("oauth {} {}", proof.client_id, proof.address);
    if let Some(seconds) = state.throttle.wait(&guesses, &proof.address, now) {
        let slow = Refused::new(OauthError::TemporarilyUnavailable, "too many wrong secrets; wait");
        return Err(Refused { retry_after: Some(seconds), ..slow });
    }
    if let Some((ctx, app)) = resolve::by_client_id(&state.db, &proof.client_id, request).await? {
        let proven = match (&proof.secret, app.confidential) {
            (Some(secret), true) => oauth_secret_holds(&*state.db.read(&ctx).await?, app.id, secret).await?,
            (None, false) => true,
            _ => false,
        };
        if proven {
            state.throttle.succeeded(&guesses);
            return Ok((ctx, app));
        }
    }
    state.throttle.failed(&guesses, &proof.address, now);
    metrics::counter!("qianpu_oauth_client_failures_total").increment(1);
    Err(Refused::new(OauthError::InvalidClient, "the app is unknown, closed, or did not prove who it is"))
}

/// Tokens for what an app gives.
pub async fn issue(state: &AppState, request: RequestId, proof: &ClientProof, ask: &Ask) -> Outcome<Tokens> {
    let (ctx, app) = prove(state, request, proof).await?;
    match ask {
        Ask::Own { scope } => for_itself(state, &ctx, &app, scope.as_deref()).await,
        Ask::Code { code, redirect_uri, verifier } => {
            for_code(state, request, &app, code, redirect_uri, verifier).await
        }
        Ask::Refresh { token, scope } => for_refresh(state, request, &app, token, scope.as_deref()).await,
    }
}

async fn for_itself(
    state: &AppState,
    ctx: &TenantCtx,
    app: &OauthApp,
    scope: Option<&str>,
) -> Outcome<Tokens> {
    if !app.confidential || app.facts.own_scopes.is_empty() {
        let en = "this app has no permissions of its own; ask a person for theirs";
        return Err(Refused::new(OauthError::UnauthorizedClient, en));
    }
    let scopes = scopes_within(scope, app.facts.own_scopes)?;
    let mut tx = state.db.begin(ctx).await?;
    let family = tx.new_id();
    let access_token = give(&mut tx, state, app, TokenKind::Access, None, family, scopes).await?;
    tx.commit().await?;
    Ok(answer(state, access_token, None, scopes))
}

async fn for_code(
    state: &AppState,
    request: RequestId,
    app: &OauthApp,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Outcome<Tokens> {
    let unknown = || bad_grant("the code is unknown, used or too old");
    let rest = code.strip_prefix(CODE_PREFIX).ok_or_else(unknown)?;
    let ctx = resolve::by_named_tenant(&state.db, rest, request).await?.ok_or_else(unknown)?;
    let mut tx = state.db.begin(&ctx).await?;
    let found = code_find(&tx, code).await?.ok_or_else(unknown)?;
    let authorisation = authorisation_get(&tx, found.authorisation).await?;
    if authorisation.app != app.id {
        return Err(unknown());
    }
    if found.used || !code_spend(&mut tx, found.id).await? {
        return end_family(tx, found.id, found.authorisation, AuditAction::OauthCodeReused).await;
    }
    // From here on a refusal leaves the code as it was: the transaction is not committed.
    if !authorisation.active || found.expires_at <= tx.now() {
        return Err(unknown());
    }
    if found.redirect_uri != redirect_uri {
        return Err(bad_grant("redirect_uri is not the one the code was sent to"));
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    if !verifier_is_well_formed(verifier) || !same(&challenge, &found.challenge) {
        return Err(bad_grant("code_verifier does not fit the challenge"));
    }
    pair(tx, state, app, found.authorisation, found.id, (found.scopes, found.scopes)).await
}

async fn for_refresh(
    state: &AppState,
    request: RequestId,
    app: &OauthApp,
    token: &str,
    scope: Option<&str>,
) -> Outcome<Tokens> {
    let unknown = || bad_grant("the refresh token is unknown, used or too old");
    let rest = token.strip_prefix(REFRESH_PREFIX).ok_or_else(unknown)?;
    let ctx = resolve::by_named_tenant(&state.db, rest, request).await?.ok_or_else(unknown)?;
    let mut tx = state.db.begin(&ctx).await?;
    let found = token_find(&tx, token).await?.ok_or_else(unknown)?;
    let Some(id) = found.authorisation.filter(|_| found.kind == TokenKind::Refresh && found.app == app.id)
    else {
        return Err(unknown());
    };
    if found.revoked || found.expires_at <= tx.now() || !authorisation_get(&tx, id).await?.active {
        return Err(unknown());
    }
    let narrowed = scopes_within(scope, found.scopes)?;
    if found.used || !token_spend(&mut tx, found.id).await? {
        return end_family(tx, found.family, id, AuditAction::OauthTokenReused).await;
    }
    pair(tx, state, app, id, found.family, (narrowed, found.scopes)).await
}

/// Ends what came of a code, since somebody has a copy of it or of one of its refresh tokens.
async fn end_family(
    mut tx: TenantTx,
    family: Uuid,
    of: AuthorisationId,
    action: AuditAction,
) -> Outcome<Tokens> {
    family_revoke(&mut tx, family).await?;
    audit_append(&mut tx, action, "oauth_authorisation", &of.to_string(), json!({})).await?;
    tx.commit().await?;
    tracing::warn!(authorisation_id = %of, "a code or refresh token was used twice; its tokens have ended");
    Err(bad_grant("it was used before; every token that came of it has ended"))
}

/// An access token and the refresh token after it.
async fn pair(
    mut tx: TenantTx,
    state: &AppState,
    app: &OauthApp,
    of: AuthorisationId,
    family: Uuid,
    (access, all): (PermissionSet, PermissionSet),
) -> Outcome<Tokens> {
    let access_token = give(&mut tx, state, app, TokenKind::Access, Some(of), family, access).await?;
    let refresh_token = give(&mut tx, state, app, TokenKind::Refresh, Some(of), family, all).await?;
    tx.commit().await?;
    Ok(answer(state, access_token, Some(refresh_token), access))
}

fn access_life(state: &AppState) -> Span {
    Span::minutes(state.config.login.access_token_minutes)
}

async fn give(
    tx: &mut TenantTx,
    state: &AppState,
    app: &OauthApp,
    kind: TokenKind,
    authorisation: Option<AuthorisationId>,
    family: Uuid,
    scopes: PermissionSet,
) -> Outcome<String> {
    let (prefix, life) = match kind {
        TokenKind::Access => (ACCESS_PREFIX, access_life(state)),
        TokenKind::Refresh => (REFRESH_PREFIX, Span::days(state.config.login.session_days)),
    };
    let token = format!("{prefix}{}.{}", tx.ctx().tenant().0.as_simple(), random::token());
    let new = NewToken { token: &token, kind, app: app.id, authorisation, family, scopes, life };
    token_insert(tx, &new).await?;
    Ok(token)
}

fn answer(
    state: &AppState,
    access_token: String,
    refresh_token: Option<String>,
    scopes: PermissionSet,
) -> Tokens {
    let expires_in = access_life(state).as_seconds();
    Tokens { access_token, refresh_token, expires_in, scope: scopes.words() }
}

/// Ends a token of the app; a refresh token ends with everything that came of its code. A token that is unknown has
/// ended already.
pub async fn revoke(state: &AppState, request: RequestId, proof: &ClientProof, token: &str) -> Outcome<()> {
    let (_, app) = prove(state, request, proof).await?;
    let rest = token.strip_prefix(ACCESS_PREFIX).or_else(|| token.strip_prefix(REFRESH_PREFIX));
    let Some(rest) = rest else { return Ok(()) };
    let Some(ctx) = resolve::by_named_tenant(&state.db, rest, request).await? else { return Ok(()) };
    let mut tx = state.db.begin(&ctx).await?;
    let Some(found) = token_find(&tx, token).await? else { return Ok(()) };
    if found.app != app.id {
        return Err(Refused::new(OauthError::UnauthorizedClient, "this token was given to another app"));
    }
    match found.kind {
        TokenKind::Access => token_revoke(&mut tx, found.id).await?,
        TokenKind::Refresh => family_revoke(&mut tx, found.family).await?,
    }
    Ok(tx.commit().await?)
}
