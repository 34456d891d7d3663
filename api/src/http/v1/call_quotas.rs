//! `/channel_accounts/{id}/call_quotas`: what the platform still lets an account call.

use crate::app::channels::call_quotas;
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::InterfaceQuota;
use qianpu_tenants::authz::perm;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get(
        "/channel_accounts/{channel_account_id}/call_quotas",
        get_call_quotas,
        "What the platform still lets the account call, asked of it: the interfaces called in the last day, at most 20",
    );
    api.post(
        "/channel_accounts/{channel_account_id}/call_quotas/clear",
        clear_call_quotas,
        "Have the platform count the account's calls anew (WeChat: ten times a month); what waited for it goes on",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct CallQuotasBody {
    /// Those called most first.
    items: Vec<CallQuotaBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CallQuotaBody {
    /// Its path at the platform.
    interface: String,
    /// Null where the platform does not tell.
    daily: Option<DailyCallsBody>,
    /// Empty where the platform names no limit.
    rates: Vec<CallRateBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DailyCallsBody {
    limit: i64,
    used: i64,
    left: i64,
}

/// So many calls in so many seconds.
#[derive(Debug, Serialize, ToSchema)]
struct CallRateBody {
    calls: i64,
    seconds: i64,
    /// Shared by all accounts of the channel app.
    shared: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct QuotaClearedBody {
    /// Jobs that waited for a quota and go on now.
    woken: u64,
}

impl From<InterfaceQuota> for CallQuotaBody {
    fn from(one: InterfaceQuota) -> Self {
        Self {
            interface: one.interface,
            daily: one.daily.map(|day| DailyCallsBody { limit: day.limit, used: day.used, left: day.left }),
            rates: one
                .rates
                .into_iter()
                .map(|rate| CallRateBody { calls: rate.calls, seconds: rate.seconds, shared: rate.shared })
                .collect(),
        }
    }
}

async fn get_call_quotas(
    auth: Authed<perm::AccountRead, Path<ChannelAccountId>>,
) -> Answer<Json<CallQuotasBody>> {
    let found = call_quotas::ask(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(CallQuotasBody { items: found.into_iter().map(CallQuotaBody::from).collect() }))
}

async fn clear_call_quotas(
    auth: Authed<perm::AccountLink, Path<ChannelAccountId>>,
) -> Answer<Json<QuotaClearedBody>> {
    let woken = call_quotas::clear(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(QuotaClearedBody { woken }))
}
