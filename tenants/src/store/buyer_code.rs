//! Codes that prove a phone. Only a keyed hash is kept; a code is tried a few times, used once, and dies soon.

use crate::db::TenantTx;
use crate::entity::buyer_code as row;
use crate::error::StoreResult;
use qianpu_domain::ids::ShopId;
use qianpu_domain::time::Span;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

/// Codes are kept this long after they were made, so that a look at the table explains a refusal of today.
const KEPT: Span = Span::days(1);

/// Adds a code for a phone of a shop; the one that worked until now is dead. `hash` is told the code's id, so that
/// equal codes have different hashes.
pub async fn code_insert(
    tx: &mut TenantTx,
    shop: ShopId,
    lookup: &str,
    life: Span,
    hash: impl FnOnce(Uuid) -> Vec<u8>,
) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::CreatedAt.lt(tx.now().minus(KEPT).micros()))
        .exec(tx.conn())
        .await?;
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("replaced"))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::Lookup.eq(lookup))
        .filter(row::Column::State.eq("open"))
        .exec(tx.conn())
        .await?;
    let id = tx.new_id();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        shop_id: Set(shop.0),
        lookup: Set(lookup.to_owned()),
        code_hash: Set(hash(id)),
        tries: Set(0),
        state: Set("open".to_owned()),
        expires_at: Set(tx.now().plus(life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Takes one try at the open code of a phone: its id and hash, or none when there is no code, it is too old, or its
/// tries are used up. Commit it before comparing, so that a try counts whatever happens next.
pub async fn code_try(
    tx: &mut TenantTx,
    shop: ShopId,
    lookup: &str,
    most: i64,
) -> StoreResult<Option<(Uuid, Vec<u8>)>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::Lookup.eq(lookup))
        .filter(row::Column::State.eq("open"))
        .filter(row::Column::ExpiresAt.gt(tx.now().micros()))
        .one(tx.conn())
        .await?;
    let Some(found) = found else { return Ok(None) };
    // The count is guarded by the statement itself: of many tries at once no more than allowed get through.
    let taken = row::Entity::update_many()
        .col_expr(row::Column::Tries, Expr::col(row::Column::Tries).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(found.id))
        .filter(row::Column::State.eq("open"))
        .filter(row::Column::Tries.lt(most))
        .exec(tx.conn())
        .await?;
    Ok((taken.rows_affected == 1).then_some((found.id, found.code_hash)))
}

/// Spends a code. False when it was spent before.
pub async fn code_use(tx: &mut TenantTx, id: Uuid) -> StoreResult<bool> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("used"))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::State.eq("open"))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}
