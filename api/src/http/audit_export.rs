//! The audit log as a file, for the API and the page: written page by page while it is read, so that its size is no
//! matter of memory. Nothing in a CSV cell can become a formula.

use super::v1::AuditEntryView;
use crate::app::audit;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, http::header};
use futures_util::stream;
use qianpu_domain::error::FieldError;
use qianpu_domain::import::cell_for_export;
use qianpu_tenants::audit::search::{AuditFilter, FoundEntry};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Cursor, MAX_LIMIT, PageRequest};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// From the word of an address.
    pub fn parse(word: &str) -> Answer<Self> {
        match word {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err(FieldError::new("format", "invalid", "csv or jsonl", "请选择 csv 或 jsonl").into()),
        }
    }
    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }
    fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "audit.csv",
            Self::JsonLines => "audit.jsonl",
        }
    }
}

const COLUMNS: [&str; 13] = [
    "at",
    "tenant",
    "id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "target_kind",
    "target_id",
    "detail",
    "request_id",
    "position",
    "hash",
];

enum Next {
    Head,
    Page(Option<Cursor>),
    End,
}

/// Answers with the file.
pub(super) async fn export(
    state: &Data<AppState>,
    grant: &Grant<perm::AuditRead>,
    filter: AuditFilter,
    format: Format,
) -> Answer<HttpResponse> {
    audit::begin_export(state, grant, &filter).await?;
    let first = if format == Format::Csv { Next::Head } else { Next::Page(None) };
    let (state, grant) = (state.clone(), grant.clone());
    let pages = stream::try_unfold(first, move |next| {
        let (state, grant, filter) = (state.clone(), grant.clone(), filter.clone());
        async move {
            let cursor = match next {
                Next::End => return Ok::<_, ApiError>(None),
                // With a mark, so that spreadsheets read it as UTF-8.
                Next::Head => {
                    let head = [b"\xef\xbb\xbf".to_vec(), record(&COLUMNS.map(str::to_owned))?].concat();
                    return Ok(Some((Bytes::from(head), Next::Page(None))));
                }
                Next::Page(cursor) => cursor,
            };
            let page = PageRequest { limit: MAX_LIMIT, cursor };
            let found = audit::search(&state, &grant, &filter, page).await?;
            let mut bytes = Vec::new();
            for entry in found.items {
                bytes.extend(match format {
                    Format::Csv => record(&cells(entry))?,
                    Format::JsonLines => line(entry)?,
                });
            }
            let next = found.next.map_or(Next::End, |cursor| Next::Page(Some(cursor)));
            Ok(Some((Bytes::from(bytes), next)))
        }
    });
    let disposition = format!("attachment; filename=\"{}\"", format.file_name());
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .streaming(Box::pin(pages)))
}

fn line(entry: FoundEntry) -> Answer<Vec<u8>> {
    let mut line = serde_json::to_vec(&AuditEntryView::from(entry)).map_err(ApiError::internal)?;
    line.push(b'\n');
    Ok(line)
}

fn cells(found: FoundEntry) -> [String; 13] {
    let entry = found.entry;
    let (position, hash) =
        found.link.map_or_else(Default::default, |(position, hash)| (position.to_string(), hash));
    [
        entry.at.to_string(),
        found.tenant.to_string(),
        entry.id.to_string(),
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.action,
        entry.target_kind,
        entry.target_id,
        entry.detail,
        found.request_id,
        position,
        hash,
    ]
}

fn record(cells: &[String; 13]) -> Answer<Vec<u8>> {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(cells.iter().map(|cell| cell_for_export(cell))).map_err(ApiError::internal)?;
    file.into_inner().map_err(|error| ApiError::internal(error.error()))
}
