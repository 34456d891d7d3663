//! What people are told about joining a tenant, and about their roles in it.

use super::link;
use crate::app::staff::joining::LIFE;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::custom_role::StaffRole;
use qianpu_domain::ids::UserId;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::staff::StaffGrant;
use qianpu_tenants::store::tenant::tenant_get;
use qianpu_tenants::store::user::user_find;

/// What a role is called: the tenant's own name, or the product's in the reader's language.
fn role_name(state: &AppState, lang: Lang, role: &StaffRole) -> String {
    match role.own_name() {
        Some(name) => name.to_owned(),
        None => state.pages.catalogue().say(lang, &format!("roles.{}", role.key()), []),
    }
}

/// The link with which somebody joins.
pub async fn staff_invitation(
    state: &AppState,
    tx: &mut TenantTx,
    tenant: &str,
    (email, name): (&str, &str),
    role: &StaffRole,
    lang: Lang,
    token: &str,
) -> Answer<()> {
    let role = role_name(state, lang, role);
    let days = LIFE.as_seconds() / 86_400;
    let mail = Mail {
        to: email.to_owned(),
        lang,
        texts: "staff.mail_invitation.".into(),
        arguments: vec![
            ("tenant".to_owned(), tenant.to_owned()),
            ("name".to_owned(), if name.is_empty() { email } else { name }.to_owned()),
            ("role".to_owned(), role),
            ("days".to_owned(), days.to_string()),
        ],
        points: Vec::new(),
        link: link(state, &format!("/console/join/{token}")),
        from_name: tenant.to_owned(),
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}

/// What somebody else did to a person's work in a tenant.
#[derive(Debug, Clone, Copy)]
pub enum StaffChange<'a> {
    RoleGiven(&'a StaffGrant),
    RoleTaken(&'a StaffGrant),
    Disabled,
    Enabled,
}

/// Tells a person that their roles are others now, or that they may not or may again log in. Whoever gets it
/// unexpectedly should ask.
pub async fn staff_changed(
    state: &AppState,
    tx: &mut TenantTx,
    user: UserId,
    change: StaffChange<'_>,
) -> Answer<()> {
    let Some(person) = user_find(tx, user).await? else { return Ok(()) };
    let tenant = tenant_get(tx).await?.name;
    let lang = Lang::parse(&person.locale).unwrap_or(state.config.app.language);
    let surface = tx.ctx().kind().as_str();
    let home = || link(state, &format!("/console/{surface}"));
    let (texts, grant, link) = match change {
        StaffChange::RoleGiven(grant) => ("staff.mail_role_given.", Some(grant), home()),
        StaffChange::RoleTaken(grant) => ("staff.mail_role_taken.", Some(grant), home()),
        StaffChange::Disabled => ("staff.mail_disabled.", None, None),
        StaffChange::Enabled => ("staff.mail_enabled.", None, home()),
    };
    let mut arguments = vec![("tenant".to_owned(), tenant.clone()), ("name".to_owned(), person.display_name)];
    if let Some(grant) = grant {
        let say = |key: &str| state.pages.catalogue().say(lang, key, []);
        let role = role_name(state, lang, &grant.role);
        let place = match grant.shop {
            Some(shop) => shop_get(tx, shop).await?.name,
            None => say("staff.everywhere"),
        };
        arguments.extend([("role".to_owned(), role), ("where".to_owned(), place)]);
    }
    let from_name = tenant;
    let mail =
        Mail { to: person.email, lang, texts: texts.into(), arguments, points: Vec::new(), link, from_name };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}
