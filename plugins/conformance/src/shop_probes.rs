//! Operations of a shop's desk under one type, with ordinary input.

use crate::probes::{NOW, Probe, json, opaque};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Span;
use qianpu_sdk::{
    Channel, FlowQuery, FreightCharge, FreightRule, FreightTemplate, FreightUnit, LinePrice, NewAddress,
    Repricing, ShopAddress, TimeWindow, WantedWithdrawal,
};

fn place() -> NewAddress {
    let part = str::to_owned;
    NewAddress {
        name: part("王晓"),
        phone: part("13800138000"),
        province: part("广东省"),
        city: part("广州市"),
        district: part("海珠区"),
        detail: part("新港中路397号"),
    }
}

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
        let address = place();
        probe!(
            "order.change_address",
            move |c| opaque(desk.change_address(c, "3001", &address)),
            |c, s, a| opaque(desk.resume_change_address(c, s, a))
        );
    }
    if let Some(desk) = channel.shop_desk() {
        probe!("freight.list", |c| json(desk.freight_templates(c), |_| false), |c, s, a| json(
            desk.resume_freight_templates(c, s, a),
            |_| false
        ));
        let rule = FreightRule {
            areas: Vec::new(),
            first: 1,
            first_price: Fen::new(800),
            more: 1,
            more_price: Fen::new(200),
        };
        let template = FreightTemplate {
            template_id: None,
            name: "按件".to_owned(),
            charge: FreightCharge::Charged,
            unit: FreightUnit::Piece,
            ships_within_hours: Some(48),
            default: false,
            rules: vec![rule],
            free_from: Vec::new(),
            not_to: Vec::new(),
        };
        probe!(
            "freight.save",
            move |c| json(desk.save_freight_template(c, &template), |_| false),
            |c, s, a| { json(desk.resume_save_freight_template(c, s, a), |_| false) }
        );
        probe!("shop_address.list", |c| json(desk.addresses(c), |_| false), |c, s, a| json(
            desk.resume_addresses(c, s, a),
            |_| false
        ));
        let address = ShopAddress {
            address_id: Some("5001".to_owned()),
            place: place(),
            sends: true,
            receives: true,
            default_send: false,
            default_receive: false,
        };
        probe!("shop_address.save", move |c| json(desk.save_address(c, &address), |_| false), |c, s, a| {
            json(desk.resume_save_address(c, s, a), |_| false)
        });
        probe!("shop_address.remove", |c| opaque(desk.remove_address(c, "5001")), |c, s, a| opaque(
            desk.resume_remove_address(c, s, a)
        ));
    }
    if let Some(funds) = channel.funds() {
        let window = TimeWindow { from: NOW.minus(Span::days(7)), to: NOW };
        probe!("funds.balance", |c| json(funds.balance(c), |_| false), |c, s, a| json(
            funds.resume_balance(c, s, a),
            |_| false
        ));
        let query = FlowQuery { window, income: None, cursor: None };
        probe!("funds.flows", move |c| json(funds.flows(c, &query), |_| false), |c, s, a| json(
            funds.resume_flows(c, s, a),
            |_| false
        ));
        probe!("withdrawal.list", move |c| json(funds.withdrawals(c, window, None), |_| false), |c, s, a| {
            json(funds.resume_withdrawals(c, s, a), |_| false)
        });
        probe!("withdrawal.fetch", |c| json(funds.withdrawal(c, "6001"), |_| false), |c, s, a| json(
            funds.resume_withdrawal(c, s, a),
            |_| false
        ));
        let wanted = WantedWithdrawal {
            amount: Fen::new(100),
            reference: "QP1".to_owned(),
            bank_memo: None,
            since: NOW,
        };
        probe!("withdrawal.ask", move |c| json(funds.withdraw(c, &wanted), |_| false), |c, s, a| json(
            funds.resume_withdraw(c, s, a),
            |_| false
        ));
        probe!("withdrawal.code", |c| json(funds.code(c, "ticket"), |_| false), |c, s, a| json(
            funds.resume_code(c, s, a),
            |_| false
        ));
        probe!(
            "withdrawal.code_standing",
            |c| json(funds.code_standing(c, "ticket"), |_| false),
            |c, s, a| json(funds.resume_code_standing(c, s, a), |_| false)
        );
    }
    probes
}
