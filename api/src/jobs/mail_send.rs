//! `mail.send`: renders one mail and hands it to the mail server. It may arrive twice when the process
//! dies between sending and noting it; never not at all.

use super::{Done, JobError, JobResult};
use crate::mail::SendError;
use crate::state::AppState;
use qianpu_tenants::jobs::ClaimedJob;

pub const KIND: &str = "mail.send";

pub async fn run(state: AppState, job: ClaimedJob) -> JobResult {
    let mail = state
        .mailer
        .opened(&job.ctx, &job.payload)
        .map_err(|error| JobError::dead("mail_unreadable", error))?;
    match state.mailer.send(&state.pages, &mail, job.id, state.clock().now()).await {
        Ok(()) => Ok(Done::Nothing),
        Err(SendError::Later(text)) => Err(JobError::retry("mail_later", text)),
        Err(SendError::Never(text)) => Err(JobError::dead("mail_refused", text)),
    }
}
