//! Applying a channel's report to our order: the one place where it happens.
//!
//! Invariant: applying is idempotent and indifferent to order. What is new is decided by `domain::order`; a
//! journal is unique by its fact, a stock move by (order, SKU), a parcel by its waybill, and the order's row
//! is saved under its version, so two workers with the same order cannot both find the same news. In the
//! transaction the order comes first, the merchant's books next, and stock last.

use super::terms::Terms;
use super::{booking, desk_news, goods, parcels, report};
use crate::app::aftersales::sync;
use crate::app::buyers::known;
use crate::app::money::{deposits, usage};
use crate::error::{Answer, ApiError};
use qianpu_domain::aftersale;
use qianpu_domain::ids::{BuyerId, OrderId};
use qianpu_domain::order::{CancelledBy, Happening, OrderEvent, OrderProgress, OrderState, Undo};
use qianpu_domain::time::Timestamp;
use qianpu_domain::webhook::EventType;
use qianpu_sdk::{ChannelOrder, ChannelOrderLine};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::aftersale::aftersale_list_of;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::order::{
    NewOrder, Order, OrderFacts, Rates, order_find, order_insert, order_save, order_set_buyer, order_synced,
};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append};
use qianpu_tenants::store::order_line::{
    NewLine, OrderLine, order_line_insert, order_line_list, order_line_save,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Job that makes an order's money available; payload `{"order_id"}`.
pub const SETTLE: &str = "order.settle";

/// What came of it.
#[derive(Debug, Clone)]
pub struct Applied {
    pub order: OrderId,
    pub state: OrderState,
    /// What was new; empty when the report was known.
    pub news: Vec<OrderEvent>,
}

/// Applies a report. A `VersionConflict` means that another worker was faster: run the transaction again.
pub async fn apply(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    reported: &ChannelOrder,
    terms: &Terms,
) -> Answer<Applied> {
    match order_find(tx, account.id, &reported.external_id).await? {
        Some(order) => update(tx, account, reported, terms, order).await,
        None => insert(tx, account, reported, terms).await,
    }
}

async fn insert(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    reported: &ChannelOrder,
    terms: &Terms,
) -> Answer<Applied> {
    let (progress, news) = OrderProgress::start().merge(&report::report(reported));
    let facts = report::facts(reported);
    let buyer = whose(tx, account, &facts).await?;
    let new = NewOrder {
        shop: account.shop,
        account: Some(account.id),
        channel: Some(&account.channel),
        external_id: Some(&reported.external_id),
        progress: &progress,
        facts: &facts,
        rates: terms.rates,
        placed_at: reported.created_at,
        buyer,
    };
    let Some(order) = order_insert(tx, &new).await? else {
        // Another worker inserted it in this moment; the next run finds it.
        return Err(qianpu_tenants::error::StoreError::VersionConflict.into());
    };
    let lines = insert_lines(tx, account, reported, order.id).await?;
    desk_news::begin(tx, &account.name, &order, reported).await?;
    let case_ids = case_ids(account, reported);
    let mut work = Work { tx, account, terms, order, progress, facts, lines, case_ids };
    work.note(Happening::Placed, json!({}), reported.created_at).await?;
    if !report::amounts_add_up(reported) {
        work.note(Happening::AmountsDiffer, json!({}), reported.created_at).await?;
    }
    let unknown = work.lines.iter().filter(|line| line.sku.is_none()).count();
    if unknown > 0 {
        work.note(Happening::LinesUnknown, json!({ "lines": unknown }), reported.created_at).await?;
    }
    work.publish(EventType::OrderCreated).await?;
    let parcels = work.merge_parcels(reported).await?;
    work.finish(news, &parcels, true).await
}

/// Ids of cases that can be read at the channel.
fn case_ids(account: &ChannelAccount, reported: &ChannelOrder) -> Vec<String> {
    let readable = qianpu_host::find(&account.channel).is_some_and(|channel| channel.aftersale().is_some());
    if readable { reported.after_sale_ids.clone() } else { Vec::new() }
}

/// The shop's buyer whom the facts name.
async fn whose(tx: &mut TenantTx, account: &ChannelAccount, facts: &OrderFacts) -> Answer<Option<BuyerId>> {
    known::buyer_of_order(tx, account, facts.buyer_open_id.as_deref(), facts.buyer_union_id.as_deref()).await
}

async fn insert_lines(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    reported: &ChannelOrder,
    order: OrderId,
) -> Answer<Vec<OrderLine>> {
    let mut new = Vec::with_capacity(reported.lines.len());
    for line in &reported.lines {
        let ours = goods::find_sku(tx, account.id, line.out_sku_id.as_deref(), &line.sku_id).await?;
        new.push(NewLine {
            product: ours.map(|(product, _)| product),
            sku: ours.map(|(_, sku)| sku),
            external_product_id: Some(&line.product_id),
            external_sku_id: Some(&line.sku_id),
            title: &line.title,
            spec_text: &line.spec_text,
            picture_url: line.picture_url.as_deref(),
            unit_price: line.unit_price,
            quantity: line.quantity,
            total: line.line_total,
            after_sale: line.after_sale_quantity,
            refunded: line.after_sale_done_quantity,
        });
    }
    Ok(order_line_insert(tx, order, &new).await?)
}

async fn update(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    reported: &ChannelOrder,
    terms: &Terms,
    order: Order,
) -> Answer<Applied> {
    let fetched_at = tx.now();
    order_synced(tx, order.id, fetched_at).await?;
    let (progress, news) = order.progress.merge(&report::report(reported));
    let newer = order.progress.reported_at.is_none_or(|known| reported.updated_at >= known);
    let unpaid = order.progress.paid_at.is_none();
    let facts = if newer { newer_facts(&order, reported, unpaid) } else { order.facts.clone() };
    if order.buyer.is_none()
        && let Some(buyer) = whose(tx, account, &facts).await?
    {
        order_set_buyer(tx, order.id, buyer).await?;
    }
    let mut lines = order_line_list(tx, order.id).await?;
    let mut changed = progress != order.progress || facts != order.facts;
    if newer {
        desk_news::learn(tx, &account.name, &order, &facts, reported).await?;
        changed |= update_lines(tx, account, reported, &mut lines, unpaid).await?;
    }
    let case_ids = case_ids(account, reported);
    let mut work = Work { tx, account, terms, order, progress, facts, lines, case_ids };
    let parcels = work.merge_parcels(reported).await?;
    work.finish(news, &parcels, changed).await
}

/// Amounts are frozen by the payment; an address the platform no longer shows is kept; what of a person was erased
/// is not brought back.
fn newer_facts(order: &Order, reported: &ChannelOrder, unpaid: bool) -> OrderFacts {
    let mut facts = report::facts(reported);
    if order.personal_erased_at.is_some() {
        let kept = order.facts.clone();
        facts.receiver = kept.receiver;
        facts.buyer_open_id = kept.buyer_open_id;
        facts.buyer_union_id = kept.buyer_union_id;
        facts.buyer_notes = kept.buyer_notes;
        facts.merchant_notes = kept.merchant_notes;
    }
    if !unpaid {
        facts.amounts = order.facts.amounts;
    }
    if reported.address.is_none() {
        facts.receiver = order.facts.receiver.clone();
    }
    if facts.transaction_id.is_none() {
        facts.transaction_id.clone_from(&order.facts.transaction_id);
    }
    facts
}

/// Lines keep what they were sold as; prices may move until payment, after-sale quantities always, and a line
/// whose SKU we did not know may be known by now.
async fn update_lines(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    reported: &ChannelOrder,
    lines: &mut [OrderLine],
    unpaid: bool,
) -> Answer<bool> {
    let mut changed = false;
    let mut open: Vec<&ChannelOrderLine> = reported.lines.iter().collect();
    for line in lines {
        let same = |told: &&ChannelOrderLine| {
            line.external_product_id.as_deref() == Some(told.product_id.as_str())
                && line.external_sku_id.as_deref() == Some(told.sku_id.as_str())
                && line.quantity == told.quantity
        };
        let Some(index) = open.iter().position(same) else { continue };
        let told = open.swap_remove(index);
        let before = line.clone();
        if unpaid {
            line.unit_price = told.unit_price;
            line.total = told.line_total;
        }
        line.after_sale = told.after_sale_quantity;
        line.refunded = told.after_sale_done_quantity;
        if line.sku.is_none()
            && let Some((product, sku)) =
                goods::find_sku(tx, account.id, told.out_sku_id.as_deref(), &told.sku_id).await?
        {
            (line.product, line.sku) = (Some(product), Some(sku));
        }
        if *line != before {
            changed = true;
        }
    }
    Ok(changed)
}

/// An order in the middle of being applied.
struct Work<'a> {
    tx: &'a mut TenantTx,
    account: &'a ChannelAccount,
    terms: &'a Terms,
    /// As it was read or inserted.
    order: Order,
    progress: OrderProgress,
    facts: OrderFacts,
    lines: Vec<OrderLine>,
    /// The channel's ids of after-sale cases, where the order names them.
    case_ids: Vec<String>,
}

