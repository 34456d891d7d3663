//! One order: goods, parcels, money, receiver, and what happened to it.

use super::desk::{DeskView, desk_view};
use super::page_of;
use crate::app::orders::read::{self, Detail, masked};
use crate::app::orders::reveal;
use crate::app::orders::ship::{self, left_of};
use crate::http::console::money::{JournalLine, journal_line};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::OrderId;
use qianpu_domain::order::{Happening, OrderState};
use qianpu_sdk::ClearReceiver;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::aftersale::Aftersale;
use qianpu_tenants::store::order_event::OrderEventRow;
use qianpu_tenants::store::order_line::OrderLine;
use qianpu_tenants::store::shipment::{Shipment, ShipmentState};
use serde::Serialize;
use serde_json::Value;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/orders/{order_id}", order_page);
    pages.post("/console/merchant/orders/{order_id}/receiver", reveal_receiver_form);
}

#[derive(Serialize)]
struct OrderPage {
    id: String,
    number: String,
    state: &'static str,
    cancelled_by: Option<&'static str>,
    /// Something can still be sent.
    ship_href: Option<String>,
    /// It waits, and its channel cannot be told of parcels.
    ship_elsewhere: bool,
    lines: Vec<LineView>,
    amounts: AmountsView,
    parcels: Vec<ParcelView>,
    source: SourceView,
    receiver: ReceiverView,
    buyer_notes: String,
    merchant_notes: String,
    desk: DeskView,
    /// The page that asks the platform for the buyer's coupons.
    coupons_href: Option<String>,
    times: Vec<TimeView>,
    events: Vec<EventView>,
    cases: Vec<CaseView>,
    /// `None` for those who may not see money.
    journals: Option<Vec<JournalLine>>,
}

#[derive(Serialize)]
struct CaseView {
    href: String,
    kind: &'static str,
    state: &'static str,
    amount: i64,
    refunded: i64,
    at: i64,
}

fn case_view(case: &Aftersale) -> CaseView {
    CaseView {
        href: format!("/console/merchant/aftersales/{}", case.id),
        kind: case.kind.as_str(),
        state: case.progress.state.as_str(),
        amount: case.facts.amount.get(),
        refunded: case.refunded.get(),
        at: case.asked_at.micros(),
    }
}

