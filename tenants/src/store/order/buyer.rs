//! Orders by whose they are.

use super::{Order, from_model, row};
use crate::db::TenantTx;
use crate::error::StoreResult;
use crate::page::{Cursor, Page, PageRequest};
use crate::store::buyer::ChannelIdentity;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{BuyerId, OrderId, ShopId};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// Says whose an order is.
pub async fn order_set_buyer(tx: &mut TenantTx, id: OrderId, buyer: BuyerId) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::BuyerId, Expr::value(buyer.0))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Gives a buyer the orders of the shop that carry the open id (or the union id) and are nobody's yet; how many.
/// Orders whose personal data was erased stay nobody's: their ids are gone with it.
pub async fn order_claim(
    tx: &mut TenantTx,
    shop: ShopId,
    known: &ChannelIdentity<'_>,
    buyer: BuyerId,
) -> StoreResult<u64> {
    let by_open_id = Condition::all()
        .add(row::Column::ChannelAccountId.eq(known.account.0))
        .add(row::Column::BuyerOpenId.eq(known.open_id));
    let mut whose = Condition::any().add(by_open_id);
    if let Some(union) = known.union_id {
        whose = whose.add(row::Column::BuyerUnionId.eq(union));
    }
    let done = row::Entity::update_many()
        .col_expr(row::Column::BuyerId, Expr::value(buyer.0))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::BuyerId.is_null())
        .filter(whose)
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// How many orders each of these buyers has; who has none is not named.
pub async fn order_count_by_buyer(tx: &TenantTx, buyers: &[BuyerId]) -> StoreResult<Vec<(BuyerId, i64)>> {
    if buyers.is_empty() {
        return Ok(Vec::new());
    }
    let counted: Vec<(uuid::Uuid, i64)> = row::Entity::find()
        .select_only()
        .column(row::Column::BuyerId)
        .column_as(row::Column::Id.count(), "orders")
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::BuyerId.is_in(buyers.iter().map(|buyer| buyer.0)))
        .group_by(row::Column::BuyerId)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(counted.into_iter().map(|(buyer, orders)| (BuyerId(buyer), orders)).collect())
}

/// A buyer's orders, newest first.
pub async fn order_list_of_buyer(
    tx: &TenantTx,
    buyer: BuyerId,
    page: PageRequest,
) -> StoreResult<Page<Order>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::BuyerId.eq(buyer.0));
    let rows = newest_first(query, row::Column::PlacedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |order: &Order| Cursor { at: order.placed_at, id: order.id.0 }))
}
