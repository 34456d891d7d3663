//! The terms on which documents expire.

use super::{PolicyError, PolicyKind, PolicyParams, PolicyRule};

/// When people are told that a document ends, and what follows when it is not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiryTerms {
    /// The first notice, so many days ahead.
    pub first_days: u32,
    /// The second notice.
    pub second_days: u32,
    /// The last notice.
    pub last_days: u32,
    /// Days after the end before anything follows.
    pub grace_days: u32,
    /// Whether the shop is suspended after them; else people are only told.
    pub suspends: bool,
}

impl ExpiryTerms {
    /// The platform's default: 30, 7 and 1 days ahead, two weeks of grace, then the shop is suspended.
    pub(super) const DEFAULT: Self =
        Self { first_days: 30, second_days: 7, last_days: 1, grace_days: 14, suspends: true };

    /// From a reader of whole numbers: key, greatest value, what would be right.
    pub(super) fn read(
        mut take: impl FnMut(&'static str, i64, &'static str) -> Result<u32, PolicyError>,
    ) -> Result<Self, PolicyError> {
        const DAYS: &str = "0 to 365";
        let terms = Self {
            first_days: take("first_days", 365, DAYS)?,
            second_days: take("second_days", 365, DAYS)?,
            last_days: take("last_days", 365, DAYS)?,
            grace_days: take("grace_days", 365, DAYS)?,
            suspends: take("suspends", 1, "0 or 1")? == 1,
        };
        let falling = |key: &str, before: u32, after: u32| {
            let expected = "less than the notice before it";
            if after < before { Ok(()) } else { Err(PolicyError::Value { key: key.to_owned(), expected }) }
        };
        falling("second_days", terms.first_days, terms.second_days)?;
        falling("last_days", terms.second_days, terms.last_days)?;
        Ok(terms)
    }

    /// As keys and values.
    pub(super) fn pairs(&self) -> [(&'static str, i64); 5] {
        [
            ("first_days", self.first_days.into()),
            ("second_days", self.second_days.into()),
            ("last_days", self.last_days.into()),
            ("grace_days", self.grace_days.into()),
            ("suspends", self.suspends.into()),
        ]
    }
}

/// The terms of a row.
pub fn expiry_terms(rule: &PolicyRule) -> Result<ExpiryTerms, PolicyError> {
    match rule.params {
        PolicyParams::DocumentExpiry(terms) => Ok(terms),
        _ => Err(PolicyError::WrongKind(PolicyKind::DocumentExpiry)),
    }
}
