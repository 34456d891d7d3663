//! Figures of each tenant: how many requests, how long they took, how many failed or were refused, and what waits in
//! its queue. Requests are counted in this process and for the last hour; what waits is read from the database when
//! somebody looks, at most every few seconds. Memory is bounded: so many tenants, each in about two kilobytes.

mod prometheus;
mod queues;
mod times;

pub use prometheus::render;
pub use queues::Queues;
pub use times::Times;

use qianpu_domain::ids::TenantId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::context::TenantCtx;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// One part of the hour.
pub const SLOT: Span = Span::minutes(5);
/// Parts that are kept: the last hour.
pub const SLOTS: usize = 12;

/// Whose a request is; noted on the request as soon as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    pub tenant: TenantId,
    /// The merchant's provider, or the provider itself; none for the operator.
    pub provider: Option<TenantId>,
}

impl From<&TenantCtx> for Whose {
    fn from(ctx: &TenantCtx) -> Self {
        Self { tenant: ctx.tenant(), provider: ctx.provider() }
    }
}

/// Counts of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub requests: u64,
    /// Answered with 5xx: ours to mend.
    pub errors: u64,
    /// Answered with 4xx but 429.
    pub refused: u64,
    /// Answered with 429.
    pub limited: u64,
}

impl Counts {
    fn add(&mut self, status: u16) {
        self.requests += 1;
        match status {
            429 => self.limited += 1,
            400..=499 => self.refused += 1,
            500..=599 => self.errors += 1,
            _ => {}
        }
    }
    /// Adds those of another.
    pub fn add_all(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.refused += other.refused;
        self.limited += other.limited;
    }
}

/// One part of the hour.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot {
    /// Counted from the epoch, in slots.
    number: i64,
    pub counts: Counts,
    /// Of requests that were let through.
    pub times: Times,
}

impl Slot {
    fn add_all(&mut self, other: &Self) {
        self.counts.add_all(&other.counts);
        self.times.add_all(&other.times);
    }
}

/// Counts since a tenant has a line of its own in `/metrics`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    pub counts: Counts,
    /// Microseconds that the requests took together.
    pub micros: u64,
}

impl Totals {
    fn add(&mut self, took: Span, status: u16) {
        self.counts.add(status);
        self.micros = self.micros.saturating_add(took.as_micros().max(0).unsigned_abs());
    }
}

#[derive(Debug)]
struct Tenant {
    provider: Option<TenantId>,
    slots: [Slot; SLOTS],
    seen: Timestamp,
    /// Those with a line of their own in `/metrics`.
    named: Option<Totals>,
}

#[derive(Debug, Default)]
struct Kept {
    tenants: HashMap<TenantId, Box<Tenant>>,
    named: usize,
    /// Of all tenants without a line of their own, together.
    others: Totals,
    swept: Option<Timestamp>,
}

/// The last hour of one tenant, oldest part first.
#[derive(Debug, Clone)]
pub struct Hour {
    pub tenant: TenantId,
    pub provider: Option<TenantId>,
    pub slots: [Slot; SLOTS],
}

impl Hour {
    /// Of a tenant that asked for nothing.
    pub fn quiet(whose: Whose) -> Self {
        Self { tenant: whose.tenant, provider: whose.provider, slots: Default::default() }
    }
    /// All parts together.
    pub fn whole(&self) -> Slot {
        let mut whole = Slot::default();
        self.slots.iter().for_each(|slot| whole.add_all(slot));
        whole
    }
    /// Adds another tenant's, part by part.
    pub fn add_all(&mut self, other: &Self) {
        for (own, more) in self.slots.iter_mut().zip(&other.slots) {
            own.add_all(more);
        }
    }
}

/// Counts requests of tenants.
#[derive(Debug)]
pub struct Figures {
    most: usize,
    most_named: usize,
    since: Timestamp,
    kept: Mutex<Kept>,
    pub queues: Queues,
}

fn slot_number(at: Timestamp) -> i64 {
    at.micros().div_euclid(SLOT.as_micros())
}

fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(SLOTS as i64)).unwrap_or(0)
}

