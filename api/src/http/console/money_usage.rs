//! What a merchant used and what it is charged for it, beside its bills.

use super::billing_charges::{ChargeLine, charge_lines};
use super::money::merchants_only;
use crate::app::money::usage;
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use qianpu_domain::billing::{ORDERS, parse_date};
use qianpu_domain::ids::OrderId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::subscription::Subscription;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const USAGE: &str = "/console/merchant/money/usage";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(USAGE, usage_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct UsageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct MeterLine {
    name: String,
    period_start: String,
    period_end: String,
    quantity: i64,
    rated_quantity: i64,
    accepted: i64,
    rated: i64,
    rejected: i64,
}

#[derive(Serialize)]
struct EventLine {
    name: String,
    event_id: String,
    link: Option<String>,
    quantity: i64,
    occurred_at: i64,
    rejected: Option<String>,
}

#[derive(Serialize)]
struct UsageView {
    charges: Vec<ChargeLine>,
    meters: Vec<MeterLine>,
    events: Vec<EventLine>,
    next_page: Option<String>,
}

async fn usage_page(auth: Authed<perm::BillingRead, Query<UsageQuery>>) -> PageAnswer {
    merchants_only(&auth)?;
    let lang = auth.info.lang;
    let (subscription, meters) = usage::meters(&auth.state, &auth.grant, None).await?;
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = usage::events(&auth.state, &auth.grant, None, None, page).await?;
    // A metric of a plan before has no name here any more.
    let named = |of: Option<&Subscription>, metric: &str| {
        let charge = of.and_then(|of| of.terms.charges.iter().find(|charge| charge.metric == metric));
        charge.map_or_else(
            || metric.to_owned(),
            |charge| lang.pick(&charge.name_zh, &charge.name_en).to_owned(),
        )
    };
    let last = |end: &str| {
        let day = parse_date(end).ok().and_then(|day| day.yesterday().ok());
        day.map_or_else(|| end.to_owned(), |day| day.to_string())
    };
    let of = subscription.as_ref();
    let view = UsageView {
        charges: of.map(|of| charge_lines(lang, &of.terms.charges)).unwrap_or_default(),
        meters: meters
            .into_iter()
            .map(|row| MeterLine {
                name: named(of, &row.metric),
                period_end: last(&row.period_end),
                period_start: row.period_start,
                quantity: row.quantity,
                rated_quantity: row.rated_quantity,
                accepted: row.accepted,
                rated: row.rated,
                rejected: row.rejected,
            })
            .collect(),
        next_page: found.next.map(|next| format!("{USAGE}?cursor={}", cursor_text(&next))),
        events: found
            .items
            .into_iter()
            .map(|row| EventLine {
                name: named(of, &row.metric),
                link: (row.metric == ORDERS && row.event_id.parse::<OrderId>().is_ok())
                    .then(|| format!("/console/merchant/orders/{}", row.event_id)),
                event_id: row.event_id,
                quantity: row.quantity,
                occurred_at: row.occurred_at.micros(),
                rejected: row.rejected,
            })
            .collect(),
    };
    auth.page("money/usage", view)
}
