//! Orders as the API shows them.

use crate::app::orders::read::{Detail, Listed, masked};
use crate::http::wire::{Money, Time};
use qianpu_tenants::store::aftersale::Aftersale;
use qianpu_tenants::store::ledger::JournalRow;
use qianpu_tenants::store::order::{Order, Receiver};
use qianpu_tenants::store::order_desk::{OrderDesk, Wish};
use qianpu_tenants::store::order_event::OrderEventRow;
use qianpu_tenants::store::order_line::OrderLine;
use qianpu_tenants::store::shipment::Shipment;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderView {
    id: String,
    /// The number people read out.
    number: String,
    shop_id: String,
    /// `awaiting_payment`, `paid`, `part_shipped`, `shipped`, `received`, `completed` or `cancelled`.
    state: &'static str,
    /// By whom or why it was cancelled.
    cancelled_by: Option<&'static str>,
    source: OrderSourceView,
    /// The channel's order id.
    external_id: Option<String>,
    /// The channel's raw state.
    native_state: Option<String>,
    amounts: OrderAmountsView,
    lines: Vec<OrderLineView>,
    desk: OrderDeskView,
    #[schema(value_type = String)]
    placed_at: Time,
    #[schema(value_type = Option<String>)]
    paid_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    shipped_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    received_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    completed_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    cancelled_at: Option<Time>,
    /// When its money became available.
    #[schema(value_type = Option<String>)]
    settled_at: Option<Time>,
    version: i64,
}

