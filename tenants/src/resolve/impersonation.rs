//! Who acts in a tenant below their own.

use super::{open, rights_of};
use crate::authz::{Caller, Impersonator, Principal, Right, Scope};
use crate::context::Actor;
use crate::db::Db;
use crate::error::StoreResult;
use crate::store::tenant::TenantState;
use crate::store::{impersonation, user};
use qianpu_domain::access::{Permission, Surface, impersonated_role};
use qianpu_domain::ids::{RequestId, TenantId};
use uuid::Uuid;

/// Who acts in a tenant below their own, by `<tenant hex>.<token>`. `None` when it is over, when the person may not do
/// it any more, or does not belong above the tenant any more.
pub async fn by_impersonation(db: &Db, secret: &str, request: RequestId) -> StoreResult<Option<Caller>> {
    let Some((tenant, token)) = secret.split_once('.') else { return Ok(None) };
    let Ok(tenant) = Uuid::try_parse(tenant) else { return Ok(None) };
    let Some((row, ctx)) = open(db, TenantId(tenant), Actor::Visitor, request).await? else {
        return Ok(None);
    };
    let tx = db.read(&ctx).await?;
    let found = impersonation::impersonation_by_token(&tx, token).await?;
    let Some(found) = found.filter(|found| found.is_alive(tx.now())) else { return Ok(None) };
    drop(tx);
    let Some((above, from)) = open(db, found.actor_tenant, Actor::Visitor, request).await? else {
        return Ok(None);
    };
    let belongs = match row.kind {
        Surface::Merchant => above.kind == Surface::Provider && row.provider == Some(above.id),
        Surface::Provider => above.kind == Surface::Operator,
        Surface::Operator => false,
    };
    if !belongs || above.state != TenantState::Active || row.state == TenantState::Closed {
        return Ok(None);
    }
    let tx = db.read(&from).await?;
    let person = user::user_find(&tx, found.actor).await?.filter(|person| person.active);
    let may = rights_of(&tx, found.actor)
        .await?
        .iter()
        .any(|right| right.scope == Scope::Tenant && right.permissions.contains(Permission::Impersonate));
    let (Some(person), true, Some(role)) = (person, may, impersonated_role(row.kind)) else {
        return Ok(None);
    };
    let principal = Principal::Impersonator(Impersonator {
        id: person.id,
        name: person.display_name,
        email: person.email,
        of: above.name,
        impersonation: found.id,
        csrf_token: found.csrf_token,
        until: found.expires_at,
        acts_for: row.name.clone(),
    });
    Ok(Some(Caller::new(principal, vec![Right::role(role, Scope::Tenant)], &row, ctx)))
}
