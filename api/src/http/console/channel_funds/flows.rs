//! What moved a shop's money, asked of the platform page by page.

use super::{of_account, words};
use crate::app::channel_funds::{self as funds, WantedFlows};
use crate::http::extract::{Authed, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::flow_direction;
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Span;
use qianpu_sdk::FundsFlow;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/funds/{channel_account_id}/flows", funds_flows_page);
}

#[derive(Deserialize, IntoParams)]
struct FlowsQuery {
    direction: Option<String>,
    /// How many days back: 7, 30 or 90.
    days: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct FlowRow {
    kind: &'static str,
    income: bool,
    amount: i64,
    balance: Option<i64>,
    at: Option<i64>,
    order: Option<String>,
    withdrawal: Option<String>,
    remark: String,
    id: String,
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    href: String,
    chosen: bool,
}

#[derive(Serialize)]
struct FlowsView {
    name: String,
    back: String,
    flows: Vec<FlowRow>,
    directions: Vec<Choice>,
    spans: Vec<Choice>,
    trouble: Option<String>,
    next_page: Option<String>,
}

fn row(one: FundsFlow) -> FlowRow {
    FlowRow {
        kind: one.kind.as_str(),
        income: one.income,
        amount: one.amount.get(),
        balance: one.balance.map(qianpu_domain::money::Fen::get),
        at: one.booked_at.map(qianpu_domain::time::Timestamp::micros),
        order: one.order_id,
        withdrawal: one.withdrawal_id,
        remark: one.remark,
        id: one.flow_id,
    }
}

async fn funds_flows_page(
    auth: Authed<perm::FundsRead, (Path<ChannelAccountId>, Query<FlowsQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let account = funds::get(&auth.state, &auth.grant, *id).await?.account;
    let days = match query.days.as_deref() {
        Some("7") => "7",
        Some("90") => "90",
        _ => "30",
    };
    let direction = match query.direction.as_deref() {
        Some("in") => "in",
        Some("out") => "out",
        _ => "all",
    };
    let back = of_account(*id);
    let at = |direction: &str, days: &str| format!("{back}/flows?direction={direction}&days={days}");
    let now = auth.state.clock().now();
    let wanted = WantedFlows {
        from: Some(now.minus(Span::days(days.parse().unwrap_or(30)))),
        to: Some(now),
        income: flow_direction(Some(direction).filter(|one| *one != "all"))?,
        cursor: query.cursor.clone(),
    };
    let (mut flows, mut trouble, mut next_page) = (Vec::new(), None, None);
    match funds::flows(&auth.state, &auth.grant, *id, wanted).await {
        Ok(found) => {
            flows = found.items.into_iter().map(row).collect();
            let text =
                |cursor: String| url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect::<String>();
            next_page =
                found.next_cursor.map(|cursor| format!("{}&cursor={}", at(direction, days), text(cursor)));
        }
        Err(error) => trouble = Some(words(&auth, error)?),
    }
    let view = FlowsView {
        name: account.name,
        flows,
        directions: ["all", "in", "out"]
            .map(|value| Choice { value, href: at(value, days), chosen: value == direction })
            .into(),
        spans: ["7", "30", "90"]
            .map(|value| Choice { value, href: at(direction, value), chosen: value == days })
            .into(),
        trouble,
        next_page,
        back,
    };
    auth.page("channel_funds/flows", view)
}
