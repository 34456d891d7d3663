//! Rounding so that no fen is lost (specification §3.3, R2–R8).

use crate::money::{Fen, MoneyOverflow};

/// A million, the scale of rates.
pub const PPM: i64 = 1_000_000;

/// The tax inside a gross price: `half_up(gross · r / (1 + r))` with `r` in ppm (R7).
pub fn tax_inside(gross: Fen, rate_ppm: i64) -> Result<Fen, MoneyOverflow> {
    gross.ratio(rate_ppm, PPM.checked_add(rate_ppm).ok_or(MoneyOverflow)?)
}

/// What is earned by the end of slice `k` of `n` (R4): `half_up(total · k / n)`.
pub fn earned_by(total: Fen, k: i64, n: i64) -> Result<Fen, MoneyOverflow> {
    // Checked first: `clamp` panics when its bounds are the wrong way round.
    if n < 1 {
        return Err(MoneyOverflow);
    }
    total.ratio(k.clamp(0, n), n)
}

/// Slice `k` (1 to `n`) of `total`: the target minus what was earned before, so that the slices sum to the whole.
pub fn slice(total: Fen, k: i64, n: i64) -> Result<Fen, MoneyOverflow> {
    earned_by(total, k, n)?.sub(earned_by(total, k.saturating_sub(1), n)?)
}

/// Splits `total` by weights with the largest remainder, ties by position (R5). For one-shot allocations only:
/// it is not monotone with three or more parties. Weights are not negative; all zero gives everything to the first.
pub fn largest_remainder(total: Fen, weights: &[i64]) -> Result<Vec<Fen>, MoneyOverflow> {
    let Some(first) = weights.first() else { return nobody(total) };
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if weights.iter().any(|weight| *weight < 0) || total.get() < 0 {
        return Err(MoneyOverflow);
    }
    if sum == 0 {
        debug_assert_eq!(*first, 0);
        return Ok(weights
            .iter()
            .enumerate()
            .map(|(index, _)| if index == 0 { total } else { Fen::ZERO })
            .collect());
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut given: i64 = 0;
    for weight in weights {
        let product = i128::from(total.get()) * i128::from(*weight);
        let part = i64::try_from(product / sum).map_err(|_| MoneyOverflow)?;
        given = given.checked_add(part).ok_or(MoneyOverflow)?;
        parts.push((part, product % sum));
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(parts.get(*index).map_or(0, |part| part.1)));
    let left = usize::try_from(total.get() - given).map_err(|_| MoneyOverflow)?;
    for index in order.into_iter().take(left) {
        if let Some(part) = parts.get_mut(index) {
            part.0 += 1;
        }
    }
    Ok(parts.into_iter().map(|(part, _)| Fen::new(part)).collect())
}

/// Splits `total` among parties in a fixed order: each takes `half_up(rest · w / W_rest)`, the last one the
/// rest (R6). Use it for commission: a smaller total never raises anybody's part.
pub fn cascade(total: Fen, weights: &[i64]) -> Result<Vec<Fen>, MoneyOverflow> {
    if weights.is_empty() {
        return nobody(total);
    }
    let mut rest = total;
    let mut rest_weight: i64 = 0;
    for weight in weights {
        rest_weight = rest_weight.checked_add(*weight).filter(|_| *weight >= 0).ok_or(MoneyOverflow)?;
    }
    let mut parts = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let last = index + 1 == weights.len();
        let part = if last || rest_weight == 0 { rest } else { rest.ratio(*weight, rest_weight)? };
        rest = rest.sub(part)?;
        rest_weight -= weight;
        parts.push(part);
    }
    Ok(parts)
}

/// Without parties only nothing can be split: an empty answer to a real amount would lose it.
fn nobody(total: Fen) -> Result<Vec<Fen>, MoneyOverflow> {
    if total == Fen::ZERO { Ok(Vec::new()) } else { Err(MoneyOverflow) }
}

/// The total of a metered line, rounded once: `half_up(quantity · price per million units / 10^6)` (R3).
pub fn metered(quantity: i64, price_per_million: Fen) -> Result<Fen, MoneyOverflow> {
    if quantity < 0 || price_per_million < Fen::ZERO {
        return Err(MoneyOverflow);
    }
    price_per_million.ratio(quantity, PPM)
}

/// What a running meter adds to what was billed when it goes from `billed` to `now` units (R3): the pieces of a meter
/// sum to its whole, however often it is read.
pub fn metered_between(billed: i64, now: i64, price_per_million: Fen) -> Result<Fen, MoneyOverflow> {
    if now < billed {
        return Err(MoneyOverflow);
    }
    metered(now, price_per_million)?.sub(metered(billed, price_per_million)?)
}

