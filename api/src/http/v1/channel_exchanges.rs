//! `/channel_exchanges`: what was said to platforms, of one account and searched across all, and how an account fares
//! by interface.

use crate::app::channels::accounts;
use crate::app::channels::exchanges::{self, Found, Interface, Search};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_host::Resting;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::exchange_log::Exchange;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get(
        "/channel_accounts/{channel_account_id}/exchanges",
        list_channel_exchanges,
        "Exchanges with the platform, newest first; no bodies and no secrets are kept",
    );
    api.get(
        "/channel_accounts/{channel_account_id}/fitness",
        get_channel_fitness,
        "What an account did not grant, and how each interface fared in the last day",
    );
    api.get(
        "/channel_exchanges",
        search_channel_exchanges,
        "Exchanges of all accounts with their platforms, searched; newest first, kept for 14 days",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ExchangeBody {
    id: String,
    /// What was wanted, such as `order.fetch`.
    operation: String,
    method: String,
    /// Without query.
    path: String,
    status: Option<i64>,
    /// `ok`, or why not.
    outcome: String,
    remote_code: Option<String>,
    remote_message: Option<String>,
    /// To quote when asking the platform's support.
    remote_request_id: Option<String>,
    millis: i64,
    #[schema(value_type = String)]
    at: Time,
}

impl From<Exchange> for ExchangeBody {
    fn from(row: Exchange) -> Self {
        Self {
            id: row.id.to_string(),
            operation: row.operation,
            method: row.method,
            path: row.path,
            status: row.status,
            outcome: row.outcome,
            remote_code: row.remote_code,
            remote_message: row.remote_message,
            remote_request_id: row.remote_request_id,
            millis: row.millis,
            at: Time(row.at),
        }
    }
}

async fn list_channel_exchanges(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<PageQuery>)>,
) -> Answer<Json<Page<ExchangeBody>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = accounts::exchanges(&auth.state, &auth.grant, *id, page).await?;
    Ok(Json(Page::of(found, ExchangeBody::from)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ExchangeSearchQuery {
    #[param(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    /// A part of the operation or path, or the platform's code or id of the request.
    text: Option<String>,
    /// `ok`, `failed`, or the outcome as exchanges show it.
    outcome: Option<String>,
    #[param(value_type = Option<String>)]
    from: Option<Time>,
    /// Not included.
    #[param(value_type = Option<String>)]
    until: Option<Time>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FoundExchangeBody {
    channel_account_id: String,
    account_name: String,
    exchange: ExchangeBody,
}

async fn search_channel_exchanges(
    auth: Authed<perm::AccountRead, Query<ExchangeSearchQuery>>,
) -> Answer<Json<Page<FoundExchangeBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let search = Search {
        account: query.channel_account_id.map(|id| id.0),
        text: query.text.clone(),
        outcome: query.outcome.clone(),
        from: query.from.map(|time| time.0),
        until: query.until.map(|time| time.0),
    };
    let found = exchanges::search(&auth.state, &auth.grant, &search, page).await?;
    let body = |one: Found| FoundExchangeBody {
        channel_account_id: one.account.to_string(),
        account_name: one.account_name,
        exchange: one.exchange.into(),
    };
    Ok(Json(Page::of(found, body)))
}

#[derive(Debug, Serialize, ToSchema)]
struct InterfaceBody {
    /// What is wanted of the platform.
    operation: String,
    calls: i64,
    failed: i64,
    /// Refused because a quota of the platform was used up.
    out_of_quota: i64,
    last_outcome: String,
    #[schema(value_type = String)]
    last_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct FitnessBody {
    /// Permission sets of the platform that are needed and were not granted; authorise again with them.
    missing_scopes: Vec<&'static str>,
    /// Over the last 24 hours, as far as the log reaches (the last 1000 exchanges).
    interfaces: Vec<InterfaceBody>,
    /// Interfaces of the platform that did not answer several times in a row. They are left alone until the time
    /// given; work for them waits and is lost nowhere.
    resting: Vec<RestingBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RestingBody {
    /// The path at the platform.
    path: String,
    /// When it is tried again.
    #[schema(value_type = String)]
    until: Time,
}

async fn get_channel_fitness(
    auth: Authed<perm::AccountRead, Path<ChannelAccountId>>,
) -> Answer<Json<FitnessBody>> {
    let fitness = exchanges::fitness(&auth.state, &auth.grant, auth.input.0).await?;
    let body = |one: Interface| InterfaceBody {
        operation: one.operation,
        calls: one.calls,
        failed: one.failed,
        out_of_quota: one.out_of_quota,
        last_outcome: one.last_outcome,
        last_at: Time(one.last_at),
    };
    let interfaces = fitness.interfaces.into_iter().map(body).collect();
    let rest = |one: Resting| RestingBody { path: one.path, until: Time(one.until) };
    let resting = fitness.resting.into_iter().map(rest).collect();
    Ok(Json(FitnessBody { missing_scopes: fitness.missing_scopes, interfaces, resting }))
}
