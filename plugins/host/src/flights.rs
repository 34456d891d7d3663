//! One refresh at a time per account: whoever comes second waits and finds the new token.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Locks by key. Unused locks are dropped when the table grows.
pub(crate) struct Flights<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

const SWEEP_AT: usize = 1_024;

impl<K: Eq + Hash + Copy> Flights<K> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Takes the lock of a key; it is released when the guard is dropped.
    pub(crate) async fn take(&self, key: K) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if table.len() >= SWEEP_AT {
                table.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            table.entry(key).or_default().clone()
        };
        lock.lock_owned().await
    }
}