/// What must have been refunded once `refunded` of `quantity` pieces of a line came back (R8).
pub fn refunded_by(line_total: Fen, refunded: i64, quantity: i64) -> Result<Fen, MoneyOverflow> {
    if quantity < 1 {
        return Err(MoneyOverflow);
    }
    line_total.ratio(refunded.clamp(0, quantity), quantity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fen(values: &[Fen]) -> Vec<i64> {
        values.iter().map(|fen| fen.get()).collect()
    }

    #[test]
    fn the_figures_of_the_specification() {
        assert_eq!(tax_inside(Fen::new(199_900), 60_000), Ok(Fen::new(11_315)));
        assert_eq!(tax_inside(Fen::new(55_553), 60_000), Ok(Fen::new(3_145)));
        assert_eq!(tax_inside(Fen::new(196), 60_000), Ok(Fen::new(11)));
        assert_eq!(earned_by(Fen::new(188_585), 5, 12), Ok(Fen::new(78_577)));
        assert_eq!(fen(&cascade(Fen::new(1_280), &[63, 27, 10]).unwrap()), [806, 346, 128]);
        assert_eq!(fen(&cascade(Fen::new(980), &[63, 27, 10]).unwrap()), [617, 265, 98]);
        assert_eq!(fen(&largest_remainder(Fen::new(8), &[73, 98, 9]).unwrap()), [3, 4, 1]);
        assert_eq!(fen(&largest_remainder(Fen::new(9), &[73, 98, 9]).unwrap()), [4, 5, 0]);
    }

    #[test]
    fn parts_that_make_no_whole_are_refused_and_never_panic() {
        let one = Fen::new(1);
        for n in [0, -1, i64::MIN] {
            assert!(earned_by(one, 1, n).is_err(), "{n}");
            assert!(slice(one, 1, n).is_err(), "{n}");
            assert!(refunded_by(one, 1, n).is_err(), "{n}");
        }
        assert!(cascade(one, &[]).is_err() && largest_remainder(one, &[]).is_err());
        assert_eq!((cascade(Fen::ZERO, &[]), largest_remainder(Fen::ZERO, &[])), (Ok(vec![]), Ok(vec![])));
        assert!(cascade(one, &[2, -1]).is_err() && largest_remainder(one, &[2, -1]).is_err());
        assert_eq!(metered(12_345, Fen::new(4_500_000)), Ok(Fen::new(55_553)));
        assert!(metered(-1, one).is_err() && metered(i64::MAX, Fen::new(i64::MAX)).is_err());
        let all = Fen::new(i64::MAX);
        assert_eq!(Fen::sum(cascade(all, &[1, 1, 1]).unwrap()), Ok(all));
        assert_eq!(Fen::sum(largest_remainder(all, &[1, 1, 1]).unwrap()), Ok(all));
        assert_eq!(earned_by(all, 12, 12), Ok(all));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(total in 0_i64..=100_000_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..9), n in 1_i64..400) {
            let whole = Fen::new(total);
            prop_assert_eq!(Fen::sum(cascade(whole, &weights).unwrap()), Ok(whole));
            prop_assert_eq!(Fen::sum(largest_remainder(whole, &weights).unwrap()), Ok(whole));
            let slices: Vec<Fen> = (1..=n).map(|k| slice(whole, k, n).unwrap()).collect();
            prop_assert!(slices.iter().all(|part| *part >= Fen::ZERO));
            prop_assert_eq!(Fen::sum(slices), Ok(whole));
        }

        #[test]
        fn a_smaller_total_raises_nobody(total in 1_i64..10_000_000, less in 0_i64..10_000_000, weights in prop::collection::vec(1_i64..1_000, 1..6)) {
            let big = cascade(Fen::new(total), &weights).unwrap();
            let small = cascade(Fen::new(total.min(less)), &weights).unwrap();
            prop_assert!(small.iter().zip(&big).all(|(a, b)| a <= b));
        }

        #[test]
        fn refunds_end_at_the_line_total_in_any_steps(total in 0_i64..10_000_000, quantity in 1_i64..50) {
            prop_assert_eq!(refunded_by(Fen::new(total), quantity, quantity), Ok(Fen::new(total)));
            let mut before = Fen::ZERO;
            for refunded in 0..=quantity {
                let now = refunded_by(Fen::new(total), refunded, quantity).unwrap();
                prop_assert!(now >= before);
                before = now;
            }
        }
    }
}
