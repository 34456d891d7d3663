//! Orders and parcels in the merchant's console: the list, one order, the form that sends a parcel.

mod coupons;
mod desk;
mod list;
mod order;
mod parcels;
mod ship;

use crate::http::route::PageRoutes;
use qianpu_domain::ids::OrderId;

const HOME: &str = "/console/merchant/orders";
const PARCELS: &str = "/console/merchant/shipments";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    list::routes(pages);
    order::routes(pages);
    desk::routes(pages);
    coupons::routes(pages);
    ship::routes(pages);
    parcels::routes(pages);
}

fn page_of(id: OrderId) -> String {
    format!("{HOME}/{id}")
}
