//! Reading cases: lists, counts, one case with its order, what can be chosen. Only the merchant's own staff.

use super::report;
use crate::app::channels::call::AccountCall;
use crate::app::orders::read::account_names;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::aftersale::AftersaleState;
use qianpu_domain::ids::{AftersaleId, ChannelAccountId, OrderId};
use qianpu_sdk::CaseChoices;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::aftersale::{
    Aftersale, AftersaleFilter, AftersaleSort, aftersale_counts, aftersale_get, aftersale_list,
    aftersale_waiting_count, dispute_waiting_count,
};
use qianpu_tenants::store::aftersale_event::{AftersaleEventRow, aftersale_event_list};
use qianpu_tenants::store::dispute_evidence::{Evidence, evidence_list};
use qianpu_tenants::store::order::{Order, order_get, order_numbers};
use qianpu_tenants::store::order_line::{OrderLine, order_line_list, order_line_list_of};
use std::collections::HashMap;

/// A case in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    pub case: Aftersale,
    /// The number of its order.
    pub order_number: String,
    /// Name of the account it came through.
    pub account_name: Option<String>,
    /// The order's lines that it is about, with their pieces.
    pub goods: Vec<(OrderLine, i64)>,
}

fn goods_of(case: &Aftersale, lines: &[OrderLine]) -> Vec<(OrderLine, i64)> {
    let goods = case.lines.iter().filter_map(|item| {
        let line = lines.iter().find(|line| Some(line.id) == item.order_line)?;
        Some((line.clone(), item.quantity))
    });
    goods.collect()
}

/// Cases the caller may see.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    mut filter: AftersaleFilter<'_>,
    sort: AftersaleSort,
    page: PageRequest,
) -> Answer<Page<Listed>> {
    filter.shops = grant.shops();
    let tx = state.db.read(grant.ctx()).await?;
    let found = aftersale_list(&tx, &filter, sort, page).await?;
    let ids: Vec<OrderId> = found.items.iter().map(|case| case.order).collect();
    let numbers: HashMap<OrderId, String> = order_numbers(&tx, &ids).await?.into_iter().collect();
    let lines = order_line_list_of(&tx, &ids).await?;
    let names: HashMap<ChannelAccountId, String> =
        account_names(&tx).await?.into_iter().map(|(id, name, _)| (id, name)).collect();
    Ok(found.map(|case| Listed {
        order_number: numbers.get(&case.order).cloned().unwrap_or_default(),
        account_name: names.get(&case.account).cloned(),
        goods: goods_of(&case, &lines),
        case,
    }))
}

/// How many cases stand in each state, and how many wait for the merchant.
pub async fn counts(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    mut filter: AftersaleFilter<'_>,
) -> Answer<(Vec<(AftersaleState, i64)>, i64)> {
    filter.shops = grant.shops();
    let tx = state.db.read(grant.ctx()).await?;
    let waiting = aftersale_waiting_count(&tx, &filter).await?;
    Ok((aftersale_counts(&tx, &filter).await?, i64::try_from(waiting).unwrap_or(i64::MAX)))
}

/// How many disputes wait for the merchant.
pub async fn disputes_waiting(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    mut filter: AftersaleFilter<'_>,
) -> Answer<i64> {
    filter.shops = grant.shops();
    let waiting = dispute_waiting_count(&*state.db.read(grant.ctx()).await?, &filter).await?;
    Ok(i64::try_from(waiting).unwrap_or(i64::MAX))
}

/// Everything about one case.
#[derive(Debug, Clone)]
pub struct Detail {
    pub listed: Listed,
    pub order: Order,
    pub events: Vec<AftersaleEventRow>,
    /// What was said in its dispute from here, the newest first.
    pub evidence: Vec<Evidence>,
}

/// One case.
pub async fn get(state: &AppState, grant: &Grant<perm::OrderRead>, id: AftersaleId) -> Answer<Detail> {
    let tx = state.db.read(grant.ctx()).await?;
    let case = aftersale_get(&tx, id).await?;
    if !grant.covers_shop(case.shop) {
        return Err(ApiError::not_found());
    }
    let order = order_get(&tx, case.order).await?;
    let lines = order_line_list(&tx, order.id).await?;
    let names = account_names(&tx).await?;
    let account_name = names.into_iter().find(|(id, ..)| *id == case.account).map(|(_, name, _)| name);
    let events = aftersale_event_list(&tx, id).await?;
    let evidence = evidence_list(&tx, id).await?;
    let goods = goods_of(&case, &lines);
    let listed = Listed { order_number: order.number.clone(), account_name, goods, case };
    Ok(Detail { listed, order, events, evidence })
}

/// What can be chosen when the case is decided, asked of its channel now.
pub async fn choices(
    state: &AppState,
    grant: &Grant<perm::AftersaleHandle>,
    id: AftersaleId,
) -> Answer<CaseChoices> {
    let case = aftersale_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if !grant.covers_shop(case.shop) {
        return Err(ApiError::not_found());
    }
    let call = AccountCall::open(state, grant.ctx(), case.account).await?;
    let answer = call.host().aftersale_choices(call.account_ref(), &report::reference(&case)).await;
    Ok(call.settle(answer).await?)
}
