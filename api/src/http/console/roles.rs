//! The roles of a tenant: what the built-in ones allow, and making, changing and deleting its own.

use super::apply::may_be_mended;
use crate::app::staff::roles::{self, RoleToBe};
use crate::error::Answer;
use crate::http::extract::{Authed, Call, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::custom_role::{CustomRole, StaffRole, within};
use qianpu_domain::ids::RoleId;
use qianpu_domain::permission_set::PermissionSet;
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, roles_page);
        pages.post(&home, add_role_form);
        pages.get(&format!("{home}/{{role_id}}"), role_page);
        pages.post(&format!("{home}/{{role_id}}"), change_role_form);
        pages.post(&format!("{home}/{{role_id}}/delete"), remove_role_form);
    }
}

type Manages<T = ()> = Authed<perm::StaffManage, T>;

pub(super) fn home_of(surface: Surface) -> String {
    format!("/console/{}/roles", surface.as_str())
}

/// What a role is called: the tenant's own name, or the product's in the reader's language.
pub(super) fn role_name(call: &Call, role: &StaffRole) -> String {
    match role.own_name() {
        Some(name) => name.to_owned(),
        None => say(call, &format!("roles.{}", role.key())),
    }
}

/// What a role does: a sentence for a built-in one, the permissions of one of the tenant's own.
pub(super) fn what_it_does(call: &Call, role: &StaffRole) -> String {
    match role {
        StaffRole::BuiltIn(role) => say(call, &format!("roles.does.{}", role.as_str())),
        StaffRole::Custom(role) => {
            let names: Vec<String> = role.permissions.iter().map(|one| permission_name(call, one)).collect();
            names.join(call.info.lang.pick("、", ", "))
        }
    }
}

fn say(call: &Call, key: &str) -> String {
    call.state.pages.catalogue().say(call.info.lang, key, [])
}

fn permission_name(call: &Call, permission: Permission) -> String {
    say(call, &["permissions.", permission.as_str()].concat())
}

#[derive(Serialize)]
struct RoleLine {
    id: String,
    name: String,
    built_in: bool,
    permissions: Vec<String>,
    limitable: bool,
    /// The caller may change it.
    changeable: bool,
}

#[derive(Serialize)]
struct PermissionBox {
    value: &'static str,
    label: String,
    ticked: bool,
}

#[derive(Serialize)]
struct RolesView {
    form: FormView,
    home: String,
    staff_home: String,
    own: Vec<RoleLine>,
    built_in: Vec<RoleLine>,
    boxes: Vec<PermissionBox>,
}

fn line(call: &Call, surface: Surface, holds: PermissionSet, role: &StaffRole) -> RoleLine {
    // What everyone has goes without saying.
    let allowed = role.permissions().iter().filter(|permission| !permission.is_everyones());
    RoleLine {
        id: role.key(),
        name: role_name(call, role),
        built_in: role.built_in().is_some(),
        permissions: allowed.map(|permission| permission_name(call, permission)).collect(),
        limitable: role.may_be_limited(surface),
        changeable: role.built_in().is_none() && within(holds, role.permissions()).is_ok(),
    }
}

/// One box for each permission the caller may put into a role.
fn boxes<T>(auth: &Manages<T>, ticked: impl Fn(Permission) -> bool) -> Vec<PermissionBox> {
    let may = roles::choices(&auth.grant, auth.caller.holds_everywhere());
    let one = |permission: Permission| PermissionBox {
        value: permission.as_str(),
        label: permission_name(auth, permission),
        ticked: ticked(permission),
    };
    may.iter().map(one).collect()
}

async fn roles_view<T>(auth: &Manages<T>, form: FormView, chosen: &[String]) -> Answer<RolesView> {
    let (surface, holds) = (auth.caller.surface(), auth.caller.holds_everywhere());
    let found = roles::list(&auth.state, &auth.grant).await?;
    let lines = found.iter().map(|role| line(auth, surface, holds, role));
    let (built_in, own) = lines.partition(|line: &RoleLine| line.built_in);
    Ok(RolesView {
        form,
        home: home_of(surface),
        staff_home: format!("/console/{}/staff", surface.as_str()),
        own,
        built_in,
        boxes: boxes(auth, |permission| chosen.iter().any(|word| word == permission.as_str())),
    })
}

