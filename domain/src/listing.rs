//! A product published on a channel account: where it stands there, and whether the account shows our
//! latest version.
//!
//! The channel's facts come by push or by reading, late, twice or in any order. A fact tells the state
//! of the product at the channel now, so the latest reading wins; facts older than what we know are
//! dropped by their time.

use crate::error::ErrorCode;
use crate::time::Timestamp;

words! {
    /// Where a listing stands.
    pub enum ListingState {
        /// Waits for a worker to send it.
        Queued = "queued",
        /// Being sent.
        Publishing = "publishing",
        /// The platform looks at it.
        InAudit = "in_audit",
        /// Buyers see it.
        Listed = "listed",
        /// The platform refused it; the reason stands beside it.
        Refused = "refused",
        /// Taken off, by the merchant or by the platform.
        Delisted = "delisted",
    }
}

impl ListingState {
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Queued => "等待发布",
            Self::Publishing => "发布中",
            Self::InAudit => "平台审核中",
            Self::Listed => "已上架",
            Self::Refused => "审核未通过",
            Self::Delisted => "已下架",
        }
    }
}

/// A listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Where it stands.
    pub state: ListingState,
    /// The version of our product that is wanted at the channel.
    pub wanted_version: i64,
    /// The version last sent.
    pub sent_version: Option<i64>,
    /// The version the channel has accepted.
    pub listed_version: Option<i64>,
    /// The platform's words for a refusal or for taking it off.
    pub reason: Option<String>,
    /// The time of the latest fact from the channel.
    pub fact_at: Option<Timestamp>,
}

/// How the version we sent last fares while the product is on sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentVersion {
    /// It is the one on sale.
    Accepted,
    /// An earlier one is on sale, this one is in audit.
    InAudit,
    /// An earlier one is on sale, this one was refused.
    Refused {
        /// The platform's words.
        reason: String,
    },
}

/// What the channel says about a product, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingFact {
    /// It is in audit.
    InAudit,
    /// The audit refused it.
    Refused {
        /// The platform's words.
        reason: String,
    },
    /// It is on sale; the version we sent last may still be on its way.
    Listed {
        /// How the version we sent last fares.
        sent: SentVersion,
    },
    /// It is accepted but not on sale, or was taken off.
    Delisted {
        /// The platform's words when it was the platform.
        reason: Option<String>,
    },
}

/// What is wanted now beside what was sent last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nobody knows what was sent: versions are compared.
    Unknown,
    /// Something differs.
    Changed,
    /// The channel has it.
    Same,
}

/// Why a listing cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the listing is {0}")]
pub struct ListingError(pub ListingState);

impl ListingError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::ListingWrongState
    }
}

