//! Notices made from templates that an account chose at its platform: they may be sent at any time, to people who follow
//! or who agreed to them, and the platform tells by a push what became of each.

use crate::context::Context;
use crate::error::RemoteError;
use crate::http::Answer;
use crate::step::Turn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Reading templates and sending notices by them.
///
/// What became of a notice is told by a push of the kind `message.settled`. Its hint is
/// `{"results": [{"message_id", "template_id", "open_id", "delivered", "native"}]}`, where `message_id` is null for
/// notices that got none when they were sent.
pub trait Templates: Send + Sync {
    /// Reads the templates of a kind that the account has.
    fn list(&self, cx: &Context<'_>, kind: TemplateKind) -> Turn<Vec<MessageTemplate>>;
    /// Goes on with [`Templates::list`].
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<MessageTemplate>>;

    /// Sends a notice to the person with this id at the account.
    fn send(&self, cx: &Context<'_>, to: &str, notice: &TemplateNotice) -> Turn<NoticeOutcome>;
    /// Goes on with [`Templates::send`].
    fn resume_send(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<NoticeOutcome>;
}

/// What allows a notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateKind {
    /// That the person follows.
    Template,
    /// That the person agreed to this template.
    Subscription,
}

/// A template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MessageTemplate {
    /// The platform's id of it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its text with the places of the fields.
    pub content: String,
    /// The text with the platform's example.
    pub example: String,
    /// The fields, in their order.
    pub fields: Vec<TemplateField>,
}

/// A field of a template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TemplateField {
    /// Its name, such as `thing1`.
    pub name: String,
    /// What stands before it; may be empty.
    pub label: String,
}

/// A notice to a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TemplateNotice {
    /// Of which kind its template is.
    pub kind: TemplateKind,
    /// The platform's id of the template.
    pub template_id: String,
    /// The fields by name. What is longer than the platform takes is cut.
    pub fields: BTreeMap<String, String>,
    /// The page it leads to. Absolute.
    pub url: Option<String>,
    /// The same for every try of one notice: where the platform takes it, trying again sends nothing twice.
    pub key: String,
}

/// What became of sending a notice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum NoticeOutcome {
    /// The platform took it.
    Sent {
        /// Its id, by which a push tells what became of it; not all kinds have one.
        message_id: Option<String>,
    },
    /// The platform refused it.
    Refused {
        /// Why.
        why: NoticeRefusal,
        /// The platform's words.
        words: RemoteError,
    },
    /// No answer came, so it may have been sent.
    Unknown {
        /// Whether sending it again with the same key within ten minutes sends nothing twice.
        again: bool,
    },
}

/// Why a notice was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeRefusal {
    /// The person does not follow.
    NotFollowing,
    /// The person did not agree, or took it back.
    NotAgreed,
    /// The account has no such template.
    NoTemplate,
    /// A field is not as the template wants it.
    BadField,
}
