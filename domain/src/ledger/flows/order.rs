//! F3: an order is paid, refunded inside its after-sale window, charged and released; and what payment provider and
//! platform keep of it. Its commission is in [`super::commission`], a refund after the window in
//! [`crate::ledger::clawback`].

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

/// Who bears the payment provider's fee of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeBearer {
    /// The provider: a cost of its own.
    Provider,
    /// The merchant: less of the order is pending.
    Merchant,
}

/// The payment provider kept its fee of an order's money (chart 5010).
pub fn psp_fee_on_order(
    order: &str,
    holder: &str,
    bearer: FeeBearer,
    fee: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let borne = match bearer {
        FeeBearer::Provider => AccountRef::owned(A::PspFee, holder),
        FeeBearer::Merchant => AccountRef::of(A::MerchantPending),
    };
    JournalBuilder::new("order.psp_fee", order, at)
        .debit(borne, fee)
        .credit(AccountRef::owned(A::PspEscrow, holder), fee)
        .build()
}

/// Whether an order's money is still inside its after-sale window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderMoney {
    /// It is.
    Pending,
    /// It was released.
    Available,
}

/// A platform kept a fee or a commission of its own from the money it holds for the merchant. Without this the
/// mirror (1030) would not be the platform's balance (R12). `charge` is the platform's number of the charge.
pub fn platform_fee(
    charge: &str,
    holder: &str,
    from: OrderMoney,
    fee: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let from = match from {
        OrderMoney::Pending => A::MerchantPending,
        OrderMoney::Available => A::MerchantAvailable,
    };
    JournalBuilder::new("order.platform_fee", charge, at)
        .debit(AccountRef::of(from), fee)
        .credit(AccountRef::owned(A::PspEscrow, holder), fee)
        .build()
}

/// F4: the buyers' money is short by what was paid out of it, and the provider tops it up from its bank account
/// before a refund: a step of its own that people see, not a negative balance.
pub fn escrow_topped_up(
    transfer: &str,
    holder: &str,
    bank: &str,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("escrow.topped_up", transfer, at)
        .debit(AccountRef::owned(A::PspEscrow, holder), amount)
        .credit(AccountRef::owned(A::Bank, bank), amount)
        .build()
}
