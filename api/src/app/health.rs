//! How a tenant is doing, and a provider's merchants: requests of the last hour as this process counted them, and what
//! waits in the queues of the installation.

use crate::error::Answer;
use crate::figures::{Hour, Slot, Whose};
use crate::http::rates::Said;
use crate::state::AppState;
use qianpu_domain::ids::TenantId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::job_queues::TenantQueue;
use qianpu_tenants::store::tenant::tenant_names;
use std::collections::HashMap;

/// The most merchants of one list.
pub const MOST: usize = 100;

/// What a list begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Most errors of ours first.
    #[default]
    Errors,
    /// The slowest first, by the 99th percentile.
    Slowest,
    /// Most requests first.
    Requests,
    /// Most requests refused by a limit first.
    Limited,
    /// The longest queue first.
    Queue,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 5] = [Self::Errors, Self::Slowest, Self::Requests, Self::Limited, Self::Queue];
    /// The word of the API and the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Slowest => "slowest",
            Self::Requests => "requests",
            Self::Limited => "limited",
            Self::Queue => "queue",
        }
    }
    /// From the word.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == text)
    }
}

/// One tenant's figures.
#[derive(Debug, Clone)]
pub struct TenantHealth {
    pub tenant: TenantId,
    pub name: String,
    /// The last hour as one.
    pub hour: Slot,
    pub waiting: i64,
    /// For how long the oldest waiting job has been due.
    pub oldest: Option<Span>,
    pub laid_aside: i64,
}

impl TenantHealth {
    fn of(hour: &Hour, queue: Option<&TenantQueue>, name: String, at: Timestamp) -> Self {
        Self {
            tenant: hour.tenant,
            name,
            hour: hour.whole(),
            waiting: queue.map_or(0, |queue| queue.waiting),
            oldest: queue.and_then(|queue| queue.oldest).map(|oldest| at.since(oldest)),
            laid_aside: queue.map_or(0, |queue| queue.laid_aside),
        }
    }

    /// Greater comes first.
    fn rank(&self, order: Order) -> (i64, i64, u64) {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let counts = &self.hour.counts;
        let first = match order {
            Order::Errors => (whole(counts.errors), self.laid_aside),
            Order::Slowest => (self.hour.times.quantile(99).map_or(-1, Span::as_micros), 0),
            Order::Requests => (whole(counts.requests), 0),
            Order::Limited => (whole(counts.limited), 0),
            Order::Queue => (self.waiting, self.laid_aside),
        };
        (first.0, first.1, counts.requests)
    }
}

/// A provider's merchants.
#[derive(Debug, Clone)]
pub struct MerchantsHealth {
    /// Since when this process counts.
    pub since: Timestamp,
    /// When the queues were looked at.
    pub looked_at: Timestamp,
    /// All merchants together, part by part.
    pub all: Hour,
    pub merchants: Vec<TenantHealth>,
    /// How many merchants had a request in the last hour or have a job waiting or laid aside.
    pub active: usize,
}

/// How often the caller's tenant may ask, and who said so.
pub async fn rates(state: &AppState, caller: &Caller) -> Answer<Said> {
    state.rates.of(state, caller).await
}

/// The own tenant's figures.
pub async fn own(state: &AppState, grant: &Grant<perm::JobRead>, name: &str) -> Answer<TenantHealth> {
    let ctx = grant.ctx();
    let figures = &state.figures;
    let look = figures.queues.look(&state.db, figures.most(), ctx.request_id()).await?;
    let hour = figures.of(Whose::from(ctx), state.clock().now());
    Ok(TenantHealth::of(&hour, look.queues.get(&ctx.tenant()), name.to_owned(), look.at))
}

/// Figures of the provider's merchants: those with a request in the last hour or something in the queue, in the asked
/// order, at most `limit`.
pub async fn merchants(
    state: &AppState,
    grant: &Grant<perm::MerchantRead>,
    order: Order,
    limit: usize,
) -> Answer<MerchantsHealth> {
    let provider_ctx = grant.provider_ctx()?;
    let provider = provider_ctx.provider();
    let figures = &state.figures;
    let look = figures.queues.look(&state.db, figures.most(), provider_ctx.request_id()).await?;
    let now = state.clock().now();
    let mut hours: HashMap<TenantId, Hour> = figures
        .of_provider(provider, now)
        .into_iter()
        .filter(|hour| hour.tenant != provider)
        .map(|hour| (hour.tenant, hour))
        .collect();
    for queue in look.queues.values().filter(|queue| queue.provider == Some(provider)) {
        if queue.tenant != provider {
            let whose = Whose { tenant: queue.tenant, provider: queue.provider };
            hours.entry(queue.tenant).or_insert_with(|| Hour::quiet(whose));
        }
    }
    let mut all = Hour::quiet(Whose { tenant: provider, provider: Some(provider) });
    let mut found = Vec::with_capacity(hours.len());
    for hour in hours.values() {
        all.add_all(hour);
        let row = TenantHealth::of(hour, look.queues.get(&hour.tenant), String::new(), look.at);
        if row.hour.counts.requests > 0 || row.waiting > 0 || row.laid_aside > 0 {
            found.push(row);
        }
    }
    found.sort_by(|a, b| b.rank(order).cmp(&a.rank(order)).then(a.tenant.cmp(&b.tenant)));
    let active = found.len();
    found.truncate(limit.min(MOST));
    // Names come from the database, as this provider may see it: who is not its merchant has none and is not shown.
    let ids: Vec<TenantId> = found.iter().map(|row| row.tenant).collect();
    let tx = state.db.read_provider(&provider_ctx).await?;
    let mut names = tenant_names(&tx, &ids).await?;
    let named = found.into_iter().filter_map(|row| {
        let name = names.remove(&row.tenant)?;
        Some(TenantHealth { name, ..row })
    });
    Ok(MerchantsHealth {
        since: figures.since(),
        looked_at: look.at,
        all,
        merchants: named.collect(),
        active,
    })
}
