//! How often anybody may ask: token buckets per address, per tenant and per caller (a person, a key, an app). They
//! are in memory, of this process, and bounded in number; a bucket that is full again is forgotten.

use qianpu_domain::time::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// The most buckets. Whoever comes when there are so many, and none can be forgotten, shares one with the others.
const MOST_BUCKETS: usize = 50_000;
/// One token, in the unit that buckets count.
const TOKEN: i64 = 1_000_000;

/// Requests that may be made for ever, and at once after a pause. 0 for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_second: u32,
    pub burst: u32,
}

/// The rates of a tenant: of all its callers together, and of each.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    pub tenant: Rate,
    pub caller: Rate,
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Address,
    Tenant,
    Caller,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Address(IpAddr),
    Tenant(Uuid),
    Caller(String),
    /// Those for whom there is no room.
    Everybody,
}

impl Whose {
    fn about(&self) -> About {
        match self {
            Self::Tenant(_) => About::Tenant,
            Self::Caller(_) => About::Caller,
            Self::Address(_) | Self::Everybody => About::Address,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: i64,
    at: Timestamp,
    rate: Rate,
}

impl Bucket {
    fn filled(self, now: Timestamp) -> Self {
        let elapsed = now.since(self.at).as_micros().max(0);
        let most = i64::from(self.rate.burst) * TOKEN;
        let gained = elapsed.saturating_mul(i64::from(self.rate.per_second));
        Self { left: self.left.saturating_add(gained).min(most), at: self.at.max(now), ..self }
    }
    fn is_full(self, now: Timestamp) -> bool {
        self.filled(now).left >= i64::from(self.rate.burst) * TOKEN
    }
}

/// What is left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    pub remaining: u32,
    /// Seconds until it is all there again.
    pub reset: u32,
}

/// Too many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Whose limit it is.
    pub about: About,
    pub rate: Rate,
    pub standing: Standing,
    /// Seconds until one more is let through.
    pub retry_after: u32,
}

#[derive(Debug, Default)]
struct Buckets {
    all: HashMap<Whose, Bucket>,
    swept: Option<Timestamp>,
}

/// Counts requests.
#[derive(Debug)]
pub struct Limits {
    address: Rate,
    buckets: Mutex<Buckets>,
}

impl Limits {
    /// With the rate of each address.
    pub fn new(address: Rate) -> Self {
        Self { address, buckets: Mutex::default() }
    }

    /// A request from an address. Of IPv6 a whole network counts as one, since it is given to one customer.
    pub fn from_address(&self, address: &str, now: Timestamp) -> Result<Option<Standing>, TooMany> {
        let Ok(ip) = address.parse::<IpAddr>() else { return Ok(None) };
        let ip = match ip {
            IpAddr::V4(_) => ip,
            IpAddr::V6(own) => own
                .to_ipv4_mapped()
                .map_or_else(|| IpAddr::V6((own.to_bits() & !u128::from(u64::MAX)).into()), IpAddr::V4),
        };
        self.take(Whose::Address(ip), self.address, now)
    }

    /// A request of a caller, in a tenant. Both are counted; the one that is nearer to its end is told.
    pub fn of_caller(
        &self,
        tenant: Uuid,
        caller: String,
        rates: Rates,
        now: Timestamp,
    ) -> Result<Option<Standing>, TooMany> {
        let own = self.take(Whose::Caller(caller), rates.caller, now)?;
        let all = self.take(Whose::Tenant(tenant), rates.tenant, now)?;
        Ok(own.into_iter().chain(all).min_by_key(|standing| standing.remaining))
    }

