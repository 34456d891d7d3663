//! A violation case against a shop's deposit 保证金 (F5 b–f): what is frozen for it, and what becomes of that.
//!
//! Invariants: what is deducted and released never comes to more than what was frozen; what is deducted beyond that is
//! never more than what could not be frozen; only a case that was decided against the merchant is deducted from, and
//! one that is decided while the merchant may still appeal is refused.

use crate::error::ErrorCode;
use crate::money::Fen;
use crate::time::Timestamp;

words! {
    /// Where a case stands.
    pub enum CaseState {
        /// The merchant may appeal.
        Open = "open",
        /// The merchant has appealed.
        Appealed = "appealed",
        /// Decided against the merchant; what is deducted is worked off.
        Decided = "decided",
        /// Nothing more happens to it.
        Closed = "closed",
    }
}

words! {
    /// What a shop is said to have done. The list is ours.
    pub enum Violation {
        /// Counterfeit goods.
        Counterfeit = "counterfeit",
        /// Goods that may not be sold.
        ProhibitedGoods = "prohibited_goods",
        /// Not what was described.
        NotAsDescribed = "not_as_described",
        /// Said to be sent and not sent.
        FalseShipment = "false_shipment",
        /// Sent too late.
        LateShipment = "late_shipment",
        /// Orders that were none.
        FalseTrade = "false_trade",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// What a case was decided to be.
    pub enum Verdict {
        /// The shop did it.
        Upheld = "upheld",
        /// It did not, or it is not shown.
        Dismissed = "dismissed",
    }
}

words! {
    /// Who gets what is deducted.
    pub enum DeductedFor {
        /// The provider: a penalty.
        Provider = "provider",
        /// The buyer of the case's after-sale, whose refund the provider advanced: the claim that this left is paid.
        Buyer = "buyer",
    }
}

/// The money of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CaseMoney {
    /// What was to be frozen.
    pub asked: Fen,
    /// What was there to be frozen.
    pub frozen: Fen,
    /// What was deducted of it.
    pub deducted: Fen,
    /// What was released of it.
    pub released: Fen,
    /// What was deducted beyond it, as a claim against the merchant.
    pub claimed: Fen,
}

/// What a deduction takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Out of what is frozen.
    pub frozen: Fen,
    /// What the merchant owes from now on.
    pub claimed: Fen,
}

impl CaseMoney {
    /// What is frozen still.
    pub fn left(&self) -> Fen {
        less(less(self.frozen, self.deducted), self.released)
    }
    /// What could not be frozen and was not claimed since.
    pub fn short(&self) -> Fen {
        less(less(self.asked, self.frozen), self.claimed)
    }
    /// What a deduction takes: what is frozen first; the rest is claimed where that was said, up to what could not be
    /// frozen.
    pub fn take(&self, amount: Fen, claim_rest: bool) -> Result<Taken, CaseRefusal> {
        let left = self.left();
        if amount <= left {
            return Ok(Taken { frozen: amount, claimed: Fen::ZERO });
        }
        let rest = less(amount, left);
        let may_claim = claim_rest && self.released == Fen::ZERO;
        if !may_claim || rest > self.short() {
            return Err(CaseRefusal::MoreThanFrozen { left, short: self.short() });
        }
        Ok(Taken { frozen: left, claimed: rest })
    }
}

fn less(one: Fen, other: Fen) -> Fen {
    one.sub(other).ok().filter(|rest| *rest > Fen::ZERO).unwrap_or(Fen::ZERO)
}

/// Why a case does not take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaseRefusal {
    /// There is no such step from here.
    #[error("the case is {state}")]
    State {
        /// Where it stands.
        state: CaseState,
    },
    /// The term is over.
    #[error("the time for an appeal ended at {until}")]
    AppealOver {
        /// When.
        until: Timestamp,
    },
    /// The merchant may still appeal.
    #[error("the merchant may appeal until {until}")]
    AppealRuns {
        /// Until when.
        until: Timestamp,
    },
    /// More than the case holds.
    #[error("{left} is frozen still, and {short} could not be frozen")]
    MoreThanFrozen {
        /// What is frozen still.
        left: Fen,
        /// What may be claimed beyond it.
        short: Fen,
    },
}

impl CaseRefusal {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::MoreThanFrozen { .. } => ErrorCode::InsufficientBalance,
            _ => ErrorCode::Conflict,
        }
    }
}

/// The merchant appeals.
pub fn appeal(state: CaseState, until: Timestamp, now: Timestamp) -> Result<CaseState, CaseRefusal> {
    match state {
        CaseState::Open if now < until => Ok(CaseState::Appealed),
        CaseState::Open => Err(CaseRefusal::AppealOver { until }),
        _ => Err(CaseRefusal::State { state }),
    }
}

