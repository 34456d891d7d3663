//! F1: a subscription is invoiced, paid, earned, credited and written off.

use super::ReceivedAt;
use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::ledger::rounding::earned_by;
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
    let billed = Billed { unearned: gross.sub(tax)?, used: Fen::ZERO, tax };
    invoice_issued_for(invoice, subscription, billed, at)
}

/// What an invoice bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Billed {
    /// Net of the period that begins: earned by and by.
    pub unearned: Fen,
    /// Net of metered use, which is earned already; negative where what came late made use before it cheaper.
    pub used: Fen,
    /// The tax inside both.
    pub tax: Fen,
}

/// F1 a and F2 in one: the fee of the period that begins, and the metered use of periods before it.
pub fn invoice_issued_for(
    invoice: &str,
    subscription: &str,
    billed: Billed,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let (used, given_back) = (billed.used.max(Fen::ZERO), Fen::ZERO.sub(billed.used.min(Fen::ZERO))?);
    JournalBuilder::new("invoice.issued", invoice, at)
        .debit(AccountRef::of(A::Receivable), Fen::sum([billed.unearned, billed.used, billed.tax])?)
        .debit(AccountRef::of(A::UsageIncome), given_back)
        .credit(AccountRef::owned(A::UnearnedRevenue, subscription), billed.unearned)
        .credit(AccountRef::of(A::UsageIncome), used)
        .credit(AccountRef::of(A::TaxPayable), billed.tax)
        .build()
}

/// F1 b: an invoice is paid, or what wallet and promotional credit left of it. A payment that fails moves nothing.
pub fn invoice_paid(
    invoice: &str,
    amount: Fen,
    into: &ReceivedAt,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.paid", invoice, at)
        .debit(into.account(), amount)
        .credit(AccountRef::of(A::Receivable), amount)
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

/// F1 d: of an invoice's net the parts after `from` up to `to` of its `parts` are earned (R4). The parts are the days
/// of a month's invoice or the months of a year's, and always the same for one invoice: the reference names the last
/// part, and another cut would name the same money twice. None when the parts are worth nothing.
pub fn subscription_days_earned(
    invoice: &str,
    subscription: &str,
    net: Fen,
    (from, to, parts): (i64, i64, i64),
    at: Timestamp,
) -> Result<Option<Journal>, JournalError> {
    let earned = earned_by(net, to, parts)?.sub(earned_by(net, from, parts)?)?;
    if earned == Fen::ZERO {
        return Ok(None);
    }
    JournalBuilder::new("subscription.earned", format!("{invoice}/{to}"), at)
        .debit(AccountRef::owned(A::UnearnedRevenue, subscription), earned)
        .credit(AccountRef::of(A::SubscriptionIncome), earned)
        .build()
        .map(Some)
}

/// What a credit note takes back of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Credited {
    /// Net that is not earned yet.
    pub unearned: Fen,
    /// Net of the subscription that was earned, given back all the same: of an invoice that is void.
    pub earned: Fen,
    /// Net of metered use, which is earned when it is invoiced.
    pub used: Fen,
    /// The tax inside all of it.
    pub tax: Fen,
    /// What of the invoice is not paid. That much is no longer owed; only the rest is money to give back.
    pub unpaid: Fen,
}

/// F1 e: a credit note. It settles what is unpaid of its invoice first; the rest goes into the wallet.
pub fn invoice_credited(
    note: &str,
    subscription: &str,
    what: Credited,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let total = Fen::sum([what.unearned, what.earned, what.used, what.tax])?;
    let no_longer_owed = total.min(what.unpaid);
    JournalBuilder::new("invoice.credited", note, at)
        .debit(AccountRef::owned(A::UnearnedRevenue, subscription), what.unearned)
        .debit(AccountRef::of(A::SubscriptionIncome), what.earned)
        .debit(AccountRef::of(A::UsageIncome), what.used)
        .debit(AccountRef::of(A::TaxPayable), what.tax)
        .credit(AccountRef::of(A::Receivable), no_longer_owed)
        .credit(AccountRef::of(A::MerchantWallet), total.sub(no_longer_owed)?)
        .build()
}

/// F1 f: an unpaid invoice is given up. What was earned of it is the loss; what was not, and the tax, never come.
pub fn invoice_written_off(
    invoice: &str,
    subscription: &str,
    gross: Fen,
    tax: Fen,
    unearned: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.written_off", invoice, at)
        .debit(AccountRef::of(A::BadDebt), gross.sub(tax)?.sub(unearned)?)
        .debit(AccountRef::owned(A::UnearnedRevenue, subscription), unearned)
        .debit(AccountRef::of(A::TaxPayable), tax)
        .credit(AccountRef::of(A::Receivable), gross)
        .build()
}
