//! `mail.send`: renders one mail in its provider's dress and hands it to the mail server: the provider's own when it
//! has one that works, otherwise the installation's. It may arrive twice when the process dies between sending and
//! noting it; never not at all.

use super::{Done, JobError, JobResult};
use crate::mail::own::{OwnServer, dress_of};
use crate::mail::{Dress, Mail, SendError};
use crate::state::AppState;
use qianpu_domain::brand::SenderState;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::store::brand::sender_note;

pub const KIND: &str = "mail.send";

pub async fn run(state: AppState, job: ClaimedJob) -> JobResult {
    let mail = state
        .mailer
        .opened(&job.ctx, &job.payload)
        .map_err(|error| JobError::dead("mail_unreadable", error))?;
    let mut dress = dress_of(&state, &job.ctx).await?;
    let own = dress.own.take().filter(|server| server.is_used(state.clock().now()));
    if let Some(server) = own
        && sent_by_own(&state, &job, &mail, &dress, &server).await?
    {
        return Ok(Done::Nothing);
    }
    match state.mailer.send(&state.pages, &mail, job.id, state.clock().now(), &dress).await {
        Ok(()) => Ok(Done::Nothing),
        Err(SendError::Later(text)) => Err(JobError::retry("mail_later", text)),
        Err(SendError::Never(text)) => Err(JobError::dead("mail_refused", text)),
    }
}

/// Whether the provider's own server took the mail. One that takes none is left alone for a while, and the provider
/// sees what it said.
async fn sent_by_own(
    state: &AppState,
    job: &ClaimedJob,
    mail: &Mail,
    dress: &Dress,
    server: &OwnServer,
) -> StoreResult<bool> {
    let now = state.clock().now();
    match state.mailer.send_own(&state.pages, mail, job.id, now, dress, server).await {
        Ok(()) => {
            if server.sender.state == SenderState::Broken {
                note(state, &job.ctx, server, None).await?;
            }
            Ok(true)
        }
        Err(failure) if failure.about_recipient => {
            tracing::info!(text = %failure.text, "a provider's mail server refused a recipient");
            Ok(false)
        }
        Err(failure) => {
            tracing::warn!(text = %failure.text, "a provider's mail server takes no mails");
            note(state, &job.ctx, server, Some(&failure.text)).await?;
            Ok(false)
        }
    }
}

async fn note(state: &AppState, ctx: &TenantCtx, server: &OwnServer, error: Option<&str>) -> StoreResult<()> {
    let provider = ctx.provider_of_its_own().ok_or(StoreError::NotFound)?;
    let mut tx = state.db.begin(&provider).await?;
    sender_note(&mut tx, &server.sender, error).await?;
    tx.commit().await
}
