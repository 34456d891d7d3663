//! What is known of each exchange: for the exchange log, metrics and traces. No secrets, no bodies, no queries.

use crate::vault::{AccountRef, AppRef};
use qianpu_domain::time::Timestamp;
use std::time::Duration;

/// For whom an exchange was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A provider's channel app.
    App(AppRef),
    /// A linked account.
    Account(AccountRef),
    /// An account that is being linked directly and is not stored yet.
    Candidate,
}

/// One exchange with a platform.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// For whom.
    pub target: Target,
    /// Slug of the channel.
    pub channel: &'static str,
    /// Our name of the operation, such as `order.fetch`.
    pub operation: &'static str,
    /// The method.
    pub method: &'static str,
    /// The plugin's name of the host.
    pub host: &'static str,
    /// The path, without query.
    pub path: String,
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// `ok`, `network_error`, `timed_out`, `not_sent`, or the class of the error the plugin read from the answer.
    pub outcome: &'static str,
    /// The platform's error code.
    pub remote_code: Option<String>,
    /// The platform's error text.
    pub remote_message: Option<String>,
    /// The platform's request id.
    pub rid: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Size of the answer in bytes.
    pub response_bytes: usize,
}

/// Sees every exchange. Called on the path of the operation: it must not block.
pub trait ExchangeObserver: Send + Sync {
    /// Called once for each exchange, after the plugin has read the answer.
    fn observe(&self, exchange: &Exchange);
}

/// Sees nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl ExchangeObserver for NoObserver {
    fn observe(&self, _exchange: &Exchange) {}
}

pub(crate) fn count(exchange: &Exchange) {
    metrics::counter!(
        "qianpu_channel_exchanges_total",
        "channel" => exchange.channel, "operation" => exchange.operation, "outcome" => exchange.outcome
    )
    .increment(1);
    metrics::histogram!(
        "qianpu_channel_exchange_seconds",
        "channel" => exchange.channel, "operation" => exchange.operation
    )
    .record(exchange.duration);
}
