//! What people are told about archives of a merchant, and about its end.

use super::link;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::billing::{date_in, date_text};
use qianpu_domain::ids::UserId;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::deletion::Deletion;
use qianpu_tenants::store::export::Export;
use qianpu_tenants::store::staff::{StaffMember, staff_with_roles};
use qianpu_tenants::store::tenant::tenant_get;
use qianpu_tenants::store::user::user_find;
use serde_json::Value;

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

/// Mails to the merchant's owners.
async fn to_owners(
    state: &AppState,
    tx: &mut TenantTx,
    texts: &'static str,
    arguments: Vec<(String, String)>,
    path: Option<&str>,
) -> Answer<()> {
    let parent = state.db.read_parent(tx.ctx()).await?;
    let provider = tenant_get(&parent).await?.name;
    drop(parent);
    for owner in staff_with_roles(tx, &[Role::MerchantOwner]).await? {
        let mail = Mail {
            to: owner.email,
            lang: Lang::parse(&owner.locale).unwrap_or(Lang::Zh),
            texts: texts.into(),
            arguments: arguments.clone(),
            points: Vec::new(),
            link: path.and_then(|path| link(state, path)),
            from_name: provider.clone(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}

/// The merchant is going to be deleted: to its owners, with the day.
pub async fn deletion_asked(state: &AppState, tx: &mut TenantTx, deletion: &Deletion) -> Answer<()> {
    let merchant = tenant_get(tx).await?;
    let day = date_in(deletion.due_at, &merchant.zone)?;
    let arguments = vec![("merchant".to_owned(), merchant.name), ("date".to_owned(), date_text(day))];
    to_owners(state, tx, "deletion.mail_asked.", arguments, Some("/console/merchant/exports/deletion")).await
}

/// The merchant stays: to its owners.
pub async fn deletion_withdrawn(state: &AppState, tx: &mut TenantTx) -> Answer<()> {
    let arguments = vec![("merchant".to_owned(), tenant_get(tx).await?.name)];
    to_owners(state, tx, "deletion.mail_withdrawn.", arguments, None).await
}

/// The merchant is gone: the listing to those who owned it. Nobody of it can log in any more, so the mail says it all.
pub async fn deletion_done(
    state: &AppState,
    tx: &mut TenantTx,
    merchant: &str,
    owners: &[StaffMember],
    proof: &Value,
    sha256: &str,
) -> Answer<()> {
    let parent = state.db.read_parent(tx.ctx()).await?;
    let provider = tenant_get(&parent).await?.name;
    drop(parent);
    let lines = |field: &str, word: &str| {
        let rows = proof[field].as_array().cloned().unwrap_or_default();
        let line = move |row: &Value| {
            let reason = row["reason"].as_str().map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("{word} {}: {}{reason}", row["table"].as_str().unwrap_or_default(), row["rows"])
        };
        rows.iter().map(line).collect::<Vec<_>>()
    };
    for owner in owners {
        let lang = Lang::parse(&owner.locale).unwrap_or(Lang::Zh);
        let mut points = lines("deleted", lang.pick("删除", "deleted"));
        points.push(format!("{} {}", lang.pick("删除文件", "deleted files:"), proof["files_deleted"]));
        points.extend(lines("kept", lang.pick("保留", "kept")));
        let mail = Mail {
            to: owner.email.clone(),
            lang,
            texts: "deletion.mail_done.".into(),
            arguments: vec![
                ("merchant".to_owned(), merchant.to_owned()),
                ("sha256".to_owned(), sha256.to_owned()),
            ],
            points,
            link: None,
            from_name: provider.clone(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}
