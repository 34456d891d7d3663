//! Third-party apps: by their client id, and the caller behind an access token. Token, authorisation, person and app are
//! read anew at each request, so that withdrawing, disabling or taking a role away acts at once.

use super::{lookup, open, rights_of};
use crate::authz::{Caller, Principal, Right, RightName, Scope};
use crate::context::{Actor, TenantCtx};
use crate::db::{Db, TenantTx};
use crate::error::{StoreError, StoreResult};
use crate::store::oauth_app::{OauthApp, oauth_app_get};
use crate::store::oauth_authorisation::{Authorisation, authorisation_get};
use crate::store::oauth_token::{Token, TokenKind, token_find};
use crate::store::tenant::TenantState;
use crate::store::{directory, user};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{OauthAppId, RequestId, TenantId};
use qianpu_domain::permission_set::PermissionSet;
use uuid::Uuid;

/// An app by its client id, with a context of a visitor in its provider. Disabled apps and those of closed providers are
/// not found.
pub async fn by_client_id(
    db: &Db,
    client_id: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, OauthApp)>> {
    let Some(found) = lookup(db, directory::OAUTH_APP, client_id, request).await? else { return Ok(None) };
    app_of(db, found.tenant, OauthAppId(found.target), request).await
}

async fn app_of(
    db: &Db,
    tenant: TenantId,
    id: OauthAppId,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, OauthApp)>> {
    let Some((row, ctx)) = open(db, tenant, Actor::Visitor, request).await? else { return Ok(None) };
    if row.state == TenantState::Closed {
        return Ok(None);
    }
    let tx = db.read(&ctx).await?;
    match oauth_app_get(&tx, id).await {
        Ok(app) if app.active => Ok(Some((ctx, app))),
        Ok(_) | Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The tenant that a code or token names: `<prefix><tenant hex>.<secret>`. The secret is proven by its hash in there.
pub async fn by_named_tenant(db: &Db, rest: &str, request: RequestId) -> StoreResult<Option<TenantCtx>> {
    let tenant = rest.split_once('.').filter(|(tenant, _)| tenant.len() == 32);
    let Some(tenant) = tenant.and_then(|(tenant, _)| Uuid::try_parse(tenant).ok()) else { return Ok(None) };
    let found = open(db, TenantId(tenant), Actor::Visitor, request).await?;
    Ok(found.filter(|(row, _)| row.state != TenantState::Closed).map(|(_, ctx)| ctx))
}

/// The app behind an access token, with what a person allowed it, if one did. `rest` is the token without its prefix.
pub async fn by_app_token(
    db: &Db,
    token: &str,
    rest: &str,
    request: RequestId,
) -> StoreResult<Option<(Caller, Option<Authorisation>)>> {
    let Some(ctx) = by_named_tenant(db, rest, request).await? else { return Ok(None) };
    let tx = db.read(&ctx).await?;
    let Some(found) = token_find(&tx, token).await? else { return Ok(None) };
    if found.kind != TokenKind::Access || found.revoked || found.expires_at <= tx.now() {
        return Ok(None);
    }
    let given = match found.authorisation {
        None => None,
        Some(id) => {
            let Some(given) = given(&tx, authorisation_get(&tx, id).await?).await? else { return Ok(None) };
            Some(given)
        }
    };
    drop(tx);
    let app_tenant = given.as_ref().map_or(ctx.tenant, |(authorisation, ..)| authorisation.app_tenant);
    let Some((_, app)) = app_of(db, app_tenant, found.app, request).await? else { return Ok(None) };
    let rights = rights(&app, &found, given.as_ref());
    let (person, authorisation) = match given {
        None => (None, None),
        Some((authorisation, name, _)) => (Some((authorisation.user, name)), Some(authorisation)),
    };
    let Some((tenant, ctx)) = open(db, ctx.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    let principal = Principal::App { id: app.id, name: app.facts.name, person };
    Ok(Some((Caller::new(principal, rights, &tenant, ctx), authorisation)))
}

type Given = (Authorisation, String, Vec<Right>);

/// An authorisation that holds, with the person's name and rights as they are now.
async fn given(tx: &TenantTx, authorisation: Authorisation) -> StoreResult<Option<Given>> {
    if !authorisation.active {
        return Ok(None);
    }
    let person = user::user_find(tx, authorisation.user).await?.filter(|person| person.active);
    let Some(person) = person else { return Ok(None) };
    let rights = rights_of(tx, authorisation.user).await?;
    Ok(Some((authorisation, person.display_name, rights)))
}

/// What the token may do: never more than the app, the authorisation and the person each may.
fn rights(app: &OauthApp, token: &Token, given: Option<&Given>) -> Vec<Right> {
    let limited = |permissions: PermissionSet| permissions.and(token.scopes).with(Permission::SelfRead);
    match given {
        None => vec![Right {
            name: RightName::Own(app.facts.name.clone()),
            permissions: limited(app.facts.own_scopes),
            scope: Scope::Tenant,
        }],
        Some((authorisation, _, rights)) => {
            let allowed = app.facts.scopes.and(authorisation.scopes);
            let right = |right: &Right| Right {
                permissions: limited(right.permissions.and(allowed)),
                ..right.clone()
            };
            rights.iter().map(right).collect()
        }
    }
}
