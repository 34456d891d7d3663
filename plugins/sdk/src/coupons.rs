//! Coupons of an account: what one gives, to whom, how many there are, and how many were received and used. A rate is
//! what the buyer pays, in parts per million: 510 000 is 51 %, in Chinese 5.1折.

use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a coupon gives, to whom, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CouponTerms {
    /// Its name.
    pub name: String,
    /// What it gives.
    pub gives: CouponGift,
    /// The channel's product ids it is for; empty = the whole shop.
    pub product_ids: Vec<String>,
    /// From when it can be received; whole seconds.
    #[serde(with = "wire::time")]
    pub receive_from: Timestamp,
    /// Until when; whole seconds.
    #[serde(with = "wire::time")]
    pub receive_until: Timestamp,
    /// How many there are.
    pub total: i64,
    /// How many one person may have.
    pub per_person: i64,
    /// When a received one counts.
    pub valid: CouponValidity,
}

impl CouponTerms {
    /// Whether both say the same, in whatever order the products stand.
    pub fn same(&self, other: &Self) -> bool {
        let sorted = |terms: &Self| {
            let mut ids = terms.product_ids.clone();
            ids.sort_unstable();
            Self { product_ids: ids, ..terms.clone() }
        };
        sorted(self) == sorted(other)
    }
}

/// What a coupon gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CouponGift {
    /// The buyer pays this rate from so many pieces on.
    RateFromPieces {
        /// Parts per million that are paid.
        rate_ppm: i64,
        /// Pieces.
        pieces: i64,
    },
    /// So much less from an amount on.
    LessFromAmount {
        /// In fen.
        #[serde(with = "wire::fen")]
        less: Fen,
        /// In fen.
        #[serde(with = "wire::fen")]
        from: Fen,
    },
    /// The buyer pays this rate.
    Rate {
        /// Parts per million that are paid.
        rate_ppm: i64,
    },
    /// So much less.
    Less {
        /// In fen.
        #[serde(with = "wire::fen")]
        less: Fen,
    },
    /// A kind that can only be shown.
    Other,
}

/// When a received coupon counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CouponValidity {
    /// Between two moments.
    Between {
        /// Start.
        #[serde(with = "wire::time")]
        from: Timestamp,
        /// End.
        #[serde(with = "wire::time")]
        until: Timestamp,
    },
    /// So many days from the receipt on.
    Days {
        /// Days.
        days: i64,
    },
}

/// A coupon as the channel has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Coupon {
    /// The channel's id of it.
    pub external_id: String,
    /// The raw kind.
    pub native_kind: String,
    /// Where it stands.
    pub state: CouponState,
    /// What it says.
    pub terms: CouponTerms,
    /// How many were received, when the platform says it.
    pub received: Option<i64>,
    /// How many were used, when the platform says it.
    pub used: Option<i64>,
}

/// Where a coupon stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponState {
    /// Made; nobody can receive it.
    Draft,
    /// Can be received within its time.
    Live,
    /// Its time is over.
    Expired,
    /// Taken back.
    Withdrawn,
    /// Deleted.
    Deleted,
    /// A raw value we do not know.
    Unknown(String),
}

/// A coupon to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewCoupon {
    /// What it says.
    pub terms: CouponTerms,
    /// Ids of coupons that are known already: one with the same content that is not among them was made by a request
    /// whose answer was lost, and is not made again.
    pub known: Vec<String>,
}

/// A coupon that nobody can receive yet, and what it shall say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CouponChange {
    /// The channel's id of it.
    pub external_id: String,
    /// What it shall say; it stays of its kind.
    pub terms: CouponTerms,
}

/// Which coupon goes one step on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CouponMove {
    /// The channel's id of it.
    pub external_id: String,
    /// Which step.
    pub step: CouponStep,
}

/// A step of a coupon.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponStep {
    /// Draft → live.
    Publish,
    /// Live → withdrawn.
    Withdraw,
    /// Anything but live → deleted.
    Delete,
}

/// Whose coupons are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CouponHolder {
    /// The buyer's id towards the account.
    pub open_id: String,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// A coupon that a buyer received.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldCoupon {
    /// The channel's id of it.
    pub external_id: String,
    /// The coupon it is one of.
    pub coupon_id: String,
    /// Where it stands.
    pub state: HeldState,
    /// When it was received.
    #[serde(with = "wire::time_opt", default)]
    pub received_at: Option<Timestamp>,
    /// Until when it counts.
    #[serde(with = "wire::time_opt", default)]
    pub until: Option<Timestamp>,
    /// The order it was used for.
    pub order_id: Option<String>,
}

/// Where a received coupon stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldState {
    /// Counts.
    Usable,
    /// Its time is over.
    Expired,
    /// Used.
    Used,
    /// A raw value we do not know.
    Unknown(String),
}
