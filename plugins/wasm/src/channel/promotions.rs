//! Operations of discounts.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{Answer, Context, Discount, DiscountEnding, NewDiscount, Page, Promotions, Turn};
use serde_json::json;

impl Promotions for WasmChannel {
    operations! {
        discounts, resume_discounts(cursor: Option<&str>) -> Page<Discount> =
            op::DISCOUNT_LIST, json!({ "cursor": cursor }), plain;
        add_discount, resume_add_discount(wanted: &NewDiscount) -> String =
            op::DISCOUNT_ADD, json!(wanted), plain;
        end_discount, resume_end_discount(ending: &DiscountEnding) -> () =
            op::DISCOUNT_END, json!(ending), plain;
    }
}
