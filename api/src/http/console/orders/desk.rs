//! Remark, price and address of an order: the forms on its page, and the two forms that have a page of their own.

use super::page_of;
use crate::app::orders::desk::{self, Prices};
use crate::app::orders::read::{self, Detail};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::console::goods::yuan_text;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::OrderId;
use qianpu_domain::order::OrderState;
use qianpu_sdk::{AddressAnswer, NewAddress};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::order::Order;
use qianpu_tenants::store::order_desk::{OrderDesk, Wish};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.post("/console/merchant/orders/{order_id}/notes", notes_form);
    pages.post("/console/merchant/orders/{order_id}/address_wish", wish_form);
    pages.get("/console/merchant/orders/{order_id}/price", price_page);
    pages.post("/console/merchant/orders/{order_id}/price", price_form);
    pages.get("/console/merchant/orders/{order_id}/address", address_page);
    pages.post("/console/merchant/orders/{order_id}/address", address_form);
}

/// How the field of a line's total begins; the line's id follows.
const TOTAL: &str = "total_";

/// What went wrong, as a message above the page the person came from.
fn failed<P: Perm, T>(auth: &Authed<P, T>, error: ApiError) -> Answer<Flash> {
    if !(409..=502).contains(&error.code().status()) {
        return Err(error);
    }
    let why = auth.state.pages.catalogue().told(auth.info.lang, &error);
    Ok(Flash::failure("orders.desk_failed").with("why", why))
}

