//! Pages about listings: the list, one listing with its stock beside the channel's, and publishing a product
//! on several accounts at once with a result for each.

mod drift;
mod list;
mod listing;
mod mappings;
pub(super) mod panel;
mod publish;
mod rules;
mod runs;
mod runs_view;

use crate::http::route::PageRoutes;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    drift::routes(pages);
    list::routes(pages);
    listing::routes(pages);
    publish::routes(pages);
    mappings::routes(pages);
    rules::routes(pages);
    runs::routes(pages);
}

const HOME: &str = "/console/merchant/listings";
