//! Figures that a platform tells of a day that is over: of an account, of products, of those who sell for it, of people.

use crate::context::Context;
use crate::http::Answer;
use crate::live::LiveDay;
use crate::step::Turn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Reading figures. Figures of live rooms are [`crate::Live`]'s.
pub trait Analytics: Send + Sync {
    /// A day of the account.
    fn overview(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<DayFigures>;
    /// Goes on with [`Analytics::overview`].
    fn resume_overview(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<DayFigures>;

    /// The products of a day; at most [`ProductFigures::MOST`].
    fn products(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<ProductsOfDay>;
    /// Goes on with [`Analytics::products`].
    fn resume_products(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ProductsOfDay>;

    /// One product; `None` where the platform has no figures of it for that day.
    fn product(&self, cx: &Context<'_>, asked: &ProductOfDay) -> Turn<Option<ProductFigures>>;
    /// Goes on with [`Analytics::product`].
    fn resume_product(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Option<ProductFigures>>;

    /// What kind of people a group was.
    fn people(&self, cx: &Context<'_>, asked: &PeopleOfDay) -> Turn<PeopleFigures>;
    /// Goes on with [`Analytics::people`].
    fn resume_people(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<PeopleFigures>;
}

/// Figures by name. One that the platform should have told and did not is `None`, never 0.
pub type Figures = BTreeMap<FigureName, Option<i64>>;

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$of:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$of])* $name,)* }
        impl $type {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// Stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

names! {
    /// What a figure says. Amounts of money are whole fen, the others count.
    FigureName {
        /// What was paid.
        Paid = "paid",
        /// What was paid for orders out of live rooms.
        PaidLive = "paid_live",
        /// … out of videos.
        PaidVideos = "paid_videos",
        /// … out of the account's window.
        PaidWindow = "paid_window",
        /// … out of shared products.
        PaidShares = "paid_shares",
        /// … out of anything else.
        PaidElsewhere = "paid_elsewhere",
        /// What was paid, without what was given back.
        Net = "net",
        /// What one buyer paid on average.
        PerBuyer = "per_buyer",
        /// What was given back of orders that were paid.
        DealRefunded = "deal_refunded",
        /// What was given back.
        Refunded = "refunded",
        /// What was ordered, paid or not.
        Ordered = "ordered",
        /// What the seller got.
        Settled = "settled",
        /// What the platform took for its service.
        ServiceFee = "service_fee",
        /// What those who sell for the account got.
        PromoterCommission = "promoter_commission",
        /// What agencies got.
        AgencyCommission = "agency_commission",
        /// What the account itself got for selling.
        Commission = "commission",
        /// What the seller will get.
        SettledExpected = "settled_expected",
        /// What the platform will take for its service.
        ServiceFeeExpected = "service_fee_expected",
        /// What those who sell for the account will get.
        PromoterCommissionExpected = "promoter_commission_expected",
        /// What agencies will get.
        AgencyCommissionExpected = "agency_commission_expected",
        /// What the account itself will get for selling.
        CommissionExpected = "commission_expected",
        /// Orders that were paid.
        PaidOrders = "paid_orders",
        /// People who paid.
        Buyers = "buyers",
        /// Pieces that were paid.
        PaidItems = "paid_items",
        /// People who clicked on products.
        Clickers = "clickers",
        /// Clicks on products.
        Clicks = "clicks",
        /// Orders that were made.
        Orders = "orders",
        /// People who made orders.
        Orderers = "orderers",
        /// Pieces that were ordered.
        OrderedItems = "ordered_items",
        /// Paid orders that were given back.
        DealRefundOrders = "deal_refund_orders",
        /// People whose paid orders were given back.
        DealRefundBuyers = "deal_refund_buyers",
        /// Pieces of paid orders that were given back.
        DealRefundItems = "deal_refund_items",
        /// Orders given back.
        RefundOrders = "refund_orders",
        /// People who got money back.
        RefundBuyers = "refund_buyers",
        /// Pieces given back.
        RefundItems = "refund_items",
        /// Accounts that sold something.
        SellingPromoters = "selling_promoters",
        /// Products that were sold.
        SoldProducts = "sold_products",
    }
}

impl FigureName {
    /// Whether it is an amount of money.
    pub const fn is_money(self) -> bool {
        (self as u8) < (Self::PaidOrders as u8)
    }
}

names! {
    /// A group of people.
    PeopleGroup {
        /// Who saw a product.
        Saw = "saw",
        /// Who clicked on one.
        Clicked = "clicked",
        /// Who bought.
        Bought = "bought",
        /// Who bought for the first time.
        BoughtFirst = "bought_first",
        /// Who bought again.
        BoughtAgain = "bought_again",
        /// Who watched a live room.
        Watched = "watched",
    }
}

/// A day of an account.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DayFigures {
    /// Of the account; `None` where the platform has none for that day.
    pub figures: Option<Figures>,
    /// Of accounts that sell for it; `None` where the channel has no such thing.
    #[serde(default)]
    pub promoters: Option<PromoterFigures>,
}

/// Accounts that sell for another one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PromoterFigures {
    /// Of all of them; `None` where the platform has none for that day.
    pub figures: Option<Figures>,
    /// The account's own one, by its public id.
    pub main: Option<String>,
    /// Those that are authorised, by their public ids; at most [`PromoterFigures::MOST`].
    pub authorised: Vec<String>,
    /// Those with figures of that day; at most [`PromoterFigures::MOST`].
    pub rows: Vec<PromoterRow>,
    /// Whether there are more than these.
    pub more: bool,
}

impl PromoterFigures {
    /// Accounts that are told.
    pub const MOST: usize = 200;
}

/// An account that sold for another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PromoterRow {
    /// Its public id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it sold.
    pub figures: Figures,
}

/// The products of a day.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProductsOfDay {
    /// The products; `None` where the platform told none at all.
    pub items: Option<Vec<ProductFigures>>,
    /// Whether there are more than these.
    pub more: bool,
}

/// A product of a day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProductFigures {
    /// The platform's id.
    pub product_id: String,
    /// Its title there.
    pub title: String,
    /// Its figures.
    pub figures: Figures,
}

