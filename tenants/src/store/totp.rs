//! Authenticator apps: the shared secret of a person, sealed, with the last time step whose code was used, and the
//! recovery codes, of which only hashes are stored.

use crate::db::TenantTx;
use crate::entity::{recovery_code, totp_secret};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::UserId;
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How long a set-up waits for its first code.
pub const SET_UP_LIFE: Span = Span::minutes(15);

/// A person's authenticator app.
#[derive(Clone, Debug)]
pub struct TotpRow {
    /// The shared secret, sealed.
    pub sealed: Vec<u8>,
    /// When the first code was given; none while it is being set up.
    pub on_at: Option<Timestamp>,
}

/// What a person has: set up, or waiting for its first code and not too old for it.
pub async fn totp_find(tx: &TenantTx, user: UserId) -> StoreResult<Option<TotpRow>> {
    let row = totp_secret::Entity::find_by_id((tx.tenant(), user.0)).one(tx.conn()).await?;
    let oldest = tx.now().minus(SET_UP_LIFE).micros();
    Ok(row
        .filter(|row| row.on_at.is_some() || row.created_at > oldest)
        .map(|row| TotpRow { sealed: row.sealed, on_at: row.on_at.map(Timestamp::from_micros) }))
}

/// Whether a person has to give a code.
pub async fn totp_is_on(tx: &TenantTx, user: UserId) -> StoreResult<bool> {
    Ok(!totp_on_among(tx, &[user.0]).await?.is_empty())
}

/// Those of `users` who have to give a code.
pub(crate) async fn totp_on_among(tx: &TenantTx, users: &[Uuid]) -> StoreResult<BTreeSet<Uuid>> {
    let rows = totp_secret::Entity::find()
        .filter(totp_secret::Column::TenantId.eq(tx.tenant()))
        .filter(totp_secret::Column::UserId.is_in(users.iter().copied()))
        .filter(totp_secret::Column::State.eq("on"))
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Begins a set-up; an earlier one that was not finished is gone. `Conflict(totp)` when it is set up.
pub async fn totp_begin(tx: &mut TenantTx, user: UserId, sealed: Vec<u8>) -> StoreResult<()> {
    totp_secret::Entity::delete_many()
        .filter(totp_secret::Column::TenantId.eq(tx.tenant()))
        .filter(totp_secret::Column::UserId.eq(user.0))
        .filter(totp_secret::Column::State.eq("pending"))
        .exec(tx.conn())
        .await?;
    if totp_is_on(tx, user).await? {
        return Err(StoreError::Conflict("totp"));
    }
    totp_secret::ActiveModel {
        tenant_id: Set(tx.tenant()),
        user_id: Set(user.0),
        sealed: Set(sealed),
        state: Set("pending".to_owned()),
        last_step: Set(0),
        created_at: Set(tx.now().micros()),
        on_at: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Ends a set-up with the time step of its first code. `Conflict(totp)` when it ended already.
pub async fn totp_confirm(tx: &mut TenantTx, user: UserId, step: i64) -> StoreResult<()> {
    let done = totp_secret::Entity::update_many()
        .col_expr(totp_secret::Column::State, Expr::value("on"))
        .col_expr(totp_secret::Column::OnAt, Expr::value(tx.now().micros()))
        .col_expr(totp_secret::Column::LastStep, Expr::value(step))
        .filter(totp_secret::Column::TenantId.eq(tx.tenant()))
        .filter(totp_secret::Column::UserId.eq(user.0))
        .filter(totp_secret::Column::State.eq("pending"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict("totp")) }
}

/// Uses up the code of a time step, and with it all codes before; whether it was still to be had. Of two uses at once
/// one is good.
pub async fn totp_spend(tx: &mut TenantTx, user: UserId, step: i64) -> StoreResult<bool> {
    let done = totp_secret::Entity::update_many()
        .col_expr(totp_secret::Column::LastStep, Expr::value(step))
        .filter(totp_secret::Column::TenantId.eq(tx.tenant()))
        .filter(totp_secret::Column::UserId.eq(user.0))
        .filter(totp_secret::Column::State.eq("on"))
        .filter(totp_secret::Column::LastStep.lt(step))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Takes the app and the recovery codes away; whether there was an app.
pub async fn totp_delete(tx: &mut TenantTx, user: UserId) -> StoreResult<bool> {
    recovery_delete(tx, user).await?;
    let gone = totp_secret::Entity::delete_by_id((tx.tenant(), user.0)).exec(tx.conn()).await?;
    Ok(gone.rows_affected == 1)
}

// Codes carry 80 bits of chance, so a fast hash cannot be searched; the person is in it, so that equal codes of two
// people do not look alike.
fn recovery_hash(tx: &TenantTx, user: UserId, code: &str) -> String {
    let hash = Sha256::new().chain_update(tx.tenant()).chain_update(user.0).chain_update(code).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn recovery_delete(tx: &mut TenantTx, user: UserId) -> StoreResult<()> {
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::TenantId.eq(tx.tenant()))
        .filter(recovery_code::Column::UserId.eq(user.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Gives a person these recovery codes; the ones before are worthless.
pub async fn recovery_replace(tx: &mut TenantTx, user: UserId, codes: &[String]) -> StoreResult<()> {
    recovery_delete(tx, user).await?;
    let rows: Vec<recovery_code::ActiveModel> = codes
        .iter()
        .map(|code| recovery_code::ActiveModel {
            tenant_id: Set(tx.tenant()),
            user_id: Set(user.0),
            code_hash: Set(recovery_hash(tx, user, code)),
            used_at: Set(None),
            created_at: Set(tx.now().micros()),
        })
        .collect();
    recovery_code::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Uses a recovery code up; whether it was good. Of two uses at once one is.
pub async fn recovery_use(tx: &mut TenantTx, user: UserId, code: &str) -> StoreResult<bool> {
    let hash = recovery_hash(tx, user, code);
    let done = recovery_code::Entity::update_many()
        .col_expr(recovery_code::Column::UsedAt, Expr::value(tx.now().micros()))
        .filter(recovery_code::Column::TenantId.eq(tx.tenant()))
        .filter(recovery_code::Column::UserId.eq(user.0))
        .filter(recovery_code::Column::CodeHash.eq(hash))
        .filter(recovery_code::Column::UsedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// How many recovery codes a person has left.
pub async fn recovery_left(tx: &TenantTx, user: UserId) -> StoreResult<u64> {
    Ok(recovery_code::Entity::find()
        .filter(recovery_code::Column::TenantId.eq(tx.tenant()))
        .filter(recovery_code::Column::UserId.eq(user.0))
        .filter(recovery_code::Column::UsedAt.is_null())
        .count(tx.conn())
        .await?)
}
