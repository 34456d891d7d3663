//! Archives of a merchant for people: asked for by its owner or its provider's, made by a job, kept for some days.

use super::pack::{Progress, pack};
use crate::app::{media, notices};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ExportId, MediaId, TenantId};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::page::{MAX_LIMIT, Page, PageRequest};
use qianpu_tenants::store::export::{
    Export, Made, export_failed, export_get, export_get_by_provider, export_insert, export_list,
    export_list_by_provider, export_progress, export_ready, export_removed,
};
use qianpu_tenants::store::tenant::{TenantState, tenant_get, tenant_names};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub const MAKE: &str = "export.make";
pub const REMOVE: &str = "export.remove";
/// Tries to make an archive.
pub const TRIES: i64 = 5;
/// Archives of a merchant that are kept at once; the oldest goes when another one is asked for.
const MOST_KEPT: usize = 3;
/// Pause between two notes of how far it is.
const BEAT: Duration = Duration::from_millis(500);

type Manages = Grant<perm::MerchantExport>;

/// Where an archive lies: beside the merchant's files.
pub fn place(state: &AppState, merchant: TenantId, id: ExportId) -> PathBuf {
    let beside = media::place_in(&state.config.media_dir(), merchant, MediaId(id.0));
    beside.with_file_name(format!("export-{}.tar", id.0.simple()))
}

/// Asks for an archive: of the own merchant, or of one of the provider's.
pub async fn ask(state: &AppState, grant: &Manages, merchant: Option<TenantId>) -> Answer<Export> {
    let own = grant.ctx().tenant();
    let (on, side) = match grant.ctx().kind() {
        Surface::Provider => {
            let merchant = merchant.ok_or_else(|| FieldError::required("merchant_id"))?;
            (grant.on_merchant(&state.db, merchant).await?, "provider")
        }
        _ if merchant.is_some_and(|merchant| merchant != own) => return Err(ApiError::not_found()),
        _ => (grant.clone(), "merchant"),
    };
    let mut tx = state.db.begin(on.ctx()).await?;
    if tenant_get(&tx).await?.state == TenantState::Closed {
        return Err(ApiError::new(ErrorCode::Conflict));
    }
    let too_many = give_up_oldest(&mut tx).await?;
    let id = export_insert(&mut tx, side).await.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::new(ErrorCode::ExportRunning),
        other => other.into(),
    })?;
    let public = id.to_string();
    let job = NewJob {
        kind: MAKE,
        dedup_key: Some(public.clone()),
        payload: json!({ "export_id": public }),
        run_at: None,
        priority: 8,
    };
    job_enqueue(&mut tx, job).await?;
    audit_append(&mut tx, AuditAction::ExportRequested, "export", &public, json!({ "by": side })).await?;
    let export = export_get(&tx, id).await?;
    tx.commit().await?;
    for old in too_many {
        // What is left behind here goes with the job that waits for its time.
        let _ = tokio::fs::remove_file(place(state, on.ctx().tenant(), old)).await;
    }
    Ok(export)
}

/// Makes room for one more archive; those whose files may go when this is committed.
async fn give_up_oldest(tx: &mut TenantTx) -> Answer<Vec<ExportId>> {
    let newest = export_list(tx, PageRequest::first(MAX_LIMIT)).await?.items;
    let ready = newest.into_iter().filter(|export| export.state == "ready");
    let mut given_up = Vec::new();
    for old in ready.skip(MOST_KEPT - 1) {
        export_removed(tx, old.id).await?;
        given_up.push(old.id);
    }
    Ok(given_up)
}

/// Archives the caller may see, newest first: the merchant's own, or those of the provider's merchants.
pub async fn list(state: &AppState, grant: &Manages, page: PageRequest) -> Answer<Page<Export>> {
    match grant.ctx().kind() {
        Surface::Provider => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(export_list_by_provider(&tx, page).await?)
        }
        _ => Ok(export_list(&*state.db.read(grant.ctx()).await?, page).await?),
    }
}

/// Names of the merchants these archives are of; none for a merchant, who has only its own.
pub async fn merchant_names(
    state: &AppState,
    grant: &Manages,
    of: &[Export],
) -> Answer<HashMap<TenantId, String>> {
    if grant.ctx().kind() != Surface::Provider {
        return Ok(HashMap::new());
    }
    let ids: Vec<TenantId> = of.iter().map(|export| export.merchant).collect();
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(tenant_names(&tx, &ids).await?)
}

/// One archive; somebody else's is not found.
pub async fn get(state: &AppState, grant: &Manages, id: ExportId) -> Answer<Export> {
    match grant.ctx().kind() {
        Surface::Provider => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(export_get_by_provider(&tx, id).await?)
        }
        _ => Ok(export_get(&*state.db.read(grant.ctx()).await?, id).await?),
    }
}

