//! What people are told about their own log-in.

use super::link;
use crate::app::account::RESET_LIFE;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::user::User;

/// The link that sets a new password.
pub async fn password_link(
    state: &AppState,
    tx: &mut TenantTx,
    person: &User,
    lang: Lang,
    token: &str,
) -> Answer<()> {
    let minutes = RESET_LIFE.as_seconds() / 60;
    let arguments =
        vec![("name".to_owned(), person.display_name.clone()), ("minutes".to_owned(), minutes.to_string())];
    let mail = Mail {
        to: person.email.clone(),
        lang,
        texts: "account.mail_link.".into(),
        arguments,
        points: Vec::new(),
        link: link(state, &format!("/console/reset/{token}")),
        from_name: String::new(),
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}

/// The password is another one now; whoever did not do that should know.
pub async fn password_changed(state: &AppState, tx: &mut TenantTx, person: &User) -> Answer<()> {
    let mail = Mail {
        to: person.email.clone(),
        lang: Lang::parse(&person.locale).unwrap_or(state.config.app.language),
        texts: "account.mail_changed.".into(),
        arguments: vec![("name".to_owned(), person.display_name.clone())],
        points: Vec::new(),
        link: link(state, "/console/forgot"),
        from_name: String::new(),
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}
