//! F3 g, h and F5 g, j: money leaves. It is in transit from the moment it is asked for until somebody says for
//! certain what became of it.

use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// What is paid out. Only what belongs to somebody else can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaidOutOf {
    /// F3 h: the merchant withdraws.
    Available,
    /// What is left of a prepaid wallet is given back.
    Wallet,
    /// F5 g: what a deposit has above its due amount; by scheme.
    Deposit(String),
    /// F5 j: a deposit whose waiting period is over.
    WaitingDeposit,
    /// F3 g: a party's commission.
    Commission(String),
    /// A receipt that nobody could place goes back to its sender.
    Unmatched,
}

impl PaidOutOf {
    fn account(&self) -> AccountRef {
        match self {
            Self::Available => AccountRef::of(A::MerchantAvailable),
            Self::Wallet => AccountRef::of(A::MerchantWallet),
            Self::Deposit(scheme) => AccountRef::owned(A::DepositAvailable, scheme.as_str()),
            Self::WaitingDeposit => AccountRef::of(A::DepositRefunding),
            Self::Commission(party) => AccountRef::owned(A::CommissionPayable, party.as_str()),
            Self::Unmatched => AccountRef::of(A::UnmatchedReceipts),
        }
    }
}

/// Who pays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaidBy {
    /// A bank account of the provider.
    Bank(String),
    /// Whoever holds the buyers' money.
    Escrow(String),
}

impl PaidBy {
    fn account(&self) -> AccountRef {
        match self {
            Self::Bank(account) => AccountRef::owned(A::Bank, account.as_str()),
            Self::Escrow(holder) => AccountRef::owned(A::PspEscrow, holder.as_str()),
        }
    }
}

/// F3 g, h, first half: a payout was asked for.
pub fn payout_requested(
    payout: &str,
    of: &PaidOutOf,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.requested", payout, at)
        .debit(of.account(), amount)
        .credit(AccountRef::owned(A::PayoutInTransit, payout), amount)
        .build()
}

/// F3 g, h, second half: the payout arrived.
pub fn payout_done(payout: &str, by: &PaidBy, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.done", payout, at)
        .debit(AccountRef::owned(A::PayoutInTransit, payout), amount)
        .credit(by.account(), amount)
        .build()
}

/// F3 g': the payout failed for certain; the money goes back where it came from, and may leave with a new number.
pub fn payout_failed(
    payout: &str,
    of: &PaidOutOf,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.failed", payout, at)
        .debit(AccountRef::owned(A::PayoutInTransit, payout), amount)
        .credit(of.account(), amount)
        .build()
}

/// F3 g' for a payout that was done: the receiver's bank sent it back 提现退票 (§3.2).
pub fn payout_returned(
    payout: &str,
    by: &PaidBy,
    of: &PaidOutOf,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("payout.returned", payout, at)
        .debit(by.account(), amount)
        .credit(of.account(), amount)
        .build()
}
