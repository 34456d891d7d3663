//! Parcels of orders. A parcel is `queued` until its channel took it (`sent`) or would not (`refused`).
//!
//! Invariant: an order has a carrier and waybill once; a refused parcel may be queued again with other lines.

use crate::db::TenantTx;
use crate::entity::{order, shipment as row, shipment_line};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{OrderId, OrderLineId, ShipmentId, ShopId};
use qianpu_domain::shipping::ParcelLine;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::HashMap;
use uuid::Uuid;

/// Where a parcel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShipmentState {
    /// Waits for its channel.
    Queued,
    /// The channel took it.
    Sent,
    /// The channel would not take it.
    Refused,
}

impl ShipmentState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Queued, Self::Sent, Self::Refused];
    /// The word as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }
    /// The state of a word.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A parcel.
#[derive(Clone, Debug)]
pub struct Shipment {
    /// Its id.
    pub id: ShipmentId,
    /// Its order.
    pub order: OrderId,
    /// The carrier's code at the channel.
    pub carrier_code: String,
    /// The carrier's name.
    pub carrier_name: String,
    /// Waybill number.
    pub waybill: String,
    /// Where it stands.
    pub state: ShipmentState,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Who asked for it.
    pub created_by: String,
    /// When the channel took it.
    pub sent_at: Option<Timestamp>,
    /// What is in it.
    pub lines: Vec<ParcelLine>,
    /// For guarded updates.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// A parcel to be.
#[derive(Clone, Debug)]
pub struct NewShipment<'a> {
    /// Its order.
    pub order: OrderId,
    /// The carrier's code.
    pub carrier_code: &'a str,
    /// The carrier's name.
    pub carrier_name: &'a str,
    /// Waybill number.
    pub waybill: &'a str,
    /// Where it starts: queued, or sent when the channel told us of it.
    pub state: ShipmentState,
    /// Who asked for it; none = the transaction's actor.
    pub created_by: Option<&'a str>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// What is in it.
    pub lines: &'a [ParcelLine],
}

fn from_model(model: row::Model, lines: Vec<ParcelLine>) -> StoreResult<Shipment> {
    Ok(Shipment {
        id: ShipmentId(model.id),
        order: OrderId(model.order_id),
        carrier_code: model.carrier_code,
        carrier_name: model.carrier_name,
        waybill: model.waybill,
        state: ShipmentState::from_text(&model.state).ok_or(StoreError::Corrupt("shipments.state"))?,
        reason: model.reason,
        created_by: model.created_by,
        sent_at: model.sent_at.map(Timestamp::from_micros),
        lines,
        version: model.version,
        created_at: Timestamp::from_micros(model.created_at),
    })
}

/// Adds a parcel, or takes up a refused one with the same waybill again. `Conflict("waybill")` when the order
/// has this waybill already.
pub async fn shipment_put(tx: &mut TenantTx, new: &NewShipment<'_>) -> StoreResult<ShipmentId> {
    let now = tx.now().micros();
    let by = match new.created_by {
        Some(name) => name.to_owned(),
        None => tx.ctx().actor().audit_parts().2,
    };
    let fresh = tx.new_id();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(fresh),
        order_id: Set(new.order.0),
        carrier_code: Set(new.carrier_code.to_owned()),
        carrier_name: Set(new.carrier_name.to_owned()),
        waybill: Set(new.waybill.to_owned()),
        state: Set(new.state.as_str().to_owned()),
        reason: Set(None),
        created_by: Set(by),
        sent_at: Set(new.sent_at.map(Timestamp::micros)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let key = [row::Column::TenantId, row::Column::OrderId, row::Column::CarrierCode, row::Column::Waybill];
    let conflict = OnConflict::columns(key).do_nothing().to_owned();
    let inserted = row::Entity::insert(model).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    let id = if inserted == 1 { fresh } else { revive(tx, new).await? };
    let lines = new.lines.iter().map(|line| shipment_line::ActiveModel {
        tenant_id: Set(tx.tenant()),
        shipment_id: Set(id),
        order_line_id: Set(line.line.0),
        quantity: Set(line.quantity),
    });
    if !new.lines.is_empty() {
        shipment_line::Entity::insert_many(lines).exec_without_returning(tx.conn()).await?;
    }
    Ok(ShipmentId(id))
}

async fn revive(tx: &mut TenantTx, new: &NewShipment<'_>) -> StoreResult<Uuid> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(new.order.0))
        .filter(row::Column::CarrierCode.eq(new.carrier_code))
        .filter(row::Column::Waybill.eq(new.waybill))
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Conflict("waybill"))?;
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(new.state.as_str()))
        .col_expr(row::Column::Reason, Expr::value(Option::<String>::None))
        .col_expr(row::Column::SentAt, Expr::value(new.sent_at.map(Timestamp::micros)))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(found.id))
        .filter(row::Column::State.eq(ShipmentState::Refused.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::Conflict("waybill"));
    }
    shipment_line::Entity::delete_many()
        .filter(shipment_line::Column::TenantId.eq(tx.tenant()))
        .filter(shipment_line::Column::ShipmentId.eq(found.id))
        .exec(tx.conn())
        .await?;
    Ok(found.id)
}