impl Listing {
    /// A new listing that waits to be sent.
    pub const fn queue(version: i64) -> Self {
        Self {
            state: ListingState::Queued,
            wanted_version: version,
            sent_version: None,
            listed_version: None,
            reason: None,
            fact_at: None,
        }
    }
    /// Whether the version at the channel is behind ours.
    pub fn needs_publish(&self) -> bool {
        match self.state {
            ListingState::Queued => true,
            ListingState::Delisted => false,
            _ => self.sent_version != Some(self.wanted_version),
        }
    }
    /// Whether it is at the channel, or on its way there.
    pub const fn is_there(&self) -> bool {
        !matches!(self.state, ListingState::Refused | ListingState::Delisted)
    }
    /// The merchant wants this version there; also after a refusal or when it was taken off. What decides whether
    /// it is sent is the content: a new version of which the channel shows nothing new is not sent again.
    #[must_use]
    pub fn request(&self, version: i64, content: Content) -> Self {
        let mut next = self.clone();
        next.wanted_version = version.max(self.wanted_version);
        let gone = matches!(self.state, ListingState::Refused | ListingState::Delisted);
        let send = match content {
            Content::Unknown => self.sent_version != Some(next.wanted_version),
            Content::Changed => true,
            Content::Same => false,
        };
        if send || gone {
            next.state = ListingState::Queued;
            next.reason = None;
        } else if content == Content::Same && self.state != ListingState::Queued {
            if self.listed_version.is_some() && self.listed_version == self.sent_version {
                next.listed_version = Some(next.wanted_version);
            }
            next.sent_version = Some(next.wanted_version);
        }
        next
    }
    /// A worker begins to send. Once begun, another may begin again: sending reads before it writes.
    pub fn begin(&self) -> Result<Self, ListingError> {
        if !matches!(self.state, ListingState::Queued | ListingState::Publishing) {
            return Err(ListingError(self.state));
        }
        let mut next = self.clone();
        next.state = ListingState::Publishing;
        next.sent_version = Some(self.wanted_version);
        Ok(next)
    }
    /// The platform refused what was sent at once.
    pub fn refuse(&self, reason: &str) -> Result<Self, ListingError> {
        if self.state != ListingState::Publishing {
            return Err(ListingError(self.state));
        }
        let mut next = self.clone();
        next.state = ListingState::Refused;
        next.reason = Some(reason.to_owned());
        Ok(next)
    }
    /// The merchant took it off, and the channel agreed.
    pub fn delist(&self) -> Result<Self, ListingError> {
        match self.state {
            ListingState::Publishing => Err(ListingError(self.state)),
            _ => {
                let mut next = self.clone();
                next.state = ListingState::Delisted;
                next.reason = None;
                Ok(next)
            }
        }
    }
    /// Takes a fact from the channel. The same fact twice changes nothing; an older one is dropped; one
    /// that came while a newer version waits to be sent is kept without losing the wait.
    #[must_use]
    pub fn observe(&self, fact: &ListingFact, at: Timestamp) -> Self {
        if self.fact_at.is_some_and(|known| at < known) {
            return self.clone();
        }
        let mut next = self.clone();
        next.fact_at = Some(at);
        let waits = self.state == ListingState::Queued;
        let (state, reason) = match fact {
            ListingFact::InAudit => (ListingState::InAudit, None),
            ListingFact::Refused { reason } => (ListingState::Refused, Some(reason.clone())),
            ListingFact::Listed { sent: SentVersion::Refused { reason } } => {
                (ListingState::Listed, Some(reason.clone()))
            }
            ListingFact::Listed { .. } => (ListingState::Listed, None),
            ListingFact::Delisted { reason } => (ListingState::Delisted, reason.clone()),
        };
        if *fact == (ListingFact::Listed { sent: SentVersion::Accepted }) {
            next.listed_version = next.sent_version.or(next.listed_version);
        }
        if !waits {
            next.state = state;
            next.reason = reason;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    /// Facts as `audit@1 listed@2 refused@3 delisted@4`; actions `begin`, `request:2`, `delist`.
    fn check(actions: &str, expected: &str) {
        let mut listing = Listing::queue(1);
        for action in actions.split_whitespace() {
            if let Some((fact, second)) = action.split_once('@') {
                let fact = match fact {
                    "audit" => ListingFact::InAudit,
                    "listed" => ListingFact::Listed { sent: SentVersion::Accepted },
                    "behind" => ListingFact::Listed { sent: SentVersion::InAudit },
                    "kept" => ListingFact::Listed {
                        sent: SentVersion::Refused { reason: "图片不清晰".into() },
                    },
                    "refused" => ListingFact::Refused { reason: "图片不清晰".into() },
                    _ => ListingFact::Delisted { reason: Some("保证金不足".into()) },
                };
                let once = listing.observe(&fact, at(second.parse().unwrap()));
                assert_eq!(once.observe(&fact, at(second.parse().unwrap())), once, "{action} twice");
                listing = once;
            } else if let Some((how, version)) = action.split_once(':') {
                let content = match how {
                    "request" => Content::Unknown,
                    "changed" => Content::Changed,
                    _ => Content::Same,
                };
                listing = listing.request(version.parse().unwrap(), content);
            } else {
                let next = if action == "begin" { listing.begin() } else { listing.delist() };
                match next {
                    Ok(next) => listing = next,
                    Err(error) => return assert_eq!(error.code().as_str(), expected, "{actions}"),
                }
            }
        }
        let publish = if listing.needs_publish() { " publish" } else { "" };
        let reason = listing.reason.as_deref().map(|text| format!(" {text}")).unwrap_or_default();
        let version = listing.listed_version.map(|version| format!(" v{version}")).unwrap_or_default();
        assert_eq!(format!("{}{version}{reason}{publish}", listing.state), expected, "{actions}");
    }

    #[test]
    fn listings() {
        check("", "queued publish");
        check("begin", "publishing");
        check("begin begin", "publishing");
        check("begin audit@1", "in_audit");
        check("begin audit@1 listed@2", "listed v1");
        check("begin audit@2 listed@1", "in_audit");
        check("begin audit@1 refused@2", "refused 图片不清晰");
        check("begin audit@1 refused@2 request:2", "queued publish");
        check("begin audit@1 refused@2 request:1", "queued publish");
        check("begin audit@1 listed@2 request:2", "queued v1 publish");
        check("begin audit@1 listed@2 request:2 listed@3", "queued v1 publish");
        check("begin audit@1 listed@2 request:2 begin audit@4 listed@5", "listed v2");
        check("begin audit@1 listed@2 request:2 begin behind@4", "listed v1");
        check("begin audit@1 listed@2 request:2 begin kept@4", "listed v1 图片不清晰");
        check("begin audit@1 listed@2 request:1", "listed v1");
        check("begin audit@1 listed@2 changed:1", "queued v1 publish");
        check("begin audit@1 listed@2 same:3", "listed v3");
        check("begin audit@1 same:3 listed@2", "listed v3");
        check("begin audit@1 listed@2 request:2 begin kept@4 same:3", "listed v1 图片不清晰");
        check("begin audit@1 listed@2 changed:2 same:3", "queued v1 publish");
        check("begin audit@1 refused@2 same:1", "queued publish");
        check("begin audit@1 listed@2 delisted@3", "delisted v1 保证金不足");
        check("begin audit@1 listed@2 delist", "delisted v1");
        check("begin delist", "listing_wrong_state");
        check("begin audit@1 begin", "listing_wrong_state");
    }
}