async fn roles_page(auth: Manages) -> PageAnswer {
    let view = roles_view(&auth, FormView::default(), &[]).await?;
    auth.page("staff/roles", view)
}

fn asked(fields: &Fields) -> RoleToBe {
    let permissions = fields.all("permissions").map(str::to_owned).collect();
    RoleToBe { name: fields.text("name").to_owned(), permissions }
}

async fn add_role_form(auth: Manages<Fields>) -> PageAnswer {
    let new = asked(&auth.input);
    match roles::add(&auth.state, &auth.grant, auth.caller.holds_everywhere(), &new).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("staff.role_made"), &home_of(auth.caller.surface()))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&auth.input, &error, auth.info.lang);
            let view = roles_view(&auth, form, &new.permissions).await?;
            auth.refused_page("staff/roles", view)
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct RoleView {
    form: FormView,
    home: String,
    /// Address of this page.
    at: String,
    name: String,
    version: i64,
    limitable: bool,
    /// How often it is held or offered.
    times: u64,
    changeable: bool,
    boxes: Vec<PermissionBox>,
}

async fn role_view<T>(
    auth: &Manages<T>,
    id: RoleId,
    form: Option<(FormView, &RoleToBe)>,
) -> Answer<RoleView> {
    let (role, used) = roles::get(&auth.state, &auth.grant, id).await?;
    let surface = auth.caller.surface();
    let CustomRole { name, version, permissions, .. } = role.clone();
    let role = StaffRole::Custom(role);
    let ticked = |permission: Permission| match &form {
        Some((_, asked)) => asked.permissions.iter().any(|word| word == permission.as_str()),
        None => permissions.contains(permission),
    };
    let boxes = boxes(auth, ticked);
    let form = match form {
        Some((form, _)) => form,
        None => FormView::filled([("name", name.clone())]),
    };
    Ok(RoleView {
        form,
        home: home_of(surface),
        at: format!("{}/{id}", home_of(surface)),
        name,
        version,
        limitable: role.may_be_limited(surface),
        times: used.times,
        changeable: within(auth.caller.holds_everywhere(), role.permissions()).is_ok(),
        boxes,
    })
}

async fn role_page(auth: Manages<Path<RoleId>>) -> PageAnswer {
    let view = role_view(&auth, auth.input.0, None).await?;
    auth.page("staff/role", view)
}

async fn change_role_form(auth: Manages<(Path<RoleId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let (next, holds) = (asked(fields), auth.caller.holds_everywhere());
    let seen = fields.text("version").parse().ok();
    match roles::change(&auth.state, &auth.grant, holds, (*id, seen), &next).await {
        Ok(_) => {
            let to = format!("{}/{id}", home_of(auth.caller.surface()));
            Ok(auth.redirect_with(&Flash::success("staff.role_changed"), &to))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = role_view(&auth, *id, Some((form, &next))).await?;
            auth.refused_page("staff/role", view)
        }
        Err(error) => Err(error),
    }
}

async fn remove_role_form(auth: Manages<(Path<RoleId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match roles::remove(&auth.state, &auth.grant, auth.caller.holds_everywhere(), *id).await {
        Ok(()) => {
            Ok(auth.redirect_with(&Flash::success("staff.role_removed"), &home_of(auth.caller.surface())))
        }
        Err(error) if may_be_mended(&error) => {
            let (role, _) = roles::get(&auth.state, &auth.grant, *id).await?;
            let words = role.permissions.iter().map(|one| one.as_str().to_owned()).collect();
            let kept = RoleToBe { name: role.name.clone(), permissions: words };
            let mut fields = fields.clone();
            fields.0.push(("name".to_owned(), role.name));
            let form = FormView::refused_by(&fields, &error, auth.info.lang);
            let view = role_view(&auth, *id, Some((form, &kept))).await?;
            auth.refused_page("staff/role", view)
        }
        Err(error) => Err(error),
    }
}
