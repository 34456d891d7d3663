//! Imports in the console: upload, progress, a result per row. The pages are the same for every kind.

use super::query_of;
use crate::app::imports::kind::{KINDS, column_word};
use crate::app::imports::{self, import_cancel, import_read, import_results, import_search, import_start};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::imports::UPLOAD_LIMIT;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::http::header::{HeaderName, HeaderValue};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ImportId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::import::{Import, ImportRow, RowFilter, RowOutcome};
use qianpu_tenants::store::shop::shop_list;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const LIST: &str = "/console/merchant/imports";
/// Seconds between two looks at a running import.
const REFRESH: &str = "2";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(LIST, import_list_page);
    pages.post(LIST, import_upload_form);
    pages.get("/console/merchant/imports/{import_id}", import_page);
    pages.post("/console/merchant/imports/{import_id}/cancel", import_cancel_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct KindView {
    name: &'static str,
    /// Names of the columns, in the language of the page.
    columns: Vec<ColumnView>,
    asks_shop: bool,
}

#[derive(Serialize)]
struct ColumnView {
    name: &'static str,
    required: bool,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct ImportView {
    href: String,
    id: String,
    kind: String,
    file_name: String,
    encoding: String,
    state: &'static str,
    total: i64,
    done: i64,
    ok: i64,
    failed: i64,
    over: bool,
    can_cancel: bool,
    error: Option<String>,
    at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            href: format!("{LIST}/{}", import.id),
            id: import.id.to_string(),
            kind: import.kind,
            file_name: import.file_name,
            encoding: import.encoding,
            state: import.state.as_str(),
            total: import.total_rows,
            done: import.done_rows,
            ok: import.done_rows - import.failed_rows,
            failed: import.failed_rows,
            over: import.state.is_over(),
            can_cancel: !import.state.is_over(),
            error: import.error.map(|(_, text)| text),
            at: import.created_at.micros(),
            started_at: import.started_at.map(|at| at.micros()),
            finished_at: import.finished_at.map(|at| at.micros()),
        }
    }
}

#[derive(Serialize)]
struct ListView {
    form: FormView,
    kinds: Vec<KindView>,
    shops: Vec<Choice>,
    max_rows: u64,
    max_megabytes: usize,
    imports: Vec<ImportView>,
    next_page: Option<String>,
}

async fn list_view<T>(
    auth: &Authed<perm::ImportRun, T>,
    cursor: Option<&str>,
    form: FormView,
) -> Answer<ListView> {
    let page = page_request(None, cursor)?;
    let found = import_search(&auth.state, &auth.caller, &auth.grant, None, page).await?;
    let lang = auth.info.lang;
    let kinds = KINDS.iter().filter(|kind| auth.caller.may(kind.permission())).map(|kind| KindView {
        name: kind.name(),
        columns: kind
            .columns()
            .iter()
            .map(|column| ColumnView {
                name: match lang {
                    Lang::Zh => column.names.first().copied().unwrap_or(column.key),
                    Lang::En => column.key,
                },
                required: column.need == qianpu_domain::import::Need::Required,
            })
            .collect(),
        asks_shop: kind.options().contains(&"shop_id"),
    });
    let kinds = kinds.collect();
    let tx = auth.state.db.read(auth.grant.ctx()).await?;
    let shops = shop_list(&tx, auth.grant.shops().as_deref(), PageRequest::first(100)).await?;
    let shops = shops.items.into_iter().map(|shop| Choice { value: shop.id.to_string(), label: shop.name });
    Ok(ListView {
        form,
        kinds,
        shops: shops.collect(),
        max_rows: auth.state.config.imports.max_rows,
        max_megabytes: UPLOAD_LIMIT / 1024 / 1024,
        next_page: found
            .next
            .map(|cursor| format!("{LIST}?{}", query_of(&[("cursor", &cursor_text(&cursor))]))),
        imports: found.items.into_iter().map(ImportView::from).collect(),
    })
}

async fn import_list_page(auth: Authed<perm::ImportRun, Query<ListQuery>>) -> PageAnswer {
    let view = list_view(&auth, auth.input.0.cursor.as_deref(), FormView::default()).await?;
    auth.page("goods/imports", view)
}

async fn import_upload_form(auth: Authed<perm::ImportRun, Upload<UPLOAD_LIMIT>>) -> PageAnswer {
    let form = &auth.input;
    let options = form.fields.0.iter().filter(|(name, value)| name != "kind" && !value.is_empty());
    let started = match form.file("file") {
        None => Err(FieldError::required("file").into()),
        Some(file) => {
            let upload = imports::Upload {
                kind: form.fields.text("kind").to_owned(),
                file_name: file.file_name.clone(),
                bytes: file.bytes.clone(),
                options: options.cloned().collect(),
            };
            import_start(&auth.state, &auth.caller, &auth.grant, upload).await
        }
    };
    match started {
        Ok(import) => {
            let to = format!("{LIST}/{}", import.id);
            Ok(auth.redirect_with(&Flash::success("imports.started"), &to))
        }
        Err(error) if error.code() != ErrorCode::Forbidden && error.code().status() < 500 => {
            let view = list_view(&auth, None, refused(&auth, &error)).await?;
            auth.refused_page("goods/imports", view)
        }
        Err(error) => Err(error),
    }
}

