//! What each account of a merchant holds, worked out without journals: every figure of the specification (§3) is written
//! down here once more, in plain numbers, so that a fen too much in a flow is a fen too much beside this.

use super::facts::{Fact, PARTIES, Place, Purse};
use qianpu_domain::ledger::AccountCode::{self, *};
use std::collections::{BTreeMap, BTreeSet};

/// `n/d`, half up; nothing here is negative.
pub fn half_up(n: i128, d: i128) -> i64 {
    i64::try_from((2 * n + d) / (2 * d)).unwrap()
}

/// The tax inside a price.
fn tax_in(gross: i64, ppm: i64) -> i64 {
    half_up(i128::from(gross) * i128::from(ppm), 1_000_000 + i128::from(ppm))
}

/// What the merchant's orders are charged, fixed for all of them.
#[derive(Clone, Debug)]
pub struct Terms {
    pub take_rate_ppm: i64,
    pub tax_ppm: i64,
    pub commission_ppm: i64,
    /// Of the parties in their order.
    pub weights: [i64; 3],
}

impl Terms {
    pub fn fee(&self, kept: i64) -> i64 {
        half_up(i128::from(kept) * i128::from(self.take_rate_ppm), 1_000_000)
    }
    pub fn tax(&self, gross: i64) -> i64 {
        tax_in(gross, self.tax_ppm)
    }
    /// Commission of each party: each takes its share of what is left, the last one the rest.
    pub fn parts(&self, kept: i64) -> [i64; 3] {
        let [first, second, third] = self.weights.map(i128::from);
        let whole = half_up(i128::from(kept) * i128::from(self.commission_ppm), 1_000_000);
        let all = first + second + third;
        if all == 0 {
            return [whole, 0, 0];
        }
        let one = half_up(i128::from(whole) * first, all);
        let left = whole - one;
        let two = if second + third == 0 { left } else { half_up(i128::from(left) * second, second + third) };
        [one, two, left - two]
    }
}

/// An order and what the buyer keeps paying of it.
#[derive(Clone, Debug)]
pub struct Order {
    pub kept: i64,
    pub settled: bool,
}

/// An invoice for twelve months.
#[derive(Clone, Debug)]
pub struct Invoice {
    pub gross: i64,
    pub tax: i64,
    pub unpaid: i64,
    /// Months that are earned.
    pub months: i64,
    /// Credited or given up: nothing of it is earned any more.
    pub closed: bool,
    pub from_wallet: bool,
    pub from_bank: bool,
}

impl Invoice {
    pub fn earned(&self, months: i64) -> i64 {
        half_up(i128::from(self.gross - self.tax) * i128::from(months), 12)
    }
    pub fn tax_earned(&self) -> i64 {
        half_up(i128::from(self.tax) * i128::from(self.months), 12)
    }
}

/// A merchant: what happened, as far as the next fact depends on it, and what each account holds.
#[derive(Clone, Debug)]
pub struct Model {
    pub terms: Terms,
    pub orders: Vec<Order>,
    /// Refunds on their way, with their fen.
    pub refunds: BTreeMap<String, i64>,
    pub payouts: BTreeMap<String, (Purse, i64)>,
    pub paid_out: BTreeMap<String, (Purse, i64)>,
    pub invoices: Vec<Invoice>,
    /// Cases and what is frozen for them, and whether it was taken of a deposit that waits.
    pub cases: BTreeMap<String, (i64, bool)>,
    /// What is left of each grant.
    pub grants: Vec<i64>,
    /// Invoices and the grants they took from.
    pub granted: BTreeSet<(usize, usize)>,
    /// Top-ups of the deposit that may still be taken back.
    pub top_ups: BTreeMap<String, i64>,
    held: BTreeMap<(AccountCode, String), i64>,
}

