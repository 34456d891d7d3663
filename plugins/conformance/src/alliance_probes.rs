//! Operations about the alliance of a shop, with ordinary input.

use crate::probes::{Probe, json};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    AllianceAddition, AllianceQuery, Channel, CommissionShare, PlanChange, PlanKind, PlanPromotersQuery,
    PlanRef, PlanState, PlanTerms, PlanWay, PlanWish, PlansQuery, PromotedQuery, PromoterBlock,
};

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let Some(it) = channel.affiliate() else { return Vec::new() };
    let promoter = || "wxaaaaaa".to_owned();
    let product = || "7001".to_owned();
    let all = AllianceQuery { cursor: Some("2".to_owned()) };
    let promoted = PromotedQuery { promoter_id: promoter(), cursor: None };
    let products = AllianceQuery::default();
    let plans = PlansQuery { product_id: product(), cursor: None };
    let plan = PlanRef { product_id: product(), plan_id: "8001".to_owned(), kind: PlanKind::Named };
    let sellers = PlanPromotersQuery { product_id: product(), plan_id: "8001".to_owned(), cursor: None };
    let block = PromoterBlock { promoter_id: promoter(), blocked: true };
    let change = PlanChange {
        product_id: product(),
        plan_id: "8001".to_owned(),
        wish: PlanWish::Commission { percent: 12 },
        terms: PlanTerms {
            way: PlanWay::Directed,
            state: PlanState::On,
            commission: Some(CommissionShare { parts: 10, of: 100 }),
            begins_at: Some(Timestamp::from_seconds(1_774_800_000)),
            ends_at: Some(Timestamp::from_seconds(1_774_900_000)),
            for_ever: Some(false),
            category_barred: None,
            barred: None,
        },
    };
    let addition = AllianceAddition { product_id: product(), percent: 10 };
    vec![
        Probe {
            name: "affiliate.promoters",
            start: Box::new(move |c| json(it.promoters(c, &all), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_promoters(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.promoter",
            start: Box::new(move |c| json(it.promoter(c, "wxaaaaaa"), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_promoter(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.promoted",
            start: Box::new(move |c| json(it.promoted(c, &promoted), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_promoted(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.products",
            start: Box::new(move |c| json(it.products(c, &products), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_products(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.plans",
            start: Box::new(move |c| json(it.plans(c, &plans), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_plans(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.terms",
            start: Box::new(move |c| json(it.terms(c, &plan), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_terms(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.plan_promoters",
            start: Box::new(move |c| json(it.plan_promoters(c, &sellers), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_plan_promoters(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.block",
            start: Box::new(move |c| json(it.block(c, &block), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_block(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.change_plan",
            start: Box::new(move |c| json(it.change_plan(c, &change), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_change_plan(c, s, a), |_| false)),
        },
        Probe {
            name: "affiliate.add_product",
            start: Box::new(move |c| json(it.add_product(c, &addition), |_| false)),
            resume: Box::new(move |c, s, a| json(it.resume_add_product(c, s, a), |_| false)),
        },
    ]
}
