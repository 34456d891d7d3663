//! What a plan costs and allows.

use super::{BillingError, Charge, Interval};
use crate::money::Fen;

/// What a plan costs and allows. A version never changes; a new price is a new version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanTerms {
    /// Fee of a period, tax inside.
    pub fee: Fen,
    /// How often the fee is charged.
    pub interval: Interval,
    /// Tax rate inside prices, ppm.
    pub tax_ppm: i64,
    /// The provider's share of what orders keep after the after-sale window, ppm.
    pub take_rate_ppm: i64,
    /// Named limits, such as `shops` or `linked_accounts`.
    pub limits: Vec<(String, i64)>,
    /// What use costs, each metric once; billed with the period after the one it was used in.
    pub charges: Vec<Charge>,
}

/// The largest take rate: 30 % (ours; payment providers cap what may be split off an order).
pub const MAX_TAKE_RATE_PPM: i64 = 300_000;
/// The largest tax rate: 50 %.
pub const MAX_TAX_PPM: i64 = 500_000;

impl PlanTerms {
    /// Checks the ranges.
    pub fn check(&self) -> Result<(), BillingError> {
        if self.fee < Fen::ZERO || self.fee.get() > crate::money::MAX_FEN {
            return Err(BillingError::Fee);
        }
        self.charges.iter().try_for_each(|charge| charge.pricing.check().map_err(|(_, error)| error))?;
        let rates = (0..=MAX_TAKE_RATE_PPM).contains(&self.take_rate_ppm)
            && (0..=MAX_TAX_PPM).contains(&self.tax_ppm);
        if rates { Ok(()) } else { Err(BillingError::Rate) }
    }
    /// A named limit; none where the plan says nothing.
    pub fn limit(&self, name: &str) -> Option<i64> {
        self.limits.iter().find(|(own, _)| own == name).map(|(_, number)| *number)
    }
}

/// What a plan can limit the number of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limited {
    /// Shops that are not closed.
    Shops,
    /// People who can log in.
    Staff,
    /// Linked channel accounts of all kinds, besides the platforms' own quotas.
    LinkedAccounts,
    /// Products that are not deleted.
    Products,
}

impl Limited {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Shops, Self::Staff, Self::LinkedAccounts, Self::Products];
    /// Its name among a plan's limits.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shops => "shops",
            Self::Staff => "staff",
            Self::LinkedAccounts => "linked_accounts",
            Self::Products => "products",
        }
    }
}
