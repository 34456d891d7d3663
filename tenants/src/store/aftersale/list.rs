//! Lists of cases and their counts.

use super::{Aftersale, row, with_lines};
use crate::db::TenantTx;
use crate::entity::order;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, MAX_LIMIT, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::aftersale::{AftersaleKind, AftersaleState, DisputeState, WaitsFor};
use qianpu_domain::ids::{ChannelAccountId, OrderId, ShopId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Func, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

/// Which cases a list is about.
#[derive(Clone, Debug, Default)]
pub struct AftersaleFilter<'a> {
    /// Only in one of these states; empty = all.
    pub states: &'a [AftersaleState],
    /// Only of this kind.
    pub kind: Option<AftersaleKind>,
    /// Only those that wait for this party.
    pub waits_for: Option<WaitsFor>,
    /// Only those whose dispute stands here.
    pub dispute: Option<DisputeState>,
    /// Only of this shop.
    pub shop: Option<ShopId>,
    /// Only of these shops: what the caller may see.
    pub shops: Option<Vec<ShopId>>,
    /// Only of this account.
    pub account: Option<ChannelAccountId>,
    /// The case's id at the channel, the order's number, or the order's id at the channel.
    pub search: Option<&'a str>,
}

/// How a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AftersaleSort {
    /// Newest first, by when the buyer asked.
    #[default]
    Newest,
    /// What ends first, first; what has no deadline, last.
    Deadline,
}

/// Stands for "no deadline" in an order by deadline.
const NEVER: i64 = 9_000_000_000_000_000;

