//! Suspensions of shops: who stopped one, why, and who let it go on. At most one is open per shop.

use crate::db::TenantTx;
use crate::entity::shop_suspension;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::ShopId;
use qianpu_domain::shop::SuspensionCause;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// Suspensions shown of one shop.
const MOST: u64 = 50;

/// A suspension.
#[derive(Clone, Debug)]
pub struct Suspension {
    /// Why, as a word.
    pub cause: SuspensionCause,
    /// Why, in somebody's words.
    pub reason: String,
    /// Name of who did it; empty for the daily check.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Name of who lifted it; empty for a job.
    pub lifted_by: Option<String>,
    /// When it was lifted; none while it lasts.
    pub lifted_at: Option<Timestamp>,
}

fn from_model(row: shop_suspension::Model) -> StoreResult<Suspension> {
    Ok(Suspension {
        cause: SuspensionCause::from_text(&row.cause).ok_or(StoreError::Corrupt("shop_suspensions.cause"))?,
        reason: row.reason,
        by: row.suspended_by,
        at: Timestamp::from_micros(row.suspended_at),
        lifted_by: row.lifted_by,
        lifted_at: row.lifted_at.map(Timestamp::from_micros),
    })
}

/// Notes that a shop is suspended from now on.
pub async fn suspension_insert(
    tx: &mut TenantTx,
    shop: ShopId,
    cause: SuspensionCause,
    reason: &str,
    by: &str,
) -> StoreResult<()> {
    shop_suspension::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        shop_id: Set(shop.0),
        cause: Set(cause.as_str().to_owned()),
        reason: Set(reason.to_owned()),
        suspended_by: Set(by.to_owned()),
        suspended_at: Set(tx.now().micros()),
        lifted_by: Set(None),
        lifted_at: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Ends the open suspension of a shop, if there is one.
pub async fn suspension_lift(tx: &mut TenantTx, shop: ShopId, by: &str) -> StoreResult<()> {
    use shop_suspension::Column;
    shop_suspension::Entity::update_many()
        .col_expr(Column::LiftedBy, Expr::value(by))
        .col_expr(Column::LiftedAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ShopId.eq(shop.0))
        .filter(Column::LiftedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Suspensions of a shop, newest first; the first one lasts when it was not lifted.
pub async fn suspension_list(tx: &TenantTx, shop: ShopId) -> StoreResult<Vec<Suspension>> {
    let rows = shop_suspension::Entity::find()
        .filter(shop_suspension::Column::TenantId.eq(tx.tenant()))
        .filter(shop_suspension::Column::ShopId.eq(shop.0))
        .order_by_desc(shop_suspension::Column::SuspendedAt)
        .order_by_desc(shop_suspension::Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The suspension that lasts now.
pub async fn suspension_open(tx: &TenantTx, shop: ShopId) -> StoreResult<Option<Suspension>> {
    let row = shop_suspension::Entity::find()
        .filter(shop_suspension::Column::TenantId.eq(tx.tenant()))
        .filter(shop_suspension::Column::ShopId.eq(shop.0))
        .filter(shop_suspension::Column::LiftedAt.is_null())
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}
