//! How much of each interface a platform still lets an account call.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::{Deserialize, Serialize};

/// Asking for what is left of an account's calls, and having it filled up.
pub trait CallQuotas: Send + Sync {
    /// What is left of these interfaces, by the paths that requests of this channel have; at most
    /// [`InterfaceQuota::MOST`]. The answer has one row for each, in the same order.
    fn ask(&self, cx: &Context<'_>, interfaces: &[String]) -> Turn<Vec<InterfaceQuota>>;
    /// Goes on with [`CallQuotas::ask`].
    fn resume_ask(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<InterfaceQuota>>;

    /// Sets the counts of all interfaces of the account back to nothing. Platforms allow it a few times a month, so it
    /// is called once for a wish of a person.
    fn clear(&self, cx: &Context<'_>) -> Turn<()>;
    /// Goes on with [`CallQuotas::clear`].
    fn resume_clear(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;
}

/// What is left of an interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InterfaceQuota {
    /// Its path.
    pub interface: String,
    /// Of the day; none when the platform does not tell for this interface.
    pub daily: Option<DailyCalls>,
    /// How fast it may be called; empty when the platform names no limit.
    pub rates: Vec<CallRate>,
}

impl InterfaceQuota {
    /// Interfaces that are asked about at once.
    pub const MOST: usize = 20;
}

/// Calls of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DailyCalls {
    /// How many the day has.
    pub limit: i64,
    /// How many were made.
    pub used: i64,
    /// How many are left.
    pub left: i64,
}

/// So many calls in so many seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallRate {
    /// Calls.
    pub calls: i64,
    /// Seconds.
    pub seconds: i64,
    /// Shared by all accounts of the channel app.
    #[serde(default)]
    pub shared: bool,
}
