//! Links between the rows of one person in the shops of a provider. They stand in the provider's own tenant and hold
//! keyed hashes and ids: who somebody is stands in none of them.

use crate::db::TenantTx;
use crate::entity::buyer_person_link as row;
use crate::error::StoreResult;
use qianpu_domain::ids::{BuyerId, ShopId, TenantId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

/// Says by which keys a buyer is known; replaces what was said before.
pub async fn links_set(
    tx: &mut TenantTx,
    merchant: TenantId,
    shop: ShopId,
    buyer: BuyerId,
    keys: &[String],
) -> StoreResult<()> {
    links_forget(tx, buyer).await?;
    for key in keys {
        let model = row::Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            person_key: key.clone(),
            merchant_id: merchant.0,
            shop_id: shop.0,
            buyer_id: buyer.0,
            created_at: tx.now().micros(),
        };
        row::ActiveModel::from(model).insert(tx.conn()).await?;
    }
    Ok(())
}

/// Forgets a buyer's links.
pub async fn links_forget(tx: &mut TenantTx, buyer: BuyerId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::BuyerId.eq(buyer.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Forgets all links of the provider; how many rows.
pub async fn links_forget_all(tx: &mut TenantTx) -> StoreResult<u64> {
    let gone =
        row::Entity::delete_many().filter(row::Column::TenantId.eq(tx.tenant())).exec(tx.conn()).await?;
    Ok(gone.rows_affected)
}

/// In how many shops a linked buyer is known, this one counted; 0 for who is not linked.
pub async fn linked_shops(tx: &TenantTx, buyer: BuyerId) -> StoreResult<u64> {
    let keys = Query::select()
        .column(row::Column::PersonKey)
        .from(row::Entity)
        .and_where(row::Column::TenantId.eq(tx.tenant()))
        .and_where(row::Column::BuyerId.eq(buyer.0))
        .to_owned();
    let shops: Vec<uuid::Uuid> = row::Entity::find()
        .select_only()
        .column(row::Column::ShopId)
        .distinct()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::PersonKey.in_subquery(keys))
        .limit(1_000)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(shops.len() as u64)
}

/// How many buyers of the provider's shops are linked with one of another shop.
pub async fn linked_buyers(tx: &TenantTx) -> StoreResult<u64> {
    let shared = Query::select()
        .column(row::Column::PersonKey)
        .from(row::Entity)
        .and_where(row::Column::TenantId.eq(tx.tenant()))
        .group_by_col(row::Column::PersonKey)
        .and_having(Expr::col(row::Column::ShopId).count_distinct().gt(1))
        .to_owned();
    let query = row::Entity::find()
        .select_only()
        .column(row::Column::BuyerId)
        .distinct()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::PersonKey.in_subquery(shared));
    Ok(query.count(tx.conn()).await?)
}
