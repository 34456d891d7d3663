//! Lists of orders and their counts, for tabs and search.

use super::{Order, from_model, row};
use crate::db::TenantTx;
use crate::entity::{order_line, shipment};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::order_desk::{self, DeskTodo};
use qianpu_domain::ids::{ChannelAccountId, OrderId, ShopId};
use qianpu_domain::order::OrderState;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, LikeExpr, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

/// Which orders a list is about.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter<'a> {
    /// Only in one of these states; empty = all.
    pub states: &'a [OrderState],
    /// Only of these shops.
    pub shops: Option<Vec<ShopId>>,
    /// Only of this channel; `storefront` = our own.
    pub source: Option<&'a str>,
    /// Only of this account.
    pub account: Option<ChannelAccountId>,
    /// Number, the channel's id, a waybill, the last four digits of the receiver's phone, or a part of a line's title
    /// or of the merchant's remark.
    pub search: Option<&'a str>,
    /// Only those where this waits.
    pub todo: Option<DeskTodo>,
    /// Placed at or after.
    pub placed_from: Option<Timestamp>,
    /// Placed before.
    pub placed_to: Option<Timestamp>,
}

/// The source word of orders made in our own storefront.
const STOREFRONT: &str = "storefront";

fn filtered(tx: &TenantTx, filter: &OrderFilter<'_>, by_state: bool) -> Select<row::Entity> {
    use row::Column;
    let mut query = row::Entity::find().filter(Column::TenantId.eq(tx.tenant()));
    if by_state && !filter.states.is_empty() {
        query = query.filter(Column::State.is_in(filter.states.iter().map(|state| state.as_str())));
    }
    if let Some(shops) = &filter.shops {
        query = query.filter(Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    match filter.source {
        Some(STOREFRONT) => query = query.filter(Column::ChannelAccountId.is_null()),
        Some(channel) => query = query.filter(Column::Channel.eq(channel)),
        None => {}
    }
    if let Some(todo) = filter.todo {
        query = query.filter(Column::Id.in_subquery(order_desk::waiting(tx, todo)));
        let states = order_desk::states(todo);
        if !states.is_empty() {
            query = query.filter(Column::State.is_in(states.iter().map(|state| state.as_str())));
        }
    }
    if let Some(account) = filter.account {
        query = query.filter(Column::ChannelAccountId.eq(account.0));
    }
    if let Some(from) = filter.placed_from {
        query = query.filter(Column::PlacedAt.gte(from.micros()));
    }
    if let Some(to) = filter.placed_to {
        query = query.filter(Column::PlacedAt.lt(to.micros()));
    }
    if let Some(search) = filter.search.map(str::trim).filter(|search| !search.is_empty()) {
        query = query.filter(named(tx, search));
    }
    query
}

fn named(tx: &TenantTx, search: &str) -> Condition {
    let sent = Query::select()
        .column(shipment::Column::OrderId)
        .from(shipment::Entity)
        .and_where(shipment::Column::TenantId.eq(tx.tenant()))
        .and_where(shipment::Column::Waybill.eq(search))
        .to_owned();
    let name = Condition::any()
        .add(contains(row::Column::MerchantNotes, search))
        .add(row::Column::Id.in_subquery(sold(tx, search)))
        .add(row::Column::Number.eq(search.to_ascii_uppercase()))
        .add(row::Column::ExternalId.eq(search))
        .add(row::Column::Id.in_subquery(sent));
    let tail = search.len() == 4 && search.bytes().all(|b| b.is_ascii_digit());
    if tail { name.add(row::Column::PhoneTail.eq(search)) } else { name }
}

/// The search is for people: letters of either case are the same.
fn contains(column: impl sea_orm::sea_query::IntoColumnRef, search: &str) -> SimpleExpr {
    let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = LikeExpr::new(format!("%{escaped}%")).escape('\\');
    ExprTrait::like(Func::lower(Expr::col(column)), pattern)
}

/// Orders with such goods.
fn sold(tx: &TenantTx, search: &str) -> SelectStatement {
    Query::select()
        .column(order_line::Column::OrderId)
        .from(order_line::Entity)
        .and_where(order_line::Column::TenantId.eq(tx.tenant()))
        .and_where(contains(order_line::Column::Title, search))
        .to_owned()
}

/// Orders, newest first by the time they were placed.
pub async fn order_list(
    tx: &TenantTx,
    filter: &OrderFilter<'_>,
    page: PageRequest,
) -> StoreResult<Page<Order>> {
    let query = filtered(tx, filter, true);
    let rows = newest_first(query, row::Column::PlacedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |order| Cursor { at: order.placed_at, id: order.id.0 }))
}

/// How many orders there are in each state, whatever state the filter names; states without any are left out.
pub async fn order_counts(tx: &TenantTx, filter: &OrderFilter<'_>) -> StoreResult<Vec<(OrderState, i64)>> {
    let rows: Vec<(String, i64)> = filtered(tx, filter, false)
        .select_only()
        .column(row::Column::State)
        .column_as(row::Column::Id.count(), "count")
        .group_by(row::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|(word, count)| {
            let state = OrderState::from_text(&word).ok_or(StoreError::Corrupt("orders.state"))?;
            Ok((state, count))
        })
        .collect()
}

/// The numbers of orders of the merchant.
pub async fn order_numbers(tx: &TenantTx, ids: &[OrderId]) -> StoreResult<Vec<(OrderId, String)>> {
    let rows: Vec<(Uuid, String)> = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .select_only()
        .column(row::Column::Id)
        .column(row::Column::Number)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|(id, number)| (OrderId(id), number)).collect())
}
