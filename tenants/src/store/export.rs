//! Archives of a merchant: asked for, made by a job, kept for a while, removed. One at a time per merchant.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::export;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ExportId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

/// An archive.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// The merchant.
    pub merchant: TenantId,
    /// `queued`, `running`, `ready`, `failed` or `removed`.
    pub state: String,
    /// On which side somebody asked for it: `merchant`, `provider` or `system`.
    pub asked_by_kind: String,
    /// Public id of who asked.
    pub asked_by: String,
    /// Name of who asked.
    pub asked_by_name: String,
    /// Rows written so far.
    pub done_rows: i64,
    /// Rows there were when it began.
    pub total_rows: i64,
    /// Files in it.
    pub files: i64,
    /// Files that were not found, or not as they were stored.
    pub missing_files: i64,
    /// Size of the archive.
    pub size_bytes: i64,
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: Option<String>,
    /// SHA-256 over what is in it, the same for the same content.
    pub content_sha256: Option<String>,
    /// Why it failed.
    pub error_code: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was ready.
    pub ready_at: Option<Timestamp>,
    /// Until when it can be downloaded.
    pub expires_at: Option<Timestamp>,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
}

fn from_model(row: export::Model) -> Export {
    Export {
        id: ExportId(row.id),
        merchant: TenantId(row.tenant_id),
        state: row.state,
        asked_by_kind: row.asked_by_kind,
        asked_by: row.asked_by,
        asked_by_name: row.asked_by_name,
        done_rows: row.done_rows,
        total_rows: row.total_rows,
        files: row.files,
        missing_files: row.missing_files,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
        content_sha256: row.content_sha256,
        error_code: row.error_code,
        created_at: Timestamp::from_micros(row.created_at),
        ready_at: row.ready_at.map(Timestamp::from_micros),
        expires_at: row.expires_at.map(Timestamp::from_micros),
        removed_at: row.removed_at.map(Timestamp::from_micros),
    }
}

/// Asks for an archive. `Conflict(export)` while another one of the merchant is being made.
pub async fn export_insert(tx: &mut TenantTx, asked_by_kind: &str) -> StoreResult<ExportId> {
    let id = ExportId(tx.new_id());
    let (_, by, name) = tx.ctx().actor().audit_parts();
    let row = export::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id.0),
        provider_id: Set(tx.provider()?),
        state: Set("queued".to_owned()),
        asked_by_kind: Set(asked_by_kind.to_owned()),
        asked_by: Set(by),
        asked_by_name: Set(name),
        done_rows: Set(0),
        total_rows: Set(0),
        files: Set(0),
        missing_files: Set(0),
        size_bytes: Set(0),
        sha256: Set(None),
        content_sha256: Set(None),
        error_code: Set(None),
        created_at: Set(tx.now().micros()),
        started_at: Set(None),
        ready_at: Set(None),
        expires_at: Set(None),
        removed_at: Set(None),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    match export::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await? {
        1 => Ok(id),
        _ => Err(StoreError::Conflict("export")),
    }
}

/// An archive of the merchant.
pub async fn export_get(tx: &TenantTx, id: ExportId) -> StoreResult<Export> {
    let row = export::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// An archive of one of the provider's merchants.
pub async fn export_get_by_provider(tx: &ProviderTx, id: ExportId) -> StoreResult<Export> {
    export::Entity::find()
        .filter(export::Column::ProviderId.eq(tx.provider()))
        .filter(export::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .ok_or(StoreError::NotFound)
}

fn page_of(rows: Vec<export::Model>, limit: u64) -> Page<Export> {
    let key = |row: &export::Model| Cursor { at: Timestamp::from_micros(row.created_at), id: row.id };
    Page::from_rows(rows, limit, key).map(from_model)
}

/// Archives of the merchant, newest first.
pub async fn export_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Export>> {
    let query = export::Entity::find().filter(export::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, export::Column::CreatedAt, export::Column::Id, page);
    Ok(page_of(rows.all(tx.conn()).await?, page.limit))
}

/// Archives of the provider's merchants, newest first.
pub async fn export_list_by_provider(tx: &ProviderTx, page: PageRequest) -> StoreResult<Page<Export>> {
    let query = export::Entity::find().filter(export::Column::ProviderId.eq(tx.provider()));
    let rows = newest_first(query, export::Column::CreatedAt, export::Column::Id, page);
    Ok(page_of(rows.all(tx.conn()).await?, page.limit))
}

/// Notes how far it is; false when it is over.
pub async fn export_progress(tx: &mut TenantTx, id: ExportId, done: i64, total: i64) -> StoreResult<bool> {
    use export::Column;
    let mut update = export::Entity::update_many().col_expr(Column::State, Expr::value("running"));
    if done == 0 {
        update = update.col_expr(Column::StartedAt, Expr::value(tx.now().micros()));
    }
    let changed = update
        .col_expr(Column::DoneRows, Expr::value(done))
        .col_expr(Column::TotalRows, Expr::value(total))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.is_in(["queued", "running"]))
        .exec(tx.conn())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// What an archive turned out to be.
#[derive(Clone, Debug)]
pub struct Made<'a> {
    /// Rows in it.
    pub rows: i64,
    /// Files in it.
    pub files: i64,
    /// Files that are missing.
    pub missing_files: i64,
    /// Its size.
    pub size_bytes: i64,
    /// Of the archive.
    pub sha256: &'a str,
    /// Of its content.
    pub content_sha256: &'a str,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}

/// Notes that it is ready; false when it is over already.
pub async fn export_ready(tx: &mut TenantTx, id: ExportId, made: &Made<'_>) -> StoreResult<bool> {
    use export::Column;
    let changed = export::Entity::update_many()
        .col_expr(Column::State, Expr::value("ready"))
        .col_expr(Column::DoneRows, Expr::value(made.rows))
        .col_expr(Column::TotalRows, Expr::value(made.rows))
        .col_expr(Column::Files, Expr::value(made.files))
        .col_expr(Column::MissingFiles, Expr::value(made.missing_files))
        .col_expr(Column::SizeBytes, Expr::value(made.size_bytes))
        .col_expr(Column::Sha256, Expr::value(made.sha256))
        .col_expr(Column::ContentSha256, Expr::value(made.content_sha256))
        .col_expr(Column::ReadyAt, Expr::value(tx.now().micros()))
        .col_expr(Column::ExpiresAt, Expr::value(made.expires_at.micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.is_in(["queued", "running"]))
        .exec(tx.conn())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes that it could not be made.
pub async fn export_failed(tx: &mut TenantTx, id: ExportId, code: &str) -> StoreResult<()> {
    use export::Column;
    export::Entity::update_many()
        .col_expr(Column::State, Expr::value("failed"))
        .col_expr(Column::ErrorCode, Expr::value(code))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.is_in(["queued", "running"]))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes that the archive is gone; false when it was not there.
pub async fn export_removed(tx: &mut TenantTx, id: ExportId) -> StoreResult<bool> {
    use export::Column;
    let changed = export::Entity::update_many()
        .col_expr(Column::State, Expr::value("removed"))
        .col_expr(Column::RemovedAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.eq("ready"))
        .exec(tx.conn())
        .await?;
    Ok(changed.rows_affected == 1)
}
