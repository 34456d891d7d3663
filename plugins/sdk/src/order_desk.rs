//! What a merchant does with an order beside shipping it: remark, price, address.

use crate::context::Context;
use crate::http::Answer;
use crate::orders::MaskedAddress;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Changing orders at the channel. None of it answers with the order: fetch it afterwards.
pub trait OrderDesk: Send + Sync {
    /// Sets the merchant's remark; an empty one takes it away.
    fn note(&self, cx: &Context<'_>, order_id: &str, words: &str) -> Turn<()>;
    /// Goes on with [`OrderDesk::note`].
    fn resume_note(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Sets prices of an order that is not paid.
    fn reprice(&self, cx: &Context<'_>, wanted: &Repricing) -> Turn<()>;
    /// Goes on with [`OrderDesk::reprice`].
    fn resume_reprice(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Agrees to the buyer's wish for another address, or refuses it.
    fn answer_address(&self, cx: &Context<'_>, order_id: &str, agreed: bool) -> Turn<AddressAnswer>;
    /// Goes on with [`OrderDesk::answer_address`].
    fn resume_answer_address(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<AddressAnswer>;

    /// Puts another address to an order that was not sent. Platforms may ask the buyer first.
    fn change_address(&self, cx: &Context<'_>, order_id: &str, address: &NewAddress) -> Turn<()>;
    /// Goes on with [`OrderDesk::change_address`].
    fn resume_change_address(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;
}

/// Prices to be set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Repricing {
    /// The order.
    pub order_id: String,
    /// The freight to be, in fen; none = as it is.
    #[serde(with = "wire::fen_opt", default)]
    pub freight: Option<Fen>,
    /// Lines whose price changes.
    pub lines: Vec<LinePrice>,
}

/// The price of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LinePrice {
    /// The channel's product id.
    pub product_id: String,
    /// The channel's SKU id.
    pub sku_id: String,
    /// For all its pieces together, in fen.
    #[serde(with = "wire::fen")]
    pub total: Fen,
}

/// What came of an answer to a buyer's wish.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressAnswer {
    /// The platform took it.
    Taken,
    /// No wish waits any more: answered by somebody else, or by the platform when the time ran out.
    NothingWaits,
}

/// A buyer's wish for another address, as the order tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddressWish {
    /// Where it shall go, masked as the platform masks it.
    pub address: MaskedAddress,
    /// When the buyer asked.
    #[serde(with = "wire::time_opt", default)]
    pub asked_at: Option<Timestamp>,
    /// When the platform agrees by itself.
    #[serde(with = "wire::time_opt", default)]
    pub until: Option<Timestamp>,
}

/// An address in the clear, on its way to the channel. It is not kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAddress {
    /// Receiver.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District or county.
    pub district: String,
    /// Street and number.
    pub detail: String,
}

impl std::fmt::Debug for NewAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewAddress(…)")
    }
}
