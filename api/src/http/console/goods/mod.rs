//! Products, stock and imports in the merchant's console.

mod imports;
mod product_form;
mod product_list;
mod product_page;
mod sku_rows;
pub(super) use sku_rows::yuan_text;
mod stock;

use crate::http::route::PageRoutes;
use qianpu_domain::ids::MediaId;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    product_list::routes(pages);
    product_form::routes(pages);
    product_page::routes(pages);
    stock::routes(pages);
    imports::routes(pages);
}

/// A picture as console pages show it.
pub(super) fn picture_address(id: MediaId) -> String {
    format!("/api/v1/media/{id}/content")
}

/// A query string of the given pairs, without empty ones.
pub(super) fn query_of(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    query.finish()
}
