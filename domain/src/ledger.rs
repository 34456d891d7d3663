//! Double entry: the chart of accounts, balanced journals, rounding, and every flow of money as a pure
//! function that answers with a journal.
//!
//! A book is (provider, currency); a journal stays inside one merchant. There is **no rounding account**:
//! if one were ever needed, a rule of [`rounding`] was broken. Source: billing and ledger specification §3.

pub mod chart;
pub mod clawback;
pub mod findings;
pub mod flows;
pub mod journal;
pub mod names;
pub mod rounding;
pub mod worked_example;

pub use chart::{AccountCode, Floor, Side};
pub use journal::{AccountRef, Journal, JournalBuilder, JournalError, Leg};

#[cfg(test)]
mod books;
#[cfg(test)]
mod properties;
