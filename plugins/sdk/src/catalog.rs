//! Publishing products and setting stock.

use crate::context::Context;
use crate::error::ChannelError;
use crate::http::Answer;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Publishing products. Operations read before they write, so that running one again does no harm.
pub trait Catalog: Send + Sync {
    /// Creates the product (no remote id in `refs`) or updates it, and asks for it to be listed.
    /// The outcome carries the ids to keep; the platform's audit comes later, by push or [`Catalog::fetch`].
    fn publish(&self, cx: &Context<'_>, draft: &ProductDraft, refs: &PublishedRefs) -> Turn<Published>;
    /// Goes on with [`Catalog::publish`].
    fn resume_publish(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Published>;

    /// Reads the truth about a published product.
    fn fetch(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing>;
    /// Goes on with [`Catalog::fetch`].
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing>;

    /// Puts the product on the shelf. Done at once if it is there.
    fn list(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing>;
    /// Goes on with [`Catalog::list`].
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing>;

    /// Takes the product off the shelf. Done at once if it is not there.
    fn delist(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing>;
    /// Goes on with [`Catalog::delist`].
    fn resume_delist(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing>;
}

/// Setting stock. Always "set to", never "add": the platforms have no idempotency key for it.
pub trait Stock: Send + Sync {
    /// Sets the quantities of SKUs of one published product.
    fn set_stock(
        &self,
        cx: &Context<'_>,
        refs: &PublishedRefs,
        levels: &[StockLevel],
    ) -> Turn<Vec<StockOutcome>>;
    /// Goes on with [`Stock::set_stock`].
    fn resume_set_stock(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer])
    -> Turn<Vec<StockOutcome>>;
}

/// A product as we want it shown at the channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProductDraft {
    /// Our id, unique within the account.
    pub out_product_id: String,
    /// Title.
    pub title: String,
    /// Short title, where the channel shows one.
    pub short_title: Option<String>,
    /// Main pictures, first is the cover.
    pub pictures: Vec<Picture>,
    /// Description text.
    pub description: String,
    /// Description pictures.
    pub description_pictures: Vec<Picture>,
    /// The channel's own category ids, from the top to the leaf.
    pub category_path: Vec<String>,
    /// Attributes the category asks for: name → value.
    pub attributes: BTreeMap<String, String>,
    /// The channel's brand id; `None` = the channel's "no brand".
    pub brand_id: Option<String>,
    /// The channel's freight template id.
    pub freight_template_id: Option<String>,
    /// Weight in grams, for freight by weight.
    pub weight_grams: Option<i64>,
    /// SKUs; at least one.
    pub skus: Vec<SkuDraft>,
}

/// A picture of ours.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Picture {
    /// Absolute address the platform could fetch it from; also the key in [`PublishedRefs::pictures`].
    pub url: String,
    /// Name by which the host can load the bytes ([`crate::PartContent::Asset`]); with it the bytes are uploaded,
    /// without it the platform is given the address.
    pub asset: Option<String>,
}

/// A SKU as we want it sold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SkuDraft {
    /// Our id, unique within the product.
    pub out_sku_id: String,
    /// Specification values in the order of the product's specifications.
    pub specs: Vec<Spec>,
    /// Selling price in fen.
    #[serde(with = "wire::fen")]
    pub price: Fen,
    /// Crossed-out price in fen.
    #[serde(with = "wire::fen_opt", default)]
    pub market_price: Option<Fen>,
    /// Quantity to offer.
    pub stock: i64,
    /// The merchant's own code.
    pub code: Option<String>,
    /// Bar code.
    pub barcode: Option<String>,
    /// A picture of this SKU.
    pub picture: Option<Picture>,
}

/// A specification value, such as 颜色 = 红.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// Specification name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// Ids the channel gave, kept per listing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PublishedRefs {
    /// The channel's product id.
    pub product_id: Option<String>,
    /// Our SKU id → the channel's SKU id.
    pub skus: BTreeMap<String, String>,
    /// Our picture address → the channel's, so that a picture is uploaded once.
    pub pictures: BTreeMap<String, String>,
    /// An earlier try to create the product ended without a clear answer: it is looked for by `out_product_id`
    /// before it is created again. Set by the plugin, or by a caller that was interrupted itself while publishing
    /// for the first time; cleared by the plugin.
    pub in_doubt: bool,
}

/// What publishing led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Published {
    /// Ids to keep.
    pub refs: PublishedRefs,
    /// Where the listing is now.
    pub listing: RemoteListing,
    /// Things the merchant should know; sentences.
    pub warnings: Vec<String>,
    /// Set when the product exists at the channel, or may exist, and the rest failed: keep `refs`, then publish again
    /// as the class of the error says. Once the channel gave an id, an operation never ends in a bare error.
    pub unfinished: Option<ChannelError>,
}

