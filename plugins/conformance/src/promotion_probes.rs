//! Operations of discounts and coupons under one type, with ordinary input.

use crate::probes::{NOW, Probe, json, opaque};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Span;
use qianpu_sdk::{
    Channel, CouponChange, CouponGift, CouponHolder, CouponMove, CouponStep, CouponTerms, CouponValidity,
    DiscountEnd, DiscountEnding, DiscountSku, NewCoupon, NewDiscount,
};

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let mut probes: Vec<Probe<'_>> = Vec::new();
    macro_rules! probe {
        ($name:literal, $start:expr, $resume:expr) => {
            probes.push(Probe { name: $name, start: Box::new($start), resume: Box::new($resume) })
        };
    }
    if let Some(promotions) = channel.promotions() {
        probe!("discount.list", |c| json(promotions.discounts(c, None), |_| false), |c, s, a| json(
            promotions.resume_discounts(c, s, a),
            |_| false
        ));
        let sku = DiscountSku { sku_id: "2001".to_owned(), price: Fen::new(9_900), quantity: 3 };
        let wanted = NewDiscount {
            product_id: "1001".to_owned(),
            starts_at: NOW.plus(Span::hours(1)),
            ends_at: NOW.plus(Span::hours(3)),
            skus: vec![sku],
        };
        probe!("discount.add", move |c| opaque(promotions.add_discount(c, &wanted)), |c, s, a| opaque(
            promotions.resume_add_discount(c, s, a)
        ));
        let ending = DiscountEnding { external_id: "7001".to_owned(), how: DiscountEnd::Stop };
        probe!("discount.end", move |c| opaque(promotions.end_discount(c, &ending)), |c, s, a| opaque(
            promotions.resume_end_discount(c, s, a)
        ));
        let terms = CouponTerms {
            name: "新客券".to_owned(),
            gives: CouponGift::Less { less: Fen::new(500) },
            product_ids: Vec::new(),
            receive_from: NOW,
            receive_until: NOW.plus(Span::days(7)),
            total: 100,
            per_person: 1,
            valid: CouponValidity::Days { days: 30 },
        };
        probe!("coupon.list", |c| json(promotions.coupons(c, None), |_| false), |c, s, a| json(
            promotions.resume_coupons(c, s, a),
            |_| false
        ));
        probe!("coupon.fetch", |c| json(promotions.coupon(c, "8001"), |_| false), |c, s, a| json(
            promotions.resume_coupon(c, s, a),
            |_| false
        ));
        let wanted = NewCoupon { terms: terms.clone(), known: Vec::new() };
        probe!("coupon.add", move |c| opaque(promotions.add_coupon(c, &wanted)), |c, s, a| opaque(
            promotions.resume_add_coupon(c, s, a)
        ));
        let change = CouponChange { external_id: "8001".to_owned(), terms };
        probe!("coupon.change", move |c| opaque(promotions.change_coupon(c, &change)), |c, s, a| opaque(
            promotions.resume_change_coupon(c, s, a)
        ));
        let step = CouponMove { external_id: "8001".to_owned(), step: CouponStep::Publish };
        probe!("coupon.move", move |c| opaque(promotions.move_coupon(c, &step)), |c, s, a| opaque(
            promotions.resume_move_coupon(c, s, a)
        ));
        let holder = CouponHolder { open_id: "oBuyer".to_owned(), cursor: None };
        probe!("coupon.held", move |c| json(promotions.held_coupons(c, &holder), |_| false), |c, s, a| json(
            promotions.resume_held_coupons(c, s, a),
            |_| false
        ));
    }
    probes
}
