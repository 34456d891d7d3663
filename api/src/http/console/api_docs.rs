//! The API's document: as JSON for programs, as a page for people.

use crate::error::Answer;
use crate::http::extract::Open;
use crate::http::openapi;
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use actix_web::HttpResponse;
use std::sync::OnceLock;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/api/openapi.json", openapi_json);
    pages.get("/api/docs", api_docs);
}

/// Made once; it does not change while the process runs.
fn document() -> &'static serde_json::Value {
    static DOCUMENT: OnceLock<serde_json::Value> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| serde_json::to_value(openapi::document(&crate::http::routes())).unwrap_or_default())
}

async fn openapi_json(_: Open) -> Answer<HttpResponse> {
    Ok(HttpResponse::Ok().json(document()))
}

async fn api_docs(open: Open) -> PageAnswer {
    open.page("docs/api", openapi::page_view(document(), open.info.lang))
}
