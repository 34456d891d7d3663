//! What people are told about joining a tenant.

use super::link;
use crate::app::staff::joining::LIFE;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_tenants::db::TenantTx;

/// The link with which somebody joins.
pub async fn staff_invitation(
    state: &AppState,
    tx: &mut TenantTx,
    tenant: &str,
    (email, name): (&str, &str),
    role: &str,
    lang: Lang,
    token: &str,
) -> Answer<()> {
    let role = state.pages.catalogue().say(lang, &format!("roles.{role}"), []);
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
