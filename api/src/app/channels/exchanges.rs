//! Looking for exchanges with platforms across a merchant's accounts, and how an account fares by interface. The log
//! holds no bodies, no queries and no secrets, so there is nothing to mask when it is read.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_host::Resting;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{MAX_LIMIT, Page, PageRequest};
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_get, account_list};
use qianpu_tenants::store::exchange_log::{
    Exchange, ExchangeFilter, OutcomeFilter, Usage, exchange_search, exchange_usage,
};
use std::collections::BTreeMap;

/// Every word an outcome may be.
pub const OUTCOMES: &[&str] = &[
    "ok",
    "retry_after_refresh",
    "retry_later",
    "quota",
    "reauthorise",
    "fix_request",
    "business_refusal",
    "fatal",
    "unexpected",
    "not_sent",
    "network_error",
    "timed_out",
];
const LONGEST_TEXT: usize = 100;
/// Pages of accounts that are searched.
const MOST_PAGES: usize = 10;
/// Over which time an account's interfaces are counted.
pub const USAGE: Span = Span::days(1);

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Of one account only.
    pub account: Option<ChannelAccountId>,
    /// A part of the operation or path, or the platform's code or id of the request.
    pub text: Option<String>,
    /// A word of [`OUTCOMES`], or `failed`.
    pub outcome: Option<String>,
    /// From this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// An exchange with the name of its account.
#[derive(Debug, Clone)]
pub struct Found {
    pub exchange: Exchange,
    pub account: ChannelAccountId,
    pub account_name: String,
}

/// The accounts that the caller may see, by id.
pub async fn accounts(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
) -> Answer<BTreeMap<ChannelAccountId, ChannelAccount>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    let mut page = PageRequest::first(MAX_LIMIT);
    let mut all = BTreeMap::new();
    for _ in 0..MOST_PAGES {
        let found = account_list(&tx, &filter, page).await?;
        all.extend(found.items.into_iter().map(|account| (account.id, account)));
        let Some(next) = found.next else { break };
        page = PageRequest { cursor: Some(next), ..page };
    }
    Ok(all)
}

/// Exchanges that fit, newest first.
pub async fn search(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    search: &Search,
    page: PageRequest,
) -> Answer<Page<Found>> {
    let mut errors = Vec::new();
    let outcome = match search.outcome.as_deref() {
        None | Some("") => None,
        Some("failed") => Some(OutcomeFilter::Failed),
        Some(word) if OUTCOMES.contains(&word) => Some(OutcomeFilter::Is(word.to_owned())),
        Some(_) => {
            let (en, zh) = (format!("failed or one of {}", OUTCOMES.join(", ")), "没有该结果".to_owned());
            errors.push(FieldError::new("outcome", "unknown", en, zh));
            None
        }
    };
    let text = search.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
        let (en, zh) = (format!("at most {LONGEST_TEXT} characters"), format!("最多 {LONGEST_TEXT} 个字"));
        errors.push(FieldError::new("text", "too_long", en, zh));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut accounts = accounts(state, grant).await?;
    if let Some(id) = search.account {
        accounts.retain(|known, _| *known == id);
        if accounts.is_empty() {
            return Err(ApiError::not_found());
        }
    }
    let filter = ExchangeFilter {
        owners: accounts.keys().map(|id| id.0).collect(),
        text: text.map(str::to_owned),
        outcome,
        from: search.from,
        until: search.until,
    };
    let tx = state.db.read(grant.ctx()).await?;
    let found = exchange_search(&tx, &filter, page).await?;
    Ok(found.map(|exchange| {
        let account = ChannelAccountId(exchange.owner);
        let account_name = accounts.get(&account).map(|known| known.name.clone()).unwrap_or_default();
        Found { exchange, account, account_name }
    }))
}

/// How an interface of an account fared lately.
#[derive(Debug, Clone)]
pub struct Interface {
    /// What is wanted of the platform.
    pub operation: String,
    /// Calls, as far as the log reaches.
    pub calls: i64,
    /// Those that did not go well.
    pub failed: i64,
    /// Those refused because a quota of the platform was used up.
    pub out_of_quota: i64,
    /// How the last one went.
    pub last_outcome: String,
    /// When the last one was.
    pub last_at: Timestamp,
}

/// What an account's health is judged by, besides its state.
#[derive(Debug, Clone)]
pub struct Fitness {
    /// Permission sets that selling here needs and the account did not grant.
    pub missing_scopes: Vec<&'static str>,
    /// By operation, over the last day.
    pub interfaces: Vec<Interface>,
    /// Interfaces of the platform that do not answer anybody's calls from here and are left alone for a while.
    pub resting: Vec<Resting>,
}

/// Permission sets that a kind of account is asked for, of platforms that grant them one by one. The numbers are the
/// platform's.
pub fn needed_scopes(kind: &str) -> &'static [&'static str] {
    match kind {
        "wechat_store" => &["129", "130", "131", "132"],
        "official_account" => &["1", "2", "3", "11", "15"],
        "channels_account" => &["143", "160", "176", "177"],
        _ => &[],
    }
}

/// How an account fares by interface, and what it did not grant.
pub async fn fitness(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
) -> Answer<Fitness> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_get(&tx, id).await?;
    if !grant.covers_shop(account.shop) {
        return Err(ApiError::not_found());
    }
    let since = state.clock().now().minus(USAGE);
    let usage = exchange_usage(&tx, id.0, since).await?;
    // An account that is linked directly grants everything with its own secret, and lists nothing.
    let granted = &account.scopes;
    let missing = |scope: &&&'static str| !granted.is_empty() && !granted.iter().any(|own| own == **scope);
    let missing_scopes = needed_scopes(&account.kind).iter().filter(missing).copied().collect();
    let resting = state.channels.host.resting(&account.channel);
    Ok(Fitness { missing_scopes, interfaces: by_interface(usage), resting })
}

fn by_interface(usage: Vec<Usage>) -> Vec<Interface> {
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    for one in usage {
        let interface = found.entry(one.operation.clone()).or_insert_with(|| Interface {
            operation: one.operation.clone(),
            calls: 0,
            failed: 0,
            out_of_quota: 0,
            last_outcome: one.outcome.clone(),
            last_at: one.last_at,
        });
        interface.calls += one.count;
        if one.outcome != "ok" {
            interface.failed += one.count;
        }
        if one.outcome == "quota" {
            interface.out_of_quota += one.count;
        }
        if one.last_at > interface.last_at {
            interface.last_at = one.last_at;
            interface.last_outcome = one.outcome;
        }
    }
    found.into_values().collect()
}
