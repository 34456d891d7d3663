//! What people are told about archives of a merchant.

use super::link;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::ids::UserId;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::export::Export;
use qianpu_tenants::store::tenant::tenant_get;
use qianpu_tenants::store::user::user_find;

/// The archive can be downloaded: to who asked for it.
pub async fn export_ready(state: &AppState, tx: &mut TenantTx, export: &Export) -> Answer<()> {
    let Ok(user) = export.asked_by.parse::<UserId>() else { return Ok(()) };
    let parent = state.db.read_parent(tx.ctx()).await?;
    let provider = tenant_get(&parent).await?.name;
    let by_provider = export.asked_by_kind == "provider";
    let person = if by_provider { user_find(&parent, user).await? } else { user_find(tx, user).await? };
    drop(parent);
    let Some(person) = person.filter(|person| person.active) else { return Ok(()) };
    let merchant = tenant_get(tx).await?.name;
    let side = if by_provider { "provider" } else { "merchant" };
    let hours = state.config.exports.keep_hours;
    let mail = Mail {
        to: person.email,
        lang: Lang::parse(&person.locale).unwrap_or(Lang::Zh),
        texts: "exports.mail_ready.".into(),
        arguments: vec![
            ("merchant".to_owned(), merchant),
            ("days".to_owned(), (hours / 24).max(1).to_string()),
        ],
        points: Vec::new(),
        link: link(state, &format!("/console/{side}/exports")),
        from_name: provider,
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}
