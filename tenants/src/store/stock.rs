//! Stock levels and their movements.
//!
//! A level changes in one place only ([`shift`]): one `UPDATE` that adds the change and whose `WHERE` says
//! that the result is a valid level. No level is read, computed and written back, so two buyers of the last
//! piece cannot both get it; the database's CHECK constraints say the same once more. Every change writes a
//! movement and asks for the channels to be told (`stock.fan_out`).
//!
//! A SKU has one bucket; a hot one can be split into several, so that its buyers do not queue for one row.
//! In an order's transaction call these last, with the SKUs in ascending order of id: then two orders never
//! wait for each other in a circle.

use crate::db::TenantTx;
use crate::entity::stock as row;
use crate::error::{StoreError, StoreResult};
use crate::jobs::{NewJob, job_enqueue};
use qianpu_domain::catalog::MAX_STOCK;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::SkuId;
use qianpu_domain::stock::{Movement, MovementKind, StockError, StockLevel};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use std::collections::HashMap;

pub use super::stock_hold::{
    Hold, HoldState, Once, stock_hold, stock_hold_list, stock_hold_of, stock_release_expired,
    stock_release_hold, stock_return, stock_sell_direct, stock_sell_hold,
};

use super::stock_movement::movement_insert;
pub use super::stock_movement::{MovementNote, MovementRow, movement_list};

/// Job that tells the channels; payload `{"sku_id"}`.
pub const FAN_OUT: &str = "stock.fan_out";
/// The most buckets of one SKU.
pub const MAX_BUCKETS: i64 = 32;

