//! Reading orders: lists, counts, one order with everything about it. Only the merchant's own staff.

use super::booking;
use crate::app::promotions;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Permission;
use qianpu_domain::billing::{date_text, parse_date, start_of_day};
use qianpu_domain::ids::{ChannelAccountId, OrderId, ShipmentId};
use qianpu_domain::money::Fen;
use qianpu_domain::order::OrderState;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::Carrier;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::aftersale::{Aftersale, aftersale_list_of};
use qianpu_tenants::store::channel_account::{AccountFilter, account_list};
use qianpu_tenants::store::ledger::{JournalRow, journal_list_of};
use qianpu_tenants::store::order::{
    Order, OrderFilter, Receiver, order_counts, order_get, order_list, order_numbers,
};
use qianpu_tenants::store::order_desk::{OrderDesk, order_desk_get, order_desk_list};
use qianpu_tenants::store::order_event::{OrderEventRow, order_event_list};
use qianpu_tenants::store::order_line::{OrderLine, order_line_list, order_line_list_of};
use qianpu_tenants::store::shipment::{
    Shipment, ShipmentFilter, ShipmentState, shipment_get, shipment_list, shipment_list_of,
};
use qianpu_tenants::store::tenant::tenant_get;
use std::collections::HashMap;
use std::sync::Arc;

/// An order in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    pub order: Order,
    pub lines: Vec<OrderLine>,
    /// Name of the account it came through.
    pub account_name: Option<String>,
    /// What waits at it.
    pub desk: OrderDesk,
}

/// Names of the merchant's accounts, for lists and filters; at most 100.
pub async fn account_names(
    tx: &qianpu_tenants::db::TenantTx,
) -> StoreResult<Vec<(ChannelAccountId, String, String)>> {
    let accounts = account_list(tx, &AccountFilter::default(), PageRequest::first(100)).await?;
    Ok(accounts.items.into_iter().map(|account| (account.id, account.name, account.channel)).collect())
}

/// Orders the caller may see, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    mut filter: OrderFilter<'_>,
    page: PageRequest,
) -> Answer<Page<Listed>> {
    filter.shops = grant.shops();
    let tx = state.db.read(grant.ctx()).await?;
    let found = order_list(&tx, &filter, page).await?;
    let ids: Vec<OrderId> = found.items.iter().map(|order| order.id).collect();
    let mut lines: HashMap<OrderId, Vec<OrderLine>> = HashMap::new();
    for line in order_line_list_of(&tx, &ids).await? {
        lines.entry(line.order).or_default().push(line);
    }
    let names: HashMap<ChannelAccountId, String> =
        account_names(&tx).await?.into_iter().map(|(id, name, _)| (id, name)).collect();
    let mut desks: HashMap<OrderId, OrderDesk> = order_desk_list(&tx, &ids).await?.into_iter().collect();
    Ok(found.map(|order| Listed {
        desk: desks.remove(&order.id).unwrap_or_default(),
        lines: lines.remove(&order.id).unwrap_or_default(),
        account_name: order.account.and_then(|id| names.get(&id).cloned()),
        order,
    }))
}

/// How many orders stand in each state, under the other filters.
pub async fn counts(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    mut filter: OrderFilter<'_>,
) -> Answer<Vec<(OrderState, i64)>> {
    filter.shops = grant.shops();
    Ok(order_counts(&*state.db.read(grant.ctx()).await?, &filter).await?)
}

/// Everything about one order.
#[derive(Debug, Clone)]
pub struct Detail {
    pub order: Order,
    pub lines: Vec<OrderLine>,
    pub events: Vec<OrderEventRow>,
    pub shipments: Vec<Shipment>,
    /// `None` for those who may not see money.
    pub journals: Option<Vec<JournalRow>>,
    pub account_name: Option<String>,
    /// Whether the platform tells which coupons its buyer holds.
    pub buyer_coupons: bool,
    /// Its after-sale cases, oldest first.
    pub cases: Vec<Aftersale>,
    /// What waits at it.
    pub desk: OrderDesk,
}

/// One order.
pub async fn get(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::OrderRead>,
    id: OrderId,
) -> Answer<Detail> {
    let tx = state.db.read(grant.ctx()).await?;
    let order = order_get(&tx, id).await?;
    if !grant.covers_shop(order.shop) {
        return Err(ApiError::not_found());
    }
    let cases = aftersale_list_of(&tx, id).await?;
    let journals = match caller.may(Permission::LedgerRead) {
        true => {
            let mut journals = journal_list_of(&tx, &id.to_string()).await?;
            for case in cases.iter().filter(|case| case.refunded > Fen::ZERO) {
                journals.extend(journal_list_of(&tx, &case.id.to_string()).await?);
            }
            journals.sort_by_key(|journal| (journal.effective_at, booking::place(&journal.code)));
            Some(journals)
        }
        false => None,
    };
    let names = account_names(&tx).await?;
    let account = names.into_iter().find(|(id, ..)| Some(*id) == order.account);
    let coupons_at = |channel: &str| order.facts.buyer_open_id.is_some() && promotions::possible_at(channel);
    Ok(Detail {
        lines: order_line_list(&tx, id).await?,
        events: order_event_list(&tx, id).await?,
        shipments: shipment_list_of(&tx, id).await?,
        desk: order_desk_get(&tx, id).await?,
        journals,
        buyer_coupons: account.as_ref().is_some_and(|(.., channel)| coupons_at(channel)),
        account_name: account.map(|(_, name, _)| name),
        cases,
        order,
    })
}

