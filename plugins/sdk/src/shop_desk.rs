//! The furniture of a shop: freight templates, and the addresses goods leave from and come back to.

use crate::context::Context;
use crate::http::Answer;
use crate::order_desk::NewAddress;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use serde::{Deserialize, Serialize};

/// Reading and changing them. Platforms know no key against doing it twice, so saving reads first: what a lost answer
/// left behind is found and not made again.
pub trait ShopDesk: Send + Sync {
    /// Reads every freight template.
    fn freight_templates(&self, cx: &Context<'_>) -> Turn<Vec<FreightTemplate>>;
    /// Goes on with [`ShopDesk::freight_templates`].
    fn resume_freight_templates(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Vec<FreightTemplate>>;

    /// Makes a template, or changes the one with this id; answers with its id. What the platform keeps beside the
    /// fields here stays.
    fn save_freight_template(&self, cx: &Context<'_>, template: &FreightTemplate) -> Turn<String>;
    /// Goes on with [`ShopDesk::save_freight_template`].
    fn resume_save_freight_template(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<String>;

    /// Reads every address.
    fn addresses(&self, cx: &Context<'_>) -> Turn<Vec<ShopAddress>>;
    /// Goes on with [`ShopDesk::addresses`].
    fn resume_addresses(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<ShopAddress>>;

    /// Makes an address, or changes the one with this id; answers with its id.
    fn save_address(&self, cx: &Context<'_>, address: &ShopAddress) -> Turn<String>;
    /// Goes on with [`ShopDesk::save_address`].
    fn resume_save_address(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String>;

    /// Takes an address away; one that is not there is done.
    fn remove_address(&self, cx: &Context<'_>, address_id: &str) -> Turn<()>;
    /// Goes on with [`ShopDesk::remove_address`].
    fn resume_remove_address(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;
}

/// What sending costs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FreightTemplate {
    /// The channel's id; none for one to be made.
    #[serde(default)]
    pub template_id: Option<String>,
    /// What it is called.
    pub name: String,
    /// Who pays.
    pub charge: FreightCharge,
    /// What is counted.
    pub unit: FreightUnit,
    /// Within how many hours goods are sent; none = a promise that has no number here.
    #[serde(default)]
    pub ships_within_hours: Option<u32>,
    /// Whether the shop uses it where none is named.
    pub default: bool,
    /// Prices; the one without areas is for everywhere else. None for a template that is free.
    pub rules: Vec<FreightRule>,
    /// From when sending is free.
    pub free_from: Vec<FreeFrom>,
    /// Where nothing is sent.
    pub not_to: Vec<Area>,
}

/// Who pays for sending.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreightCharge {
    /// The merchant.
    Free,
    /// The buyer, until a condition is met.
    FreeFrom,
    /// The buyer.
    Charged,
    /// The platform's word that we do not know.
    Unknown(String),
}

/// What freight is counted by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreightUnit {
    /// Pieces.
    Piece,
    /// Kilograms.
    Weight,
    /// The platform's word that we do not know.
    Unknown(String),
}

/// A price: for so many, and for so many more each time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FreightRule {
    /// Where it holds; empty = everywhere else.
    pub areas: Vec<Area>,
    /// So many pieces or kilograms …
    pub first: i64,
    /// … cost this much.
    #[serde(with = "wire::fen")]
    pub first_price: Fen,
    /// Each so many more …
    pub more: i64,
    /// … cost this much.
    #[serde(with = "wire::fen")]
    pub more_price: Fen,
}

/// When sending is free: from so many pieces or kilograms, from so much money, or from both together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FreeFrom {
    /// Where it holds.
    pub areas: Vec<Area>,
    /// From so many pieces or whole kilograms.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// From so much money.
    #[serde(with = "wire::fen_opt", default)]
    pub amount: Option<Fen>,
}

/// A province, a city or a district; what is below is left empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Area {
    /// Province.
    pub province: String,
    /// City.
    #[serde(default)]
    pub city: String,
    /// District or county.
    #[serde(default)]
    pub district: String,
}

/// An address of the merchant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShopAddress {
    /// The channel's id; none for one to be made.
    #[serde(default)]
    pub address_id: Option<String>,
    /// Who is there, and where it is.
    pub place: NewAddress,
    /// Goods leave from here.
    pub sends: bool,
    /// Goods come back to here.
    pub receives: bool,
    /// The usual one to send from.
    pub default_send: bool,
    /// The usual one for goods that come back.
    pub default_receive: bool,
}