/// What waits at an order for the merchant.
#[derive(Debug, Serialize, ToSchema)]
struct OrderDeskView {
    /// When the buyer asked last for it to be sent.
    #[schema(value_type = Option<String>)]
    urged_at: Option<Time>,
    /// How often.
    urges: i64,
    /// The buyer's wish for another address, while it waits.
    address_wish: Option<AddressWishView>,
    /// When another address was put to it last; the buyer may have to agree.
    #[schema(value_type = Option<String>)]
    address_proposed_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AddressWishView {
    receiver: OrderReceiverView,
    #[schema(value_type = String)]
    asked_at: Time,
    /// When the platform agrees by itself.
    #[schema(value_type = Option<String>)]
    until: Option<Time>,
}

impl From<OrderDesk> for OrderDeskView {
    fn from(desk: OrderDesk) -> Self {
        let wish = |wish: Wish| AddressWishView {
            receiver: receiver_view(&wish.receiver),
            asked_at: Time(wish.asked_at),
            until: wish.until.map(Time),
        };
        Self {
            urged_at: desk.urged_at.map(Time),
            urges: desk.urges,
            address_wish: desk.wish.map(wish),
            address_proposed_at: desk.proposed_at.map(Time),
        }
    }
}

fn receiver_view(receiver: &Receiver) -> OrderReceiverView {
    let Receiver { name, phone, region, detail } = masked(receiver);
    OrderReceiverView { name, phone, region, detail }
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderSourceView {
    /// The channel, or `storefront`.
    channel: String,
    channel_account_id: Option<String>,
    channel_account_name: Option<String>,
    /// `live_session`, `short_video`, `article`, `window`, `share`, `search` or `other`.
    scene: &'static str,
    /// What the channel says about it: the account that brought the sale, the live session.
    attribution: serde_json::Value,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderAmountsView {
    goods: Money,
    freight: Money,
    discount: Money,
    total: Money,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderLineView {
    id: String,
    /// Ours; null when the product did not come from us.
    product_id: Option<String>,
    sku_id: Option<String>,
    external_product_id: Option<String>,
    external_sku_id: Option<String>,
    title: String,
    spec_text: String,
    picture_url: Option<String>,
    unit_price: Money,
    quantity: i64,
    /// What the buyer pays for the line, without freight.
    total: Money,
    shipped_quantity: i64,
    after_sale_quantity: i64,
    refunded_quantity: i64,
    /// `none`, `held`, `sold`, `short`, `released` or `returned`.
    stock_state: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderDetailView {
    #[serde(flatten)]
    order: OrderView,
    receiver: OrderReceiverView,
    buyer_notes: String,
    merchant_notes: String,
    transaction_id: Option<String>,
    shipments: Vec<ShipmentView>,
    /// After-sale cases, oldest first.
    aftersales: Vec<OrderAftersaleView>,
    /// What was given back to the buyer.
    refunded: Money,
    /// What happened and who did it, oldest first.
    events: Vec<OrderEventView>,
    /// Left out for those who may not see money.
    #[serde(skip_serializing_if = "Option::is_none")]
    journals: Option<Vec<OrderJournalView>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderAftersaleView {
    id: String,
    kind: &'static str,
    state: &'static str,
    amount: Money,
    refunded: Money,
}

impl From<&Aftersale> for OrderAftersaleView {
    fn from(case: &Aftersale) -> Self {
        Self {
            id: case.id.to_string(),
            kind: case.kind.as_str(),
            state: case.progress.state.as_str(),
            amount: case.facts.amount.into(),
            refunded: case.refunded.into(),
        }
    }
}

/// Masked.
#[derive(Debug, Serialize, ToSchema)]
struct OrderReceiverView {
    name: String,
    phone: String,
    region: String,
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShipmentView {
    id: String,
    order_id: String,
    carrier_code: String,
    carrier_name: String,
    waybill: String,
    /// `queued`, `sent` or `refused`.
    state: &'static str,
    /// The platform's words for a refusal; `account_unusable:` and the account's state when it could not be
    /// told.
    reason: Option<String>,
    created_by: String,
    lines: Vec<ShipmentLineView>,
    #[schema(value_type = Option<String>)]
    sent_at: Option<Time>,
    #[schema(value_type = String)]
    created_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct ShipmentLineView {
    order_line_id: String,
    quantity: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderEventView {
    id: String,
    /// `placed`, `paid`, `shipment_queued`, `shipment_sent`, `stock_short`, …
    kind: &'static str,
    detail: serde_json::Value,
    /// `user`, `channel`, `job` or `system`.
    actor_kind: String,
    actor_name: String,
    #[schema(value_type = String)]
    at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderJournalView {
    id: String,
    code: String,
    #[schema(value_type = String)]
    effective_at: Time,
    legs: Vec<OrderLegView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderLegView {
    /// Number in the chart of accounts.
    account: i64,
    account_name_en: &'static str,
    account_name_zh: &'static str,
    owner: String,
    /// `debit` or `credit`.
    side: &'static str,
    amount: Money,
}

impl From<Listed> for OrderView {
    fn from(Listed { order, lines, account_name, desk }: Listed) -> Self {
        order_view(order, lines, account_name, desk)
    }
}

fn order_view(
    order: Order,
    lines: Vec<OrderLine>,
    account_name: Option<String>,
    desk: OrderDesk,
) -> OrderView {
    let Order { progress, facts, .. } = order;
    OrderView {
        id: order.id.to_string(),
        number: order.number,
        shop_id: order.shop.to_string(),
        state: progress.state.as_str(),
        cancelled_by: progress.cancelled_by.map(|by| by.as_str()),
        source: OrderSourceView {
            channel: order.channel.unwrap_or_else(|| "storefront".to_owned()),
            channel_account_id: order.account.map(|id| id.to_string()),
            channel_account_name: account_name,
            scene: facts.scene.as_str(),
            attribution: facts.attribution,
        },
        external_id: order.external_id,
        native_state: progress.native_state,
        amounts: OrderAmountsView {
            goods: facts.amounts.goods.into(),
            freight: facts.amounts.freight.into(),
            discount: facts.amounts.discount.into(),
            total: facts.amounts.total.into(),
        },
        lines: lines.into_iter().map(OrderLineView::from).collect(),
        desk: desk.into(),
        placed_at: Time(order.placed_at),
        paid_at: progress.paid_at.map(Time),
        shipped_at: progress.shipped_at.map(Time),
        received_at: progress.received_at.map(Time),
        completed_at: progress.completed_at.map(Time),
        cancelled_at: progress.cancelled_at.map(Time),
        settled_at: order.settled_at.map(Time),
        version: order.version,
    }
}

impl From<OrderLine> for OrderLineView {
    fn from(line: OrderLine) -> Self {
        Self {
            id: line.id.to_string(),
            product_id: line.product.map(|id| id.to_string()),
            sku_id: line.sku.map(|id| id.to_string()),
            external_product_id: line.external_product_id,
            external_sku_id: line.external_sku_id,
            title: line.title,
            spec_text: line.spec_text,
            picture_url: line.picture_url,
            unit_price: line.unit_price.into(),
            quantity: line.quantity,
            total: line.total.into(),
            shipped_quantity: line.shipped,
            after_sale_quantity: line.after_sale,
            refunded_quantity: line.refunded,
            stock_state: line.stock.as_str(),
        }
    }
}

impl From<Detail> for OrderDetailView {
    fn from(found: Detail) -> Self {
        Self {
            receiver: receiver_view(&found.order.facts.receiver),
            buyer_notes: found.order.facts.buyer_notes.clone(),
            merchant_notes: found.order.facts.merchant_notes.clone(),
            transaction_id: found.order.facts.transaction_id.clone(),
            aftersales: found.cases.iter().map(OrderAftersaleView::from).collect(),
            refunded: found.order.refunded.into(),
            shipments: found.shipments.into_iter().map(ShipmentView::from).collect(),
            events: found.events.into_iter().map(OrderEventView::from).collect(),
            journals: found.journals.map(|rows| rows.into_iter().map(OrderJournalView::from).collect()),
            order: order_view(found.order, found.lines, found.account_name, found.desk),
        }
    }
}

impl From<Shipment> for ShipmentView {
    fn from(shipment: Shipment) -> Self {
        Self {
            id: shipment.id.to_string(),
            order_id: shipment.order.to_string(),
            carrier_code: shipment.carrier_code,
            carrier_name: shipment.carrier_name,
            waybill: shipment.waybill,
            state: shipment.state.as_str(),
            reason: shipment.reason,
            created_by: shipment.created_by,
            lines: shipment
                .lines
                .into_iter()
                .map(|line| ShipmentLineView {
                    order_line_id: line.line.to_string(),
                    quantity: line.quantity,
                })
                .collect(),
            sent_at: shipment.sent_at.map(Time),
            created_at: Time(shipment.created_at),
        }
    }
}

impl From<OrderEventRow> for OrderEventView {
    fn from(event: OrderEventRow) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind.as_str(),
            detail: event.detail,
            actor_kind: event.actor_kind,
            actor_name: event.actor_name,
            at: Time(event.at),
        }
    }
}

impl From<JournalRow> for OrderJournalView {
    fn from(journal: JournalRow) -> Self {
        Self {
            id: journal.id.to_string(),
            code: journal.code,
            effective_at: Time(journal.effective_at),
            legs: journal
                .legs
                .into_iter()
                .map(|leg| OrderLegView {
                    account: leg.code.number(),
                    account_name_en: leg.code.name_en(),
                    account_name_zh: leg.code.name_zh(),
                    owner: leg.owner,
                    side: leg.side.as_str(),
                    amount: leg.amount.into(),
                })
                .collect(),
        }
    }
}
