//! What waits at an order for the merchant. A row is there only for orders where something of it ever happened.

use crate::db::TenantTx;
use crate::entity::{order, order_desk as row};
use crate::error::StoreResult;
use crate::store::order::Receiver;
use qianpu_domain::ids::{OrderId, ShopId};
use qianpu_domain::order::OrderState;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};

/// States in which an order has not been sent whole: an urge counts, and an address may still change.
const TO_SEND: [OrderState; 2] = [OrderState::Paid, OrderState::PartShipped];

/// What waits at an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderDesk {
    /// When the buyer urged last.
    pub urged_at: Option<Timestamp>,
    /// How often.
    pub urges: i64,
    /// The buyer's wish for another address, while it waits.
    pub wish: Option<Wish>,
    /// When the merchant put another address to it last.
    pub proposed_at: Option<Timestamp>,
}

/// A wish for another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Where it shall go. Personal: erased with the buyer.
    pub receiver: Receiver,
    /// When the buyer asked.
    pub asked_at: Timestamp,
    /// When the platform agrees by itself.
    pub until: Option<Timestamp>,
}

/// Which orders wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskTodo {
    /// The buyer urged, and it is not sent yet.
    Urged,
    /// The buyer wishes another address.
    Address,
}

impl DeskTodo {
    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urged => "urged",
            Self::Address => "address",
        }
    }
    /// By its name.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Urged, Self::Address].into_iter().find(|one| one.as_str() == text)
    }
}

fn from_model(model: row::Model) -> (OrderId, OrderDesk) {
    let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let wish = at(model.wish_asked_at).map(|asked_at| Wish {
        receiver: Receiver {
            name: model.wish_name,
            phone: model.wish_phone,
            region: model.wish_region,
            detail: model.wish_detail,
        },
        asked_at,
        until: at(model.wish_until),
    });
    let desk = OrderDesk {
        urged_at: at(model.urged_at),
        urges: model.urges,
        wish,
        proposed_at: at(model.proposed_at),
    };
    (OrderId(model.order_id), desk)
}

/// What waits at these orders; orders where nothing ever happened are left out.
pub async fn order_desk_list(tx: &TenantTx, ids: &[OrderId]) -> StoreResult<Vec<(OrderId, OrderDesk)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.is_in(ids.iter().map(|id| id.0)))
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(from_model).collect())
}

/// What waits at an order.
pub async fn order_desk_get(tx: &TenantTx, id: OrderId) -> StoreResult<OrderDesk> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    Ok(found.map(|model| from_model(model).1).unwrap_or_default())
}

/// Keeps what waits at an order. Whoever calls holds the order's version.
pub async fn order_desk_put(tx: &mut TenantTx, id: OrderId, desk: &OrderDesk) -> StoreResult<()> {
    use row::Column as C;
    let wish = desk.wish.clone();
    let receiver = wish.as_ref().map(|wish| wish.receiver.clone()).unwrap_or_default();
    let new = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        order_id: Set(id.0),
        urged_at: Set(desk.urged_at.map(Timestamp::micros)),
        urges: Set(desk.urges),
        wish_asked_at: Set(wish.as_ref().map(|wish| wish.asked_at.micros())),
        wish_until: Set(wish.and_then(|wish| wish.until).map(Timestamp::micros)),
        wish_name: Set(receiver.name),
        wish_phone: Set(receiver.phone),
        wish_region: Set(receiver.region),
        wish_detail: Set(receiver.detail),
        proposed_at: Set(desk.proposed_at.map(Timestamp::micros)),
        updated_at: Set(tx.now().micros()),
    };
    let known = OnConflict::columns([C::TenantId, C::OrderId])
        .update_columns([
            C::UrgedAt,
            C::Urges,
            C::WishAskedAt,
            C::WishUntil,
            C::WishName,
            C::WishPhone,
            C::WishRegion,
            C::WishDetail,
            C::ProposedAt,
            C::UpdatedAt,
        ])
        .to_owned();
    row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Ids of orders where something waits, as a part of a condition on orders. An urge is over when the order was sent.
pub(super) fn waiting(tx: &TenantTx, todo: DeskTodo) -> SelectStatement {
    let mut query = Query::select()
        .column(row::Column::OrderId)
        .from(row::Entity)
        .and_where(row::Column::TenantId.eq(tx.tenant()))
        .to_owned();
    match todo {
        DeskTodo::Urged => query.and_where(row::Column::UrgedAt.is_not_null()),
        DeskTodo::Address => query.and_where(row::Column::WishAskedAt.is_not_null()),
    };
    query
}

/// The states of orders that a todo is about; empty = any.
pub(super) fn states(todo: DeskTodo) -> &'static [OrderState] {
    match todo {
        DeskTodo::Urged => &TO_SEND,
        DeskTodo::Address => &[],
    }
}

/// How many orders of these shops wait for something.
pub async fn order_desk_count(tx: &TenantTx, todo: DeskTodo, shops: Option<&[ShopId]>) -> StoreResult<u64> {
    let mut query = order::Entity::find()
        .filter(order::Column::TenantId.eq(tx.tenant()))
        .filter(order::Column::Id.in_subquery(waiting(tx, todo)));
    if !states(todo).is_empty() {
        query = query.filter(order::Column::State.is_in(states(todo).iter().map(|state| state.as_str())));
    }
    if let Some(shops) = shops {
        query = query.filter(order::Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    Ok(query.count(tx.conn()).await?)
}

/// Takes the wishes out of a buyer's orders.
pub(super) async fn erase_wishes(tx: &mut TenantTx, of: SelectStatement) -> StoreResult<u64> {
    use row::Column as C;
    let done = row::Entity::update_many()
        .col_expr(C::WishName, Expr::value(""))
        .col_expr(C::WishPhone, Expr::value(""))
        .col_expr(C::WishRegion, Expr::value(""))
        .col_expr(C::WishDetail, Expr::value(""))
        .col_expr(C::WishAskedAt, Expr::value(None::<i64>))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::OrderId.in_subquery(of))
        .filter(C::WishAskedAt.is_not_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}