impl ProductFigures {
    /// Products of a day that are told.
    pub const MOST: usize = 1_000;
}

/// A question about a product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProductOfDay {
    /// The day.
    pub day: LiveDay,
    /// The platform's id.
    pub product_id: String,
}

/// A question about people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeopleOfDay {
    /// The day.
    pub day: LiveDay,
    /// Which people.
    pub group: PeopleGroup,
}

/// What kind of people a group was.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PeopleFigures {
    /// Groups the channel can be asked about.
    pub groups: Vec<PeopleGroup>,
    /// How they differ; at most [`PeopleTrait::MOST`]. `None` where the platform has nothing for that day.
    pub traits: Option<Vec<PeopleTrait>>,
}

/// How people differ: by age, by place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeopleTrait {
    /// What it is, in the platform's words.
    pub name: String,
    /// The kinds and how many there are; at most [`PeopleTrait::MOST`].
    pub kinds: Vec<PeopleKind>,
}

impl PeopleTrait {
    /// Kinds of a trait, and traits, that are told.
    pub const MOST: usize = 50;
}

/// A kind of people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeopleKind {
    /// In the platform's words.
    pub name: String,
    /// How many, as the platform writes it: no document says that it is a whole number.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test stops by panicking")]
    fn names_are_those_of_the_json_and_money_comes_first() {
        for name in FigureName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
        for group in PeopleGroup::ALL {
            assert_eq!(serde_json::to_value(group).unwrap(), group.as_str());
        }
        let money = FigureName::ALL.iter().filter(|name| name.is_money()).count();
        assert_eq!(money, 21);
        assert!(FigureName::CommissionExpected.is_money() && !FigureName::PaidOrders.is_money());
        let told: Figures = [(FigureName::Paid, Some(1)), (FigureName::Buyers, None)].into();
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(text, r#"{"paid":1,"buyers":null}"#);
        assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), told);
    }
}
