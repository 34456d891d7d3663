//! Parcels of every order: what waits for its channel, what was sent, what was refused and why.

use super::{PARCELS, page_of};
use crate::app::orders::read;
use crate::http::console::goods::query_of;
use crate::http::extract::{Authed, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ShipmentId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::shipment::ShipmentState;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(PARCELS, parcel_list_page);
    pages.get("/console/merchant/shipments/{shipment_id}", parcel_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    state: &'static str,
    href: String,
    current: bool,
}

#[derive(Serialize)]
struct Row {
    href: String,
    number: String,
    carrier: String,
    waybill: String,
    state: &'static str,
    reason: Option<String>,
    pieces: i64,
    by: String,
    at: i64,
    sent_at: Option<i64>,
}

#[derive(Serialize)]
struct ListView {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    filtered: bool,
    may_import: bool,
    next_page: Option<String>,
}

async fn parcel_list_page(auth: Authed<perm::OrderRead, Query<ListQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let wanted = query.state.as_deref().and_then(ShipmentState::from_text);
    let page = page_request(None, query.cursor.as_deref())?;
    let found = read::shipments(&auth.state, &auth.grant, wanted, page).await?;
    let orders = found.items.iter().map(|parcel| parcel.order).collect::<Vec<_>>();
    let numbers = read::numbers(&auth.state, &auth.grant, &orders).await?;
    let address = |state: Option<ShipmentState>, cursor: &str| {
        let state = state.map(ShipmentState::as_str).unwrap_or_default();
        let query = query_of(&[("state", state), ("cursor", cursor)]);
        if query.is_empty() { PARCELS.to_owned() } else { format!("{PARCELS}?{query}") }
    };
    let tab = |state: Option<ShipmentState>| Tab {
        state: state.map(ShipmentState::as_str).unwrap_or_default(),
        href: address(state, ""),
        current: state == wanted,
    };
    let row = |parcel: qianpu_tenants::store::shipment::Shipment| Row {
        href: page_of(parcel.order),
        number: numbers.get(&parcel.order).cloned().unwrap_or_default(),
        pieces: parcel.lines.iter().map(|line| line.quantity).sum(),
        carrier: parcel.carrier_name,
        waybill: parcel.waybill,
        state: parcel.state.as_str(),
        reason: parcel.reason,
        by: parcel.created_by,
        at: parcel.created_at.micros(),
        sent_at: parcel.sent_at.map(|at| at.micros()),
    };
    let view = ListView {
        tabs: std::iter::once(None).chain(ShipmentState::ALL.map(Some)).map(tab).collect(),
        next_page: found.next.map(|cursor| address(wanted, &cursor_text(&cursor))),
        rows: found.items.into_iter().map(row).collect(),
        filtered: wanted.is_some(),
        may_import: auth.caller.may(Permission::ImportRun) && auth.caller.may(Permission::OrderShip),
    };
    auth.page("orders/parcels", view)
}

/// A parcel is shown on the page of its order.
async fn parcel_page(auth: Authed<perm::OrderRead, Path<ShipmentId>>) -> PageAnswer {
    let parcel = read::shipment(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(auth.redirect(&format!("{}#{}", page_of(parcel.order), parcel.id)))
}