impl Figures {
    /// For at most `most` tenants, of which `most_named` have a line of their own in `/metrics`.
    pub fn new(most: usize, most_named: usize, since: Timestamp) -> Self {
        Self { most: most.max(1), most_named, since, kept: Mutex::default(), queues: Queues::default() }
    }

    /// Since when this process counts.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The most tenants.
    pub fn most(&self) -> usize {
        self.most
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an answered request.
    pub fn record(&self, whose: Whose, now: Timestamp, took: Span, status: u16) {
        let mut kept = self.kept();
        let kept = &mut *kept;
        if !kept.tenants.contains_key(&whose.tenant) && !kept.make_room(self.most, now) {
            kept.others.add(took, status);
            return;
        }
        let tenant = kept.tenants.entry(whose.tenant).or_insert_with(|| {
            let slots = Default::default();
            Box::new(Tenant { provider: whose.provider, slots, seen: now, named: None })
        });
        if tenant.named.is_none() && kept.named < self.most_named {
            tenant.named = Some(Totals::default());
            kept.named += 1;
        }
        tenant.seen = tenant.seen.max(now);
        tenant.named.as_mut().unwrap_or(&mut kept.others).add(took, status);
        let number = slot_number(now);
        let Some(slot) = tenant.slots.get_mut(place(number)) else { return };
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        slot.counts.add(status);
        if status != 429 {
            slot.times.add(took);
        }
    }

    /// The last hour of one tenant.
    pub fn of(&self, whose: Whose, now: Timestamp) -> Hour {
        let kept = self.kept();
        kept.tenants.get(&whose.tenant).map_or_else(|| Hour::quiet(whose), |own| own.hour(whose.tenant, now))
    }

    /// The last hour of each tenant of a provider that asked for anything, the provider's own among them.
    pub fn of_provider(&self, provider: TenantId, now: Timestamp) -> Vec<Hour> {
        let kept = self.kept();
        let own = kept.tenants.iter().filter(|(_, tenant)| tenant.provider == Some(provider));
        own.map(|(id, tenant)| tenant.hour(*id, now)).collect()
    }

    /// Those with a line of their own, by id, and the others together.
    fn named(&self, now: Timestamp) -> (Vec<(TenantId, Totals, Slot)>, Totals) {
        let kept = self.kept();
        let named = kept.tenants.iter().filter_map(|(id, tenant)| {
            tenant.named.map(|totals| (*id, totals, tenant.hour(*id, now).whole()))
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by_key(|(id, _, _)| *id);
        (named, kept.others)
    }
}

impl Tenant {
    fn hour(&self, tenant: TenantId, now: Timestamp) -> Hour {
        let newest = slot_number(now);
        let mut slots = [Slot::default(); SLOTS];
        for (number, slot) in (newest - SLOTS as i64 + 1..=newest).zip(&mut slots) {
            if let Some(own) = self.slots.get(place(number)).filter(|own| own.number == number) {
                *slot = *own;
            }
        }
        Hour { tenant, provider: self.provider, slots }
    }
}

impl Kept {
    /// Whether there is room for one more tenant, after forgetting those who have been quiet for longest.
    fn make_room(&mut self, most: usize, now: Timestamp) -> bool {
        if self.tenants.len() < most {
            return true;
        }
        // At most once a second: whoever makes us look at all of them must not make us do it at each request.
        if self.swept.is_some_and(|at| now.since(at) < Span::seconds(1)) {
            return false;
        }
        self.swept = Some(now);
        let mut seen: Vec<Timestamp> = self.tenants.values().map(|tenant| tenant.seen).collect();
        seen.sort_unstable();
        let quiet = seen.get(most / 10).copied().unwrap_or(now);
        let mut left = most / 10 + 1;
        let (named, others) = (&mut self.named, &mut self.others);
        self.tenants.retain(|_, tenant| {
            if left == 0 || tenant.seen > quiet {
                return true;
            }
            left -= 1;
            if let Some(totals) = tenant.named.take() {
                // What was counted stays counted; its line ends and another tenant may have it.
                *named -= 1;
                others.counts.add_all(&totals.counts);
                others.micros = others.micros.saturating_add(totals.micros);
            }
            false
        });
        self.tenants.len() < most
    }
}

#[cfg(test)]
mod tests;