fn filtered(tx: &TenantTx, filter: &AftersaleFilter<'_>, by_state: bool) -> Select<row::Entity> {
    use row::Column;
    let mut query = row::Entity::find().filter(Column::TenantId.eq(tx.tenant()));
    if by_state && !filter.states.is_empty() {
        query = query.filter(Column::State.is_in(filter.states.iter().map(|state| state.as_str())));
    }
    if by_state && let Some(party) = filter.waits_for {
        query = query.filter(Column::WaitsFor.eq(party.as_str()));
    }
    if by_state && let Some(state) = filter.dispute {
        query = query.filter(Column::DisputeState.eq(state.as_str()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(Column::Kind.eq(kind.as_str()));
    }
    if let Some(shop) = filter.shop {
        query = query.filter(Column::ShopId.eq(shop.0));
    }
    if let Some(shops) = &filter.shops {
        query = query.filter(Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    if let Some(account) = filter.account {
        query = query.filter(Column::ChannelAccountId.eq(account.0));
    }
    if let Some(search) = filter.search.map(str::trim).filter(|search| !search.is_empty()) {
        let orders = Query::select()
            .column(order::Column::Id)
            .from(order::Entity)
            .and_where(order::Column::TenantId.eq(tx.tenant()))
            .cond_where(
                Condition::any()
                    .add(order::Column::Number.eq(search.to_ascii_uppercase()))
                    .add(order::Column::ExternalId.eq(search)),
            )
            .to_owned();
        query = query.filter(
            Condition::any().add(Column::ExternalId.eq(search)).add(Column::OrderId.in_subquery(orders)),
        );
    }
    query
}

/// When a case is due; far away without a deadline.
fn due() -> SimpleExpr {
    Func::coalesce([Expr::col((row::Entity, row::Column::DeadlineAt)), Expr::value(NEVER)]).into()
}

/// Cases in the wanted order.
pub async fn aftersale_list(
    tx: &TenantTx,
    filter: &AftersaleFilter<'_>,
    sort: AftersaleSort,
    page: PageRequest,
) -> StoreResult<Page<Aftersale>> {
    let query = filtered(tx, filter, true);
    let query = match sort {
        AftersaleSort::Newest => newest_first(query, row::Column::AskedAt, row::Column::Id, page),
        AftersaleSort::Deadline => {
            let query = match page.cursor {
                Some(cursor) => query.filter(Condition::any().add(due().gt(cursor.at.micros())).add(
                    Condition::all().add(due().eq(cursor.at.micros())).add(row::Column::Id.gt(cursor.id)),
                )),
                None => query,
            };
            query
                .order_by(due(), Order::Asc)
                .order_by(row::Column::Id, Order::Asc)
                .limit(page.limit.clamp(1, MAX_LIMIT) + 1)
        }
    };
    let rows = query.all(tx.conn()).await?;
    let cases = with_lines(tx, rows).await?;
    Ok(Page::from_rows(cases, page.limit, |case| {
        let at = match sort {
            AftersaleSort::Newest => case.asked_at,
            AftersaleSort::Deadline => case.progress.deadline.unwrap_or(Timestamp::from_micros(NEVER)),
        };
        Cursor { at, id: case.id.0 }
    }))
}

/// How many cases stand in each state, whatever state the filter names; states without any are left out.
pub async fn aftersale_counts(
    tx: &TenantTx,
    filter: &AftersaleFilter<'_>,
) -> StoreResult<Vec<(AftersaleState, i64)>> {
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
            let state = AftersaleState::from_text(&word).ok_or(StoreError::Corrupt("aftersales.state"))?;
            Ok((state, count))
        })
        .collect()
}

/// How many cases wait for the merchant, under the other filters.
pub async fn aftersale_waiting_count(tx: &TenantTx, filter: &AftersaleFilter<'_>) -> StoreResult<u64> {
    let query = filtered(tx, filter, false);
    Ok(query.filter(row::Column::WaitsFor.eq(WaitsFor::Merchant.as_str())).count(tx.conn()).await?)
}

/// How many disputes wait for the merchant, under the other filters.
pub async fn dispute_waiting_count(tx: &TenantTx, filter: &AftersaleFilter<'_>) -> StoreResult<u64> {
    let query = filtered(tx, filter, false);
    let waits = DisputeState::WaitsForMerchant.as_str();
    Ok(query.filter(row::Column::DisputeState.eq(waits)).count(tx.conn()).await?)
}

/// The most cases of one order that are looked at.
const MOST_OF_ORDER: u64 = 100;

/// Cases of an order, oldest first.
pub async fn aftersale_list_of(tx: &TenantTx, order: OrderId) -> StoreResult<Vec<Aftersale>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .order_by_asc(row::Column::AskedAt)
        .order_by_asc(row::Column::Id)
        .limit(MOST_OF_ORDER)
        .all(tx.conn())
        .await?;
    with_lines(tx, rows).await
}

/// Ids at the channel of cases of an account that are not over and were not read since `before`, the longest unread
/// first. Those that ended without a refund after `lately` may still go to the platform's people, and count as open; so do
/// those with a dispute that is not over.
pub async fn aftersale_stale(
    tx: &TenantTx,
    account: ChannelAccountId,
    before: Timestamp,
    lately: Timestamp,
    limit: u64,
) -> StoreResult<Vec<String>> {
    let open = AftersaleState::ALL.iter().filter(|state| state.is_open()).map(|state| state.as_str());
    let ended = [AftersaleState::Refused, AftersaleState::Closed];
    let ids = row::Entity::find()
        .select_only()
        .column(row::Column::ExternalId)
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(
            Condition::any()
                .add(row::Column::State.is_in(open))
                .add(
                    Condition::all()
                        .add(row::Column::State.is_in(ended.map(AftersaleState::as_str)))
                        .add(row::Column::EndedAt.gte(lately.micros())),
                )
                .add(
                    Condition::all()
                        .add(row::Column::State.is_in(ended.map(AftersaleState::as_str)))
                        .add(row::Column::DisputeState.is_not_null())
                        .add(row::Column::DisputeState.ne(DisputeState::Ended.as_str())),
                ),
        )
        .filter(row::Column::SyncedAt.lt(before.micros()))
        .order_by_asc(row::Column::SyncedAt)
        .limit(limit)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(ids)
}
