//! Applying a channel's report to our case: the one place where it happens, and the one that books its refund.
//!
//! Invariant: applying is idempotent and indifferent to order. What is new is decided by `domain::aftersale`; the refund
//! is booked once for ever under the case's id, when the platform says that the buyer has the money, and never for more
//! than is left of what was paid. In the transaction the case comes first, its order next, the books last.

use super::{remind, report, sync};
use crate::app::orders;
use crate::app::orders::booking;
use crate::error::{Answer, ApiError};
use qianpu_domain::aftersale::{AftersaleHappening, AftersaleProgress, AftersaleState, refund_within};
use qianpu_domain::money::Fen;
use qianpu_domain::order::Happening;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_domain::webhook::EventType;
use qianpu_sdk::ChannelCase;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::aftersale::{
    Aftersale, AftersaleFacts, AftersaleLine, NewAftersale, aftersale_find, aftersale_insert, aftersale_save,
    aftersale_synced,
};
use qianpu_tenants::store::aftersale_event::aftersale_event_append;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::order::{Order, order_find};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append};
use qianpu_tenants::store::order_line::order_line_list;
use serde_json::{Value, json};

/// How long after a deadline the platform's own step is looked for.
const AFTER_DEADLINE: Span = Span::seconds(30);

/// Applies a report. A `VersionConflict` means that another worker was faster: run the transaction again.
pub async fn apply(tx: &mut TenantTx, account: &ChannelAccount, reported: &ChannelCase) -> Answer<()> {
    let order = order_find(tx, account.id, &reported.order_id).await?.ok_or(StoreError::NotFound)?;
    match aftersale_find(tx, account.id, &reported.external_id).await? {
        Some(case) => update(tx, account, order, case, reported).await,
        None => insert(tx, account, order, reported).await,
    }
}

async fn insert(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    order: Order,
    reported: &ChannelCase,
) -> Answer<()> {
    let (progress, mut facts) = (report::progress(reported), report::facts(reported));
    if order.personal_erased_at.is_some() {
        facts.buyer_words = String::new();
        report::without_words(&mut facts);
    }
    let mut open = order_line_list(tx, order.id).await?;
    let mut lines = Vec::new();
    for line in reported.lines.iter().filter(|line| line.quantity > 0) {
        let same = open.iter().position(|own| {
            own.external_product_id.as_deref() == Some(line.product_id.as_str())
                && own.external_sku_id.as_deref() == Some(line.sku_id.as_str())
        });
        lines.push(AftersaleLine {
            order_line: same.map(|index| open.remove(index).id),
            external_product_id: line.product_id.clone(),
            external_sku_id: line.sku_id.clone(),
            quantity: line.quantity,
        });
    }
    let new = NewAftersale {
        shop: order.shop,
        order: order.id,
        account: account.id,
        channel: &account.channel,
        external_id: &reported.external_id,
        kind: report::kind(&reported.kind),
        progress: &progress,
        facts: &facts,
        lines: &lines,
        asked_at: reported.created_at,
    };
    let Some(case) = aftersale_insert(tx, &new).await? else {
        // Another worker inserted it in this moment; the next run finds it.
        return Err(StoreError::VersionConflict.into());
    };
    let work = Work { tx, account, order, case };
    let detail = json!({ "amount_fen": facts.amount.get() });
    let mut work = work.noted(AftersaleHappening::Asked, detail, reported.created_at).await?;
    work.publish(EventType::AftersaleOpened).await?;
    if progress.state != AftersaleState::Requested {
        work = work.noted(AftersaleHappening::Moved, moved(&progress), progress.reported_at).await?;
    }
    work.tell_dispute(None, &facts).await?;
    work.finish(&progress, &facts).await
}

async fn update(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    order: Order,
    case: Aftersale,
    reported: &ChannelCase,
) -> Answer<()> {
    aftersale_synced(tx, case.id).await?;
    let told = report::progress(reported);
    let next = case.progress.merge(&told);
    // What is said beside the state follows the report that is not older.
    let mut facts = if told.reported_at >= case.progress.reported_at {
        report::facts(reported)
    } else {
        case.facts.clone()
    };
    if order.personal_erased_at.is_some() {
        facts.buyer_words.clone_from(&case.facts.buyer_words);
        facts.return_waybill.clone_from(&case.facts.return_waybill);
        report::without_words(&mut facts);
    }
    if case.refunded > Fen::ZERO {
        facts.amount = case.facts.amount;
    }
    let owes = next.as_ref().unwrap_or(&case.progress).state == AftersaleState::Done
        && case.kind.refunds()
        && case.refunded == Fen::ZERO
        && case.progress.state != AftersaleState::Done;
    if next.is_none() && facts == case.facts && !owes {
        return Ok(());
    }
    let progress = next.clone().unwrap_or_else(|| case.progress.clone());
    let before = (case.progress.clone(), case.facts.dispute.clone());
    let version = aftersale_save(tx, &case, &progress, &facts, case.refunded, &case.pending).await?;
    let case = Aftersale { version, ..case };
    let mut work = Work { tx, account, order, case };
    if progress.state != before.0.state || progress.native_state != before.0.native_state {
        work = work.noted(AftersaleHappening::Moved, moved(&progress), progress.reported_at).await?;
        work.publish(EventType::AftersaleChanged).await?;
    }
    work.tell_dispute(before.1.as_ref().map(|dispute| dispute.native_state.as_str()), &facts).await?;
    work.finish(&progress, &facts).await
}

