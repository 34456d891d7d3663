//! F3 g, h: money leaves to a party.

use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// F3 g, h first half: a payout was asked for, from a commission or from the merchant's available money.
pub fn payout_requested(
    payout: &str,
    from: AccountRef,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.requested", payout, at)
        .debit(from, amount)
        .credit(AccountRef::owned(A::PayoutInTransit, payout), amount)
        .build()
}

/// F3 g, h second half: the payout arrived, paid by `by` (bank or escrow).
pub fn payout_done(
    payout: &str,
    by: AccountRef,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.done", payout, at)
        .debit(AccountRef::owned(A::PayoutInTransit, payout), amount)
        .credit(by, amount)
        .build()
}

/// F3 g': the payout failed; the money goes back where it came from.
pub fn payout_failed(
    payout: &str,
    back_to: AccountRef,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.failed", payout, at)
        .debit(AccountRef::owned(A::PayoutInTransit, payout), amount)
        .credit(back_to, amount)
        .build()
}
