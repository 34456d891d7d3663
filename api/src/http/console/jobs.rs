//! Background jobs: what was laid aside, in plain words with a retry button, and what waits.

use super::channels::words;
use crate::app::jobs;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::ids::JobId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Provider, Surface::Merchant] {
        let surface = surface.as_str();
        pages.get(&format!("/console/{surface}/jobs"), jobs_page);
        pages.post(&format!("/console/{surface}/jobs/{{job_id}}/retry"), retry_job_form);
    }
}

#[derive(Deserialize, IntoParams)]
struct JobsQuery {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct JobsView {
    home: String,
    state: &'static str,
    jobs: Vec<JobLine>,
    may_retry: bool,
    next_page: Option<String>,
}

#[derive(Serialize)]
struct JobLine {
    id: String,
    name: String,
    state: String,
    attempt: i64,
    why: Option<String>,
    detail: Option<String>,
    run_at: i64,
    created_at: i64,
}

async fn jobs_page(auth: Authed<perm::JobRead, Query<JobsQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let lang = auth.info.lang;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let state = if query.state.as_deref() == Some("pending") { "pending" } else { "dead" };
    let found = jobs::list(&auth.state, &auth.grant, Some(state), page).await?;
    let home = format!("/console/{}/jobs", auth.caller.surface().as_str());
    let next_page = found.next.map(|next| format!("{home}?state={state}&cursor={}", cursor_text(&next)));
    let catalogue = auth.state.pages.catalogue();
    let name = |kind: &str| {
        let key = format!("{}{kind}", "jobs.kind.");
        catalogue.find(lang, &key).unwrap_or(kind).to_owned()
    };
    let jobs = found
        .items
        .into_iter()
        .map(|job| JobLine {
            id: job.id.to_string(),
            name: name(&job.kind),
            state: job.state,
            attempt: job.attempt,
            why: job.error_code.as_deref().map(|code| words::code(code, lang)),
            detail: job.error_text.filter(|text| Some(text) != job.error_code.as_ref()),
            run_at: job.run_at.micros(),
            created_at: job.created_at.micros(),
        })
        .collect();
    let may_retry = auth.caller.may(Permission::JobRetry);
    auth.page("jobs/list", JobsView { home, state, jobs, may_retry, next_page })
}

async fn retry_job_form(auth: Authed<perm::JobRetry, (Path<JobId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    jobs::retry(&auth.state, &auth.grant, *id).await?;
    let home = format!("/console/{}/jobs", auth.caller.surface().as_str());
    Ok(auth.redirect_with(&Flash::success("jobs.retried"), &home))
}
