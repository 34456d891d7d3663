//! The time a call of a plugin may take: that of the processor, so that a plugin is not blamed for a busy machine.

use std::time::{Duration, Instant};
use wasmtime::{Store, UpdateDeadline};

/// How often the engine's clock ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Times the limit that a call may take by the clock on the wall.
const PATIENCE: u32 = 20;

/// Stops the store's code when it has had this much of the processor.
pub(crate) fn stop_after<T>(store: &mut Store<T>, limit: Duration) {
    let (began, had) = (Instant::now(), processor_time());
    store.set_epoch_deadline(ticks(limit));
    store.epoch_deadline_callback(move |_| {
        let waited = began.elapsed();
        let used = match (had, processor_time()) {
            (Some(had), Some(now)) => now.saturating_sub(had),
            _ => waited,
        };
        if used >= limit || waited >= limit * PATIENCE {
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::Continue(ticks(limit - used)))
    });
}

/// Ticks after which so much time has passed.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(1) + 1
}

/// What this thread has had of the processor so far; none where that is not known. A call stays on its thread.
#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_not_counted_and_work_is() {
        let before = processor_time().unwrap_or_default();
        let (_sender, nothing) = std::sync::mpsc::channel::<()>();
        assert!(nothing.recv_timeout(Duration::from_millis(200)).is_err());
        let waited = processor_time().unwrap_or_default() - before;
        assert!(waited < Duration::from_millis(100), "{waited:?}");
        let until = before + Duration::from_millis(300);
        while processor_time().is_some_and(|now| now < until) {
            std::hint::spin_loop();
        }
        assert!(processor_time().is_some_and(|now| now >= until));
    }
}
