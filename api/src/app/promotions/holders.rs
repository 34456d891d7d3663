//! Coupons that the buyer of an order holds or used. They are asked of the platform each time, and kept nowhere.

use super::possible;
use crate::app::channels::call::AccountCall;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{CouponId, OrderId};
use qianpu_sdk::{CouponHolder, HeldCoupon};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::coupon::coupon_by_external;
use qianpu_tenants::store::order::{Order, order_get};

/// Pages that are read of one buyer.
const MOST_PAGES: usize = 10;

/// What was found.
#[derive(Debug, Clone)]
pub struct Held {
    /// Each with our coupon and its name, where it is known.
    pub items: Vec<(HeldCoupon, Option<(CouponId, String)>)>,
    /// Whether the platform has further ones.
    pub more: bool,
}

/// An order, if the caller may see it.
async fn seen(tx: &TenantTx, grant: &Grant<perm::OrderRead>, id: OrderId) -> Answer<Order> {
    let order = order_get(tx, id).await?;
    if grant.covers_shop(order.shop) { Ok(order) } else { Err(ApiError::not_found()) }
}

/// The number of an order, if the caller may see it.
pub async fn number_of(state: &AppState, grant: &Grant<perm::OrderRead>, id: OrderId) -> Answer<String> {
    Ok(seen(&*state.db.read(grant.ctx()).await?, grant, id).await?.number)
}

/// Coupons of the buyer of an order.
pub async fn of_order(state: &AppState, grant: &Grant<perm::OrderRead>, id: OrderId) -> Answer<Held> {
    let ctx = grant.ctx();
    let tx = state.db.read(ctx).await?;
    let order = seen(&tx, grant, id).await?;
    let refused = || ApiError::new(ErrorCode::ChannelRefused).with_text("promotions.no_holder", Vec::new());
    let account = account_get(&tx, order.account.ok_or_else(refused)?).await?;
    let open_id = order.facts.buyer_open_id.clone().filter(|_| possible(&account)).ok_or_else(refused)?;
    drop(tx);
    let call = AccountCall::open(state, ctx, account.id).await?;
    let mut found = Vec::new();
    let mut holder = CouponHolder { open_id, cursor: None };
    for _ in 0..MOST_PAGES {
        let answer = call.host().held_coupons(call.account_ref(), &holder).await;
        let page = call.settle(answer).await?;
        found.extend(page.items);
        holder.cursor = page.next_cursor;
        if holder.cursor.is_none() {
            break;
        }
    }
    let tx = state.db.read(ctx).await?;
    let mut items = Vec::with_capacity(found.len());
    for one in found {
        let ours = coupon_by_external(&tx, account.id, &one.coupon_id).await?;
        items.push((one, ours.map(|row| (row.id, row.name))));
    }
    Ok(Held { items, more: holder.cursor.is_some() })
}
