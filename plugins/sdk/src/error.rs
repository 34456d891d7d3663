//! What went wrong at a channel, sorted by what to do next.

use crate::wire;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A failure of a channel operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelError {
    /// What to do next.
    pub class: ErrorClass,
    /// What the platform said, when it said anything.
    pub remote: Option<RemoteError>,
    /// Our own words, for the log and the support desk. No secrets, no personal data.
    pub detail: String,
}

/// What to do after a failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum ErrorClass {
    /// The token is not accepted: refresh it and start the operation again, once.
    RetryAfterRefresh,
    /// Try the whole operation again after this long.
    RetryLater {
        /// Not before this long from now.
        #[serde(with = "wire::span")]
        after: Span,
    },
    /// The quota is used up; nothing will succeed before this moment.
    Quota {
        /// When it fills again.
        #[serde(with = "wire::time")]
        until: Timestamp,
    },
    /// The merchant has to link the account again, or grant the missing permission.
    Reauthorise,
    /// What we sent cannot be accepted as it is; the fields say where.
    FixRequest {
        /// The fields at fault; empty when the platform does not name them.
        fields: Vec<FieldError>,
    },
    /// The platform refuses for a reason of its rules or of the state of the thing; show its words.
    BusinessRefusal,
    /// It will never work for this account: closed, banned, unknown.
    Fatal,
    /// The answer was not understood. Treated as "later" by jobs, with an alert.
    Unexpected,
}

/// A field the platform or the plugin refuses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldError {
    /// Path in the draft, such as `skus[2].price`.
    pub path: String,
    /// A stable word, such as `too_long`.
    pub code: String,
    /// A sentence for the merchant.
    pub message: String,
}

/// What the platform said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RemoteError {
    /// Its code, as text.
    pub code: String,
    /// Its message.
    pub message: String,
    /// Its request id (`rid`), for a question to its support.
    pub rid: Option<String>,
}

impl ChannelError {
    /// Of a class, without remote words.
    pub fn new(class: ErrorClass, detail: impl Into<String>) -> Self {
        Self { class, remote: None, detail: detail.into() }
    }
    /// Of a class, with the platform's words.
    pub fn remote(class: ErrorClass, remote: RemoteError) -> Self {
        Self { class, remote: Some(remote), detail: String::new() }
    }
    /// The answer was not understood.
    pub fn unexpected(detail: impl Into<String>) -> Self {
        Self::new(ErrorClass::Unexpected, detail)
    }
    /// Try again after some seconds.
    pub fn retry_later_seconds(seconds: i64, detail: impl Into<String>) -> Self {
        Self::new(ErrorClass::RetryLater { after: Span::seconds(seconds) }, detail)
    }
    /// One field is wrong.
    pub fn field(path: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        let field = FieldError { path: path.into(), code: code.into(), message: message.into() };
        Self::new(ErrorClass::FixRequest { fields: vec![field] }, "a field cannot be sent as it is")
    }
    /// The name of the class, as in logs and metrics.
    pub const fn class_name(&self) -> &'static str {
        match self.class {
            ErrorClass::RetryAfterRefresh => "retry_after_refresh",
            ErrorClass::RetryLater { .. } => "retry_later",
            ErrorClass::Quota { .. } => "quota",
            ErrorClass::Reauthorise => "reauthorise",
            ErrorClass::FixRequest { .. } => "fix_request",
            ErrorClass::BusinessRefusal => "business_refusal",
            ErrorClass::Fatal => "fatal",
            ErrorClass::Unexpected => "unexpected",
        }
    }
    /// The code our API answers with.
    pub const fn code(&self) -> ErrorCode {
        match self.class {
            ErrorClass::RetryAfterRefresh | ErrorClass::RetryLater { .. } => ErrorCode::ChannelBusy,
            ErrorClass::Quota { .. } => ErrorCode::ChannelQuota,
            ErrorClass::Reauthorise => ErrorCode::ChannelReauthorise,
            ErrorClass::FixRequest { .. } => ErrorCode::ChannelFixRequest,
            ErrorClass::BusinessRefusal => ErrorCode::ChannelRefused,
            ErrorClass::Fatal => ErrorCode::ChannelClosed,
            ErrorClass::Unexpected => ErrorCode::UpstreamFailed,
        }
    }
    /// How long from `now` until another try makes sense; `None` when only a person can help.
    pub fn retry_after(&self, now: Timestamp) -> Option<Span> {
        match self.class {
            ErrorClass::RetryAfterRefresh => Some(Span::seconds(1)),
            ErrorClass::RetryLater { after } => Some(after),
            ErrorClass::Quota { until } => Some(until.since(now)),
            ErrorClass::Unexpected => Some(Span::minutes(1)),
            ErrorClass::Reauthorise
            | ErrorClass::FixRequest { .. }
            | ErrorClass::BusinessRefusal
            | ErrorClass::Fatal => None,
        }
    }
    /// The platform's code, when there is one.
    pub fn remote_code(&self) -> Option<&str> {
        self.remote.as_ref().map(|remote| remote.code.as_str())
    }
}

impl fmt::Display for ChannelError {
    /// One line: class, platform code and words, our detail. The request id only in brackets at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class_name())?;
        if let Some(remote) = &self.remote {
            write!(f, ": {} {}", remote.code, remote.message)?;
            if let Some(rid) = &remote.rid {
                write!(f, " [{rid}]")?;
            }
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let ErrorClass::FixRequest { fields } = &self.class {
            for field in fields {
                write!(f, "; {}: {}", field.path, field.message)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ChannelError {}
