//! What can happen to a merchant's money, drawn at random from what may happen next.

use super::figures::{Model, Terms};
use qianpu_domain::ledger::AccountCode;

/// Parties of a commission in the order of the cascade; the last one is the provider.
pub const PARTIES: [&str; 3] = ["promoter", "leader", "platform"];

/// Whose money is paid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purse {
    Available,
    Wallet,
    Deposit,
    Waiting,
    Party(&'static str),
    Unmatched,
}

impl Purse {
    pub fn account(&self) -> (AccountCode, String) {
        let (code, owner) = match self {
            Self::Available => (AccountCode::MerchantAvailable, ""),
            Self::Wallet => (AccountCode::MerchantWallet, ""),
            Self::Deposit => (AccountCode::DepositAvailable, "basic"),
            Self::Waiting => (AccountCode::DepositRefunding, ""),
            Self::Party(party) => (AccountCode::CommissionPayable, *party),
            Self::Unmatched => (AccountCode::UnmatchedReceipts, ""),
        };
        (code, owner.to_owned())
    }
}

/// What a receipt turned out to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Wallet,
    Deposit,
    Invoice(usize),
}

/// One fact. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Paid { order: usize, fen: i64 },
    Refund { order: usize, refund: String, fen: i64 },
    RefundDone { refund: String, fen: i64 },
    Settled { order: usize },
    Netted { id: String, party: Option<&'static str>, fen: i64 },
    GivenUp { id: String, fen: i64 },
    PayoutAsked { payout: String, purse: Purse, fen: i64 },
    PayoutDone { payout: String, purse: Purse, fen: i64 },
    PayoutFailed { payout: String, purse: Purse, fen: i64 },
    PayoutReturned { payout: String, purse: Purse, fen: i64 },
    TaxWithheld { id: String, party: &'static str, fen: i64 },
    Received { receipt: String, fen: i64 },
    Placed { id: String, on: Place, fen: i64 },
    DepositPaid { receipt: String, fen: i64 },
    DepositTakenBack { receipt: String, fen: i64 },
    Swept { id: String, fen: i64 },
    Frozen { case: String, fen: i64, waiting: bool },
    Penalty { id: String, case: String, fen: i64 },
    Compensated { id: String, case: String, refund: String, fen: i64 },
    ToParty { id: String, case: String, party: &'static str, fen: i64 },
    Beyond { id: String, fen: i64 },
    Released { case: String, fen: i64, waiting: bool },
    Closing { shop: String, fen: i64 },
    Issued { invoice: usize, fen: i64 },
    Earned { invoice: usize, to: i64 },
    UseBilled { id: String, fen: i64 },
    InvoicePaid { invoice: usize, fen: i64 },
    PspSettled { id: String, fen: i64, fee: i64 },
    FromWallet { invoice: usize, fen: i64 },
    Credited { invoice: usize, note: String },
    WrittenOff { invoice: usize },
    WalletFilled { receipt: String, fen: i64 },
    Granted { fen: i64 },
    GrantUsed { invoice: usize, grant: usize, fen: i64 },
    GrantOver { grant: usize, fen: i64 },
}

/// How many kinds [`Draw::fact`] chooses from.
const KINDS: usize = 35;

/// A sequence of numbers that one seed gives for ever (SplitMix64).
pub struct Draw(pub u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 up to `n`, without it.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    fn number(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(usize::try_from(to - from + 1).unwrap())).unwrap()
    }

    /// Mostly what shops sell for, at times a few fen, at times more than anybody has.
    fn fen(&mut self) -> i64 {
        match self.below(8) {
            0 => self.number(1, 3),
            1 => self.number(1, 100_000_000_000),
            _ => self.number(1, 50_000),
        }
    }

    /// Some of it, or all.
    fn of(&mut self, fen: i64) -> Option<i64> {
        match fen {
            ..=0 => None,
            _ if self.below(3) == 0 => Some(fen),
            _ => Some(self.number(1, fen)),
        }
    }

    pub fn terms(&mut self) -> Terms {
        Terms {
            take_rate_ppm: self.number(0, 200_000),
            tax_ppm: self.number(0, 200_000),
            commission_ppm: self.number(0, 300_000),
            weights: [self.number(0, 100), self.number(0, 100), self.number(0, 100)],
        }
    }

    fn one<T>(&mut self, of: Vec<T>) -> Option<T> {
        let at = self.below(of.len());
        of.into_iter().nth(at)
    }

    /// The next fact; `n` counts them and makes each one's references its own.
    pub fn fact(&mut self, model: &Model, n: usize) -> Fact {
        loop {
            let kind = self.below(KINDS);
            let found =
                if kind < 14 { self.of_orders(kind, model, n) } else { self.of_the_rest(kind, model, n) };
            if let Some(fact) = found {
                return fact;
            }
        }
    }

    fn of_orders(&mut self, kind: usize, model: &Model, n: usize) -> Option<Fact> {
        let id = format!("x{n}");
        let kept = |settled: Option<bool>| -> Vec<(usize, i64)> {
            let mine = model.orders.iter().enumerate();
            mine.filter(|(_, order)| order.kept > 0 && settled.is_none_or(|settled| order.settled == settled))
                .map(|(at, order)| (at, order.kept))
                .collect()
        };
        match kind {
            0..=2 => Some(Fact::Paid { order: model.orders.len(), fen: self.fen() }),
            3..=4 => {
                let (order, kept) = self.one(kept(None))?;
                Some(Fact::Refund { order, refund: id, fen: self.of(kept)? })
            }
            5 => {
                let (refund, fen) = self.one(model.refunds.clone().into_iter().collect())?;
                Some(Fact::RefundDone { refund, fen })
            }
            6..=7 => self.one(kept(Some(false))).map(|(order, _)| Fact::Settled { order }),
            8 => {
                let party = self.one(vec![None, Some(PARTIES[0]), Some(PARTIES[1])])?;
                let (there, owed) = match party {
                    None => (AccountCode::MerchantAvailable, "merchant"),
                    Some(party) => (AccountCode::CommissionPayable, party),
                };
                let owner = party.unwrap_or("");
                let both = model.of(there, owner).min(model.of(AccountCode::ClawbackReceivable, owed));
                Some(Fact::Netted { id, party, fen: self.of(both)? })
            }
            9 => {
                let owed = model.of(AccountCode::ClawbackReceivable, "merchant");
                Some(Fact::GivenUp { id, fen: self.of(owed)? })
            }
            10 => {
                let purses =
                    [Purse::Available, Purse::Wallet, Purse::Deposit, Purse::Waiting, Purse::Unmatched];
                let parties = PARTIES.into_iter().take(2).map(Purse::Party);
                let purse = self.one(purses.into_iter().chain(parties).collect())?;
                let (code, owner) = purse.account();
                Some(Fact::PayoutAsked { payout: id, purse, fen: self.of(model.of(code, &owner))? })
            }
            11 | 12 => {
                let (payout, (purse, fen)) = self.one(model.payouts.clone().into_iter().collect())?;
                match self.below(3) {
                    0 => Some(Fact::PayoutFailed { payout, purse, fen }),
                    _ => Some(Fact::PayoutDone { payout, purse, fen }),
                }
            }
            _ => {
                let (payout, (purse, fen)) = self.one(model.paid_out.clone().into_iter().collect())?;
                Some(Fact::PayoutReturned { payout, purse, fen })
            }
        }
    }

    fn of_the_rest(&mut self, kind: usize, model: &Model, n: usize) -> Option<Fact> {
        let id = format!("x{n}");
        let deposit = model.of(AccountCode::DepositAvailable, "basic");
        let waiting = model.of(AccountCode::DepositRefunding, "");
        let frozen = |model: &Model| -> Vec<(String, (i64, bool))> {
            model.cases.clone().into_iter().filter(|(_, (fen, _))| *fen > 0).collect()
        };
        match kind {
            14 => {
                let party = self.one(PARTIES.into_iter().take(2).collect())?;
                let fen = self.of(model.of(AccountCode::CommissionPayable, party))?;
                Some(Fact::TaxWithheld { id, party, fen })
            }
            15 => Some(Fact::Received { receipt: id, fen: self.fen() }),
            16 => {
                let there = model.of(AccountCode::UnmatchedReceipts, "");
                let owed = (0..model.invoices.len()).filter(|at| model.invoices[*at].unpaid > 0);
                let places =
                    [Place::Wallet, Place::Deposit].into_iter().chain(owed.map(Place::Invoice)).collect();
                let on = self.one(places)?;
                let most = match on {
                    Place::Invoice(at) => model.invoices[at].unpaid.min(there),
                    _ => there,
                };
                Some(Fact::Placed { id, on, fen: self.of(most)? })
            }
            17 => Some(Fact::DepositPaid { receipt: id, fen: self.fen() }),
            18 => {
                let there = model.top_ups.clone().into_iter().filter(|(_, fen)| *fen <= deposit).collect();
                let (receipt, fen) = self.one(there)?;
                Some(Fact::DepositTakenBack { receipt, fen })
            }
            19 => {
                let fen = self.of(model.of(AccountCode::MerchantAvailable, ""))?;
                Some(Fact::Swept { id, fen })
            }
            20 if waiting > 0 && self.below(2) == 0 => {
                Some(Fact::Frozen { case: id, fen: self.of(waiting)?, waiting: true })
            }
            20 => Some(Fact::Frozen { case: id, fen: self.of(deposit)?, waiting: false }),
            21..=23 => {
                let (case, (fen, _)) = self.one(frozen(model))?;
                let fen = self.of(fen)?;
                Some(match kind {
                    21 => Fact::Penalty { id, case, fen },
                    22 => Fact::Compensated { refund: format!("{id}r"), id, case, fen },
                    _ => Fact::ToParty { id, case, party: PARTIES[0], fen },
                })
            }
            24 => Some(Fact::Beyond { id, fen: self.fen() }),
            25 => {
                let (case, (fen, waiting)) = self.one(frozen(model))?;
                Some(Fact::Released { case, fen, waiting })
            }
            26 if deposit > 0 && self.below(4) == 0 => Some(Fact::Closing { shop: id, fen: deposit }),
            26 => None,
            _ => self.of_bills(kind, model, id),
        }
    }

    fn of_bills(&mut self, kind: usize, model: &Model, id: String) -> Option<Fact> {
        let bills = |fits: &dyn Fn(&super::figures::Invoice) -> bool| -> Vec<usize> {
            (0..model.invoices.len()).filter(|at| fits(&model.invoices[*at])).collect()
        };
        match kind {
            27 => Some(Fact::Issued { invoice: model.invoices.len(), fen: self.fen() }),
            28 => {
                let invoice = self.one(bills(&|of| !of.closed && of.months < 12))?;
                let to = self.number(model.invoices[invoice].months + 1, 12);
                Some(Fact::Earned { invoice, to })
            }
            29 => match self.below(3) {
                0 => Some(Fact::UseBilled { id, fen: self.fen() }),
                _ => {
                    let invoice = self.one(bills(&|of| of.unpaid > 0 && !of.from_bank))?;
                    Some(Fact::InvoicePaid { invoice, fen: model.invoices[invoice].unpaid })
                }
            },
            30 => {
                let fen = self.of(model.of(AccountCode::PspClearing, "wxpay"))?;
                Some(Fact::PspSettled { id, fen, fee: fen * 6 / 1_000 })
            }
            31 => {
                let invoice = self.one(bills(&|of| of.unpaid > 0 && !of.from_wallet))?;
                let most = model.invoices[invoice].unpaid.min(model.of(AccountCode::MerchantWallet, ""));
                Some(Fact::FromWallet { invoice, fen: self.of(most)? })
            }
            32 if self.below(2) == 0 => {
                let invoice = self.one(bills(&|of| !of.closed && of.unpaid == of.gross))?;
                Some(Fact::WrittenOff { invoice })
            }
            32 => {
                let left =
                    |of: &super::figures::Invoice| of.gross - of.earned(of.months) - of.tax_earned() > 0;
                let invoice = self.one(bills(&|of| !of.closed && of.months < 12 && left(of)))?;
                Some(Fact::Credited { invoice, note: id })
            }
            33 if self.below(2) == 0 => Some(Fact::WalletFilled { receipt: id, fen: self.fen() }),
            33 => Some(Fact::Granted { fen: self.fen() }),
            _ => {
                let grant = self.one((0..model.grants.len()).filter(|at| model.grants[*at] > 0).collect())?;
                let left = model.grants[grant];
                if self.below(3) == 0 {
                    return Some(Fact::GrantOver { grant, fen: left });
                }
                let owed = bills(&|of| of.unpaid > 0).into_iter();
                let invoice = self.one(owed.filter(|at| !model.granted.contains(&(*at, grant))).collect())?;
                let fen = self.of(left.min(model.invoices[invoice].unpaid))?;
                Some(Fact::GrantUsed { invoice, grant, fen })
            }
        }
    }
}
