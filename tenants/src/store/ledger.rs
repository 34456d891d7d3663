//! The books of one merchant. Journals and entries are only ever added; balances are kept on the accounts.
//!
//! Invariants: a journal's legs sum to zero (`domain::ledger::Journal` cannot be built otherwise, and the keys of
//! `ledger_entries` let nothing else be committed); a journal's (code, business reference) is unique for ever, so a
//! fact is booked once however often it is reported, and one that is told differently is refused; an account with a
//! floor never falls below zero (a CHECK of the database holds it too); accounts with a floor are locked in the order
//! of their codes, so that two journals cannot wait for each other, and those without one are never locked.
//!
//! `post` books, `reverse` takes back, `accounts` has the balances, `pending` what waits for those without a floor, `read`
//! what was booked, and `chain` shows whether somebody changed it.

mod accounts;
pub mod chain;
mod pending;
mod post;
mod read;
mod reverse;

pub use accounts::{
    AccountRow, MerchantBalance, account_balance, account_get, account_list, book_totals,
    book_totals_by_merchant,
};
pub use pending::{roll_up, tenants_to_roll_up};
pub use post::{PostError, Posted, journal_post};
pub use read::{EntryRow, JournalRow, entry_list, entry_list_in, journal_get, journal_list, journal_list_of};
pub use reverse::{journal_find, journal_reverse};
