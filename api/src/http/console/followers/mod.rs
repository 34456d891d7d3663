//! Pages about a public account's followers: who they are, what was said, and the rules that answer them.

mod articles;
mod codes;
mod menu;
mod notices;
mod people;
mod rule_form;
mod rules;
mod tags;

use crate::http::route::PageRoutes;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    people::routes(pages);
    rules::routes(pages);
    rule_form::routes(pages);
    menu::routes(pages);
    codes::routes(pages);
    tags::routes(pages);
    notices::routes(pages);
    articles::routes(pages);
}

const ACCOUNTS: &str = "/console/merchant/channel_accounts";

fn of_account(id: ChannelAccountId, page: &str) -> String {
    format!("{ACCOUNTS}/{id}/{page}")
}

/// The account a page is about, for its head and its tabs.
#[derive(Debug, Clone, Serialize)]
struct Reach {
    id: String,
    name: String,
    /// Which tab is open.
    tab: &'static str,
}

impl Reach {
    fn of(account: &ChannelAccount, tab: &'static str) -> Self {
        Self { id: account.id.to_string(), name: account.name.clone(), tab }
    }
}
