//! What owners are told about their tenant: that it was set up, stopped, let go on, closed.

use super::link;
use crate::app::tenancy::providers::LINK_LIFE;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::tenancy::TenantState;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::impersonation::Impersonation;
use qianpu_tenants::store::staff::{StaffMember, staff_with_roles};
use qianpu_tenants::store::tenant::tenant_get;

/// The link by which the owner of a new provider sets the password.
pub async fn provider_welcome(
    state: &AppState,
    tx: &mut TenantTx,
    owner: &StaffMember,
    provider: &str,
    token: &str,
) -> Answer<()> {
    let days = LINK_LIFE.as_seconds() / 86_400;
    let mail = Mail {
        to: owner.email.clone(),
        lang: Lang::parse(&owner.locale).unwrap_or(state.config.app.language),
        texts: "tenancy.mail_welcome.".into(),
        arguments: vec![
            ("name".to_owned(), owner.name.clone()),
            ("provider".to_owned(), provider.to_owned()),
            ("days".to_owned(), days.to_string()),
        ],
        points: Vec::new(),
        link: link(state, &format!("/console/reset/{token}")),
        from_name: String::new(),
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}

/// The tenant of the transaction stands elsewhere now; its owners should know why.
pub async fn tenant_changed(
    state: &AppState,
    tx: &mut TenantTx,
    tenant: &str,
    to: TenantState,
    reason: &str,
) -> Answer<()> {
    let texts = match to {
        TenantState::Suspended => "tenancy.mail_suspended.",
        TenantState::Active => "tenancy.mail_resumed.",
        TenantState::Closed => "tenancy.mail_closed.",
        TenantState::Applying => return Ok(()),
    };
    let (role, from_name) = match tx.ctx().kind() {
        Surface::Merchant => {
            let parent = state.db.read_parent(tx.ctx()).await?;
            (Role::MerchantOwner, tenant_get(&parent).await?.name)
        }
        _ => (Role::ProviderOwner, String::new()),
    };
    for owner in staff_with_roles(tx, &[role]).await? {
        let mail = Mail {
            to: owner.email,
            lang: Lang::parse(&owner.locale).unwrap_or(state.config.app.language),
            texts: texts.into(),
            arguments: vec![("name".to_owned(), owner.name), ("tenant".to_owned(), tenant.to_owned())],
            points: if reason.is_empty() { Vec::new() } else { vec![reason.to_owned()] },
            link: (to != TenantState::Closed).then(|| link(state, "/console")).flatten(),
            from_name: from_name.clone(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}

/// The proof of a domain is missing; it is dropped some days later.
pub async fn domain_failing(state: &AppState, tx: &mut TenantTx, host: &str) -> Answer<()> {
    about_domain(state, tx, "domains.mail_failing.", host).await
}

/// A domain leads to the tenant no more.
pub async fn domain_dropped(state: &AppState, tx: &mut TenantTx, host: &str) -> Answer<()> {
    about_domain(state, tx, "domains.mail_dropped.", host).await
}

async fn about_domain(state: &AppState, tx: &mut TenantTx, texts: &'static str, host: &str) -> Answer<()> {
    let (role, path) = match tx.ctx().kind() {
        Surface::Merchant => (Role::MerchantOwner, "/console/merchant/domains"),
        _ => (Role::ProviderOwner, "/console/provider/domains"),
    };
    for owner in staff_with_roles(tx, &[role]).await? {
        let mail = Mail {
            to: owner.email,
            lang: Lang::parse(&owner.locale).unwrap_or(state.config.app.language),
            texts: texts.into(),
            arguments: vec![("name".to_owned(), owner.name), ("host".to_owned(), host.to_owned())],
            points: Vec::new(),
            link: link(state, path),
            from_name: String::new(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}

/// Somebody from above acts in the tenant of the transaction; its owners know who, why and for how long.
pub async fn impersonation_started(
    state: &AppState,
    tx: &mut TenantTx,
    tenant: &str,
    one: &Impersonation,
) -> Answer<()> {
    let (role, path) = match tx.ctx().kind() {
        Surface::Merchant => (Role::MerchantOwner, "/console/merchant/impersonations"),
        _ => (Role::ProviderOwner, "/console/provider/impersonations"),
    };
    let minutes = one.expires_at.since(one.created_at).as_seconds() / 60;
    for owner in staff_with_roles(tx, &[role]).await? {
        let arguments = [
            ("name", owner.name),
            ("actor", one.actor_name.clone()),
            ("from", one.actor_tenant_name.clone()),
            ("tenant", tenant.to_owned()),
            ("minutes", minutes.to_string()),
        ];
        let mail = Mail {
            to: owner.email,
            lang: Lang::parse(&owner.locale).unwrap_or(state.config.app.language),
            texts: "impersonation.mail_started.".into(),
            arguments: arguments.map(|(name, value)| (name.to_owned(), value)).into(),
            points: vec![one.reason.clone()],
            link: link(state, path),
            from_name: String::new(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}
