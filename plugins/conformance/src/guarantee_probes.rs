//! Operations about claims under a platform's guarantee, with ordinary input.

use crate::probes::{Probe, json};
use qianpu_sdk::{Channel, GuaranteeAnswer, GuaranteeMove, GuaranteeQuery};

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let Some(it) = channel.guarantees() else { return Vec::new() };
    let query = GuaranteeQuery { order_id: Some("5001".to_owned()), ..GuaranteeQuery::default() };
    let accept = GuaranteeAnswer {
        claim_id: "7001".to_owned(),
        step: GuaranteeMove::Accept,
        words: String::new(),
        pictures: Vec::new(),
        level: None,
    };
    vec![
        Probe {
            name: "guarantee.list",
            start: Box::new(move |c| json(it.list(c, &query), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_list(c, s, a), |_| false)),
        },
        Probe {
            name: "guarantee.fetch",
            start: Box::new(|c| json(it.fetch(c, "7001"), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_fetch(c, s, a), |_| false)),
        },
        Probe {
            name: "guarantee.answer",
            start: Box::new(move |c| json(it.answer(c, &accept), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_answer(c, s, a), |_| false)),
        },
    ]
}