/// Parcels the caller may see, newest first.
pub async fn shipments(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    in_state: Option<ShipmentState>,
    page: PageRequest,
) -> Answer<Page<Shipment>> {
    let filter = ShipmentFilter { state: in_state, shops: grant.shops() };
    Ok(shipment_list(&*state.db.read(grant.ctx()).await?, &filter, page).await?)
}

/// A parcel of an order the caller may see.
pub async fn shipment(state: &AppState, grant: &Grant<perm::OrderRead>, id: ShipmentId) -> Answer<Shipment> {
    let tx = state.db.read(grant.ctx()).await?;
    let found = shipment_get(&tx, id).await?;
    let order = order_get(&tx, found.order).await?;
    if grant.covers_shop(order.shop) { Ok(found) } else { Err(ApiError::not_found()) }
}

/// The numbers of orders.
pub async fn numbers(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    ids: &[OrderId],
) -> Answer<HashMap<OrderId, String>> {
    Ok(order_numbers(&*state.db.read(grant.ctx()).await?, ids).await?.into_iter().collect())
}

/// Days of the merchant's zone as moments.
#[derive(Debug, Clone, Default)]
pub struct Days {
    /// First day as `YYYY-MM-DD`; empty = no limit.
    pub first: String,
    /// Last day.
    pub last: String,
    /// When the first day begins.
    pub from: Option<Timestamp>,
    /// When the last day ends.
    pub until: Option<Timestamp>,
}

/// The moments between which orders of these days were placed. What is no date limits nothing.
pub async fn days(state: &AppState, grant: &Grant<perm::OrderRead>, first: &str, last: &str) -> Answer<Days> {
    let mut days = Days::default();
    let (begin, end) = (parse_date(first).ok(), parse_date(last).ok());
    if begin.is_none() && end.is_none() {
        return Ok(days);
    }
    let zone = tenant_get(&*state.db.read(grant.ctx()).await?).await?.zone;
    if let Some(date) = begin {
        days.first = date_text(date);
        days.from = Some(start_of_day(date, &zone)?);
    }
    if let Some(next) = end.and_then(|date| date.tomorrow().ok()) {
        days.last = last.to_owned();
        days.until = Some(start_of_day(next, &zone)?);
    }
    Ok(days)
}

/// The carriers an order can be sent with.
pub async fn carriers(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    id: OrderId,
) -> Answer<Arc<[Carrier]>> {
    let order = order_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if !grant.covers_shop(order.shop) {
        return Err(ApiError::not_found());
    }
    Ok(super::carriers::of(state, grant.ctx(), order.account).await)
}

/// A receiver with what identifies a person taken out. Platforms mask it already; this holds for every source.
pub fn masked(receiver: &Receiver) -> Receiver {
    Receiver {
        name: if receiver.name.contains('*') { receiver.name.clone() } else { mask(&receiver.name, 1, 0) },
        phone: if receiver.phone.contains('*') {
            receiver.phone.clone()
        } else {
            mask(&receiver.phone, 3, 4)
        },
        region: receiver.region.clone(),
        detail: if receiver.detail.contains('*') {
            receiver.detail.clone()
        } else {
            mask(&receiver.detail, 4, 0)
        },
    }
}

/// Keeps so many characters at both ends.
fn mask(text: &str, head: usize, tail: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return String::new();
    }
    let end: String = match chars.len().checked_sub(tail).filter(|end| *end > head) {
        Some(end) => chars.iter().skip(end).collect(),
        None => String::new(),
    };
    format!("{}****{end}", chars.iter().take(head).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_masked_whatever_the_source() {
        let receiver = |name: &str, phone: &str, detail: &str| Receiver {
            name: name.into(),
            phone: phone.into(),
            region: "广东省 深圳市".into(),
            detail: detail.into(),
        };
        let check =
            |given: Receiver, expected: Receiver| assert!(masked(&given) == expected, "{}", given.name);
        check(
            receiver("张三丰", "13800138000", "科技园一路1号3栋"),
            receiver("张****", "138****8000", "科技园一****"),
        );
        check(receiver("张**", "138****8000", "科技园****"), receiver("张**", "138****8000", "科技园****"));
        check(receiver("", "", ""), receiver("", "", ""));
        check(receiver("张", "123", "x"), receiver("张****", "123****", "x****"));
    }
}
