//! From the secret of a program to a [`Caller`]. Everything is read anew at each request, so that what is revoked is dead
//! at once.

use super::{lookup, open};
use crate::authz::{Caller, Principal, Right, RightName, Scope};
use crate::context::Actor;
use crate::db::Db;
use crate::error::{StoreError, StoreResult};
use crate::store::api_key::{ApiKey, api_key_get, api_key_hash};
use crate::store::directory;
use crate::store::tenant::TenantState;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{ApiKeyId, RequestId};

/// The program behind an API key, with the key as it is now. `None` when the key is unknown, revoked or too old, or its
/// tenant is closed.
pub async fn by_api_key(db: &Db, token: &str, request: RequestId) -> StoreResult<Option<(Caller, ApiKey)>> {
    let hash = api_key_hash(token);
    let Some(found) = lookup(db, directory::API_KEY, &hash, request).await? else { return Ok(None) };
    let Some((tenant, ctx)) = open(db, found.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    if tenant.state == TenantState::Closed {
        return Ok(None);
    }
    let tx = db.read(&ctx).await?;
    let key = match api_key_get(&tx, ApiKeyId(found.target)).await {
        Ok(key) if key.is_alive(tx.now()) => key,
        Ok(_) | Err(StoreError::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    drop(tx);
    let principal = Principal::ApiKey { id: key.id, name: key.name.clone() };
    let right = |scope| Right {
        name: RightName::Own(key.name.clone()),
        permissions: key.permissions.with(Permission::SelfRead),
        scope,
    };
    let rights = match &key.shops {
        None => vec![right(Scope::Tenant)],
        Some(shops) => shops.iter().map(|shop| right(Scope::Shop(*shop))).collect(),
    };
    Ok(Some((Caller::new(principal, rights, &tenant, ctx), key)))
}