#[derive(Serialize)]
struct AmountsView {
    goods: i64,
    freight: i64,
    discount: i64,
    total: i64,
    refunded: i64,
    transaction_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct LineView {
    pub(super) id: String,
    title: String,
    spec: String,
    href: Option<String>,
    unit_price: i64,
    quantity: i64,
    total: i64,
    shipped: i64,
    after_sale: i64,
    refunded: i64,
    /// Left to send.
    pub(super) left: i64,
    stock: &'static str,
}

pub(super) fn line_view(line: OrderLine, standing: &[&Shipment]) -> LineView {
    LineView {
        left: left_of(&line, standing).remaining(),
        id: line.id.to_string(),
        title: line.title,
        spec: line.spec_text,
        href: line.product.map(|id| format!("/console/merchant/products/{id}")),
        unit_price: line.unit_price.get(),
        quantity: line.quantity,
        total: line.total.get(),
        shipped: line.shipped,
        after_sale: line.after_sale,
        refunded: line.refunded,
        stock: line.stock.as_str(),
    }
}

/// The parcels that hold goods: all but those that were refused.
pub(super) fn standing(shipments: &[Shipment]) -> Vec<&Shipment> {
    shipments.iter().filter(|one| one.state != ShipmentState::Refused).collect()
}

#[derive(Serialize)]
struct ParcelView {
    id: String,
    carrier: String,
    waybill: String,
    state: &'static str,
    reason: Option<String>,
    by: String,
    at: i64,
    sent_at: Option<i64>,
    contents: Vec<ContentView>,
}

#[derive(Serialize)]
struct ContentView {
    title: String,
    spec: String,
    quantity: i64,
}

fn parcel_view(shipment: Shipment, lines: &[OrderLine]) -> ParcelView {
    let contents = shipment.lines.iter().filter_map(|item| {
        let line = lines.iter().find(|line| line.id == item.line)?;
        Some(ContentView { title: line.title.clone(), spec: line.spec_text.clone(), quantity: item.quantity })
    });
    ParcelView {
        contents: contents.collect(),
        id: shipment.id.to_string(),
        carrier: shipment.carrier_name,
        waybill: shipment.waybill,
        state: shipment.state.as_str(),
        reason: shipment.reason,
        by: shipment.created_by,
        at: shipment.created_at.micros(),
        sent_at: shipment.sent_at.map(|at| at.micros()),
    }
}

#[derive(Serialize)]
struct SourceView {
    account: Option<String>,
    account_href: Option<String>,
    scene: &'static str,
    external_id: Option<String>,
    native_state: Option<String>,
    synced_at: Option<i64>,
}

#[derive(Serialize)]
struct ReceiverView {
    name: String,
    phone: String,
    address: String,
    /// Whether it may be asked for in the clear.
    may_reveal: bool,
    /// Whether it is in the clear.
    clear: bool,
    /// Set for a virtual number: until when, when that is known.
    virtual_phone: bool,
    phone_until: Option<i64>,
}

impl ReceiverView {
    /// What the channel told just now, for this one answer.
    fn revealed(found: ClearReceiver) -> Self {
        let phone = found.virtual_phone;
        let extension = phone.as_ref().and_then(|phone| phone.extension.as_deref());
        Self {
            name: found.name,
            phone: extension.map_or_else(|| found.phone.clone(), |ext| format!("{}-{ext}", found.phone)),
            address: format!("{} {} {} {}", found.province, found.city, found.district, found.detail),
            may_reveal: false,
            clear: true,
            virtual_phone: phone.is_some(),
            phone_until: phone.and_then(|phone| phone.expires_at).map(|at| at.micros()),
        }
    }
}

#[derive(Serialize)]
struct TimeView {
    /// Key of the name.
    name: &'static str,
    at: i64,
}

#[derive(Serialize)]
struct EventView {
    kind: &'static str,
    /// Carrier and waybill.
    parcel: Option<String>,
    /// The platform's words, and the like.
    reason: Option<String>,
    by: Option<String>,
    /// `agreed` or `refused`.
    answer: Option<String>,
    amount: Option<i64>,
    wanted: Option<i64>,
    available: Option<i64>,
    who: String,
    actor_kind: String,
    tone: &'static str,
    at: i64,
}

fn tone(kind: Happening) -> &'static str {
    match kind {
        Happening::StockShort | Happening::ShipmentRefused => "danger",
        Happening::AmountsDiffer
        | Happening::LinesUnknown
        | Happening::SettlementWaits
        | Happening::Urged
        | Happening::AddressAsked => "warning",
        Happening::Paid | Happening::Completed | Happening::Settled => "success",
        _ => "info",
    }
}

fn event_view(event: OrderEventRow) -> EventView {
    let text = |name: &str| event.detail.get(name).and_then(Value::as_str);
    let number = |name: &str| event.detail.get(name).and_then(Value::as_i64);
    let parcel =
        text("carrier").zip(text("waybill")).map(|(carrier, waybill)| format!("{carrier} {waybill}"));
    EventView {
        kind: event.kind.as_str(),
        parcel,
        reason: text("reason").map(str::to_owned),
        by: text("by").map(str::to_owned),
        answer: text("answer").map(str::to_owned),
        amount: number("amount_fen"),
        wanted: number("wanted"),
        available: number("available"),
        tone: tone(event.kind),
        at: event.at.micros(),
        who: event.actor_name.clone(),
        actor_kind: event.actor_kind.clone(),
    }
}

