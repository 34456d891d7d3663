//! For operators: liveness, readiness, metrics.

use crate::state::AppState;
use crate::telemetry;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// The process runs.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// The process may get requests: it is not stopping and its database answers.
pub(super) async fn readyz(state: web::Data<AppState>) -> HttpResponse {
    if !state.is_ready() {
        return HttpResponse::ServiceUnavailable().json(json!({"status": "stopping"}));
    }
    match state.db.ping().await {
        Ok(()) => HttpResponse::Ok().json(json!({"status": "ok"})),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            HttpResponse::ServiceUnavailable().json(json!({"status": "database"}))
        }
    }
}

/// Prometheus text format.
pub(super) async fn metrics() -> HttpResponse {
    let text = telemetry::metrics().map(|handle| {
        handle.run_upkeep();
        handle.render()
    });
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text.unwrap_or_default())
}