/// The provider decides: against the merchant once it has appealed or can no longer, for it at any time.
pub fn decide(
    state: CaseState,
    verdict: Verdict,
    until: Timestamp,
    now: Timestamp,
) -> Result<CaseState, CaseRefusal> {
    match (state, verdict) {
        (CaseState::Open | CaseState::Appealed, Verdict::Dismissed) => Ok(CaseState::Closed),
        (CaseState::Appealed, Verdict::Upheld) => Ok(CaseState::Decided),
        (CaseState::Open, Verdict::Upheld) if now >= until => Ok(CaseState::Decided),
        (CaseState::Open, Verdict::Upheld) => Err(CaseRefusal::AppealRuns { until }),
        _ => Err(CaseRefusal::State { state }),
    }
}

/// Something of a case's money is deducted or released: only once it is decided.
pub fn may_move(state: CaseState) -> Result<(), CaseRefusal> {
    match state {
        CaseState::Decided => Ok(()),
        _ => Err(CaseRefusal::State { state }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_appeal_has_its_term() {
        use CaseState::*;
        for (state, now, expected) in [
            (Open, 0, Ok(Appealed)),
            (Open, DAY - 1, Ok(Appealed)),
            (Open, DAY, Err(CaseRefusal::AppealOver { until: at(DAY) })),
            (Appealed, 0, Err(CaseRefusal::State { state: Appealed })),
            (Decided, 0, Err(CaseRefusal::State { state: Decided })),
            (Closed, 0, Err(CaseRefusal::State { state: Closed })),
        ] {
            assert_eq!(appeal(state, at(DAY), at(now)), expected, "{state} at {now}");
        }
    }

    #[test]
    fn nobody_decides_against_a_merchant_who_may_still_appeal() {
        use CaseState::*;
        use Verdict::*;
        for (state, verdict, now, expected) in [
            (Open, Upheld, DAY - 1, Err(CaseRefusal::AppealRuns { until: at(DAY) })),
            (Open, Upheld, DAY, Ok(Decided)),
            (Open, Dismissed, 0, Ok(Closed)),
            (Appealed, Upheld, 0, Ok(Decided)),
            (Appealed, Dismissed, 0, Ok(Closed)),
            (Decided, Dismissed, 0, Err(CaseRefusal::State { state: Decided })),
            (Closed, Upheld, DAY, Err(CaseRefusal::State { state: Closed })),
        ] {
            assert_eq!(decide(state, verdict, at(DAY), at(now)), expected, "{state} {verdict} at {now}");
        }
        for state in CaseState::ALL {
            assert_eq!(may_move(*state).is_ok(), *state == Decided, "{state}");
        }
    }

    #[test]
    fn a_deduction_takes_what_is_frozen_first() {
        let money = |asked, frozen, deducted, released, claimed| CaseMoney {
            asked: Fen::new(asked),
            frozen: Fen::new(frozen),
            deducted: Fen::new(deducted),
            released: Fen::new(released),
            claimed: Fen::new(claimed),
        };
        let taken = |frozen, claimed| Ok(Taken { frozen: Fen::new(frozen), claimed: Fen::new(claimed) });
        let more =
            |left, short| Err(CaseRefusal::MoreThanFrozen { left: Fen::new(left), short: Fen::new(short) });
        for (held, amount, claim_rest, expected) in [
            (money(500, 500, 0, 0, 0), 500, false, taken(500, 0)),
            (money(500, 500, 0, 0, 0), 501, true, more(500, 0)),
            (money(500, 500, 200, 0, 0), 300, false, taken(300, 0)),
            (money(500, 500, 200, 0, 0), 301, false, more(300, 0)),
            (money(500, 300, 0, 0, 0), 301, false, more(300, 200)),
            (money(500, 300, 0, 0, 0), 500, true, taken(300, 200)),
            (money(500, 300, 300, 0, 150), 50, true, taken(0, 50)),
            (money(500, 300, 300, 0, 150), 51, true, more(0, 50)),
            (money(500, 300, 100, 200, 0), 1, true, more(0, 200)),
            (money(500, 0, 0, 0, 0), 500, true, taken(0, 500)),
        ] {
            assert_eq!(held.take(Fen::new(amount), claim_rest), expected, "{held:?} {amount} {claim_rest}");
        }
    }

    proptest! {
        #[test]
        fn no_row_of_deductions_takes_more_than_was_asked(
            asked in 1_i64..1_000, share in 0_i64..=100, parts in proptest::collection::vec((1_i64..400, any::<bool>()), 0..12)
        ) {
            let frozen = asked * share / 100;
            let mut held = CaseMoney { asked: Fen::new(asked), frozen: Fen::new(frozen), ..CaseMoney::default() };
            for (amount, claim_rest) in parts {
                if let Ok(taken) = held.take(Fen::new(amount), claim_rest) {
                    prop_assert_eq!(taken.frozen.get() + taken.claimed.get(), amount);
                    held.deducted = held.deducted.add(taken.frozen).unwrap();
                    held.claimed = held.claimed.add(taken.claimed).unwrap();
                }
                prop_assert!(held.deducted <= held.frozen);
                prop_assert!(held.deducted.get() + held.claimed.get() <= asked);
                prop_assert!(claim_rest || held.left().get() >= 0);
            }
        }
    }
}
