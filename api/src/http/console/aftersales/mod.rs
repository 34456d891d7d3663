//! The merchant's desk of after-sale cases: the list, one case with its order beside it, the decisions and the
//! dispute. Beside them claims under a platform's guarantee: those of an account, and one.

mod case;
mod dispute;
mod guarantee;
mod guarantees;
mod list;

use crate::http::route::PageRoutes;
use qianpu_domain::ids::AftersaleId;

const HOME: &str = "/console/merchant/aftersales";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    list::routes(pages);
    case::routes(pages);
    dispute::routes(pages);
    guarantees::routes(pages);
    guarantee::routes(pages);
}

fn page_of(id: AftersaleId) -> String {
    format!("{HOME}/{id}")
}