impl Work<'_> {
    async fn note(&mut self, kind: Happening, detail: Value, at: Timestamp) -> Answer<()> {
        let event = NewEvent { order: self.order.id, kind, detail, by: By::Channel(&self.account.name), at };
        Ok(order_event_append(self.tx, event).await?)
    }

    async fn publish(&mut self, event: EventType) -> Answer<()> {
        let id = self.order.id.to_string();
        let payload = json!({
            "order_id": id,
            "number": self.order.number,
            "state": self.progress.state.as_str(),
        });
        Ok(outbox_append(self.tx, event, &id, self.order.version, payload).await?)
    }

    async fn merge_parcels(&mut self, reported: &ChannelOrder) -> Answer<parcels::ParcelNews> {
        let lines = &mut self.lines;
        Ok(parcels::merge(self.tx, self.order.id, &self.account.name, &reported.parcels, lines).await?)
    }

    /// Saves the order, then tells, books and moves stock for what is new.
    async fn finish(
        mut self,
        news: Vec<OrderEvent>,
        parcels: &parcels::ParcelNews,
        changed: bool,
    ) -> Answer<Applied> {
        let due = self
            .lines
            .iter()
            .any(|line| line.sku.is_some() && line.stock.due(&self.progress, line.shipped).is_some());
        let applied = Applied { order: self.order.id, state: self.progress.state, news };
        self.look_at_new_cases().await?;
        if !changed && !due && parcels.sent.is_empty() && applied.news.is_empty() {
            return Ok(applied);
        }
        // The share is the one in force when the order is paid.
        let rates = if applied.news.contains(&OrderEvent::Paid) { self.terms.rates } else { self.rates() };
        let progress = self.progress.clone();
        self.order.version = order_save(self.tx, &self.order, &progress, &self.facts, rates).await?;
        (self.order.take_rate_ppm, self.order.tax_ppm) = (rates.take_rate_ppm, rates.tax_ppm);
        for (carrier, waybill) in &parcels.sent {
            let detail = json!({ "carrier": carrier, "waybill": waybill });
            self.note(Happening::ShipmentSent, detail, self.tx.now()).await?;
        }
        for event in &applied.news {
            self.tell(event).await?;
        }
        for event in &applied.news {
            self.book(event).await?;
        }
        self.move_stock().await?;
        Ok(applied)
    }

    /// Cases that the order names and that no push told of.
    async fn look_at_new_cases(&mut self) -> Answer<()> {
        if self.case_ids.is_empty() {
            return Ok(());
        }
        let known = aftersale_list_of(self.tx, self.order.id).await?;
        for id in self.case_ids.iter().filter(|id| !known.iter().any(|case| case.external_id == **id)) {
            job_enqueue(self.tx, sync::new_job(self.account.id, id, 3)).await?;
        }
        Ok(())
    }

    fn rates(&self) -> Rates {
        Rates { take_rate_ppm: self.order.take_rate_ppm, tax_ppm: self.order.tax_ppm }
    }

    async fn tell(&mut self, event: &OrderEvent) -> Answer<()> {
        let now = self.tx.now();
        let (kind, outbox, at, detail) = match event {
            OrderEvent::Paid => {
                let detail = json!({ "amount_fen": self.facts.amounts.total.get() });
                (Happening::Paid, EventType::OrderPaid, self.progress.paid_at, detail)
            }
            OrderEvent::Shipped => {
                (Happening::Shipped, EventType::OrderShipped, self.progress.shipped_at, json!({}))
            }
            OrderEvent::Received => {
                (Happening::Received, EventType::OrderReceived, self.progress.received_at, json!({}))
            }
            OrderEvent::Completed => {
                (Happening::Completed, EventType::OrderCompleted, self.progress.completed_at, json!({}))
            }
            OrderEvent::Cancelled { by, .. } => {
                if self.order.progress.state == OrderState::Cancelled {
                    return Ok(());
                }
                let detail = json!({ "by": by.as_str() });
                (Happening::Cancelled, EventType::OrderCancelled, self.progress.cancelled_at, detail)
            }
        };
        self.note(kind, detail, at.unwrap_or(now)).await?;
        self.publish(outbox).await
    }

    async fn book(&mut self, event: &OrderEvent) -> Answer<()> {
        let total = self.facts.amounts.total;
        let holder = booking::holder(self.account);
        let now = self.tx.now();
        match event {
            OrderEvent::Paid => {
                let at = self.progress.paid_at.unwrap_or(now);
                deposits::order_paid_in(self.tx, self.order.shop).await?;
                usage::count_order_in(self.tx, &self.order.id.to_string(), at).await?;
                booking::paid(self.tx, &self.order, total, &holder, at).await
            }
            OrderEvent::Cancelled { undo: Undo::Sale, .. } => {
                if self.goes_back_by_cases().await? {
                    return Ok(());
                }
                let at = self.progress.cancelled_at.unwrap_or(now);
                let rest = aftersale::refund_within(total, self.order.refunded, total)
                    .map_err(ApiError::internal)?;
                let id = self.order.id.to_string();
                self.order.version = booking::refunded(self.tx, &self.order, &id, rest, &holder, at).await?;
                self.note(Happening::Refunded, json!({ "amount_fen": rest.get() }), at).await
            }
            OrderEvent::Received if self.progress.state != OrderState::Cancelled => {
                let received = self.progress.received_at.unwrap_or(now);
                let job = NewJob {
                    kind: SETTLE,
                    dedup_key: Some(self.order.id.to_string()),
                    payload: json!({ "order_id": self.order.id.to_string() }),
                    run_at: Some(received.plus(self.terms.after_sale_window)),
                    priority: 5,
                };
                job_enqueue(self.tx, job).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An order whose lines all went back through after-sale: each case says what the buyer got, and what is left,
    /// such as freight, is settled when the window ends. Where no case is known the rest goes back whole.
    async fn goes_back_by_cases(&mut self) -> Answer<bool> {
        if self.progress.cancelled_by != Some(CancelledBy::Refunded) {
            return Ok(false);
        }
        let known = aftersale_list_of(self.tx, self.order.id).await?;
        let told = self.case_ids.iter().map(String::as_str);
        let ids: BTreeSet<&str> = told.chain(known.iter().map(|case| case.external_id.as_str())).collect();
        if ids.is_empty() {
            return Ok(false);
        }
        for id in ids {
            job_enqueue(self.tx, sync::new_job(self.account.id, id, 0)).await?;
        }
        let settle = NewJob {
            kind: SETTLE,
            dedup_key: Some(self.order.id.to_string()),
            payload: json!({ "order_id": self.order.id.to_string() }),
            run_at: Some(self.tx.now().plus(self.terms.after_sale_window)),
            priority: 5,
        };
        job_enqueue(self.tx, settle).await?;
        Ok(true)
    }

    async fn move_stock(&mut self) -> Answer<()> {
        let until = self.order.placed_at.plus(self.terms.hold);
        let lines = &mut self.lines;
        let shortages = goods::settle_stock(self.tx, &self.order, &self.progress, lines, until).await?;
        for line in &self.lines {
            order_line_save(self.tx, line).await?;
        }
        let now = self.tx.now();
        for short in &shortages {
            let detail = json!({
                "sku_id": short.sku.to_string(),
                "wanted": short.wanted,
                "available": short.available,
            });
            self.note(Happening::StockShort, detail, now).await?;
        }
        if !shortages.is_empty() {
            self.publish(EventType::OrderStockShort).await?;
        }
        Ok(())
    }
}
