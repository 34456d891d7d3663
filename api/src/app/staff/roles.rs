//! Roles of a tenant's own: made from permissions of its console by somebody who holds them all, changed, and taken
//! out when nobody holds them. A change acts on the next request of whoever holds the role.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::custom_role::{
    self, CustomRole, MOST_CUSTOM_ROLES, StaffRole, chosen, grantable, may_be_limited, name_taken, within,
};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::RoleId;
use qianpu_domain::permission_set::PermissionSet;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::custom_role::{
    RoleUse, custom_role_delete, custom_role_get, custom_role_insert, custom_role_list, custom_role_save,
    custom_role_use,
};
use qianpu_tenants::store::staff::staff_gate;
use serde_json::json;

/// A role to be, as it was asked for.
#[derive(Debug, Clone)]
pub struct RoleToBe {
    pub name: String,
    pub permissions: Vec<String>,
}

/// Every role that the tenant's people may have: those of the console, then its own.
pub async fn list(state: &AppState, grant: &Grant<perm::StaffManage>) -> Answer<Vec<StaffRole>> {
    let own = custom_role_list(&*state.db.read(grant.ctx()).await?).await?;
    let built_in = Role::of(grant.ctx().kind()).map(StaffRole::from);
    Ok(built_in.chain(own.into_iter().map(StaffRole::Custom)).collect())
}

/// One of the tenant's own roles, and where it is in use.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    id: RoleId,
) -> Answer<(CustomRole, RoleUse)> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok((custom_role_get(&tx, id).await?, custom_role_use(&tx, id).await?))
}

/// What the caller may put into a role.
pub fn choices(grant: &Grant<perm::StaffManage>, holds: PermissionSet) -> PermissionSet {
    grantable(grant.ctx().kind()).and(holds)
}

fn read(
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    new: &RoleToBe,
) -> Answer<(String, PermissionSet)> {
    let name = custom_role::name(&new.name);
    let words = new.permissions.iter().map(String::as_str);
    match (name, chosen(grant.ctx().kind(), words, holds)) {
        (Ok(name), Ok(permissions)) => Ok((name, permissions)),
        (name, permissions) => {
            let errors: Vec<FieldError> = name.err().into_iter().chain(permissions.err()).collect();
            Err(errors.into())
        }
    }
}

fn refused(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict("role_name") => name_taken().into(),
        StoreError::Conflict(_) => ApiError::new(ErrorCode::VersionConflict),
        other => other.into(),
    }
}

/// Makes a role.
pub async fn add(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    new: &RoleToBe,
) -> Answer<CustomRole> {
    let (name, permissions) = read(grant, holds, new)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    if custom_role_list(&tx).await?.len() >= MOST_CUSTOM_ROLES {
        let (en, zh) =
            ("at most 50 roles of your own; delete one first", "自建角色最多 50 个，请先删除不用的");
        return Err(FieldError::new("name", "too_many", en, zh).into());
    }
    let made = custom_role_insert(&mut tx, &name, permissions).await.map_err(refused)?;
    let detail = json!({ "name": name, "permissions": permissions.words() });
    audit_append(&mut tx, AuditAction::RoleMade, "role", &made.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(made)
}

/// Changes a role that is still as it was seen. Neither what it was nor what it becomes may be more than the caller
/// holds, and who holds it in single shops keeps a role that can be held there.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    (id, seen): (RoleId, Option<i64>),
    new: &RoleToBe,
) -> Answer<CustomRole> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    let was = custom_role_get(&tx, id).await?;
    let (name, permissions) = read(grant, holds, new)?;
    within(holds, was.permissions)?;
    let limited = custom_role_use(&tx, id).await?.limited > 0;
    if limited && !may_be_limited(grant.ctx().kind(), permissions) {
        let en = "people hold this role in single shops, where these permissions cannot hold; take it from them first";
        let zh = "有员工只在单个店铺拥有该角色，其中有些权限不能限定店铺，请先收回";
        return Err(FieldError::new("permissions", "limited", en, zh).into());
    }
    let seen = seen.unwrap_or(was.version);
    let next = CustomRole { id, name, permissions, version: seen };
    custom_role_save(&mut tx, &next).await.map_err(refused)?;
    let detail = json!({
        "name": next.name, "permissions": permissions.words(), "before": was.permissions.words(),
    });
    audit_append(&mut tx, AuditAction::RoleChanged, "role", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(CustomRole { version: seen + 1, ..next })
}

/// Takes a role out of the tenant. Refused while somebody holds it or is invited to.
pub async fn remove(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    id: RoleId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_gate(&mut tx).await?;
    let was = custom_role_get(&tx, id).await?;
    within(holds, was.permissions)?;
    if custom_role_use(&tx, id).await?.times > 0 {
        return Err(ApiError::new(ErrorCode::RoleInUse));
    }
    custom_role_delete(&mut tx, id).await?;
    let detail = json!({ "name": was.name, "permissions": was.permissions.words() });
    audit_append(&mut tx, AuditAction::RoleRemoved, "role", &id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}
