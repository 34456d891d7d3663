//! F3 b, c, f and F4: the commission of an order line, from its reservation to its settlement and back.

use super::Debtor;
use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::ledger::rounding::{cascade, tax_inside};
use crate::money::{Fen, MoneyOverflow};
use crate::time::Timestamp;

/// A party's part of a commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommissionPart {
    /// Order line and party, such as `oln_…/promoter`.
    pub owner: String,
    /// Fen.
    pub amount: Fen,
}

/// The commission of an order line, fixed when the buyer paid. Its parties stand in the order of the cascade (R6).
#[derive(Clone, Copy, Debug)]
pub struct CommissionRule<'a> {
    /// The order line.
    pub line: &'a str,
    /// The commission's share of what the buyer keeps paying for, ppm.
    pub rate_ppm: i64,
    /// Parties and their weights.
    pub parties: &'a [(&'a str, i64)],
}

impl CommissionRule<'_> {
    /// The parts that are due on `base`.
    pub fn parts_on(&self, base: Fen) -> Result<Vec<CommissionPart>, MoneyOverflow> {
        let weights: Vec<i64> = self.parties.iter().map(|(_, weight)| *weight).collect();
        let amounts = cascade(base.ppm(self.rate_ppm)?, &weights)?;
        let owners = self.parties.iter().map(|(party, _)| format!("{}/{party}", self.line));
        Ok(owners.zip(amounts).map(|(owner, amount)| CommissionPart { owner, amount }).collect())
    }
    /// What is no longer due of each part when the base falls from `before` to `after` (R6: targets on both bases,
    /// so that refunds in any number of steps take back exactly what was reserved).
    pub fn parts_less(&self, before: Fen, after: Fen) -> Result<Vec<CommissionPart>, MoneyOverflow> {
        let less = |(part, left): (CommissionPart, CommissionPart)| {
            Ok(CommissionPart { amount: part.amount.sub(left.amount)?, owner: part.owner })
        };
        self.parts_on(before)?.into_iter().zip(self.parts_on(after)?).map(less).collect()
    }
}

fn sum(parts: &[CommissionPart]) -> Result<Fen, MoneyOverflow> {
    Fen::sum(parts.iter().map(|part| part.amount))
}

/// F3 b: commission is reserved at once. None when it comes to nothing.
pub fn commission_accrued(
    line: &str,
    parts: &[CommissionPart],
    at: Timestamp,
) -> Result<Option<Journal>, JournalError> {
    let total = sum(parts)?;
    if total == Fen::ZERO {
        return Ok(None);
    }
    let start =
        JournalBuilder::new("commission.accrued", line, at).debit(AccountRef::of(A::MerchantPending), total);
    let each = |builder: JournalBuilder, part: &CommissionPart| {
        builder.credit(AccountRef::owned(A::CommissionAccrued, part.owner.as_str()), part.amount)
    };
    parts.iter().fold(start, each).build().map(Some)
}

/// F3 c: the part of a commission that a refund inside the window takes back. None when it comes to nothing.
pub fn commission_reversed(
    refund: &str,
    parts: &[CommissionPart],
    at: Timestamp,
) -> Result<Option<Journal>, JournalError> {
    let total = sum(parts)?;
    if total == Fen::ZERO {
        return Ok(None);
    }
    let each = |builder: JournalBuilder, part: &CommissionPart| {
        builder.debit(AccountRef::owned(A::CommissionAccrued, part.owner.as_str()), part.amount)
    };
    parts
        .iter()
        .fold(JournalBuilder::new("commission.reversed", refund, at), each)
        .credit(AccountRef::of(A::MerchantPending), total)
        .build()
        .map(Some)
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

/// What a refund after settlement takes back of a party's commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The party; once in a journal.
    pub party: String,
    /// Fen.
    pub amount: Fen,
    /// What the party has earned and was not paid yet: it pays first, the rest becomes a claim.
    pub unpaid: Fen,
}

/// The provider's own part of a commission, on the base before and after a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OwnPart {
    /// Due before.
    pub before: Fen,
    /// Due after.
    pub after: Fen,
    /// The tax inside, ppm.
    pub tax_ppm: i64,
}

/// F4: a refund after settlement gives the merchant back the commission that is no longer due. A party that was paid
/// already owes it: it cannot be pulled back from a person's wallet (§3.2). None when it comes to nothing.
pub fn commission_taken_back(
    refund: &str,
    parties: &[TakenBack],
    own: OwnPart,
    at: Timestamp,
) -> Result<Option<Journal>, JournalError> {
    let back = own.before.sub(own.after)?;
    let tax = tax_inside(own.before, own.tax_ppm)?.sub(tax_inside(own.after, own.tax_ppm)?)?;
    let total = Fen::sum(parties.iter().map(|part| part.amount))?.add(back)?;
    if total == Fen::ZERO {
        return Ok(None);
    }
    let mut builder = JournalBuilder::new("commission.taken_back", refund, at);
    for part in parties {
        let from_unpaid = part.amount.min(part.unpaid);
        let owes = Debtor::Party(part.party.clone()).claim();
        builder = builder
            .debit(AccountRef::owned(A::CommissionPayable, part.party.as_str()), from_unpaid)
            .debit(owes, part.amount.sub(from_unpaid)?);
    }
    builder
        .debit(AccountRef::of(A::TakeRateIncome), back.sub(tax)?)
        .debit(AccountRef::of(A::TaxPayable), tax)
        .credit(AccountRef::of(A::MerchantAvailable), total)
        .build()
        .map(Some)
}

/// The income tax of a person is withheld from a commission before it is paid out; the provider owes it to the tax
/// office. Not in §3.1; the rate is the provider's to configure.
pub fn income_tax_withheld(
    payout: &str,
    party: &str,
    tax: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("commission.tax_withheld", payout, at)
        .debit(AccountRef::owned(A::CommissionPayable, party), tax)
        .credit(AccountRef::of(A::TaxPayable), tax)
        .build()
}