    fn take(&self, whose: Whose, rate: Rate, now: Timestamp) -> Result<Option<Standing>, TooMany> {
        if rate.per_second == 0 || rate.burst == 0 {
            return Ok(None);
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = buckets.room_for(whose, now);
        let full = Bucket { left: i64::from(rate.burst) * TOKEN, at: now, rate };
        let about = whose.about();
        let bucket = buckets.all.entry(whose).or_insert(full);
        // The rate may have changed since: what is left stays, as far as the new one allows.
        *bucket = Bucket { rate, ..bucket.filled(now) }.filled(now);
        let allowed = bucket.left >= TOKEN;
        if allowed {
            bucket.left -= TOKEN;
        }
        let standing = standing(*bucket);
        if allowed {
            return Ok(Some(standing));
        }
        Err(TooMany { about, rate, standing, retry_after: seconds_for(TOKEN - bucket.left, rate).max(1) })
    }
}

impl Buckets {
    /// The key under which a request is counted, so that there are never more than [`MOST_BUCKETS`] and one.
    fn room_for(&mut self, whose: Whose, now: Timestamp) -> Whose {
        if self.all.len() < MOST_BUCKETS || self.all.contains_key(&whose) {
            return whose;
        }
        // At most once a second: whoever makes us look at all of them must not make us do it at each request.
        if self.swept.is_none_or(|at| now.since(at).as_micros() >= TOKEN) {
            self.swept = Some(now);
            self.all.retain(|_, bucket| !bucket.is_full(now));
        }
        if self.all.len() < MOST_BUCKETS { whose } else { Whose::Everybody }
    }
}

fn seconds_for(missing: i64, rate: Rate) -> u32 {
    let per_second = i64::from(rate.per_second) * TOKEN;
    u32::try_from((missing.max(0) + per_second - 1) / per_second).unwrap_or(u32::MAX)
}

fn standing(bucket: Bucket) -> Standing {
    let most = i64::from(bucket.rate.burst) * TOKEN;
    Standing {
        limit: bucket.rate.burst,
        remaining: u32::try_from(bucket.left / TOKEN).unwrap_or(0),
        reset: seconds_for(most - bucket.left, bucket.rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::time::Span;

    const RATE: Rate = Rate { per_second: 2, burst: 4 };
    const NONE: Rate = Rate { per_second: 0, burst: 0 };

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let limits = Limits::new(RATE);
        let now = Timestamp::from_seconds(1_000);
        for left in (0..4).rev() {
            let standing = limits.from_address("1.1.1.1", now).unwrap().unwrap();
            assert_eq!((standing.limit, standing.remaining), (4, left));
        }
        let refused = limits.from_address("1.1.1.1", now).unwrap_err();
        assert_eq!((refused.retry_after, refused.standing.remaining, refused.standing.reset), (1, 0, 2));
        assert!(limits.from_address("1.1.1.2", now).is_ok(), "another address");
        let later = now.plus(Span::seconds(1));
        assert!(
            limits.from_address("1.1.1.1", later).is_ok() && limits.from_address("1.1.1.1", later).is_ok()
        );
        assert!(limits.from_address("1.1.1.1", later).is_err());
        // A clock that goes back gives nothing and breaks nothing.
        assert!(limits.from_address("1.1.1.1", now).is_err());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limits = Limits::new(Rate { per_second: 1, burst: 1 });
        let now = Timestamp::from_seconds(1_000);
        assert!(limits.from_address("2400:1:2:3::1", now).is_ok());
        assert!(limits.from_address("2400:1:2:3:ffff::2", now).is_err());
        assert!(limits.from_address("2400:1:2:4::1", now).is_ok());
        assert!(limits.from_address("::ffff:9.9.9.9", now).is_ok());
        assert!(limits.from_address("9.9.9.9", now).is_err(), "the same address in another form");
    }

    #[test]
    fn a_tenant_and_its_callers_are_counted_apart() {
        let limits = Limits::new(NONE);
        let rates =
            Rates { tenant: Rate { per_second: 1, burst: 3 }, caller: Rate { per_second: 1, burst: 2 } };
        let (now, tenant) = (Timestamp::from_seconds(1_000), Uuid::from_u128(1));
        let ask = |tenant, caller: &str| limits.of_caller(tenant, caller.to_owned(), rates, now);
        assert!(ask(tenant, "a").is_ok() && ask(tenant, "a").is_ok());
        assert_eq!(ask(tenant, "a").unwrap_err().about, About::Caller);
        assert!(ask(tenant, "b").is_ok());
        assert_eq!(ask(tenant, "b").unwrap_err().about, About::Tenant);
        assert!(ask(Uuid::from_u128(2), "c").is_ok(), "another tenant");
    }

    #[test]
    fn a_changed_rate_acts_at_once() {
        let limits = Limits::new(NONE);
        let now = Timestamp::from_seconds(1_000);
        let ask = |burst, now| {
            let rate = Rate { per_second: 1, burst };
            limits.of_caller(Uuid::from_u128(1), "a".to_owned(), Rates { tenant: rate, caller: NONE }, now)
        };
        assert_eq!(ask(10, now).unwrap().unwrap().remaining, 9);
        assert_eq!(ask(3, now).unwrap().unwrap().remaining, 2, "nobody keeps more than the new rate gives");
        let later = now.plus(Span::seconds(4));
        assert_eq!(ask(10, later).unwrap().unwrap().remaining, 2, "filled at the rate that held");
        assert_eq!(ask(10, now.plus(Span::seconds(9))).unwrap().unwrap().remaining, 6);
    }

    #[test]
    fn memory_is_bounded_and_full_buckets_are_forgotten() {
        let limits = Limits::new(RATE);
        let now = Timestamp::from_seconds(1_000);
        for number in 0..u32::try_from(MOST_BUCKETS + 10).unwrap() {
            let _ = limits.from_address(&std::net::Ipv4Addr::from_bits(number).to_string(), now);
        }
        let count = |limits: &Limits| limits.buckets.lock().unwrap().all.len();
        assert_eq!(count(&limits), MOST_BUCKETS + 1);
        assert!(limits.from_address("200.0.0.1", now).is_err(), "those without room share one");
        let later = now.plus(Span::seconds(10));
        assert!(limits.from_address("200.0.0.1", later).is_ok());
        assert_eq!(count(&limits), 1);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let limits = Limits::new(NONE);
        let now = Timestamp::from_seconds(1_000);
        assert_eq!(limits.from_address("1.1.1.1", now), Ok(None));
        assert_eq!(limits.from_address("not an address", now), Ok(None));
    }
}