/// Why stock did not change.
#[derive(Debug, thiserror::Error)]
pub enum StockRefusal {
    /// A rule of stock.
    #[error(transparent)]
    Rule(#[from] StockError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StockRefusal {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Rule(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

impl From<sea_orm::DbErr> for StockRefusal {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// One bucket with its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub number: i64,
    pub level: StockLevel,
}

/// Opens the stock of a new SKU with what is on hand.
pub async fn stock_open(tx: &mut TenantTx, sku: SkuId, on_hand: i64) -> Result<(), StockRefusal> {
    if !(0..=MAX_STOCK).contains(&on_hand) {
        return Err(StockError::Range.into());
    }
    bucket_insert(tx, sku, 0, on_hand).await?;
    if on_hand > 0 {
        let movement = Movement { kind: MovementKind::Set, on_hand, held: 0, sold: 0 };
        movement_insert(tx, sku, 0, movement, MovementNote::default()).await?;
    }
    Ok(())
}

async fn bucket_insert(tx: &mut TenantTx, sku: SkuId, bucket: i64, on_hand: i64) -> StoreResult<()> {
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        sku_id: Set(sku.0),
        bucket: Set(bucket),
        on_hand: Set(on_hand),
        held: Set(0),
        sold: Set(0),
        updated_at: Set(tx.now().micros()),
    };
    let key = OnConflict::columns([row::Column::TenantId, row::Column::SkuId, row::Column::Bucket])
        .do_nothing()
        .to_owned();
    row::Entity::insert(model).on_conflict(key).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Adds `movement` to one bucket when the result is a valid level. False when it is not: nothing changed.
pub(crate) async fn shift(
    tx: &mut TenantTx,
    sku: SkuId,
    bucket: i64,
    movement: Movement,
    note: MovementNote<'_>,
) -> StoreResult<bool> {
    use row::Column::{Held, OnHand, Sold, TenantId, UpdatedAt};
    let after = |column: row::Column, change: i64| Expr::col(column).add(change);
    let on_hand = after(OnHand, movement.on_hand);
    let held = after(Held, movement.held);
    let done = row::Entity::update_many()
        .col_expr(OnHand, on_hand.clone())
        .col_expr(Held, held.clone())
        .col_expr(Sold, after(Sold, movement.sold))
        .col_expr(UpdatedAt, Expr::value(tx.now().micros()))
        .filter(TenantId.eq(tx.tenant()))
        .filter(row::Column::SkuId.eq(sku.0))
        .filter(row::Column::Bucket.eq(bucket))
        .filter(held.clone().gte(0))
        .filter(on_hand.clone().gte(held))
        .filter(on_hand.lte(MAX_STOCK))
        .filter(after(Sold, movement.sold).gte(0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Ok(false);
    }
    movement_insert(tx, sku, bucket, movement, note).await?;
    fan_out(tx, sku, bucket).await?;
    Ok(true)
}

/// Asks for the channels to be told although no quantity changed: the SKU came on sale or went off.
pub async fn stock_tell(tx: &mut TenantTx, sku: SkuId) -> StoreResult<()> {
    fan_out(tx, sku, 0).await
}

/// Asks for the channels to be told. Each bucket has its own key: the queue's unique index would otherwise
/// make the buyers of a split SKU wait for each other again.
async fn fan_out(tx: &mut TenantTx, sku: SkuId, bucket: i64) -> StoreResult<()> {
    let dedup_key = if bucket == 0 { sku.to_string() } else { format!("{sku}/{bucket}") };
    let job = NewJob {
        kind: FAN_OUT,
        dedup_key: Some(dedup_key),
        payload: serde_json::json!({ "sku_id": sku.to_string() }),
        run_at: None,
        priority: 5,
    };
    job_enqueue(tx, job).await?;
    Ok(())
}

/// The buckets of a SKU. `NotFound` when its stock was never opened.
pub(crate) async fn buckets(tx: &TenantTx, sku: SkuId) -> StoreResult<Vec<Bucket>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::SkuId.eq(sku.0))
        .order_by_asc(row::Column::Bucket)
        .all(tx.conn())
        .await?;
    if rows.is_empty() {
        return Err(StoreError::NotFound);
    }
    let bucket = |found: row::Model| Bucket {
        number: found.bucket,
        level: StockLevel { on_hand: found.on_hand, held: found.held, sold: found.sold },
    };
    Ok(rows.into_iter().map(bucket).collect())
}

fn total(buckets: &[Bucket]) -> StockLevel {
    buckets.iter().fold(StockLevel::default(), |sum, bucket| StockLevel {
        on_hand: sum.on_hand.saturating_add(bucket.level.on_hand),
        held: sum.held.saturating_add(bucket.level.held),
        sold: sum.sold.saturating_add(bucket.level.sold),
    })
}

/// The level of a SKU over all its buckets.
pub async fn stock_level(tx: &TenantTx, sku: SkuId) -> StoreResult<StockLevel> {
    Ok(total(&buckets(tx, sku).await?))
}

/// The levels of some SKUs; those without stock rows are left out.
pub async fn stock_levels(tx: &TenantTx, skus: &[SkuId]) -> StoreResult<HashMap<SkuId, StockLevel>> {
    let mut levels: HashMap<SkuId, Vec<Bucket>> = HashMap::new();
    for some in skus.chunks(500) {
        let rows = row::Entity::find()
            .filter(row::Column::TenantId.eq(tx.tenant()))
            .filter(row::Column::SkuId.is_in(some.iter().map(|sku| sku.0)))
            .all(tx.conn())
            .await?;
        for found in rows {
            let level = StockLevel { on_hand: found.on_hand, held: found.held, sold: found.sold };
            levels.entry(SkuId(found.sku_id)).or_default().push(Bucket { number: found.bucket, level });
        }
    }
    Ok(levels.into_iter().map(|(sku, buckets)| (sku, total(&buckets))).collect())
}

/// How often a count is tried again when orders come in between.
const TRIES: usize = 8;

/// The merchant counted: so many on hand. Refused below what is held.
pub async fn stock_set(
    tx: &mut TenantTx,
    sku: SkuId,
    on_hand: i64,
    note: MovementNote<'_>,
) -> Result<StockLevel, StockRefusal> {
    for _ in 0..TRIES {
        let now = buckets(tx, sku).await?;
        let level = total(&now);
        let (_, movement) = level.set(on_hand)?;
        if movement.on_hand == 0 {
            return Ok(level);
        }
        // Compare and set: the change is only right for the level it was computed from.
        if let [only] = now.as_slice() {
            if guarded_set(tx, sku, *only, movement, note).await? {
                return Ok(stock_level(tx, sku).await?);
            }
        } else if spread(tx, sku, MovementKind::Set, movement.on_hand, note).await? {
            return Ok(stock_level(tx, sku).await?);
        }
    }
    Err(StoreError::Busy("the stock of one SKU changes too fast to be set".to_owned()).into())
}

async fn guarded_set(
    tx: &mut TenantTx,
    sku: SkuId,
    bucket: Bucket,
    movement: Movement,
    note: MovementNote<'_>,
) -> StoreResult<bool> {
    let wanted = bucket.level.on_hand + movement.on_hand;
    let done = row::Entity::update_many()
        .col_expr(row::Column::OnHand, Expr::value(wanted))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::SkuId.eq(sku.0))
        .filter(row::Column::Bucket.eq(bucket.number))
        .filter(row::Column::OnHand.eq(bucket.level.on_hand))
        .filter(row::Column::Held.lte(wanted))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Ok(false);
    }
    movement_insert(tx, sku, bucket.number, movement, note).await?;
    fan_out(tx, sku, bucket.number).await?;
    Ok(true)
}

