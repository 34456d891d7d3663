//! Operations about figures of a day, with ordinary input.

use crate::probes::{Probe, json};
use qianpu_sdk::{Channel, LiveDay, PeopleGroup, PeopleOfDay, ProductOfDay};

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let Some(it) = channel.analytics() else { return Vec::new() };
    let day = LiveDay { year: 2024, month: 5, day: 20 };
    let product = ProductOfDay { day, product_id: "7001".to_owned() };
    let people = PeopleOfDay { day, group: PeopleGroup::Bought };
    vec![
        Probe {
            name: "analytics.overview",
            start: Box::new(move |c| json(it.overview(c, &day), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_overview(c, s, a), |_| false)),
        },
        Probe {
            name: "analytics.products",
            start: Box::new(move |c| json(it.products(c, &day), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_products(c, s, a), |_| false)),
        },
        Probe {
            name: "analytics.product",
            start: Box::new(move |c| json(it.product(c, &product), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_product(c, s, a), |_| false)),
        },
        Probe {
            name: "analytics.people",
            start: Box::new(move |c| json(it.people(c, &people), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_people(c, s, a), |_| false)),
        },
    ]
}
