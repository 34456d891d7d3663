//! `shipment.send`: tells the channel of a parcel. The plugin reads the order first, so a send whose answer was
//! lost is found done and not repeated. A refusal keeps the platform's words and frees the goods for another
//! parcel.

use super::{parcels, sync};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::ShipmentId;
use qianpu_domain::order::{Extent, Happening, OrderEvent, OrderState};
use qianpu_domain::webhook::EventType;
use qianpu_sdk as sdk;
use qianpu_sdk::{ErrorClass, ShipOutcome};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::{ClaimedJob, job_enqueue};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::order::{Order, Rates, order_get, order_save};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append};
use qianpu_tenants::store::order_line::{OrderLine, order_line_list, order_line_save};
use qianpu_tenants::store::shipment::{
    Shipment, ShipmentState, shipment_get, shipment_list_of, shipment_move,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Job that tells a channel of a parcel; payload `{"shipment_id"}`.
pub const SEND: &str = "shipment.send";

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: ShipmentId = payload(job, "shipment_id")?;
    let tx = state.db.read(&job.ctx).await?;
    let shipment = shipment_get(&tx, id).await?;
    let order = order_get(&tx, shipment.order).await?;
    let lines = order_line_list(&tx, order.id).await?;
    drop(tx);
    if shipment.state != ShipmentState::Queued {
        return Ok(Done::Nothing);
    }
    let (Some(account), Some(external_id)) = (order.account, order.external_id.clone()) else {
        // Our own storefront: nobody else has to be told.
        return sent(state, job, &shipment).await;
    };
    let call = match AccountCall::open(state, &job.ctx, account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(found)) => {
            return refused(state, job, &shipment, &found.unusable()).await;
        }
        Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
    };
    let wanted = sdk::Shipment { order_id: external_id.clone(), parcels: vec![parcel(&shipment, &lines)] };
    let answer = call.host().ship(call.account_ref(), &wanted).await;
    match call.settle(answer).await {
        Ok(ShipOutcome::Sent) => sent(state, job, &shipment).await,
        Ok(ShipOutcome::AlreadySent(reported)) => {
            match sync::store(state, &job.ctx, call.account(), &reported, sync::Ends::Job(job)).await? {
                Some(_) => Ok(Done::Committed),
                None => Ok(Done::Lost),
            }
        }
        Err(CallError::Channel(error)) if for_people(&error.class) => {
            refused(state, job, &shipment, &plain_words(&error)).await
        }
        Err(error) => Err(error.job_error(state.clock().now(), job.attempt)),
    }
}

/// Whether trying again by itself cannot help.
fn for_people(class: &ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Reauthorise
            | ErrorClass::FixRequest { .. }
            | ErrorClass::BusinessRefusal
            | ErrorClass::Fatal
    )
}

/// The parcel in the channel's ids. Lines of one SKU become one.
fn parcel(shipment: &Shipment, lines: &[OrderLine]) -> sdk::Parcel {
    let mut contents: BTreeMap<(String, String), i64> = BTreeMap::new();
    for item in &shipment.lines {
        let line = lines.iter().find(|line| line.id == item.line);
        if let Some((product, sku)) =
            line.and_then(|line| line.external_product_id.clone().zip(line.external_sku_id.clone()))
        {
            *contents.entry((product, sku)).or_insert(0) += item.quantity;
        }
    }
    sdk::Parcel {
        carrier_id: shipment.carrier_code.clone(),
        waybill: shipment.waybill.clone(),
        lines: contents
            .into_iter()
            .map(|((product_id, sku_id), quantity)| sdk::ParcelLine { product_id, sku_id, quantity })
            .collect(),
    }
}

/// The channel took it: parcel, lines and order move on, and the channel's own truth is fetched.
async fn sent(state: &AppState, job: &ClaimedJob, was: &Shipment) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    let order = order_get(&tx, was.order).await?;
    let now = tx.now();
    if !shipment_move(&mut tx, was, ShipmentState::Sent, None, Some(now)).await? {
        // The channel's own report was faster and has moved it.
        return finish(tx, job).await;
    }
    let mut lines = order_line_list(&tx, order.id).await?;
    parcels::count(&shipment_list_of(&tx, order.id).await?, &mut lines);
    let left = lines.iter().any(|line| line.quantity - line.shipped - line.refunded > 0);
    let extent = if left { Extent::Part } else { Extent::All };
    let (progress, news) = match order.progress.state {
        OrderState::Paid | OrderState::PartShipped => {
            order.progress.ship(extent, now).unwrap_or_else(|_| (order.progress.clone(), Vec::new()))
        }
        _ => (order.progress.clone(), Vec::new()),
    };
    let rates = Rates { take_rate_ppm: order.take_rate_ppm, tax_ppm: order.tax_ppm };
    let version = order_save(&mut tx, &order, &progress, &order.facts, rates).await?;
    for line in &lines {
        order_line_save(&mut tx, line).await?;
    }
    let detail = json!({ "carrier": was.carrier_code, "waybill": was.waybill });
    note(&mut tx, &order, Happening::ShipmentSent, detail).await?;
    if news.contains(&OrderEvent::Shipped) {
        note(&mut tx, &order, Happening::Shipped, json!({})).await?;
        let subject = order.id.to_string();
        let payload =
            json!({ "order_id": subject, "number": order.number, "state": progress.state.as_str() });
        outbox_append(&mut tx, EventType::OrderShipped, &subject, version, payload).await?;
    }
    if let (Some(account), Some(external_id)) = (order.account, &order.external_id) {
        job_enqueue(&mut tx, sync::new_job(account, external_id, 3)).await?;
    }
    finish(tx, job).await
}

async fn refused(state: &AppState, job: &ClaimedJob, was: &Shipment, reason: &str) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    if !shipment_move(&mut tx, was, ShipmentState::Refused, Some(reason), None).await? {
        return Err(StoreError::VersionConflict.into());
    }
    let order = order_get(&tx, was.order).await?;
    let detail = json!({ "carrier": was.carrier_code, "waybill": was.waybill, "reason": reason });
    note(&mut tx, &order, Happening::ShipmentRefused, detail).await?;
    let subject = was.id.to_string();
    let payload = json!({ "shipment_id": subject, "order_id": order.id.to_string() });
    outbox_append(&mut tx, EventType::ShipmentRefused, &subject, was.version + 1, payload).await?;
    finish(tx, job).await
}

async fn note(
    tx: &mut TenantTx,
    order: &Order,
    kind: Happening,
    detail: serde_json::Value,
) -> StoreResult<()> {
    let at = tx.now();
    order_event_append(tx, NewEvent { order: order.id, kind, detail, by: By::Actor, at }).await
}
