//! Links that set a new password. A person has at most one that works; only the hash of its token is kept.

use crate::db::TenantTx;
use crate::entity::password_reset as row;
use crate::error::{StoreError, StoreResult};
use crate::store::directory;
use qianpu_domain::ids::UserId;
use qianpu_domain::time::Span;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The form of a token in the directory.
pub fn reset_token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds a link; the one that worked until now is dead.
pub async fn reset_insert(tx: &mut TenantTx, user: UserId, token: &str, life: Span) -> StoreResult<()> {
    let open = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::UserId.eq(user.0))
        .filter(row::Column::State.eq("open"))
        .one(tx.conn())
        .await?;
    if let Some(open) = open {
        end(tx, &open, "revoked").await?;
    }
    let id = tx.new_id();
    let hash = reset_token_hash(token);
    directory::key_insert(tx, directory::PASSWORD_RESET, &hash, id).await?;
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        user_id: Set(user.0),
        token_hash: Set(hash),
        state: Set("open".to_owned()),
        expires_at: Set(tx.now().plus(life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

async fn end(tx: &mut TenantTx, was: &row::Model, state: &str) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id))
        .filter(row::Column::State.eq("open"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::NotFound);
    }
    directory::key_delete(tx, directory::PASSWORD_RESET, &was.token_hash).await
}

async fn open(tx: &TenantTx, id: Uuid) -> StoreResult<row::Model> {
    let found = row::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await?;
    found
        .filter(|found| found.state == "open" && found.expires_at > tx.now().micros())
        .ok_or(StoreError::NotFound)
}

/// Whose password a link sets. `NotFound` when it is spent or too old.
pub async fn reset_find(tx: &TenantTx, id: Uuid) -> StoreResult<UserId> {
    Ok(UserId(open(tx, id).await?.user_id))
}

/// Spends a link. `NotFound` when it is spent or too old; of two uses at once one is good.
pub async fn reset_use(tx: &mut TenantTx, id: Uuid) -> StoreResult<UserId> {
    let found = open(tx, id).await?;
    end(tx, &found, "used").await?;
    Ok(UserId(found.user_id))
}
