//! The list of cases: what waits for the merchant first, by deadline; tabs by state; shop, account, search.

use super::{HOME, page_of};
use crate::app::aftersales::guarantees;
use crate::app::aftersales::read::{self, Listed};
use crate::app::channels::pushes;
use crate::app::orders::read::account_names;
use crate::app::shops;
use crate::error::Answer;
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use qianpu_domain::aftersale::{AftersaleState, DisputeState, WaitsFor};
use qianpu_domain::ids::{ChannelAccountId, ShopId};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::NoticeKind;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use qianpu_tenants::store::aftersale::{AftersaleFilter, AftersaleSort};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// The tab of what the merchant has to decide.
const WAITING: &str = "waiting";
/// The tab of disputes that wait for the merchant.
const DISPUTES: &str = "disputes";
/// The tab of everything.
const ALL: &str = "all";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, aftersale_list_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    /// `waiting`, `disputes`, `all` or a state.
    tab: Option<String>,
    q: Option<String>,
    shop: Option<String>,
    account: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    name: &'static str,
    /// Whether it is a state.
    state: bool,
    href: String,
    count: i64,
    current: bool,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Row {
    href: String,
    external_id: String,
    kind: &'static str,
    state: &'static str,
    /// The merchant has to decide.
    waits: bool,
    /// A decision is on its way.
    pending: bool,
    dispute: Option<&'static str>,
    title: String,
    spec: String,
    pieces: i64,
    amount: i64,
    reason: String,
    order_number: String,
    order_href: String,
    account: Option<String>,
    deadline: Option<i64>,
    /// Whole hours left.
    hours_left: Option<i64>,
    at: i64,
}

fn row(Listed { case, order_number, account_name, goods }: Listed, now: Timestamp) -> Row {
    let first = goods.first();
    let waits = case.progress.waits_for == WaitsFor::Merchant;
    let deadline = case.progress.deadline.filter(|_| waits);
    Row {
        href: page_of(case.id),
        external_id: case.external_id,
        kind: case.kind.as_str(),
        state: case.progress.state.as_str(),
        waits,
        pending: case.pending.decision.is_some(),
        dispute: case.facts.dispute.as_ref().map(|dispute| dispute.state.as_str()),
        title: first.map(|(line, _)| line.title.clone()).unwrap_or_default(),
        spec: first.map(|(line, _)| line.spec_text.clone()).unwrap_or_default(),
        pieces: case.lines.iter().map(|line| line.quantity).sum(),
        amount: case.facts.amount.get(),
        reason: case.facts.reason,
        order_number,
        order_href: format!("/console/merchant/orders/{}", case.order),
        account: account_name,
        deadline: deadline.map(Timestamp::micros),
        hours_left: deadline.map(|due| (due.since(now).as_seconds() / 3600).max(0)),
        at: case.asked_at.micros(),
    }
}

#[derive(Serialize)]
struct ListView {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    accounts: Vec<Choice>,
    shops: Vec<Choice>,
    tab: String,
    q: String,
    filtered: bool,
    /// There is no case at all, not only none that matches.
    none_yet: bool,
    waiting_tab: bool,
    /// Whether an account has claims under a guarantee, and how many pushes about them wait.
    guarantees: bool,
    guarantees_waiting: i64,
    next_page: Option<String>,
}

