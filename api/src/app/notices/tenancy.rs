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
