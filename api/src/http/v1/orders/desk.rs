//! Remark, price and address of an order. The channel is told before the answer comes.

use crate::app::orders::desk;
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Money};
use qianpu_domain::ids::{OrderId, OrderLineId};
use qianpu_sdk::NewAddress;
use qianpu_tenants::authz::perm;
use serde::Deserialize;
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.put(
        "/orders/{order_id}/merchant_notes",
        set_order_notes,
        "Set the merchant's remark, here and at the channel",
    );
    api.put(
        "/orders/{order_id}/price",
        set_order_price,
        "Change the price of an order that is not paid; the order follows what the channel says",
    );
    api.post(
        "/orders/{order_id}/address_wish",
        answer_address_wish,
        "Agree to the buyer's wish for another address, or refuse it",
    );
    api.put(
        "/orders/{order_id}/address",
        set_order_address,
        "Put another address to an order that was not sent; the channel may ask the buyer first",
    );
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderNotesBody {
    /// Up to 200 characters; an empty text takes the remark away.
    merchant_notes: String,
}

async fn set_order_notes(
    auth: Authed<perm::OrderShip, (Path<OrderId>, Json<OrderNotesBody>)>,
) -> Answer<NoContent> {
    let (Path(id), Json(body)) = &auth.input;
    desk::note(&auth.state, &auth.grant, *id, &body.merchant_notes).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderPriceBody {
    /// The freight to be; left out = as it is.
    #[serde(default)]
    freight: Option<Money>,
    /// Lines whose price changes.
    #[serde(default)]
    lines: Vec<LinePriceBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinePriceBody {
    #[schema(value_type = String)]
    order_line_id: Id<OrderLineId>,
    /// For all its pieces together. WeChat shop: not above the full price.
    total: Money,
}

async fn set_order_price(
    auth: Authed<perm::OrderPrice, (Path<OrderId>, Json<OrderPriceBody>)>,
) -> Answer<NoContent> {
    let (Path(id), Json(body)) = &auth.input;
    let freight = body.freight.as_ref().map(|freight| freight.fen("freight")).transpose()?;
    let mut lines = Vec::new();
    for (index, line) in body.lines.iter().enumerate().take(200) {
        lines.push((line.order_line_id.0, line.total.fen(&format!("lines[{index}].total"))?));
    }
    desk::reprice(&auth.state, &auth.grant, *id, &desk::Prices { freight, lines }).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddressAnswerBody {
    agreed: bool,
}

async fn answer_address_wish(
    auth: Authed<perm::OrderShip, (Path<OrderId>, Json<AddressAnswerBody>)>,
) -> Answer<NoContent> {
    let (Path(id), Json(body)) = &auth.input;
    desk::answer_address(&auth.state, &auth.grant, *id, body.agreed).await?;
    Ok(NoContent)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderAddressBody {
    name: String,
    phone: String,
    province: String,
    city: String,
    #[serde(default)]
    district: String,
    /// Street and number.
    detail: String,
}

impl std::fmt::Debug for OrderAddressBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OrderAddressBody(…)")
    }
}

async fn set_order_address(
    auth: Authed<perm::OrderShip, (Path<OrderId>, Json<OrderAddressBody>)>,
) -> Answer<NoContent> {
    let (Path(id), Json(body)) = &auth.input;
    let part = |text: &str| text.trim().to_owned();
    let address = NewAddress {
        name: part(&body.name),
        phone: part(&body.phone),
        province: part(&body.province),
        city: part(&body.city),
        district: part(&body.district),
        detail: part(&body.detail),
    };
    desk::change_address(&auth.state, &auth.grant, *id, &address).await?;
    Ok(NoContent)
}
