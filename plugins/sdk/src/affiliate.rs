//! The alliance of a shop: promoters who sell its products for a commission, and the plans they sell by. Everything is read
//! at the platform each time; what can be changed is whom the shop works with, and what plans say.

use crate::affiliate_plans::{AllianceAdded, AllianceAddition, PlanChange};
use crate::context::Context;
use crate::dispute::dispute_words;
use crate::http::Answer;
use crate::orders::Page;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The field of an [`crate::ErrorClass::FixRequest`] of a shop that did not join the alliance; its code is
/// [`AFFILIATE_NOT_OPENED`].
pub const AFFILIATE_FIELD: &str = "affiliate";
/// The code of a refusal because the shop did not join the alliance.
pub const AFFILIATE_NOT_OPENED: &str = "not_opened";

/// Reading the alliance, shutting promoters out, and changing plans.
pub trait Affiliate: Send + Sync {
    /// A page of the shop's promoters.
    fn promoters(&self, cx: &Context<'_>, query: &AllianceQuery) -> Turn<Page<PromoterName>>;
    /// Goes on with [`Affiliate::promoters`].
    fn resume_promoters(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<PromoterName>>;

    /// One promoter; none where there is no such one.
    fn promoter(&self, cx: &Context<'_>, promoter_id: &str) -> Turn<Option<Promoter>>;
    /// Goes on with [`Affiliate::promoter`].
    fn resume_promoter(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Promoter>>;

    /// A page of the products that a promoter sells.
    fn promoted(&self, cx: &Context<'_>, query: &PromotedQuery) -> Turn<Page<PromotedProduct>>;
    /// Goes on with [`Affiliate::promoted`].
    fn resume_promoted(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<PromotedProduct>>;

    /// A page of the shop's products in the alliance.
    fn products(&self, cx: &Context<'_>, query: &AllianceQuery) -> Turn<Page<AllianceProduct>>;
    /// Goes on with [`Affiliate::products`].
    fn resume_products(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<AllianceProduct>>;

    /// A page of a product's plans.
    fn plans(&self, cx: &Context<'_>, query: &PlansQuery) -> Turn<Page<PromotionPlan>>;
    /// Goes on with [`Affiliate::plans`].
    fn resume_plans(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<PromotionPlan>>;

    /// What a plan says; none where the platform does not tell it.
    fn terms(&self, cx: &Context<'_>, plan: &PlanRef) -> Turn<Option<PlanTerms>>;
    /// Goes on with [`Affiliate::terms`].
    fn resume_terms(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<PlanTerms>>;

    /// A page of those who sell a product by a plan.
    fn plan_promoters(&self, cx: &Context<'_>, query: &PlanPromotersQuery) -> Turn<Page<PlanPromoter>>;
    /// Goes on with [`Affiliate::plan_promoters`].
    fn resume_plan_promoters(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<PlanPromoter>>;

    /// Shuts a promoter out, or lets one back. Called once for a wish of a person.
    fn block(&self, cx: &Context<'_>, wish: &PromoterBlock) -> Turn<()>;
    /// Goes on with [`Affiliate::block`].
    fn resume_block(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Changes a plan. Called once for a wish of a person.
    fn change_plan(&self, cx: &Context<'_>, change: &PlanChange) -> Turn<()>;
    /// Goes on with [`Affiliate::change_plan`].
    fn resume_change_plan(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Puts a product into the alliance, for every promoter. Called once for a wish of a person.
    fn add_product(&self, cx: &Context<'_>, addition: &AllianceAddition) -> Turn<AllianceAdded>;
    /// Goes on with [`Affiliate::add_product`].
    fn resume_add_product(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<AllianceAdded>;
}

/// A page of the whole alliance.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AllianceQuery {
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A promoter of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PromoterName {
    /// The platform's id.
    pub id: String,
    /// The name, where it is told.
    pub name: Option<String>,
}

/// A promoter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Promoter {
    /// The platform's id.
    pub id: String,
    /// The name, where it is told.
    pub name: Option<String>,
    /// The level at the platform.
    pub level: Option<i64>,
    /// Whether the shop shut it out.
    pub blocked: Option<bool>,
    /// What it sold, as the platform counts it.
    pub sales: PromoterSales,
}

/// What a promoter sold. What the platform did not tell is `None`, never 0.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PromoterSales {
    /// For how much, ever.
    #[serde(with = "wire::fen_opt", default)]
    pub total: Option<Fen>,
    /// For how much in thirty days.
    #[serde(with = "wire::fen_opt", default)]
    pub recent: Option<Fen>,
    /// Orders, ever.
    #[serde(default)]
    pub orders: Option<i64>,
    /// Orders in thirty days.
    #[serde(default)]
    pub recent_orders: Option<i64>,
    /// Products that were sold in thirty days.
    #[serde(default)]
    pub recent_products: Option<i64>,
    /// Products in the promoter's window.
    #[serde(default)]
    pub window_products: Option<i64>,
}

/// Products of a promoter.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PromotedQuery {
    /// The promoter's id at the platform.
    pub promoter_id: String,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A product that a promoter sells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PromotedProduct {
    /// The platform's id.
    pub product_id: String,
    /// What was sold of it.
    pub sales: PromoterSales,
    /// What the promoter gets.
    pub commission: Option<CommissionShare>,
    /// How the commission is split, as the platform writes it.
    pub native_split: Option<String>,
}

/// A part of a price, as the platform counts it: so many parts of a hundred, or of a hundred thousand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommissionShare {
    /// How many.
    pub parts: i64,
    /// Of how many; a power of ten.
    pub of: i64,
}

impl CommissionShare {
    /// The percentage in digits, as `12.5`. None where it is not one: no price has more than a hundred hundredths.
    ///
    /// ```
    /// use qianpu_sdk::CommissionShare;
    /// let percent = |parts, of| CommissionShare { parts, of }.percent();
    /// assert_eq!(percent(10, 100).as_deref(), Some("10"));
    /// assert_eq!(percent(12_050, 100_000).as_deref(), Some("12.05"));
    /// assert_eq!(percent(5, 1_000).as_deref(), Some("0.5"));
    /// assert_eq!((percent(101, 100), percent(-1, 100), percent(1, 3), percent(1, 0)), (None, None, None, None));
    /// ```
    pub fn percent(self) -> Option<String> {
        let digits =
            self.of.checked_ilog10().filter(|digits| 10_i64.checked_pow(*digits) == Some(self.of))?;
        if !(0..=self.of).contains(&self.parts) {
            return None;
        }
        let Some(after) = digits.checked_sub(2).filter(|after| *after > 0) else {
            return Some((self.parts.checked_mul(100)? / self.of).to_string());
        };
        let unit = 10_i64.checked_pow(after)?;
        let (whole, rest) = (self.parts / unit, self.parts % unit);
        let rest = format!("{rest:0width$}", width = usize::try_from(after).ok()?);
        let rest = rest.trim_end_matches('0');
        Some(if rest.is_empty() { whole.to_string() } else { format!("{whole}.{rest}") })
    }
}

/// A product in the alliance. No more is told of it there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AllianceProduct {
    /// The platform's id.
    pub product_id: String,
}

/// Plans of a product.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PlansQuery {
    /// The product's id at the platform.
    pub product_id: String,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

dispute_words! {
    /// Who may sell by a plan.
    PlanKind {
        /// Every promoter.
        Everyone = "everyone",
        /// A group of promoters.
        Chosen = "chosen",
        /// Promoters that are named one by one.
        Named = "named",
    }
}

/// A plan that a product is sold by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PromotionPlan {
    /// The platform's id.
    pub id: String,
    /// Who may sell by it.
    pub kind: PlanKind,
}

/// A plan to be read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanRef {
    /// The product's id at the platform.
    pub product_id: String,
    /// The plan's id at the platform.
    pub plan_id: String,
    /// Who may sell by it, as [`Affiliate::plans`] told.
    pub kind: PlanKind,
}

dispute_words! {
    /// How a product is offered.
    PlanWay {
        /// To everybody.
        Ordinary = "ordinary",
        /// To some, beside the ordinary way.
        Directed = "directed",
        /// To some, and to nobody else.
        Exclusive = "exclusive",
    }
}

dispute_words! {
    /// Where a plan stands.
    PlanState {
        /// Products are sold by it.
        On = "on",
        /// It was taken down.
        Off = "off",
        /// It was deleted.
        Deleted = "deleted",
        /// The product does not meet what the alliance asks for.
        Unfit = "unfit",
        /// It has not begun.
        Pending = "pending",
    }
}

/// What a plan says. What the platform did not tell is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanTerms {
    /// How the product is offered.
    pub way: PlanWay,
    /// Where it stands.
    pub state: PlanState,
    /// What promoters get.
    pub commission: Option<CommissionShare>,
    /// When it begins.
    #[serde(with = "wire::time_opt", default)]
    pub begins_at: Option<Timestamp>,
    /// When it ends.
    #[serde(with = "wire::time_opt", default)]
    pub ends_at: Option<Timestamp>,
    /// Whether it never ends.
    #[serde(default)]
    pub for_ever: Option<bool>,
    /// Whether the product's category may not be sold.
    #[serde(default)]
    pub category_barred: Option<bool>,
    /// Whether the platform barred it.
    #[serde(default)]
    pub barred: Option<bool>,
}

/// Those who sell by a plan.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PlanPromotersQuery {
    /// The product's id at the platform.
    pub product_id: String,
    /// The plan's id at the platform.
    pub plan_id: String,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A promoter that sells by a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanPromoter {
    /// The platform's id.
    pub id: String,
    /// The name, where it is told.
    pub name: Option<String>,
    /// What the promoter gets.
    pub commission: Option<CommissionShare>,
    /// Where it stands with this plan, as the platform writes it.
    pub native_state: Option<String>,
}

/// What becomes of a promoter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PromoterBlock {
    /// The platform's id.
    pub promoter_id: String,
    /// Shut out, or let back.
    pub blocked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_only_where_it_can_be_one() {
        let percent = |parts, of| CommissionShare { parts, of }.percent();
        for (parts, of, digits) in [
            (0, 100, "0"),
            (90, 100, "90"),
            (100, 100, "100"),
            (1_250, 10_000, "12.5"),
            (12_050, 100_000, "12.05"),
            (1, 100_000, "0.001"),
            (100_000, 100_000, "100"),
            (1, 10, "10"),
        ] {
            assert_eq!(percent(parts, of).as_deref(), Some(digits), "{parts} of {of}");
        }
        for (parts, of) in [(101, 100), (-1, 100), (1, 3), (1, 0), (1, -100), (i64::MAX, i64::MAX)] {
            assert_eq!(percent(parts, of), None, "{parts} of {of}");
        }
    }
}
