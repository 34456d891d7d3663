//! Operations of discounts and coupons.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Answer, Context, Coupon, CouponChange, CouponHolder, CouponMove, Discount, DiscountEnding, HeldCoupon,
    NewCoupon, NewDiscount, Page, Promotions, Turn,
};
use serde_json::json;

impl Promotions for WasmChannel {
    operations! {
        discounts, resume_discounts(cursor: Option<&str>) -> Page<Discount> =
            op::DISCOUNT_LIST, json!({ "cursor": cursor }), plain;
        add_discount, resume_add_discount(wanted: &NewDiscount) -> String =
            op::DISCOUNT_ADD, json!(wanted), plain;
        end_discount, resume_end_discount(ending: &DiscountEnding) -> () =
            op::DISCOUNT_END, json!(ending), plain;
        coupons, resume_coupons(cursor: Option<&str>) -> Page<Coupon> =
            op::COUPON_LIST, json!({ "cursor": cursor }), plain;
        coupon, resume_coupon(coupon_id: &str) -> Option<Coupon> =
            op::COUPON_FETCH, json!({ "coupon_id": coupon_id }), plain;
        add_coupon, resume_add_coupon(wanted: &NewCoupon) -> String = op::COUPON_ADD, json!(wanted), plain;
        change_coupon, resume_change_coupon(wanted: &CouponChange) -> () =
            op::COUPON_CHANGE, json!(wanted), plain;
        move_coupon, resume_move_coupon(wanted: &CouponMove) -> () = op::COUPON_MOVE, json!(wanted), plain;
        held_coupons, resume_held_coupons(holder: &CouponHolder) -> Page<HeldCoupon> =
            op::COUPON_HELD, json!(holder), plain;
    }
}