async fn aftersale_list_page(auth: Authed<perm::OrderRead, Query<ListQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let (q, shop, account) = (text(&query.q), text(&query.shop), text(&query.account));
    let wanted = text(&query.tab);
    let state = AftersaleState::from_text(&wanted);
    let tab = match (state, wanted.as_str()) {
        (Some(state), _) => state.as_str(),
        (None, ALL) => ALL,
        (None, DISPUTES) => DISPUTES,
        (None, _) => WAITING,
    };
    let filter = AftersaleFilter {
        states: state.as_slice(),
        kind: None,
        waits_for: (tab == WAITING).then_some(WaitsFor::Merchant),
        dispute: (tab == DISPUTES).then_some(DisputeState::WaitsForMerchant),
        shop: shop.parse::<ShopId>().ok(),
        shops: None,
        account: account.parse::<ChannelAccountId>().ok(),
        search: Some(q.as_str()).filter(|text| !text.is_empty()),
    };
    let (counts, waiting) = read::counts(&auth.state, &auth.grant, filter.clone()).await?;
    let disputed = read::disputes_waiting(&auth.state, &auth.grant, filter.clone()).await?;
    let page = page_request(None, query.cursor.as_deref())?;
    let sort = if tab == WAITING { AftersaleSort::Deadline } else { AftersaleSort::Newest };
    let found = read::list(&auth.state, &auth.grant, filter, sort, page).await?;
    let address = |tab: &str, cursor: &str| {
        let tab = if tab == WAITING { "" } else { tab };
        let pairs = [("tab", tab), ("q", &q), ("shop", &shop), ("account", &account), ("cursor", cursor)];
        let query = query_of(&pairs);
        if query.is_empty() { HOME.to_owned() } else { format!("{HOME}?{query}") }
    };
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    let one = |name, state, count| Tab { name, state, href: address(name, ""), count, current: tab == name };
    let mut tabs = vec![one(WAITING, false, waiting)];
    if disputed > 0 || tab == DISPUTES {
        tabs.push(one(DISPUTES, false, disputed));
    }
    tabs.push(one(ALL, false, all));
    for state in AftersaleState::ALL {
        let count = counts.iter().find(|(found, _)| found == state).map_or(0, |(_, count)| *count);
        // States without a case would only widen the row of tabs.
        if count > 0 || tab == state.as_str() {
            tabs.push(one(state.as_str(), true, count));
        }
    }
    let filtered = !(q.is_empty() && shop.is_empty() && account.is_empty());
    let now = auth.state.clock().now();
    let view = ListView {
        accounts: accounts(&auth, &account).await?,
        shops: shops_of(&auth, &shop).await?,
        next_page: found.next.map(|cursor| address(tab, &cursor_text(&cursor))),
        rows: found.items.into_iter().map(|listed| row(listed, now)).collect(),
        none_yet: all == 0 && !filtered,
        waiting_tab: tab == WAITING,
        guarantees: !guarantees::accounts(&auth.state, &auth.grant).await?.is_empty(),
        guarantees_waiting: guarantees_waiting(&auth).await?,
        tab: tab.to_owned(),
        tabs,
        filtered,
        q,
    };
    auth.page("aftersales/list", view)
}

/// How many claims wait, for those who may answer them.
async fn guarantees_waiting<T>(auth: &Authed<perm::OrderRead, T>) -> Answer<i64> {
    let Ok(grant) = auth.caller.grant::<perm::AftersaleHandle>() else { return Ok(0) };
    let kinds = [NoticeKind::GuaranteeChanged];
    let waiting = pushes::waiting_of(&auth.state, &grant, &kinds).await?;
    Ok(waiting.iter().map(|(_, count)| count).sum())
}

async fn accounts<T>(auth: &Authed<perm::OrderRead, T>, chosen: &str) -> Answer<Vec<Choice>> {
    let tx = auth.state.db.read(auth.grant.ctx()).await?;
    let accounts = account_names(&tx).await?.into_iter().map(|(id, name, _)| {
        let value = id.to_string();
        Choice { chosen: value == chosen, value, label: name }
    });
    Ok(accounts.collect())
}

/// The merchant's shops, when there is more than one to choose from.
async fn shops_of<T>(auth: &Authed<perm::OrderRead, T>, chosen: &str) -> Answer<Vec<Choice>> {
    let Ok(grant) = auth.caller.grant::<perm::ShopRead>() else { return Ok(Vec::new()) };
    let found = shops::list(&auth.state, &grant, None, PageRequest::first(MAX_LIMIT)).await?;
    if found.items.len() < 2 {
        return Ok(Vec::new());
    }
    let choice = |shop: qianpu_tenants::store::shop::Shop| {
        let value = shop.id.to_string();
        Choice { chosen: value == chosen, value, label: shop.name }
    };
    Ok(found.items.into_iter().map(choice).collect())
}
