//! F5: the deposit 保证金 of a shop.

use super::ReceivedAt;
use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// F5 a: a deposit is topped up.
pub fn deposit_topped_up(
    receipt: &str,
    scheme: &str,
    amount: Fen,
    into: &ReceivedAt,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.topped_up", receipt, at)
        .debit(into.account(), amount)
        .credit(AccountRef::owned(A::DepositAvailable, scheme), amount)
        .build()
}

/// F5 b: part of a deposit is frozen for a case, in the case's own account.
pub fn deposit_frozen(case: &str, scheme: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.frozen", case, at)
        .debit(AccountRef::owned(A::DepositAvailable, scheme), amount)
        .credit(AccountRef::owned(A::DepositFrozen, case), amount)
        .build()
}

/// F5 c: a buyer is compensated from a case.
pub fn deposit_compensated(
    deduction: &str,
    case: &str,
    refund: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.compensated", deduction, at)
        .debit(AccountRef::owned(A::DepositFrozen, case), amount)
        .credit(AccountRef::owned(A::BuyerRefundInTransit, refund), amount)
        .build()
}

/// F5 d: a penalty is taken from a case.
pub fn deposit_penalty(
    deduction: &str,
    case: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.penalty", deduction, at)
        .debit(AccountRef::owned(A::DepositFrozen, case), amount)
        .credit(AccountRef::of(A::PenaltyIncome), amount)
        .build()
}

/// F5 e: the rest of a case is released.
pub fn deposit_released(
    case: &str,
    scheme: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.released", case, at)
        .debit(AccountRef::owned(A::DepositFrozen, case), amount)
        .credit(AccountRef::owned(A::DepositAvailable, scheme), amount)
        .build()
}

/// F5 h: the shop closes; its deposit starts to wait for its refund.
pub fn deposit_closing(
    shop: &str,
    scheme: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.closing", shop, at)
        .debit(AccountRef::owned(A::DepositAvailable, scheme), amount)
        .credit(AccountRef::of(A::DepositRefunding), amount)
        .build()
}
