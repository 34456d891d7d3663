//! The conformance harness: `spec.md` as code. It takes channels as values and their vectors as text, so that a
//! plugin's own repository can run it too.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod components;
mod identity;
mod operations;
mod probes;
mod pushes;
mod vectors;

pub use components::build_components;

use qianpu_sdk::Channel;
use std::fmt;
use vectors::Vectors;

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
