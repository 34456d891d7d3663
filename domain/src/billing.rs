//! Plans, periods and invoices.
//!
//! A subscription pins an immutable plan version. Periods are half-open `[start, end)` dates in the
//! merchant's zone, always computed from the anchor and never from the period before, so that day 31
//! clamps to the month's end and returns (specification §1.1).

mod charge;
mod invoice;
mod period;
mod plan_change;
mod proration;
mod terms;

pub use charge::{
    Charge, MOST_CHARGES, MOST_TIERS, MOST_UNITS, ORDERS, Priced, Pricing, Step, Tier, is_metric,
};
pub use invoice::{InvoiceState, LineAmounts, flat_fee, invoice_number};
pub use period::{
    EarningSlice, Interval, Period, Schedule, date_in, date_text, day_begins_at, earning_slices, month_of,
    parse_date, parse_month, start_of_day,
};
pub use plan_change::{ChangeRules, ChangeTiming, Direction, MOST_RANK, credit_note_number, unearned};
pub use proration::{Cut, cut, fee_for};
pub use terms::{Limited, MAX_TAKE_RATE_PPM, MAX_TAX_PPM, PlanTerms};

use crate::error::ErrorCode;
use crate::money::MoneyOverflow;

/// Why billing refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BillingError {
    /// The fee is negative or too large.
    #[error("the fee must be between 0 and 10^14 fen")]
    Fee,
    /// A rate is outside its range.
    #[error("a rate is outside its range")]
    Rate,
    /// A count of units is outside its range.
    #[error("a quantity must be between 0 and 10^12")]
    Units,
    /// Tiers do not follow each other.
    #[error("tiers must follow each other, at most 20, and the last one has no end")]
    Tiers,
    /// The time zone is unknown.
    #[error("the time zone is unknown")]
    Zone,
    /// A date left the calendar.
    #[error("the date is outside the calendar")]
    Date,
    /// The invoice is not in a state that allows it.
    #[error("the invoice is {0}")]
    State(&'static str),
    /// The amount differs from what is due.
    #[error("the amount differs from what is due")]
    Amount,
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] MoneyOverflow),
}

impl BillingError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::State(_) => ErrorCode::Conflict,
            _ => ErrorCode::InvalidField,
        }
    }
}
