//! Movements: the line that every change of a stock level writes.

use crate::db::TenantTx;
use crate::entity::stock_movement;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{OrderId, SkuId, StockMovementId};
use qianpu_domain::stock::{Movement, MovementKind};
use qianpu_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

/// What a movement says besides its numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct MovementNote<'a> {
    /// The order it happened for.
    pub order: Option<OrderId>,
    /// The person's words.
    pub text: &'a str,
}

/// A movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementRow {
    /// Its id.
    pub id: StockMovementId,
    /// What it was.
    pub movement: Movement,
    /// The order it happened for.
    pub order: Option<OrderId>,
    /// The person's words.
    pub note: String,
    /// Kind of who did it.
    pub actor_kind: String,
    /// Name of who did it at the time.
    pub actor_name: String,
    /// When.
    pub at: Timestamp,
}

pub(super) async fn movement_insert(
    tx: &mut TenantTx,
    sku: SkuId,
    bucket: i64,
    movement: Movement,
    note: MovementNote<'_>,
) -> StoreResult<()> {
    let (actor_kind, _, actor_name) = tx.ctx().actor().audit_parts();
    stock_movement::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        sku_id: Set(sku.0),
        bucket: Set(bucket),
        kind: Set(movement.kind.as_str().to_owned()),
        on_hand_change: Set(movement.on_hand),
        held_change: Set(movement.held),
        sold_change: Set(movement.sold),
        order_id: Set(note.order.map(|order| order.0)),
        note: Set(note.text.chars().take(200).collect()),
        actor_kind: Set(actor_kind.to_owned()),
        actor_name: Set(actor_name),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Movements of a SKU, newest first.
pub async fn movement_list(tx: &TenantTx, sku: SkuId, page: PageRequest) -> StoreResult<Page<MovementRow>> {
    let query = stock_movement::Entity::find()
        .filter(stock_movement::Column::TenantId.eq(tx.tenant()))
        .filter(stock_movement::Column::SkuId.eq(sku.0));
    let rows = newest_first(query, stock_movement::Column::CreatedAt, stock_movement::Column::Id, page)
        .all(tx.conn())
        .await?;
    let rows = rows
        .into_iter()
        .map(|found| {
            let kind =
                MovementKind::from_text(&found.kind).ok_or(StoreError::Corrupt("stock_movements.kind"))?;
            Ok(MovementRow {
                id: StockMovementId(found.id),
                movement: Movement {
                    kind,
                    on_hand: found.on_hand_change,
                    held: found.held_change,
                    sold: found.sold_change,
                },
                order: found.order_id.map(OrderId),
                note: found.note,
                actor_kind: found.actor_kind,
                actor_name: found.actor_name,
                at: Timestamp::from_micros(found.created_at),
            })
        })
        .collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |movement| Cursor { at: movement.at, id: movement.id.0 }))
}
