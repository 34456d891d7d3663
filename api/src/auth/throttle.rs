//! The brake on password guessing: failures per account and per address within a sliding quarter of an
//! hour, in memory and bounded. It is per process on purpose; a shared one would be a lock-out weapon.

use qianpu_domain::time::{Span, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const WINDOW: Span = Span::minutes(15);
const MOST_ENTRIES: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Timestamp,
    count: u32,
}

/// Counts failed log-ins.
#[derive(Debug)]
pub struct Throttle {
    most: u32,
    failures: Mutex<HashMap<String, Failures>>,
}

impl Throttle {
    /// Allows `most` failures per account; an address may fail five times as often, since many people
    /// can share one.
    pub fn new(most: u32) -> Self {
        Self { most, failures: Mutex::new(HashMap::new()) }
    }

    fn keys(&self, account: &str, address: &str) -> [(String, u32); 2] {
        let address_most = self.most.saturating_mul(5);
        [(format!("a:{}", account.to_lowercase()), self.most), (format!("i:{address}"), address_most)]
    }

    /// Seconds to wait before another try, if there were too many.
    pub fn wait(&self, account: &str, address: &str, now: Timestamp) -> Option<u32> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let until = |(key, most): (String, u32)| {
            let found = failures.get(&key).filter(|found| found.count >= most)?;
            let left = WINDOW.as_seconds() - now.since(found.since).as_seconds();
            u32::try_from(left).ok().filter(|left| *left > 0)
        };
        self.keys(account, address).into_iter().filter_map(until).max()
    }

    /// Notes a failure.
    pub fn failed(&self, account: &str, address: &str, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST_ENTRIES {
            failures.retain(|_, found| now.since(found.since) < WINDOW);
        }
        for (key, _) in self.keys(account, address) {
            if failures.len() >= MOST_ENTRIES && !failures.contains_key(&key) {
                continue;
            }
            let entry = failures.entry(key).or_insert(Failures { since: now, count: 0 });
            if now.since(entry.since) >= WINDOW {
                *entry = Failures { since: now, count: 0 };
            }
            entry.count = entry.count.saturating_add(1);
        }
    }

    /// Forgets an account's failures after it succeeded.
    pub fn succeeded(&self, account: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&format!("a:{}", account.to_lowercase()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_a_pause_after_too_many_failures_and_forgets() {
        let throttle = Throttle::new(3);
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..3 {
            assert_eq!(throttle.wait("A@b.c", "1.1.1.1", now), None);
            throttle.failed("a@b.c", "1.1.1.1", now);
        }
        assert_eq!(throttle.wait("A@b.c", "2.2.2.2", now), Some(900));
        assert_eq!(throttle.wait("other@b.c", "1.1.1.1", now), None);
        assert_eq!(throttle.wait("a@b.c", "1.1.1.1", now.plus(WINDOW)), None);
        throttle.succeeded("a@b.c");
        assert_eq!(throttle.wait("a@b.c", "2.2.2.2", now), None);
    }
}
