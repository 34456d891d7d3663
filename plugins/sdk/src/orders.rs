//! Reading orders. A push only says that an order changed; these operations fetch the truth.

use crate::context::Context;
use crate::http::Answer;
use crate::order_desk::AddressWish;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading orders.
pub trait Orders: Send + Sync {
    /// Lists ids of orders changed within a window, page by page: repairs lost pushes.
    fn list_changed(&self, cx: &Context<'_>, window: TimeWindow, cursor: Option<&str>) -> Turn<Page<String>>;
    /// Goes on with [`Orders::list_changed`].
    fn resume_list_changed(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<String>>;

    /// Reads one order.
    fn fetch(&self, cx: &Context<'_>, order_id: &str) -> Turn<ChannelOrder>;
    /// Goes on with [`Orders::fetch`].
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ChannelOrder>;
}

/// From (inclusive) to (inclusive), UTC; platforms count whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimeWindow {
    /// Start.
    #[serde(with = "wire::time")]
    pub from: Timestamp,
    /// End.
    #[serde(with = "wire::time")]
    pub to: Timestamp,
}

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next_cursor: Option<String>,
}

/// An order as the channel tells it, normalised. Personal data is masked by the platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelOrder {
    /// The channel's order id.
    pub external_id: String,
    /// The raw state.
    pub native_state: String,
    /// The state in our words; a raw value we do not know stays [`OrderState::Unknown`].
    pub state: OrderState,
    /// When it was made.
    #[serde(with = "wire::time")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "wire::time")]
    pub updated_at: Timestamp,
    /// When it was paid.
    #[serde(with = "wire::time_opt", default)]
    pub paid_at: Option<Timestamp>,
    /// When the last parcel was sent.
    #[serde(with = "wire::time_opt", default)]
    pub shipped_at: Option<Timestamp>,
    /// When the buyer (or the clock) confirmed receipt.
    #[serde(with = "wire::time_opt", default)]
    pub confirmed_at: Option<Timestamp>,
    /// When the platform settled it.
    #[serde(with = "wire::time_opt", default)]
    pub settled_at: Option<Timestamp>,
    /// The platform's payment number.
    pub transaction_id: Option<String>,
    /// Lines.
    pub lines: Vec<ChannelOrderLine>,
    /// Amounts in fen.
    pub amounts: OrderAmounts,
    /// The buyer's id towards this account (WeChat: `openid`).
    pub buyer_open_id: Option<String>,
    /// The buyer's id across accounts of one subject (WeChat: `unionid`).
    pub buyer_union_id: Option<String>,
    /// Where to send it, masked.
    pub address: Option<MaskedAddress>,
    /// Where the sale came from.
    pub attribution: Attribution,
    /// What the buyer wrote.
    pub buyer_notes: Option<String>,
    /// What the merchant wrote.
    pub merchant_notes: Option<String>,
    /// Parcels sent so far.
    pub parcels: Vec<ChannelParcel>,
    /// Ids of its after-sale cases.
    pub after_sale_ids: Vec<String>,
    /// The buyer's wish for another address, while it waits for the merchant.
    #[serde(default)]
    pub address_wish: Option<AddressWish>,
}

/// The state of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Not paid.
    AwaitingPayment,
    /// Paid, nothing sent.
    Paid,
    /// Some lines sent.
    PartShipped,
    /// All sent, receipt not confirmed.
    Shipped,
    /// Done.
    Completed,
    /// Ended without a sale.
    Cancelled(CancelReason),
    /// A raw value we do not know; never guess.
    Unknown(String),
}

/// Why an order was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// By the buyer, by time-out or by the merchant: the platform's state does not tell which.
    Unpaid,
    /// By the merchant, for want of stock.
    Oversold,
    /// Every line went back through after-sale.
    AllRefunded,
}

/// A line of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelOrderLine {
    /// The channel's product id.
    pub product_id: String,
    /// The channel's SKU id.
    pub sku_id: String,
    /// Our product id, if the product came from us.
    pub out_product_id: Option<String>,
    /// Our SKU id, if the product came from us.
    pub out_sku_id: Option<String>,
    /// The merchant's own SKU code.
    pub sku_code: Option<String>,
    /// Title when sold.
    pub title: String,
    /// Specification values when sold, such as `红 / L`.
    pub spec_text: String,
    /// Picture address.
    pub picture_url: Option<String>,
    /// Pieces.
    pub quantity: i64,
    /// Price of one piece, in fen.
    #[serde(with = "wire::fen")]
    pub unit_price: Fen,
    /// What the buyer pays for the line, after discounts and without freight, in fen.
    #[serde(with = "wire::fen")]
    pub line_total: Fen,
    /// Pieces in an open after-sale case.
    pub after_sale_quantity: i64,
    /// Pieces whose after-sale case is finished.
    pub after_sale_done_quantity: i64,
}