/// Moves a parcel on from the state it was read in; false when it has moved meanwhile.
pub async fn shipment_move(
    tx: &mut TenantTx,
    was: &Shipment,
    to: ShipmentState,
    reason: Option<&str>,
    sent_at: Option<Timestamp>,
) -> StoreResult<bool> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(to.as_str()))
        .col_expr(row::Column::Reason, Expr::value(reason.map(str::to_owned)))
        .col_expr(row::Column::SentAt, Expr::value(sent_at.map(Timestamp::micros)))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id.0))
        .filter(row::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// A parcel of the merchant.
pub async fn shipment_get(tx: &TenantTx, id: ShipmentId) -> StoreResult<Shipment> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let found = with_lines(tx, found.into_iter().collect()).await?.pop();
    found.ok_or(StoreError::NotFound)
}

/// Parcels of an order, oldest first; at most 200.
pub async fn shipment_list_of(tx: &TenantTx, order: OrderId) -> StoreResult<Vec<Shipment>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .order_by_asc(row::Column::CreatedAt)
        .order_by_asc(row::Column::Id)
        .limit(200)
        .all(tx.conn())
        .await?;
    with_lines(tx, rows).await
}

/// Which parcels a list is about.
#[derive(Clone, Debug, Default)]
pub struct ShipmentFilter {
    /// Only in this state.
    pub state: Option<ShipmentState>,
    /// Only of orders of these shops.
    pub shops: Option<Vec<ShopId>>,
}

/// Parcels of the merchant, newest first.
pub async fn shipment_list(
    tx: &TenantTx,
    filter: &ShipmentFilter,
    page: PageRequest,
) -> StoreResult<Page<Shipment>> {
    let mut query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    if let Some(state) = filter.state {
        query = query.filter(row::Column::State.eq(state.as_str()));
    }
    if let Some(shops) = &filter.shops {
        let orders = Query::select()
            .column(order::Column::Id)
            .from(order::Entity)
            .and_where(order::Column::TenantId.eq(tx.tenant()))
            .and_where(order::Column::ShopId.is_in(shops.iter().map(|shop| shop.0)))
            .to_owned();
        query = query.filter(row::Column::OrderId.in_subquery(orders));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(Page { items: with_lines(tx, page.items).await?, next: page.next })
}

async fn with_lines(tx: &TenantTx, models: Vec<row::Model>) -> StoreResult<Vec<Shipment>> {
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let rows = shipment_line::Entity::find()
        .filter(shipment_line::Column::TenantId.eq(tx.tenant()))
        .filter(shipment_line::Column::ShipmentId.is_in(models.iter().map(|model| model.id)))
        .order_by_asc(shipment_line::Column::OrderLineId)
        .all(tx.conn())
        .await?;
    let mut lines: HashMap<Uuid, Vec<ParcelLine>> = HashMap::new();
    for row in rows {
        let line = ParcelLine { line: OrderLineId(row.order_line_id), quantity: row.quantity };
        lines.entry(row.shipment_id).or_default().push(line);
    }
    models
        .into_iter()
        .map(|model| {
            let own = lines.remove(&model.id).unwrap_or_default();
            from_model(model, own)
        })
        .collect()
}
