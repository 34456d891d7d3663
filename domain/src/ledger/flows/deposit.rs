//! F5: the deposit 保证金 of a shop. `scheme` names the scheme and the shop (`basic:shp_…`), `case` the violation case
//! under it.

use super::{Debtor, ReceivedAt};
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

/// F5 a': a deposit is filled from the shop's takings when they settle.
pub fn deposit_swept(
    settlement: &str,
    scheme: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.swept", settlement, at)
        .debit(AccountRef::of(A::MerchantAvailable), amount)
        .credit(AccountRef::owned(A::DepositAvailable, scheme), amount)
        .build()
}

/// F5 b: part of a deposit is frozen for a case, in the case's own account.
pub fn deposit_frozen(case: &str, scheme: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    frozen(case, AccountRef::owned(A::DepositAvailable, scheme), amount, at)
}

/// F5 i: the same while the deposit waits for its refund; the waiting period keeps running.
pub fn deposit_frozen_waiting(case: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    frozen(case, AccountRef::of(A::DepositRefunding), amount, at)
}

fn frozen(case: &str, from: AccountRef, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.frozen", case, at)
        .debit(from, amount)
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
        .credit(Beneficiary::Buyer(refund.to_owned()).account(), amount)
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
        .credit(Beneficiary::Provider.account(), amount)
        .build()
}

/// F5 c where the buyer has the money already: a refund after settlement that the merchant lacked the money for was
/// advanced (F4) and left a claim; the case pays the claim.
pub fn deposit_advance_repaid(
    deduction: &str,
    case: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.advance_repaid", deduction, at)
        .debit(AccountRef::owned(A::DepositFrozen, case), amount)
        .credit(Debtor::Merchant.claim(), amount)
        .build()
}

/// F5 c for somebody else than a buyer, such as a promoter who lost a commission.
pub fn deposit_to_party(
    deduction: &str,
    case: &str,
    party: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.to_party", deduction, at)
        .debit(AccountRef::owned(A::DepositFrozen, case), amount)
        .credit(Beneficiary::Party(party.to_owned()).account(), amount)
        .build()
}

/// Who gets what is deducted from a deposit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beneficiary {
    /// A buyer, by the refund that pays it.
    Buyer(String),
    /// The provider: a penalty.
    Provider,
    /// Another party.
    Party(String),
}

impl Beneficiary {
    fn account(&self) -> AccountRef {
        match self {
            Self::Buyer(refund) => AccountRef::owned(A::BuyerRefundInTransit, refund.as_str()),
            Self::Provider => AccountRef::of(A::PenaltyIncome),
            Self::Party(party) => AccountRef::owned(A::CommissionPayable, party.as_str()),
        }
    }
}

/// F5 f: a deduction is larger than the deposit; the merchant owes the rest, which is netted with the next takings
/// ([`claim_netted`](super::claim_netted)).
pub fn deduction_beyond(
    deduction: &str,
    to: &Beneficiary,
    rest: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.beyond", deduction, at)
        .debit(Debtor::Merchant.claim(), rest)
        .credit(to.account(), rest)
        .build()
}

/// F5 e: the rest of a case is released.
pub fn deposit_released(
    case: &str,
    scheme: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    released(case, AccountRef::owned(A::DepositAvailable, scheme), amount, at)
}

/// F5 i: the rest of a case of a waiting deposit is released; it goes on waiting.
pub fn deposit_released_waiting(case: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    released(case, AccountRef::of(A::DepositRefunding), amount, at)
}

fn released(case: &str, to: AccountRef, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("deposit.released", case, at)
        .debit(AccountRef::owned(A::DepositFrozen, case), amount)
        .credit(to, amount)
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
