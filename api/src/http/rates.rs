//! How often each tenant may ask: looked up once in a while and kept for some seconds, so that a request costs no look
//! at the database and a changed rule or plan acts soon.

use super::limits::{Rate, Rates};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::TenantId;
use qianpu_domain::policy::{RateSource, RateTerms, RequestRate, request_rates};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::authz::Caller;
use qianpu_tenants::resolve::rate_sources;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long a look holds, in every process; a rule that is changed in this one acts at once.
const KEPT: Span = Span::seconds(30);
/// The most tenants; when there are more, all are looked up anew.
const MOST: usize = 50_000;

/// What holds for a tenant, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    pub terms: RateTerms,
    pub source: RateSource,
}

/// What holds for tenants.
#[derive(Debug, Default)]
pub struct RateBook {
    kept: Mutex<HashMap<TenantId, (Said, Timestamp)>>,
}

impl RateBook {
    /// What holds for the caller's tenant. Providers and the operator have the installation's own.
    pub async fn of(&self, state: &AppState, caller: &Caller) -> Answer<Said> {
        let (installation, most) = (state.config.limits.terms(), state.config.limits.most());
        let own = Said { terms: installation, source: RateSource::Installation };
        let Some(provider) = caller.provider().filter(|_| caller.surface() == Surface::Merchant) else {
            return Ok(own);
        };
        let now = state.clock().now();
        if let Some(said) = self.kept(caller.tenant(), now) {
            return Ok(said);
        }
        let sources = rate_sources(&state.db, caller).await?;
        let about = (provider, caller.tenant());
        let (terms, source) = request_rates(&sources.rules, &sources.plan, about, now, (installation, most));
        let said = Said { terms, source };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(caller.tenant(), (said, now));
        Ok(said)
    }

    fn kept(&self, tenant: TenantId, now: Timestamp) -> Option<Said> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, at) = kept.get(&tenant)?;
        (now >= *at && now.since(*at) < KEPT).then_some(*said)
    }

    /// Everything is looked up anew: a rule or a plan has changed.
    pub fn forget(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn rate(rate: RequestRate) -> Rate {
    Rate { per_second: rate.per_second, burst: rate.at_once }
}

impl From<RateTerms> for Rates {
    fn from(terms: RateTerms) -> Self {
        Self { tenant: rate(terms.tenant), caller: rate(terms.caller) }
    }
}
