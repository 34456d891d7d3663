//! `/channel_accounts/{id}/analytics`: figures that a platform tells of a day that is over.

use crate::app::channels::analytics::{self, Shown, day_of, group_of};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money};
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Date;
use qianpu_sdk::{Figures, PeopleTrait, PromoterFigures};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let at = "/channel_accounts/{channel_account_id}/analytics";
    let of = |rest: &str| format!("{at}/{rest}");
    api.get(at, get_day_figures, "An account's figures of a day that is over, asked of the platform");
    api.get(
        &of("products"),
        list_day_products,
        "Products of a day with their figures; those that sold most first",
    );
    api.get(&of("products/{external_product}"), get_day_product, "A product's figures of a day");
    api.get(&of("people"), get_day_people, "What kind of people saw, clicked or bought on a day");
}

/// One figure. Both are null where the platform did not tell it; that is not 0.
#[derive(Debug, Serialize, ToSchema)]
struct FigureBody {
    /// As `paid`, `paid_orders`, `buyers`; all names stand in docs/figures.md.
    name: &'static str,
    /// Where it is money.
    amount: Option<Money>,
    /// Where it is not.
    count: Option<i64>,
}

fn figures(told: &Figures) -> Vec<FigureBody> {
    told.iter()
        .map(|(name, figure)| FigureBody {
            name: name.as_str(),
            amount: figure.filter(|_| name.is_money()).map(|fen| Fen::new(fen).into()),
            count: figure.filter(|_| !name.is_money()),
        })
        .collect()
}

/// An account that sold for the shop.
#[derive(Debug, Serialize, ToSchema)]
struct PromoterFiguresBody {
    /// Its public id.
    external_id: String,
    name: Option<String>,
    figures: Vec<FigureBody>,
}

/// Accounts that sell for the shop.
#[derive(Debug, Serialize, ToSchema)]
struct PromotersBody {
    /// Of all of them; null where the platform has none of that day.
    figures: Option<Vec<FigureBody>>,
    /// Public id of the shop's own account.
    main: Option<String>,
    /// Public ids of those that are authorised; at most 200.
    authorised: Vec<String>,
    /// Those with figures of that day; at most 200.
    items: Vec<PromoterFiguresBody>,
    /// Whether there are more.
    more: bool,
}

