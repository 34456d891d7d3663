//! Imports of files and the result of each of their rows.
//!
//! Invariant: a row's result is written in the transaction that applied the row, under the primary key
//! (import, row). So a row is applied once, and an import that was cut off goes on after its last result.

use crate::db::TenantTx;
use crate::entity::{import as row, import_row};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ImportId, MediaId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::HashSet;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// Waits for a worker.
    Queued,
    /// Rows are being applied.
    Running,
    /// Every row has a result.
    Done,
    /// Stopped by a person; rows with a result stay applied.
    Cancelled,
    /// It cannot go on; the error says why.
    Failed,
}

impl ImportState {
    /// The word as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
    fn parse(text: &str) -> StoreResult<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Cancelled, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(StoreError::Corrupt("imports.state"))
    }
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// What its rows are: `products`, `shipments`.
    pub kind: String,
    /// The file.
    pub media: MediaId,
    /// Its name as uploaded.
    pub file_name: String,
    /// Its encoding as found.
    pub encoding: String,
    /// What the kind needs besides the file, as JSON.
    pub options: serde_json::Value,
    /// Where it stands.
    pub state: ImportState,
    /// Data rows of the file.
    pub total_rows: i64,
    /// Rows with a result.
    pub done_rows: i64,
    /// Of these, rows that were refused.
    pub failed_rows: i64,
    /// Why it failed.
    pub error: Option<(String, String)>,
    /// Who uploaded it (public id).
    pub created_by: String,
    /// When the first row was applied.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// An import to be.
#[derive(Clone, Debug)]
pub struct NewImport<'a> {
    /// What its rows are.
    pub kind: &'a str,
    /// The file.
    pub media: MediaId,
    /// Its name as uploaded.
    pub file_name: &'a str,
    /// Its encoding as found.
    pub encoding: &'a str,
    /// What the kind needs besides the file.
    pub options: &'a serde_json::Value,
    /// Data rows of the file.
    pub total_rows: i64,
}

/// The result of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// As a spreadsheet counts: the header is row 1.
    pub row_no: i64,
    /// What it made (public id) or what was wrong with it.
    pub outcome: RowOutcome,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// It was applied to, or made, the thing with this public id.
    Ok(String),
    /// It was refused; nothing of it was kept.
    Failed(Vec<RowFault>),
}

/// One thing wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The column as the file names it; empty when the row as a whole is meant.
    pub column: String,
    /// A stable word.
    pub code: String,
    /// In English.
    pub text_en: String,
    /// In Chinese.
    pub text_zh: String,
}

impl From<FieldError> for RowFault {
    fn from(error: FieldError) -> Self {
        Self {
            column: error.path,
            code: error.code.to_owned(),
            text_en: error.message_en,
            text_zh: error.message_zh,
        }
    }
}

fn from_model(model: row::Model) -> StoreResult<Import> {
    Ok(Import {
        id: ImportId(model.id),
        kind: model.kind,
        media: MediaId(model.media_id),
        file_name: model.file_name,
        encoding: model.encoding,
        options: serde_json::from_str(&model.options).map_err(|_| StoreError::Corrupt("imports.options"))?,
        state: ImportState::parse(&model.state)?,
        total_rows: model.total_rows,
        done_rows: model.done_rows,
        failed_rows: model.failed_rows,
        error: model.error_code.zip(model.error_text),
        created_by: model.created_by,
        started_at: model.started_at.map(Timestamp::from_micros),
        finished_at: model.finished_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(model.created_at),
    })
}

/// Adds an import.
pub async fn import_insert(tx: &mut TenantTx, new: &NewImport<'_>) -> StoreResult<Import> {
    let now = tx.now().micros();
    let (_, created_by, _) = tx.ctx().actor().audit_parts();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        kind: Set(new.kind.to_owned()),
        media_id: Set(new.media.0),
        file_name: Set(new.file_name.chars().take(200).collect()),
        encoding: Set(new.encoding.to_owned()),
        options: Set(new.options.to_string()),
        state: Set(ImportState::Queued.as_str().to_owned()),
        total_rows: Set(new.total_rows),
        done_rows: Set(0),
        failed_rows: Set(0),
        error_code: Set(None),
        error_text: Set(None),
        created_by: Set(created_by),
        version: Set(1),
        started_at: Set(None),
        finished_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    from_model(model.insert(tx.conn()).await?)
}

/// An import.
pub async fn import_get(tx: &TenantTx, id: ImportId) -> StoreResult<Import> {
    row::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()?
        .ok_or(StoreError::NotFound)
}

/// Imports, newest first; of these kinds only.
pub async fn import_list(
    tx: &TenantTx,
    kinds: &[&str],
    by: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<Import>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Kind.is_in(kinds.iter().copied()));
    if let Some(by) = by {
        query = query.filter(row::Column::CreatedBy.eq(by));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |import| Cursor { at: import.created_at, id: import.id.0 }))
}

