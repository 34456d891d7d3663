//! `/me`: who the caller is and what they may do.

use crate::app::{account, auth};
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::SessionId;
use qianpu_tenants::authz::{Principal, Right, Scope, perm};
use qianpu_tenants::resolve::Workplace;
use qianpu_tenants::store::session::{SessionKind, SessionRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/me", get_me, "The caller: person, tenant, roles and permissions");
    api.put("/me/password", change_password, "Change the own password; the other sessions end");
    api.get("/me/sessions", list_sessions, "The own sessions, newest first");
    api.delete("/me/sessions/{session_id}", end_session, "End one of the own sessions");
}

#[derive(Debug, Serialize, ToSchema)]
struct MeView {
    principal: MePrincipal,
    /// The person with a session; null for API keys and apps.
    user: Option<MeUser>,
    tenant: MeTenant,
    /// Every tenant the person works for, home first; `POST /auth/switch` gives tokens for another.
    tenants: Vec<MePlace>,
    roles: Vec<MeRole>,
    /// Names of all permissions the caller has.
    permissions: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MePrincipal {
    /// `person`, `api_key` or `app`.
    kind: &'static str,
    id: String,
    name: String,
    /// The person an app acts for; null when it acts for itself.
    for_user_id: Option<String>,
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
struct MePlace {
    id: String,
    name: String,
    /// `operator`, `provider` or `merchant`.
    surface: &'static str,
    state: &'static str,
    /// The one these tokens are for.
    current: bool,
    /// Where the log-in lives; logging in leads there.
    home: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct MeRole {
    /// A built-in role, or the name of a role of the tenant's own, an API key or an app.
    role: String,
    /// The shop the role is limited to; null for the whole tenant.
    shop_id: Option<String>,
}

fn principal(principal: &Principal) -> MePrincipal {
    let (kind, id, name, person) = match principal {
        Principal::Person(person) => ("person", person.id.to_string(), &person.name, None),
        Principal::Impersonator(one) => ("impersonator", one.id.to_string(), &one.name, None),
        Principal::ApiKey { id, name } => ("api_key", id.to_string(), name, None),
        Principal::App { id, name, person } => ("app", id.to_string(), name, person.as_ref()),
    };
    MePrincipal { kind, id, name: name.clone(), for_user_id: person.map(|(id, _)| id.to_string()) }
}

async fn get_me(auth: Authed<perm::SelfRead>) -> Answer<Json<MeView>> {
    let caller = &auth.caller;
    let role = |right: &Right| MeRole {
        role: right.name.as_str().to_owned(),
        shop_id: match right.scope {
            Scope::Tenant => None,
            Scope::Shop(shop) => Some(shop.to_string()),
        },
    };
    let places = match caller.person() {
        Ok(person) => auth::workplaces(&auth.state, person, caller.request_id()).await?,
        Err(_) => Vec::new(),
    };
    let place = |place: Workplace| MePlace {
        id: place.ctx.tenant().to_string(),
        surface: place.ctx.kind().as_str(),
        state: place.state.as_str(),
        current: place.ctx.tenant() == caller.tenant(),
        home: place.home,
        name: place.name,
    };
    Ok(Json(MeView {
        tenants: places.into_iter().map(place).collect(),
        principal: principal(caller.principal()),
        user: caller.person().ok().map(|person| MeUser {
            id: person.id.to_string(),
            name: person.name.clone(),
            email: person.email.clone(),
        }),
        tenant: MeTenant {
            id: caller.tenant().to_string(),
            name: caller.tenant_name().to_owned(),
            surface: caller.surface().as_str(),
            state: caller.tenant_state().as_str(),
        },
        roles: caller.rights().iter().map(role).collect(),
        permissions: caller.permissions().iter().map(Permission::as_str).collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePasswordBody {
    current_password: String,
    /// 10 to 200 characters.
    new_password: String,
}

async fn change_password(auth: Authed<perm::SelfManage, Json<ChangePasswordBody>>) -> Answer<NoContent> {
    let body = &auth.input.0;
    let change = account::ChangePassword {
        current: &body.current_password,
        new: &body.new_password,
        address: &auth.info.address,
    };
    account::change_password(&auth.state, auth.caller.person()?, &auth.grant, &change).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionsView {
    items: Vec<SessionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    #[schema(value_type = String)]
    id: Id<SessionId>,
    /// `console` or `api`.
    kind: &'static str,
    /// What the client called itself.
    user_agent: String,
    /// The one that asks.
    current: bool,
    created_at: Time,
    expires_at: Time,
}

async fn list_sessions(auth: Authed<perm::SelfManage>) -> Answer<Json<SessionsView>> {
    let person = auth.caller.person()?;
    let rows = account::sessions(&auth.state, person, &auth.grant).await?;
    let view = |row: SessionRow| SessionView {
        id: Id(row.id),
        kind: match row.kind {
            SessionKind::Api => "api",
            SessionKind::Console => "console",
        },
        user_agent: row.user_agent,
        current: row.id == person.session,
        created_at: Time(row.created_at),
        expires_at: Time(row.expires_at),
    };
    Ok(Json(SessionsView { items: rows.into_iter().map(view).collect() }))
}

async fn end_session(auth: Authed<perm::SelfManage, Path<SessionId>>) -> Answer<NoContent> {
    account::end_session(&auth.state, auth.caller.person()?, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