/// The truth about a published product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RemoteListing {
    /// The channel's product id.
    pub product_id: String,
    /// Our product id, as the channel keeps it.
    pub out_product_id: Option<String>,
    /// Our SKU id → the channel's SKU id.
    pub skus: BTreeMap<String, String>,
    /// Both axes in one word.
    pub state: ListingState,
    /// Whether buyers can see it.
    pub shelf: ShelfState,
    /// How the last version we sent fares.
    pub audit: AuditState,
    /// The platform's words for a refusal or withdrawal.
    pub reason: Option<String>,
    /// The raw states, such as `status=5 edit_status=4`.
    pub native: String,
    /// What buyers see now; `None` where nothing of it is on the shelf, or the platform does not say.
    #[serde(default)]
    pub shown: Option<Shown>,
}

/// What buyers see of a product at the channel.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    /// The title.
    pub title: Option<String>,
    /// By our SKU id. A SKU that is not here is not on sale there.
    pub skus: BTreeMap<String, ShownSku>,
}

/// What buyers see of a SKU.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShownSku {
    /// Selling price in fen.
    #[serde(with = "wire::fen_opt", default)]
    pub price: Option<Fen>,
    /// Quantity on offer.
    #[serde(default)]
    pub stock: Option<i64>,
}

/// The state of a listing in one word. A listed product whose new version is in audit stays `Listed`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListingState {
    /// The platform knows it, but it was not submitted yet or is being written.
    Publishing,
    /// In the platform's audit.
    InAudit,
    /// The audit refused it; see `reason`.
    Refused,
    /// On sale.
    Listed,
    /// Approved, not on the shelf: not yet put there or taken off by the merchant.
    Delisted,
    /// Taken off by the platform.
    Withdrawn(WithdrawnReason),
    /// Gone.
    Deleted,
    /// A state we do not know; the raw value.
    Unknown(String),
}

/// Why the platform took a product off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawnReason {
    /// A violation or risk control.
    Violation,
    /// The shop's deposit is short.
    DepositShort,
    /// The brand authorisation expired.
    BrandExpired,
    /// The product is banned.
    Banned,
}

/// Whether buyers can see a product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShelfState {
    /// Never listed.
    New,
    /// On the shelf.
    On,
    /// Off the shelf, by the merchant.
    Off,
    /// Off the shelf, by the platform.
    Withdrawn(WithdrawnReason),
    /// In the bin or gone.
    Deleted,
    /// A raw value we do not know.
    Unknown(String),
}

/// How the last version fares in the audit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditState {
    /// Nothing submitted.
    None,
    /// Being edited.
    Editing,
    /// In audit.
    Pending,
    /// Refused.
    Refused,
    /// Approved.
    Approved,
    /// Being written; acting on it now fails.
    Writing,
    /// Writing failed.
    WriteFailed,
    /// A raw value we do not know.
    Unknown(String),
}

/// A quantity to set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StockLevel {
    /// Our SKU id.
    pub out_sku_id: String,
    /// The quantity to offer at this channel; not negative.
    pub quantity: i64,
}

/// What setting one SKU led to. One refused SKU does not hold up the others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StockOutcome {
    /// Our SKU id.
    pub out_sku_id: String,
    /// `None` = set; otherwise why not.
    pub error: Option<ChannelError>,
}
