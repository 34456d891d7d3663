//! Commands that move money or stock are repeatable: the same `Idempotency-Key` has one effect and one
//! answer. Key and effect are one transaction.

use super::extract::{Call, IdempotencyKey};
use crate::error::{Answer, ApiError};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::{Grant, Perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::idempotency::{self, Claim, idempotency_claim, idempotency_complete};
use serde::Serialize;

/// Runs `effect` in a transaction of the grant's tenant, once per key. `effect` must not commit.
///
/// A repeated request gets the stored answer with `Idempotency-Replayed: true`; a refusal is not stored,
/// so the command may be sent again after the cause is mended.
pub async fn once<P: Perm, T: Serialize>(
    call: &Call,
    grant: &Grant<P>,
    key: &IdempotencyKey,
    status: StatusCode,
    effect: impl AsyncFnOnce(&mut TenantTx) -> Answer<T>,
) -> Answer<HttpResponse> {
    let (_, principal, _) = grant.ctx().actor().audit_parts();
    let key = idempotency::IdempotencyKey {
        principal: &principal,
        method: call.request.method().as_str(),
        route: call.request.path(),
        key: &key.key,
        body_sha256: key.body_sha256,
    };
    let mut tx = call.state.db.begin(grant.ctx()).await?;
    match idempotency_claim(&mut tx, &key).await? {
        Claim::Fresh => {
            let answer = effect(&mut tx).await?;
            let body = serde_json::to_string(&answer).map_err(ApiError::internal)?;
            idempotency_complete(&mut tx, &key, status.as_u16(), &body).await?;
            tx.commit().await?;
            Ok(HttpResponse::build(status).content_type("application/json").body(body))
        }
        Claim::Replay { status, body } => {
            let status = StatusCode::from_u16(status).map_err(ApiError::internal)?;
            let mut response = HttpResponse::build(status);
            Ok(response
                .insert_header(("Idempotency-Replayed", "true"))
                .content_type("application/json")
                .body(body))
        }
        Claim::InFlight => Err(ApiError::new(ErrorCode::IdempotencyInFlight).retry_after(1)),
        Claim::Mismatch => Err(ApiError::new(ErrorCode::IdempotencyKeyReused)),
    }
}
