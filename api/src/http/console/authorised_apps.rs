//! Third-party apps that were allowed something: the own ones, and everybody's for who manages the staff.

use super::api_keys::{Choice, permission_choice};
use crate::app::oauth::allowed;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::AuthorisationId;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, authorised_page);
        pages.post(&format!("{home}/{{authorised_app_id}}/withdraw"), withdraw_form);
    }
}

fn home_of(surface: Surface) -> String {
    format!("/console/{}/authorised_apps", surface.as_str())
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    app: String,
    publisher: String,
    person: String,
    own: bool,
    scopes: Vec<Choice>,
    last_used_at: Option<i64>,
    created_at: i64,
}

#[derive(Serialize)]
struct View {
    home: String,
    apps: Vec<Line>,
    next_page: Option<String>,
}

async fn authorised_page(auth: Authed<perm::SelfManage, Query<PageQuery>>) -> PageAnswer {
    let home = home_of(auth.caller.surface());
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = allowed::list(&auth.state, &auth.caller, &auth.grant, page).await?;
    let me = auth.caller.person()?.id;
    let view = View {
        next_page: found.next.map(|next| format!("{home}?cursor={}", cursor_text(&next))),
        home,
        apps: found
            .items
            .into_iter()
            .map(|row| Line {
                id: row.id.to_string(),
                app: row.app_name,
                publisher: row.publisher,
                person: row.user_name,
                own: row.user == me,
                scopes: row.scopes.iter().map(|one| permission_choice(&auth, one, true)).collect(),
                last_used_at: row.last_used_at.map(Timestamp::micros),
                created_at: row.created_at.micros(),
            })
            .collect(),
    };
    auth.page("oauth/authorised", view)
}

async fn withdraw_form(auth: Authed<perm::SelfManage, (Path<AuthorisationId>, Fields)>) -> PageAnswer {
    allowed::withdraw(&auth.state, &auth.caller, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("oauth.withdrawn"), &home_of(auth.caller.surface())))
}
