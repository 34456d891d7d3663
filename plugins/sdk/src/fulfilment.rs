//! Shipping.

use crate::context::Context;
use crate::http::Answer;
use crate::orders::ChannelOrder;
use crate::step::Turn;
use serde::{Deserialize, Serialize};

/// Shipping. `ship` reads the order first: the platforms have no idempotency key for it.
pub trait Fulfilment: Send + Sync {
    /// Lists the carriers the channel knows.
    fn carriers(&self, cx: &Context<'_>) -> Turn<Vec<Carrier>>;
    /// Goes on with [`Fulfilment::carriers`].
    fn resume_carriers(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<Carrier>>;

    /// Tells the channel that parcels were sent.
    fn ship(&self, cx: &Context<'_>, shipment: &Shipment) -> Turn<ShipOutcome>;
    /// Goes on with [`Fulfilment::ship`].
    fn resume_ship(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShipOutcome>;
}

/// A carrier of a channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Carrier {
    /// The channel's id.
    pub carrier_id: String,
    /// Its name.
    pub name: String,
}

/// Parcels of one order to report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shipment {
    /// The channel's order id.
    pub order_id: String,
    /// The parcels; at least one.
    pub parcels: Vec<Parcel>,
}

/// A parcel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parcel {
    /// The channel's carrier id.
    pub carrier_id: String,
    /// Waybill number.
    pub waybill: String,
    /// What is in it; empty = everything of the order that was not sent yet.
    pub lines: Vec<ParcelLine>,
}

/// A line of a parcel.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ParcelLine {
    /// The channel's product id.
    pub product_id: String,
    /// The channel's SKU id.
    pub sku_id: String,
    /// Pieces.
    pub quantity: i64,
}

/// What shipping led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipOutcome {
    /// The channel took it now.
    Sent,
    /// The channel knew these waybills already (an earlier try went through); the order as it is there.
    AlreadySent(Box<ChannelOrder>),
}