fn page(found: Detail, may: impl Fn(Permission) -> bool, lang: Lang) -> OrderPage {
    let (may_ship, may_see_accounts) = (may(Permission::OrderShip), may(Permission::AccountRead));
    let may_reveal = may(Permission::OrderReveal) && reveal::possible(&found.order);
    let Detail { order, lines, mut events, shipments, journals, account_name, buyer_coupons, cases, desk } =
        found;
    let desk = desk_view(&order, desk, &may);
    let held = standing(&shipments);
    let views: Vec<LineView> = lines.iter().cloned().map(|line| line_view(line, &held)).collect();
    let waits = matches!(order.progress.state, OrderState::Paid | OrderState::PartShipped)
        && views.iter().any(|line| line.left > 0);
    let receiver = masked(&order.facts.receiver);
    let progress = &order.progress;
    let moments = [
        ("placed", Some(order.placed_at)),
        ("paid", progress.paid_at),
        ("shipped", progress.shipped_at),
        ("received", progress.received_at),
        ("completed", progress.completed_at),
        ("cancelled", progress.cancelled_at),
        ("settled", order.settled_at),
    ];
    let times = moments.into_iter().filter_map(|(name, at)| Some(TimeView { name, at: at?.micros() }));
    events.reverse();
    OrderPage {
        desk,
        coupons_href: buyer_coupons.then(|| format!("{}/coupons", page_of(order.id))),
        ship_elsewhere: may_ship && waits && !ship::possible(&order),
        ship_href: (may_ship && waits && ship::possible(&order))
            .then(|| format!("{}/ship", page_of(order.id))),
        times: times.collect(),
        parcels: shipments.iter().cloned().map(|one| parcel_view(one, &lines)).collect(),
        lines: views,
        cases: cases.iter().map(case_view).collect(),
        events: events.into_iter().map(event_view).collect(),
        journals: journals.map(|rows| rows.into_iter().map(|row| journal_line(lang, row)).collect()),
        amounts: AmountsView {
            goods: order.facts.amounts.goods.get(),
            freight: order.facts.amounts.freight.get(),
            discount: order.facts.amounts.discount.get(),
            total: order.facts.amounts.total.get(),
            refunded: order.refunded.get(),
            transaction_id: order.facts.transaction_id.clone(),
        },
        source: SourceView {
            account_href: order
                .account
                .filter(|_| may_see_accounts)
                .map(|id| format!("/console/merchant/channel_accounts/{id}")),
            account: account_name,
            scene: order.facts.scene.as_str(),
            external_id: order.external_id.clone(),
            native_state: progress.native_state.clone(),
            synced_at: order.synced_at.map(|at| at.micros()),
        },
        receiver: ReceiverView {
            name: receiver.name,
            phone: receiver.phone,
            address: format!("{} {}", receiver.region, receiver.detail).trim().to_owned(),
            may_reveal,
            clear: false,
            virtual_phone: false,
            phone_until: None,
        },
        id: order.id.to_string(),
        state: progress.state.as_str(),
        cancelled_by: progress.cancelled_by.map(|by| by.as_str()),
        buyer_notes: order.facts.buyer_notes,
        merchant_notes: order.facts.merchant_notes,
        number: order.number,
    }
}

async fn order_page(auth: Authed<perm::OrderRead, Path<OrderId>>) -> PageAnswer {
    let found = read::get(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    let view = page(found, |permission| auth.caller.may(permission), auth.info.lang);
    auth.page("orders/order", view)
}

/// Shows the receiver in the clear in this one answer; a reload asks, and is written down, again.
async fn reveal_receiver_form(auth: Authed<perm::OrderReveal, (Path<OrderId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = auth.input;
    let found = match reveal::receiver(&auth.state, &auth.grant, id).await {
        Ok(found) => found,
        Err(error) if (409..500).contains(&error.code().status()) => {
            let why = auth.info.lang.pick(error.code().title_zh(), error.code().title_en());
            let flash = Flash::failure("orders.not_revealed").with("why", why);
            return Ok(auth.redirect_with(&flash, &page_of(id)));
        }
        Err(error) => return Err(error),
    };
    let read = auth.caller.grant::<perm::OrderRead>()?;
    let detail = read::get(&auth.state, &auth.caller, &read, id).await?;
    let view = page(detail, |permission| auth.caller.may(permission), auth.info.lang);
    auth.page("orders/order", OrderPage { receiver: ReceiverView::revealed(found), ..view })
}
