//! For operators: liveness, readiness, metrics.

use super::extract::Call;
use crate::error::{Answer, ApiError};
use crate::figures;
use crate::state::AppState;
use crate::telemetry;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::resolve;
use serde::Deserialize;
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

/// Which host a certificate is asked for.
#[derive(Deserialize)]
pub(super) struct TlsAsk {
    domain: String,
}

/// Whether a certificate may be made for a host: 200 for the installation's own and for proven ones, otherwise 404. For
/// the server in front that ends TLS.
pub(super) async fn tls_ask(state: web::Data<AppState>, query: web::Query<TlsAsk>) -> HttpResponse {
    let host = query.domain.trim_end_matches('.').to_ascii_lowercase();
    if state.is_own_host(&host) {
        return HttpResponse::Ok().finish();
    }
    match resolve::by_host(&state.db, &host, RequestId(state.new_id())).await {
        Ok(Some(_)) => HttpResponse::Ok().finish(),
        Ok(None) => HttpResponse::NotFound().content_type("text/plain").body("unknown"),
        Err(error) => {
            tracing::warn!(%error, "a host could not be looked up");
            HttpResponse::ServiceUnavailable().content_type("text/plain").body("try again")
        }
    }
}

/// Prometheus text format. Figures of tenants are for whoever has the token only, since the path is open without one.
pub(super) async fn metrics(request: HttpRequest) -> Answer<HttpResponse> {
    let call = Call::of(&request)?;
    let state = &call.state;
    let text = telemetry::metrics().map(|handle| {
        handle.run_upkeep();
        handle.render()
    });
    let mut text = text.unwrap_or_default();
    let token = state.config.figures.metrics_token.reveal();
    if !token.is_empty() {
        let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let sent = sent.and_then(|value| value.split_once(' '));
        let holds = sent.is_some_and(|(scheme, own)| {
            scheme.eq_ignore_ascii_case("bearer") && crate::auth::csrf::same(own.trim(), token)
        });
        if !holds {
            return Err(ApiError::new(ErrorCode::Unauthenticated));
        }
        let look = state.figures.queues.look(&state.db, state.figures.most(), call.request_id()).await;
        match look {
            Ok(look) => text.push_str(&figures::render(&state.figures, &look.queues, state.clock().now())),
            // What the process itself counted is told all the same.
            Err(error) => tracing::warn!(%error, "the queues of tenants could not be read"),
        }
    }
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}
