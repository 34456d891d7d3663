//! Two rows of one shop that turn out to be one person: one of them is known from a channel's orders only, the other
//! proved that the channel's id is theirs.

use crate::db::TenantTx;
use crate::entity::{buyer, buyer_erasure, buyer_identity as identity, buyer_session, order};
use crate::error::{StoreError, StoreResult};
use crate::store::buyer::ChannelIdentity;
use qianpu_domain::ids::{BuyerId, ShopId};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

/// The most rows that one proof brings together.
const MOST: u64 = 20;

/// Everybody in the shop who is known by this id, or by the union id that came with it: the owner of the id itself
/// first, then the oldest.
pub async fn channel_owners(
    tx: &TenantTx,
    shop: ShopId,
    known: &ChannelIdentity<'_>,
) -> StoreResult<Vec<BuyerId>> {
    let own = Condition::all()
        .add(identity::Column::ChannelAccountId.eq(known.account.0))
        .add(identity::Column::OpenId.eq(known.open_id));
    let mut whose = Condition::any().add(own);
    if let Some(union) = known.union_id {
        whose = whose.add(identity::Column::UnionId.eq(union));
    }
    let rows = identity::Entity::find()
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::ShopId.eq(shop.0))
        .filter(whose)
        .order_by_asc(identity::Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    let is_own = |row: &&identity::Model| {
        row.channel_account_id == Some(known.account.0) && row.open_id.as_deref() == Some(known.open_id)
    };
    let mut owners: Vec<BuyerId> = Vec::new();
    for row in rows.iter().filter(is_own).chain(&rows) {
        if !owners.contains(&BuyerId(row.buyer_id)) {
            owners.push(BuyerId(row.buyer_id));
        }
    }
    Ok(owners)
}

/// Notes that the buyer proved the id, and the union id that came with it.
pub async fn channel_prove(
    tx: &mut TenantTx,
    shop: ShopId,
    buyer: BuyerId,
    known: &ChannelIdentity<'_>,
) -> StoreResult<()> {
    let mut query = identity::Entity::update_many()
        .col_expr(identity::Column::VerifiedAt, Expr::value(tx.now().micros()));
    if let Some(union) = known.union_id {
        query = query.col_expr(identity::Column::UnionId, Expr::value(union));
    }
    let done = query
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::ShopId.eq(shop.0))
        .filter(identity::Column::BuyerId.eq(buyer.0))
        .filter(identity::Column::ChannelAccountId.eq(known.account.0))
        .filter(identity::Column::OpenId.eq(known.open_id))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Whether a buyer may be brought together with another: nothing says that they are two people, and nothing waits.
/// Somebody with a phone is a person of their own.
pub async fn may_join(tx: &TenantTx, from: BuyerId) -> StoreResult<bool> {
    let phones = identity::Entity::find()
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::BuyerId.eq(from.0))
        .filter(identity::Column::Kind.eq("phone"))
        .count(tx.conn())
        .await?;
    let requests = buyer_erasure::Entity::find()
        .filter(buyer_erasure::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_erasure::Column::BuyerId.eq(from.0))
        .count(tx.conn())
        .await?;
    Ok(phones == 0 && requests == 0)
}

/// Gives everything of one buyer to another of the same shop: what they are known by, and their orders. Sessions of
/// the first end, and the row goes. How many orders moved.
pub async fn buyer_join(tx: &mut TenantTx, from: BuyerId, into: BuyerId) -> StoreResult<u64> {
    identity::Entity::update_many()
        .col_expr(identity::Column::BuyerId, Expr::value(into.0))
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::BuyerId.eq(from.0))
        .exec(tx.conn())
        .await?;
    let moved = order::Entity::update_many()
        .col_expr(order::Column::BuyerId, Expr::value(into.0))
        .filter(order::Column::TenantId.eq(tx.tenant()))
        .filter(order::Column::BuyerId.eq(from.0))
        .exec(tx.conn())
        .await?;
    buyer_session::Entity::delete_many()
        .filter(buyer_session::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_session::Column::BuyerId.eq(from.0))
        .exec(tx.conn())
        .await?;
    buyer::Entity::delete_many()
        .filter(buyer::Column::TenantId.eq(tx.tenant()))
        .filter(buyer::Column::Id.eq(from.0))
        .exec(tx.conn())
        .await?;
    Ok(moved.rows_affected)
}
