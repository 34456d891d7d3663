//! `/roles`: the roles of the console, and those the tenant makes itself.

use crate::app::staff::roles::{self, RoleToBe};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent, Versioned};
use crate::http::extract::{Authed, Call, IfMatch, Json, Path};
use crate::http::route::Api;
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::custom_role::{CustomRole, StaffRole};
use qianpu_domain::ids::RoleId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/roles", list_roles, "Built-in roles of the console and the tenant's own, with what they allow");
    api.get("/roles/{role_id}", get_role, "One of the tenant's own roles");
    api.post("/roles", add_role, "Make a role from permissions one holds");
    api.put(
        "/roles/{role_id}",
        change_role,
        "Change a role; it acts on the next request of whoever holds it",
    );
    api.delete("/roles/{role_id}", remove_role, "Delete a role that nobody holds or is invited to");
}

#[derive(Debug, Serialize, ToSchema)]
struct RolesView {
    items: Vec<RoleView>,
    /// What the caller may put into a role of the tenant's own.
    grantable: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoleView {
    /// A word for a built-in role, an id for one of the tenant's own. Grants and invitations take it as `role`.
    id: String,
    /// In the caller's language for built-in ones.
    name: String,
    built_in: bool,
    permissions: Vec<&'static str>,
    /// Whether it may be given in single shops.
    may_be_limited: bool,
    /// Of the tenant's own; for `If-Match`.
    version: Option<i64>,
}

fn view(call: &Call, surface: Surface, role: &StaffRole) -> RoleView {
    let name = match role.own_name() {
        Some(name) => name.to_owned(),
        None => call.state.pages.catalogue().say(call.info.lang, &format!("roles.{}", role.key()), []),
    };
    let version = match role {
        StaffRole::BuiltIn(_) => None,
        StaffRole::Custom(role) => Some(role.version),
    };
    RoleView {
        id: role.key(),
        name,
        built_in: role.built_in().is_some(),
        permissions: role.permissions().iter().map(Permission::as_str).collect(),
        may_be_limited: role.may_be_limited(surface),
        version,
    }
}

fn own(call: &Call, surface: Surface, role: CustomRole) -> RoleView {
    view(call, surface, &StaffRole::Custom(role))
}

async fn list_roles(auth: Authed<perm::StaffManage>) -> Answer<Json<RolesView>> {
    let surface = auth.caller.surface();
    let found = roles::list(&auth.state, &auth.grant).await?;
    let grantable = roles::choices(&auth.grant, auth.caller.holds_everywhere());
    Ok(Json(RolesView {
        items: found.iter().map(|role| view(&auth, surface, role)).collect(),
        grantable: grantable.iter().map(Permission::as_str).collect(),
    }))
}

async fn get_role(auth: Authed<perm::StaffManage, Path<RoleId>>) -> Answer<Versioned<RoleView>> {
    let (role, _) = roles::get(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Versioned { version: role.version, body: own(&auth, auth.caller.surface(), role) })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleBody {
    /// 1 to 40 characters, once in the tenant.
    name: String,
    /// At least one of `grantable`.
    permissions: Vec<String>,
}

impl From<&RoleBody> for RoleToBe {
    fn from(body: &RoleBody) -> Self {
        Self { name: body.name.clone(), permissions: body.permissions.clone() }
    }
}

async fn add_role(auth: Authed<perm::StaffManage, Json<RoleBody>>) -> Answer<Created<RoleView>> {
    let holds = auth.caller.holds_everywhere();
    let made = roles::add(&auth.state, &auth.grant, holds, &(&auth.input.0).into()).await?;
    Ok(Created(own(&auth, auth.caller.surface(), made)))
}

async fn change_role(
    auth: Authed<perm::StaffManage, (Path<RoleId>, IfMatch, Json<RoleBody>)>,
) -> Answer<Versioned<RoleView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let holds = auth.caller.holds_everywhere();
    let next = roles::change(&auth.state, &auth.grant, holds, (*id, *seen), &body.into()).await?;
    Ok(Versioned { version: next.version, body: own(&auth, auth.caller.surface(), next) })
}

async fn remove_role(auth: Authed<perm::StaffManage, Path<RoleId>>) -> Answer<NoContent> {
    roles::remove(&auth.state, &auth.grant, auth.caller.holds_everywhere(), auth.input.0).await?;
    Ok(NoContent)
}
