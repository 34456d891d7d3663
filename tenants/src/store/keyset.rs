//! Ordering and bounds of keyset pages, in one place.

use crate::page::{MAX_LIMIT, PageRequest};
use sea_orm::{ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

/// Newest first by (time, id), one row more than asked for so that the page knows whether there is a next.
pub(crate) fn newest_first<E, C>(query: Select<E>, at: C, id: C, page: PageRequest) -> Select<E>
where
    E: EntityTrait,
    C: ColumnTrait,
{
    let query = match page.cursor {
        Some(cursor) => query.filter(
            Condition::any()
                .add(at.lt(cursor.at.micros()))
                .add(Condition::all().add(at.eq(cursor.at.micros())).add(id.lt(cursor.id))),
        ),
        None => query,
    };
    query.order_by(at, Order::Desc).order_by(id, Order::Desc).limit(page.limit.clamp(1, MAX_LIMIT) + 1)
}
