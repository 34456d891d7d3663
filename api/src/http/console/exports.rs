//! Archives of a merchant in the console, the same page for its owner and its provider's.

use crate::app::whole::exports;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use actix_web::http::header::{HeaderName, HeaderValue};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::TenantId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::export::Export;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::IntoParams;

/// Seconds between two looks at an archive that is being made.
const REFRESH: &str = "2";

type Manages<T = ()> = Authed<perm::MerchantExport, T>;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Provider, Surface::Merchant] {
        pages.get(&home_of(surface), exports_page);
    }
    pages.post(&home_of(Surface::Merchant), ask_form);
    pages.post("/console/provider/merchants/{merchant_id}/exports", ask_for_merchant_form);
}

fn home_of(surface: Surface) -> String {
    format!("/console/{}/exports", surface.as_str())
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ExportLine {
    id: String,
    merchant: String,
    merchant_name: String,
    state: String,
    by_provider: bool,
    asked_by: String,
    done: i64,
    total: i64,
    files: i64,
    missing: i64,
    size: String,
    sha256: String,
    sha256_short: String,
    error: String,
    can_load: bool,
    content_href: String,
    created_at: i64,
    expires_at: Option<i64>,
}

/// Bytes as people read them.
fn size_text(bytes: i64) -> String {
    let (units, mut left, mut unit) = (["B", "KB", "MB", "GB", "TB"], bytes.max(0), 0);
    let mut rest = 0;
    while left >= 1024 && unit + 1 < units.len() {
        rest = (left % 1024) * 10 / 1024;
        left /= 1024;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{left} {name}") } else { format!("{left}.{rest} {name}") }
}

fn line(export: Export, names: &HashMap<TenantId, String>, now: i64) -> ExportLine {
    let can_load = export.state == "ready" && export.expires_at.is_some_and(|until| until.micros() > now);
    ExportLine {
        content_href: format!("/api/v1/exports/{}/content", export.id),
        id: export.id.to_string(),
        // Only a provider looks at more than one merchant.
        merchant: names.get(&export.merchant).map_or_else(String::new, |_| export.merchant.to_string()),
        merchant_name: names.get(&export.merchant).cloned().unwrap_or_default(),
        by_provider: export.asked_by_kind == "provider",
        asked_by: export.asked_by_name,
        done: export.done_rows,
        total: export.total_rows,
        files: export.files,
        missing: export.missing_files,
        size: size_text(export.size_bytes),
        sha256_short: export.sha256.iter().flat_map(|hash| hash.chars().take(12)).collect(),
        sha256: export.sha256.unwrap_or_default(),
        error: export.error_code.unwrap_or_default(),
        can_load,
        state: export.state,
        created_at: export.created_at.micros(),
        expires_at: export.expires_at.map(|at| at.micros()),
    }
}

async fn exports_page(auth: Manages<Query<PageQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct ExportsView {
        home: String,
        is_merchant: bool,
        may_delete: bool,
        rows: Vec<ExportLine>,
        under_way: bool,
        keep_days: i64,
        next_page: Option<String>,
    }
    let surface = auth.caller.surface();
    let home = home_of(surface);
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = exports::list(&auth.state, &auth.grant, page).await?;
    let now = auth.state.clock().now().micros();
    let next_page = found.next.map(|next| format!("{home}?cursor={}", cursor_text(&next)));
    let names = exports::merchant_names(&auth.state, &auth.grant, &found.items).await?;
    let rows: Vec<ExportLine> = found.items.into_iter().map(|row| line(row, &names, now)).collect();
    let under_way = rows.iter().any(|row| matches!(row.state.as_str(), "queued" | "running"));
    let view = ExportsView {
        home,
        is_merchant: surface == Surface::Merchant,
        may_delete: surface == Surface::Merchant && auth.caller.may(Permission::MerchantDelete),
        rows,
        under_way,
        keep_days: (auth.state.config.exports.keep_hours / 24).max(1),
        next_page,
    };
    let mut response = auth.page("whole/exports", view)?;
    if under_way {
        // The page looks again by itself, with or without a script.
        let refresh = (HeaderName::from_static("refresh"), HeaderValue::from_static(REFRESH));
        response.headers_mut().insert(refresh.0, refresh.1);
    }
    Ok(response)
}

fn told(asked: Answer<Export>) -> Result<Flash, ApiError> {
    match asked {
        Ok(_) => Ok(Flash::success("exports.asked")),
        Err(error) if error.code() == ErrorCode::ExportRunning => Ok(Flash::failure("exports.running")),
        Err(error) => Err(error),
    }
}

async fn ask_form(auth: Manages<Fields>) -> PageAnswer {
    let flash = told(exports::ask(&auth.state, &auth.grant, None).await)?;
    Ok(auth.redirect_with(&flash, &home_of(Surface::Merchant)))
}

async fn ask_for_merchant_form(auth: Manages<(Path<TenantId>, Fields)>) -> PageAnswer {
    let flash = told(exports::ask(&auth.state, &auth.grant, Some(auth.input.0.0)).await)?;
    Ok(auth.redirect_with(&flash, &home_of(Surface::Provider)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_as_people_read_them() {
        for (bytes, shown) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (5 * 1024 * 1024, "5.0 MB")] {
            assert_eq!(size_text(bytes), shown);
        }
    }
}
