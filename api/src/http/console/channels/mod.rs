//! Pages about channels: the provider's apps with the grants they received, the merchant's accounts, the
//! wizard that links one, and the way back from a platform's page.

mod account;
mod accounts;
mod alliance;
mod alliance_changes;
mod alliance_plans;
mod analytics;
mod app;
mod apps;
mod call_quotas;
mod callback;
mod exchanges;
mod link;
mod pushes;
pub(super) mod words;

use crate::http::route::PageRoutes;

pub(super) use account::read_path;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    apps::routes(pages);
    app::routes(pages);
    accounts::routes(pages);
    // Before the page of one account, whose id would match the word.
    exchanges::routes(pages);
    pushes::routes(pages);
    account::routes(pages);
    call_quotas::routes(pages);
    analytics::routes(pages);
    alliance::routes(pages);
    alliance_plans::routes(pages);
    alliance_changes::routes(pages);
    link::routes(pages);
    callback::routes(pages);
}
