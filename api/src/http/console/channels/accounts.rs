//! The merchant's accounts, shop by shop: cards with health, a gauge per kind, links under way.

use super::super::shop_scores::RaiseGauge;
use super::words;
use crate::app::channels::accounts::{self, AccountHealth};
use crate::app::channels::{link, quota, raise};
use crate::app::shops;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::LinkIntentId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::link_intent::LinkIntent;
use serde::Serialize;

pub(super) const HOME: &str = "/console/merchant/channel_accounts";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, channel_accounts_page);
    pages.post("/console/merchant/channel_accounts/links/{channel_link_id}/cancel", cancel_link_form);
}

#[derive(Serialize)]
struct AccountsView {
    shops: Vec<ShopView>,
    may_link: bool,
}

#[derive(Serialize)]
struct ShopView {
    id: String,
    name: String,
    trading: bool,
    gauges: Vec<Gauge>,
    raise: Option<RaiseGauge>,
    accounts: Vec<AccountCard>,
    links: Vec<LinkCard>,
    /// Ended links are folded away.
    ended: Vec<AccountCard>,
}

/// How full the quota of a kind is.
#[derive(Serialize)]
pub(super) struct Gauge {
    pub(super) kind: String,
    pub(super) channel: &'static str,
    pub(super) used: u32,
    pub(super) limit: u32,
    pub(super) full: bool,
    pub(super) rule: String,
    /// `open`, `closed` or `off`, and the rule that says so.
    pub(super) phase: &'static str,
    pub(super) phase_rule: Option<String>,
    /// What comes next, and from when.
    pub(super) next_phase: Option<&'static str>,
    pub(super) next_at: Option<i64>,
}

impl Gauge {
    pub(super) fn of(one: quota::KindQuota, lang: Lang) -> Self {
        Self {
            kind: words::kind(one.kind, lang),
            channel: one.channel,
            used: one.quota.used,
            limit: one.quota.limit,
            full: one.quota.used >= one.quota.limit,
            rule: one.quota.rule.0,
            phase: one.phase.now.phase.as_str(),
            phase_rule: one.phase.now.rule.map(|rule| rule.0),
            next_phase: one.phase.next.as_ref().map(|next| next.now.phase.as_str()),
            next_at: one.phase.next.map(|next| next.at.micros()),
        }
    }
}

/// An account as lists and its own page show it.
#[derive(Serialize)]
pub(super) struct AccountCard {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) external_id: String,
    pub(super) state: &'static str,
    pub(super) mode: String,
    pub(super) error: Option<String>,
    pub(super) error_title: Option<String>,
    pub(super) token_expires_at: Option<i64>,
    pub(super) last_push_at: Option<i64>,
    pub(super) last_reconcile_at: Option<i64>,
    pub(super) linked_at: i64,
}

impl AccountCard {
    pub(super) fn of(view: &AccountHealth, lang: Lang) -> Self {
        let account = &view.account;
        Self {
            id: account.id.to_string(),
            name: account.name.clone(),
            kind: words::kind(&account.kind, lang),
            external_id: account.external_id.clone(),
            state: account.state.as_str(),
            mode: account.link_mode.clone(),
            error: account.error_text.clone(),
            error_title: account.error_code.as_deref().map(|code| words::code(code, lang)),
            token_expires_at: view.token_expires_at.map(|at| at.micros()),
            last_push_at: account.last_push_at.map(|at| at.micros()),
            last_reconcile_at: account.last_reconcile_at.map(|at| at.micros()),
            linked_at: account.linked_at.micros(),
        }
    }
}

#[derive(Serialize)]
struct LinkCard {
    id: String,
    kind: String,
    external_id: Option<String>,
    mode: String,
    expires_at: i64,
}

fn link_card(intent: LinkIntent, lang: Lang) -> LinkCard {
    LinkCard {
        id: intent.id.to_string(),
        kind: words::kind(&intent.kind, lang),
        external_id: intent.external_id,
        mode: intent.link_mode,
        expires_at: intent.expires_at.micros(),
    }
}

async fn channel_accounts_page(auth: Authed<perm::AccountRead>) -> PageAnswer {
    let lang = auth.info.lang;
    let mut views = Vec::new();
    for (shop, trading) in shops_of(&auth).await? {
        let found = accounts::list(&auth.state, &auth.grant, Some(shop.id), PageRequest::first(100)).await?;
        let (live, ended): (Vec<_>, Vec<_>) =
            found.items.iter().partition(|view| view.account.state.counts());
        let quotas = quota::of_shop(&auth.state, &auth.grant, shop.id).await?;
        let raise = raise::of_shop(&auth.state, auth.grant.ctx(), shop.id).await?;
        let links = link::open_links(&auth.state, &auth.grant, shop.id).await?;
        views.push(ShopView {
            id: shop.id.to_string(),
            name: shop.name,
            trading,
            gauges: quotas.into_iter().map(|one| Gauge::of(one, lang)).collect(),
            accounts: live.into_iter().map(|view| AccountCard::of(view, lang)).collect(),
            ended: ended.into_iter().map(|view| AccountCard::of(view, lang)).collect(),
            raise: RaiseGauge::of(raise),
            links: links.into_iter().map(|intent| link_card(intent, lang)).collect(),
        });
    }
    let may_link = auth.caller.may(qianpu_domain::access::Permission::AccountLink);
    auth.page("channels/accounts", AccountsView { shops: views, may_link })
}

/// A shop in a choice.
pub(super) struct ShopName {
    pub(super) id: qianpu_domain::ids::ShopId,
    pub(super) name: String,
}

/// The shops the caller may see, with whether they trade.
pub(super) async fn shops_of<P: qianpu_tenants::authz::Perm, T>(
    auth: &Authed<P, T>,
) -> Answer<Vec<(ShopName, bool)>> {
    let grant = auth.caller.grant::<perm::ShopRead>()?;
    let found = shops::list(&auth.state, &grant, None, PageRequest::first(50)).await?;
    let trading = |state| state == qianpu_domain::shop::ShopState::Trading;
    Ok(found
        .items
        .into_iter()
        .map(|shop| (ShopName { id: shop.id, name: shop.name }, trading(shop.state)))
        .collect())
}

async fn cancel_link_form(auth: Authed<perm::AccountLink, (Path<LinkIntentId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    link::cancel(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("channels.link_cancelled"), HOME))
}
