//! How the provider's merchants are doing, and how a merchant itself is.

use super::billing::providers_only;
use crate::app::health::{self, MOST, Order, TenantHealth};
use crate::figures::{Hour, SLOT, SLOTS, Slot};
use crate::http::extract::{Authed, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::health::{RequestLimits, millis};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use qianpu_domain::time::Span;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const PAGE: &str = "/console/provider/health";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(PAGE, merchants_page);
    pages.get("/console/merchant/health", own_page);
}

/// A time as people read it: `12 ms`, `1.25 s`.
fn took(span: Option<Span>) -> Option<String> {
    let millis = millis(span?);
    Some(if millis < 1_000 {
        format!("{millis} ms")
    } else {
        format!("{}.{:02} s", millis / 1_000, millis % 1_000 / 10)
    })
}

/// How long something has waited, in its largest unit.
fn waited(span: Span, lang: Lang) -> String {
    let seconds = span.as_seconds().max(0);
    let (number, zh, en) = match seconds {
        0..120 => (seconds, "秒", "s"),
        120..7_200 => (seconds / 60, "分钟", "min"),
        7_200..172_800 => (seconds / 3_600, "小时", "h"),
        _ => (seconds / 86_400, "天", "days"),
    };
    format!("{number} {}", lang.pick(zh, en))
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    requests: u64,
    p50: Option<String>,
    p99: Option<String>,
    errors: u64,
    refused: u64,
    limited: u64,
    waiting: i64,
    oldest: Option<String>,
    laid_aside: i64,
}

impl Row {
    fn of(row: &TenantHealth, lang: Lang) -> Self {
        Self {
            id: row.tenant.to_string(),
            name: row.name.clone(),
            requests: row.hour.counts.requests,
            p50: took(row.hour.times.quantile(50)),
            p99: took(row.hour.times.quantile(99)),
            errors: row.hour.counts.errors,
            refused: row.hour.counts.refused,
            limited: row.hour.counts.limited,
            waiting: row.waiting,
            oldest: row.oldest.map(|span| waited(span, lang)),
            laid_aside: row.laid_aside,
        }
    }
}

/// A part of the hour: as a row of the table, and as a bar of the chart in its units.
#[derive(Serialize)]
struct Bar {
    /// Minutes ago at which it began.
    from: i64,
    requests: u64,
    errors: u64,
    limited: u64,
    p99: Option<String>,
    x: u64,
    top: u64,
    height: u64,
    /// The part of the bar that stands for errors and for what limits refused.
    bad_top: u64,
    bad_height: u64,
    /// Written below the bar, at some of them.
    label: bool,
}

const CHART_WIDTH: u64 = 600;
const CHART_HEIGHT: u64 = 120;

/// A number at least as large that reads well at the top of an axis.
fn round_up(most: u64) -> u64 {
    let mut unit = 1_u64;
    while unit.saturating_mul(10) < most {
        unit = unit.saturating_mul(10);
    }
    [1, 2, 5, 10].into_iter().map(|times| unit.saturating_mul(times)).find(|top| *top >= most).unwrap_or(most)
}

fn bars(hour: &Hour) -> (u64, Vec<Bar>) {
    let most = hour.slots.iter().map(|slot| slot.counts.requests).max().unwrap_or(0).max(1);
    let most = round_up(most);
    let step = CHART_WIDTH / SLOTS as u64;
    let tall = |count: u64| {
        // A single request is still to be seen.
        if count == 0 { 0 } else { (count.saturating_mul(CHART_HEIGHT) / most).max(2) }
    };
    let bar = |(number, slot): (u64, &Slot)| {
        let height = tall(slot.counts.requests);
        let bad_height = tall(slot.counts.errors + slot.counts.limited).min(height);
        let left = i64::try_from(SLOTS as u64 - number).unwrap_or(0);
        Bar {
            from: SLOT.as_seconds() / 60 * left,
            requests: slot.counts.requests,
            errors: slot.counts.errors,
            limited: slot.counts.limited,
            p99: took(slot.times.quantile(99)),
            x: number * step + 4,
            top: CHART_HEIGHT - height,
            height,
            bad_top: CHART_HEIGHT - bad_height,
            bad_height,
            label: number.is_multiple_of(3),
        }
    };
    (most, (0_u64..).zip(&hour.slots).map(bar).collect())
}

#[derive(Deserialize, IntoParams)]
struct HealthQuery {
    order: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    word: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct MerchantsView {
    since: i64,
    all: Row,
    axis: u64,
    bars: Vec<Bar>,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    active: usize,
    more: bool,
}

async fn merchants_page(auth: Authed<perm::MerchantRead, Query<HealthQuery>>) -> PageAnswer {
    providers_only(&auth)?;
    let lang = auth.info.lang;
    let order = auth.input.0.order.as_deref().and_then(Order::from_text).unwrap_or_default();
    let found = health::merchants(&auth.state, &auth.grant, order, MOST).await?;
    let (axis, bars) = bars(&found.all);
    let all = TenantHealth {
        tenant: found.all.tenant,
        name: String::new(),
        hour: found.all.whole(),
        waiting: found.merchants.iter().map(|row| row.waiting).sum(),
        oldest: found.merchants.iter().filter_map(|row| row.oldest).max(),
        laid_aside: found.merchants.iter().map(|row| row.laid_aside).sum(),
    };
    let view = MerchantsView {
        since: found.since.micros(),
        all: Row::of(&all, lang),
        axis,
        bars,
        tabs: Order::ALL.map(|own| Tab { word: own.as_str(), chosen: own == order }).into(),
        more: found.active > found.merchants.len(),
        active: found.active,
        rows: found.merchants.iter().map(|row| Row::of(row, lang)).collect(),
    };
    auth.page("health/merchants", view)
}

#[derive(Serialize)]
struct OwnView {
    since: i64,
    own: Row,
    rate: RequestLimits,
}

async fn own_page(auth: Authed<perm::JobRead>) -> PageAnswer {
    let row = health::own(&auth.state, &auth.grant, auth.caller.tenant_name()).await?;
    let view = OwnView {
        since: auth.state.figures.since().micros(),
        own: Row::of(&row, auth.info.lang),
        rate: health::rates(&auth.state, &auth.caller).await?.into(),
    };
    auth.page("health/own", view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_numbers_that_read_well() {
        for (most, top) in [(1, 1), (2, 2), (3, 5), (9, 10), (11, 20), (60, 100), (101, 200), (5_000, 5_000)]
        {
            assert_eq!(round_up(most), top, "{most}");
        }
        assert!(round_up(u64::MAX) >= u64::MAX / 2);
    }

    #[test]
    fn times_are_written_in_their_unit() {
        assert_eq!(took(Some(Span::micros(300))).as_deref(), Some("1 ms"));
        assert_eq!(took(Some(Span::micros(1_254_000))).as_deref(), Some("1.25 s"));
        assert_eq!(waited(Span::seconds(90), Lang::En), "90 s");
        assert_eq!(waited(Span::minutes(3), Lang::Zh), "3 分钟");
        assert_eq!(waited(Span::days(3), Lang::En), "3 days");
    }
}
