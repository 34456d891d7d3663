//! Receiving pushes: verify, decode, acknowledge.

use crate::context::PushCredentials;
use crate::error::ChannelError;
use crate::http::Method;
use crate::info::PushFormat;
use crate::notice::Notice;
use qianpu_domain::time::Timestamp;
use std::fmt;

/// Receiving pushes. The host stores the notices first and acknowledges afterwards.
pub trait Webhook: Send + Sync {
    /// Proves that the push comes from the platform and is meant for this binding, and opens it.
    /// Nothing else in the product makes a [`Verified`], which is what [`Webhook::decode`] takes.
    fn verify(
        &self,
        push: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<Verified, PushRefusal>;
    /// Says what a verified push means. A body that is genuine and still unreadable is an error; the receiver
    /// keeps it, acknowledges it and raises an alert.
    fn decode(&self, verified: &Verified) -> Result<Vec<Notice>, ChannelError>;
    /// All three for one push, which is what the server asks for: verified, decoded, and how it is acknowledged. Not to be
    /// written by a plugin.
    fn receive(
        &self,
        push: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<Received, PushRefusal> {
        let verified = self.verify(push, credentials, now)?;
        let (notices, reply) = (self.decode(&verified), self.acknowledge(&verified));
        Ok(Received { verified, notices, reply })
    }
    /// Answers the check the platform makes when the address is configured (WeChat: GET with `echostr`).
    fn handshake(
        &self,
        push: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<PushReply, PushRefusal>;
    /// The exact bytes that tell the platform the push was taken.
    fn acknowledge(&self, verified: &Verified) -> PushReply;
    /// The answer to a push that was refused.
    fn refuse(&self, refusal: PushRefusal) -> PushReply;
}

/// A push as it came in, untouched.
#[derive(Clone, PartialEq, Eq)]
pub struct RawPush {
    /// Which address it came to.
    pub origin: PushOrigin,
    /// The method.
    pub method: Method,
    /// Query parameters, unescaped, in order.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, within the receiver's size limit.
    pub body: Vec<u8>,
}

impl RawPush {
    /// The first query parameter of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for RawPush {
    /// Without query and body: both may hold secrets and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawPush")
            .field("origin", &self.origin)
            .field("method", &self.method.as_str())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The address a push came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PushOrigin {
    /// That of a provider's channel app.
    App,
    /// That of one linked account.
    Account,
}

/// A push whose origin is proven, opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    /// The address it came to.
    pub origin: PushOrigin,
    /// The format it came in.
    pub format: PushFormat,
    /// The decrypted message.
    pub plaintext: Vec<u8>,
    /// The app id that stood inside.
    pub app_id: String,
    /// The time the platform signed.
    pub signed_at: Timestamp,
}

/// A push that was taken.
#[derive(Debug)]
pub struct Received {
    /// Its opened message.
    pub verified: Verified,
    /// What it means; an error where a genuine push cannot be read.
    pub notices: Result<Vec<Notice>, ChannelError>,
    /// What the platform is answered once it is stored.
    pub reply: PushReply,
}

impl fmt::Debug for Verified {
    /// Without the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("origin", &self.origin)
            .field("format", &self.format)
            .field("bytes", &self.plaintext.len())
            .field("app_id", &self.app_id)
            .field("signed_at", &self.signed_at)
            .finish()
    }
}

/// Why a push was refused. Nothing of it is stored but a count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PushRefusal {
    /// The signature is absent or wrong.
    BadSignature,
    /// The push is older, or more in the future, than allowed.
    Stale,
    /// The body or query cannot be read.
    Malformed,
    /// The message cannot be decrypted with our keys.
    Undecryptable,
    /// The app id inside is not one of ours.
    WrongApp,
    /// The format is not the one of this kind of link.
    WrongFormat,
}

impl PushRefusal {
    /// Every refusal.
    pub const ALL: &'static [Self] = &[
        Self::BadSignature,
        Self::Stale,
        Self::Malformed,
        Self::Undecryptable,
        Self::WrongApp,
        Self::WrongFormat,
    ];
    /// Stable name, as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::Stale => "stale",
            Self::Malformed => "malformed",
            Self::Undecryptable => "undecryptable",
            Self::WrongApp => "wrong_app",
            Self::WrongFormat => "wrong_format",
        }
    }
}

/// What we answer a push with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushReply {
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub content_type: &'static str,
    /// The exact bytes.
    pub body: Vec<u8>,
}
