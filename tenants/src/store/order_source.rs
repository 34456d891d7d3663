//! Orders by where they came from: the scene and the account that a channel names.

use crate::db::TenantTx;
use crate::entity::order;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::ShopId;
use qianpu_domain::order::Scene;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use serde::Deserialize;

/// Different sources that are told apart within a time; a live session is one.
const MOST_SOURCES: u64 = 5_000;

/// The account an order came by, as the channel names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub struct SourceAccount {
    /// Code of its kind.
    pub kind: String,
    /// Its id there.
    pub external_id: String,
    /// Its name there.
    pub name: Option<String>,
    /// `linked`, `cooperating`, `alliance`, or the raw word.
    pub relation: String,
}

/// What was sold by one source.
#[derive(Clone, Debug)]
pub struct SourceSales {
    /// The shop.
    pub shop: ShopId,
    /// The scene.
    pub scene: Scene,
    /// The account, when the channel named one.
    pub account: Option<SourceAccount>,
    /// Paid orders.
    pub orders: i64,
    /// What buyers paid, in fen.
    pub total: i64,
    /// What was given back, in fen.
    pub refunded: i64,
}

#[derive(Deserialize)]
struct Attribution {
    account: Option<SourceAccount>,
}

#[derive(FromQueryResult)]
struct Row {
    shop_id: uuid::Uuid,
    scene: String,
    attribution: String,
    orders: i64,
    total: i64,
    refunded: i64,
}

/// Paid orders by shop, scene and account, of those paid since then.
pub async fn source_sales(
    tx: &TenantTx,
    shops: Option<&[ShopId]>,
    scene: Option<Scene>,
    since: Timestamp,
) -> StoreResult<Vec<SourceSales>> {
    use order::Column as C;
    let sum = |column: C| Expr::col(column).sum().cast_as("bigint");
    let mut query = order::Entity::find()
        .select_only()
        .column(C::ShopId)
        .column(C::Scene)
        .column(C::Attribution)
        .expr_as(Expr::col(C::Id).count(), "orders")
        .expr_as(sum(C::TotalFen), "total")
        .expr_as(sum(C::RefundedFen), "refunded")
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::PaidAt.gte(since.micros()))
        .group_by(C::ShopId)
        .group_by(C::Scene)
        .group_by(C::Attribution)
        .limit(MOST_SOURCES);
    if let Some(shops) = shops {
        query = query.filter(C::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    if let Some(scene) = scene {
        query = query.filter(C::Scene.eq(scene.as_str()));
    }
    let rows = query.into_model::<Row>().all(tx.conn()).await?;
    let read = |row: Row| {
        let attribution: Attribution =
            serde_json::from_str(&row.attribution).map_err(|_| StoreError::Corrupt("orders.attribution"))?;
        Ok(SourceSales {
            shop: ShopId(row.shop_id),
            scene: Scene::from_text(&row.scene).ok_or(StoreError::Corrupt("orders.scene"))?,
            account: attribution.account,
            orders: row.orders,
            total: row.total,
            refunded: row.refunded,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Paid orders of a shop that came by articles of an account, and what was paid for them.
pub async fn article_sales(
    tx: &TenantTx,
    shop: ShopId,
    kind: &str,
    external_id: &str,
    since: Timestamp,
) -> StoreResult<(i64, i64)> {
    let sales = source_sales(tx, Some(&[shop]), Some(Scene::Article), since).await?;
    let own = |account: &SourceAccount| account.kind == kind && account.external_id == external_id;
    let of_account = sales.iter().filter(|one| one.account.as_ref().is_some_and(own));
    Ok(of_account
        .fold((0, 0), |(orders, total), one| (orders + one.orders, i64::saturating_add(total, one.total))))
}
