//! What waits for its tenant: whoever brings the first begins to work it off, in groups; what comes meanwhile waits for
//! the next group.

use qianpu_domain::ids::TenantId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most of one group.
const MOST_TOGETHER: usize = 64;
/// The most of a tenant that wait.
const MOST_WAITING: usize = 1_000;

type Waiting<T> = HashMap<TenantId, VecDeque<T>>;

/// A queue for each tenant that somebody works for now.
pub(super) struct TenantQueues<T>(Mutex<Waiting<T>>);

impl<T> Default for TenantQueues<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> TenantQueues<T> {
    fn held(&self) -> MutexGuard<'_, Waiting<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; whether whoever brings it has to begin with [`TenantQueues::groups`]. None when too many wait.
    pub(super) fn add(&self, tenant: TenantId, one: T) -> Option<bool> {
        let mut held = self.held();
        let begins = !held.contains_key(&tenant);
        let queue = held.entry(tenant).or_default();
        if queue.len() >= MOST_WAITING {
            return None;
        }
        queue.push_back(one);
        Some(begins)
    }

    /// The tenant's groups, until none wait.
    pub(super) fn groups(&self, tenant: TenantId) -> Groups<'_, T> {
        Groups { queues: self, tenant, ended: false }
    }
}

/// Groups of what waits for a tenant. When it is dropped before its end, what waits is dropped too, so that nobody waits
/// in vain and the next to come begins anew.
pub(super) struct Groups<'a, T> {
    queues: &'a TenantQueues<T>,
    tenant: TenantId,
    ended: bool,
}

impl<T> Iterator for Groups<'_, T> {
    type Item = Vec<T>;

    fn next(&mut self) -> Option<Vec<T>> {
        // What is there after the end is somebody else's.
        if self.ended {
            return None;
        }
        let mut held = self.queues.held();
        let group: Vec<T> = held.get_mut(&self.tenant).map_or_else(Vec::new, |queue| {
            let many = queue.len().min(MOST_TOGETHER);
            queue.drain(..many).collect()
        });
        if group.is_empty() {
            held.remove(&self.tenant);
            self.ended = true;
            return None;
        }
        Some(group)
    }
}

impl<T> Drop for Groups<'_, T> {
    fn drop(&mut self) {
        if !self.ended {
            self.queues.held().remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ONE: TenantId = TenantId(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId(Uuid::from_u128(2));

    #[test]
    fn the_first_begins_and_the_others_join_the_next_group() {
        let queues = TenantQueues::default();
        assert_eq!(
            (queues.add(ONE, 0), queues.add(OTHER, 100), queues.add(ONE, 1)),
            (Some(true), Some(true), Some(false))
        );
        let mut groups = queues.groups(ONE);
        assert_eq!(groups.next(), Some(vec![0, 1]));
        // While that group is worked on.
        for number in 2..100 {
            assert_eq!(queues.add(ONE, number), Some(false));
        }
        assert_eq!(groups.next().map(|group| (group[0], group.len())), Some((2, MOST_TOGETHER)));
        assert_eq!(groups.next().map(|group| (group[0], group.len())), Some((66, 34)));
        assert_eq!(groups.next(), None);
        // From here on another begins, and this one touches nothing of it.
        assert_eq!(queues.add(ONE, 7), Some(true));
        assert_eq!(groups.next(), None);
        drop(groups);
        assert_eq!(queues.groups(ONE).next(), Some(vec![7]));
        assert_eq!(queues.groups(OTHER).next(), Some(vec![100]));
    }

    #[test]
    fn too_many_are_turned_away_and_one_tenant_is_not_anothers_limit() {
        let queues = TenantQueues::default();
        for number in 0..MOST_WAITING {
            assert_eq!(queues.add(ONE, number), Some(number == 0));
        }
        assert_eq!(queues.add(ONE, 0), None);
        assert_eq!(queues.add(OTHER, 0), Some(true));
    }

    #[test]
    fn who_stops_in_the_middle_leaves_nobody_waiting() {
        let queues = TenantQueues::default();
        let held = std::sync::Arc::new(());
        for _ in 0..MOST_TOGETHER + 5 {
            queues.add(ONE, held.clone());
        }
        let mut groups = queues.groups(ONE);
        drop(groups.next());
        drop(groups);
        assert_eq!(std::sync::Arc::strong_count(&held), 1, "what waited is gone");
        assert_eq!(queues.add(ONE, held), Some(true));
    }
}
