//! Writing to a person who did something at the account. Platforms allow it for a while only, and so many messages.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::{Deserialize, Serialize};

/// Writing to people. The caller keeps to the platform's windows; where it is wrong, the outcome says so.
pub trait Messaging: Send + Sync {
    /// Sends one message to the person with this id at the account.
    fn send(&self, cx: &Context<'_>, to: &str, message: &OutgoingMessage) -> Turn<SendOutcome>;
    /// Goes on with [`Messaging::send`].
    fn resume_send(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<SendOutcome>;
}

/// A message to a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OutgoingMessage {
    /// A text; lines are ended by `\n`.
    Text {
        /// The text.
        text: String,
    },
    /// A card that leads to a page.
    Card {
        /// Title.
        title: String,
        /// What stands below it; may be empty.
        description: String,
        /// The page. Absolute.
        url: String,
        /// A picture. Absolute.
        picture_url: Option<String>,
    },
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome {
    /// The platform took it.
    Sent,
    /// The platform refused it: nothing the person did allows a message now.
    OutOfWindow,
    /// The platform refused it: as many as are allowed were sent.
    TooMany,
    /// No answer came, so it may have been delivered. There is no way to ask, and sending again may double it.
    Unknown,
}
