//! Operations of discounts under one type, with ordinary input.

use crate::probes::{NOW, Probe, json, opaque};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Span;
use qianpu_sdk::{Channel, DiscountEnd, DiscountEnding, DiscountSku, NewDiscount};

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
    }
    probes
}
