//! The list of orders: tabs by state, search, account and days.

use super::{HOME, page_of};
use crate::app::orders::read::{self, Listed};
use crate::app::orders::ship;
use crate::error::Answer;
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::order::OrderState;
use qianpu_domain::order::goods::LineStock;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::order::OrderFilter;
use qianpu_tenants::store::order_desk::DeskTodo;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// The source word of orders made in the shop itself.
const STOREFRONT: &str = "storefront";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, order_list_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    state: Option<String>,
    /// `urged` or `address`.
    todo: Option<String>,
    q: Option<String>,
    /// An account, or `storefront`.
    source: Option<String>,
    /// First day, `YYYY-MM-DD` in the merchant's zone.
    from: Option<String>,
    /// Last day.
    to: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    /// Empty for all.
    state: &'static str,
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
    ship_href: Option<String>,
    number: String,
    external_id: Option<String>,
    state: &'static str,
    /// Title of the first line.
    title: String,
    spec: String,
    pieces: i64,
    kinds: usize,
    /// Too little is in stock for a line.
    short: bool,
    /// The buyer urged, and it is not sent yet.
    urged: bool,
    /// The buyer wishes another address.
    address_wish: bool,
    remark: Option<String>,
    total: i64,
    account: Option<String>,
    scene: Option<&'static str>,
    at: i64,
}

fn row(Listed { order, lines, account_name, desk }: Listed, may_ship: bool) -> Row {
    let waits = matches!(order.progress.state, OrderState::Paid | OrderState::PartShipped);
    let first = lines.first();
    Row {
        href: page_of(order.id),
        ship_href: (may_ship && waits && ship::possible(&order))
            .then(|| format!("{}/ship", page_of(order.id))),
        title: first.map(|line| line.title.clone()).unwrap_or_default(),
        spec: first.map(|line| line.spec_text.clone()).unwrap_or_default(),
        pieces: lines.iter().map(|line| line.quantity).sum(),
        kinds: lines.len(),
        short: lines.iter().any(|line| line.stock == LineStock::Short),
        urged: waits && desk.urged_at.is_some(),
        address_wish: desk.wish.is_some(),
        remark: Some(order.facts.merchant_notes).filter(|text| !text.is_empty()),
        number: order.number,
        external_id: order.external_id,
        state: order.progress.state.as_str(),
        total: order.facts.amounts.total.get(),
        scene: account_name.is_some().then(|| order.facts.scene.as_str()),
        account: account_name,
        at: order.placed_at.micros(),
    }
}

#[derive(Serialize)]
struct ListView {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    sources: Vec<Choice>,
    state: String,
    /// Empty for all.
    todo: &'static str,
    q: String,
    from: String,
    to: String,
    filtered: bool,
    /// There is no order at all, not only none that matches.
    none_yet: bool,
    may_ship: bool,
    next_page: Option<String>,
}

async fn order_list_page(auth: Authed<perm::OrderRead, Query<ListQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let (state, q, source) = (text(&query.state), text(&query.q), text(&query.source));
    let days = read::days(&auth.state, &auth.grant, &text(&query.from), &text(&query.to)).await?;
    let wanted = OrderState::from_text(&state);
    let todo = DeskTodo::from_text(&text(&query.todo));
    let account: Option<ChannelAccountId> = source.parse().ok();
    let filter = OrderFilter {
        states: wanted.as_slice(),
        source: (source == STOREFRONT).then_some(STOREFRONT),
        account,
        search: Some(q.as_str()).filter(|text| !text.is_empty()),
        placed_from: days.from,
        placed_to: days.until,
        shops: None,
        todo,
    };
    let counts = read::counts(&auth.state, &auth.grant, filter.clone()).await?;
    let page = page_request(None, query.cursor.as_deref())?;
    let found = read::list(&auth.state, &auth.grant, filter, page).await?;

    let address = |state: &str, cursor: &str| {
        let pairs = [
            ("state", state),
            ("todo", todo.map(DeskTodo::as_str).unwrap_or_default()),
            ("q", &q),
            ("source", &source),
            ("from", &days.first),
            ("to", &days.last),
            ("cursor", cursor),
        ];
        let query = query_of(&pairs);
        if query.is_empty() { HOME.to_owned() } else { format!("{HOME}?{query}") }
    };
    let all = counts.iter().map(|(_, count)| count).sum();
    let mut tabs = vec![Tab { state: "", href: address("", ""), count: all, current: wanted.is_none() }];
    for one in OrderState::ALL {
        let count = counts.iter().find(|(state, _)| state == one).map_or(0, |(_, count)| *count);
        let href = address(one.as_str(), "");
        tabs.push(Tab { state: one.as_str(), href, count, current: wanted == Some(*one) });
    }
    let filtered = todo.is_some()
        || !(q.is_empty() && source.is_empty() && days.first.is_empty() && days.last.is_empty());
    let may_ship = auth.caller.may(Permission::OrderShip);
    let view = ListView {
        tabs,
        sources: sources(&auth, &source).await?,
        next_page: found.next.map(|cursor| address(&state, &cursor_text(&cursor))),
        rows: found.items.into_iter().map(|listed| row(listed, may_ship)).collect(),
        none_yet: all == 0 && !filtered,
        filtered,
        may_ship,
        state: wanted.map(OrderState::as_str).unwrap_or_default().to_owned(),
        todo: todo.map(DeskTodo::as_str).unwrap_or_default(),
        q,
        from: days.first.clone(),
        to: days.last.clone(),
    };
    auth.page("orders/list", view)
}

async fn sources<T>(auth: &Authed<perm::OrderRead, T>, chosen: &str) -> Answer<Vec<Choice>> {
    let tx = auth.state.db.read(auth.grant.ctx()).await?;
    let accounts = read::account_names(&tx).await?.into_iter().map(|(id, name, _)| {
        let value = id.to_string();
        Choice { chosen: value == chosen, value, label: name }
    });
    Ok(accounts.collect())
}
