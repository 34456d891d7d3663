//! `/imports`: files with many rows, applied in the background, with a result per row.

use crate::app::imports::{
    self, import_cancel, import_read, import_results, import_search, import_start, kind, report,
};
use crate::error::{Answer, ApiError};
use crate::http::describe::{Accepted, Answered, Draft};
use crate::http::extract::{Authed, Json, Path, Query, Upload};
use crate::http::route::Api;
use crate::http::wire::{Page, Time, page_request};
use crate::pages::lang::Lang;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ImportId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::MAX_LIMIT;
use qianpu_tenants::store::import::{Import, ImportRow, RowFilter, RowOutcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The largest file, with the rest of the form.
pub const UPLOAD_LIMIT: usize = 16 * 1024 * 1024;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/imports",
        start_import,
        "Upload a CSV file: fields `kind` (products, shipments), `file` and what the kind needs (`shop_id`)",
    );
    api.get("/imports", list_imports, "Imports, newest first");
    api.get("/imports/{import_id}", get_import, "An import with its progress");
    api.post("/imports/{import_id}/cancel", cancel_import, "Stop an import; applied rows stay");
    api.get("/imports/{import_id}/rows", list_import_rows, "Results per row, in the order of the file");
    api.get("/imports/{import_id}/result.csv", get_import_result, "The uploaded rows with their results");
    api.get("/imports/template.csv", get_import_template, "A file to fill in");
}

#[derive(Debug, Serialize, ToSchema)]
struct ImportView {
    id: String,
    kind: String,
    file_name: String,
    /// `utf-8` or `gb18030`, as found.
    encoding: String,
    /// `queued`, `running`, `done`, `cancelled` or `failed`.
    state: &'static str,
    /// Rows below the header.
    total_rows: i64,
    /// Rows with a result.
    done_rows: i64,
    ok_rows: i64,
    failed_rows: i64,
    /// Why the import as a whole failed.
    error_code: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = Option<String>)]
    started_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    finished_at: Option<Time>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            id: import.id.to_string(),
            kind: import.kind,
            file_name: import.file_name,
            encoding: import.encoding,
            state: import.state.as_str(),
            total_rows: import.total_rows,
            done_rows: import.done_rows,
            ok_rows: import.done_rows - import.failed_rows,
            failed_rows: import.failed_rows,
            error_code: import.error.map(|(code, _)| code),
            created_at: Time(import.created_at),
            started_at: import.started_at.map(Time),
            finished_at: import.finished_at.map(Time),
        }
    }
}

async fn start_import(auth: Authed<perm::ImportRun, Upload<UPLOAD_LIMIT>>) -> Answer<Accepted<ImportView>> {
    let import = imports_start(&auth).await?;
    Ok(Accepted(import.into()))
}

/// Starts the import of an uploaded form; the console's page does the same.
pub(in crate::http) async fn imports_start(
    auth: &Authed<perm::ImportRun, Upload<UPLOAD_LIMIT>>,
) -> Answer<Import> {
    let file = auth.input.file("file").ok_or_else(|| FieldError::required("file"))?;
    let kind = auth.input.fields.text("kind").to_owned();
    let options = auth.input.fields.0.iter().filter(|(name, _)| name != "kind").cloned().collect();
    let upload =
        imports::Upload { kind, file_name: file.file_name.clone(), bytes: file.bytes.clone(), options };
    import_start(&auth.state, &auth.caller, &auth.grant, upload).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ImportListQuery {
    /// Only this kind.
    kind: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_imports(
    auth: Authed<perm::ImportRun, Query<ImportListQuery>>,
) -> Answer<Json<Page<ImportView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = import_search(&auth.state, &auth.caller, &auth.grant, query.kind.as_deref(), page).await?;
    Ok(Json(Page::of(found, ImportView::from)))
}

async fn get_import(auth: Authed<perm::ImportRun, Path<ImportId>>) -> Answer<Json<ImportView>> {
    Ok(Json(import_read(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?.into()))
}

async fn cancel_import(auth: Authed<perm::ImportRun, Path<ImportId>>) -> Answer<Json<ImportView>> {
    Ok(Json(import_cancel(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Serialize, ToSchema)]
struct ImportRowView {
    /// As a spreadsheet counts: the header is row 1.
    row: i64,
    /// `ok` or `failed`.
    outcome: &'static str,
    /// What the row made or changed.
    target_id: Option<String>,
    errors: Vec<ImportFaultView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ImportFaultView {
    /// The column; empty when the row as a whole is meant.
    column: String,
    code: String,
    /// In the language of the request.
    message: String,
}

fn row_view(row: ImportRow, lang: Lang) -> ImportRowView {
    match row.outcome {
        RowOutcome::Ok(target) => {
            ImportRowView { row: row.row_no, outcome: "ok", target_id: Some(target), errors: Vec::new() }
        }
        RowOutcome::Failed(faults) => ImportRowView {
            row: row.row_no,
            outcome: "failed",
            target_id: None,
            errors: faults
                .into_iter()
                .map(|fault| ImportFaultView {
                    message: lang.pick(&fault.text_zh, &fault.text_en).to_owned(),
                    column: fault.column,
                    code: fault.code,
                })
                .collect(),
        },
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ImportRowQuery {
    /// `failed` for refused rows only.
    outcome: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_import_rows(
    auth: Authed<perm::ImportRun, (Path<ImportId>, Query<ImportRowQuery>)>,
) -> Answer<Json<Page<ImportRowView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let limit = page_request(query.limit, None)?.limit.min(MAX_LIMIT);
    let filter = match query.outcome.as_deref() {
        None | Some("") => RowFilter::All,
        Some("failed") => RowFilter::Failed,
        Some(_) => return Err(FieldError::new("outcome", "unknown", "expected failed", "应为 failed").into()),
    };
    let after = match query.cursor.as_deref().filter(|text| !text.is_empty()) {
        None => 0,
        Some(text) => text.parse().map_err(|_| ApiError::new(ErrorCode::InvalidCursor))?,
    };
    let mut rows =
        import_results(&auth.state, &auth.caller, &auth.grant, *id, filter, after, limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.row_no.to_string());
    let lang = auth.info.lang;
    Ok(Json(Page { items: rows.into_iter().map(|row| row_view(row, lang)).collect(), next_cursor }))
}

/// A file to keep.
pub(in crate::http) struct CsvFile(pub HttpResponse);

impl Answered for CsvFile {
    fn describe(draft: &mut Draft) {
        draft.bare_response("200", "text/csv in UTF-8 with a byte order mark");
    }
}
impl Responder for CsvFile {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

pub(in crate::http) fn csv_head(name: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

async fn get_import_result(auth: Authed<perm::ImportRun, Path<ImportId>>) -> Answer<CsvFile> {
    let import = import_read(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    let name = format!("{}-{}-result.csv", import.kind, import.id);
    let state = auth.state.get_ref().clone();
    let body = report::results(state, auth.grant.ctx().clone(), import, auth.info.lang)?;
    Ok(CsvFile(csv_head(&name).streaming(body)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TemplateQuery {
    /// Such as `products`.
    kind: String,
}

async fn get_import_template(auth: Authed<perm::ImportRun, Query<TemplateQuery>>) -> Answer<CsvFile> {
    let found = kind::kind_of(&auth.input.0.kind).ok_or_else(kind::unknown)?;
    let body = report::template(found, auth.info.lang)?;
    Ok(CsvFile(csv_head(&format!("{}-template.csv", found.name())).body(body)))
}
