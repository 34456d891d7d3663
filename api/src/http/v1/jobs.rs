//! `/jobs`: background jobs of the tenant, and the retry of what was laid aside.

use crate::app::jobs;
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Page, Time, page_request};
use qianpu_domain::ids::JobId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::jobs::JobRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/jobs", list_jobs, "Background jobs, newest first");
    api.post("/jobs/{job_id}/retry", retry_job, "Put a job that was laid aside back into the queue");
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct JobQuery {
    /// `pending` or `dead` (laid aside).
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct JobBody {
    id: String,
    kind: String,
    /// `pending` or `dead`.
    state: String,
    /// Next or last try.
    #[schema(value_type = String)]
    run_at: Time,
    attempt: i64,
    error_code: Option<String>,
    /// The last failure in plain words.
    error: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
}

impl From<JobRow> for JobBody {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind,
            state: row.state,
            run_at: Time(row.run_at),
            attempt: row.attempt,
            error_code: row.error_code,
            error: row.error_text,
            created_at: Time(row.created_at),
        }
    }
}

async fn list_jobs(auth: Authed<perm::JobRead, Query<JobQuery>>) -> Answer<Json<Page<JobBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = jobs::list(&auth.state, &auth.grant, query.state.as_deref(), page).await?;
    Ok(Json(Page::of(found, JobBody::from)))
}

async fn retry_job(auth: Authed<perm::JobRetry, Path<JobId>>) -> Answer<NoContent> {
    jobs::retry(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
