//! Running an import: the rows of the file stream by, each unit is applied in its own transaction together
//! with the results of its rows. A process that dies loses nothing: the next run reads the file again,
//! skips the rows that have a result, and goes on. A long file is run in slices, so that it does not keep
//! a worker from other merchants.

use super::file::{Encoding, FileRefusal, Rows};
use super::kind::{Unit, kind_of};
use super::product_kind::on_first;
use super::{RUN, media};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ImportId;
use qianpu_domain::import::Header;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::import::{
    Import, ImportRow, ImportState, RowFault, RowOutcome, import_begin, import_end, import_get,
    import_record, import_rows_done,
};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long one slice may take.
const SLICE: Duration = Duration::from_secs(20);
/// Rows that may wait between the reader and the work.
const WAITING: usize = 64;

/// Handler of [`RUN`].
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload.get("import_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let Some(id) = id else { return Err(JobError::dead("bad_payload", "no import is named")) };
    let mut tx = state.db.begin(&job.ctx).await?;
    if !import_begin(&mut tx, id).await? {
        return finish(tx, job).await;
    }
    let import = import_get(&tx, id).await?;
    let done = import_rows_done(&tx, id).await?;
    tx.commit().await?;
    let ended = match slice(state, &job.ctx, &import, done).await {
        Ok(ended) => ended,
        Err(error) if error.code().retryable() => return Err(error.into()),
        Err(error) => {
            tracing::warn!(import_id = %id, %error, "an import cannot go on");
            Ended::Failed(error.code().as_str(), error.code().title_en())
        }
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    match ended {
        Ended::Over => return Ok(Done::Nothing),
        Ended::Later => {
            let next = NewJob {
                kind: RUN,
                dedup_key: Some(id.to_string()),
                payload: json!({ "import_id": id.to_string() }),
                run_at: None,
                priority: 6,
            };
            job_enqueue(&mut tx, next).await?;
        }
        Ended::Complete => end(&mut tx, id, ImportState::Done, None).await?,
        Ended::Failed(code, text) => end(&mut tx, id, ImportState::Failed, Some((code, text))).await?,
    }
    finish(tx, job).await
}

async fn end(
    tx: &mut qianpu_tenants::db::TenantTx,
    id: ImportId,
    state: ImportState,
    error: Option<(&str, &str)>,
) -> Answer<()> {
    if import_end(tx, id, state, error).await? {
        let now = import_get(tx, id).await?;
        let detail = json!({ "rows": now.done_rows, "failed": now.failed_rows });
        let action =
            if state == ImportState::Done { AuditAction::ImportDone } else { AuditAction::ImportFailed };
        audit_append(tx, action, "import", &id.to_string(), detail).await?;
    }
    Ok(())
}

/// How a slice ended.
enum Ended {
    /// Every row has a result.
    Complete,
    /// There is more to do.
    Later,
    /// Somebody stopped the import, or another worker runs it.
    Over,
    /// The import cannot go on.
    Failed(&'static str, &'static str),
}

async fn slice(state: &AppState, ctx: &TenantCtx, import: &Import, done: HashSet<i64>) -> Answer<Ended> {
    let begun = Instant::now();
    let kind = kind_of(&import.kind).ok_or_else(|| ApiError::internal("an import of an unknown kind"))?;
    let mut file = read(state, ctx, import)?;
    let header = match file.recv().await {
        Some(Ok((_, cells))) => Header::read(kind.columns(), &cells),
        Some(Err(refusal)) => return Err(unreadable(&refusal)),
        None => return Ok(Ended::Complete),
    };
    let header = header.map_err(|error| ApiError::refused(error.code(), error))?;
    let mut reader = kind.open(state, ctx, import, header).await?;
    loop {
        let row = file.recv().await;
        let last = row.is_none();
        let units = match row {
            Some(Ok((number, cells))) => reader.push(number, &cells),
            Some(Err(refusal)) => return Err(unreadable(&refusal)),
            None => reader.finish(),
        };
        for unit in units {
            // Rows of one unit get their results together, so one of them stands for all.
            let known = unit.rows().first().is_some_and(|row| done.contains(&row_no(*row)));
            if !known && !apply(state, ctx, import.id, unit).await? {
                return Ok(Ended::Over);
            }
        }
        if last {
            return Ok(Ended::Complete);
        }
        if begun.elapsed() > SLICE {
            return Ok(Ended::Later);
        }
    }
}

fn unreadable(refusal: &FileRefusal) -> ApiError {
    ApiError::new(qianpu_domain::error::ErrorCode::ImportEncoding).with_internal(format!("{refusal:?}"))
}

fn row_no(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

type ReadRow = Result<(u64, Vec<String>), FileRefusal>;

/// The rows of the stored file, header first, from a thread that may block.
pub(super) fn read(state: &AppState, ctx: &TenantCtx, import: &Import) -> Answer<mpsc::Receiver<ReadRow>> {
    let encoding = Encoding::parse(&import.encoding);
    let encoding = encoding.ok_or_else(|| ApiError::internal("an import of an unknown encoding"))?;
    let path: PathBuf = media::place(state, ctx.tenant(), import.media);
    let (send, receive) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let opened = std::fs::File::open(path).map_err(FileRefusal::Io);
        let mut rows = match opened.and_then(|file| Rows::open(file, encoding)) {
            Ok(rows) => rows,
            Err(refusal) => {
                let _ = send.blocking_send(Err(refusal));
                return;
            }
        };
        while let Some(row) = rows.next_row().transpose() {
            let failed = row.is_err();
            // Nobody listens any more: the slice is over.
            if send.blocking_send(row).is_err() || failed {
                return;
            }
        }
    });
    Ok(receive)
}

/// Applies a unit. False when the import is over or another worker was faster.
async fn apply(state: &AppState, ctx: &TenantCtx, id: ImportId, unit: Unit) -> Answer<bool> {
    let results = match unit {
        Unit::Refused(rows) => refused(rows),
        Unit::Ready { rows, work } => {
            let mut tx = state.db.begin(ctx).await?;
            match work.apply(&mut tx).await {
                Ok(target) => {
                    let done: Vec<ImportRow> = rows
                        .iter()
                        .map(|row| ImportRow {
                            row_no: row_no(*row),
                            outcome: RowOutcome::Ok(target.clone()),
                        })
                        .collect();
                    if !import_record(&mut tx, id, &done).await? {
                        return Ok(false);
                    }
                    tx.commit().await?;
                    return Ok(true);
                }
                Err(error) if error.code().retryable() => return Err(error),
                Err(error) => refused(on_first(&rows, faults(&error))),
            }
        }
    };
    let mut tx = state.db.begin(ctx).await?;
    if !import_record(&mut tx, id, &results).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// A use case's refusal as faults of a row.
fn faults(error: &ApiError) -> Vec<FieldError> {
    if error.errors().is_empty() { vec![FieldError::of("", error.code())] } else { error.errors().to_vec() }
}

fn refused(rows: Vec<(u64, Vec<FieldError>)>) -> Vec<ImportRow> {
    rows.into_iter()
        .map(|(number, errors)| ImportRow {
            row_no: row_no(number),
            outcome: RowOutcome::Failed(errors.into_iter().map(RowFault::from).collect()),
        })
        .collect()
}
