//! `/channel_accounts/{id}/showcase`: the product window of an account.

use crate::app::live::showcase::{self, Put, Window};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Time};
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::showcase::ShowcaseRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    let showcase = "/channel_accounts/{channel_account_id}/showcase";
    api.get(showcase, get_showcase, "The product window of an account, as it was read last");
    api.post(&format!("{showcase}/read"), read_showcase, "Read the window at the platform");
    api.post(
        &format!("{showcase}/items"),
        add_showcase_items,
        "Put listed products into the window, one after another; what came of each",
    );
    api.post(
        &format!("{showcase}/remove"),
        remove_showcase_item,
        "Ask the platform to take a product off; how it stands afterwards",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct ShowcaseItemView {
    /// The product's id at the platform.
    product_id: String,
    /// The shop account it comes from; empty for somebody else's product, sold for commission.
    source_id: String,
    /// `shown`, `off`, `gone`: deleted where it comes from, `unknown`, or `absent`: the platform did not take it.
    state: String,
    /// The platform's raw state, where it is one we do not know.
    native_state: String,
    title: Option<String>,
    picture_url: Option<String>,
    /// The lowest one.
    price: Option<Money>,
    stock: Option<i64>,
    /// Kept off the window's own page; it may be sold in rooms and videos.
    hidden: bool,
    /// Why it may not be sold: `category`, `not_applied`, `branch_closed`, or `other` with the raw value.
    barred: Option<String>,
    /// Our listing of it.
    #[schema(value_type = Option<String>)]
    listing_id: Option<Id<ListingId>>,
    /// What the platform said when the last change of it was refused.
    refusal: Option<String>,
    #[schema(value_type = String)]
    read_at: Time,
}

fn item(row: ShowcaseRow) -> ShowcaseItemView {
    ShowcaseItemView {
        product_id: row.product_id,
        source_id: row.source_id,
        state: row.state,
        native_state: row.native_state,
        title: row.title,
        picture_url: row.picture_url,
        price: row.price.map(Into::into),
        stock: row.stock,
        hidden: row.hidden,
        barred: row.barred,
        listing_id: row.listing.map(Id),
        refusal: row.refusal,
        read_at: Time(row.read_at),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ShowcaseView {
    items: Vec<ShowcaseItemView>,
    /// Null before the window was read.
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
    /// Whether the platform has more than was read.
    more: bool,
}

fn view(window: Window) -> ShowcaseView {
    ShowcaseView {
        items: window.items.into_iter().map(item).collect(),
        read_at: window.read_at.map(Time),
        more: window.more,
    }
}

async fn get_showcase(auth: Authed<perm::LiveRead, Path<ChannelAccountId>>) -> Answer<Json<ShowcaseView>> {
    Ok(Json(view(showcase::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn read_showcase(auth: Authed<perm::LiveManage, Path<ChannelAccountId>>) -> Answer<Json<ShowcaseView>> {
    Ok(Json(view(showcase::read_back(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddShowcaseBody {
    /// 1 to 50 products of the account's shop that are listed in a shop of the same platform.
    #[schema(value_type = Vec<String>)]
    listing_ids: Vec<Id<ListingId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ShowcasePutView {
    #[schema(value_type = String)]
    listing_id: Id<ListingId>,
    title: String,
    /// How it stands in the window; `refused` by the platform; `not_tried` because one before it failed for all.
    outcome: String,
    /// The platform's words.
    words: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ShowcasePutsView {
    items: Vec<ShowcasePutView>,
}

async fn add_showcase_items(
    auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Json<AddShowcaseBody>)>,
) -> Answer<Json<ShowcasePutsView>> {
    let (Path(account), Json(body)) = &auth.input;
    let listings: Vec<ListingId> = body.listing_ids.iter().map(|id| id.0).collect();
    let put = |put: Put| ShowcasePutView {
        listing_id: Id(put.listing),
        title: put.title,
        outcome: put.outcome,
        words: put.words,
    };
    let puts = showcase::add(&auth.state, &auth.grant, *account, &listings).await?;
    Ok(Json(ShowcasePutsView { items: puts.into_iter().map(put).collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveShowcaseBody {
    /// The product's id at the platform.
    product_id: String,
}

async fn remove_showcase_item(
    auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Json<RemoveShowcaseBody>)>,
) -> Answer<Json<ShowcaseItemView>> {
    let (Path(account), Json(body)) = &auth.input;
    Ok(Json(item(showcase::remove(&auth.state, &auth.grant, *account, &body.product_id).await?)))
}
