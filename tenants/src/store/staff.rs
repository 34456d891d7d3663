//! Staff grants: (user, role, scope) triples.

use crate::db::TenantTx;
use crate::entity::{staff_grant, user};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::access::Role;
use qianpu_domain::ids::{ShopId, StaffGrantId, UserId};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// A grant.
#[derive(Clone, Debug)]
pub struct StaffGrant {
    /// Its id.
    pub id: StaffGrantId,
    /// The role.
    pub role: Role,
    /// The shop it is limited to; none for the whole tenant.
    pub shop: Option<ShopId>,
}

/// Gives a role in the whole tenant, or in one shop.
pub async fn grant_insert(
    tx: &mut TenantTx,
    user: UserId,
    role: Role,
    shop: Option<ShopId>,
) -> StoreResult<StaffGrantId> {
    let id = tx.new_id();
    let (scope_kind, scope_id) = match shop {
        Some(shop) => ("shop", shop.0),
        None => (role.surface().as_str(), tx.tenant()),
    };
    staff_grant::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        user_id: Set(user.0),
        role: Set(role.as_str().to_owned()),
        scope_kind: Set(scope_kind.to_owned()),
        scope_id: Set(scope_id),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(StaffGrantId(id))
}

/// Grants of one person in this tenant.
pub async fn grant_list(tx: &TenantTx, user: UserId) -> StoreResult<Vec<StaffGrant>> {
    let rows = staff_grant::Entity::find()
        .filter(staff_grant::Column::TenantId.eq(tx.tenant()))
        .filter(staff_grant::Column::UserId.eq(user.0))
        .limit(100)
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StaffGrant {
                id: StaffGrantId(row.id),
                role: Role::parse(&row.role).ok_or(StoreError::Corrupt("staff_grants.role"))?,
                shop: (row.scope_kind == "shop").then_some(ShopId(row.scope_id)),
            })
        })
        .collect()
}

/// Takes a grant away. It acts on the next request.
pub async fn grant_delete(tx: &mut TenantTx, id: StaffGrantId) -> StoreResult<()> {
    let done = staff_grant::Entity::delete_by_id((tx.tenant(), id.0)).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// A person of the tenant, as one writes to them.
#[derive(Clone, Debug)]
pub struct StaffMember {
    /// The person.
    pub user: UserId,
    /// Log-in e-mail.
    pub email: String,
    /// Shown name.
    pub name: String,
    /// `zh` or `en`.
    pub locale: String,
}

/// Active people who hold one of `roles` in the whole tenant, each once; to tell them something.
pub async fn staff_with_roles(tx: &TenantTx, roles: &[Role]) -> StoreResult<Vec<StaffMember>> {
    let grants = staff_grant::Entity::find()
        .filter(staff_grant::Column::TenantId.eq(tx.tenant()))
        .filter(staff_grant::Column::Role.is_in(roles.iter().map(|role| role.as_str())))
        .limit(500)
        .all(tx.conn())
        .await?;
    let rows = user::Entity::find()
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.is_in(grants.into_iter().map(|grant| grant.user_id)))
        .filter(user::Column::State.eq("active"))
        .order_by_asc(user::Column::CreatedAt)
        .limit(50)
        .all(tx.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| StaffMember {
            user: UserId(row.id),
            email: row.email,
            name: row.display_name,
            locale: row.locale,
        })
        .collect())
}
