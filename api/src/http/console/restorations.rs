//! The operator's page that brings merchants back into a provider, with what came back before, and what was deleted.

use super::apply::may_be_mended;
use crate::app::tenancy::providers;
use crate::app::whole::restorations::{self, UPLOAD_LIMIT};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Path, Upload};
use crate::http::route::PageRoutes;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::TenantId;
use qianpu_domain::tenancy::TenantState;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use serde::Serialize;

const AT: &str = "/console/operator/providers/{provider_id}/restore";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(AT, restore_page);
    pages.post(AT, restore_form);
}

type Manages<T> = Authed<perm::ProviderManage, T>;

/// Most lines of each list; the API has all of them.
const SHOWN: u64 = 50;

#[derive(Serialize)]
struct Report {
    merchant: String,
    name: String,
    rows: u64,
    files: u64,
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct PastLine {
    at: i64,
    actor: String,
    state: &'static str,
    merchant: String,
    name: String,
    rows: u64,
    files: u64,
    reasons: u64,
}

#[derive(Serialize)]
struct DeletionLine {
    merchant: String,
    name: String,
    state: String,
    asked_by: String,
    asked_at: i64,
    due_at: i64,
    deleted_at: Option<i64>,
}

#[derive(Serialize)]
struct RestoreView {
    form: FormView,
    home: String,
    provider: String,
    back: String,
    may_restore: bool,
    report: Option<Report>,
    past: Vec<PastLine>,
    deletions: Vec<DeletionLine>,
}

async fn view<T>(
    auth: &Manages<T>,
    id: TenantId,
    form: FormView,
    report: Option<Report>,
) -> Answer<RestoreView> {
    let provider = providers::get(&auth.state, &auth.grant, id).await?;
    let past = restorations::list(&auth.state, &auth.grant, id, PageRequest::first(SHOWN)).await?;
    let (deletions, names) =
        restorations::deletions(&auth.state, &auth.grant, id, PageRequest::first(SHOWN)).await?;
    let back = format!("/console/operator/providers/{id}");
    Ok(RestoreView {
        form,
        home: format!("{back}/restore"),
        back,
        may_restore: provider.row.state == TenantState::Active,
        provider: provider.row.name,
        report,
        past: past
            .items
            .into_iter()
            .map(|one| PastLine {
                at: one.at.micros(),
                actor: one.actor_name,
                state: if one.merchant.is_some() { "restored" } else { "refused" },
                merchant: one.merchant.map(|id| id.to_string()).unwrap_or_default(),
                name: one.merchant_name,
                rows: one.rows,
                files: one.files,
                reasons: one.reasons,
            })
            .collect(),
        deletions: deletions
            .items
            .into_iter()
            .map(|one| DeletionLine {
                name: names.get(&one.merchant).cloned().unwrap_or_default(),
                merchant: one.merchant.to_string(),
                state: one.state,
                asked_by: one.asked_by_name,
                asked_at: one.asked_at.micros(),
                due_at: one.due_at.micros(),
                deleted_at: one.deleted_at.map(|at| at.micros()),
            })
            .collect(),
    })
}

async fn restore_page(auth: Manages<Path<TenantId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default(), None).await?;
    auth.page("providers/restore", view)
}

async fn restore_form(auth: Manages<(Path<TenantId>, Upload<UPLOAD_LIMIT>)>) -> PageAnswer {
    let (Path(id), upload) = &auth.input;
    let done = match upload.file("file") {
        Some(file) => restorations::restore_upload(&auth.state, &auth.grant, *id, file.bytes.clone()).await,
        None => Err(ApiError::field(FieldError::required("file"))),
    };
    match done {
        Ok(done) => {
            let report = Report {
                merchant: done.merchant.to_string(),
                name: done.name,
                rows: done.rows,
                files: done.files,
                remarks: done.remarks.iter().map(|why| why.pick(auth.info.lang).to_owned()).collect(),
            };
            let view = view(&auth, *id, FormView::default(), Some(report)).await?;
            auth.page("providers/restore", view)
        }
        Err(error) if may_be_mended(&error) => {
            // Each reason stands on top by itself; there is nothing to type again.
            let whole = |error: &FieldError| FieldError { path: String::new(), ..error.clone() };
            let errors: Vec<FieldError> = error.errors().iter().map(whole).collect();
            let form = match errors.is_empty() {
                true => FormView::refused_by(&upload.fields, &error, auth.info.lang),
                false => FormView::refused(&upload.fields, &errors, auth.info.lang),
            };
            let view = view(&auth, *id, form, None).await?;
            auth.refused_page("providers/restore", view)
        }
        Err(error) => Err(error),
    }
}
