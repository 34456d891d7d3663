//! Imports of CSV files: upload, run in the background, a result per row.
//!
//! What every import has in common is here: reading the file ([`mod@file`]), running it so that it can be cut
//! off at any row and go on ([`runner`]), results as a file ([`report`]). What an import *does* is a kind:
//! one value of [`kind::ImportKind`], listed in [`kind::KINDS`]. A kind names its columns, turns rows into
//! units of work, and applies a unit in a transaction that the runner commits together with the results of
//! the unit's rows. To add an import (prices, say), write a kind and list it there;
//! upload, progress, results, template and pages follow.

pub mod file;
pub mod kind;
mod product_kind;
pub mod report;
pub mod runner;
mod shipment_kind;

use super::media;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use actix_web::web::Bytes;
use file::{FileFacts, FileRefusal};
use kind::{ImportKind, KINDS, kind_of};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ImportId, MediaId};
use qianpu_domain::import::Column;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::import::{
    Import, ImportRow, ImportState, NewImport, RowFilter, import_end, import_get, import_insert, import_list,
    import_row_list,
};
use qianpu_tenants::store::media::{NewMedia, media_insert};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Job that runs an import; payload `{"import_id"}`.
pub const RUN: &str = "import.run";

/// A file to import.
#[derive(Debug, Clone)]
pub struct Upload {
    pub kind: String,
    pub file_name: String,
    pub bytes: Bytes,
    /// What the kind needs besides the file.
    pub options: BTreeMap<String, String>,
}

/// Checks a file as a whole and queues it. Whatever is wrong with the file itself is said here, at once;
/// what is wrong with its rows is said in their results.
pub async fn import_start(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ImportRun>,
    upload: Upload,
) -> Answer<Import> {
    let kind = kind_of(&upload.kind).ok_or_else(kind::unknown)?;
    if !caller.may(kind.permission()) {
        return Err(ApiError::new(ErrorCode::Forbidden));
    }
    let options = kind.accept(state, caller, &upload.options).await?;
    let facts = inspect(state, kind, upload.bytes.clone()).await?;
    let id = MediaId(state.new_id());
    let size_bytes = i64::try_from(upload.bytes.len()).unwrap_or(i64::MAX);
    media::write(state, grant.ctx().tenant(), id, &upload.bytes).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let file = NewMedia {
        id,
        purpose: "import",
        file_name: &upload.file_name,
        content_type: "text/csv",
        size_bytes,
        sha256: Sha256::digest(&upload.bytes).into(),
        dimensions: None,
    };
    media_insert(&mut tx, &file).await?;
    let new = NewImport {
        kind: kind.name(),
        media: id,
        file_name: &upload.file_name,
        encoding: facts.encoding.as_str(),
        options: &options,
        total_rows: i64::try_from(facts.rows).unwrap_or(i64::MAX),
    };
    let import = import_insert(&mut tx, &new).await?;
    let public = import.id.to_string();
    let job = NewJob {
        kind: RUN,
        dedup_key: Some(public.clone()),
        payload: json!({ "import_id": public }),
        run_at: None,
        priority: 6,
    };
    job_enqueue(&mut tx, job).await?;
    let detail = json!({ "kind": kind.name(), "rows": facts.rows });
    audit_append(&mut tx, AuditAction::ImportStarted, "import", &public, detail).await?;
    tx.commit().await?;
    Ok(import)
}

async fn inspect(state: &AppState, kind: &'static dyn ImportKind, bytes: Bytes) -> Answer<FileFacts> {
    let limit = state.config.imports.max_rows;
    let looked = tokio::task::spawn_blocking(move || file::inspect(bytes.as_ref(), kind.columns(), limit));
    looked.await.map_err(ApiError::internal)?.map_err(|refusal| refused(kind.columns(), refusal))
}