/// Marks an import as running. False when it is over: then nothing of it may be applied any more.
pub async fn import_begin(tx: &mut TenantTx, id: ImportId) -> StoreResult<bool> {
    let now = tx.now().micros();
    let started = Expr::col(row::Column::StartedAt).if_null(now);
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(ImportState::Running.as_str()))
        .col_expr(row::Column::StartedAt, started)
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.is_in([ImportState::Queued.as_str(), ImportState::Running.as_str()]))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Writes the results of rows and counts them. False when one of the rows has a result already or the
/// import is over: then the caller must drop the transaction with all that it did for these rows.
pub async fn import_record(tx: &mut TenantTx, id: ImportId, results: &[ImportRow]) -> StoreResult<bool> {
    let count = i64::try_from(results.len()).unwrap_or(i64::MAX);
    let failed = results.iter().filter(|result| matches!(result.outcome, RowOutcome::Failed(_))).count();
    let now = tx.now().micros();
    for some in results.chunks(500) {
        let models = some.iter().map(|result| {
            let (outcome, target, faults) = match &result.outcome {
                RowOutcome::Ok(target) => ("ok", Some(target.clone()), "[]".to_owned()),
                RowOutcome::Failed(faults) => ("failed", None, faults_text(faults)),
            };
            import_row::ActiveModel {
                tenant_id: Set(tx.tenant()),
                import_id: Set(id.0),
                row_no: Set(result.row_no),
                outcome: Set(outcome.to_owned()),
                target_id: Set(target),
                faults: Set(faults),
                created_at: Set(now),
            }
        });
        let key = OnConflict::columns([
            import_row::Column::TenantId,
            import_row::Column::ImportId,
            import_row::Column::RowNo,
        ])
        .do_nothing()
        .to_owned();
        let written = import_row::Entity::insert_many(models)
            .on_conflict(key)
            .exec_without_returning(tx.conn())
            .await?;
        if written != some.len() as u64 {
            return Ok(false);
        }
    }
    let done = row::Entity::update_many()
        .col_expr(row::Column::DoneRows, Expr::col(row::Column::DoneRows).add(count))
        .col_expr(
            row::Column::FailedRows,
            Expr::col(row::Column::FailedRows).add(i64::try_from(failed).unwrap_or(i64::MAX)),
        )
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq(ImportState::Running.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends an import. False when it was over already.
pub async fn import_end(
    tx: &mut TenantTx,
    id: ImportId,
    state: ImportState,
    error: Option<(&str, &str)>,
) -> StoreResult<bool> {
    let now = tx.now().micros();
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.as_str()))
        .col_expr(row::Column::ErrorCode, Expr::value(error.map(|(code, _)| code.to_owned())))
        .col_expr(row::Column::ErrorText, Expr::value(error.map(|(_, text)| text.to_owned())))
        .col_expr(row::Column::FinishedAt, Expr::value(now))
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.is_in([ImportState::Queued.as_str(), ImportState::Running.as_str()]))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// The numbers of the rows with a result.
pub async fn import_rows_done(tx: &TenantTx, id: ImportId) -> StoreResult<HashSet<i64>> {
    let rows: Vec<i64> = import_row::Entity::find()
        .select_only()
        .column(import_row::Column::RowNo)
        .filter(import_row::Column::TenantId.eq(tx.tenant()))
        .filter(import_row::Column::ImportId.eq(id.0))
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Which results are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFilter {
    /// All.
    All,
    /// Only refused rows.
    Failed,
}

/// Results after row `after`, in the order of the file, at most `limit`.
pub async fn import_row_list(
    tx: &TenantTx,
    id: ImportId,
    filter: RowFilter,
    after: i64,
    limit: u64,
) -> StoreResult<Vec<ImportRow>> {
    let mut query = import_row::Entity::find()
        .filter(import_row::Column::TenantId.eq(tx.tenant()))
        .filter(import_row::Column::ImportId.eq(id.0))
        .filter(import_row::Column::RowNo.gt(after));
    if filter == RowFilter::Failed {
        query = query.filter(import_row::Column::Outcome.eq("failed"));
    }
    let rows =
        query.order_by_asc(import_row::Column::RowNo).limit(Ord::min(limit, 1_000)).all(tx.conn()).await?;
    rows.into_iter()
        .map(|found| {
            let outcome = match (found.outcome.as_str(), found.target_id) {
                ("ok", Some(target)) => RowOutcome::Ok(target),
                ("failed", _) => RowOutcome::Failed(faults_from(&found.faults)?),
                _ => return Err(StoreError::Corrupt("import_rows.outcome")),
            };
            Ok(ImportRow { row_no: found.row_no, outcome })
        })
        .collect()
}

fn faults_text(faults: &[RowFault]) -> String {
    let parts: Vec<[&str; 4]> = faults
        .iter()
        .map(|fault| {
            [fault.column.as_str(), fault.code.as_str(), fault.text_en.as_str(), fault.text_zh.as_str()]
        })
        .collect();
    serde_json::json!(parts).to_string()
}

fn faults_from(text: &str) -> StoreResult<Vec<RowFault>> {
    let parts: Vec<[String; 4]> =
        serde_json::from_str(text).map_err(|_| StoreError::Corrupt("import_rows.faults"))?;
    let fault = |[column, code, text_en, text_zh]: [String; 4]| RowFault { column, code, text_en, text_zh };
    Ok(parts.into_iter().map(fault).collect())
}
