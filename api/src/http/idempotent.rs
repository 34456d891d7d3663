//! Commands that move money or stock are repeatable: the same `Idempotency-Key` has one effect and one
//! answer. Key and effect are one transaction.

use super::describe::{Answered, Draft};
use super::extract::{Call, IdempotencyKey};
use crate::error::{Answer, ApiError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use qianpu_domain::error::ErrorCode;
use qianpu_tenants::authz::{Grant, Perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::idempotency::{self, Claim, idempotency_claim, idempotency_complete};
use serde::Serialize;
use std::marker::PhantomData;
use utoipa::ToSchema;

/// The answer of a command that has one effect per key: `STATUS` with a `T`.
pub struct Once<T, const STATUS: u16 = 200> {
    response: HttpResponse,
    body: PhantomData<T>,
}

impl<T, const STATUS: u16> From<HttpResponse> for Once<T, STATUS> {
    fn from(response: HttpResponse) -> Self {
        Self { response, body: PhantomData }
    }
}
impl<T: ToSchema, const STATUS: u16> Answered for Once<T, STATUS> {
    fn describe(draft: &mut Draft) {
        let reason = StatusCode::from_u16(STATUS).ok().and_then(|status| status.canonical_reason());
        draft.response::<T>(&STATUS.to_string(), reason.unwrap_or_default());
    }
}
impl<T, const STATUS: u16> Responder for Once<T, STATUS> {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response
    }
}

/// Runs `effect` in a transaction of the grant's tenant, once per key. `effect` must not commit.
///
/// A repeated request gets the stored answer with `Idempotency-Replayed: true`; a refusal is not stored,
/// so the command may be sent again after the cause is mended.
pub async fn once<P: Perm, T: Serialize, const STATUS: u16>(
    call: &Call,
    grant: &Grant<P>,
    key: &IdempotencyKey,
    effect: impl AsyncFnOnce(&mut TenantTx) -> Answer<T>,
) -> Answer<Once<T, STATUS>> {
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
            idempotency_complete(&mut tx, &key, STATUS, &body).await?;
            tx.commit().await?;
            let status = StatusCode::from_u16(STATUS).map_err(ApiError::internal)?;
            Ok(HttpResponse::build(status).content_type("application/json").body(body).into())
        }
        Claim::Replay { status, body } => {
            let status = StatusCode::from_u16(status).map_err(ApiError::internal)?;
            let mut response = HttpResponse::build(status);
            Ok(response
                .insert_header(("Idempotency-Replayed", "true"))
                .content_type("application/json")
                .body(body)
                .into())
        }
        Claim::InFlight => Err(ApiError::new(ErrorCode::IdempotencyInFlight).retry_after(1)),
        Claim::Mismatch => Err(ApiError::new(ErrorCode::IdempotencyKeyReused)),
    }
}
