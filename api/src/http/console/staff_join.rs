//! The page behind the link of a staff invitation: name and password, and the console opens. Whoever has a
//! log-in is asked for neither: logged in, one accepts.

use super::apply::may_be_mended;
use super::login::sit_down;
use super::roles::role_name;
use crate::app::staff::joining::{self, Door, Join};
use crate::error::Answer;
use crate::http::extract::{Call, Fields, Open, Path, logged_in};
use crate::http::route::PageRoutes;
use crate::http::seats::{self, Seat};
use crate::http::v1::user_agent;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_tenants::authz::Person;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/join/{token}", join_page);
    pages.post("/console/join/{token}", join_form);
    pages.post("/console/join/{token}/accept", accept_form);
}

#[derive(Serialize)]
struct JoinView {
    form: FormView,
    token: String,
    /// The link works; what follows is empty otherwise.
    works: bool,
    tenant: String,
    email: String,
    role: String,
    /// The e-mail has a log-in already.
    known: bool,
    /// Name of the person who was invited, when they are logged in in this browser.
    person: Option<String>,
}

fn view(call: &Call, token: &str, door: &Door, form: FormView, person: Option<&Person>) -> JoinView {
    JoinView {
        form,
        token: token.to_owned(),
        works: true,
        tenant: door.tenant_name.clone(),
        email: door.invitation.email.clone(),
        role: role_name(call, &door.invitation.role),
        known: door.has_log_in(),
        person: person.map(|person| person.name.clone()),
    }
}

fn dead() -> JoinView {
    let empty = String::new;
    JoinView {
        form: FormView::default(),
        token: empty(),
        works: false,
        tenant: empty(),
        email: empty(),
        role: empty(),
        known: false,
        person: None,
    }
}

/// None behind a link that does not work.
async fn door<T>(open: &Open<T>, token: &str) -> Answer<Option<Door>> {
    match joining::door(&open.state, open.request_id(), token).await {
        Ok(door) => Ok(Some(door)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The person who was invited, when one of this browser's sessions is theirs.
async fn invited(call: &Call, door: &Door) -> Answer<Option<Person>> {
    if !door.has_log_in() {
        return Ok(None);
    }
    Ok(logged_in(call).await?.into_iter().map(|(_, _, person)| person).find(|person| door.is_for(person)))
}

async fn join_page(open: Open<Path<String>>) -> PageAnswer {
    let token = &open.input.0;
    match door(&open, token).await? {
        Some(door) => {
            let form = FormView::filled([("name", door.invitation.name.clone())]);
            let person = invited(&open, &door).await?;
            open.page("staff/join", view(&open, token, &door, form, person.as_ref()))
        }
        None => open.page("staff/join", dead()),
    }
}

async fn join_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(token), fields) = &open.input;
    let Some(door) = door(&open, token).await? else { return open.refused_page("staff/join", dead()) };
    let secret = |name: &str| fields.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value);
    let command = Join {
        name: fields.text("name").to_owned(),
        password: secret("password").to_owned(),
        lang: open.info.lang,
        user_agent: user_agent(&open),
    };
    let joined = if secret("password") == secret("repeated") {
        joining::join_with_cookie(&open.state, &door, &command).await
    } else {
        let (en, zh) = ("the two passwords differ", "两次输入的密码不一致");
        Err(FieldError::new("repeated", "differs", en, zh).into())
    };
    match joined {
        Ok(session) => {
            let home = Seat::of(session.surface, session.tenant).home();
            let mut response = open.redirect_with(&Flash::success("staff.joined"), &home);
            seats::sit_down(&open, &mut response, session);
            Ok(response)
        }
        Err(error) if error.code() == ErrorCode::NotFound => open.refused_page("staff/join", dead()),
        Err(error) if may_be_mended(&error) => {
            // The e-mail stands on the page although nobody types it; what is wrong with it belongs there.
            let kept = [("email", door.invitation.email.as_str()), ("name", fields.text("name"))];
            let kept = kept.into_iter().chain([("password", ""), ("repeated", "")]);
            let kept = Fields(kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
            let form = FormView::refused_by(&kept, &error, open.info.lang);
            open.refused_page("staff/join", view(&open, token, &door, form, None))
        }
        Err(error) => Err(error),
    }
}

async fn accept_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(token), fields) = &open.input;
    let Some(door) = door(&open, token).await? else { return open.refused_page("staff/join", dead()) };
    let Some(person) = invited(&open, &door).await? else {
        // Logged out meanwhile: the page says what to do.
        return Ok(open.redirect(&format!("/console/join/{token}")));
    };
    match joining::accept_with_cookie(&open.state, &door, &person, &user_agent(&open)).await {
        Ok(session) => {
            let home = Seat::of(session.surface, session.tenant).home();
            let mut response = open.redirect_with(&Flash::success("staff.joined"), &home);
            sit_down(&open, &mut response, session).await?;
            Ok(response)
        }
        Err(error) if error.code() == ErrorCode::NotFound => open.refused_page("staff/join", dead()),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, open.info.lang);
            open.refused_page("staff/join", view(&open, token, &door, form, Some(&person)))
        }
        Err(error) => Err(error),
    }
}
