//! Pages of promotions: accounts that can have them, limited-time discounts and coupons of each.

mod coupons;
mod discounts;

use crate::app::promotions;
use crate::error::ApiError;
use crate::http::extract::Authed;
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Caller, Perm, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/promotions", promotion_accounts_page);
    discounts::routes(pages);
    coupons::routes(pages);
}

fn of_account(id: ChannelAccountId, page: &str) -> String {
    format!("/console/merchant/channel_accounts/{id}/{page}")
}

#[derive(Debug, Clone, Serialize)]
struct Tab {
    name: &'static str,
    href: String,
}

fn tabs(account: &ChannelAccount) -> Vec<Tab> {
    ["discounts", "coupons"].map(|name| Tab { name, href: of_account(account.id, name) }).into()
}

/// Tabs for the account's own page.
pub(super) fn account_tabs(caller: &Caller, account: &ChannelAccount) -> Vec<(&'static str, String)> {
    let shown = caller.may(Permission::PromotionRead) && promotions::possible(account);
    let tabs = if shown { tabs(account) } else { Vec::new() };
    tabs.into_iter().map(|tab| (tab.name, tab.href)).collect()
}

/// The account a page is about, for its head and its tabs.
#[derive(Debug, Clone, Serialize)]
struct Stage {
    name: String,
    /// Which tab is open.
    tab: &'static str,
    tabs: Vec<Tab>,
}

impl Stage {
    fn of(account: &ChannelAccount, tab: &'static str) -> Self {
        Self { name: account.name.clone(), tab, tabs: tabs(account) }
    }
}

#[derive(Serialize)]
struct AccountRow {
    name: String,
    tabs: Vec<Tab>,
}

#[derive(Serialize)]
struct AccountsView {
    accounts: Vec<AccountRow>,
    may_link: bool,
}

async fn promotion_accounts_page(auth: Authed<perm::PromotionRead>) -> PageAnswer {
    let found = promotions::accounts(&auth.state, &auth.grant).await?;
    let row = |account: ChannelAccount| AccountRow { tabs: tabs(&account), name: account.name };
    let view = AccountsView {
        accounts: found.into_iter().map(row).collect(),
        may_link: auth.caller.may(Permission::AccountLink),
    };
    auth.page("promotions/accounts", view)
}

/// What went wrong, as a message above the page the person came from.
fn failed<P: Perm, T>(auth: &Authed<P, T>, error: ApiError, back: &str) -> PageAnswer {
    if !(409..=503).contains(&error.code().status()) {
        return Err(error);
    }
    let why = auth.state.pages.catalogue().told(auth.info.lang, &error);
    Ok(auth.redirect_with(&Flash::failure("promotions.failed").with("why", why), back))
}

/// A moment as browsers send it, in the installation's zone.
fn moment(field: &str, text: &str, zone: &str) -> Result<Timestamp, FieldError> {
    let wrong = || FieldError::new(field, "invalid", "a day and a time", "请选择日期和时间");
    let zone = jiff::tz::TimeZone::get(zone).map_err(|_| wrong())?;
    let local: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let zoned = local.to_zoned(zone).map_err(|_| wrong())?;
    Ok(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}
