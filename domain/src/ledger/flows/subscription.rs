//! F1: a subscription is invoiced, paid, earned and credited.

use super::ReceivedAt;
use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::ledger::rounding::{earned_by, slice};
use crate::money::Fen;
use crate::time::Timestamp;

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
