//! One account: health, push address, defaults for listings, exchanges with the platform, and its end.

use super::accounts::{AccountCard, HOME};
use super::words;
use crate::app::channels::accounts::{self, ChangeAccount};
use crate::app::channels::exchanges::{self, Interface};
use crate::app::channels::{alliance, analytics, call_quotas};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/{channel_account_id}", channel_account_page);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/settings", account_settings_form);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/check", check_account_form);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/unlink", unlink_account_form);
}

#[derive(Deserialize, IntoParams)]
struct ExchangeQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AccountView {
    account: AccountCard,
    shop_id: String,
    channel: String,
    /// Which words say how the channel does it.
    texts: &'static str,
    hook_url: String,
    push_format: String,
    /// Linked by its own keys.
    direct: bool,
    own_app_id: Option<String>,
    scopes: Vec<words::Scope>,
    form: FormView,
    sells: bool,
    stock_waiting: i64,
    stock_waits_since: Option<i64>,
    may_rule: bool,
    /// Has followers who can be written to.
    reaches: bool,
    /// Pages about what it shows live: the key of the name, and the address.
    stage: Vec<StageTab>,
    /// The same about its promotions.
    promotions: Vec<StageTab>,
    /// The page of freight templates and addresses.
    qualifications: Vec<StageTab>,
    desk: Option<String>,
    may_link: bool,
    live: bool,
    needs_link: bool,
    missing: Vec<words::Scope>,
    interfaces: Vec<InterfaceRow>,
    /// The platform can be asked what is left of them.
    tells_quotas: bool,
    /// The platform tells figures of days that are over.
    tells_figures: bool,
    /// The shop can sell through an alliance.
    has_alliance: bool,
    resting: Vec<RestRow>,
    exchanges: Vec<ExchangeRow>,
    next_page: Option<String>,
}

#[derive(Serialize)]
struct StageTab {
    name: &'static str,
    href: String,
}

#[derive(Serialize)]
struct InterfaceRow {
    operation: String,
    calls: i64,
    failed: i64,
    out_of_quota: i64,
    outcome: String,
    good: bool,
    at: i64,
}

/// An interface that does not answer and is left alone for a while.
#[derive(Serialize)]
struct RestRow {
    path: String,
    until: i64,
}

#[derive(Serialize)]
struct ExchangeRow {
    operation: String,
    path: String,
    outcome: String,
    good: bool,
    status: Option<i64>,
    remote: Option<String>,
    request_id: Option<String>,
    millis: i64,
    at: i64,
}

