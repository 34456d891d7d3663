//! The conformance harness: `spec.md` as code. It takes channels as values and their vectors as text, so that a
//! plugin's own repository can run it too.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod alliance_probes;
mod analytics_probes;
mod components;
mod exchanges;
mod fan_probes;
mod guarantee_probes;
mod identity;
mod operations;
mod probes;
mod promotion_probes;
mod pushes;
mod qualification_probes;
mod quota_probes;
mod shop_probes;
mod vectors;

pub use components::build_components;
pub use exchanges::{Played, replay};

use qianpu_sdk::Channel;
use std::fmt;
use vectors::Vectors;

/// The rules by name, with what each demands; `spec.md` has them in full.
pub const RULES: &[(&str, &str)] = &[
    ("info", "the manifest is whole: names, kinds, ways of linking, hosts, buckets"),
    ("golden", "documented pushes verify and mean what the documents say"),
    ("forged", "a push that was changed in any way is refused"),
    ("refusal", "the answer to a refused push is a 4xx that gives nothing away"),
    ("handshake", "the check of the address is answered exactly, a forged one refused"),
    ("acknowledge", "a push is acknowledged with the documented bytes"),
    ("dedup", "one message has one key, different messages have different ones"),
    ("unknown event", "an unknown event is kept by its name"),
    ("unreadable", "a genuine push that makes no sense is an error"),
    ("secrets", "tickets and codes of pushes stand in no printed form"),
    ("garbage", "no operation succeeds on an answer that is none"),
    ("bad state", "resuming with a state that is not its own is an error"),
    ("errors", "each documented error code leads to its class"),
    ("unknown state", "an unknown state of an order or a product is never guessed"),
    ("requests", "hosts and buckets are declared, and secrets are marked"),
    ("missing credentials", "without an account an operation is an error"),
];

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Slug of the channel.
    pub channel: String,
    /// Name of the rule in `spec.md`.
    pub rule: &'static str,
    /// What happened.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {}: {}", self.channel, self.rule, self.detail)
    }
}

/// Collects failures of one channel.
pub(crate) struct Report<'a> {
    channel: &'a str,
    failures: Vec<Failure>,
}

impl Report<'_> {
    pub(crate) fn fail(&mut self, rule: &'static str, detail: impl Into<String>) {
        self.failures.push(Failure { channel: self.channel.to_owned(), rule, detail: detail.into() });
    }
    pub(crate) fn must(&mut self, rule: &'static str, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.fail(rule, detail());
        }
    }
}

/// Runs every rule over every channel; `vectors` gives the text of a channel's vector file.
pub fn run(channels: &[&dyn Channel], vectors: impl Fn(&str) -> Option<String>) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut slugs = Vec::new();
    for channel in channels {
        let info = channel.info();
        let mut report = Report { channel: info.slug, failures: Vec::new() };
        report.must("info", !slugs.contains(&info.slug), || "the slug is taken".to_owned());
        slugs.push(info.slug);
        identity::check(*channel, &mut report);
        match vectors(info.slug).as_deref().map(Vectors::parse) {
            Some(Ok(vectors)) => {
                pushes::check(*channel, &vectors, &mut report);
                operations::check(*channel, &vectors, &mut report);
            }
            Some(Err(error)) => report.fail("golden", format!("the vectors cannot be read: {error}")),
            None => report.fail("golden", "there are no vectors for this channel"),
        }
        failures.extend(report.failures);
    }
    failures
}
