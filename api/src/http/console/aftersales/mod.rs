//! The merchant's desk of after-sale cases: the list, one case with its order beside it, and the decisions.

mod case;
mod list;

use crate::http::route::PageRoutes;
use qianpu_domain::ids::AftersaleId;

const HOME: &str = "/console/merchant/aftersales";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    list::routes(pages);
    case::routes(pages);
}

fn page_of(id: AftersaleId) -> String {
    format!("{HOME}/{id}")
}
