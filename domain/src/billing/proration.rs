//! A fee for a part of its period, by whole days (specification §1.1, rule 2).
//!
//! What is given back is counted from what was really charged, never from what the plan costs by now: what was used and
//! what is given back are the charge again, to the fen, in net and in tax.

use super::{BillingError, LineAmounts};
use crate::ledger::rounding::{earned_by, tax_inside};
use crate::money::Fen;

/// A charge cut at a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// For the days before.
    pub used: LineAmounts,
    /// For the days from then on, to be given back.
    pub left: LineAmounts,
}

/// Cuts a charge that was made for `days` after `used` of them.
pub fn cut(charged: LineAmounts, used: i64, days: i64) -> Result<Cut, BillingError> {
    if days < 1 || !(0..=days).contains(&used) {
        return Err(BillingError::Date);
    }
    let (net, tax) = (earned_by(charged.net, used, days)?, earned_by(charged.tax, used, days)?);
    let left = LineAmounts {
        net: charged.net.sub(net)?,
        tax: charged.tax.sub(tax)?,
        total: charged.total.sub(net.add(tax)?)?,
    };
    Ok(Cut { used: LineAmounts { net, tax, total: net.add(tax)? }, left })
}

/// A fee for the last `left` of the `days` of a period: the share of the gross fee, rounded once, with the tax inside it.
pub fn fee_for(fee: Fen, tax_ppm: i64, left: i64, days: i64) -> Result<LineAmounts, BillingError> {
    if days < 1 || !(0..=days).contains(&left) {
        return Err(BillingError::Date);
    }
    let total = fee.ratio(left, days)?;
    let tax = tax_inside(total, tax_ppm)?;
    Ok(LineAmounts { net: total.sub(tax)?, tax, total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(a: LineAmounts, b: LineAmounts) -> LineAmounts {
        let add = |a: Fen, b: Fen| a.add(b).unwrap();
        LineAmounts { net: add(a.net, b.net), tax: add(a.tax, b.tax), total: add(a.total, b.total) }
    }

    #[test]
    fn the_specifications_year_is_cut_after_five_months() {
        let year = fee_for(Fen::new(199_900), 60_000, 12, 12).unwrap();
        let cut = cut(year, 5, 12).unwrap();
        assert_eq!((cut.left.net.get(), cut.left.tax.get(), cut.left.total.get()), (110_008, 6_600, 116_608));
    }

    #[test]
    fn days_outside_the_period_are_refused() {
        let line = fee_for(Fen::new(100), 0, 31, 31).unwrap();
        for (used, days) in [(-1, 31), (32, 31), (0, 0), (1, 0), (i64::MIN, i64::MAX)] {
            assert!(cut(line, used, days).is_err(), "{used} of {days}");
            assert!(fee_for(Fen::new(100), 0, used, days).is_err(), "{used} of {days}");
        }
    }

    /// What is charged for the rest of a period of `days`, and from which of its days on.
    #[derive(Clone, Copy)]
    struct Running {
        line: LineAmounts,
        from: i64,
    }

    /// Another fee from day `on`: what is paid by then in all, and what runs.
    fn change(paid: Fen, was: Running, fee: Fen, tax: i64, on: i64, days: i64) -> (Fen, Running) {
        let back = cut(was.line, on - was.from, days - was.from).unwrap().left.total;
        let line = fee_for(fee, tax, days - on, days).unwrap();
        (paid.sub(back).unwrap().add(line.total).unwrap(), Running { line, from: on })
    }

    proptest! {
        #[test]
        fn used_and_given_back_are_the_charge(fee in 0_i64..1_000_000_000, tax in 0_i64..500_000, days in 1_i64..400, used in 0_i64..400) {
            let line = fee_for(Fen::new(fee), tax, days, days).unwrap();
            let cut = cut(line, used.min(days), days).unwrap();
            prop_assert_eq!(sum(cut.used, cut.left), line);
            prop_assert!([cut.used, cut.left].iter().all(|part| part.net >= Fen::ZERO && part.tax >= Fen::ZERO));
            prop_assert_eq!(cut.left.total, cut.left.net.add(cut.left.tax).unwrap());
        }

        /// Several changes in one day come to the last one alone, to the fen.
        #[test]
        fn the_last_change_of_a_day_counts(fees in prop::collection::vec(0_i64..10_000_000, 2..6), tax in 0_i64..500_000, days in 2_i64..400, on in 0_i64..400) {
            let on = on.min(days - 1);
            let line = fee_for(Fen::new(fees[0]), tax, days, days).unwrap();
            let begun = Running { line, from: 0 };
            let alone = change(line.total, begun, Fen::new(fees[fees.len() - 1]), tax, on, days).0;
            let (mut paid, mut running) = (line.total, begun);
            for fee in &fees[1..] {
                (paid, running) = change(paid, running, Fen::new(*fee), tax, on, days);
            }
            prop_assert_eq!(paid, alone);
        }

        /// However often a plan changes, what was paid is what was used: nothing is left over at the end.
        #[test]
        fn changes_end_with_what_was_used(steps in prop::collection::vec((0_i64..10_000_000, 0_i64..400), 1..8), tax in 0_i64..500_000, days in 1_i64..400) {
            let mut on: Vec<i64> = steps.iter().map(|step| step.1.min(days)).collect();
            on.sort_unstable();
            let line = fee_for(Fen::new(12_345), tax, days, days).unwrap();
            let (mut paid, mut running, mut used) = (line.total, Running { line, from: 0 }, Fen::ZERO);
            for ((fee, _), on) in steps.iter().zip(on) {
                if running.from < days {
                    used = used.add(cut(running.line, on - running.from, days - running.from).unwrap().used.total).unwrap();
                    (paid, running) = change(paid, running, Fen::new(*fee), tax, on, days);
                }
            }
            prop_assert_eq!(paid, used.add(running.line.total).unwrap());
        }
    }
}
