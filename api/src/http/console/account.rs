//! A person's own pages: the forgotten password, the link of the mail, password and sessions.

use super::apply::may_be_mended;
use crate::app::account::{self, ChangePassword, email};
use crate::app::auth::second_step::Proof;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Open, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView, device_name};
use qianpu_domain::access::Surface;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::SessionId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::session::SessionKind;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/forgot", forgot_page);
    pages.post("/console/forgot", forgot_form);
    pages.get("/console/reset/{token}", reset_page);
    pages.post("/console/reset/{token}", reset_form);
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        let home = format!("/console/{}/account", surface.as_str());
        pages.get(&home, account_page);
        pages.post(&format!("{home}/password"), password_form);
        pages.post(&format!("{home}/email"), email_form);
        pages.post(&format!("{home}/sessions/end_others"), end_others_form);
        pages.post(&format!("{home}/sessions/{{session_id}}/end"), end_session_form);
    }
}

#[derive(Serialize)]
struct ForgotView {
    form: FormView,
    sent: bool,
}

async fn forgot_page(open: Open) -> PageAnswer {
    open.page("account/forgot", ForgotView { form: FormView::default(), sent: false })
}

async fn forgot_form(open: Open<Fields>) -> PageAnswer {
    let (email, address) = (open.input.text("email"), &open.info.address);
    match account::ask_reset(&open.state, open.request_id(), email, address).await {
        Ok(()) => open.page("account/forgot", ForgotView { form: FormView::default(), sent: true }),
        Err(error) if error.code() == ErrorCode::RateLimited => {
            let form = FormView::refused_by(&open.input, &error, open.info.lang);
            open.refused_page("account/forgot", ForgotView { form, sent: false })
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct ResetView {
    form: FormView,
    token: String,
    /// The link works.
    works: bool,
    done: bool,
}

async fn reset_page(open: Open<Path<String>>) -> PageAnswer {
    let token = open.input.0.clone();
    let works = works(account::check_reset(&open.state, open.request_id(), &token).await)?;
    open.page("account/reset", ResetView { form: FormView::default(), token, works, done: false })
}

fn works(checked: Answer<()>) -> Answer<bool> {
    match checked {
        Ok(()) => Ok(true),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A field as it was typed, blanks and all.
pub(super) fn secret<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// The form without what was typed into its password fields.
pub(super) fn emptied(fields: &Fields) -> Fields {
    Fields(fields.0.iter().map(|(name, _)| (name.clone(), String::new())).collect())
}

/// The second field must say the same as the first.
fn repeated(fields: &Fields, name: &'static str) -> Result<(), Vec<FieldError>> {
    if secret(fields, name) == secret(fields, "repeated") {
        return Ok(());
    }
    let (en, zh) = ("the two passwords differ", "两次输入的密码不一致");
    Err(vec![FieldError::new("repeated", "differs", en, zh)])
}

async fn reset_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(token), fields) = &open.input;
    let done = match repeated(fields, "password") {
        Ok(()) => {
            account::complete_reset(&open.state, open.request_id(), token, secret(fields, "password")).await
        }
        Err(errors) => Err(errors.into()),
    };
    let view = |form, works, done| ResetView { form, token: token.clone(), works, done };
    match done {
        Ok(()) => open.page("account/reset", view(FormView::default(), true, true)),
        Err(error) if error.code() == ErrorCode::NotFound => {
            open.refused_page("account/reset", view(FormView::default(), false, false))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&emptied(fields), &error, open.info.lang);
            open.refused_page("account/reset", view(form, true, false))
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct AccountView {
    form: FormView,
    home: String,
    name: String,
    email: String,
    /// An authenticator app is asked for.
    totp: bool,
    sessions: Vec<SessionLine>,
    others: bool,
}

#[derive(Serialize)]
struct SessionLine {
    id: String,
    api: bool,
    client: String,
    current: bool,
    at: i64,
    until: i64,
}

fn home<T>(auth: &Authed<perm::SelfManage, T>) -> String {
    format!("/console/{}/account", auth.caller.surface().as_str())
}

async fn view<T>(auth: &Authed<perm::SelfManage, T>, form: FormView) -> Answer<AccountView> {
    let person = auth.caller.person()?;
    let totp = account::totp::totp_state(&auth.state, person, &auth.grant).await?;
    let rows = account::sessions(&auth.state, person, &auth.grant).await?;
    let sessions: Vec<SessionLine> = rows
        .into_iter()
        .map(|row| SessionLine {
            current: row.id == person.session,
            id: row.id.to_string(),
            api: row.kind == SessionKind::Api,
            client: device_name(auth.info.lang, &row.user_agent),
            at: row.created_at.micros(),
            until: row.expires_at.micros(),
        })
        .collect();
    Ok(AccountView {
        form,
        home: home(auth),
        name: person.name.clone(),
        email: person.email.clone(),
        totp: totp.on_at.is_some(),
        others: sessions.iter().any(|session| !session.current),
        sessions,
    })
}

async fn account_page(auth: Authed<perm::SelfManage>) -> PageAnswer {
    let page = view(&auth, FormView::default()).await?;
    auth.page("account/account", page)
}

async fn password_form(auth: Authed<perm::SelfManage, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let done = match repeated(fields, "new_password") {
        Ok(()) => {
            let change = ChangePassword {
                current: secret(fields, "current_password"),
                new: secret(fields, "new_password"),
                address: &auth.info.address,
            };
            account::change_password(&auth.state, auth.caller.person()?, &auth.grant, &change).await
        }
        Err(errors) => Err(errors.into()),
    };
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("account.changed"), &home(&auth))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&emptied(fields), &error, auth.info.lang);
            let page = view(&auth, form).await?;
            auth.refused_page("account/account", page)
        }
        Err(error) => Err(error),
    }
}

async fn email_form(auth: Authed<perm::SelfManage, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let address = &auth.info.address;
    let proof = Proof { password: secret(fields, "password"), code: fields.text("code"), address };
    let new = fields.text("new_email");
    match email::ask_change(&auth.state, auth.caller.person()?, &auth.grant, new, &proof).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("account.email_asked"), &home(&auth))),
        Err(error) if may_be_mended(&error) => {
            let mut kept = emptied(fields);
            kept.0
                .iter_mut()
                .filter(|(name, _)| name == "new_email")
                .for_each(|(_, value)| new.clone_into(value));
            let page = view(&auth, FormView::refused_by(&kept, &error, auth.info.lang)).await?;
            auth.refused_page("account/account", page)
        }
        Err(error) => Err(error),
    }
}

async fn end_session_form(auth: Authed<perm::SelfManage, (Path<SessionId>, Fields)>) -> PageAnswer {
    account::end_session(&auth.state, auth.caller.person()?, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("account.ended"), &home(&auth)))
}

async fn end_others_form(auth: Authed<perm::SelfManage, Fields>) -> PageAnswer {
    let ended = account::end_others(&auth.state, auth.caller.person()?, &auth.grant).await?;
    Ok(auth.redirect_with(&Flash::success("account.others_ended").with("ended", ended), &home(&auth)))
}