impl Model {
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            orders: Vec::new(),
            refunds: BTreeMap::new(),
            payouts: BTreeMap::new(),
            paid_out: BTreeMap::new(),
            invoices: Vec::new(),
            cases: BTreeMap::new(),
            grants: Vec::new(),
            granted: BTreeSet::new(),
            top_ups: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }

    pub fn of(&self, code: AccountCode, owner: &str) -> i64 {
        self.held.get(&(code, owner.to_owned())).copied().unwrap_or(0)
    }

    /// What is not zero.
    pub fn held(&self) -> BTreeMap<(AccountCode, String), i64> {
        self.held.iter().filter(|(_, fen)| **fen != 0).map(|(account, fen)| (account.clone(), *fen)).collect()
    }

    fn add(&mut self, code: AccountCode, owner: &str, fen: i64) {
        *self.held.entry((code, owner.to_owned())).or_default() += fen;
    }

    /// Takes `fen` from what is there, and says what was missing.
    fn take(&mut self, code: AccountCode, owner: &str, fen: i64) -> i64 {
        let there = self.of(code, owner).min(fen);
        self.add(code, owner, -there);
        fen - there
    }

    /// The provider's income of `gross`, tax inside, from one figure to another: never a tax on the difference.
    fn income(&mut self, code: AccountCode, before: i64, after: i64) {
        let tax = self.terms.tax(after) - self.terms.tax(before);
        self.add(TaxPayable, "", tax);
        self.add(code, "", after - before - tax);
    }

    fn purse(&mut self, purse: &Purse, fen: i64) {
        let (code, owner) = purse.account();
        self.add(code, &owner, fen);
    }

    fn place(&mut self, place: &Place, fen: i64) {
        match place {
            Place::Wallet => self.add(MerchantWallet, "", fen),
            Place::Deposit => self.add(DepositAvailable, "basic", fen),
            Place::Invoice(n) => {
                self.add(Receivable, "", -fen);
                self.invoices[*n].unpaid -= fen;
            }
        }
    }

    /// What the fact does to every account.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Paid { fen, .. } => self.paid(*fen),
            Fact::Refund { order, refund, fen } => self.refund(*order, refund, *fen),
            Fact::RefundDone { refund, fen } => {
                self.refunds.remove(refund);
                self.add(BuyerRefundInTransit, refund, -fen);
                self.add(PspEscrow, "wechat", -fen);
            }
            Fact::Settled { order } => self.settle(*order),
            Fact::Netted { party, fen, .. } => match party {
                None => {
                    self.add(MerchantAvailable, "", -fen);
                    self.add(ClawbackReceivable, "merchant", -fen);
                }
                Some(party) => {
                    self.add(CommissionPayable, party, -fen);
                    self.add(ClawbackReceivable, party, -fen);
                }
            },
            Fact::GivenUp { fen, .. } => {
                self.add(ClawbackReceivable, "merchant", -fen);
                self.add(PlatformAdvance, "", *fen);
            }
            Fact::PayoutAsked { payout, purse, fen } => {
                self.purse(purse, -fen);
                self.add(PayoutInTransit, payout, *fen);
                self.payouts.insert(payout.clone(), (purse.clone(), *fen));
            }
            Fact::PayoutDone { payout, purse, fen } => {
                self.payouts.remove(payout);
                self.add(PayoutInTransit, payout, -fen);
                self.add(Bank, "icbc", -fen);
                self.paid_out.insert(payout.clone(), (purse.clone(), *fen));
            }
            Fact::PayoutFailed { payout, purse, fen } => {
                self.payouts.remove(payout);
                self.add(PayoutInTransit, payout, -fen);
                self.purse(purse, *fen);
            }
            Fact::PayoutReturned { payout, purse, fen } => {
                self.paid_out.remove(payout);
                self.add(Bank, "icbc", *fen);
                self.purse(purse, *fen);
            }
            Fact::TaxWithheld { party, fen, .. } => {
                self.add(CommissionPayable, party, -fen);
                self.add(TaxPayable, "", *fen);
            }
            Fact::Received { fen, .. } => {
                self.add(Bank, "icbc", *fen);
                self.add(UnmatchedReceipts, "", *fen);
            }
            Fact::Placed { on, fen, .. } => {
                self.add(UnmatchedReceipts, "", -fen);
                self.place(on, *fen);
            }
            other => self.of_deposit_or_invoice(other),
        }
    }

    fn of_deposit_or_invoice(&mut self, fact: &Fact) {
        match fact {
            Fact::DepositPaid { receipt, fen } => {
                self.add(Bank, "icbc", *fen);
                self.add(DepositAvailable, "basic", *fen);
                self.top_ups.insert(receipt.clone(), *fen);
            }
            Fact::DepositTakenBack { receipt, fen } => {
                self.top_ups.remove(receipt);
                self.add(Bank, "icbc", -fen);
                self.add(DepositAvailable, "basic", -fen);
            }
            Fact::Swept { fen, .. } => {
                self.add(MerchantAvailable, "", -fen);
                self.add(DepositAvailable, "basic", *fen);
            }
            Fact::Frozen { case, fen, waiting } => {
                if *waiting {
                    self.add(DepositRefunding, "", -fen);
                } else {
                    self.add(DepositAvailable, "basic", -fen);
                }
                self.add(DepositFrozen, case, *fen);
                self.cases.insert(case.clone(), (*fen, *waiting));
            }
            Fact::Penalty { case, fen, .. } => {
                self.of_case(case, *fen);
                self.add(PenaltyIncome, "", *fen);
            }
            Fact::Compensated { case, refund, fen, .. } => {
                self.of_case(case, *fen);
                self.add(BuyerRefundInTransit, refund, *fen);
                self.refunds.insert(refund.clone(), *fen);
            }
            Fact::ToParty { case, party, fen, .. } => {
                self.of_case(case, *fen);
                self.add(CommissionPayable, party, *fen);
            }
            Fact::Beyond { fen, .. } => {
                self.add(ClawbackReceivable, "merchant", *fen);
                self.add(PenaltyIncome, "", *fen);
            }
            Fact::Released { case, fen, waiting } => {
                self.cases.remove(case);
                self.add(DepositFrozen, case, -fen);
                if *waiting {
                    self.add(DepositRefunding, "", *fen);
                } else {
                    self.add(DepositAvailable, "basic", *fen);
                }
            }
            Fact::Closing { fen, .. } => {
                self.add(DepositAvailable, "basic", -fen);
                self.add(DepositRefunding, "", *fen);
            }
            Fact::Issued { fen, .. } => {
                let tax = self.terms.tax(*fen);
                let sub = format!("sub{}", self.invoices.len());
                self.add(Receivable, "", *fen);
                self.add(UnearnedRevenue, &sub, fen - tax);
                self.add(TaxPayable, "", tax);
                self.invoices.push(Invoice {
                    gross: *fen,
                    tax,
                    unpaid: *fen,
                    months: 0,
                    closed: false,
                    from_wallet: false,
                    from_bank: false,
                });
            }
            Fact::Earned { invoice, to } => {
                let of = &mut self.invoices[*invoice];
                let fen = of.earned(*to) - of.earned(of.months);
                of.months = *to;
                self.add(UnearnedRevenue, &format!("sub{invoice}"), -fen);
                self.add(SubscriptionIncome, "", fen);
            }
            Fact::UseBilled { fen, .. } => {
                self.income(UsageIncome, 0, *fen);
                self.add(Receivable, "", *fen);
            }
            Fact::InvoicePaid { invoice, fen } => {
                self.add(PspClearing, "wxpay", *fen);
                self.add(Receivable, "", -fen);
                let of = &mut self.invoices[*invoice];
                (of.unpaid, of.from_bank) = (of.unpaid - fen, true);
            }
            Fact::PspSettled { fen, fee, .. } => {
                self.add(PspClearing, "wxpay", -fen);
                self.add(PspFee, "wxpay", *fee);
                self.add(Bank, "icbc", fen - fee);
            }
            Fact::FromWallet { invoice, fen } => {
                self.add(MerchantWallet, "", -fen);
                self.add(Receivable, "", -fen);
                let of = &mut self.invoices[*invoice];
                (of.unpaid, of.from_wallet) = (of.unpaid - fen, true);
            }
            Fact::Credited { invoice, .. } => self.credit(*invoice),
            Fact::WrittenOff { invoice } => {
                let of = self.invoices[*invoice].clone();
                let unearned = of.gross - of.tax - of.earned(of.months);
                self.add(UnearnedRevenue, &format!("sub{invoice}"), -unearned);
                self.add(BadDebt, "", of.gross - of.tax - unearned);
                self.add(TaxPayable, "", -of.tax);
                self.add(Receivable, "", -of.gross);
                let of = &mut self.invoices[*invoice];
                (of.unpaid, of.closed) = (0, true);
            }
            Fact::WalletFilled { fen, .. } => {
                self.add(Bank, "icbc", *fen);
                self.add(MerchantWallet, "", *fen);
            }
            Fact::Granted { fen } => {
                self.add(PromoCost, "", *fen);
                self.add(PromoCredit, &format!("grant{}", self.grants.len()), *fen);
                self.grants.push(*fen);
            }
            Fact::GrantUsed { invoice, grant, fen } => {
                self.add(PromoCredit, &format!("grant{grant}"), -fen);
                self.add(Receivable, "", -fen);
                self.grants[*grant] -= fen;
                self.granted.insert((*invoice, *grant));
                self.invoices[*invoice].unpaid -= fen;
            }
            Fact::GrantOver { grant, fen } => {
                self.add(PromoCredit, &format!("grant{grant}"), -fen);
                self.add(PromoCost, "", -fen);
                self.grants[*grant] = 0;
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn paid(&mut self, fen: i64) {
        let (line, parts) = (self.orders.len(), self.terms.parts(fen));
        self.add(PspEscrow, "wechat", fen);
        self.add(MerchantPending, "", fen - parts.iter().sum::<i64>());
        for (party, part) in PARTIES.iter().zip(parts) {
            self.add(CommissionAccrued, &format!("line{line}/{party}"), part);
        }
        self.orders.push(Order { kept: fen, settled: false });
    }

    fn refund(&mut self, order: usize, refund: &str, fen: i64) {
        let kept = self.orders[order].kept;
        let (before, after) = (self.terms.parts(kept), self.terms.parts(kept - fen));
        self.orders[order].kept -= fen;
        self.add(BuyerRefundInTransit, refund, fen);
        self.refunds.insert(refund.to_owned(), fen);
        let back: i64 = before.iter().sum::<i64>() - after.iter().sum::<i64>();
        if !self.orders[order].settled {
            self.add(MerchantPending, "", back - fen);
            for ((party, before), after) in PARTIES.iter().zip(before).zip(after) {
                self.add(CommissionAccrued, &format!("line{order}/{party}"), after - before);
            }
            return;
        }
        self.add(MerchantAvailable, "", back);
        for at in 0..2 {
            let missing = self.take(CommissionPayable, PARTIES[at], before[at] - after[at]);
            self.add(ClawbackReceivable, PARTIES[at], missing);
        }
        self.income(TakeRateIncome, before[2], after[2]);
        let (fee, less) = (self.terms.fee(kept), self.terms.fee(kept - fen));
        self.income(TakeRateIncome, fee, less);
        let missing = self.take(MerchantAvailable, "", fen - (fee - less));
        self.add(ClawbackReceivable, "merchant", missing);
    }

    fn settle(&mut self, order: usize) {
        self.orders[order].settled = true;
        let kept = self.orders[order].kept;
        let (parts, fee) = (self.terms.parts(kept), self.terms.fee(kept));
        let rest = kept - parts.iter().sum::<i64>();
        self.add(MerchantPending, "", -rest);
        self.add(MerchantAvailable, "", rest - fee);
        self.income(TakeRateIncome, 0, fee);
        for (party, part) in PARTIES.iter().zip(parts) {
            self.add(CommissionAccrued, &format!("line{order}/{party}"), -part);
        }
        self.add(CommissionPayable, PARTIES[0], parts[0]);
        self.add(CommissionPayable, PARTIES[1], parts[1]);
        self.income(TakeRateIncome, 0, parts[2]);
    }

    fn of_case(&mut self, case: &str, fen: i64) {
        self.add(DepositFrozen, case, -fen);
        if let Some((left, _)) = self.cases.get_mut(case) {
            *left -= fen;
        }
    }

    /// What is not earned of an invoice comes back: it is no longer owed, or stands in the wallet.
    fn credit(&mut self, invoice: usize) {
        let of = self.invoices[invoice].clone();
        let unearned = of.gross - of.tax - of.earned(of.months);
        let tax = of.tax - of.tax_earned();
        self.add(UnearnedRevenue, &format!("sub{invoice}"), -unearned);
        self.add(TaxPayable, "", -tax);
        let owed = of.unpaid.min(unearned + tax);
        self.add(Receivable, "", -owed);
        self.add(MerchantWallet, "", unearned + tax - owed);
        let of = &mut self.invoices[invoice];
        (of.unpaid, of.closed) = (of.unpaid - owed, true);
    }
}
