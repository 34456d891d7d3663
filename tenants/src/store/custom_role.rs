//! Roles of a tenant's own. Grants and invitations name them by their id, as they name built-in ones by their
//! word. Who changes them stands behind the staff gate.

use crate::db::TenantTx;
use crate::entity::{custom_role, staff_grant, staff_invitation};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::access::Role;
use qianpu_domain::custom_role::{CustomRole, MOST_CUSTOM_ROLES, StaffRole};
use qianpu_domain::ids::RoleId;
use qianpu_domain::permission_set::PermissionSet;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

fn from_model(row: custom_role::Model) -> CustomRole {
    CustomRole {
        id: RoleId(row.id),
        name: row.name,
        permissions: PermissionSet::of_words(row.permissions.split(' ')),
        version: row.version,
    }
}

/// The tenant's own roles, oldest first; there are few.
pub async fn custom_role_list(tx: &TenantTx) -> StoreResult<Vec<CustomRole>> {
    let rows = custom_role::Entity::find()
        .filter(custom_role::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(custom_role::Column::Id)
        .limit(MOST_CUSTOM_ROLES as u64)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// One of them.
pub async fn custom_role_get(tx: &TenantTx, id: RoleId) -> StoreResult<CustomRole> {
    let row = custom_role::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// The role behind a word or an id, when there is one.
pub async fn staff_role_find(tx: &TenantTx, key: &str) -> StoreResult<Option<StaffRole>> {
    if let Some(role) = Role::parse(key) {
        return Ok(Some(role.into()));
    }
    let Ok(id) = key.parse::<RoleId>() else { return Ok(None) };
    let row = custom_role::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    Ok(row.map(|row| StaffRole::Custom(from_model(row))))
}

/// Roles as rows name them, each read once.
pub(crate) struct Roles(Vec<CustomRole>);

impl Roles {
    /// For rows with these keys: most tenants make none, and nothing is read for built-in ones.
    pub(crate) async fn of<'a>(tx: &TenantTx, keys: impl IntoIterator<Item = &'a str>) -> StoreResult<Self> {
        let own = keys.into_iter().any(|key| Role::parse(key).is_none());
        Ok(Self(if own { custom_role_list(tx).await? } else { Vec::new() }))
    }
    pub(crate) fn get(&self, key: &str) -> StoreResult<StaffRole> {
        if let Some(role) = Role::parse(key) {
            return Ok(role.into());
        }
        let id: RoleId = key.parse().map_err(|_| StoreError::Corrupt("a role"))?;
        let found = self.0.iter().find(|role| role.id == id).cloned();
        found.map(StaffRole::Custom).ok_or(StoreError::Corrupt("a role"))
    }
}

/// Adds a role. `Conflict(role_name)` when the tenant has one of this name.
pub async fn custom_role_insert(
    tx: &mut TenantTx,
    name: &str,
    permissions: PermissionSet,
) -> StoreResult<CustomRole> {
    free_name(tx, name, None).await?;
    let id = tx.new_id();
    let now = tx.now().micros();
    custom_role::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        name: Set(name.to_owned()),
        permissions: Set(permissions.words()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await?;
    Ok(CustomRole { id: RoleId(id), name: name.to_owned(), permissions, version: 1 })
}

async fn free_name(tx: &TenantTx, name: &str, of: Option<RoleId>) -> StoreResult<()> {
    let same = custom_role::Entity::find()
        .filter(custom_role::Column::TenantId.eq(tx.tenant()))
        .filter(custom_role::Column::Name.eq(name))
        .one(tx.conn())
        .await?;
    match same {
        Some(row) if of != Some(RoleId(row.id)) => Err(StoreError::Conflict("role_name")),
        _ => Ok(()),
    }
}

/// Changes a role that is still as it was seen; it acts on the next request of whoever holds it.
/// `Conflict(role)` when somebody else changed it meanwhile.
pub async fn custom_role_save(tx: &mut TenantTx, role: &CustomRole) -> StoreResult<()> {
    free_name(tx, &role.name, Some(role.id)).await?;
    let done = custom_role::Entity::update_many()
        .col_expr(custom_role::Column::Name, Expr::value(role.name.as_str()))
        .col_expr(custom_role::Column::Permissions, Expr::value(role.permissions.words()))
        .col_expr(custom_role::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(custom_role::Column::Version, Expr::col(custom_role::Column::Version).add(1))
        .filter(custom_role::Column::TenantId.eq(tx.tenant()))
        .filter(custom_role::Column::Id.eq(role.id.0))
        .filter(custom_role::Column::Version.eq(role.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict("role")) }
}

/// Takes a role out of the tenant. `NotFound` when it is gone.
pub async fn custom_role_delete(tx: &mut TenantTx, id: RoleId) -> StoreResult<()> {
    let done = custom_role::Entity::delete_by_id((tx.tenant(), id.0)).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Where a role is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoleUse {
    /// How often it is held or offered.
    pub times: u64,
    /// How often it is limited to a shop.
    pub limited: u64,
}

/// How often people hold a role, or are invited to. Invitations first: one that is accepted meanwhile is
/// counted twice rather than not at all.
pub async fn custom_role_use(tx: &TenantTx, id: RoleId) -> StoreResult<RoleUse> {
    let key = id.to_string();
    let offered = staff_invitation::Entity::find()
        .filter(staff_invitation::Column::TenantId.eq(tx.tenant()))
        .filter(staff_invitation::Column::Role.eq(key.as_str()))
        .filter(staff_invitation::Column::State.eq("open"));
    let offered_in_shops = offered.clone().filter(staff_invitation::Column::ShopId.is_not_null());
    let (offered, in_shops) = (offered.count(tx.conn()).await?, offered_in_shops.count(tx.conn()).await?);
    let held = staff_grant::Entity::find()
        .filter(staff_grant::Column::TenantId.eq(tx.tenant()))
        .filter(staff_grant::Column::Role.eq(key.as_str()));
    let limited = held.clone().filter(staff_grant::Column::ScopeKind.eq("shop"));
    let (held, limited) = (held.count(tx.conn()).await?, limited.count(tx.conn()).await?);
    Ok(RoleUse { times: offered + held, limited: in_shops + limited })
}
