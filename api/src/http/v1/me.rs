//! `/me`: who the caller is and what they may do.

use crate::error::Answer;
use crate::http::extract::{Authed, Json};
use crate::http::route::Api;
use qianpu_domain::access::Permission;
use qianpu_tenants::authz::{Scope, perm};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/me", get_me, "The caller: person, tenant, roles and permissions");
}

#[derive(Debug, Serialize, ToSchema)]
struct MeView {
    user: MeUser,
    tenant: MeTenant,
    roles: Vec<MeRole>,
    /// Names of all permissions the roles give.
    permissions: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MeUser {
    id: String,
    name: String,
    email: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct MeTenant {
    id: String,
    name: String,
    /// `operator`, `provider` or `merchant`.
    surface: &'static str,
    state: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct MeRole {
    role: &'static str,
    /// The shop the role is limited to; null for the whole tenant.
    shop_id: Option<String>,
}

async fn get_me(auth: Authed<perm::SelfRead>) -> Answer<Json<MeView>> {
    let caller = &auth.caller;
    let role = |(role, scope): &(qianpu_domain::access::Role, Scope)| MeRole {
        role: role.as_str(),
        shop_id: match scope {
            Scope::Tenant => None,
            Scope::Shop(shop) => Some(shop.to_string()),
        },
    };
    Ok(Json(MeView {
        user: MeUser {
            id: caller.user().to_string(),
            name: caller.name().to_owned(),
            email: caller.email().to_owned(),
        },
        tenant: MeTenant {
            id: caller.tenant().to_string(),
            name: caller.tenant_name().to_owned(),
            surface: caller.surface().as_str(),
            state: caller.tenant_state().as_str(),
        },
        roles: caller.roles().iter().map(role).collect(),
        permissions: Permission::ALL
            .iter()
            .filter(|permission| caller.may(**permission))
            .map(|permission| permission.as_str())
            .collect(),
    }))
}
