//! Background jobs as people see them: what waits, what was laid aside, and the retry button.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::JobId;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::jobs::{JobRow, job_list, job_retry};
use qianpu_tenants::page::{Page, PageRequest};
use serde_json::json;

/// Jobs of the tenant, newest first; `pending` or `dead` only when asked.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::JobRead>,
    of: Option<&str>,
    page: PageRequest,
) -> Answer<Page<JobRow>> {
    if of.is_some_and(|of| !matches!(of, "pending" | "dead")) {
        let (en, zh) = ("pending or dead", "应为 pending 或 dead");
        return Err(ApiError::field(FieldError::new("state", "invalid", en, zh)));
    }
    let tx = state.db.read(grant.ctx()).await?;
    Ok(job_list(&tx, of, page).await?)
}

/// Puts a job that was laid aside back into the queue.
pub async fn retry(state: &AppState, grant: &Grant<perm::JobRetry>, id: JobId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    job_retry(&mut tx, id).await?;
    audit_append(&mut tx, AuditAction::JobRetried, "job", &id.to_string(), json!({})).await?;
    Ok(tx.commit().await?)
}
