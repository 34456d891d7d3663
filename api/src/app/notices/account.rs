//! What people are told about their own log-in.

use super::link;
use crate::app::account::RESET_LIFE;
use crate::app::account::email::{LIFE as EMAIL_LIFE, UNDO_LIFE as EMAIL_UNDO_LIFE};
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

/// What became of a person's authenticator app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInChange {
    TotpOn,
    TotpOff,
    CodesRenewed,
    /// By an owner.
    TotpReset,
}

/// The authenticator app or the recovery codes changed; whoever did not do that should know.
pub async fn sign_in_changed(
    state: &AppState,
    tx: &mut TenantTx,
    person: &User,
    change: SignInChange,
) -> Answer<()> {
    let texts = match change {
        SignInChange::TotpOn => "sign_in.mail_on.",
        SignInChange::TotpOff => "sign_in.mail_off.",
        SignInChange::CodesRenewed => "sign_in.mail_codes.",
        SignInChange::TotpReset => "sign_in.mail_reset.",
    };
    let surface = tx.ctx().kind().as_str();
    let to = format!("/console/{surface}/account/totp");
    tell(state, tx, person, texts, Vec::new(), &to).await
}

/// A recovery code was used; how many are left.
pub async fn recovery_code_used(state: &AppState, tx: &mut TenantTx, person: &User, left: u64) -> Answer<()> {
    let surface = tx.ctx().kind().as_str();
    let to = format!("/console/{surface}/account/totp");
    tell(state, tx, person, "sign_in.mail_recovery.", vec![("left".to_owned(), left.to_string())], &to).await
}

/// Somebody has the password and not the code.
pub async fn codes_guessed(state: &AppState, tx: &mut TenantTx, person: &User) -> Answer<()> {
    tell(state, tx, person, "sign_in.mail_guessed.", Vec::new(), "/console/forgot").await
}

/// To the address that is to be the log-in: the link that completes it, or, when the address has a log-in already, that
/// it has.
pub async fn email_to_confirm(
    state: &AppState,
    tx: &mut TenantTx,
    person: &User,
    new: &str,
    token: Option<&str>,
) -> Answer<()> {
    let (texts, to) = match token {
        Some(token) => ("account.mail_email_confirm.", format!("/console/email/{token}")),
        None => ("account.mail_email_taken.", "/console/forgot".to_owned()),
    };
    let minutes = EMAIL_LIFE.as_seconds() / 60;
    let arguments = vec![("minutes".to_owned(), minutes.to_string())];
    let there = User { email: new.to_owned(), ..person.clone() };
    tell(state, tx, &there, texts, arguments, &to).await
}

/// To the address until now: the link that stops the change or undoes it.
pub async fn email_asked(
    state: &AppState,
    tx: &mut TenantTx,
    person: &User,
    new: &str,
    undo_token: &str,
) -> Answer<()> {
    let days = EMAIL_UNDO_LIFE.as_seconds() / 86_400;
    let arguments = vec![("email".to_owned(), new.to_owned()), ("days".to_owned(), days.to_string())];
    let to = format!("/console/email/undo/{undo_token}");
    tell(state, tx, person, "account.mail_email_asked.", arguments, &to).await
}

/// The log-in e-mail is another one now; to the new address and the old one.
pub async fn email_changed(state: &AppState, tx: &mut TenantTx, person: &User, old: &str) -> Answer<()> {
    for to in [person.email.as_str(), old] {
        let there = User { email: to.to_owned(), ..person.clone() };
        let arguments = vec![("email".to_owned(), person.email.clone())];
        tell(state, tx, &there, "account.mail_email_changed.", arguments, "/console/login").await?;
    }
    Ok(())
}

async fn tell(
    state: &AppState,
    tx: &mut TenantTx,
    person: &User,
    texts: &'static str,
    mut arguments: Vec<(String, String)>,
    to: &str,
) -> Answer<()> {
    arguments.push(("name".to_owned(), person.display_name.clone()));
    let mail = Mail {
        to: person.email.clone(),
        lang: Lang::parse(&person.locale).unwrap_or(state.config.app.language),
        texts: texts.into(),
        arguments,
        points: Vec::new(),
        link: link(state, to),
        from_name: String::new(),
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}

/// The password is another one now; whoever did not do that should know.
pub async fn password_changed(state: &AppState, tx: &mut TenantTx, person: &User) -> Answer<()> {
    tell(state, tx, person, "account.mail_changed.", Vec::new(), "/console/forgot").await
}
