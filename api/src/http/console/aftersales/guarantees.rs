//! Claims under a platform's guarantee of one account, asked of the platform when the page is opened.

use super::HOME;
use crate::app::aftersales::guarantees::{self, Shown};
use crate::error::ApiError;
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::guarantee_kind_of;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{GuaranteeKind, GuaranteeQuery};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) const LIST: &str = "/console/merchant/guarantees";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(LIST, guarantees_page);
}

pub(super) fn page_of(account: ChannelAccountId, claim: &str) -> String {
    format!("/console/merchant/channel_accounts/{account}/guarantees/{claim}")
}

#[derive(Debug, Deserialize, IntoParams)]
struct GuaranteesPageQuery {
    account: Option<String>,
    /// `fake` or `damage`.
    kind: Option<String>,
    /// The order's id at the channel.
    order: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Kind {
    value: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct Row {
    href: String,
    external_id: String,
    kind: &'static str,
    state: &'static str,
    waits: bool,
    title: String,
    goods: usize,
    reason: String,
    amount: Option<i64>,
    order_number: String,
    order_href: Option<String>,
    deadline: Option<i64>,
    at: i64,
}

#[derive(Serialize)]
struct GuaranteesView {
    cases_href: &'static str,
    accounts: Vec<Choice>,
    kinds: Vec<Kind>,
    order: String,
    rows: Vec<Row>,
    filtered: bool,
    clear_href: String,
    next_page: Option<String>,
    /// Why the platform told nothing.
    trouble: Option<String>,
    may_link: bool,
}

fn row(account: ChannelAccountId, Shown { claim, order }: Shown) -> Row {
    let waits = claim.state.waits_for_merchant();
    Row {
        href: page_of(account, &claim.external_id),
        kind: claim.kind.as_str(),
        state: claim.state.as_str(),
        waits,
        title: claim.goods.first().map(|one| one.title.clone()).unwrap_or_default(),
        goods: claim.goods.len(),
        reason: claim.reason,
        amount: claim.amount.map(|amount| amount.get()),
        order_number: order.as_ref().map_or(claim.order_id, |(_, number)| number.clone()),
        order_href: order.map(|(id, _)| format!("/console/merchant/orders/{id}")),
        deadline: claim.deadline.filter(|_| waits).map(Timestamp::micros),
        at: claim.created_at.micros(),
        external_id: claim.external_id,
    }
}

async fn guarantees_page(auth: Authed<perm::OrderRead, Query<GuaranteesPageQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let accounts = guarantees::accounts(&auth.state, &auth.grant).await?;
    let wanted = text(&query.account);
    let chosen = match wanted.parse::<ChannelAccountId>() {
        Ok(id) => Some(accounts.iter().find(|one| one.id == id).ok_or_else(ApiError::not_found)?.id),
        Err(_) => accounts.first().map(|one| one.id),
    };
    let (kind, order) = (guarantee_kind_of(&text(&query.kind)), text(&query.order));
    let word = kind.as_ref().map_or("", GuaranteeKind::as_str).to_owned();
    let at = chosen.map(|id| id.to_string()).unwrap_or_default();
    let address = |kind: &str, order: &str, cursor: &str| {
        let pairs = [("account", at.as_str()), ("kind", kind), ("order", order), ("cursor", cursor)];
        format!("{LIST}?{}", query_of(&pairs))
    };
    let mut view = GuaranteesView {
        cases_href: HOME,
        accounts: accounts
            .iter()
            .map(|one| Choice {
                value: one.id.to_string(),
                label: one.name.clone(),
                chosen: Some(one.id) == chosen,
            })
            .collect(),
        kinds: ["fake", "damage"].map(|value| Kind { value, chosen: value == word }).into(),
        filtered: !word.is_empty() || !order.is_empty(),
        clear_href: address("", "", ""),
        rows: Vec::new(),
        next_page: None,
        trouble: None,
        may_link: auth.caller.may(Permission::AccountLink),
        order: order.clone(),
    };
    if let Some(account) = chosen {
        let asked = GuaranteeQuery {
            kind,
            order_id: Some(order.clone()).filter(|order| !order.is_empty()),
            cursor: query.cursor.clone().filter(|cursor| !cursor.is_empty()),
        };
        match guarantees::list(&auth.state, &auth.grant, account, &asked).await {
            Ok(found) => {
                view.next_page = found.next.map(|cursor| address(&word, &order, &cursor));
                view.rows = found.items.into_iter().map(|one| row(account, one)).collect();
            }
            // What goes wrong at the platform, or on the way there, is said on the page.
            Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
                view.trouble = Some(auth.state.pages.catalogue().told(auth.info.lang, &error));
            }
            Err(error) => return Err(error),
        }
    }
    auth.page("aftersales/guarantees", view)
}
