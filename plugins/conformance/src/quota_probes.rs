//! Operations about what is left of an account's calls, with ordinary input.

use crate::probes::{Probe, json, opaque};
use qianpu_sdk::Channel;

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let Some(it) = channel.call_quotas() else { return Vec::new() };
    let interfaces = vec!["/orders/list".to_owned(), "/orders/get".to_owned()];
    vec![
        Probe {
            name: "quota.ask",
            start: Box::new(move |c| json(it.ask(c, &interfaces), |_| false)),
            resume: Box::new(|c, s, a| json(it.resume_ask(c, s, a), |_| false)),
        },
        Probe {
            name: "quota.clear",
            start: Box::new(|c| opaque(it.clear(c))),
            resume: Box::new(|c, s, a| opaque(it.resume_clear(c, s, a))),
        },
    ]
}
