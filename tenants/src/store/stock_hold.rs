//! What an order does to stock: hold, sell, release, return. Each happens once per (order, SKU): the hold's
//! row is written first and its state decides, so a step that is run again finds it done.
//!
//! An order that has two lines of one SKU passes their sum.

use super::stock::{MovementNote, StockRefusal, shift, stock_level, take};
use crate::db::TenantTx;
use crate::entity::stock_hold as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::catalog::MAX_STOCK;
use qianpu_domain::ids::{OrderId, SkuId};
use qianpu_domain::stock::{Movement, MovementKind, StockError};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// The order holds.
    Held,
    /// The order was sold what it held.
    Sold,
    /// The hold ended without a sale.
    Released,
    /// What was sold came back.
    Returned,
}

impl HoldState {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Returned => "returned",
        }
    }
    fn parse(text: &str) -> StoreResult<Self> {
        [Self::Held, Self::Sold, Self::Released, Self::Returned]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(StoreError::Corrupt("stock_holds.state"))
    }
}

/// Whether a step happened now or had happened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once {
    /// Now.
    Now,
    /// Before; nothing changed.
    Before,
}

/// What an order holds or was sold of a SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The order.
    pub order: OrderId,
    /// The SKU.
    pub sku: SkuId,
    /// Pieces.
    pub quantity: i64,
    /// Where it stands.
    pub state: HoldState,
    /// When it ends by itself while held.
    pub expires_at: Option<Timestamp>,
    /// (bucket, pieces).
    parts: Vec<(i64, i64)>,
}

fn from_model(model: row::Model) -> StoreResult<Hold> {
    Ok(Hold {
        order: OrderId(model.order_id),
        sku: SkuId(model.sku_id),
        quantity: model.quantity,
        state: HoldState::parse(&model.state)?,
        expires_at: model.expires_at.map(Timestamp::from_micros),
        parts: serde_json::from_str(&model.parts).map_err(|_| StoreError::Corrupt("stock_holds.parts"))?,
    })
}

fn held(quantity: i64) -> Movement {
    Movement { kind: MovementKind::Hold, on_hand: 0, held: quantity, sold: 0 }
}

fn sold_direct(quantity: i64) -> Movement {
    Movement { kind: MovementKind::SellDirect, on_hand: -quantity, held: 0, sold: quantity }
}

/// An order holds. The same hold again is one hold; another quantity is `Conflict("stock_hold")`.
pub async fn stock_hold(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    quantity: i64,
    expires_at: Timestamp,
) -> Result<Once, StockRefusal> {
    if !hold_insert(tx, order, sku, quantity, HoldState::Held, Some(expires_at)).await? {
        let found = stock_hold_of(tx, order, sku).await?.ok_or(StoreError::NotFound)?;
        return match found.state {
            HoldState::Held | HoldState::Sold if found.quantity == quantity => Ok(Once::Before),
            _ => Err(StoreError::Conflict("stock_hold").into()),
        };
    }
    take_for(tx, order, sku, quantity, held).await?;
    Ok(Once::Now)
}

/// The order is sold what it holds. A hold that was released meanwhile is `Conflict("stock_hold_released")`:
/// the caller may then try [`stock_sell_direct`].
pub async fn stock_sell_hold(tx: &mut TenantTx, order: OrderId, sku: SkuId) -> Result<Once, StockRefusal> {
    let change = |quantity: i64| Movement {
        kind: MovementKind::Sell,
        on_hand: -quantity,
        held: -quantity,
        sold: quantity,
    };
    match advance(tx, order, sku, HoldState::Held, HoldState::Sold, change).await? {
        None => Ok(Once::Now),
        Some(HoldState::Sold) => Ok(Once::Before),
        Some(HoldState::Released) => Err(StoreError::Conflict("stock_hold_released").into()),
        Some(_) => Err(StoreError::Conflict("stock_hold").into()),
    }
}

/// The hold ends without a sale.
pub async fn stock_release_hold(tx: &mut TenantTx, order: OrderId, sku: SkuId) -> Result<Once, StockRefusal> {
    let change =
        |quantity: i64| Movement { kind: MovementKind::Release, on_hand: 0, held: -quantity, sold: 0 };
    match advance(tx, order, sku, HoldState::Held, HoldState::Released, change).await? {
        None => Ok(Once::Now),
        Some(HoldState::Released) => Ok(Once::Before),
        Some(_) => Err(StoreError::Conflict("stock_sold").into()),
    }
}

/// A sale without a hold, such as one the channel made; sells the order's hold when there is one.
/// [`StockError::Short`] when less is available: the order is oversold.
pub async fn stock_sell_direct(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    quantity: i64,
) -> Result<Once, StockRefusal> {
    if hold_insert(tx, order, sku, quantity, HoldState::Sold, None).await? {
        take_for(tx, order, sku, quantity, sold_direct).await?;
        return Ok(Once::Now);
    }
    let found = stock_hold_of(tx, order, sku).await?.ok_or(StoreError::NotFound)?;
    if found.quantity != quantity {
        return Err(StoreError::Conflict("stock_hold").into());
    }
    match found.state {
        HoldState::Sold => Ok(Once::Before),
        HoldState::Held => stock_sell_hold(tx, order, sku).await,
        HoldState::Returned => Err(StoreError::Conflict("stock_hold").into()),
        HoldState::Released => {
            if !hold_move(tx, order, sku, HoldState::Released, HoldState::Sold).await? {
                return Err(StoreError::Busy("the hold changed meanwhile".to_owned()).into());
            }
            let taken = take(tx, sku, quantity, turn(order), sold_direct, note(order)).await?;
            let Some(parts) = taken else {
                hold_move(tx, order, sku, HoldState::Sold, HoldState::Released).await?;
                return Err(short(tx, sku, quantity).await?);
            };
            hold_set_parts(tx, order, sku, &parts).await?;
            Ok(Once::Now)
        }
    }
}

