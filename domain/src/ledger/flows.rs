//! The flows F1–F5 of the specification §3.1: facts in, a balanced journal out.
//!
//! The code of a journal and its business reference are unique together for ever, so booking the same fact
//! twice is refused by the store, whatever called it.

use super::chart::AccountCode as A;
use super::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use super::rounding::{earned_by, slice, tax_inside};
use crate::money::Fen;
use crate::time::Timestamp;

/// Where money arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivedAt {
    /// A bank account of the provider.
    Bank(String),
    /// A payment provider, before it pays out.
    Psp(String),
}

impl ReceivedAt {
    fn account(&self) -> AccountRef {
        match self {
            Self::Bank(account) => AccountRef::owned(A::Bank, account.as_str()),
            Self::Psp(account) => AccountRef::owned(A::PspClearing, account.as_str()),
        }
    }
}

/// F1 a: an invoice of a subscription is issued; tax lies inside the price.
pub fn invoice_issued(
    invoice: &str,
    subscription: &str,
    gross: Fen,
    tax: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.issued", invoice, at)
        .debit(AccountRef::of(A::Receivable), gross)
        .credit(AccountRef::owned(A::UnearnedRevenue, subscription), gross.sub(tax)?)
        .credit(AccountRef::of(A::TaxPayable), tax)
        .build()
}

/// F1 b: an invoice is paid in full.
pub fn invoice_paid(
    invoice: &str,
    gross: Fen,
    into: &ReceivedAt,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.paid", invoice, at)
        .debit(into.account(), gross)
        .credit(AccountRef::of(A::Receivable), gross)
        .build()
}

/// F1 c: the payment provider pays out, keeping its fee.
pub fn psp_settled(
    reference: &str,
    psp: &str,
    bank: &str,
    gross: Fen,
    fee: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("psp.settled", reference, at)
        .debit(AccountRef::owned(A::Bank, bank), gross.sub(fee)?)
        .debit(AccountRef::owned(A::PspFee, psp), fee)
        .credit(AccountRef::owned(A::PspClearing, psp), gross)
        .build()
}

/// F1 d: slice `k` of `n` of an invoice's net is earned (R4).
pub fn subscription_earned(
    invoice: &str,
    subscription: &str,
    net: Fen,
    k: i64,
    n: i64,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let earned = slice(net, k, n)?;
    JournalBuilder::new("subscription.earned", format!("{invoice}/{k}"), at)
        .debit(AccountRef::owned(A::UnearnedRevenue, subscription), earned)
        .credit(AccountRef::of(A::SubscriptionIncome), earned)
        .build()
}

/// F1 d for a monthly invoice: the days from `from` to `to` of its `days` days are earned (R4). None when
/// the days are worth nothing.
pub fn subscription_days_earned(
    invoice: &str,
    subscription: &str,
    net: Fen,
    (from, to, days): (i64, i64, i64),
    at: Timestamp,
) -> Result<Option<Journal>, JournalError> {
    let earned = earned_by(net, to, days)?.sub(earned_by(net, from, days)?)?;
    if earned == Fen::ZERO {
        return Ok(None);
    }
    JournalBuilder::new("subscription.earned", format!("{invoice}/{to}"), at)
        .debit(AccountRef::owned(A::UnearnedRevenue, subscription), earned)
        .credit(AccountRef::of(A::SubscriptionIncome), earned)
        .build()
        .map(Some)
}

/// F1 e: a credit note gives back what is not earned yet, into the wallet.
pub fn invoice_credited(
    note: &str,
    subscription: &str,
    net: Fen,
    tax: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.credited", note, at)
        .debit(AccountRef::owned(A::UnearnedRevenue, subscription), net)
        .debit(AccountRef::of(A::TaxPayable), tax)
        .credit(AccountRef::of(A::MerchantWallet), net.add(tax)?)
        .build()
}

/// F2: an invoice for metered use is issued; it is earned at once.
pub fn usage_invoice_issued(
    invoice: &str,
    gross: Fen,
    tax: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.issued", invoice, at)
        .debit(AccountRef::of(A::Receivable), gross)
        .credit(AccountRef::of(A::UsageIncome), gross.sub(tax)?)
        .credit(AccountRef::of(A::TaxPayable), tax)
        .build()
}

/// F2: an invoice is paid from the prepaid wallet.
pub fn invoice_paid_from_wallet(invoice: &str, gross: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.paid", invoice, at)
        .debit(AccountRef::of(A::MerchantWallet), gross)
        .credit(AccountRef::of(A::Receivable), gross)
        .build()
}

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
