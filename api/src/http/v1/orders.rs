//! `/orders` and `/shipments`: the merchant's orders of every source, and the parcels sent for them. Buyers'
//! data is masked, and nobody but the merchant's own staff sees it.

mod desk;
mod views;

use crate::app::orders::{read, reveal, ship};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, OrderId, OrderLineId};
use qianpu_domain::order::OrderState;
use qianpu_domain::shipping::ParcelLine;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::order::OrderFilter;
use qianpu_tenants::store::order_desk::DeskTodo;
use qianpu_tenants::store::shipment::ShipmentState;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use views::{OrderDetailView, OrderView, ShipmentView};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/orders", list_orders, "Orders of every source, newest first");
    api.get("/orders/counts", count_orders, "How many orders stand in each state");
    api.get("/orders/{order_id}", get_order, "An order with lines, parcels, events and journals");
    api.post(
        "/orders/{order_id}/receiver",
        reveal_receiver,
        "Ask the channel for the receiver in the clear; every look is in the audit log",
    );
    api.get("/orders/{order_id}/carriers", list_carriers, "The carriers the order can be sent with");
    api.post(
        "/orders/{order_id}/shipments",
        ship_order,
        "Send a parcel; the channel is told in the background",
    );
    desk::routes(api);
    api.get("/shipments", list_shipments, "Parcels, newest first");
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OrderQuery {
    /// One state, or several with commas.
    state: Option<String>,
    /// A channel, or `storefront`.
    source: Option<String>,
    #[param(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    /// Order number, the channel's order id, a waybill, the last four digits of the receiver's phone, or a part of the
    /// title of goods or of the merchant's remark.
    q: Option<String>,
    /// `urged`: the buyer urged, and it is not sent yet; `address`: the buyer wishes another address.
    todo: Option<String>,
    /// Placed at or after.
    placed_from: Option<String>,
    /// Placed before.
    placed_to: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The states of a comma-separated list.
pub(in crate::http) fn states_of(words: Option<&str>) -> Result<Vec<OrderState>, ApiError> {
    let unknown = || FieldError::new("state", "unknown", "no such state of an order", "没有这种订单状态");
    words
        .unwrap_or_default()
        .split(',')
        .filter(|word| !word.is_empty())
        .map(|word| OrderState::from_text(word).ok_or_else(|| unknown().into()))
        .collect()
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || FieldError::new(field, "time", "expected an RFC 3339 time", "请使用 RFC 3339 时间");
    text.parse().map(Some).map_err(|_| wrong().into())
}

fn todo_of(word: Option<&str>) -> Result<Option<DeskTodo>, ApiError> {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return Ok(None) };
    let unknown = || FieldError::new("todo", "unknown", "`urged` or `address`", "请填写 urged 或 address");
    DeskTodo::from_text(word).map(Some).ok_or_else(|| unknown().into())
}

