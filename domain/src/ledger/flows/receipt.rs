//! Chart 2900: money arrived that cannot be placed yet. What is never placed goes back by a payout
//! ([`PaidOutOf::Unmatched`](super::PaidOutOf::Unmatched)).

use super::ReceivedAt;
use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// What a receipt was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacedOn {
    /// An invoice.
    Invoice,
    /// The prepaid wallet.
    Wallet,
    /// A deposit, by scheme.
    Deposit(String),
}

/// Money of a known merchant arrived and fits nothing.
pub fn receipt_unmatched(
    receipt: &str,
    into: &ReceivedAt,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("receipt.unmatched", receipt, at)
        .debit(into.account(), amount)
        .credit(AccountRef::of(A::UnmatchedReceipts), amount)
        .build()
}

/// Somebody found what it was for. `placement` names the receipt and the part of it.
pub fn receipt_placed(
    placement: &str,
    on: &PlacedOn,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let on = match on {
        PlacedOn::Invoice => AccountRef::of(A::Receivable),
        PlacedOn::Wallet => AccountRef::of(A::MerchantWallet),
        PlacedOn::Deposit(scheme) => AccountRef::owned(A::DepositAvailable, scheme.as_str()),
    };
    JournalBuilder::new("receipt.placed", placement, at)
        .debit(AccountRef::of(A::UnmatchedReceipts), amount)
        .credit(on, amount)
        .build()
}