/// What the order was sold comes back for sale.
pub async fn stock_return(tx: &mut TenantTx, order: OrderId, sku: SkuId) -> Result<Once, StockRefusal> {
    let change =
        |quantity: i64| Movement { kind: MovementKind::Return, on_hand: quantity, held: 0, sold: -quantity };
    match advance(tx, order, sku, HoldState::Sold, HoldState::Returned, change).await? {
        None => Ok(Once::Now),
        Some(HoldState::Returned) => Ok(Once::Before),
        Some(_) => Err(StoreError::Conflict("stock_hold").into()),
    }
}

/// Releases holds of the tenant that have expired, up to `limit`; returns the orders they belonged to.
pub async fn stock_release_expired(tx: &mut TenantTx, limit: u64) -> Result<Vec<OrderId>, StockRefusal> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq(HoldState::Held.as_str()))
        .filter(row::Column::ExpiresAt.lte(tx.now().micros()))
        .order_by_asc(row::Column::SkuId)
        .order_by_asc(row::Column::OrderId)
        .limit(limit)
        .all(tx.conn())
        .await?;
    let mut orders = Vec::new();
    for found in rows {
        let order = OrderId(found.order_id);
        // An order that was paid in this moment keeps what it was sold.
        match stock_release_hold(tx, order, SkuId(found.sku_id)).await {
            Ok(_) => orders.push(order),
            Err(StockRefusal::Store(StoreError::Conflict(_))) => {}
            Err(other) => return Err(other),
        }
    }
    orders.sort_unstable();
    orders.dedup();
    Ok(orders)
}

/// What an order holds of a SKU.
pub async fn stock_hold_of(tx: &TenantTx, order: OrderId, sku: SkuId) -> StoreResult<Option<Hold>> {
    row::Entity::find_by_id((tx.tenant(), order.0, sku.0)).one(tx.conn()).await?.map(from_model).transpose()
}

/// All that an order holds or was sold.
pub async fn stock_hold_list(tx: &TenantTx, order: OrderId) -> StoreResult<Vec<Hold>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .order_by_asc(row::Column::SkuId)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Writes the hold. False when the order has one of this SKU already, whatever its state.
async fn hold_insert(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    quantity: i64,
    state: HoldState,
    expires_at: Option<Timestamp>,
) -> Result<bool, StockRefusal> {
    if !(1..=MAX_STOCK).contains(&quantity) {
        return Err(StockError::Range.into());
    }
    let now = tx.now().micros();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        order_id: Set(order.0),
        sku_id: Set(sku.0),
        quantity: Set(quantity),
        parts: Set(serde_json::json!([(0, quantity)]).to_string()),
        state: Set(state.as_str().to_owned()),
        expires_at: Set(expires_at.map(Timestamp::micros)),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let key = OnConflict::columns([row::Column::TenantId, row::Column::OrderId, row::Column::SkuId])
        .do_nothing()
        .to_owned();
    let inserted = row::Entity::insert(model).on_conflict(key).exec_without_returning(tx.conn()).await?;
    Ok(inserted == 1)
}

/// Takes the stock of a hold that was just written; when there is too little, the hold is taken back.
async fn take_for(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    quantity: i64,
    movement: impl Fn(i64) -> Movement,
) -> Result<(), StockRefusal> {
    let Some(parts) = take(tx, sku, quantity, turn(order), movement, note(order)).await? else {
        row::Entity::delete_by_id((tx.tenant(), order.0, sku.0)).exec(tx.conn()).await?;
        return Err(short(tx, sku, quantity).await?);
    };
    if parts != [(0, quantity)] {
        hold_set_parts(tx, order, sku, &parts).await?;
    }
    Ok(())
}

async fn short(tx: &TenantTx, sku: SkuId, wanted: i64) -> StoreResult<StockRefusal> {
    let level = stock_level(tx, sku).await?;
    Ok(StockError::Short { available: level.available(), wanted }.into())
}

/// Moves a hold on and its stock with it. `Some(state)` when it was not in `from`: nothing changed.
async fn advance(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    from: HoldState,
    to: HoldState,
    change: impl Fn(i64) -> Movement,
) -> Result<Option<HoldState>, StockRefusal> {
    let moved = hold_move(tx, order, sku, from, to).await?;
    let found = stock_hold_of(tx, order, sku).await?.ok_or(StoreError::NotFound)?;
    if !moved {
        return Ok(Some(found.state));
    }
    for (bucket, quantity) in found.parts {
        if !shift(tx, sku, bucket, change(quantity), note(order)).await? {
            return Err(StockError::Range.into());
        }
    }
    Ok(None)
}

async fn hold_move(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    from: HoldState,
    to: HoldState,
) -> StoreResult<bool> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(to.as_str()))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .filter(row::Column::SkuId.eq(sku.0))
        .filter(row::Column::State.eq(from.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

async fn hold_set_parts(
    tx: &mut TenantTx,
    order: OrderId,
    sku: SkuId,
    parts: &[(i64, i64)],
) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::Parts, Expr::value(serde_json::json!(parts).to_string()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .filter(row::Column::SkuId.eq(sku.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

fn note(order: OrderId) -> MovementNote<'static> {
    MovementNote { order: Some(order), text: "" }
}

/// Where an order begins among the buckets: the random end of its id.
fn turn(order: OrderId) -> usize {
    usize::from(u8::try_from(order.0.as_u128() & 0xff).unwrap_or(0))
}