/// What is wrong with a whole file, in the caller's language.
pub(super) fn refused(columns: &[Column], refusal: FileRefusal) -> ApiError {
    use qianpu_domain::import::ImportError;
    match refusal {
        FileRefusal::Utf16 => ApiError::new(ErrorCode::ImportEncoding).with_text("imports.is_utf16", vec![]),
        FileRefusal::Workbook => {
            ApiError::new(ErrorCode::ImportEncoding).with_text("imports.is_xlsx", vec![])
        }
        FileRefusal::Unreadable => {
            ApiError::new(ErrorCode::ImportEncoding).with_text("imports.no_encoding", vec![])
        }
        FileRefusal::Empty => ApiError::new(ErrorCode::ImportEmpty),
        FileRefusal::TooManyRows(limit) => ApiError::new(ErrorCode::ImportTooManyRows)
            .with_text("imports.too_many_rows", vec![("limit", limit.to_string())]),
        FileRefusal::Columns(ImportError::MissingColumns(keys)) => {
            let names: Vec<String> = keys.iter().map(|key| column_name(columns, key)).collect();
            ApiError::new(ErrorCode::ImportColumns)
                .with_text("imports.missing_columns", vec![("columns", names.join(", "))])
        }
        FileRefusal::Columns(ImportError::DuplicateColumn(key)) => ApiError::new(ErrorCode::ImportColumns)
            .with_text("imports.duplicate_column", vec![("column", column_name(columns, key))]),
        FileRefusal::Columns(other) => ApiError::refused(other.code(), other),
        FileRefusal::Io(error) => ApiError::internal(error),
    }
}

/// A column in both languages: `标题 (title)`.
fn column_name(columns: &[Column], key: &str) -> String {
    let column = columns.iter().find(|column| column.key == key);
    match column.and_then(|column| column.names.first()) {
        Some(name) => format!("{name} ({key})"),
        None => key.to_owned(),
    }
}

/// An import of a kind the caller may see.
pub async fn import_read(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ImportRun>,
    id: ImportId,
) -> Answer<Import> {
    let tx = state.db.read(grant.ctx()).await?;
    let import = import_get(&tx, id).await?;
    seen(caller, grant, &import)?;
    Ok(import)
}

/// Files may be about every shop: whoever is limited to some sees the own files only.
fn seen(caller: &Caller, grant: &Grant<perm::ImportRun>, import: &Import) -> Answer<&'static dyn ImportKind> {
    let kind = kind_of(&import.kind).filter(|kind| caller.may(kind.permission()));
    let own = grant.shops().is_none() || import.created_by == caller.actor_id();
    kind.filter(|_| own).ok_or_else(ApiError::not_found)
}

/// Imports of the kinds the caller may see, newest first.
pub async fn import_search(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ImportRun>,
    kind: Option<&str>,
    page: PageRequest,
) -> Answer<Page<Import>> {
    let kinds: Vec<&str> = KINDS
        .iter()
        .filter(|known| caller.may(known.permission()) && kind.is_none_or(|kind| kind == known.name()))
        .map(|known| known.name())
        .collect();
    let tx = state.db.read(grant.ctx()).await?;
    let by = grant.shops().map(|_| caller.actor_id());
    Ok(import_list(&tx, &kinds, by.as_deref(), page).await?)
}

/// Results after a row, in the order of the file; one more than `limit` says that there are more.
pub async fn import_results(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ImportRun>,
    id: ImportId,
    filter: RowFilter,
    after: i64,
    limit: u64,
) -> Answer<Vec<ImportRow>> {
    let tx = state.db.read(grant.ctx()).await?;
    seen(caller, grant, &import_get(&tx, id).await?)?;
    Ok(import_row_list(&tx, id, filter, after, limit).await?)
}

/// Stops an import. Rows that have a result stay as they are.
pub async fn import_cancel(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ImportRun>,
    id: ImportId,
) -> Answer<Import> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    seen(caller, grant, &import_get(&tx, id).await?)?;
    if !import_end(&mut tx, id, ImportState::Cancelled, None).await? {
        return Err(ApiError::new(ErrorCode::ImportOver));
    }
    audit_append(&mut tx, AuditAction::ImportCancelled, "import", &id.to_string(), json!({})).await?;
    let now = import_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}
