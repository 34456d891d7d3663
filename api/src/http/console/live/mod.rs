//! Pages of accounts that go live: the window, rooms with their figures, checklists, leads, and sales by source.

mod leads;
mod plans;
mod rooms;
mod showcase;
mod sources;

use crate::app::live;
use crate::http::extract::Authed;
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_tenants::authz::{Caller, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/live", live_accounts_page);
    showcase::routes(pages);
    rooms::routes(pages);
    plans::routes(pages);
    leads::routes(pages);
    sources::routes(pages);
}

const ACCOUNTS: &str = "/console/merchant/channel_accounts";

fn of_account(id: ChannelAccountId, page: &str) -> String {
    format!("{ACCOUNTS}/{id}/{page}")
}

/// The account a page is about, for its head and its tabs.
#[derive(Debug, Clone, Serialize)]
struct Stage {
    id: String,
    name: String,
    /// Which tab is open.
    tab: &'static str,
    tabs: Vec<Tab>,
}

#[derive(Debug, Clone, Serialize)]
struct Tab {
    name: &'static str,
    href: String,
}

/// The tabs of an account that the caller may open.
fn tabs(caller: &Caller, account: &ChannelAccount) -> Vec<Tab> {
    let Some(channel) = qianpu_host::find(&account.channel) else { return Vec::new() };
    let sees = caller.may(Permission::LiveRead);
    let tab = |name, there: bool| there.then(|| Tab { name, href: of_account(account.id, name) });
    [
        tab("live", sees && channel.live().is_some()),
        tab("live_plans", sees && channel.live().is_some()),
        tab("showcase", sees && channel.showcase().is_some()),
        tab("leads", caller.may(Permission::LeadRead) && channel.leads().is_some()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Stage {
    fn of(caller: &Caller, account: &ChannelAccount, tab: &'static str) -> Self {
        Self { id: account.id.to_string(), name: account.name.clone(), tab, tabs: tabs(caller, account) }
    }
}

/// Tabs for the account's own page.
pub(super) fn account_tabs(caller: &Caller, account: &ChannelAccount) -> Vec<(&'static str, String)> {
    tabs(caller, account).into_iter().map(|tab| (tab.name, tab.href)).collect()
}

#[derive(Serialize)]
struct PlanLink {
    href: String,
    title: String,
    done: usize,
    steps: usize,
    at: i64,
}

#[derive(Serialize)]
struct AccountRow {
    name: String,
    tabs: Vec<Tab>,
    followers: Option<i64>,
    on: usize,
    announced: usize,
    read_at: Option<i64>,
    plans: Vec<PlanLink>,
}

#[derive(Serialize)]
struct AccountsView {
    accounts: Vec<AccountRow>,
    may_link: bool,
}

async fn live_accounts_page(auth: Authed<perm::LiveRead>) -> PageAnswer {
    let found = live::accounts(&auth.state, &auth.grant).await?;
    let count = |value: &serde_json::Value| value.as_array().map_or(0, Vec::len);
    let row = |row: live::LiveAccountRow| AccountRow {
        tabs: tabs(&auth.caller, &row.account),
        name: row.account.name,
        followers: row.board.followers,
        on: count(&row.board.rooms),
        announced: count(&row.board.reservations),
        read_at: row.board.read_at.map(qianpu_domain::time::Timestamp::micros),
        plans: row.plans.into_iter().map(plans::link).collect(),
    };
    let view = AccountsView {
        accounts: found.into_iter().map(row).collect(),
        may_link: auth.caller.may(Permission::AccountLink),
    };
    auth.page("live/accounts", view)
}
