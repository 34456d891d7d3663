//! What platforms said about the merchant's accounts, in words; what waits for somebody is said to be done here.

use super::accounts::HOME;
use crate::app::channels::{exchanges, pushes};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::{ChannelAccountId, InboxId};
use qianpu_sdk::NoticeKind;
use qianpu_tenants::authz::perm;
use qianpu_tenants::inbox::InboxMessage;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const LIST: &str = "/console/merchant/channel_accounts/pushes";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(LIST, channel_pushes_page);
    pages.post(
        "/console/merchant/channel_accounts/{channel_account_id}/pushes/{push_id}/handled",
        handle_channel_push_form,
    );
}

#[derive(Debug, Deserialize, IntoParams)]
struct PushQuery {
    account: Option<String>,
    /// `waiting` or nothing.
    tab: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AccountItem {
    value: String,
    label: String,
    chosen: bool,
    waiting: i64,
}

#[derive(Serialize)]
struct ToldRow {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct PushRow {
    id: String,
    /// A known kind, with dots as underscores; none for one we do not read.
    kind: Option<String>,
    native: Option<String>,
    told: Vec<ToldRow>,
    waits: bool,
    /// The page of the guarantee claim it is about.
    claim_href: Option<String>,
    handled_at: Option<i64>,
    at: i64,
}

#[derive(Serialize)]
struct PushesView {
    accounts: Vec<AccountItem>,
    account: Option<String>,
    rows: Vec<PushRow>,
    waiting: bool,
    all_href: String,
    waiting_href: String,
    next_page: Option<String>,
}

fn row(message: InboxMessage, may_handle: bool) -> PushRow {
    let known = NoticeKind::KNOWN.iter().any(|kind| kind.as_str() == message.kind);
    PushRow {
        id: message.id.to_string(),
        told: pushes::told(&message).into_iter().map(|(name, value)| ToldRow { name, value }).collect(),
        waits: may_handle && pushes::waits(&message),
        claim_href: (message.kind == NoticeKind::GuaranteeChanged.as_str() && !message.subject.is_empty())
            .then(|| {
                let account = ChannelAccountId(message.owner);
                format!("{HOME}/{account}/guarantees/{}", message.subject)
            }),
        kind: known.then(|| message.kind.replace('.', "_")),
        native: message.native_type,
        handled_at: message.handled_at.map(|at| at.micros()),
        at: message.received_at.micros(),
    }
}

async fn channel_pushes_page(auth: Authed<perm::AccountRead, Query<PushQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let accounts = exchanges::accounts(&auth.state, &auth.grant).await?;
    let handles = auth.caller.grant::<perm::AftersaleHandle>().ok();
    let waiting_of = match &handles {
        Some(grant) => pushes::waiting(&auth.state, grant).await?,
        None => Vec::new(),
    };
    let waiting = query.tab.as_deref() == Some("waiting");
    let wanted = query.account.as_deref().unwrap_or_default().parse::<ChannelAccountId>().ok();
    if wanted.is_some_and(|id| !accounts.contains_key(&id)) {
        return Err(ApiError::not_found());
    }
    // The account with something to do comes first.
    let chosen = wanted.or(waiting_of.first().map(|(id, _)| *id)).or(accounts.keys().next().copied());
    let found = match chosen {
        Some(id) => {
            let page = page_request(None, query.cursor.as_deref())?;
            Some(pushes::list(&auth.state, &auth.grant, id, waiting, page).await?)
        }
        None => None,
    };
    let at = chosen.map(|id| id.to_string()).unwrap_or_default();
    let address = |tab: &str| format!("{LIST}?account={at}{tab}");
    let (items, next) = found.map(|page| (page.items, page.next)).unwrap_or_default();
    let view = PushesView {
        accounts: accounts
            .values()
            .map(|account| AccountItem {
                value: account.id.to_string(),
                label: account.name.clone(),
                chosen: Some(account.id) == chosen,
                waiting: waiting_of.iter().find(|(id, _)| *id == account.id).map_or(0, |(_, count)| *count),
            })
            .collect(),
        account: chosen.map(|id| id.to_string()),
        next_page: next.map(|cursor| {
            let tab = if waiting { "&tab=waiting" } else { "" };
            format!("{}&cursor={}", address(tab), cursor_text(&cursor))
        }),
        rows: items.into_iter().map(|message| row(message, handles.is_some())).collect(),
        waiting,
        all_href: address(""),
        waiting_href: address("&tab=waiting"),
    };
    auth.page("channels/pushes", view)
}

async fn handle_channel_push_form(
    auth: Authed<perm::AftersaleHandle, (Path2<ChannelAccountId, InboxId>, Fields)>,
) -> PageAnswer {
    let (Path2(account, id), _) = auth.input;
    let done: Answer<()> = pushes::handle(&auth.state, &auth.grant, account, id).await;
    done?;
    let back = format!("{HOME}/pushes?account={account}&tab=waiting");
    Ok(auth.redirect_with(&Flash::success("pushes.handled"), &back))
}
