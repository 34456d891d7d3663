//! The pages behind the links of mails about another log-in e-mail. A link only shows what it would do; a button does
//! it, because mail programs open links by themselves.

use crate::app::account::email;
use crate::error::Answer;
use crate::http::extract::{Fields, Open, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::store::email_change::EmailChange;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/email/{token}", confirm_page);
    pages.post("/console/email/{token}", confirm_form);
    pages.get("/console/email/undo/{token}", undo_page);
    pages.post("/console/email/undo/{token}", undo_form);
}

#[derive(Serialize)]
struct LinkView {
    /// Stops or undoes, instead of completing.
    undo: bool,
    action: String,
    works: bool,
    done: bool,
    old: String,
    new: String,
}

fn view(undo: bool, action: &str, change: Option<&EmailChange>, done: bool) -> LinkView {
    LinkView {
        undo,
        action: action.to_owned(),
        works: change.is_some(),
        done,
        old: change.map_or_else(String::new, |change| change.old.clone()),
        new: change.map_or_else(String::new, |change| change.new.clone()),
    }
}

/// None where a link does not work.
fn alive<T>(found: Answer<T>) -> Answer<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn confirm_page(open: Open<Path<String>>) -> PageAnswer {
    let change = alive(email::check_change(&open.state, open.request_id(), &open.input.0).await)?;
    open.page("account/email_link", view(false, open.request.path(), change.as_ref(), false))
}

async fn confirm_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let token = &open.input.0.0;
    let done = alive(email::complete_change(&open.state, open.request_id(), token).await)?.is_some();
    open.page("account/email_link", view(false, open.request.path(), None, done))
}

async fn undo_page(open: Open<Path<String>>) -> PageAnswer {
    let change = alive(email::check_undo(&open.state, open.request_id(), &open.input.0).await)?;
    open.page("account/email_link", view(true, open.request.path(), change.as_ref(), false))
}

async fn undo_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let token = &open.input.0.0;
    let done = alive(email::undo_change(&open.state, open.request_id(), token).await)?.is_some();
    open.page("account/email_link", view(true, open.request.path(), None, done))
}
