//! Documents that expire while the shop is open: when people are told, when the shop is suspended, and how a
//! renewed document takes the place of the old one. Every number comes from the policy calendar.

use super::decide::expired;
use super::{Application, Document, DocumentState, MissingItem, OnboardingError, Requirement, Step};
use crate::error::FieldError;
use crate::ids::MediaId;
use crate::policy::ExpiryTerms;
use crate::subject::china_date;
use crate::time::{Date, Timestamp};

words! {
    /// How near the end of a document is. Each stage is told once.
    pub enum ExpiryStage {
        /// The first notice.
        First = "first",
        /// The second notice.
        Second = "second",
        /// The last notice before the end.
        Last = "last",
        /// Its last day is over.
        Expired = "expired",
        /// The days of grace are over too.
        Overdue = "overdue",
    }
}

words! {
    /// Where a renewed document stands.
    pub enum RenewalState {
        /// Handed in, not looked at.
        Pending = "pending",
        /// Took the place of the old one.
        Accepted = "accepted",
        /// Not good.
        Returned = "returned",
        /// A newer one was handed in before anybody looked.
        Replaced = "replaced",
    }
}

/// The stage of a document whose last valid day is `last`; none while it is far away.
pub fn expiry_stage(last: Date, now: Timestamp, terms: &ExpiryTerms) -> Option<ExpiryStage> {
    let left = days_left(last, now)?;
    let within = |days: u32| left <= i64::from(days);
    if left < -i64::from(terms.grace_days) {
        Some(ExpiryStage::Overdue)
    } else if left < 0 {
        Some(ExpiryStage::Expired)
    } else if within(terms.last_days) {
        Some(ExpiryStage::Last)
    } else if within(terms.second_days) {
        Some(ExpiryStage::Second)
    } else if within(terms.first_days) {
        Some(ExpiryStage::First)
    } else {
        None
    }
}

/// Days until the last valid day in China: 0 on that day itself, negative after it.
pub fn days_left(last: Date, now: Timestamp) -> Option<i64> {
    let today = china_date(now)?;
    today.until(last).ok().map(|span| i64::from(span.get_days()))
}

/// The day from which a shop is suspended when nothing is renewed.
pub fn suspended_from(last: Date, terms: &ExpiryTerms) -> Option<Date> {
    last.checked_add(jiff::Span::new().days(i64::from(terms.grace_days) + 1)).ok()
}

impl Application {
    /// The accepted documents that are still asked for and say when they end, with that day.
    pub fn expiring<'a>(
        &'a self,
        requirements: &'a [Requirement],
    ) -> impl Iterator<Item = (&'a Requirement, &'a Document, Date)> {
        let kind = self.kind();
        requirements
            .iter()
            .filter(move |requirement| kind.is_some_and(|kind| requirement.kinds.contains(&kind)))
            .filter_map(|requirement| {
                let document = self.document(&requirement.code)?;
                let last = document.expires_on.filter(|_| document.state == DocumentState::Accepted)?;
                Some((requirement, document, last))
            })
    }

    /// Documents that were uploaded and have ended since: each is to be uploaded anew.
    pub fn ended(&self, requirements: &[Requirement], now: Timestamp) -> Vec<MissingItem> {
        let Some(kind) = self.kind() else { return Vec::new() };
        Requirement::of_kind(requirements, kind)
            .filter(|requirement| {
                self.document(&requirement.code).is_some_and(|document| {
                    let uploaded = matches!(document.state, DocumentState::Pending | DocumentState::Accepted);
                    uploaded && expired(document.expires_on, now)
                })
            })
            .map(|requirement| MissingItem {
                step: Step::Documents,
                error: FieldError::new(
                    format!("documents.{}", requirement.code),
                    "expired",
                    format!("has expired, upload a new one: {}", requirement.name_en),
                    format!("已过期，请重新上传{}", requirement.name_zh),
                ),
            })
            .collect()
    }

    /// The codes of documents whose days of grace are over.
    pub fn overdue(&self, requirements: &[Requirement], terms: &ExpiryTerms, now: Timestamp) -> Vec<String> {
        self.expiring(requirements)
            .filter(|(_, _, last)| expiry_stage(*last, now, terms) == Some(ExpiryStage::Overdue))
            .map(|(requirement, ..)| requirement.code.clone())
            .collect()
    }
}

/// Whether a renewed document may be handed in: the shop is open, the document was accepted once and is still
/// asked for, and the new one has not ended already.
pub fn check_renewal(
    application: &Application,
    requirements: &[Requirement],
    requirement: &str,
    expires_on: Option<Date>,
    now: Timestamp,
) -> Result<(), OnboardingError> {
    use super::ApplicationState::{AgreementSigned, Approved};
    if !matches!(application.state, Approved | AgreementSigned) {
        return Err(OnboardingError::WrongState {
            state: application.state,
            expected: "approved or agreement_signed",
        });
    }
    let asked = application
        .kind()
        .is_some_and(|kind| Requirement::of_kind(requirements, kind).any(|known| known.code == requirement));
    if !asked || application.document(requirement).is_none() {
        return Err(OnboardingError::DocumentNotRequired(requirement.to_owned()));
    }
    if expired(expires_on, now) {
        return Err(OnboardingError::Fields(vec![FieldError::new(
            "expires_on",
            "expired",
            "the document has expired",
            "资料已过期",
        )]));
    }
    Ok(())
}

/// The application with a renewed document in place of the old one. It must not have ended while it waited.
pub fn accept_renewal(
    application: &Application,
    requirement: &str,
    media: MediaId,
    expires_on: Option<Date>,
    now: Timestamp,
) -> Result<Application, OnboardingError> {
    if expired(expires_on, now) {
        return Err(OnboardingError::DocumentsOpen(vec![requirement.to_owned()]));
    }
    let mut next = application.clone();
    let known = next.documents.iter_mut().find(|document| document.requirement == requirement);
    let document = known.ok_or_else(|| OnboardingError::DocumentNotRequired(requirement.to_owned()))?;
    document.media = Some(media);
    document.expires_on = expires_on;
    document.state = DocumentState::Accepted;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_by_the_day_in_china() {
        let terms =
            ExpiryTerms { first_days: 30, second_days: 7, last_days: 1, grace_days: 14, suspends: true };
        let last: Date = "2026-03-31".parse().unwrap();
        for (now, left, expected) in [
            ("2026-02-28T15:59:59Z", 31, None),
            ("2026-02-28T16:00:00Z", 30, Some(ExpiryStage::First)),
            ("2026-03-23T16:00:00Z", 7, Some(ExpiryStage::Second)),
            ("2026-03-30T15:59:59Z", 1, Some(ExpiryStage::Last)),
            ("2026-03-31T15:59:59Z", 0, Some(ExpiryStage::Last)),
            ("2026-03-31T16:00:00Z", -1, Some(ExpiryStage::Expired)),
            ("2026-04-14T15:59:59Z", -14, Some(ExpiryStage::Expired)),
            ("2026-04-14T16:00:00Z", -15, Some(ExpiryStage::Overdue)),
        ] {
            let now: Timestamp = now.parse().unwrap();
            assert_eq!(days_left(last, now), Some(left), "{now}");
            assert_eq!(expiry_stage(last, now, &terms), expected, "{now}");
        }
        assert_eq!(suspended_from(last, &terms), Some("2026-04-15".parse().unwrap()));
        let at_once = ExpiryTerms { grace_days: 0, ..terms };
        let after: Timestamp = "2026-03-31T16:00:00Z".parse().unwrap();
        assert_eq!(expiry_stage(last, after, &at_once), Some(ExpiryStage::Overdue));
    }
}
