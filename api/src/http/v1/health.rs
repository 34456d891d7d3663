//! `/health`: figures of the own tenant, and of a provider's merchants.

use crate::app::health::{self, MOST, Order, TenantHealth};
use crate::error::Answer;
use crate::figures::{SLOT, Slot};
use crate::http::extract::{Authed, Json, Query};
use crate::http::rates::Said;
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::TenantId;
use qianpu_domain::time::Span;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/health", get_health, "Requests of the last hour and background jobs of the own tenant");
    api.get("/health/merchants", list_merchant_health, "The same of the provider's merchants");
}

/// Requests of the last hour, as the process that answers has counted them.
#[derive(Debug, Serialize, ToSchema)]
struct RequestFigures {
    requests: u64,
    /// Half of them were answered within this many milliseconds.
    p50_ms: Option<i64>,
    /// 99 of 100 were.
    p99_ms: Option<i64>,
    /// Answered with 5xx.
    errors: u64,
    /// Answered with 4xx, 429 apart.
    refused: u64,
    /// Answered with 429: refused by a limit.
    limited: u64,
}

/// Whole milliseconds, rounded up: nothing takes no time.
pub(in crate::http) fn millis(span: Span) -> i64 {
    span.as_micros().max(0).unsigned_abs().div_ceil(1_000).try_into().unwrap_or(i64::MAX)
}

impl From<&Slot> for RequestFigures {
    fn from(slot: &Slot) -> Self {
        Self {
            requests: slot.counts.requests,
            p50_ms: slot.times.quantile(50).map(millis),
            p99_ms: slot.times.quantile(99).map(millis),
            errors: slot.counts.errors,
            refused: slot.counts.refused,
            limited: slot.counts.limited,
        }
    }
}

/// Background jobs.
#[derive(Debug, Serialize, ToSchema)]
struct QueueFigures {
    /// Due, and nobody runs them yet.
    waiting: i64,
    /// For how many seconds the oldest of them has been due.
    oldest_seconds: Option<i64>,
    /// Failed, and wait for a person.
    laid_aside: i64,
}

impl From<&TenantHealth> for QueueFigures {
    fn from(row: &TenantHealth) -> Self {
        Self {
            waiting: row.waiting,
            oldest_seconds: row.oldest.map(Span::as_seconds),
            laid_aside: row.laid_aside,
        }
    }
}

/// How often the tenant may ask; 0 per second is no limit. Beyond it the answer is 429 with `Retry-After`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RequestLimits {
    /// All people, keys and apps of the tenant together, for ever.
    pub per_second: u32,
    /// The same at once after a pause.
    pub at_once: u32,
    /// Each of them.
    pub caller_per_second: u32,
    pub caller_at_once: u32,
    /// Who said so: `merchant_rule`, `plan`, `provider_rule`, `platform_rule` or `installation`.
    pub source: &'static str,
}

impl From<Said> for RequestLimits {
    fn from(said: Said) -> Self {
        let (tenant, caller) = (said.terms.tenant, said.terms.caller);
        Self {
            per_second: tenant.per_second,
            at_once: tenant.at_once,
            caller_per_second: caller.per_second,
            caller_at_once: caller.at_once,
            source: said.source.as_str(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct OwnHealthBody {
    /// Since when this process counts.
    #[schema(value_type = String)]
    counted_since: Time,
    last_hour: RequestFigures,
    jobs: QueueFigures,
    limits: RequestLimits,
}

async fn get_health(auth: Authed<perm::JobRead>) -> Answer<Json<OwnHealthBody>> {
    let row = health::own(&auth.state, &auth.grant, auth.caller.tenant_name()).await?;
    Ok(Json(OwnHealthBody {
        counted_since: Time(auth.state.figures.since()),
        last_hour: (&row.hour).into(),
        jobs: (&row).into(),
        limits: health::rates(&auth.state, &auth.caller).await?.into(),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct MerchantHealthQuery {
    /// What comes first: `errors`, `slowest`, `requests`, `limited` or `queue`.
    order: Option<String>,
    /// 1 to 100.
    limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MerchantHealthBody {
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    name: String,
    last_hour: RequestFigures,
    jobs: QueueFigures,
}

/// A part of the last hour.
#[derive(Debug, Serialize, ToSchema)]
struct PartBody {
    /// Minutes before the end of the hour at which the part begins.
    minutes_ago: i64,
    #[serde(flatten)]
    figures: RequestFigures,
}

#[derive(Debug, Serialize, ToSchema)]
struct MerchantsHealthBody {
    /// Since when this process counts.
    #[schema(value_type = String)]
    counted_since: Time,
    /// When the queues were looked at; at most some seconds ago.
    #[schema(value_type = String)]
    looked_at: Time,
    /// All merchants together.
    last_hour: RequestFigures,
    /// All merchants together, in parts of five minutes, the oldest first.
    parts: Vec<PartBody>,
    /// How many merchants had a request in the last hour, or a job that waits or was laid aside.
    active: usize,
    items: Vec<MerchantHealthBody>,
}

async fn list_merchant_health(
    auth: Authed<perm::MerchantRead, Query<MerchantHealthQuery>>,
) -> Answer<Json<MerchantsHealthBody>> {
    let Query(query) = &auth.input;
    let unknown = || {
        let (en, zh) = (
            "errors, slowest, requests, limited or queue",
            "应为 errors、slowest、requests、limited 或 queue",
        );
        FieldError::new("order", "invalid", en, zh)
    };
    let order = match query.order.as_deref() {
        None => Order::default(),
        Some(text) => Order::from_text(text).ok_or_else(unknown)?,
    };
    let limit = usize::try_from(query.limit.unwrap_or(50)).unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(FieldError::new("limit", "out_of_range", "1 to 100", "应为 1 到 100").into());
    }
    let found = health::merchants(&auth.state, &auth.grant, order, limit).await?;
    let parts = found.all.slots.iter().zip((0_i64..).map(|number| SLOT.as_seconds() / 60 * number));
    let hour = SLOT.as_seconds() / 60 * i64::try_from(found.all.slots.len()).unwrap_or(0);
    Ok(Json(MerchantsHealthBody {
        counted_since: Time(found.since),
        looked_at: Time(found.looked_at),
        last_hour: (&found.all.whole()).into(),
        parts: parts
            .map(|(slot, minutes)| PartBody { minutes_ago: hour - minutes, figures: slot.into() })
            .collect(),
        active: found.active,
        items: found
            .merchants
            .iter()
            .map(|row| MerchantHealthBody {
                merchant_id: Id(row.tenant),
                name: row.name.clone(),
                last_hour: (&row.hour).into(),
                jobs: row.into(),
            })
            .collect(),
    }))
}
