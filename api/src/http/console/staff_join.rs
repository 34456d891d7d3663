//! The page behind the link of a staff invitation: name and password, and the console opens.

use super::apply::may_be_mended;
use super::login::cookie_of;
use crate::app::staff::joining::{self, Door, Join};
use crate::error::Answer;
use crate::http::extract::{Fields, Open, Path};
use crate::http::route::PageRoutes;
use crate::http::v1::user_agent;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::{ErrorCode, FieldError};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/join/{token}", join_page);
    pages.post("/console/join/{token}", join_form);
}

#[derive(Serialize)]
struct JoinView {
    form: FormView,
    token: String,
    /// The link works; what follows is empty otherwise.
    works: bool,
    tenant: String,
    email: String,
    role: &'static str,
}

fn view(token: &str, door: &Door, form: FormView) -> JoinView {
    JoinView {
        form,
        token: token.to_owned(),
        works: true,
        tenant: door.tenant_name.clone(),
        email: door.invitation.email.clone(),
        role: door.invitation.role.as_str(),
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
        role: "",
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

async fn join_page(open: Open<Path<String>>) -> PageAnswer {
    let token = &open.input.0;
    match door(&open, token).await? {
        Some(door) => {
            let form = FormView::filled([("name", door.invitation.name.clone())]);
            open.page("staff/join", view(token, &door, form))
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
            let home = format!("/console/{}", session.surface.as_str());
            let mut response = open.redirect_with(&Flash::success("staff.joined"), &home);
            // Fails only for a cookie that is no header value; ours is hex and base64url.
            drop(response.add_cookie(&cookie_of(&open, session)));
            Ok(response)
        }
        Err(error) if error.code() == ErrorCode::NotFound => open.refused_page("staff/join", dead()),
        Err(error) if may_be_mended(&error) => {
            // The e-mail stands on the page although nobody types it; what is wrong with it belongs there.
            let kept = [("email", door.invitation.email.as_str()), ("name", fields.text("name"))];
            let kept = kept.into_iter().chain([("password", ""), ("repeated", "")]);
            let kept = Fields(kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
            let form = FormView::refused_by(&kept, &error, open.info.lang);
            open.refused_page("staff/join", view(token, &door, form))
        }
        Err(error) => Err(error),
    }
}
