//! What a report says beside progress, money and parcels: a buyer's wish for another address, an address that changed,
//! a price that changed before it was paid.

use super::report;
use crate::error::Answer;
use qianpu_domain::order::Happening;
use qianpu_sdk::ChannelOrder;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::order::{Order, OrderFacts, Receiver};
use qianpu_tenants::store::order_desk::{OrderDesk, Wish, order_desk_get, order_desk_put};
use qianpu_tenants::store::order_event::{By, NewEvent, order_event_append};
use serde_json::{Value, json};

/// Notes it. `facts` are those the order will have; the report is the newest one.
pub(super) async fn learn(
    tx: &mut TenantTx,
    account_name: &str,
    order: &Order,
    facts: &OrderFacts,
    reported: &ChannelOrder,
) -> Answer<()> {
    let known = order_desk_get(tx, order.id).await?;
    let mut desk = OrderDesk { wish: wish(order, reported, known.wish.as_ref()), ..known.clone() };
    let by = By::Channel(account_name);
    let event = |kind: Happening, detail: Value, at| NewEvent { order: order.id, kind, detail, by, at };
    let moved = elsewhere(&order.facts.receiver, &facts.receiver);
    if moved {
        desk.proposed_at = None;
        let at = reported.updated_at;
        order_event_append(tx, event(Happening::AddressChanged, json!({}), at)).await?;
    }
    if let Some(wish) = &desk.wish
        && known.wish.as_ref().is_none_or(|before| before.asked_at != wish.asked_at)
    {
        order_event_append(tx, event(Happening::AddressAsked, json!({}), wish.asked_at)).await?;
    }
    let (before, now) = (order.facts.amounts.total, facts.amounts.total);
    if before != now {
        let detail = json!({ "amount_fen": now.get(), "before_fen": before.get() });
        order_event_append(tx, event(Happening::Repriced, detail, reported.updated_at)).await?;
    }
    if desk != known {
        order_desk_put(tx, order.id, &desk).await?;
    }
    Ok(())
}

/// What a first report says of it.
pub(super) async fn begin(
    tx: &mut TenantTx,
    account_name: &str,
    order: &Order,
    reported: &ChannelOrder,
) -> Answer<()> {
    if reported.address_wish.is_none() {
        return Ok(());
    }
    learn(tx, account_name, order, &order.facts, reported).await
}

/// The wish that waits. Of a platform that does not say since when, the first report is the time.
fn wish(order: &Order, reported: &ChannelOrder, known: Option<&Wish>) -> Option<Wish> {
    let told = reported.address_wish.as_ref().filter(|_| order.personal_erased_at.is_none())?;
    let receiver = report::receiver(&told.address);
    let before = known.filter(|known| known.receiver == receiver).map(|known| known.asked_at);
    let asked_at = told.asked_at.or(before).unwrap_or(reported.updated_at);
    Some(Wish { receiver, asked_at, until: told.until })
}

/// Whether goods go to another place. The phone does not tell: virtual numbers come and go.
fn elsewhere(before: &Receiver, now: &Receiver) -> bool {
    let place = |it: &Receiver| (it.name.clone(), it.region.clone(), it.detail.clone());
    *before != Receiver::default() && place(before) != place(now)
}
