//! `/exports`: archives of everything a merchant has.

use crate::app::whole::exports;
use crate::error::Answer;
use crate::http::describe::{Accepted, Answered, Draft};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use futures_util::stream;
use qianpu_domain::ids::{ExportId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::export::Export;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use utoipa::{IntoParams, ToSchema};

/// Bytes sent at once.
const BLOCK: usize = 64 * 1024;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/exports", ask_export, "Have an archive of everything the merchant has made");
    api.get("/exports", list_exports, "Archives, newest first");
    api.get("/exports/{export_id}", get_export, "An archive with its progress");
    api.get("/exports/{export_id}/content", get_export_content, "The archive itself, while it is kept");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskExportBody {
    /// A provider names one of its merchants; a merchant leaves it out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ExportView {
    #[schema(value_type = String)]
    id: Id<ExportId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    /// `queued`, `running`, `ready`, `failed` or `removed`.
    state: String,
    /// `merchant`, `provider` or `system`.
    asked_by: String,
    asked_by_name: String,
    done_rows: i64,
    total_rows: i64,
    files: i64,
    /// Files a row names that were not there, or not as they were stored.
    missing_files: i64,
    size_bytes: i64,
    /// Of the archive, in hexadecimal.
    sha256: Option<String>,
    /// The same for the same content, wherever and whenever it was made.
    content_sha256: Option<String>,
    error_code: Option<String>,
    created_at: Time,
    #[schema(value_type = Option<String>)]
    ready_at: Option<Time>,
    /// Until when it can be downloaded.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    removed_at: Option<Time>,
}

fn view(export: Export) -> ExportView {
    ExportView {
        id: Id(export.id),
        merchant_id: Id(export.merchant),
        state: export.state,
        asked_by: export.asked_by_kind,
        asked_by_name: export.asked_by_name,
        done_rows: export.done_rows,
        total_rows: export.total_rows,
        files: export.files,
        missing_files: export.missing_files,
        size_bytes: export.size_bytes,
        sha256: export.sha256,
        content_sha256: export.content_sha256,
        error_code: export.error_code,
        created_at: Time(export.created_at),
        ready_at: export.ready_at.map(Time),
        expires_at: export.expires_at.map(Time),
        removed_at: export.removed_at.map(Time),
    }
}

async fn ask_export(auth: Authed<perm::MerchantExport, Json<AskExportBody>>) -> Answer<Accepted<ExportView>> {
    let merchant = auth.input.0.merchant_id.as_ref().map(|id| id.0);
    Ok(Accepted(view(exports::ask(&auth.state, &auth.grant, merchant).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListExportsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_exports(
    auth: Authed<perm::MerchantExport, Query<ListExportsQuery>>,
) -> Answer<Json<Page<ExportView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(exports::list(&auth.state, &auth.grant, page).await?, view)))
}

async fn get_export(auth: Authed<perm::MerchantExport, Path<ExportId>>) -> Answer<Json<ExportView>> {
    Ok(Json(view(exports::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

/// An archive on its way out.
struct Archive(HttpResponse);

impl Answered for Archive {
    fn describe(draft: &mut Draft) {
        draft.bare_response("200", "application/x-tar, as docs/export.md describes it");
    }
}
impl Responder for Archive {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

async fn get_export_content(auth: Authed<perm::MerchantExport, Path<ExportId>>) -> Answer<Archive> {
    let (export, file) = exports::open(&auth.state, &auth.grant, auth.input.0).await?;
    let blocks = stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut block = vec![0; BLOCK];
        match file.read(&mut block).await {
            Ok(0) => None,
            Ok(read) => {
                block.truncate(read);
                Some((Ok(Bytes::from(block)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut response = HttpResponse::Ok();
    response
        .content_type("application/x-tar")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.tar\"", export.id)))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .no_chunking(u64::try_from(export.size_bytes).unwrap_or(0));
    Ok(Archive(response.streaming(blocks)))
}
