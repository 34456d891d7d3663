//! Shipping an order: the parcel is checked and put into the queue here; [`super::send`] tells the channel.

use super::carriers;
use super::send::SEND;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::OrderId;
use qianpu_domain::order::Happening;
use qianpu_domain::shipping::{CarrierCode, LineToShip, Parcel, ParcelLine, ShipError, Waybill, decide_ship};
use qianpu_sdk::Carrier;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::store::order::{Order, Rates, order_get, order_save};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append};
use qianpu_tenants::store::order_line::{OrderLine, order_line_list};
use qianpu_tenants::store::shipment::{
    NewShipment, Shipment, ShipmentState, shipment_get, shipment_list_of, shipment_put,
};
use serde_json::json;

/// A parcel as a person asks for it.
#[derive(Debug, Clone)]
pub struct ShipOrder {
    /// Code or name.
    pub carrier: String,
    /// Number.
    pub waybill: String,
    /// What is in it; empty = everything that is left.
    pub lines: Vec<ParcelLine>,
}

/// A parcel whose carrier and waybill are known to be good.
#[derive(Debug, Clone)]
pub struct Addressed {
    carrier: Carrier,
    code: CarrierCode,
    waybill: Waybill,
    lines: Vec<ParcelLine>,
}

/// The order, when the caller may ship it.
pub async fn order_to_ship(tx: &TenantTx, grant: &Grant<perm::OrderShip>, id: OrderId) -> Answer<Order> {
    let order = order_get(tx, id).await?;
    if grant.covers_shop(order.shop) { Ok(order) } else { Err(ApiError::not_found()) }
}

/// Finds the carrier at the order's channel. Before the transaction, since the channel may have to be asked.
pub async fn address(
    state: &AppState,
    grant: &Grant<perm::OrderShip>,
    id: OrderId,
    command: ShipOrder,
) -> Answer<Addressed> {
    let tx = state.db.read(grant.ctx()).await?;
    let order = order_to_ship(&tx, grant, id).await?;
    drop(tx);
    let list = carriers::of(state, grant.ctx(), order.account).await;
    addressed(&list, command)
}

/// The same with the list at hand.
pub fn addressed(list: &[Carrier], command: ShipOrder) -> Answer<Addressed> {
    let mut errors = Vec::new();
    let carrier = carriers::find(list, &command.carrier);
    let code =
        carrier.as_ref().map_err(|error| *error).and_then(|carrier| CarrierCode::parse(&carrier.carrier_id));
    if code.is_err() {
        errors.push(FieldError::of("carrier", ErrorCode::CarrierInvalid));
    }
    let waybill = Waybill::parse(&command.waybill);
    if waybill.is_err() {
        let (en, zh) = ("5 to 40 letters, digits or hyphens", "运单号需为5至40位字母、数字或连字符");
        errors.push(FieldError::new("waybill", ErrorCode::WaybillInvalid.as_str(), en, zh));
    }
    match (carrier, code, waybill) {
        (Ok(carrier), Ok(code), Ok(waybill)) => {
            Ok(Addressed { carrier, code, waybill, lines: command.lines })
        }
        _ => Err(errors.into()),
    }
}

/// Queues a parcel. The order's version decides between two people who ship the same goods at once.
pub async fn ship(
    tx: &mut TenantTx,
    grant: &Grant<perm::OrderShip>,
    id: OrderId,
    parcel: &Addressed,
) -> Answer<Shipment> {
    let order = order_to_ship(tx, grant, id).await?;
    let shipment = queue(tx, &order, parcel, By::Actor).await?;
    let detail = json!({ "carrier": shipment.carrier_code, "waybill": shipment.waybill });
    audit_append(tx, AuditAction::OrderShip, "order", &order.id.to_string(), detail).await?;
    Ok(shipment)
}

/// Addresses and queues a parcel in one transaction of its own.
pub async fn ship_now(
    state: &AppState,
    grant: &Grant<perm::OrderShip>,
    id: OrderId,
    command: ShipOrder,
) -> Answer<Shipment> {
    let parcel = address(state, grant, id, command).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let shipment = ship(&mut tx, grant, id, &parcel).await?;
    tx.commit().await?;
    Ok(shipment)
}

/// Whether parcels of an order are told here. Orders of our own storefront are; those of a channel whose plugin knows no
/// shipping are sent at the platform.
pub fn possible(order: &Order) -> bool {
    let channel = order.channel.as_deref().and_then(qianpu_host::find);
    channel.is_none_or(|channel| channel.fulfilment().is_some())
}

/// Queues a parcel of an order that may be shipped by whoever asks.
pub async fn queue(tx: &mut TenantTx, order: &Order, parcel: &Addressed, by: By<'_>) -> Answer<Shipment> {
    let lines = order_line_list(tx, order.id).await?;
    let shipments = shipment_list_of(tx, order.id).await?;
    let standing: Vec<&Shipment> =
        shipments.iter().filter(|shipment| shipment.state != ShipmentState::Refused).collect();
    let to_ship: Vec<LineToShip> = lines.iter().map(|line| left_of(line, &standing)).collect();
    let sent: Vec<(CarrierCode, Waybill)> = standing
        .iter()
        .filter_map(|one| CarrierCode::parse(&one.carrier_code).ok().zip(Waybill::parse(&one.waybill).ok()))
        .collect();
    let wanted =
        Parcel { carrier: parcel.code.clone(), waybill: parcel.waybill.clone(), lines: parcel.lines.clone() };
    let decision = decide_ship(order.progress.state, &to_ship, &sent, &wanted).map_err(refused)?;
    let rates = Rates { take_rate_ppm: order.take_rate_ppm, tax_ppm: order.tax_ppm };
    order_save(tx, order, &order.progress, &order.facts, rates).await?;
    let new = NewShipment {
        order: order.id,
        carrier_code: &parcel.carrier.carrier_id,
        carrier_name: &parcel.carrier.name,
        waybill: parcel.waybill.as_str(),
        state: ShipmentState::Queued,
        created_by: match by {
            By::Person(name) | By::Channel(name) => Some(name),
            By::Actor => None,
        },
        sent_at: None,
        lines: &decision.lines,
    };
    let id = shipment_put(tx, &new).await.map_err(|error| match error {
        StoreError::Conflict(_) => refused(ShipError::AlreadySent(parcel.waybill.clone())),
        other => other.into(),
    })?;
    let detail = json!({ "carrier": parcel.carrier.carrier_id, "waybill": parcel.waybill.as_str() });
    let at = tx.now();
    let event = NewEvent { order: order.id, kind: Happening::ShipmentQueued, detail, by, at };
    order_event_append(tx, event).await?;
    let job = NewJob {
        kind: SEND,
        dedup_key: Some(id.to_string()),
        payload: json!({ "shipment_id": id.to_string() }),
        run_at: None,
        priority: 0,
    };
    job_enqueue(tx, job).await?;
    Ok(shipment_get(tx, id).await?)
}

fn refused(error: ShipError) -> ApiError {
    ApiError::refused(error.code(), error)
}

/// What is left of a line: neither sent, nor on its way to the channel, nor refunded.
pub fn left_of(line: &OrderLine, standing: &[&Shipment]) -> LineToShip {
    let taken: i64 = standing
        .iter()
        .flat_map(|shipment| &shipment.lines)
        .filter(|item| item.line == line.id)
        .map(|item| item.quantity)
        .sum();
    LineToShip {
        id: line.id,
        quantity: line.quantity,
        shipped: taken.max(line.shipped),
        refunded: line.refunded,
    }
}
