//! Idempotency keys, claimed and stored in the effect's own transaction: either both happened or neither.
//!
//! A second request with the same key waits at the unique index until the first has ended, then replays its
//! answer. Refusals roll the transaction back, so they are not stored and may be tried again.

use crate::db::TenantTx;
use crate::entity::idempotency_key as row;
use crate::error::StoreResult;
use qianpu_domain::time::Span;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

/// How long an answer can be replayed. The business reference stays unique for ever.
pub const KEPT: Span = Span::days(30);

/// What identifies a request.
#[derive(Clone, Copy, Debug)]
pub struct IdempotencyKey<'a> {
    /// Public id of the user or API key.
    pub principal: &'a str,
    /// HTTP method.
    pub method: &'a str,
    /// Path without query.
    pub route: &'a str,
    /// The header's value.
    pub key: &'a str,
    /// SHA-256 of the canonical body.
    pub body_sha256: [u8; 32],
}

/// What to do with the request.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Run it, then call [`idempotency_complete`] before the commit.
    Fresh,
    /// Answer this again.
    Replay {
        /// HTTP status.
        status: u16,
        /// JSON body.
        body: String,
    },
    /// The same request is still running.
    InFlight,
    /// The key was used with another body.
    Mismatch,
}

/// Claims the key.
pub async fn idempotency_claim(tx: &mut TenantTx, key: &IdempotencyKey<'_>) -> StoreResult<Claim> {
    if insert(tx, key).await? {
        return Ok(Claim::Fresh);
    }
    let id = (
        tx.tenant(),
        key.principal.to_owned(),
        key.method.to_owned(),
        key.route.to_owned(),
        key.key.to_owned(),
    );
    let Some(found) = row::Entity::find_by_id(id.clone()).one(tx.conn()).await? else {
        return Ok(Claim::InFlight);
    };
    if found.expires_at <= tx.now().micros() {
        row::Entity::delete_by_id(id).exec(tx.conn()).await?;
        return Ok(if insert(tx, key).await? { Claim::Fresh } else { Claim::InFlight });
    }
    if found.body_sha256 != key.body_sha256 {
        return Ok(Claim::Mismatch);
    }
    Ok(match (found.status.and_then(|status| u16::try_from(status).ok()), found.response) {
        (Some(status), Some(body)) => Claim::Replay { status, body },
        _ => Claim::InFlight,
    })
}

async fn insert(tx: &mut TenantTx, key: &IdempotencyKey<'_>) -> StoreResult<bool> {
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        principal: Set(key.principal.to_owned()),
        method: Set(key.method.to_owned()),
        route: Set(key.route.to_owned()),
        idem_key: Set(key.key.to_owned()),
        body_sha256: Set(key.body_sha256.to_vec()),
        status: Set(None),
        response: Set(None),
        expires_at: Set(tx.now().plus(KEPT).micros()),
        created_at: Set(tx.now().micros()),
    };
    let conflict = OnConflict::columns([
        row::Column::TenantId,
        row::Column::Principal,
        row::Column::Method,
        row::Column::Route,
        row::Column::IdemKey,
    ])
    .do_nothing()
    .to_owned();
    Ok(row::Entity::insert(model).on_conflict(conflict).exec_without_returning(tx.conn()).await? == 1)
}

/// Stores the answer beside the effect.
pub async fn idempotency_complete(
    tx: &mut TenantTx,
    key: &IdempotencyKey<'_>,
    status: u16,
    body: &str,
) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::Status, Expr::value(i64::from(status)))
        .col_expr(row::Column::Response, Expr::value(body))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Principal.eq(key.principal))
        .filter(row::Column::Method.eq(key.method))
        .filter(row::Column::Route.eq(key.route))
        .filter(row::Column::IdemKey.eq(key.key))
        .exec(tx.conn())
        .await?;
    Ok(())
}
