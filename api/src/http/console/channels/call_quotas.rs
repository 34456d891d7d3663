//! What a platform still lets an account call: a page of its own, since the platform is asked each time.

use super::accounts::HOME;
use crate::app::channels::call_quotas;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::InterfaceQuota;
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/{channel_account_id}/call_quotas", call_quotas_page);
    pages.post(
        "/console/merchant/channel_accounts/{channel_account_id}/call_quotas/clear",
        clear_call_quotas_form,
    );
}

#[derive(Serialize)]
struct RateRow {
    calls: i64,
    seconds: i64,
    shared: bool,
}

#[derive(Serialize)]
struct QuotaRow {
    interface: String,
    told: bool,
    limit: i64,
    used: i64,
    left: i64,
    spent: bool,
    rates: Vec<RateRow>,
}

#[derive(Serialize)]
struct CallQuotasPage {
    back: String,
    name: String,
    rows: Vec<QuotaRow>,
    may_clear: bool,
    /// Why the platform told nothing.
    trouble: Option<String>,
}

fn row(one: InterfaceQuota) -> QuotaRow {
    let day = one.daily;
    QuotaRow {
        interface: one.interface,
        told: day.is_some(),
        limit: day.map_or(0, |day| day.limit),
        used: day.map_or(0, |day| day.used),
        left: day.map_or(0, |day| day.left),
        spent: day.is_some_and(|day| day.left <= 0),
        rates: one
            .rates
            .into_iter()
            .map(|rate| RateRow { calls: rate.calls, seconds: rate.seconds, shared: rate.shared })
            .collect(),
    }
}

async fn call_quotas_page(auth: Authed<perm::AccountRead, Path<ChannelAccountId>>) -> PageAnswer {
    let id = auth.input.0;
    let account = call_quotas::account(&auth.state, &auth.grant, id).await?;
    let mut view = CallQuotasPage {
        back: format!("{HOME}/{id}"),
        name: account.name,
        rows: Vec::new(),
        may_clear: auth.caller.may(Permission::AccountLink),
        trouble: None,
    };
    match call_quotas::ask(&auth.state, &auth.grant, id).await {
        Ok(found) => view.rows = found.into_iter().map(row).collect(),
        // What goes wrong at the platform, or on the way there, is said on the page.
        Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
            view.trouble = Some(auth.state.pages.catalogue().told(auth.info.lang, &error));
        }
        Err(error) => return Err(error),
    }
    auth.page("channels/call_quotas", view)
}

async fn clear_call_quotas_form(
    auth: Authed<perm::AccountLink, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let flash = match call_quotas::clear(&auth.state, &auth.grant, *id).await {
        Ok(_) => Flash::success("channels.quotas_cleared"),
        Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
            let why = auth.state.pages.catalogue().told(auth.info.lang, &error);
            Flash::failure("channels.quotas_clear_failed").with("why", why)
        }
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &format!("{HOME}/{id}/call_quotas")))
}
