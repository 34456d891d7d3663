//! When a key or an app was last seen, so that its row is written at most once a minute however often it calls. In
//! memory, bounded, per process; the row's own condition keeps several processes from writing it more often.

use qianpu_domain::time::{Span, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// How exactly a last use is known.
pub const EVERY: Span = Span::minutes(1);
const MOST_ENTRIES: usize = 20_000;

/// Remembers what was noted lately.
#[derive(Debug, Default)]
pub struct LastUse(Mutex<HashMap<Uuid, Timestamp>>);

impl LastUse {
    /// Whether a use now has to be noted; it counts as noted then.
    pub fn due(&self, id: Uuid, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&id).is_some_and(|at| now.since(*at) < EVERY) {
            return false;
        }
        if noted.len() >= MOST_ENTRIES {
            noted.retain(|_, at| now.since(*at) < EVERY);
        }
        // Full of ids that are all in use: this one waits for the next minute.
        if noted.len() >= MOST_ENTRIES {
            return false;
        }
        noted.insert(id, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let last_use = LastUse::default();
        let now = Timestamp::from_seconds(1_000);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(last_use.due(one, now) && last_use.due(two, now));
        assert!(!last_use.due(one, now.plus(Span::seconds(59))));
        assert!(last_use.due(one, now.plus(EVERY)));
    }
}
