//! The books of one merchant. Journals and entries are only ever added; balances are kept on the accounts.
//!
//! Invariants: a journal's legs sum to zero (`domain::ledger::Journal` cannot be built otherwise); a journal's
//! (code, business reference) is unique for ever, so a fact is booked once however often it is reported; an
//! account with a floor never falls below zero (a CHECK of the database holds it too); accounts are locked
//! in the order of their codes, so that two journals cannot wait for each other.
//!
//! `post` books, `accounts` has the balances, `read` what was booked.

mod accounts;
mod post;
mod read;

pub use accounts::{AccountRow, account_balance, account_get, account_list, book_totals};
pub use post::{PostError, Posted, journal_find, journal_post};
pub use read::{EntryRow, JournalRow, entry_list, journal_get, journal_list, journal_list_of};
