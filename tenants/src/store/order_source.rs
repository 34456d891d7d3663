//! Orders by where they came from.

use crate::db::TenantTx;
use crate::entity::order;
use crate::error::StoreResult;
use qianpu_domain::ids::ShopId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// A member of the attribution, which is kept as compact JSON.
fn member(name: &str, value: &str) -> LikeExpr {
    let text = format!("\"{name}\":{}", serde_json::Value::from(value));
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}

/// Paid orders of a shop that came by articles of an account, and what was paid for them.
pub async fn article_sales(
    tx: &TenantTx,
    shop: ShopId,
    kind: &str,
    external_id: &str,
    since: Timestamp,
) -> StoreResult<(i64, i64)> {
    use order::Column as C;
    let like = |pattern| ExprTrait::like(Expr::col(C::Attribution), pattern);
    let rows: Vec<i64> = order::Entity::find()
        .select_only()
        .column(C::TotalFen)
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ShopId.eq(shop.0))
        .filter(C::Scene.eq("article"))
        .filter(C::PaidAt.gte(since.micros()))
        .filter(like(member("external_id", external_id)))
        .filter(like(member("kind", kind)))
        .limit(10_000)
        .into_tuple()
        .all(tx.conn())
        .await?;
    let orders = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok((orders, rows.into_iter().fold(0, i64::saturating_add)))
}