/// The form with what is wrong with the file. The text of a whole file's fault is more than its code's title.
fn refused(auth: &Authed<perm::ImportRun, Upload<UPLOAD_LIMIT>>, error: &ApiError) -> FormView {
    let lang = auth.info.lang;
    let mut shown = Fields(vec![
        ("file".to_owned(), String::new()),
        ("kind".to_owned(), auth.input.fields.text("kind").to_owned()),
        ("shop_id".to_owned(), auth.input.fields.text("shop_id").to_owned()),
    ]);
    let Some(text) = error.detail().filter(|_| error.errors().is_empty()) else {
        return FormView::refused_by(&shown, error, lang);
    };
    let catalogue = auth.state.pages.catalogue();
    let told =
        FieldError::new("file", "file", catalogue.text(Lang::En, text), catalogue.text(Lang::Zh, text));
    shown.0.dedup_by(|one, other| one.0 == other.0);
    FormView::refused(&shown, &[told], lang)
}

#[derive(Debug, Deserialize, IntoParams)]
struct RowsQuery {
    show: Option<String>,
    after: Option<i64>,
}

#[derive(Serialize)]
struct RowView {
    row: i64,
    ok: bool,
    /// Where what the row made can be seen.
    href: Option<String>,
    target: Option<String>,
    faults: Vec<FaultView>,
}

#[derive(Serialize)]
struct FaultView {
    column: String,
    text: String,
}

#[derive(Serialize)]
struct ImportPage {
    import: ImportView,
    rows: Vec<RowView>,
    failed_only: bool,
    all_href: String,
    failed_href: String,
    result_href: String,
    next_page: Option<String>,
}

const ROWS: usize = 50;

async fn import_page(auth: Authed<perm::ImportRun, (Path<ImportId>, Query<RowsQuery>)>) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let import = import_read(&auth.state, &auth.caller, &auth.grant, *id).await?;
    let failed_only = query.show.as_deref() == Some("failed");
    let filter = if failed_only { RowFilter::Failed } else { RowFilter::All };
    let after = query.after.unwrap_or(0);
    let limit = ROWS as u64 + 1;
    let mut rows = import_results(&auth.state, &auth.caller, &auth.grant, *id, filter, after, limit).await?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let show = if failed_only { "failed" } else { "" };
    let last = rows.last().map_or(0, |row| row.row_no);
    let lang = auth.info.lang;
    let view = ImportPage {
        all_href: format!("{LIST}/{id}"),
        failed_href: format!("{LIST}/{id}?show=failed"),
        result_href: format!("/api/v1/imports/{id}/result.csv"),
        next_page: more
            .then(|| format!("{LIST}/{id}?{}", query_of(&[("show", show), ("after", &last.to_string())]))),
        rows: rows.into_iter().map(|row| row_view(row, &import.kind, lang)).collect(),
        failed_only,
        import: import.into(),
    };
    let over = view.import.over;
    let mut response = auth.page("goods/import", view)?;
    if !over {
        // The page looks again by itself, with or without a script.
        let refresh = (HeaderName::from_static("refresh"), HeaderValue::from_static(REFRESH));
        response.headers_mut().insert(refresh.0, refresh.1);
    }
    Ok(response)
}

fn row_view(row: ImportRow, kind: &str, lang: Lang) -> RowView {
    match row.outcome {
        RowOutcome::Ok(target) => RowView {
            row: row.row_no,
            ok: true,
            href: match kind {
                "products" => Some(format!("/console/merchant/products/{target}")),
                "shipments" => Some(format!("/console/merchant/shipments/{target}")),
                _ => None,
            },
            target: Some(target),
            faults: Vec::new(),
        },
        RowOutcome::Failed(faults) => RowView {
            row: row.row_no,
            ok: false,
            href: None,
            target: None,
            faults: faults
                .into_iter()
                .map(|fault| FaultView {
                    text: lang.pick(&fault.text_zh, &fault.text_en).to_owned(),
                    column: column_word(kind, &fault.column, lang).to_owned(),
                })
                .collect(),
        },
    }
}

async fn import_cancel_form(auth: Authed<perm::ImportRun, (Path<ImportId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    let to = format!("{LIST}/{id}");
    match import_cancel(&auth.state, &auth.caller, &auth.grant, id).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("imports.cancelled"), &to)),
        Err(error) if error.code() == ErrorCode::ImportOver => Ok(auth.redirect(&to)),
        Err(error) => Err(error),
    }
}
