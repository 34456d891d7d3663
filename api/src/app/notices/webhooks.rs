//! What the people of a tenant are told about its webhook endpoints.

use super::link;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::staff::staff_with_roles;
use qianpu_tenants::store::tenant::tenant_get;
use qianpu_tenants::store::webhook_endpoint::WebhookEndpoint;

/// An endpoint was given up: to the owners, and to a provider's developers.
pub async fn webhook_disabled(
    state: &AppState,
    tx: &mut TenantTx,
    endpoint: &WebhookEndpoint,
    why: &str,
) -> Answer<()> {
    let tenant = tenant_get(tx).await?.name;
    let roles = [Role::ProviderOwner, Role::ProviderDeveloper, Role::MerchantOwner];
    let surface = tx.ctx().kind().as_str();
    let texts = if why == "gone" { "webhooks.mail_gone." } else { "webhooks.mail_failing." };
    for person in staff_with_roles(tx, &roles).await? {
        let mail = Mail {
            to: person.email,
            lang: Lang::parse(&person.locale).unwrap_or(state.config.app.language),
            texts: texts.into(),
            arguments: vec![
                ("tenant".to_owned(), tenant.clone()),
                ("name".to_owned(), person.name),
                ("url".to_owned(), endpoint.url.clone()),
            ],
            points: Vec::new(),
            link: link(state, &format!("/console/{surface}/webhooks/{}", endpoint.id)),
            from_name: tenant.clone(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}
