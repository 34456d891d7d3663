//! The form that sends a parcel: carrier, waybill, and how many of each line are in it.

use super::order::{LineView, line_view, standing};
use super::page_of;
use crate::app::orders::read::{self, masked};
use crate::app::orders::ship::{self, ShipOrder};
use crate::error::Answer;
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{OrderId, OrderLineId};
use qianpu_domain::order::OrderState;
use qianpu_domain::shipping::ParcelLine;
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/orders/{order_id}/ship", ship_page);
    pages.post("/console/merchant/orders/{order_id}/ship", ship_form);
}

/// How the field of a line's quantity begins; the line's id follows.
const QUANTITY: &str = "quantity_";

#[derive(Serialize)]
struct CarrierView {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct Receiver {
    name: String,
    phone: String,
    address: String,
}

#[derive(Serialize)]
struct ShipPage {
    form: FormView,
    id: String,
    number: String,
    state: &'static str,
    back: String,
    /// What is left to send; empty = nothing.
    lines: Vec<LineView>,
    carriers: Vec<CarrierView>,
    receiver: Receiver,
    buyer_notes: String,
    merchant_notes: String,
}

async fn view<T>(auth: &Authed<perm::OrderShip, T>, id: OrderId, form: FormView) -> Answer<ShipPage> {
    let reading = auth.caller.grant::<perm::OrderRead>()?;
    let found = read::get(&auth.state, &auth.caller, &reading, id).await?;
    let carriers = read::carriers(&auth.state, &reading, id).await?;
    let held = standing(&found.shipments);
    let open = matches!(found.order.progress.state, OrderState::Paid | OrderState::PartShipped);
    let mut lines: Vec<LineView> = found.lines.into_iter().map(|line| line_view(line, &held)).collect();
    lines.retain(|line| open && line.left > 0);
    let receiver = masked(&found.order.facts.receiver);
    let form = if form.is_refused() { form } else { filled(&lines) };
    Ok(ShipPage {
        form,
        lines,
        id: id.to_string(),
        state: found.order.progress.state.as_str(),
        back: page_of(id),
        carriers: carriers
            .iter()
            .map(|carrier| CarrierView { value: carrier.carrier_id.clone(), label: carrier.name.clone() })
            .collect(),
        receiver: Receiver {
            name: receiver.name,
            phone: receiver.phone,
            address: format!("{} {}", receiver.region, receiver.detail).trim().to_owned(),
        },
        buyer_notes: found.order.facts.buyer_notes,
        merchant_notes: found.order.facts.merchant_notes,
        number: found.order.number,
    })
}

/// All that is left goes into the parcel until somebody says otherwise.
fn filled(lines: &[LineView]) -> FormView {
    FormView::filled(lines.iter().map(|line| (format!("{QUANTITY}{}", line.id), line.left.to_string())))
}

async fn ship_page(auth: Authed<perm::OrderShip, Path<OrderId>>) -> PageAnswer {
    let page = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("orders/ship", page)
}

/// What the form says is in the parcel.
fn contents(fields: &Fields) -> Result<Vec<ParcelLine>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut lines = Vec::new();
    for (name, value) in &fields.0 {
        let Some(id) = name.strip_prefix(QUANTITY) else { continue };
        let quantity = match value.trim() {
            "" => Some(0),
            text => text.parse::<i64>().ok().filter(|quantity| *quantity >= 0),
        };
        match (id.parse::<OrderLineId>(), quantity) {
            (Ok(line), Some(quantity)) if quantity > 0 => lines.push(ParcelLine { line, quantity }),
            (Ok(_), Some(_)) => {}
            _ => errors.push(FieldError::new(
                name,
                "number",
                "a whole number, 0 or more",
                "请填写不小于0的整数",
            )),
        }
    }
    if lines.is_empty() && errors.is_empty() {
        let (en, zh) = ("put at least one piece into the parcel", "包裹中至少要有一件商品");
        errors.push(FieldError::new("", "required", en, zh));
    }
    if errors.is_empty() { Ok(lines) } else { Err(errors) }
}

async fn ship_form(auth: Authed<perm::OrderShip, (Path<OrderId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let sent = match contents(fields) {
        Ok(lines) => {
            let command = ShipOrder {
                carrier: fields.text("carrier").to_owned(),
                waybill: fields.text("waybill").to_owned(),
                lines,
            };
            ship::ship_now(&auth.state, &auth.grant, *id, command).await
        }
        Err(errors) => Err(errors.into()),
    };
    match sent {
        Ok(parcel) => {
            let flash = Flash::success("orders.queued").with("waybill", parcel.waybill);
            Ok(auth.redirect_with(&flash, &page_of(*id)))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let page = view(&auth, *id, form).await?;
            auth.refused_page("orders/ship", page)
        }
        Err(error) => Err(error),
    }
}
