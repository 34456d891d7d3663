//! `/buyers`: the buyers of the merchant's shops, their orders, and what is asked about their personal data.

use super::buyer_account::{OwnOrderView, order_view};
use crate::app::buyers::desk::{self, Detail, Listed, Search};
use crate::app::buyers::{erasure, export};
use crate::error::Answer;
use crate::http::describe::{Accepted, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{BuyerErasureId, BuyerId, ShopId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::buyer_erasure::Erasure;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/buyers", list_buyers, "Buyers of the merchant's shops, newest first");
    api.post(
        "/buyers/search",
        search_buyers,
        "Buyers with exactly this phone or name; in a body, so that no log has it",
    );
    api.get("/buyers/{buyer_id}", get_buyer, "A buyer, with requests to erase their data");
    api.get("/buyers/{buyer_id}/orders", list_buyer_orders, "A buyer's orders, newest first");
    api.post("/buyers/{buyer_id}/export", export_buyer, "Everything personal that is kept of a buyer");
    api.post(
        "/buyers/{buyer_id}/erasure",
        erase_buyer,
        "Ask to erase a buyer's personal data after the waiting period",
    );
    api.delete("/buyers/{buyer_id}/erasure", keep_buyer, "Take the request to erase back, while it waits");
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerView {
    #[schema(value_type = String)]
    id: Id<BuyerId>,
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
    /// Empty when the buyer gave none.
    name: String,
    /// `138****0000`; null when there is no phone.
    phone_masked: Option<String>,
    /// `active` or `erased`.
    state: &'static str,
    /// How many orders.
    orders: i64,
    /// Null for those known from orders only.
    last_seen_at: Option<Time>,
    created_at: Time,
}

fn listed_view(listed: Listed) -> BuyerView {
    let Listed { buyer, phone_masked, orders } = listed;
    BuyerView {
        id: Id(buyer.id),
        shop_id: Id(buyer.shop),
        name: buyer.name,
        phone_masked,
        orders,
        state: buyer.state.as_str(),
        last_seen_at: buyer.last_seen_at.map(Time),
        created_at: Time(buyer.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListBuyersQuery {
    /// Only of this shop.
    shop_id: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_buyers(auth: Authed<perm::BuyerRead, Query<ListBuyersQuery>>) -> Answer<Json<Page<BuyerView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let shop = query.shop_id.as_deref().map(str::parse).transpose();
    let search = Search { shop: shop.map_err(|_| crate::error::ApiError::not_found())?, ..Search::default() };
    Ok(Json(Page::of(desk::list(&auth.state, &auth.grant, &search, page).await?, listed_view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchBuyersBody {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    /// The whole number.
    #[serde(default)]
    phone: Option<String>,
    /// The whole name.
    #[serde(default)]
    name: Option<String>,
}

async fn search_buyers(
    auth: Authed<perm::BuyerRead, Json<SearchBuyersBody>>,
) -> Answer<Json<Page<BuyerView>>> {
    let body = &auth.input.0;
    let search = Search {
        shop: body.shop_id.as_ref().map(|id| id.0),
        phone: body.phone.clone().unwrap_or_default(),
        name: body.name.clone().unwrap_or_default(),
    };
    let page = page_request(Some(100), None)?;
    Ok(Json(Page::of(desk::list(&auth.state, &auth.grant, &search, page).await?, listed_view)))
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerDetailView {
    #[serde(flatten)]
    buyer: BuyerView,
    /// Channels the buyer is known from.
    channels: Vec<String>,
    /// `linked` when the person is known in other shops of the provider too, `refused` when they do not want it, else
    /// `none`. Which shops is told to nobody.
    person_link: &'static str,
    erasures: Vec<ErasureView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ErasureView {
    #[schema(value_type = String)]
    id: Id<BuyerErasureId>,
    /// `buyer` or `merchant`.
    requested_by: String,
    reason: String,
    /// `waiting`, `cancelled` or `done`.
    state: String,
    /// Not before; later while an order still needs its address.
    due_at: Time,
    ended_at: Option<Time>,
    /// What was erased: table, what of it, rows.
    #[schema(value_type = Vec<Object>)]
    proof: serde_json::Value,
    created_at: Time,
}

pub(in crate::http) fn erasure_view(erasure: Erasure) -> ErasureView {
    ErasureView {
        id: Id(erasure.id),
        requested_by: erasure.requested_by,
        reason: erasure.reason,
        state: erasure.state,
        due_at: Time(erasure.due_at),
        ended_at: erasure.ended_at.map(Time),
        proof: erasure.proof,
        created_at: Time(erasure.created_at),
    }
}

fn detail_view(detail: Detail) -> BuyerDetailView {
    let Detail { profile, orders, link, erasures } = detail;
    let mut channels: Vec<String> = profile.identities.iter().filter_map(|one| one.channel.clone()).collect();
    channels.sort();
    channels.dedup();
    let phone_masked = profile.phone_masked();
    BuyerDetailView {
        buyer: listed_view(Listed { buyer: profile.buyer, phone_masked, orders }),
        channels,
        person_link: link.seen_by_merchant(),
        erasures: erasures.into_iter().map(erasure_view).collect(),
    }
}

async fn get_buyer(auth: Authed<perm::BuyerRead, Path<BuyerId>>) -> Answer<Json<BuyerDetailView>> {
    Ok(Json(detail_view(desk::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct BuyerOrdersQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_buyer_orders(
    auth: Authed<perm::BuyerRead, (Path<BuyerId>, Query<BuyerOrdersQuery>)>,
) -> Answer<Json<Page<OwnOrderView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(desk::orders(&auth.state, &auth.grant, *id, page).await?, order_view)))
}

/// A buyer's personal data; `format` names its shape, described in the documentation.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct BuyerExportView {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub document: serde_json::Value,
}

async fn export_buyer(auth: Authed<perm::BuyerErase, Path<BuyerId>>) -> Answer<Json<BuyerExportView>> {
    let document = export::by_merchant(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(BuyerExportView { document }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EraseBuyerBody {
    /// Why; at most 200 characters, and no personal data.
    reason: String,
}

async fn erase_buyer(
    auth: Authed<perm::BuyerErase, (Path<BuyerId>, Json<EraseBuyerBody>)>,
) -> Answer<Accepted<ErasureView>> {
    let (Path(id), Json(body)) = &auth.input;
    let asked = erasure::ask_by_merchant(&auth.state, &auth.grant, *id, &body.reason).await?;
    Ok(Accepted(erasure_view(asked)))
}

async fn keep_buyer(auth: Authed<perm::BuyerErase, Path<BuyerId>>) -> Answer<NoContent> {
    erasure::cancel_by_merchant(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
