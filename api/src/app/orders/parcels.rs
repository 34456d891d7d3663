//! Parcels the channel knows of, against ours. A parcel we sent is found again by its waybill, also when the
//! answer to our sending was lost; one that was sent elsewhere, such as in the platform's own console, is added.

use qianpu_domain::shipping::ParcelLine;
use qianpu_sdk::ChannelParcel;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::store::order_line::OrderLine;
use qianpu_tenants::store::shipment::{
    NewShipment, Shipment, ShipmentState, shipment_list_of, shipment_move, shipment_put,
};
use std::collections::HashMap;

/// Which of our parcels the channel confirmed, and which it told us of.
#[derive(Debug, Default)]
pub struct ParcelNews {
    /// (carrier, waybill) of each parcel that is sent now and was not before.
    pub sent: Vec<(String, String)>,
    /// Whether quantities sent of lines have changed.
    pub lines_changed: bool,
}

/// Takes the channel's parcels in, and counts on the lines what was sent.
pub async fn merge(
    tx: &mut TenantTx,
    order: qianpu_domain::ids::OrderId,
    channel_name: &str,
    parcels: &[ChannelParcel],
    lines: &mut [OrderLine],
) -> StoreResult<ParcelNews> {
    let mut news = ParcelNews::default();
    if parcels.is_empty() {
        return Ok(news);
    }
    let mut known = shipment_list_of(tx, order).await?;
    for parcel in parcels {
        let sent_at = Some(parcel.shipped_at.unwrap_or(tx.now()));
        let ours = known.iter().find(|shipment| same(shipment, parcel));
        let carrier = if parcel.carrier_id.is_empty() { "OTHER" } else { &parcel.carrier_id };
        match ours {
            Some(shipment) if shipment.state == ShipmentState::Sent => continue,
            Some(shipment) => {
                if !shipment_move(tx, shipment, ShipmentState::Sent, None, sent_at).await? {
                    continue;
                }
            }
            None => {
                let new = NewShipment {
                    order,
                    carrier_code: carrier,
                    carrier_name: parcel.carrier_name.as_deref().unwrap_or(carrier),
                    waybill: &parcel.waybill,
                    state: ShipmentState::Sent,
                    created_by: Some(channel_name),
                    sent_at,
                    lines: &contents(parcel, lines, &known),
                };
                shipment_put(tx, &new).await?;
            }
        }
        news.sent.push((carrier.to_owned(), parcel.waybill.clone()));
        // Read again: the next parcel's contents depend on what this one took.
        known = shipment_list_of(tx, order).await?;
    }
    if !news.sent.is_empty() {
        news.lines_changed = count(&known, lines);
    }
    Ok(news)
}

fn same(shipment: &Shipment, parcel: &ChannelParcel) -> bool {
    shipment.waybill == parcel.waybill
        && (parcel.carrier_id.is_empty() || shipment.carrier_code == parcel.carrier_id)
}

/// Our lines in a parcel of the channel. One SKU may stand in several lines: they are filled in their order.
fn contents(parcel: &ChannelParcel, lines: &[OrderLine], known: &[Shipment]) -> Vec<ParcelLine> {
    let taken = sent_by_line(known);
    let mut found: Vec<ParcelLine> = Vec::new();
    for item in &parcel.lines {
        let mut left = item.quantity;
        let own = lines.iter().filter(|line| {
            line.external_sku_id.as_deref() == Some(item.sku_id.as_str())
                && line.external_product_id.as_deref() == Some(item.product_id.as_str())
        });
        for line in own {
            let here: i64 = found.iter().filter(|row| row.line == line.id).map(|row| row.quantity).sum();
            let room = line.quantity - taken.get(&line.id).copied().unwrap_or(0) - here;
            let quantity = left.min(room);
            if quantity > 0 && here == 0 {
                found.push(ParcelLine { line: line.id, quantity });
                left -= quantity;
            }
        }
    }
    found
}

fn sent_by_line(shipments: &[Shipment]) -> HashMap<qianpu_domain::ids::OrderLineId, i64> {
    let mut sent = HashMap::new();
    for shipment in shipments.iter().filter(|shipment| shipment.state == ShipmentState::Sent) {
        for line in &shipment.lines {
            *sent.entry(line.line).or_insert(0) += line.quantity;
        }
    }
    sent
}

/// Sets what was sent of each line from the parcels that were sent. Whether anything changed.
pub fn count(shipments: &[Shipment], lines: &mut [OrderLine]) -> bool {
    let sent = sent_by_line(shipments);
    let mut changed = false;
    for line in lines {
        let shipped = sent.get(&line.id).copied().unwrap_or(0).clamp(0, line.quantity);
        changed |= shipped != line.shipped;
        line.shipped = shipped;
    }
    changed
}