async fn notes_form(auth: Authed<perm::OrderShip, (Path<OrderId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let flash = match desk::note(&auth.state, &auth.grant, *id, fields.text("merchant_notes")).await {
        Ok(()) => Flash::success("orders.noted"),
        Err(error) => failed(&auth, error)?,
    };
    Ok(auth.redirect_with(&flash, &page_of(*id)))
}

async fn wish_form(auth: Authed<perm::OrderShip, (Path<OrderId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let agreed = fields.text("answer") == "agree";
    let flash = match desk::answer_address(&auth.state, &auth.grant, *id, agreed).await {
        Ok(AddressAnswer::Taken) if agreed => Flash::success("orders.wish_agreed"),
        Ok(AddressAnswer::Taken) => Flash::success("orders.wish_refused"),
        Ok(AddressAnswer::NothingWaits) => Flash::failure("orders.wish_gone"),
        Err(error) => failed(&auth, error)?,
    };
    Ok(auth.redirect_with(&flash, &page_of(*id)))
}

async fn found<P: Perm, T>(auth: &Authed<P, T>, id: OrderId) -> Answer<Detail> {
    let reading = auth.caller.grant::<perm::OrderRead>()?;
    read::get(&auth.state, &auth.caller, &reading, id).await
}

/// What waits at an order, and what may be done about it.
#[derive(Serialize)]
pub(super) struct DeskView {
    /// The remark may be written.
    may_note: bool,
    price_href: Option<String>,
    address_href: Option<String>,
    /// The buyer urged at this moment, and it is not sent yet.
    urged_at: Option<i64>,
    urges: i64,
    wish: Option<WishView>,
    proposed_at: Option<i64>,
}

#[derive(Serialize)]
struct WishView {
    /// Masked.
    address: String,
    asked_at: i64,
    until: Option<i64>,
    may_answer: bool,
}

pub(super) fn desk_view(order: &Order, desk: OrderDesk, may: &impl Fn(Permission) -> bool) -> DeskView {
    let may_ship = may(Permission::OrderShip);
    let unsent = matches!(order.progress.state, OrderState::Paid | OrderState::PartShipped);
    let wish = |wish: Wish| {
        let receiver = read::masked(&wish.receiver);
        WishView {
            address: [receiver.name, receiver.phone, receiver.region, receiver.detail].join(" "),
            asked_at: wish.asked_at.micros(),
            until: wish.until.map(|at| at.micros()),
            may_answer: may_ship,
        }
    };
    let page = page_of(order.id);
    DeskView {
        may_note: may_ship && (order.account.is_none() || desk::possible(order)),
        price_href: (may(Permission::OrderPrice) && desk::price_open(order)).then(|| format!("{page}/price")),
        address_href: (may_ship && desk::address_open(order)).then(|| format!("{page}/address")),
        urged_at: desk.urged_at.filter(|_| unsent).map(|at| at.micros()),
        urges: desk.urges,
        proposed_at: desk.proposed_at.filter(|_| desk::address_open(order)).map(|at| at.micros()),
        wish: desk.wish.map(wish),
    }
}

#[derive(Serialize)]
struct PricePage {
    form: FormView,
    id: String,
    number: String,
    state: &'static str,
    back: String,
    /// Whether its price may still change.
    open: bool,
    lines: Vec<PriceLine>,
    total: i64,
}

#[derive(Serialize)]
struct PriceLine {
    field: String,
    title: String,
    spec: String,
    quantity: i64,
    full: i64,
    total: i64,
}

async fn price_view<T>(
    auth: &Authed<perm::OrderPrice, T>,
    id: OrderId,
    form: Option<FormView>,
) -> Answer<PricePage> {
    let Detail { order, lines, .. } = found(auth, id).await?;
    let mut filled = vec![("freight".to_owned(), yuan_text(order.facts.amounts.freight))];
    filled.extend(lines.iter().map(|line| (format!("{TOTAL}{}", line.id), yuan_text(line.total))));
    Ok(PricePage {
        form: form.unwrap_or_else(|| FormView::filled(filled)),
        id: id.to_string(),
        state: order.progress.state.as_str(),
        back: page_of(id),
        open: desk::price_open(&order),
        lines: lines
            .into_iter()
            .map(|line| PriceLine {
                field: format!("{TOTAL}{}", line.id),
                full: line.unit_price.get().saturating_mul(line.quantity),
                total: line.total.get(),
                title: line.title,
                spec: line.spec_text,
                quantity: line.quantity,
            })
            .collect(),
        total: order.facts.amounts.total.get(),
        number: order.number,
    })
}

async fn price_page(auth: Authed<perm::OrderPrice, Path<OrderId>>) -> PageAnswer {
    let page = price_view(&auth, auth.input.0, None).await?;
    auth.page("orders/price", page)
}

/// What was typed, and the names of the fields in the order of the lines.
fn typed(fields: &Fields) -> Result<(Prices, Vec<String>), Vec<FieldError>> {
    let mut errors = Vec::new();
    let freight = fields.yuan("freight", &mut errors);
    let mut prices = Prices { freight, lines: Vec::new() };
    let mut names = Vec::new();
    for (name, _) in &fields.0 {
        let Some(line) = name.strip_prefix(TOTAL).and_then(|id| id.parse().ok()) else { continue };
        if let Some(total) = fields.yuan(name, &mut errors) {
            prices.lines.push((line, total));
            names.push(name.clone());
        }
    }
    if errors.is_empty() { Ok((prices, names)) } else { Err(errors) }
}

/// `lines[0].total` is the field of that line.
fn at_fields(error: ApiError, names: &[String]) -> ApiError {
    let moved = |wrong: &FieldError| {
        let named =
            names.iter().enumerate().find(|(index, _)| wrong.path.starts_with(&format!("lines[{index}].")));
        let path = named.map_or_else(|| wrong.path.clone(), |(_, name)| name.clone());
        FieldError { path, ..wrong.clone() }
    };
    let mended: Vec<FieldError> = error.errors().iter().map(moved).collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

async fn price_form(auth: Authed<perm::OrderPrice, (Path<OrderId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = match typed(fields) {
        Ok((prices, names)) => desk::reprice(&auth.state, &auth.grant, *id, &prices)
            .await
            .map_err(|error| at_fields(error, &names)),
        Err(errors) => Err(errors.into()),
    };
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("orders.repriced"), &page_of(*id))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let page = price_view(&auth, *id, Some(form)).await?;
            auth.refused_page("orders/price", page)
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct AddressPage {
    form: FormView,
    id: String,
    number: String,
    state: &'static str,
    back: String,
    open: bool,
    /// As it is now, masked.
    now: String,
}

async fn address_view<T>(
    auth: &Authed<perm::OrderShip, T>,
    id: OrderId,
    form: FormView,
) -> Answer<AddressPage> {
    let order = found(auth, id).await?.order;
    let receiver = read::masked(&order.facts.receiver);
    let now = [receiver.name, receiver.phone, receiver.region, receiver.detail];
    Ok(AddressPage {
        form,
        id: id.to_string(),
        state: order.progress.state.as_str(),
        back: page_of(id),
        open: desk::address_open(&order),
        now: now.join(" ").trim().to_owned(),
        number: order.number,
    })
}

async fn address_page(auth: Authed<perm::OrderShip, Path<OrderId>>) -> PageAnswer {
    let page = address_view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("orders/address", page)
}

async fn address_form(auth: Authed<perm::OrderShip, (Path<OrderId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let part = |name: &str| fields.text(name).trim().to_owned();
    let address = NewAddress {
        name: part("name"),
        phone: part("phone"),
        province: part("province"),
        city: part("city"),
        district: part("district"),
        detail: part("detail"),
    };
    match desk::change_address(&auth.state, &auth.grant, *id, &address).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("orders.address_put"), &page_of(*id))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let page = address_view(&auth, *id, form).await?;
            auth.refused_page("orders/address", page)
        }
        Err(error) => Err(error),
    }
}
