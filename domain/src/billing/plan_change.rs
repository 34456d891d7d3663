//! Changing to another plan: when it happens, and what is given back of what was charged.
//!
//! When is a matter of the provider's rules and of the ranks it gave its plans, never of prices: a cheaper year is no
//! smaller plan than a dearer month.

use super::proration::cut;
use super::{BillingError, LineAmounts, Period};
use jiff::civil::Date;

/// The highest rank of a plan.
pub const MOST_RANK: i64 = 100;

words! {
    /// When a change takes place.
    pub enum ChangeTiming {
        /// At once: the rest of what was charged is credited, and the new plan's first period begins today.
        Now = "now",
        /// With the next period.
        PeriodEnd = "period_end",
    }
}

words! {
    /// Where a change leads, by the ranks of both plans.
    pub enum Direction {
        /// To a higher rank.
        Up = "up",
        /// To a plan of the same rank, or to another version.
        Same = "same",
        /// To a lower rank.
        Down = "down",
    }
}

impl Direction {
    /// From one rank to another.
    pub const fn of(from: i64, to: i64) -> Self {
        if to > from {
            Self::Up
        } else if to < from {
            Self::Down
        } else {
            Self::Same
        }
    }
}

/// The table of rules: the first that fits decides. Another interval comes before the direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChangeRules {
    /// To another interval, in whichever direction.
    pub interval: ChangeTiming,
    /// To a higher rank.
    pub up: ChangeTiming,
    /// Within a rank.
    pub same: ChangeTiming,
    /// To a lower rank.
    pub down: ChangeTiming,
    /// Whether merchants' owners may change by themselves.
    pub self_service: bool,
}

impl ChangeRules {
    /// Ours: what is more begins at once, everything else with the next period.
    pub const DEFAULT: Self = Self {
        interval: ChangeTiming::PeriodEnd,
        up: ChangeTiming::Now,
        same: ChangeTiming::PeriodEnd,
        down: ChangeTiming::PeriodEnd,
        self_service: false,
    };

    /// When a change takes place.
    pub const fn timing(&self, direction: Direction, other_interval: bool) -> ChangeTiming {
        match direction {
            _ if other_interval => self.interval,
            Direction::Up => self.up,
            Direction::Same => self.same,
            Direction::Down => self.down,
        }
    }
}

/// What of a line that was charged for a period is given back when the period ends before `today`: all of it where the
/// period has not begun, nothing where it is over.
pub fn unearned(charged: LineAmounts, period: Period, today: Date) -> Result<LineAmounts, BillingError> {
    let used = Period { start: period.start, end: today.clamp(period.start, period.end) }.days();
    Ok(cut(charged, used, period.days())?.left)
}

/// The number of a credit note: year and a gap-free count per merchant, `2026-C000001`.
pub fn credit_note_number(year: i64, count: i64) -> String {
    format!("{year}-C{count:06}")
}

#[cfg(test)]
mod tests {
    use super::super::{Interval, Schedule};
    use super::*;
    use crate::money::Fen;
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = ChangeRules::DEFAULT;
        for (from, to, other_interval, expected) in [
            (1, 2, false, ChangeTiming::Now),
            (2, 1, false, ChangeTiming::PeriodEnd),
            (1, 1, false, ChangeTiming::PeriodEnd),
            (1, 2, true, ChangeTiming::PeriodEnd),
        ] {
            assert_eq!(rules.timing(Direction::of(from, to), other_interval), expected, "{from} to {to}");
        }
        let now = ChangeRules { interval: ChangeTiming::Now, down: ChangeTiming::Now, ..rules };
        assert_eq!(now.timing(Direction::Up, true), ChangeTiming::Now);
        assert_eq!(now.timing(Direction::Down, false), ChangeTiming::Now);
    }

    #[test]
    fn what_is_given_back_follows_the_days() {
        let line = LineAmounts::inside(Fen::new(199_900), 60_000).unwrap();
        let march = Period { start: date(2026, 3, 2), end: date(2026, 4, 2) };
        let left = |today| unearned(line, march, today).unwrap().total.get();
        assert_eq!(left(date(2026, 3, 2)), 199_900);
        assert_eq!(left(date(2026, 2, 1)), 199_900, "it has not begun");
        assert_eq!((left(date(2026, 4, 1)), left(date(2026, 4, 2)), left(date(2027, 1, 1))), (6_448, 0, 0));
        assert_eq!(credit_note_number(2026, 7), "2026-C000007");
    }

    /// A fee charged from a day on.
    #[derive(Clone, Copy)]
    struct Charged {
        line: LineAmounts,
        period: Period,
    }

    fn charge(fee: i64, tax: i64, interval: Interval, on: Date) -> Charged {
        let period = Schedule { anchor: on, first: 0, interval }.period(0).unwrap();
        Charged { line: LineAmounts::inside(Fen::new(fee), tax).unwrap(), period }
    }

    fn interval() -> impl Strategy<Value = Interval> {
        prop::sample::select(Interval::ALL)
    }

    proptest! {
        /// Several changes in one day come to the last one alone, to the fen, in net and in tax.
        #[test]
        fn the_last_change_of_a_day_counts(
            plans in prop::collection::vec((0_i64..10_000_000, 0_i64..500_000, interval()), 2..6),
            on in 0_i64..400, start in 0_i64..2_000,
        ) {
            let begins = date(2026, 1, 1).checked_add(start.days()).unwrap();
            let first = charge(plans[0].0, plans[0].1, plans[0].2, begins);
            let today = begins.checked_add(on.min(first.period.days() - 1).days()).unwrap();
            let change = |sum: LineAmounts, was: Charged, to: (i64, i64, Interval)| {
                let next = charge(to.0, to.1, to.2, today);
                let back = unearned(was.line, was.period, today).unwrap();
                (sum.less(back).unwrap().plus(next.line).unwrap(), next)
            };
            let alone = change(first.line, first, plans[plans.len() - 1]).0;
            let (mut sum, mut runs) = (first.line, first);
            for plan in &plans[1..] {
                (sum, runs) = change(sum, runs, *plan);
            }
            prop_assert_eq!(sum, alone);
        }

        /// What was used and what is given back are the charge.
        #[test]
        fn nothing_is_lost_between_used_and_given_back(
            fee in 0_i64..1_000_000_000, tax in 0_i64..500_000, every in interval(), start in 0_i64..2_000, on in 0_i64..500,
        ) {
            let begins = date(2026, 1, 1).checked_add(start.days()).unwrap();
            let charged = charge(fee, tax, every, begins);
            let today = begins.checked_add(on.days()).unwrap();
            let left = unearned(charged.line, charged.period, today).unwrap();
            let used = charged.line.less(left).unwrap();
            prop_assert!([used, left].iter().all(|part| part.net >= Fen::ZERO && part.tax >= Fen::ZERO));
            prop_assert_eq!(left.total, left.net.add(left.tax).unwrap());
            prop_assert!(on < charged.period.days() || left == LineAmounts::default());
        }
    }
}
