//! Figures a platform tells of a day that is over: the account, its products, its people. The platform is asked each time,
//! and only for the part that is looked at.

use super::accounts::HOME;
use crate::app::channels::analytics::{self, Shown, day_of, group_of};
use crate::error::Answer;
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Date;
use qianpu_sdk::{DayFigures, FigureName, Figures, PeopleFigures, PeopleGroup};
use qianpu_tenants::authz::{Perm, perm};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let at = "/console/merchant/channel_accounts/{channel_account_id}/analytics";
    pages.get(at, analytics_page);
    pages.get(&format!("{at}/products/{{external_product}}"), analytics_product_page);
}

/// Figures that the table of products shows.
const COLUMNS: [FigureName; 6] = [
    FigureName::Paid,
    FigureName::PaidOrders,
    FigureName::Buyers,
    FigureName::PaidItems,
    FigureName::DealRefunded,
    FigureName::Clickers,
];

#[derive(Debug, Deserialize, IntoParams)]
struct AnalyticsPageQuery {
    day: Option<String>,
    /// `products` or `people`; otherwise the account.
    part: Option<String>,
    /// Which people.
    group: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
struct AnalyticsProductQuery {
    day: Option<String>,
}

/// A figure; without a number it was not told.
#[derive(Serialize)]
struct Cell {
    name: &'static str,
    fen: bool,
    number: Option<i64>,
}

#[derive(Serialize)]
struct Tab {
    name: &'static str,
    href: String,
    current: bool,
}

#[derive(Serialize)]
struct Promoter {
    id: String,
    name: Option<String>,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Promoters {
    cells: Option<Vec<Cell>>,
    main: Option<String>,
    authorised: Vec<String>,
    rows: Vec<Promoter>,
    more: bool,
}

#[derive(Serialize)]
struct ProductRow {
    id: String,
    title: String,
    href: String,
    listing_href: Option<String>,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Choice {
    group: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct Kind {
    kind: String,
    number: String,
}

#[derive(Serialize)]
struct Trait {
    heading: String,
    kinds: Vec<Kind>,
}

#[derive(Serialize)]
struct AnalyticsView {
    at: String,
    back: String,
    account: String,
    part: &'static str,
    tabs: Vec<Tab>,
    /// Where rooms have their own figures.
    live_href: Option<String>,
    day: String,
    last: String,
    /// Why the day cannot be asked for.
    day_error: Option<String>,
    /// Why the platform told nothing.
    trouble: Option<String>,
    asked: bool,
    cells: Option<Vec<Cell>>,
    promoters: Option<Promoters>,
    columns: Vec<&'static str>,
    products: Option<Vec<ProductRow>>,
    next_page: Option<String>,
    more: bool,
    groups: Vec<Choice>,
    traits: Option<Vec<Trait>>,
}

fn cell(name: FigureName, number: Option<i64>) -> Cell {
    Cell { name: name.as_str(), fen: name.is_money(), number }
}

fn cells(told: &Figures) -> Vec<Cell> {
    told.iter().map(|(name, number)| cell(*name, *number)).collect()
}

fn in_path(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

fn parts(at: &str, part: &str, day: &str) -> Vec<Tab> {
    let tab = |name| Tab {
        name,
        href: format!("{at}?{}", query_of(&[("day", day), ("part", name)])),
        current: name == part,
    };
    ["account", "products", "people"].map(tab).into()
}

impl AnalyticsView {
    fn overview(&mut self, told: DayFigures) {
        self.cells = told.figures.as_ref().map(cells);
        self.promoters = told.promoters.map(|told| Promoters {
            cells: told.figures.as_ref().map(cells),
            main: told.main,
            authorised: told.authorised,
            rows: told
                .rows
                .into_iter()
                .map(|row| Promoter { id: row.id, name: row.name, cells: cells(&row.figures) })
                .collect(),
            more: told.more,
        });
    }

    fn product(&self, shown: Shown) -> ProductRow {
        let Shown { product, listing } = shown;
        let figure = |name: &FigureName| cell(*name, product.figures.get(name).copied().flatten());
        ProductRow {
            href: format!("{}/products/{}?day={}", self.at, in_path(&product.product_id), self.day),
            cells: COLUMNS.iter().map(figure).collect(),
            listing_href: listing.map(|id| format!("/console/merchant/listings/{id}")),
            title: product.title,
            id: product.product_id,
        }
    }

    fn people(&mut self, told: PeopleFigures, chosen: PeopleGroup) {
        self.groups = told
            .groups
            .iter()
            .map(|group| Choice { group: group.as_str(), chosen: *group == chosen })
            .collect();
        let kinds = |kinds: Vec<qianpu_sdk::PeopleKind>| {
            kinds.into_iter().map(|one| Kind { kind: one.name, number: one.value }).collect()
        };
        self.traits = told.traits.map(|traits| {
            traits.into_iter().map(|one| Trait { heading: one.name, kinds: kinds(one.kinds) }).collect()
        });
    }
}

async fn begin<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    part: &'static str,
    text: Option<&str>,
) -> Answer<(AnalyticsView, Option<Date>)> {
    let account = analytics::account(&auth.state, &auth.grant, id).await?;
    let now = auth.state.clock().now();
    let last = analytics::yesterday(now).to_string();
    let at = format!("{HOME}/{id}/analytics");
    let (day, day_error) = match day_of(text, now) {
        Ok(day) => (Some(day), None),
        Err(error) => (None, Some(auth.info.lang.pick(&error.message_zh, &error.message_en).to_owned())),
    };
    let shown = day.map_or_else(|| last.clone(), |day| day.to_string());
    let airs = qianpu_host::find(&account.channel).is_some_and(|channel| channel.live().is_some());
    let view = AnalyticsView {
        back: format!("{HOME}/{id}"),
        tabs: parts(&at, part, &shown),
        live_href: (airs && auth.caller.may(Permission::LiveRead)).then(|| format!("{HOME}/{id}/live")),
        at,
        account: account.name,
        part,
        day: shown,
        last,
        day_error,
        trouble: None,
        asked: false,
        cells: None,
        promoters: None,
        columns: COLUMNS.iter().map(|name| name.as_str()).collect(),
        products: None,
        next_page: None,
        more: false,
        groups: Vec::new(),
        traits: None,
    };
    Ok((view, day))
}

/// What goes wrong at the platform, or on the way there, is said on the page.
fn told<P: Perm, T, V>(
    auth: &Authed<P, T>,
    view: &mut AnalyticsView,
    answer: Answer<V>,
) -> Answer<Option<V>> {
    match answer {
        Ok(value) => {
            view.asked = true;
            Ok(Some(value))
        }
        Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
            view.trouble = Some(auth.state.pages.catalogue().told(auth.info.lang, &error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn analytics_page(
    auth: Authed<perm::OrderRead, (Path<ChannelAccountId>, Query<AnalyticsPageQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let part = match query.part.as_deref() {
        Some("products") => "products",
        Some("people") => "people",
        _ => "account",
    };
    let (mut view, day) = begin(&auth, *id, part, query.day.as_deref()).await?;
    let Some(day) = day else { return auth.page("channels/analytics", view) };
    let (state, grant) = (&auth.state, &auth.grant);
    match part {
        "products" => {
            let cursor = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
            let found = analytics::products(state, grant, *id, day, None, cursor).await;
            if let Some(found) = told(&auth, &mut view, found)? {
                let address = |cursor: String| {
                    let pairs = [("day", view.day.as_str()), ("part", part), ("cursor", cursor.as_str())];
                    format!("{}?{}", view.at, query_of(&pairs))
                };
                view.next_page = found.next.map(address);
                let rows = found.items.map(|items| items.into_iter().map(|one| view.product(one)).collect());
                view.products = rows;
                view.more = found.more;
            }
        }
        "people" => {
            let group = group_of(query.group.as_deref().unwrap_or_default()).unwrap_or(PeopleGroup::Bought);
            let found = analytics::people(state, grant, *id, day, group).await;
            if let Some(found) = told(&auth, &mut view, found)? {
                view.people(found, group);
            }
        }
        _ => {
            let found = analytics::overview(state, grant, *id, day).await;
            if let Some(found) = told(&auth, &mut view, found)? {
                view.overview(found);
            }
        }
    }
    auth.page("channels/analytics", view)
}

#[derive(Serialize)]
struct AnalyticsProductView {
    back: String,
    day: String,
    title: String,
    id: String,
    listing_href: Option<String>,
    cells: Option<Vec<Cell>>,
    day_error: Option<String>,
    trouble: Option<String>,
}

async fn analytics_product_page(
    auth: Authed<perm::OrderRead, (Path2<ChannelAccountId, String>, Query<AnalyticsProductQuery>)>,
) -> PageAnswer {
    let (Path2(id, product), Query(query)) = &auth.input;
    let (mut view, day) = begin(&auth, *id, "products", query.day.as_deref()).await?;
    let found = match day {
        Some(day) => {
            let found = analytics::product(&auth.state, &auth.grant, *id, day, product).await;
            told(&auth, &mut view, found)?.flatten()
        }
        None => None,
    };
    let back = format!("{}?{}", view.at, query_of(&[("day", view.day.as_str()), ("part", "products")]));
    let title = found.as_ref().map(|shown| shown.product.title.clone()).filter(|title| !title.is_empty());
    let shown = AnalyticsProductView {
        back,
        title: title.unwrap_or_else(|| product.clone()),
        id: product.clone(),
        listing_href: found
            .as_ref()
            .and_then(|shown| shown.listing)
            .map(|id| format!("/console/merchant/listings/{id}")),
        cells: found.map(|shown| cells(&shown.product.figures)),
        day: view.day,
        day_error: view.day_error,
        trouble: view.trouble,
    };
    auth.page("channels/analytics_product", shown)
}
