//! A tenant's people: who they are, which roles they hold and where, and whether they may log in. What is
//! changed acts on the next request. Each change is decided behind the tenant's staff gate, so that of two
//! owners who remove each other at once one stays. Nobody gives, takes or stops what is more than their own: `holds` is
//! what the caller may do in the whole tenant.

use super::notices::{StaffChange, staff_changed};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::custom_role::{StaffRole, within};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ShopId, StaffGrantId, UserId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::staff::{MOST_GRANTS, may_stop_owning, role_to_give};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::custom_role::staff_role_find;
use qianpu_tenants::store::session::session_revoke_others;
use qianpu_tenants::store::shop::{Shop, shop_get, shop_list};
use qianpu_tenants::store::staff::{
    StaffGrant, StaffPerson, active_owners, grant_delete, grant_insert, person_get, person_list, staff_gate,
};
use qianpu_tenants::store::user::user_set_active;
use serde_json::{Value, json};

pub mod joining;
pub mod roles;
pub mod sign_in;

/// A role to give, as it was asked for.
#[derive(Debug, Clone)]
pub struct GiveRole<'a> {
    pub role: &'a str,
    /// The shop it is to be limited to.
    pub shop: Option<ShopId>,
}

/// The tenant's people, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    page: PageRequest,
) -> Answer<Page<StaffPerson>> {
    Ok(person_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// One person; somebody else's is not found.
pub async fn get(state: &AppState, grant: &Grant<perm::StaffManage>, id: UserId) -> Answer<StaffPerson> {
    Ok(person_get(&*state.db.read(grant.ctx()).await?, id).await?)
}

/// The shops that a role may be limited to; none outside merchants.
pub async fn shops(state: &AppState, grant: &Grant<perm::StaffManage>) -> Answer<Vec<Shop>> {
    if grant.ctx().kind() != Surface::Merchant {
        return Ok(Vec::new());
    }
    let tx = state.db.read(grant.ctx()).await?;
    Ok(shop_list(&tx, None, PageRequest::first(100)).await?.items)
}

/// Gives a person a role.
pub async fn give_role(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    id: UserId,
    command: &GiveRole<'_>,
) -> Answer<StaffPerson> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    let person = person_get(&tx, id).await?;
    let found = staff_role_find(&tx, command.role).await?;
    let role = role_to_give(grant.ctx().kind(), found, command.shop.is_some(), holds)?;
    own_shop(&tx, command.shop).await?;
    if person.grants.iter().any(|held| held.role == role && held.shop == command.shop) {
        let (en, zh) = ("this person has this role already", "此人已有该角色");
        return Err(FieldError::new("role", "held", en, zh).into());
    }
    if person.grants.len() >= MOST_GRANTS {
        let (en, zh) = (format!("at most {MOST_GRANTS} roles"), format!("最多 {MOST_GRANTS} 个角色"));
        return Err(FieldError::new("role", "too_many", en, zh).into());
    }
    let grant_id = grant_insert(&mut tx, id, role.clone(), command.shop).await?;
    let now_held = StaffGrant { id: grant_id, role: role.clone(), shop: command.shop };
    staff_changed(state, &mut tx, id, StaffChange::RoleGiven(&now_held)).await?;
    let detail = given(&role, command.shop);
    audit_append(&mut tx, AuditAction::StaffRoleGiven, "user", &id.to_string(), detail).await?;
    let person = person_get(&tx, id).await?;
    tx.commit().await?;
    Ok(person)
}

/// What the audit log keeps of a role that was given or taken.
fn given(role: &StaffRole, shop: Option<ShopId>) -> Value {
    let name = role.own_name();
    json!({ "role": role.key(), "name": name, "shop": shop.map(|shop| shop.to_string()) })
}

/// The shop has to be the tenant's own.
async fn own_shop(tx: &TenantTx, shop: Option<ShopId>) -> Answer<()> {
    let Some(shop) = shop else { return Ok(()) };
    match shop_get(tx, shop).await {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound) => {
            let (en, zh) = ("choose one of your shops", "请选择自己的店铺");
            Err(FieldError::new("shop_id", "unknown", en, zh).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes a role from a person. The last active owner keeps theirs.
pub async fn take_role(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    id: UserId,
    held: StaffGrantId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    let person = person_get(&tx, id).await?;
    let held = person.grants.iter().find(|own| own.id == held).ok_or_else(ApiError::not_found)?;
    within(holds, held.role.permissions())?;
    if held.role.is_owner() {
        may_stop_owning(&active_owners(&tx).await?, id).map_err(ApiError::new)?;
    }
    grant_delete(&mut tx, held.id).await?;
    staff_changed(state, &mut tx, id, StaffChange::RoleTaken(held)).await?;
    let detail = given(&held.role, held.shop);
    audit_append(&mut tx, AuditAction::StaffRoleTaken, "user", &id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}

/// Stops a person from logging in; their sessions end now. The last active owner stays.
pub async fn disable(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    id: UserId,
) -> Answer<StaffPerson> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    within(holds, held_by(&person_get(&tx, id).await?))?;
    may_stop_owning(&active_owners(&tx).await?, id).map_err(ApiError::new)?;
    user_set_active(&mut tx, id, false).await.map_err(so_already)?;
    let ended = session_revoke_others(&mut tx, id, None).await?;
    staff_changed(state, &mut tx, id, StaffChange::Disabled).await?;
    let detail = json!({ "ended_sessions": ended });
    audit_append(&mut tx, AuditAction::StaffDisabled, "user", &id.to_string(), detail).await?;
    let person = person_get(&tx, id).await?;
    tx.commit().await?;
    Ok(person)
}

/// Lets a person log in again, with the roles they had. Sessions that ended stay ended.
pub async fn enable(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    id: UserId,
) -> Answer<StaffPerson> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    within(holds, held_by(&person_get(&tx, id).await?))?;
    user_set_active(&mut tx, id, true).await.map_err(so_already)?;
    staff_changed(state, &mut tx, id, StaffChange::Enabled).await?;
    audit_append(&mut tx, AuditAction::StaffEnabled, "user", &id.to_string(), json!({})).await?;
    let person = person_get(&tx, id).await?;
    tx.commit().await?;
    Ok(person)
}

/// All that a person's roles allow.
fn held_by(person: &StaffPerson) -> PermissionSet {
    person.grants.iter().fold(PermissionSet::EMPTY, |set, grant| set.or(grant.role.permissions()))
}

fn so_already(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::Conflict),
        other => other.into(),
    }
}
