//! Promotions of an account: limited-time discounts, which say what of a product is cheaper, for how many pieces, from when
//! to when; and its coupons.

use crate::context::Context;
use crate::coupons::{Coupon, CouponChange, CouponHolder, CouponMove, HeldCoupon, NewCoupon};
use crate::http::Answer;
use crate::orders::Page;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading, making and ending discounts and coupons.
pub trait Promotions: Send + Sync {
    /// One page of discounts, whatever their state.
    fn discounts(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Discount>>;
    /// Goes on with [`Promotions::discounts`].
    fn resume_discounts(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Discount>>;

    /// Makes a discount; the channel's id of it. One with the same content that is not over is found and not made again.
    fn add_discount(&self, cx: &Context<'_>, wanted: &NewDiscount) -> Turn<String>;
    /// Goes on with [`Promotions::add_discount`].
    fn resume_add_discount(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String>;

    /// Stops a discount, or takes one away that is over. One that is so already is left as it is.
    fn end_discount(&self, cx: &Context<'_>, ending: &DiscountEnding) -> Turn<()>;
    /// Goes on with [`Promotions::end_discount`].
    fn resume_end_discount(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// One page of coupons that are not deleted.
    fn coupons(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Coupon>>;
    /// Goes on with [`Promotions::coupons`].
    fn resume_coupons(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Coupon>>;

    /// One coupon; nothing when it was deleted, or never was.
    fn coupon(&self, cx: &Context<'_>, coupon_id: &str) -> Turn<Option<Coupon>>;
    /// Goes on with [`Promotions::coupon`].
    fn resume_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Coupon>>;

    /// Makes a coupon that nobody can receive yet; the channel's id of it.
    fn add_coupon(&self, cx: &Context<'_>, wanted: &NewCoupon) -> Turn<String>;
    /// Goes on with [`Promotions::add_coupon`].
    fn resume_add_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String>;

    /// Changes a coupon that nobody can receive yet.
    fn change_coupon(&self, cx: &Context<'_>, wanted: &CouponChange) -> Turn<()>;
    /// Goes on with [`Promotions::change_coupon`].
    fn resume_change_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Takes a coupon one step on. One that is there already is left as it is.
    fn move_coupon(&self, cx: &Context<'_>, wanted: &CouponMove) -> Turn<()>;
    /// Goes on with [`Promotions::move_coupon`].
    fn resume_move_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// One page of coupons that a buyer received.
    fn held_coupons(&self, cx: &Context<'_>, holder: &CouponHolder) -> Turn<Page<HeldCoupon>>;
    /// Goes on with [`Promotions::held_coupons`].
    fn resume_held_coupons(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<HeldCoupon>>;
}

/// A discount to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewDiscount {
    /// The channel's product id.
    pub product_id: String,
    /// When it begins; whole seconds.
    #[serde(with = "wire::time")]
    pub starts_at: Timestamp,
    /// When it ends; whole seconds.
    #[serde(with = "wire::time")]
    pub ends_at: Timestamp,
    /// Its SKUs.
    pub skus: Vec<DiscountSku>,
}

/// A SKU in a discount.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiscountSku {
    /// The channel's SKU id.
    pub sku_id: String,
    /// The price while it lasts, in fen.
    #[serde(with = "wire::fen")]
    pub price: Fen,
    /// How many pieces.
    pub quantity: i64,
}

/// A discount as the channel has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Discount {
    /// The channel's id of it.
    pub external_id: String,
    /// What it says.
    pub terms: NewDiscount,
    /// Where it stands.
    pub state: DiscountState,
}

/// Where a discount stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountState {
    /// Begins later.
    Ahead,
    /// In force.
    Running,
    /// Over, or stopped.
    Ended,
    /// A raw value we do not know.
    Unknown(String),
}

/// Which discount ends, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DiscountEnding {
    /// The channel's id of it.
    pub external_id: String,
    /// How.
    pub how: DiscountEnd,
}

/// How a discount ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountEnd {
    /// It stops now, for good.
    Stop,
    /// It is over and is taken away.
    Delete,
}
