//! Operations about figures of a day.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Analytics, Answer, Context, DayFigures, LiveDay, PeopleFigures, PeopleOfDay, ProductFigures,
    ProductOfDay, ProductsOfDay, Turn,
};
use serde_json::json;

impl Analytics for WasmChannel {
    operations! {
        overview, resume_overview(day: &LiveDay) -> DayFigures = op::ANALYTICS_OVERVIEW, json!(day), plain;
        products, resume_products(day: &LiveDay) -> ProductsOfDay = op::ANALYTICS_PRODUCTS, json!(day), plain;
        product, resume_product(asked: &ProductOfDay) -> Option<ProductFigures> =
            op::ANALYTICS_PRODUCT, json!(asked), plain;
        people, resume_people(asked: &PeopleOfDay) -> PeopleFigures =
            op::ANALYTICS_PEOPLE, json!(asked), plain;
    }
}
