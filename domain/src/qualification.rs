//! Qualifications of a shop at a channel: categories and brands that the platform has to let it sell. An application is
//! made once; what came of it is read, never assumed.

use crate::error::FieldError;
use crate::time::{Span, Timestamp};

words! {
    /// What is applied for.
    pub enum QualificationKind {
        /// A category of goods.
        Category = "category",
        /// A brand.
        Brand = "brand",
    }
}

words! {
    /// Where an application stands.
    pub enum QualificationState {
        /// It waits to be sent, or its documents are being sent.
        Sent = "sent",
        /// The answer was lost: nobody knows whether it arrived.
        InDoubt = "in_doubt",
        /// The platform looks at it.
        Checking = "checking",
        /// It was accepted.
        Accepted = "accepted",
        /// It was refused.
        Refused = "refused",
        /// It was withdrawn.
        Withdrawn = "withdrawn",
        /// It did not arrive.
        NotMade = "not_made",
    }
}

impl QualificationState {
    /// Whether another one for the same has to wait for it.
    pub const fn open(self) -> bool {
        matches!(self, Self::Sent | Self::InDoubt | Self::Checking)
    }
}

/// How long after asking a brand that the platform does not have counts as never asked for.
pub const PATIENCE: Span = Span::minutes(2);
/// How long an application is looked at by itself.
pub const LOOKED_AT: Span = Span::days(60);
/// Longest id of a platform.
pub const ID: usize = 64;
/// Longest name or number.
pub const WORDS: usize = 100;

/// What a look at the platform found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// It stands so; none = the platform's word is not known.
    Standing(Option<QualificationState>),
    /// The platform certainly does not have it.
    Nothing,
    /// It does not say.
    Unsaid,
}

/// Where an application stands after a look.
pub fn after_look(
    now: QualificationState,
    found: Found,
    sent_at: Option<Timestamp>,
    at: Timestamp,
) -> QualificationState {
    use QualificationState as S;
    match found {
        Found::Standing(Some(state)) => state,
        Found::Standing(None) | Found::Unsaid => now,
        // What was there and is not any more was taken away there.
        Found::Nothing if now == S::Checking => S::Withdrawn,
        Found::Nothing if sent_at.is_some_and(|sent| at.since(sent) >= PATIENCE) => S::NotMade,
        Found::Nothing => now,
    }
}

/// When is looked again: often at first, seldom later, and not for ever.
pub fn next_look(asked_at: Timestamp, at: Timestamp) -> Option<Timestamp> {
    let age = at.since(asked_at);
    let wait = match age {
        age if age < Span::minutes(10) => Span::minutes(2),
        age if age < Span::days(3) => Span::minutes(30),
        age if age < LOOKED_AT => Span::hours(6),
        _ => return None,
    };
    Some(at.plus(wait))
}

/// An id of the platform.
pub fn platform_id(path: &str, typed: &str) -> Result<String, FieldError> {
    let typed = typed.trim();
    let good = (1..=ID).contains(&typed.len()) && typed.bytes().all(|b| b.is_ascii_graphic());
    if good {
        return Ok(typed.to_owned());
    }
    Err(FieldError::new(path, "invalid", "an id of the platform", "请填写平台上的编号"))
}

/// A text that has to be there, of limited length.
pub fn needed(path: &str, typed: &str) -> Result<String, FieldError> {
    let typed = typed.trim();
    match typed.chars().count() {
        0 => Err(FieldError::required(path)),
        count if count > WORDS => {
            Err(FieldError::new(path, "too_long", "at most 100 characters", "最多 100 个字"))
        }
        _ => Ok(typed.to_owned()),
    }
}

/// A whole number within bounds.
pub fn within(path: &str, value: i64, least: i64, most: i64) -> Result<i64, FieldError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let (en, zh) = (format!("{least} to {most}"), format!("应在 {least}–{most} 之间"));
    Err(FieldError::new(path, "range", en, zh))
}

/// So many documents.
pub fn documents(path: &str, count: usize, least: usize, most: usize) -> Result<(), FieldError> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    if count == 0 {
        return Err(FieldError::new(path, "required", "a document is needed", "请上传资料图片"));
    }
    let (en, zh) = (format!("{least} to {most} pictures"), format!("需要 {least}–{most} 张图片"));
    Err(FieldError::new(path, "count", en, zh))
}

/// A span of time in order.
pub fn span(path: &str, from: Timestamp, until: Timestamp) -> Result<(), FieldError> {
    if from < until {
        return Ok(());
    }
    Err(FieldError::new(path, "range", "the end comes after the beginning", "结束日期应晚于开始日期"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_seconds(1_700_000_000);

    #[test]
    fn a_look_believes_the_platform_and_gives_up_only_what_is_certain() {
        use QualificationState as S;
        let long_ago = Some(AT.minus(PATIENCE));
        for (now, found, sent, then) in [
            (S::InDoubt, Found::Standing(Some(S::Checking)), long_ago, S::Checking),
            (S::Checking, Found::Standing(Some(S::Refused)), long_ago, S::Refused),
            (S::Checking, Found::Standing(None), long_ago, S::Checking),
            (S::InDoubt, Found::Nothing, long_ago, S::NotMade),
            (S::InDoubt, Found::Nothing, Some(AT), S::InDoubt),
            (S::InDoubt, Found::Nothing, None, S::InDoubt),
            (S::InDoubt, Found::Unsaid, long_ago, S::InDoubt),
            (S::Checking, Found::Nothing, long_ago, S::Withdrawn),
        ] {
            assert_eq!(after_look(now, found, sent, AT), then, "{now:?} {found:?} {sent:?}");
        }
    }

    #[test]
    fn looks_become_seldom_and_end() {
        for (age, wait) in [
            (Span::minutes(0), Some(Span::minutes(2))),
            (Span::hours(1), Some(Span::minutes(30))),
            (Span::days(4), Some(Span::hours(6))),
            (LOOKED_AT, None),
        ] {
            assert_eq!(next_look(AT.minus(age), AT), wait.map(|wait| AT.plus(wait)), "{age:?}");
        }
    }

    #[test]
    fn bad_input_is_named() {
        assert!(platform_id("id", " 10000531 ").is_ok() && platform_id("id", "十").is_err());
        assert!(platform_id("id", "").is_err() && platform_id("id", &"1".repeat(65)).is_err());
        assert!(needed("name", "茶").is_ok() && needed("name", " ").is_err());
        assert!(needed("name", &"茶".repeat(101)).is_err());
        assert!(within("class", 45, 1, 45).is_ok() && within("class", 46, 1, 45).is_err());
        assert!(documents("d", 1, 1, 1).is_ok() && documents("d", 2, 1, 1).is_err());
        assert!(documents("d", 0, 1, 9).is_err() && documents("d", 0, 0, 2).is_ok());
        assert!(span("d", AT, AT).is_err());
    }
}
