//! `order.settle`: the after-sale window of an order ended. The order is read at its channel once more, then the
//! provider takes its share and the rest becomes available to the merchant.
//!
//! An order with an open after-sale case is not settled by the clock: it waits, and what the cases gave back to the
//! buyer is not the merchant's any more.

use super::apply::SETTLE;
use super::{booking, sync};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::CallError;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::OrderId;
use qianpu_domain::money::Fen;
use qianpu_domain::order::{CancelledBy, Happening, OrderState};
use qianpu_domain::time::Span;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use qianpu_tenants::store::aftersale::aftersale_list_of;
use qianpu_tenants::store::order::{Order, OrderFilter, order_get, order_list, order_settled};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append, order_event_list};
use qianpu_tenants::store::order_line::order_line_list;
use serde_json::json;

/// How long an order with an after-sale case waits until it is looked at again.
const LOOK_AGAIN: Span = Span::days(1);

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: OrderId = payload(job, "order_id")?;
    let order = order_get(&*state.db.read(&job.ctx).await?, id).await?;
    let over = order.progress.state == OrderState::Cancelled && !rest_is_the_merchants(&order);
    if order.settled_at.is_some() || over {
        return Ok(Done::Nothing);
    }
    if let (Some(account), Some(external_id)) = (order.account, order.external_id.as_deref()) {
        match sync::fetch(state, &job.ctx, account, external_id).await {
            Ok((account, reported)) => {
                sync::store(state, &job.ctx, &account, &reported, sync::Ends::Nothing).await?;
            }
            // The link has ended: what we know is all there will be.
            Err(CallError::NotUsable(_)) => {}
            Err(error) => return Err(error.job_error(state.clock().now(), job.attempt)),
        }
    }
    let mut tx = state.db.begin(&job.ctx).await?;
    let order = order_get(&tx, id).await?;
    let done = matches!(order.progress.state, OrderState::Received | OrderState::Completed)
        || rest_is_the_merchants(&order);
    if order.settled_at.is_some() || !done {
        return finish(tx, job).await;
    }
    let lines = order_line_list(&tx, id).await?;
    let cases = aftersale_list_of(&tx, id).await?;
    let open = cases.iter().any(|case| case.progress.state.is_open());
    // Pieces that went back without an amount: the case is not known yet.
    let unknown = lines.iter().any(|line| line.refunded > 0) && order.refunded == Fen::ZERO;
    if open || unknown || lines.iter().any(|line| line.after_sale > 0) {
        hold_back(&mut tx, &order).await?;
        return finish(tx, job).await;
    }
    // The version decides between two workers; the books come last.
    order_settled(&mut tx, &order).await?;
    let kept = order.facts.amounts.total.sub(order.refunded).map_err(ApiError::internal)?;
    let detail = json!({ "amount_fen": kept.get() });
    note(&mut tx, &order, Happening::Settled, detail).await?;
    let subject = id.to_string();
    let event = json!({ "order_id": subject, "number": order.number });
    outbox_append(&mut tx, EventType::OrderSettled, &subject, order.version + 1, event).await?;
    booking::settled(&mut tx, &order, kept).await?;
    finish(tx, job).await
}

/// An order that ended because every line went back: what was not refunded, such as freight, is the merchant's.
fn rest_is_the_merchants(order: &Order) -> bool {
    order.progress.state == OrderState::Cancelled
        && order.progress.cancelled_by == Some(CancelledBy::Refunded)
        && order.refunded < order.facts.amounts.total
}

async fn hold_back(tx: &mut TenantTx, order: &Order) -> StoreResult<()> {
    let events = order_event_list(tx, order.id).await?;
    if !events.iter().any(|event| event.kind == Happening::SettlementWaits) {
        note(tx, order, Happening::SettlementWaits, json!({})).await?;
    }
    let id = order.id.to_string();
    let again = NewJob {
        kind: SETTLE,
        dedup_key: Some(id.clone()),
        payload: json!({ "order_id": id }),
        run_at: Some(tx.now().plus(LOOK_AGAIN)),
        priority: 5,
    };
    job_enqueue(tx, again).await?;
    Ok(())
}

async fn note(
    tx: &mut TenantTx,
    order: &Order,
    kind: Happening,
    detail: serde_json::Value,
) -> StoreResult<()> {
    let at = tx.now();
    order_event_append(tx, NewEvent { order: order.id, kind, detail, by: By::Actor, at }).await
}

/// Puts the settlement of every order that was received and is not settled into the queue, for a merchant that
/// came back from an archive.
pub async fn begin_again(tx: &mut TenantTx, window: Span) -> Answer<()> {
    let filter = OrderFilter { states: &[OrderState::Received, OrderState::Completed], ..Default::default() };
    let mut page = PageRequest::first(MAX_LIMIT);
    loop {
        let found = order_list(tx, &filter, page).await?;
        for order in found.items.iter().filter(|order| order.settled_at.is_none()) {
            let id = order.id.to_string();
            let received = order.progress.received_at.unwrap_or(tx.now());
            let job = NewJob {
                kind: SETTLE,
                dedup_key: Some(id.clone()),
                payload: json!({ "order_id": id }),
                run_at: Some(received.plus(window)),
                priority: 5,
            };
            job_enqueue(tx, job).await?;
        }
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(()),
        }
    }
}
