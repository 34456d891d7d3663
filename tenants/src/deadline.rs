//! Work with a time limit that is stopped whole or not at all. What is stopped drops its transaction, which rolls back
//! with everything in it, the claim of an idempotency key too; but work that has begun to commit is let finish, since
//! stopping it then would leave a part, or nobody could say whether it happened.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

tokio::task_local! {
    static COMMITTED: Arc<AtomicBool>;
}

/// What `work` leads to; none when the time is over before anything of it was committed.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let committed = Arc::new(AtomicBool::new(false));
    let mut work = pin!(COMMITTED.scope(committed.clone(), work));
    match tokio::time::timeout(limit, &mut work).await {
        Ok(outcome) => Some(outcome),
        // Nothing polls the work now, so this is still so when it is dropped or gone on with.
        Err(_) if committed.load(Ordering::SeqCst) => Some(work.await),
        Err(_) => None,
    }
}

/// Called before every commit.
pub(crate) fn committing() {
    // Outside of such work nobody asks.
    let _ = COMMITTED.try_with(|committed| committed.store(true, Ordering::SeqCst));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_millis(50);

    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn work_is_stopped_before_a_commit_and_let_finish_after_one() {
        assert_eq!(within(LIMIT, async { 1 }).await, Some(1));
        let dropped = Arc::new(AtomicBool::new(false));
        let held = Dropped(dropped.clone());
        let slow = async move {
            let _held = held;
            sleep(LIMIT * 20).await;
        };
        assert_eq!(within(LIMIT, slow).await, None);
        assert!(dropped.load(Ordering::SeqCst), "what it held is let go");
        let commits = async {
            committing();
            sleep(LIMIT * 4).await;
            2
        };
        assert_eq!(within(LIMIT, commits).await, Some(2));
        committing();
    }
}
