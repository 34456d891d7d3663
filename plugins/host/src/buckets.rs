//! Token buckets per (account or app, bucket name), in this process.

use crate::vault::{AccountRef, AppRef};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::Bucket;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whose bucket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Owner {
    App(AppRef),
    Account(AccountRef),
    Candidate,
}

/// Micro-calls: a bucket is counted in millionths so that refills need no floats.
const ONE: i64 = 1_000_000;
const SWEEP_AT: usize = 10_000;

struct Level {
    micro_calls: i64,
    at: Timestamp,
}

pub(crate) struct Buckets(Mutex<HashMap<(Owner, &'static str), Level>>);

impl Buckets {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Spends one call. The answer is how long to wait before making it: the level may go below zero, which
    /// keeps waiting callers in order. A wait over `limit` spends nothing and is an error.
    pub(crate) fn spend(
        &self,
        owner: Owner,
        bucket: &Bucket,
        now: Timestamp,
        limit: Duration,
    ) -> Result<Duration, Duration> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= SWEEP_AT {
            // A bucket untouched for a minute is as full as it was going to be for our limits.
            table.retain(|_, level| now.since(level.at).as_seconds() < 60);
        }
        let full = i64::from(bucket.burst.max(1)) * ONE;
        let per_minute = i64::from(bucket.per_minute.max(1));
        let level = table.entry((owner, bucket.name)).or_insert(Level { micro_calls: full, at: now });
        let passed = now.since(level.at).as_micros().clamp(0, 3_600 * ONE);
        level.micro_calls =
            level.micro_calls.saturating_add(passed.saturating_mul(per_minute) / 60).min(full);
        level.at = now;
        let missing = ONE - level.micro_calls;
        let wait = if missing <= 0 { 0 } else { missing.saturating_mul(60) / per_minute };
        let wait = Duration::from_micros(u64::try_from(wait).unwrap_or(0));
        if wait > limit {
            return Err(wait);
        }
        level.micro_calls -= ONE;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::time::Span;

    #[test]
    fn a_bucket_empties_makes_wait_and_fills_again() {
        let buckets = Buckets::new();
        let bucket = Bucket { name: "b", per_minute: 60, burst: 2 };
        let start = Timestamp::from_seconds(100);
        let limit = Duration::from_secs(2);
        let spend = |at| buckets.spend(Owner::Candidate, &bucket, at, limit);
        assert_eq!(spend(start), Ok(Duration::ZERO));
        assert_eq!(spend(start), Ok(Duration::ZERO));
        assert_eq!(spend(start), Ok(Duration::from_secs(1)));
        assert_eq!(spend(start), Ok(Duration::from_secs(2)));
        assert_eq!(spend(start), Err(Duration::from_secs(3)));
        assert_eq!(spend(start.plus(Span::seconds(4))), Ok(Duration::ZERO));
        assert_eq!(spend(start.plus(Span::hours(1))), Ok(Duration::ZERO));
        assert_eq!(spend(start.minus(Span::hours(1))), Ok(Duration::ZERO), "a clock going back does no harm");
    }
}
