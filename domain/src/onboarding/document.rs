//! Documents of an application, and where each stands.

use crate::ids::{MediaId, UserId};
use jiff::civil::Date;

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentState {
    /// Not uploaded.
    Missing,
    /// Uploaded, not looked at.
    Pending,
    /// Seen and good.
    Accepted,
    /// Seen and not good.
    Returned {
        /// What to change.
        reason: String,
    },
    /// Not needed from this applicant.
    Waived {
        /// Who decided so.
        by: UserId,
    },
}

impl DocumentState {
    /// The word as stored and sent.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Returned { .. } => "returned",
            Self::Waived { .. } => "waived",
        }
    }
    /// From stored columns: the word, the reason of a return, and who waived it.
    pub fn from_parts(word: &str, reason: Option<String>, by: Option<UserId>) -> Option<Self> {
        match word {
            "missing" => Some(Self::Missing),
            "pending" => Some(Self::Pending),
            "accepted" => Some(Self::Accepted),
            "returned" => Some(Self::Returned { reason: reason.unwrap_or_default() }),
            "waived" => by.map(|by| Self::Waived { by }),
            _ => None,
        }
    }
    /// Whether the applicant has done their part.
    pub const fn provided(&self) -> bool {
        matches!(self, Self::Pending | Self::Accepted | Self::Waived { .. })
    }
}

/// A document of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The code of the requirement it answers.
    pub requirement: String,
    /// The stored picture.
    pub media: Option<MediaId>,
    /// Where it stands.
    pub state: DocumentState,
    /// The last day on which it is valid, when it says one.
    pub expires_on: Option<Date>,
}