fn moved(progress: &AftersaleProgress) -> Value {
    json!({ "state": progress.state.as_str(), "native_state": progress.native_state })
}

/// A case in the middle of being applied.
struct Work<'a> {
    tx: &'a mut TenantTx,
    account: &'a ChannelAccount,
    order: Order,
    /// As it was read or inserted, with the version that is stored now.
    case: Aftersale,
}

impl Work<'_> {
    async fn noted(self, kind: AftersaleHappening, detail: Value, at: Timestamp) -> Answer<Self> {
        let by = By::Channel(&self.account.name);
        aftersale_event_append(self.tx, self.case.id, kind, detail, by, at).await?;
        Ok(self)
    }

    async fn publish(&mut self, event: EventType) -> Answer<()> {
        let id = self.case.id.to_string();
        let payload = json!({ "aftersale_id": id, "order_id": self.order.id.to_string() });
        Ok(outbox_append(self.tx, event, &id, self.case.version, payload).await?)
    }

    async fn tell_dispute(&mut self, before: Option<&str>, facts: &AftersaleFacts) -> Answer<()> {
        let Some(dispute) = &facts.dispute else { return Ok(()) };
        if before == Some(dispute.native_state.as_str()) {
            return Ok(());
        }
        let detail = json!({
            "state": dispute.state.as_str(), "native_state": dispute.native_state,
            "step": dispute.detail["step"],
        });
        let (by, at) = (By::Channel(&self.account.name), self.tx.now());
        let kind = AftersaleHappening::Dispute;
        aftersale_event_append(self.tx, self.case.id, kind, detail, by, at).await?;
        match serde_json::from_value(dispute.detail.clone()) {
            Ok(told) => remind::plan_proof(self.tx, &self.case, &told).await,
            // Nothing is kept of it, so there is no deadline either.
            Err(_) => Ok(()),
        }
    }

    /// What follows from where the case stands: looks at it when its time is up, the order's own counts, the refund.
    async fn finish(mut self, progress: &AftersaleProgress, facts: &AftersaleFacts) -> Answer<()> {
        if let Some(deadline) = progress.deadline.filter(|_| progress.state.is_open()) {
            let look = sync::new_job(self.account.id, &self.case.external_id, 3);
            let key = format!("{}:due:{}", self.case.id, deadline.seconds());
            let run_at = Some(deadline.plus(AFTER_DEADLINE));
            job_enqueue(self.tx, NewJob { dedup_key: Some(key), run_at, ..look }).await?;
            remind::plan(self.tx, &self.case, progress, deadline).await?;
        }
        if let Some(external) = &self.order.external_id {
            job_enqueue(self.tx, orders::sync::new_job(self.account.id, external, 3)).await?;
        }
        if progress.state == AftersaleState::Done
            && self.case.kind.refunds()
            && self.case.refunded == Fen::ZERO
        {
            self.refund(progress, facts).await?;
        }
        Ok(())
    }

    async fn refund(&mut self, progress: &AftersaleProgress, facts: &AftersaleFacts) -> Answer<()> {
        let (order, at) = (&self.order, progress.reported_at);
        // Nothing that was never paid in goes out of the books.
        if order.progress.paid_at.is_none() {
            return Ok(());
        }
        let amount = refund_within(order.facts.amounts.total, order.refunded, facts.amount)
            .map_err(ApiError::internal)?;
        if amount == Fen::ZERO {
            return Ok(());
        }
        let detail = json!({ "amount_fen": amount.get() });
        let by = By::Channel(&self.account.name);
        let kind = AftersaleHappening::Refunded;
        aftersale_event_append(self.tx, self.case.id, kind, detail.clone(), by, at).await?;
        let event = NewEvent { order: order.id, kind: Happening::Refunded, detail, by, at };
        order_event_append(self.tx, event).await?;
        let pending = self.case.pending.clone();
        self.case.version = aftersale_save(self.tx, &self.case, progress, facts, amount, &pending).await?;
        let id = self.case.id.to_string();
        let payload =
            json!({ "aftersale_id": id, "order_id": order.id.to_string(), "amount_fen": amount.get() });
        outbox_append(self.tx, EventType::AftersaleRefunded, &id, self.case.version, payload).await?;
        let holder = booking::holder(self.account);
        booking::refunded(self.tx, &self.order, &id, amount, &holder, at).await?;
        Ok(())
    }
}
