//! What a coupon says, to the platform and back. `discount_num` counts 折 in thousandths: 5100 is 5.1折, which is 51 %.

use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{ChannelError, Coupon, CouponGift, CouponState, CouponTerms, CouponValidity};
use qianpu_wechat_wire::call::required_id;
use serde_json::{Value, json};

/// A thousandth of a 折 in parts per million.
const STEP_PPM: i64 = 100;
/// Kinds from here on are for the whole shop.
const WHOLE_SHOP: i64 = 100;

fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

fn fen(value: &Value) -> Option<Fen> {
    integer(value).filter(|amount| *amount > 0).map(Fen::new)
}

fn gives(kind: i64, gift: &Value) -> CouponGift {
    let condition = &gift["discount_condition"];
    let rate = integer(&gift["discount_num"]).map(|rate| rate.saturating_mul(STEP_PPM));
    let (less, from) = (fen(&gift["discount_fee"]), fen(&condition["product_price"]));
    let pieces = integer(&condition["product_cnt"]).filter(|pieces| *pieces > 0);
    match (kind % WHOLE_SHOP, rate, less, from, pieces) {
        (1, Some(rate_ppm), _, _, Some(pieces)) => CouponGift::RateFromPieces { rate_ppm, pieces },
        (2, _, Some(less), Some(from), _) => CouponGift::LessFromAmount { less, from },
        (3, Some(rate_ppm), ..) => CouponGift::Rate { rate_ppm },
        (4, _, Some(less), ..) => CouponGift::Less { less },
        _ => CouponGift::Other,
    }
}

/// Reads the answer of `coupon/get`.
pub(crate) fn read(body: &Value) -> Result<Coupon, ChannelError> {
    let coupon = &body["coupon"];
    let missing = |what: &str| ChannelError::unexpected(format!("the coupon has no {what}"));
    let kind = integer(&coupon["type"]).ok_or_else(|| missing("type"))?;
    let status = integer(&coupon["status"]).ok_or_else(|| missing("status"))?;
    let info = &coupon["coupon_info"];
    let (gift, receive, valid) = (&info["discount_info"], &info["receive_info"], &info["valid_info"]);
    let products =
        gift["discount_condition"]["product_ids"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stock = &coupon["stock_info"];
    Ok(Coupon {
        external_id: required_id(coupon, "coupon_id")?,
        native_kind: kind.to_string(),
        state: match status {
            1 => CouponState::Draft,
            2 => CouponState::Live,
            3 => CouponState::Expired,
            4 => CouponState::Withdrawn,
            5 => CouponState::Deleted,
            other => CouponState::Unknown(other.to_string()),
        },
        terms: CouponTerms {
            name: text(&info["name"]).ok_or_else(|| missing("name"))?,
            gives: gives(kind, gift),
            product_ids: products.iter().filter_map(id).collect(),
            receive_from: moment(&receive["start_time"]).ok_or_else(|| missing("receive_info.start_time"))?,
            receive_until: moment(&receive["end_time"]).ok_or_else(|| missing("receive_info.end_time"))?,
            total: integer(&receive["total_num"]).unwrap_or(0),
            per_person: integer(&receive["limit_num_one_person"]).unwrap_or(0),
            valid: match (
                integer(&valid["valid_type"]),
                moment(&valid["start_time"]),
                moment(&valid["end_time"]),
            ) {
                (Some(1), Some(from), Some(until)) => CouponValidity::Between { from, until },
                _ => CouponValidity::Days { days: integer(&valid["valid_day_num"]).unwrap_or(0) },
            },
        },
        received: integer(&stock["receive_num"]),
        used: integer(&stock["used_num"]),
    })
}

/// The members of `coupon/create` and `coupon/update`.
pub(crate) fn body(terms: &CouponTerms) -> Result<Value, ChannelError> {
    let mut condition = json!({});
    if !terms.product_ids.is_empty() {
        condition["product_ids"] = json!(terms.product_ids);
    }
    let (kind, mut gift) = match terms.gives {
        CouponGift::RateFromPieces { rate_ppm, pieces } => {
            condition["product_cnt"] = json!(pieces);
            (1, json!({ "discount_num": rate_ppm / STEP_PPM }))
        }
        CouponGift::LessFromAmount { less, from } => {
            condition["product_price"] = json!(from.get());
            (2, json!({ "discount_fee": less.get() }))
        }
        CouponGift::Rate { rate_ppm } => (3, json!({ "discount_num": rate_ppm / STEP_PPM })),
        CouponGift::Less { less } => (4, json!({ "discount_fee": less.get() })),
        CouponGift::Other => return Err(ChannelError::field("gives", "unknown", "请选择优惠方式")),
    };
    gift["discount_condition"] = condition;
    let kind = if terms.product_ids.is_empty() { kind + WHOLE_SHOP } else { kind };
    let valid = match terms.valid {
        CouponValidity::Between { from, until } => {
            json!({ "valid_type": 1, "start_time": from.seconds(), "end_time": until.seconds() })
        }
        CouponValidity::Days { days } => json!({ "valid_type": 2, "valid_day_num": days }),
    };
    Ok(json!({
        "type": kind, "name": terms.name, "discount_info": gift,
        // 1: inside the shop.
        "promote_info": { "promote_type": 1 },
        "receive_info": {
            "start_time": terms.receive_from.seconds(), "end_time": terms.receive_until.seconds(),
            "limit_num_one_person": terms.per_person, "total_num": terms.total,
        },
        "valid_info": valid,
    }))
}
