//! Log-ins that wait for their code: the password was right. Each lives for minutes and for a few tries, and ends with
//! the right code. Only the hash of its token is kept.

use crate::db::TenantTx;
use crate::entity::login_challenge as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::UserId;
use qianpu_domain::time::Span;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How many codes may be tried at one log-in.
pub const MOST_ATTEMPTS: i64 = 5;
/// How many log-ins of a person may wait at once.
const MOST_WAITING: u64 = 5;

fn token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A log-in that waits.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Its id.
    pub id: Uuid,
    /// Who gave the password.
    pub user: UserId,
}

/// Lets a log-in wait for its code. What is too old goes; when too many wait, they all go.
pub async fn challenge_insert(tx: &mut TenantTx, user: UserId, token: &str, life: Span) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::UserId.eq(user.0))
        .filter(row::Column::ExpiresAt.lte(tx.now().micros()))
        .exec(tx.conn())
        .await?;
    let waiting = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::UserId.eq(user.0))
        .count(tx.conn())
        .await?;
    if waiting >= MOST_WAITING {
        challenge_end_all(tx, user).await?;
    }
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        user_id: Set(user.0),
        token_hash: Set(token_hash(token)),
        attempts: Set(0),
        expires_at: Set(tx.now().plus(life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// The log-in that waits under this token.
pub async fn challenge_find(tx: &TenantTx, token: &str) -> StoreResult<Option<Waiting>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::TokenHash.eq(token_hash(token)))
        .filter(row::Column::ExpiresAt.gt(tx.now().micros()))
        .one(tx.conn())
        .await?;
    Ok(found.map(|found| Waiting { id: found.id, user: UserId(found.user_id) }))
}

/// Counts a try before it is looked at, so that tries at once do not get more than their number; how many are left.
/// `NotFound` when there are none, or the log-in waits no more.
pub async fn challenge_try(tx: &mut TenantTx, id: Uuid) -> StoreResult<i64> {
    let counted = row::Entity::update_many()
        .col_expr(row::Column::Attempts, Expr::col(row::Column::Attempts).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::Attempts.lt(MOST_ATTEMPTS))
        .filter(row::Column::ExpiresAt.gt(tx.now().micros()))
        .exec(tx.conn())
        .await?;
    if counted.rows_affected != 1 {
        return Err(StoreError::NotFound);
    }
    let found = row::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await?;
    found.map(|found| MOST_ATTEMPTS - found.attempts).ok_or(StoreError::NotFound)
}

/// Ends a log-in that waited.
pub async fn challenge_end(tx: &mut TenantTx, id: Uuid) -> StoreResult<()> {
    row::Entity::delete_by_id((tx.tenant(), id)).exec(tx.conn()).await?;
    Ok(())
}

/// Ends all log-ins of a person that wait: their password is another one, or they may not log in any more.
pub async fn challenge_end_all(tx: &mut TenantTx, user: UserId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::UserId.eq(user.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