/// The merchant adds, or takes what is available.
pub async fn stock_adjust(
    tx: &mut TenantTx,
    sku: SkuId,
    delta: i64,
    note: MovementNote<'_>,
) -> Result<StockLevel, StockRefusal> {
    if delta == 0 || delta.unsigned_abs() > MAX_STOCK.unsigned_abs() {
        return Err(StockError::Range.into());
    }
    if spread(tx, sku, MovementKind::Adjust, delta, note).await? {
        return Ok(stock_level(tx, sku).await?);
    }
    let level = stock_level(tx, sku).await?;
    // The domain's words for the refusal; if orders came in between, it is simply short.
    level.adjust(delta)?;
    Err(StockError::Short { available: level.available(), wanted: delta.saturating_neg() }.into())
}

/// Adds `delta` to the buckets: what comes in goes to the emptiest, what goes out is taken where it is.
async fn spread(
    tx: &mut TenantTx,
    sku: SkuId,
    kind: MovementKind,
    delta: i64,
    note: MovementNote<'_>,
) -> StoreResult<bool> {
    let change = |on_hand: i64| Movement { kind, on_hand, held: 0, sold: 0 };
    let now = buckets(tx, sku).await?;
    if delta > 0 {
        let emptiest = now.iter().min_by_key(|bucket| (bucket.level.available(), bucket.number));
        let Some(bucket) = emptiest else { return Ok(false) };
        return shift(tx, sku, bucket.number, change(delta), note).await;
    }
    let parts = take(tx, sku, -delta, 0, |quantity| change(-quantity), note).await?;
    Ok(parts.is_some())
}

/// Takes `quantity` from one bucket when one has it, else from several; all or nothing. `turn` says where to
/// begin, so that the buyers of a split SKU spread over its buckets.
pub(crate) async fn take(
    tx: &mut TenantTx,
    sku: SkuId,
    quantity: i64,
    turn: usize,
    movement: impl Fn(i64) -> Movement,
    note: MovementNote<'_>,
) -> StoreResult<Option<Vec<(i64, i64)>>> {
    let mut now = buckets(tx, sku).await?;
    let begin = turn % now.len().max(1);
    now.rotate_left(begin);
    let single = now.len() == 1;
    for bucket in &now {
        // What was read may be old; only the update decides.
        let promising = single || bucket.level.available() >= quantity;
        if promising && shift(tx, sku, bucket.number, movement(quantity), note).await? {
            return Ok(Some(vec![(bucket.number, quantity)]));
        }
    }
    if single {
        return Ok(None);
    }
    let mut parts: Vec<(i64, i64)> = Vec::new();
    let mut wanted = quantity;
    for bucket in buckets(tx, sku).await? {
        let some = Ord::min(bucket.level.available(), wanted);
        if some > 0 && shift(tx, sku, bucket.number, movement(some), note).await? {
            parts.push((bucket.number, some));
            wanted -= some;
        }
    }
    if wanted == 0 {
        return Ok(Some(parts));
    }
    for (bucket, some) in parts {
        let taken = movement(some);
        let back =
            Movement { kind: taken.kind, on_hand: -taken.on_hand, held: -taken.held, sold: -taken.sold };
        shift(tx, sku, bucket, back, note).await?;
    }
    Ok(None)
}

/// Splits the stock of a hot SKU into `count` buckets and shares what is available evenly. Fewer buckets
/// than before is not offered: holds name the bucket they were taken from.
pub async fn stock_split(tx: &mut TenantTx, sku: SkuId, count: i64) -> Result<(), StockRefusal> {
    let now = buckets(tx, sku).await?;
    let existing = i64::try_from(now.len()).unwrap_or(i64::MAX);
    if count > MAX_BUCKETS || count < existing {
        return Err(StockError::Range.into());
    }
    for number in existing..count {
        bucket_insert(tx, sku, number, 0).await?;
    }
    let share = total(&now).available() / count;
    let note = MovementNote { order: None, text: "split" };
    for bucket in &now {
        let mut spare = bucket.level.available() - share;
        for number in existing..count {
            let some = Ord::min(spare, share);
            if some <= 0 {
                break;
            }
            let change = |on_hand: i64| Movement { kind: MovementKind::Adjust, on_hand, held: 0, sold: 0 };
            if !shift(tx, sku, bucket.number, change(-some), note).await? {
                return Err(StoreError::Busy("the stock changed while it was split".to_owned()).into());
            }
            shift(tx, sku, number, change(some), note).await?;
            spare -= some;
        }
    }
    Ok(())
}