async fn list_orders(auth: Authed<perm::OrderRead, Query<OrderQuery>>) -> Answer<Json<Page<OrderView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let states = states_of(query.state.as_deref())?;
    let filter = OrderFilter {
        states: &states,
        shops: None,
        source: query.source.as_deref(),
        account: query.channel_account_id.map(|id| id.0),
        search: query.q.as_deref(),
        todo: todo_of(query.todo.as_deref())?,
        placed_from: moment("placed_from", query.placed_from.as_deref())?,
        placed_to: moment("placed_to", query.placed_to.as_deref())?,
    };
    let found = read::list(&auth.state, &auth.grant, filter, page).await?;
    Ok(Json(Page::of(found, OrderView::from)))
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderCounts {
    items: Vec<OrderCount>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderCount {
    state: &'static str,
    count: i64,
}

async fn count_orders(auth: Authed<perm::OrderRead>) -> Answer<Json<OrderCounts>> {
    let found = read::counts(&auth.state, &auth.grant, OrderFilter::default()).await?;
    let count = |state: &OrderState| {
        let count = found.iter().find(|(found, _)| found == state).map_or(0, |(_, count)| *count);
        OrderCount { state: state.as_str(), count }
    };
    Ok(Json(OrderCounts { items: OrderState::ALL.iter().map(count).collect() }))
}

async fn get_order(auth: Authed<perm::OrderRead, Path<OrderId>>) -> Answer<Json<OrderDetailView>> {
    let found = read::get(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    Ok(Json(found.into()))
}

/// A receiver, as the channel tells it now. It is not kept.
#[derive(Serialize, ToSchema)]
struct ReceiverInClear {
    name: String,
    /// The phone, or a virtual number that reaches it for a while.
    phone: String,
    phone_is_virtual: bool,
    /// To be dialled after a virtual number.
    extension: Option<String>,
    /// When a virtual number stops working.
    #[schema(value_type = Option<String>)]
    phone_expires_at: Option<Time>,
    province: String,
    city: String,
    district: String,
    detail: String,
}

async fn reveal_receiver(auth: Authed<perm::OrderReveal, Path<OrderId>>) -> Answer<Json<ReceiverInClear>> {
    let found = reveal::receiver(&auth.state, &auth.grant, auth.input.0).await?;
    let virtual_phone = found.virtual_phone;
    Ok(Json(ReceiverInClear {
        name: found.name,
        phone: found.phone,
        phone_is_virtual: virtual_phone.is_some(),
        phone_expires_at: virtual_phone.as_ref().and_then(|phone| phone.expires_at).map(Time),
        extension: virtual_phone.and_then(|phone| phone.extension),
        province: found.province,
        city: found.city,
        district: found.district,
        detail: found.detail,
    }))
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderCarrierList {
    items: Vec<OrderCarrierView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderCarrierView {
    /// What `carrier` of a parcel takes; its name does as well.
    code: String,
    name: String,
}

async fn list_carriers(auth: Authed<perm::OrderRead, Path<OrderId>>) -> Answer<Json<OrderCarrierList>> {
    let list = read::carriers(&auth.state, &auth.grant, auth.input.0).await?;
    let view = |carrier: &qianpu_sdk::Carrier| OrderCarrierView {
        code: carrier.carrier_id.clone(),
        name: carrier.name.clone(),
    };
    Ok(Json(OrderCarrierList { items: list.iter().map(view).collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShipBody {
    /// A carrier's code or name.
    carrier: String,
    waybill: String,
    /// What is in the parcel; left out = everything that was not sent yet.
    #[serde(default)]
    lines: Vec<ShipLineBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShipLineBody {
    #[schema(value_type = String)]
    order_line_id: Id<OrderLineId>,
    quantity: i64,
}

async fn ship_order(
    auth: Authed<perm::OrderShip, (Path<OrderId>, IdempotencyKey, Json<ShipBody>)>,
) -> Answer<Once<ShipmentView, 201>> {
    let Authed { call, grant, input: (Path(id), key, Json(body)), .. } = auth;
    let line = |line: ShipLineBody| ParcelLine { line: line.order_line_id.0, quantity: line.quantity };
    let command = ship::ShipOrder {
        carrier: body.carrier,
        waybill: body.waybill,
        lines: body.lines.into_iter().map(line).collect(),
    };
    let parcel = ship::address(&call.state, &grant, id, command).await?;
    let effect = async |tx: &mut qianpu_tenants::db::TenantTx| {
        ship::ship(tx, &grant, id, &parcel).await.map(ShipmentView::from)
    };
    once(&call, &grant, &key, effect).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ShipmentQuery {
    /// `queued`, `sent` or `refused`.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_shipments(
    auth: Authed<perm::OrderRead, Query<ShipmentQuery>>,
) -> Answer<Json<Page<ShipmentView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let unknown = || FieldError::new("state", "unknown", "no such state of a parcel", "没有这种包裹状态");
    let state = match query.state.as_deref().filter(|word| !word.is_empty()) {
        Some(word) => Some(ShipmentState::from_text(word).ok_or_else(unknown)?),
        None => None,
    };
    let found = read::shipments(&auth.state, &auth.grant, state, page).await?;
    Ok(Json(Page::of(found, ShipmentView::from)))
}
