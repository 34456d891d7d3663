//! F3: an order is paid, reserved for, refunded, charged and released; its commission settles.

use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::ledger::rounding::tax_inside;
use crate::money::Fen;
use crate::time::Timestamp;

/// F3 a: a buyer paid; the platform (`holder`) holds the money, the merchant has it pending.
pub fn order_paid(order: &str, holder: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("order.paid", order, at)
        .debit(AccountRef::owned(A::PspEscrow, holder), amount)
        .credit(AccountRef::of(A::MerchantPending), amount)
        .build()
}

/// A party's part of a commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommissionPart {
    /// Order line and party, such as `oln_…/promoter`.
    pub owner: String,
    /// Fen.
    pub amount: Fen,
}

/// F3 b: commission is reserved at once.
pub fn commission_accrued(
    line: &str,
    parts: &[CommissionPart],
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let total = Fen::sum(parts.iter().map(|part| part.amount))?;
    let start =
        JournalBuilder::new("commission.accrued", line, at).debit(AccountRef::of(A::MerchantPending), total);
    credit_parts(start, parts).build()
}

fn credit_parts(builder: JournalBuilder, parts: &[CommissionPart]) -> JournalBuilder {
    parts.iter().fold(builder, |builder, part| {
        builder.credit(AccountRef::owned(A::CommissionAccrued, part.owner.as_str()), part.amount)
    })
}

/// F3 c: the part of a commission that a refund takes back.
pub fn commission_reversed(
    refund: &str,
    parts: &[CommissionPart],
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let total = Fen::sum(parts.iter().map(|part| part.amount))?;
    parts
        .iter()
        .fold(JournalBuilder::new("commission.reversed", refund, at), |builder, part| {
            builder.debit(AccountRef::owned(A::CommissionAccrued, part.owner.as_str()), part.amount)
        })
        .credit(AccountRef::of(A::MerchantPending), total)
        .build()
}

/// F3 c2, first half: a refund inside the window was asked for.
pub fn refund_requested(refund: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("refund.requested", refund, at)
        .debit(AccountRef::of(A::MerchantPending), amount)
        .credit(AccountRef::owned(A::BuyerRefundInTransit, refund), amount)
        .build()
}

/// F3 c2, second half: the buyer has the money back.
pub fn refund_done(refund: &str, holder: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("refund.done", refund, at)
        .debit(AccountRef::owned(A::BuyerRefundInTransit, refund), amount)
        .credit(AccountRef::owned(A::PspEscrow, holder), amount)
        .build()
}

/// F3 d: the after-sale window ended; the provider takes its rate of what was kept, tax inside.
pub fn take_rate_charged(
    order: &str,
    kept: Fen,
    take_rate_ppm: i64,
    tax_ppm: i64,
    at: Timestamp,
) -> Result<Option<Journal>, JournalError> {
    let fee = kept.ppm(take_rate_ppm)?;
    if fee == Fen::ZERO {
        return Ok(None);
    }
    let tax = tax_inside(fee, tax_ppm)?;
    JournalBuilder::new("order.take_rate", order, at)
        .debit(AccountRef::of(A::MerchantPending), fee)
        .credit(AccountRef::of(A::TakeRateIncome), fee.sub(tax)?)
        .credit(AccountRef::of(A::TaxPayable), tax)
        .build()
        .map(Some)
}

/// F3 e: what is left of an order becomes available.
pub fn order_released(order: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("order.released", order, at)
        .debit(AccountRef::of(A::MerchantPending), amount)
        .credit(AccountRef::of(A::MerchantAvailable), amount)
        .build()
}

/// F3 f: a party's commission settles.
pub fn commission_settled(
    part: &CommissionPart,
    party: &str,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("commission.settled", part.owner.as_str(), at)
        .debit(AccountRef::owned(A::CommissionAccrued, part.owner.as_str()), part.amount)
        .credit(AccountRef::owned(A::CommissionPayable, party), part.amount)
        .build()
}

/// F3 f for the provider's own part: income, tax inside.
pub fn commission_kept(part: &CommissionPart, tax_ppm: i64, at: Timestamp) -> Result<Journal, JournalError> {
    let tax = tax_inside(part.amount, tax_ppm)?;
    JournalBuilder::new("commission.settled", part.owner.as_str(), at)
        .debit(AccountRef::owned(A::CommissionAccrued, part.owner.as_str()), part.amount)
        .credit(AccountRef::of(A::TakeRateIncome), part.amount.sub(tax)?)
        .credit(AccountRef::of(A::TaxPayable), tax)
        .build()
}