impl From<PromoterFigures> for PromotersBody {
    fn from(told: PromoterFigures) -> Self {
        let row = |one: qianpu_sdk::PromoterRow| PromoterFiguresBody {
            external_id: one.id,
            name: one.name,
            figures: figures(&one.figures),
        };
        Self {
            figures: told.figures.as_ref().map(figures),
            main: told.main,
            authorised: told.authorised,
            items: told.rows.into_iter().map(row).collect(),
            more: told.more,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct DayFiguresBody {
    #[schema(example = "2026-11-21")]
    day: String,
    /// Null where the platform has none of that day.
    figures: Option<Vec<FigureBody>>,
    /// Null where the channel has no such thing.
    promoters: Option<PromotersBody>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct FiguresDayQuery {
    /// A day that is over, as `2026-11-21`, in China's time; without it the last one.
    day: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DayProductsQuery {
    /// A day that is over, as `2026-11-21`, in China's time; without it the last one.
    day: Option<String>,
    /// 1 to 100; 50 without it.
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DayPeopleQuery {
    /// A day that is over, as `2026-11-21`, in China's time; without it the last one.
    day: Option<String>,
    /// `saw`, `clicked`, `bought`, `bought_first`, `bought_again` or `watched`; `bought` without it.
    group: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DayProductBody {
    external_product_id: String,
    /// The listing here, where it is known.
    #[schema(value_type = Option<String>)]
    listing_id: Option<Id<ListingId>>,
    /// At the platform.
    title: String,
    figures: Vec<FigureBody>,
}

impl From<Shown> for DayProductBody {
    fn from(shown: Shown) -> Self {
        Self {
            figures: figures(&shown.product.figures),
            external_product_id: shown.product.product_id,
            listing_id: shown.listing.map(Id),
            title: shown.product.title,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct DayProductsBody {
    day: String,
    /// Whether the platform told any products of that day.
    told: bool,
    items: Vec<DayProductBody>,
    next_cursor: Option<String>,
    /// Whether the platform has more products than the 1,000 that are read.
    more: bool,
}

/// A kind of people.
#[derive(Debug, Serialize, ToSchema)]
struct PeopleKindBody {
    /// In the platform's words.
    name: String,
    /// How many, as the platform writes it.
    value: String,
}

/// How people differ, as by age.
#[derive(Debug, Serialize, ToSchema)]
struct PeopleTraitBody {
    /// In the platform's words.
    name: String,
    kinds: Vec<PeopleKindBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DayPeopleBody {
    day: String,
    group: &'static str,
    /// Groups the platform can be asked about.
    groups: Vec<&'static str>,
    /// Null where the platform has nothing of that day.
    traits: Option<Vec<PeopleTraitBody>>,
}

type At<Q> = Authed<perm::OrderRead, (Path<ChannelAccountId>, Query<Q>)>;

/// The day that is asked for; what is not the caller's is not there, whatever is asked.
async fn day<Q>(auth: &At<Q>, text: Option<&str>) -> Answer<Date> {
    analytics::account(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(day_of(text, auth.state.clock().now())?)
}

async fn get_day_figures(auth: At<FiguresDayQuery>) -> Answer<Json<DayFiguresBody>> {
    let (Path(id), Query(query)) = &auth.input;
    let day = day(&auth, query.day.as_deref()).await?;
    let told = analytics::overview(&auth.state, &auth.grant, *id, day).await?;
    Ok(Json(DayFiguresBody {
        day: day.to_string(),
        figures: told.figures.as_ref().map(figures),
        promoters: told.promoters.map(Into::into),
    }))
}

async fn list_day_products(auth: At<DayProductsQuery>) -> Answer<Json<DayProductsBody>> {
    let (Path(id), Query(query)) = &auth.input;
    let day = day(&auth, query.day.as_deref()).await?;
    let cursor = query.cursor.as_deref();
    let found = analytics::products(&auth.state, &auth.grant, *id, day, query.limit, cursor).await?;
    Ok(Json(DayProductsBody {
        day: day.to_string(),
        told: found.items.is_some(),
        items: found.items.unwrap_or_default().into_iter().map(Into::into).collect(),
        next_cursor: found.next,
        more: found.more,
    }))
}

async fn get_day_product(
    auth: Authed<perm::OrderRead, (Path2<ChannelAccountId, String>, Query<FiguresDayQuery>)>,
) -> Answer<Json<DayProductBody>> {
    let (Path2(id, product), Query(query)) = &auth.input;
    analytics::account(&auth.state, &auth.grant, *id).await?;
    let day = day_of(query.day.as_deref(), auth.state.clock().now())?;
    let found = analytics::product(&auth.state, &auth.grant, *id, day, product).await?;
    Ok(Json(found.ok_or_else(ApiError::not_found)?.into()))
}

async fn get_day_people(auth: At<DayPeopleQuery>) -> Answer<Json<DayPeopleBody>> {
    let (Path(id), Query(query)) = &auth.input;
    let day = day(&auth, query.day.as_deref()).await?;
    let group = group_of(query.group.as_deref().unwrap_or("bought"))?;
    let told = analytics::people(&auth.state, &auth.grant, *id, day, group).await?;
    let row = |one: PeopleTrait| PeopleTraitBody {
        name: one.name,
        kinds: one
            .kinds
            .into_iter()
            .map(|kind| PeopleKindBody { name: kind.name, value: kind.value })
            .collect(),
    };
    Ok(Json(DayPeopleBody {
        day: day.to_string(),
        group: group.as_str(),
        groups: told.groups.iter().map(|group| group.as_str()).collect(),
        traits: told.traits.map(|traits| traits.into_iter().map(row).collect()),
    }))
}
