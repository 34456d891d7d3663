//! The one home of the clock. Everything else gets a [`Timestamp`].

use qianpu_domain::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of "now": the machine's clock, or for tests one that only moves when told to, or the machine's
/// clock put forward.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
    Ahead(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `at` until [`Clock::advance`] is called. Clones share the time.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(at.micros()))))
    }

    /// The machine's clock, ahead by what [`Clock::advance`] adds: for tests beside something that runs on
    /// the machine's clock. Clones share the time.
    pub fn ahead() -> Self {
        Self(Source::Ahead(Arc::default()))
    }

    /// Moves a clock made for tests; a system clock ignores it.
    pub fn advance(&self, span: Span) {
        if let Source::Fixed(micros) | Source::Ahead(micros) = &self.0 {
            micros.fetch_add(span.as_micros(), Ordering::SeqCst);
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Fixed(micros) => Timestamp::from_micros(micros.load(Ordering::SeqCst)),
            Source::Ahead(micros) => system_now().plus(Span::micros(micros.load(Ordering::SeqCst))),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one home of the clock")]
fn system_now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}
