//! People of a tenant and their grants: (user, role, scope) triples.

use crate::db::TenantTx;
use crate::entity::{session, staff_grant, tenant, user};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::custom_role::Roles;
use crate::store::keyset::newest_first;
use crate::store::totp::totp_on_among;
use qianpu_domain::access::Role;
use qianpu_domain::custom_role::StaffRole;
use qianpu_domain::ids::{ShopId, StaffGrantId, UserId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most grants that are read of one page of people.
const MOST_GRANTS: u64 = 5_000;

/// A grant.
#[derive(Clone, Debug)]
pub struct StaffGrant {
    /// Its id.
    pub id: StaffGrantId,
    /// The role.
    pub role: StaffRole,
    /// The shop it is limited to; none for the whole tenant.
    pub shop: Option<ShopId>,
}

async fn from_models(tx: &TenantTx, rows: &[staff_grant::Model]) -> StoreResult<Vec<StaffGrant>> {
    let roles = Roles::of(tx, rows.iter().map(|row| row.role.as_str())).await?;
    rows.iter().map(|row| from_model(&roles, row)).collect()
}

fn from_model(roles: &Roles, row: &staff_grant::Model) -> StoreResult<StaffGrant> {
    Ok(StaffGrant {
        id: StaffGrantId(row.id),
        role: roles.get(&row.role)?,
        shop: (row.scope_kind == "shop").then_some(ShopId(row.scope_id)),
    })
}

/// Lets one change of this tenant's staff at a time be decided: until commit nobody else passes, so that
/// two owners cannot remove each other. On SQLite writers are alone anyway.
pub async fn staff_gate(tx: &mut TenantTx) -> StoreResult<()> {
    tenant::Entity::find_by_id(tx.tenant())
        .lock(LockType::NoKeyUpdate)
        .one(tx.conn())
        .await?
        .map(|_| ())
        .ok_or(StoreError::NotFound)
}

/// Gives a role in the whole tenant, or in one shop.
pub async fn grant_insert(
    tx: &mut TenantTx,
    user: UserId,
    role: impl Into<StaffRole>,
    shop: Option<ShopId>,
) -> StoreResult<StaffGrantId> {
    let id = tx.new_id();
    let role: StaffRole = role.into();
    let (scope_kind, scope_id) = match shop {
        Some(shop) => ("shop", shop.0),
        None => (tx.ctx().kind().as_str(), tx.tenant()),
    };
    staff_grant::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        user_id: Set(user.0),
        role: Set(role.key()),
        scope_kind: Set(scope_kind.to_owned()),
        scope_id: Set(scope_id),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(StaffGrantId(id))
}

/// Grants of one person in this tenant, oldest first.
pub async fn grant_list(tx: &TenantTx, user: UserId) -> StoreResult<Vec<StaffGrant>> {
    let rows = staff_grant::Entity::find()
        .filter(staff_grant::Column::TenantId.eq(tx.tenant()))
        .filter(staff_grant::Column::UserId.eq(user.0))
        .order_by_asc(staff_grant::Column::Id)
        .limit(100)
        .all(tx.conn())
        .await?;
    from_models(tx, &rows).await
}

/// Takes a grant away. It acts on the next request.
pub async fn grant_delete(tx: &mut TenantTx, id: StaffGrantId) -> StoreResult<()> {
    let done = staff_grant::Entity::delete_by_id((tx.tenant(), id.0)).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// A person with what they may do.
#[derive(Clone, Debug)]
pub struct StaffPerson {
    /// The person.
    pub user: UserId,
    /// Log-in e-mail.
    pub email: String,
    /// Shown name.
    pub name: String,
    /// May log in.
    pub active: bool,
    /// Has to give a code of an authenticator app.
    pub totp: bool,
    /// When they joined.
    pub created_at: Timestamp,
    /// When they last logged in.
    pub last_login_at: Option<Timestamp>,
    /// Their grants, oldest first.
    pub grants: Vec<StaffGrant>,
}

/// The tenant's people, newest first.
pub async fn person_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<StaffPerson>> {
    let query = user::Entity::find().filter(user::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, user::Column::CreatedAt, user::Column::Id, page).all(tx.conn()).await?;
    let people = with_grants(tx, rows).await?;
    Ok(Page::from_rows(people, page.limit, |row| Cursor { at: row.created_at, id: row.user.0 }))
}

/// One of the tenant's people.
pub async fn person_get(tx: &TenantTx, id: UserId) -> StoreResult<StaffPerson> {
    let row = user::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    with_grants(tx, vec![row]).await?.pop().ok_or(StoreError::NotFound)
}

async fn with_grants(tx: &TenantTx, rows: Vec<user::Model>) -> StoreResult<Vec<StaffPerson>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let grants = staff_grant::Entity::find()
        .filter(staff_grant::Column::TenantId.eq(tx.tenant()))
        .filter(staff_grant::Column::UserId.is_in(ids.iter().copied()))
        .order_by_asc(staff_grant::Column::Id)
        .limit(MOST_GRANTS)
        .all(tx.conn())
        .await?;
    let mut of: BTreeMap<Uuid, Vec<StaffGrant>> = BTreeMap::new();
    let read = from_models(tx, &grants).await?;
    for (row, grant) in grants.iter().zip(read) {
        of.entry(row.user_id).or_default().push(grant);
    }
    let last: Vec<(Uuid, Option<i64>)> = session::Entity::find()
        .select_only()
        .column(session::Column::UserId)
        .column_as(session::Column::CreatedAt.max(), "last")
        .filter(session::Column::TenantId.eq(tx.tenant()))
        .filter(session::Column::UserId.is_in(ids.iter().copied()))
        .group_by(session::Column::UserId)
        .into_tuple()
        .all(tx.conn())
        .await?;
    let last: BTreeMap<Uuid, i64> =
        last.into_iter().filter_map(|(user, at)| at.map(|at| (user, at))).collect();
    let totp = totp_on_among(tx, &ids).await?;
    let person = |row: user::Model| StaffPerson {
        user: UserId(row.id),
        email: row.email,
        name: row.display_name,
        active: row.state == "active",
        totp: totp.contains(&row.id),
        created_at: Timestamp::from_micros(row.created_at),
        last_login_at: last.get(&row.id).copied().map(Timestamp::from_micros),
        grants: of.remove(&row.id).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(person).collect())
}

/// Who owns the tenant and may log in.
pub async fn active_owners(tx: &TenantTx) -> StoreResult<Vec<UserId>> {
    let owners = Role::of(tx.ctx().kind()).filter(|role| role.is_owner()).map(Role::as_str);
    let grants = staff_grant::Entity::find()
        .filter(staff_grant::Column::TenantId.eq(tx.tenant()))
        .filter(staff_grant::Column::Role.is_in(owners))
        .filter(staff_grant::Column::ScopeKind.ne("shop"))
        .limit(500)
        .all(tx.conn())
        .await?;
    let rows = user::Entity::find()
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.is_in(grants.into_iter().map(|grant| grant.user_id)))
        .filter(user::Column::State.eq("active"))
        .limit(500)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| UserId(row.id)).collect())
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
        .filter(staff_grant::Column::ScopeKind.ne("shop"))
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
