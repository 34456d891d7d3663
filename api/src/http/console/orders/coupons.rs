//! Coupons that the buyer of an order holds or used: a page of its own, since the platform is asked each time.

use super::page_of;
use crate::app::promotions::holders;
use crate::http::extract::{Authed, Path};
use crate::http::route::PageRoutes;
use crate::http::v1::held_state;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{CouponId, OrderId};
use qianpu_sdk::HeldCoupon;
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/orders/{order_id}/coupons", buyer_coupons_page);
}

#[derive(Serialize)]
struct CouponRow {
    /// The platform's id of the coupon it is one of.
    id: String,
    /// Its name, where it is known here.
    name: Option<String>,
    state: &'static str,
    received_at: Option<i64>,
    until: Option<i64>,
    /// The platform's id of the order it was used for.
    used_for: Option<String>,
}

fn row((one, ours): (HeldCoupon, Option<(CouponId, String)>)) -> CouponRow {
    CouponRow {
        state: held_state(&one.state),
        name: ours.map(|(_, name)| name),
        id: one.coupon_id,
        received_at: one.received_at.map(|at| at.micros()),
        until: one.until.map(|at| at.micros()),
        used_for: one.order_id,
    }
}

#[derive(Serialize)]
struct BuyerCouponsPage {
    back: String,
    number: String,
    coupons: Vec<CouponRow>,
    /// The platform has further ones.
    more: bool,
    /// Why the platform told nothing.
    trouble: Option<String>,
}

async fn buyer_coupons_page(auth: Authed<perm::OrderRead, Path<OrderId>>) -> PageAnswer {
    let id = auth.input.0;
    let number = holders::number_of(&auth.state, &auth.grant, id).await?;
    let mut view =
        BuyerCouponsPage { back: page_of(id), number, coupons: Vec::new(), more: false, trouble: None };
    match holders::of_order(&auth.state, &auth.grant, id).await {
        Ok(held) => {
            view.more = held.more;
            view.coupons = held.items.into_iter().map(row).collect();
        }
        // What goes wrong at the platform, or on the way there, is said on the page.
        Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
            view.trouble = Some(auth.state.pages.catalogue().told(auth.info.lang, &error));
        }
        Err(error) => return Err(error),
    }
    auth.page("orders/coupons", view)
}