/// A category path as people type it.
pub(in crate::http::console) fn read_path(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn interface_row(one: Interface) -> InterfaceRow {
    InterfaceRow {
        operation: one.operation,
        calls: one.calls,
        failed: one.failed,
        out_of_quota: one.out_of_quota,
        good: one.last_outcome == "ok",
        outcome: one.last_outcome,
        at: one.last_at.micros(),
    }
}

async fn view<P: qianpu_tenants::authz::Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    page: PageRequest,
    form: Option<FormView>,
) -> Answer<AccountView> {
    let lang = auth.info.lang;
    let grant = auth.caller.grant::<perm::AccountRead>()?;
    let found = accounts::get(&auth.state, &grant, id).await?;
    let log = accounts::exchanges(&auth.state, &grant, id, page).await?;
    let fitness = exchanges::fitness(&auth.state, &grant, id).await?;
    let missing: Vec<String> = fitness.missing_scopes.iter().map(|id| (*id).to_owned()).collect();
    let next_page = log.next.map(|next| format!("{HOME}/{id}?cursor={}#log", cursor_text(&next)));
    let account = &found.account;
    let freight = account.settings["freight_template_id"].as_str().unwrap_or_default().to_owned();
    let stored =
        [("category_path", accounts::category_path(account).join(" / ")), ("freight_template_id", freight)];
    let sells = qianpu_host::find(&account.channel).is_some_and(|channel| channel.catalog().is_some());
    Ok(AccountView {
        account: AccountCard::of(&found, lang),
        shop_id: account.shop.to_string(),
        channel: account.channel.clone(),
        texts: words::texts(&account.channel),
        hook_url: found.hook_url.clone(),
        push_format: account.push_format.clone(),
        direct: account.app.is_none(),
        own_app_id: accounts::own_app_id(account).map(str::to_owned),
        scopes: words::scopes(&account.scopes, lang),
        form: form.unwrap_or_else(|| FormView::filled(stored)),
        sells,
        stock_waiting: found.stock.waiting,
        stock_waits_since: found.stock.oldest.map(|at| at.micros()),
        may_rule: sells && auth.caller.may(Permission::ListingRead),
        reaches: auth.caller.may(Permission::FollowerRead)
            && qianpu_host::find(&account.channel).is_some_and(|channel| channel.messaging().is_some()),
        stage: super::super::live::account_tabs(&auth.caller, account)
            .into_iter()
            .map(|(name, href)| StageTab { name, href })
            .collect(),
        promotions: super::super::promotions::account_tabs(&auth.caller, account)
            .into_iter()
            .map(|(name, href)| StageTab { name, href })
            .collect(),
        qualifications: super::super::qualifications::account_tabs(&auth.caller, account)
            .into_iter()
            .map(|(name, href)| StageTab { name, href })
            .collect(),
        desk: super::super::shop_furniture::account_tab(&auth.caller, account),
        may_link: auth.caller.may(Permission::AccountLink),
        live: account.state.counts(),
        needs_link: !account.state.usable(),
        missing: words::scopes(&missing, lang),
        interfaces: fitness.interfaces.into_iter().map(interface_row).collect(),
        tells_quotas: account.state.usable() && call_quotas::possible(account),
        tells_figures: account.state.usable()
            && analytics::possible(account)
            && auth.caller.may(Permission::OrderRead),
        has_alliance: account.state.usable()
            && alliance::possible(account)
            && auth.caller.may(Permission::PromotionRead),
        resting: fitness
            .resting
            .into_iter()
            .map(|one| RestRow { path: one.path, until: one.until.micros() })
            .collect(),
        exchanges: log
            .items
            .into_iter()
            .map(|row| ExchangeRow {
                operation: row.operation,
                path: row.path,
                good: row.outcome == "ok",
                outcome: row.outcome,
                status: row.status,
                remote: row.remote_message.map(|message| match row.remote_code {
                    Some(code) => format!("{message} ({code})"),
                    None => message,
                }),
                request_id: row.remote_request_id,
                millis: row.millis,
                at: row.at.micros(),
            })
            .collect(),
        next_page,
    })
}

async fn channel_account_page(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<ExchangeQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let view = view(&auth, *id, page, None).await?;
    auth.page("channels/account", view)
}

fn address(id: ChannelAccountId) -> String {
    format!("{HOME}/{id}")
}

async fn account_settings_form(
    auth: Authed<perm::AccountLink, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let command = ChangeAccount {
        category_path: Some(read_path(fields.text("category_path"))),
        freight_template_id: Some(fields.text("freight_template_id").to_owned()),
    };
    match accounts::change(&auth.state, &auth.grant, *id, None, &command).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("channels.settings_saved"), &address(*id))),
        Err(error) if error.code().status() == 422 => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, PageRequest::first(20), Some(form)).await?;
            auth.refused_page("channels/account", view)
        }
        Err(error) => Err(error),
    }
}

async fn check_account_form(auth: Authed<perm::AccountLink, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let flash = match accounts::check(&auth.state, &auth.grant, *id).await {
        Ok(_) => Flash::success("channels.checked"),
        Err(error) if error.code().status() == 404 => return Err(error),
        Err(error) => {
            let why = auth.info.lang.pick(error.code().title_zh(), error.code().title_en());
            Flash::failure("channels.check_failed").with("why", why)
        }
    };
    Ok(auth.redirect_with(&flash, &address(*id)))
}

async fn unlink_account_form(
    auth: Authed<perm::AccountLink, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    accounts::unlink(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("channels.unlinked"), HOME))
}