/// The archive itself, opened; that somebody takes it is noted in the merchant's log.
pub async fn open(state: &AppState, grant: &Manages, id: ExportId) -> Answer<(Export, tokio::fs::File)> {
    let export = get(state, grant, id).await?;
    match export.state.as_str() {
        "queued" | "running" => return Err(ApiError::new(ErrorCode::ExportNotReady)),
        "ready" if export.expires_at.is_some_and(|until| until > state.clock().now()) => {}
        _ => return Err(ApiError::new(ErrorCode::ExportGone)),
    }
    let file = tokio::fs::File::open(place(state, export.merchant, id)).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            ApiError::new(ErrorCode::ExportGone).with_internal("the archive is not where it was put")
        } else {
            ApiError::internal(error)
        }
    })?;
    let on = match grant.ctx().kind() {
        Surface::Provider => grant.on_merchant(&state.db, export.merchant).await?,
        _ => grant.clone(),
    };
    let mut tx = state.db.begin(on.ctx()).await?;
    audit_append(&mut tx, AuditAction::ExportDownloaded, "export", &id.to_string(), json!({})).await?;
    tx.commit().await?;
    Ok((export, file))
}

fn named(job: &ClaimedJob) -> Result<ExportId, JobError> {
    let id = job.payload.get("export_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    id.ok_or_else(|| JobError::dead("bad_payload", "no export is named"))
}

/// Notes now and then how far the archive is.
struct Noted<'a> {
    state: &'a AppState,
    ctx: &'a TenantCtx,
    id: ExportId,
    last: Instant,
}

impl Progress for Noted<'_> {
    async fn told(&mut self, done: u64, total: u64) -> Answer<bool> {
        if self.last.elapsed() < BEAT {
            return Ok(true);
        }
        self.last = Instant::now();
        let mut tx = self.state.db.begin(self.ctx).await?;
        let goes_on = export_progress(&mut tx, self.id, count(done), count(total)).await?;
        tx.commit().await?;
        Ok(goes_on)
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// `export.make`.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = named(job)?;
    let mut tx = state.db.begin(&job.ctx).await?;
    if !export_progress(&mut tx, id, 0, 0).await? {
        return finish(tx, job).await;
    }
    tx.commit().await?;
    let to = place(state, job.ctx.tenant(), id);
    let mut noted = Noted { state, ctx: &job.ctx, id, last: Instant::now() };
    let packed = match pack(state, &job.ctx, &to, &mut noted).await {
        Ok(packed) => packed,
        Err(error) if error.code().retryable() && job.attempt < TRIES => return Err(error.into()),
        Err(error) => {
            tracing::error!(export_id = %id, %error, "an archive could not be made");
            let mut tx = state.db.begin(&job.ctx).await?;
            export_failed(&mut tx, id, error.code().as_str()).await?;
            let detail = json!({ "code": error.code().as_str() });
            audit_append(&mut tx, AuditAction::ExportFailed, "export", &id.to_string(), detail).await?;
            return finish(tx, job).await;
        }
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    let expires_at = tx.now().plus(Span::hours(state.config.exports.keep_hours));
    let made = Made {
        rows: count(packed.rows),
        files: count(packed.files),
        missing_files: count(packed.missing_files),
        size_bytes: count(packed.size_bytes),
        sha256: &packed.sha256,
        content_sha256: &packed.content_sha256,
        expires_at,
    };
    if !export_ready(&mut tx, id, &made).await? {
        return finish(tx, job).await;
    }
    let public = id.to_string();
    let remove = NewJob {
        kind: REMOVE,
        dedup_key: Some(public.clone()),
        payload: json!({ "export_id": public }),
        run_at: Some(expires_at),
        priority: 9,
    };
    job_enqueue(&mut tx, remove).await?;
    let detail = json!({ "rows": packed.rows, "files": packed.files, "sha256": packed.sha256 });
    audit_append(&mut tx, AuditAction::ExportReady, "export", &public, detail).await?;
    let export = export_get(&tx, id).await?;
    notices::export_ready(state, &mut tx, &export).await?;
    finish(tx, job).await
}

/// `export.remove`: its time is over.
pub async fn run_remove(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = named(job)?;
    match tokio::fs::remove_file(place(state, job.ctx.tenant(), id)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(JobError::retry("file_kept", error.to_string()));
        }
        _ => {}
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    match export_removed(&mut tx, id).await? {
        true => {
            audit_append(&mut tx, AuditAction::ExportRemoved, "export", &id.to_string(), json!({})).await?;
            finish(tx, job).await
        }
        false => Ok(Done::Nothing),
    }
}
