//! Circuit breakers: an interface of a platform that failed several times in a row is left alone for a while, so that
//! jobs of other accounts and other platforms do not stand behind its time limits. Counted in this process, per
//! interface and for all accounts together: one broken interface does not stop the others of the same host.

use crate::config::HostConfig;
use qianpu_domain::time::{Span, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Interfaces that are remembered at once; a plugin makes its paths itself, so there has to be a bound.
const MOST: usize = 1_000;

/// An interface of a platform.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Interface {
    pub(crate) channel: &'static str,
    pub(crate) host: &'static str,
    pub(crate) path: String,
}

/// An interface that is left alone at the moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resting {
    /// The plugin's name of the host.
    pub host: &'static str,
    /// The path, without query.
    pub path: String,
    /// When it is tried again.
    pub until: Timestamp,
}

#[derive(Default)]
struct Breaker {
    /// Failures in a row.
    failures: u32,
    /// Rests in a row.
    rests: u32,
    /// Closed for calls until then.
    until: Option<Timestamp>,
    /// One call went out after a rest and has not come back.
    probing: bool,
}

pub(crate) struct Breakers {
    table: Mutex<HashMap<Interface, Breaker>>,
    failures: u32,
    rest: Span,
    longest_rest: Span,
    /// A probe that was never heard of again holds the others back no longer than this.
    probe: Span,
}

impl Breakers {
    pub(crate) fn new(config: &HostConfig) -> Self {
        Self {
            table: Mutex::new(HashMap::new()),
            failures: config.breaker_failures.max(1),
            rest: span(config.breaker_rest),
            longest_rest: span(config.breaker_longest_rest),
            probe: span(config.max_timeout),
        }
    }

    /// Whether a call may be made now; otherwise how long to wait. After a rest one call is let through.
    pub(crate) fn ask(&self, interface: &Interface, now: Timestamp) -> Result<(), Duration> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(breaker) = table.get_mut(interface) else { return Ok(()) };
        match breaker.until {
            Some(until) if until > now => {
                Err(Duration::from_micros(u64::try_from(until.since(now).as_micros()).unwrap_or(0)))
            }
            Some(_) => {
                breaker.probing = true;
                breaker.until = Some(now.plus(self.probe));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells how a call went.
    pub(crate) fn tell(&self, interface: &Interface, failed: bool, now: Timestamp) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            if table.remove(interface).is_some_and(|breaker| breaker.until.is_some()) {
                tracing::info!(?interface, "the platform answers again");
            }
            return;
        }
        if table.len() >= MOST && !table.contains_key(interface) {
            table.retain(|_, breaker| breaker.until.is_some_and(|until| until > now));
            if table.len() >= MOST {
                return;
            }
        }
        let breaker = table.entry(interface.clone()).or_default();
        breaker.failures = breaker.failures.saturating_add(1);
        // Calls that were under way when it closed come back later; they are no news.
        let late = breaker.until.is_some() && !breaker.probing;
        if breaker.failures < self.failures || late {
            return;
        }
        let rest = self.rest.as_micros().saturating_mul(1 << breaker.rests.min(16));
        let rest = Span::micros(rest.min(self.longest_rest.as_micros()));
        breaker.rests = breaker.rests.saturating_add(1);
        breaker.probing = false;
        breaker.until = Some(now.plus(rest));
        let seconds = rest.as_seconds();
        tracing::warn!(?interface, seconds, "the platform does not answer and is left alone for a while");
        metrics::counter!(
            "qianpu_channel_breaker_opened_total", "channel" => interface.channel, "host" => interface.host
        )
        .increment(1);
    }

    /// The interfaces of a channel that are left alone.
    pub(crate) fn resting(&self, channel: &str, now: Timestamp) -> Vec<Resting> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut resting: Vec<_> = table
            .iter()
            .filter(|(interface, _)| interface.channel == channel)
            .filter_map(|(interface, breaker)| {
                let until = breaker.until.filter(|until| *until > now)?;
                Some(Resting { host: interface.host, path: interface.path.clone(), until })
            })
            .collect();
        resting.sort_by(|a, b| (a.host, &a.path).cmp(&(b.host, &b.path)));
        resting
    }
}

fn span(duration: Duration) -> Span {
    Span::micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(path: &str) -> Interface {
        Interface { channel: "c", host: "api", path: path.to_owned() }
    }

    fn breakers() -> Breakers {
        let config = HostConfig {
            breaker_failures: 3,
            breaker_rest: Duration::from_secs(10),
            breaker_longest_rest: Duration::from_secs(15),
            max_timeout: Duration::from_secs(60),
            ..HostConfig::default()
        };
        Breakers::new(&config)
    }

    #[test]
    fn it_closes_after_failures_in_a_row_and_opens_by_one_call() {
        let (breakers, sick, well) = (breakers(), interface("/sick"), interface("/well"));
        let at = |seconds: i64| Timestamp::from_seconds(100 + seconds);
        for _ in 0..2 {
            breakers.tell(&sick, true, at(0));
        }
        breakers.tell(&sick, false, at(0));
        for _ in 0..2 {
            breakers.tell(&sick, true, at(0));
        }
        assert_eq!(breakers.ask(&sick, at(0)), Ok(()), "not three in a row yet");
        breakers.tell(&sick, true, at(0));
        assert_eq!(breakers.ask(&sick, at(4)), Err(Duration::from_secs(6)));
        assert_eq!(breakers.ask(&well, at(4)), Ok(()), "another interface of the same host goes on");
        let resting = Resting { host: "api", path: "/sick".to_owned(), until: at(10) };
        assert_eq!(breakers.resting("c", at(4)), [resting]);
        assert!(breakers.resting("other", at(4)).is_empty());
        breakers.tell(&sick, true, at(5));
        assert_eq!(breakers.ask(&sick, at(10)), Ok(()), "a late failure does not make the rest longer");
        assert_eq!(breakers.ask(&sick, at(10)), Err(Duration::from_secs(60)), "one call is let through");
        breakers.tell(&sick, true, at(11));
        assert_eq!(
            breakers.ask(&sick, at(11)),
            Err(Duration::from_secs(15)),
            "twice as long, up to the limit"
        );
        assert_eq!(breakers.ask(&sick, at(26)), Ok(()));
        breakers.tell(&sick, false, at(27));
        assert_eq!(breakers.ask(&sick, at(27)), Ok(()));
        assert!(breakers.resting("c", at(27)).is_empty());
        breakers.tell(&sick, true, at(28));
        assert_eq!(breakers.ask(&sick, at(28)), Ok(()), "it starts to count anew");
    }

    #[test]
    fn a_call_that_never_comes_back_does_not_close_it_for_ever() {
        let (breakers, sick) = (breakers(), interface("/sick"));
        let at = |seconds: i64| Timestamp::from_seconds(100 + seconds);
        for _ in 0..3 {
            breakers.tell(&sick, true, at(0));
        }
        assert_eq!(breakers.ask(&sick, at(10)), Ok(()));
        assert_eq!(breakers.ask(&sick, at(69)), Err(Duration::from_secs(1)));
        assert_eq!(breakers.ask(&sick, at(70)), Ok(()));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let breakers = breakers();
        let now = Timestamp::from_seconds(100);
        for n in 0..MOST + 10 {
            breakers.tell(&interface(&format!("/{n}")), true, now);
        }
        assert!(breakers.table.lock().unwrap().len() <= MOST);
    }
}