/// Amounts of an order, in fen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderAmounts {
    /// Goods before discounts.
    #[serde(with = "wire::fen")]
    pub goods: Fen,
    /// Freight.
    #[serde(with = "wire::fen")]
    pub freight: Fen,
    /// Discounts of every kind.
    #[serde(with = "wire::fen")]
    pub discount: Fen,
    /// What the buyer pays.
    #[serde(with = "wire::fen")]
    pub total: Fen,
    /// What the merchant gets before fees and commissions, when the platform says it.
    #[serde(with = "wire::fen_opt", default)]
    pub merchant_receivable: Option<Fen>,
}

/// An address as the platform shows it before decryption.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MaskedAddress {
    /// Receiver, masked.
    pub name: String,
    /// Phone, masked.
    pub phone: String,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District or county.
    pub district: String,
    /// Street and number, masked.
    pub detail: String,
}

/// Where a sale came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribution {
    /// The scene.
    pub scene: Scene,
    /// The raw scene; empty when the platform names none.
    pub native_scene: String,
    /// The account that brought the sale.
    pub account: Option<SourceAccount>,
    /// The live session, when there was one.
    pub live_id: Option<String>,
}

/// The scene a sale came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    /// A live session.
    Live,
    /// A short video.
    ShortVideo,
    /// A shared product.
    Share,
    /// The product window of an account.
    Window,
    /// An article.
    Article,
    /// Search.
    Search,
    /// The platform says "other" or nothing.
    Other,
    /// A raw value we do not know.
    Unknown(String),
}

/// The account that brought a sale.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceAccount {
    /// Code of its kind (`channels_account`, `official_account`, `mini_program`, or the raw value).
    pub kind: String,
    /// Its id.
    pub external_id: String,
    /// Its name.
    pub name: Option<String>,
    /// How it is related to the shop.
    pub relation: Relation,
}

/// How an account is related to the shop it sold for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Linked to the shop 关联账号.
    Linked,
    /// Cooperating 合作账号.
    Cooperating,
    /// A creator of the alliance 联盟达人.
    Alliance,
    /// A raw value we do not know.
    Unknown(String),
}

/// A parcel the platform knows of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelParcel {
    /// The channel's carrier id.
    pub carrier_id: String,
    /// The carrier's name.
    pub carrier_name: Option<String>,
    /// Waybill number.
    pub waybill: String,
    /// When it was sent.
    #[serde(with = "wire::time_opt", default)]
    pub shipped_at: Option<Timestamp>,
    /// What is in it.
    pub lines: Vec<crate::fulfilment::ParcelLine>,
}

impl ChannelOrder {
    /// An order with what each has; the rest is filled in with `..`, so that a field that is added later breaks nobody.
    pub fn new(
        external_id: impl Into<String>,
        native_state: impl Into<String>,
        state: OrderState,
        created_at: Timestamp,
        lines: Vec<ChannelOrderLine>,
        amounts: OrderAmounts,
    ) -> Self {
        Self {
            external_id: external_id.into(),
            native_state: native_state.into(),
            state,
            created_at,
            updated_at: created_at,
            paid_at: None,
            shipped_at: None,
            confirmed_at: None,
            settled_at: None,
            transaction_id: None,
            lines,
            amounts,
            buyer_open_id: None,
            buyer_union_id: None,
            address: None,
            attribution: Attribution {
                scene: Scene::Other,
                native_scene: String::new(),
                account: None,
                live_id: None,
            },
            buyer_notes: None,
            merchant_notes: None,
            parcels: Vec::new(),
            after_sale_ids: Vec::new(),
            address_wish: None,
        }
    }
}

impl ChannelOrderLine {
    /// A line with what each has, at its full price; the rest as with [`ChannelOrder::new`].
    ///
    /// # Errors
    /// The total does not fit.
    pub fn new(
        product_id: impl Into<String>,
        sku_id: impl Into<String>,
        quantity: i64,
        unit_price: Fen,
    ) -> Result<Self, qianpu_domain::money::MoneyOverflow> {
        Ok(Self {
            product_id: product_id.into(),
            sku_id: sku_id.into(),
            out_product_id: None,
            out_sku_id: None,
            sku_code: None,
            title: String::new(),
            spec_text: String::new(),
            picture_url: None,
            quantity,
            unit_price,
            line_total: unit_price.times(quantity)?,
            after_sale_quantity: 0,
            after_sale_done_quantity: 0,
        })
    }
}
