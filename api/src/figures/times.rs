//! How long requests took, in few bytes: counts per bucket, and quantiles read from them. Two neighbouring bounds are a
//! factor of √2 apart, so a quantile is off by less than half of itself whatever the load.

use qianpu_domain::time::Span;

/// Finite buckets; one more takes what is longer than all of them.
const FINITE: usize = 32;
/// Microseconds: 500, 707, 1000, 1414, … to about 23 seconds.
const BOUNDS: [u32; FINITE] = bounds();

const fn bounds() -> [u32; FINITE] {
    let mut bounds = [0; FINITE];
    let mut at = 0;
    while at < FINITE {
        let first = if at.is_multiple_of(2) { 500 } else { 707 };
        bounds[at] = first << (at / 2);
        at += 1;
    }
    bounds
}

/// Counts of requests by time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    finite: [u32; FINITE],
    longer: u32,
    longest: u32,
}

impl Times {
    /// Adds one request.
    pub fn add(&mut self, took: Span) {
        let micros = u32::try_from(took.as_micros().max(0)).unwrap_or(u32::MAX);
        let at = BOUNDS.partition_point(|bound| *bound < micros);
        let count = self.finite.get_mut(at).unwrap_or(&mut self.longer);
        *count = count.saturating_add(1);
        self.longest = self.longest.max(micros);
    }

    /// Adds all that another one counted.
    pub fn add_all(&mut self, other: &Self) {
        for (own, more) in self.finite.iter_mut().zip(other.finite) {
            *own = own.saturating_add(more);
        }
        self.longer = self.longer.saturating_add(other.longer);
        self.longest = self.longest.max(other.longest);
    }

    fn count(&self) -> u64 {
        self.finite.iter().map(|count| u64::from(*count)).sum::<u64>() + u64::from(self.longer)
    }

    /// The time within which so many of a hundred requests were answered; none without requests.
    pub fn quantile(&self, of_a_hundred: u64) -> Option<Span> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = (count * of_a_hundred).div_ceil(100).max(1);
        let (mut before, mut from) = (0, 0);
        for (bound, own) in BOUNDS.iter().zip(self.finite) {
            let own = u64::from(own);
            if before + own >= wanted {
                // Within a bucket they are taken as evenly spread.
                let into = u64::from(bound - from) * (wanted - before) / own;
                let micros = u64::from(from) + into;
                return Some(Span::micros(
                    i64::try_from(micros.min(u64::from(self.longest))).unwrap_or(i64::MAX),
                ));
            }
            (before, from) = (before + own, *bound);
        }
        Some(Span::micros(self.longest.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_the_truth_and_never_above_the_longest() {
        let mut times = Times::default();
        assert_eq!(times.quantile(50), None);
        times.add(Span::micros(3_000));
        assert!(
            times.quantile(50).unwrap() <= Span::micros(3_000) && times.quantile(99) == times.quantile(50)
        );
        let mut times = Times::default();
        for millis in 1..=1_000 {
            times.add(Span::micros(millis * 1_000));
        }
        for (of_a_hundred, truth) in [(1, 10_000), (50, 500_000), (99, 990_000), (100, 1_000_000)] {
            let told = times.quantile(of_a_hundred).unwrap().as_micros();
            assert!(
                (truth * 7 / 10..=truth * 14 / 10).contains(&told),
                "p{of_a_hundred}: {told} for {truth}"
            );
        }
    }

    #[test]
    fn odd_times_are_counted_at_the_ends() {
        let mut times = Times::default();
        times.add(Span::micros(-5));
        times.add(Span::hours(3));
        assert_eq!((times.count(), times.longer), (2, 1));
        assert_eq!(times.quantile(99), Some(Span::micros(u32::MAX.into())));
        let mut both = Times::default();
        both.add_all(&times);
        both.add_all(&times);
        assert_eq!(both.count(), 4);
    }
}
