//! The deposit 保证金 a shop has to keep: its states, and the zero-deposit trial 0元试运营 before it is due.
//!
//! Invariants: the terms of a trial are fixed when it begins; what was used of it never shrinks, since every
//! order the buyer paid counts, refunded later or not; and a trial that is over does not come back.

use crate::money::Fen;
use crate::time::Timestamp;

words! {
    /// Where a shop's deposit stands.
    pub enum DepositState {
        /// Zero-deposit trial 0元试运营.
        Trial = "trial",
        /// Less deposited than due.
        Short = "short",
        /// Enough.
        Satisfied = "satisfied",
        /// The shop closes.
        Closing = "closing",
        /// Waiting for the refund.
        Waiting = "waiting",
        /// Refunded.
        Refunded = "refunded",
    }
}

impl DepositState {
    /// The state for a balance: a trial lasts until it is over or until enough is paid; a shop that nothing was asked
    /// of so far, and that paid nothing, may still use its trial; a closing shop keeps its course.
    pub fn recompute(self, due: Fen, balance: Fen, on_trial: bool) -> Self {
        match self {
            Self::Closing | Self::Waiting | Self::Refunded => self,
            _ if balance >= due => Self::Satisfied,
            Self::Trial if on_trial => Self::Trial,
            Self::Satisfied if on_trial && balance == Fen::ZERO => Self::Trial,
            _ => Self::Short,
        }
    }
    /// Whether a trial may be running: only then its use has to be counted.
    pub fn may_be_on_trial(self) -> bool {
        matches!(self, Self::Trial | Self::Satisfied)
    }
}

words! {
    /// Which limit ended a trial.
    pub enum TrialLimit {
        /// Its days are over.
        Days = "days",
        /// So many orders were paid.
        Orders = "orders",
        /// So much was turned over.
        Turnover = "turnover",
    }
}

/// What ends a trial, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialTerms {
    /// From here on it is over.
    pub ends_at: Timestamp,
    /// With so many paid orders it is over.
    pub orders: i64,
    /// With so much paid turnover it is over.
    pub turnover: Fen,
}

/// What a shop sold since its trial began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrialUse {
    /// Orders the buyers paid.
    pub orders: i64,
    /// What they paid.
    pub turnover: Fen,
}

impl TrialTerms {
    /// The limit that is reached, if one is.
    pub fn reached(&self, used: TrialUse, now: Timestamp) -> Option<TrialLimit> {
        match () {
            () if used.orders >= self.orders => Some(TrialLimit::Orders),
            () if used.turnover >= self.turnover => Some(TrialLimit::Turnover),
            () if now >= self.ends_at => Some(TrialLimit::Days),
            () => None,
        }
    }
}

/// Deposit due over several categories: the maximum, not the sum.
pub fn deposit_due(categories: impl IntoIterator<Item = Fen>) -> Fen {
    categories.into_iter().max().unwrap_or(Fen::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposit_is_the_maximum() {
        assert_eq!(deposit_due([Fen::new(5), Fen::new(9)]), Fen::new(9));
        assert_eq!(deposit_due([]), Fen::ZERO);
    }

    #[test]
    fn whichever_limit_comes_first_ends_a_trial() {
        let terms =
            TrialTerms { ends_at: Timestamp::from_seconds(100), orders: 3, turnover: Fen::new(1_000) };
        let reached = |orders, turnover, seconds| {
            let used = TrialUse { orders, turnover: Fen::new(turnover) };
            terms.reached(used, Timestamp::from_seconds(seconds))
        };
        assert_eq!(reached(0, 0, 0), None);
        assert_eq!(reached(2, 999, 99), None);
        assert_eq!(reached(2, 999, 100), Some(TrialLimit::Days));
        assert_eq!(reached(3, 999, 99), Some(TrialLimit::Orders));
        assert_eq!(reached(1, 1_000, 99), Some(TrialLimit::Turnover));
        assert_eq!(reached(3, i64::MAX, 101), Some(TrialLimit::Orders), "one is named");
        let none = TrialTerms { orders: 0, ..terms };
        assert_eq!(none.reached(TrialUse::default(), Timestamp::from_seconds(0)), Some(TrialLimit::Orders));
    }

    #[test]
    fn the_state_follows_the_balance_and_the_trial() {
        use DepositState::{Satisfied, Short, Trial, Waiting};
        for (was, balance, on_trial, expected) in [
            (Trial, 0, true, Trial),
            (Trial, 0, false, Short),
            (Trial, 9, true, Trial),
            (Trial, 10, true, Satisfied),
            (Short, 0, true, Short),
            (Short, 10, false, Satisfied),
            (Satisfied, 0, true, Trial),
            (Satisfied, 0, false, Short),
            (Satisfied, 9, true, Short),
            (Waiting, 10, true, Waiting),
        ] {
            let state = was.recompute(Fen::new(10), Fen::new(balance), on_trial);
            assert_eq!(state, expected, "{was} {balance} {on_trial}");
        }
    }
}
