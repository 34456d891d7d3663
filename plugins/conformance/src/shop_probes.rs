//! Operations of a shop's desk under one type, with ordinary input.

use crate::probes::{Probe, json, opaque};
use qianpu_domain::money::Fen;
use qianpu_sdk::{Channel, LinePrice, NewAddress, Repricing};

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let mut probes: Vec<Probe<'_>> = Vec::new();
    macro_rules! probe {
        ($name:literal, $start:expr, $resume:expr) => {
            probes.push(Probe { name: $name, start: Box::new($start), resume: Box::new($resume) })
        };
    }
    if let Some(desk) = channel.order_desk() {
        probe!("order.note", |c| opaque(desk.note(c, "3001", "加急")), |c, s, a| opaque(
            desk.resume_note(c, s, a)
        ));
        let line =
            LinePrice { product_id: "1001".to_owned(), sku_id: "2001".to_owned(), total: Fen::new(9_900) };
        let wanted = Repricing { order_id: "3001".to_owned(), freight: Some(Fen::new(0)), lines: vec![line] };
        probe!("order.reprice", move |c| opaque(desk.reprice(c, &wanted)), |c, s, a| opaque(
            desk.resume_reprice(c, s, a)
        ));
        probe!(
            "order.answer_address",
            |c| json(desk.answer_address(c, "3001", true), |_| false),
            |c, s, a| json(desk.resume_answer_address(c, s, a), |_| false)
        );
        let part = str::to_owned;
        let address = NewAddress {
            name: part("王晓"),
            phone: part("13800138000"),
            province: part("广东省"),
            city: part("广州市"),
            district: part("海珠区"),
            detail: part("新港中路397号"),
        };
        probe!(
            "order.change_address",
            move |c| opaque(desk.change_address(c, "3001", &address)),
            |c, s, a| opaque(desk.resume_change_address(c, s, a))
        );
    }
    probes
}
