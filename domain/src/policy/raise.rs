//! The raised quota of linked accounts: an enterprise whose shop has traded long enough with a good enough score links
//! more accounts. Looked at once a day; a shop that falls below keeps the raise for the days of grace.
//!
//! A day without a score carries the last one before it. Days are those before today, so that today's score, which is
//! not complete, never decides.

use super::params::PolicyError;
use super::{PolicyKind, PolicyParams, PolicyRule, RuleId};
use crate::score::{DayScore, LEAST, MOST, ShopScores};
use crate::subject::SubjectKind;
use crate::time::Date;

/// On what terms the quota is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaiseTerms {
    /// So many days of trading, and of scores.
    pub days: u32,
    /// The score that is needed, in hundredths.
    pub score: u32,
    /// Each of the days has to reach it; else the mean of the days.
    pub each_day: bool,
    /// Accounts of a kind that may be linked then.
    pub limit: u32,
    /// Days for which the raise stays when the score has fallen.
    pub grace_days: u32,
}

impl RaiseTerms {
    /// 30 days of at least 4.60 each, then ten accounts. The week of grace is ours.
    pub(super) const DEFAULT: Self = Self { days: 30, score: 460, each_day: true, limit: 10, grace_days: 7 };

    /// From a reader of whole numbers: key, greatest value, what would be right.
    pub(super) fn read(
        mut take: impl FnMut(&'static str, i64, &'static str) -> Result<u32, PolicyError>,
    ) -> Result<Self, PolicyError> {
        const SCORE: &str = "100 to 500";
        const DAYS: &str = "1 to 365";
        let terms = Self {
            days: take("days", 365, DAYS)?,
            score: take("score", MOST.into(), SCORE)?,
            each_day: take("each_day", 1, "0 or 1")? == 1,
            limit: take("limit", 1000, "0 to 1000")?,
            grace_days: take("grace_days", 365, "0 to 365")?,
        };
        let value = |key: &str, expected| PolicyError::Value { key: key.to_owned(), expected };
        if terms.days == 0 {
            return Err(value("days", DAYS));
        }
        if terms.score < LEAST {
            return Err(value("score", SCORE));
        }
        Ok(terms)
    }

    /// As keys and values.
    pub(super) fn pairs(&self) -> [(&'static str, i64); 5] {
        [
            ("days", self.days.into()),
            ("score", self.score.into()),
            ("each_day", self.each_day.into()),
            ("limit", self.limit.into()),
            ("grace_days", self.grace_days.into()),
        ]
    }
}

/// The terms of a row.
pub fn raise_terms(rule: &PolicyRule) -> Result<RaiseTerms, PolicyError> {
    match rule.params {
        PolicyParams::LinkQuotaRaise(terms) => Ok(terms),
        _ => Err(PolicyError::WrongKind(PolicyKind::LinkQuotaRaise)),
    }
}

/// Only shops of this kind of subject get a raise.
pub const RAISED_SUBJECT: SubjectKind = SubjectKind::Enterprise;

/// How far a shop is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaiseProgress {
    /// Whether a shop of this subject gets a raise at all.
    pub subject: bool,
    /// Whole days of trading, before today.
    pub trading_days: u32,
    /// Days that count: in a row up to yesterday and good enough each; or, for the mean, days with a score.
    pub good_days: u32,
    /// In hundredths, rounded down: of yesterday, or the mean of the days. None before the first score.
    pub score: Option<u32>,
    /// The terms are met today.
    pub met: bool,
}

/// How far a shop is today. `scores` are its marks up to yesterday, newest first: those of the days that matter and one
/// more, which is carried.
pub fn raise_progress(
    scores: &[DayScore],
    trading_since: Option<Date>,
    subject: SubjectKind,
    today: Date,
    terms: &RaiseTerms,
) -> RaiseProgress {
    let trading_days = trading_since.map_or(0, |since| days_between(since, today));
    let mut known = scores.iter().filter(|score| score.day < today).peekable();
    let (mut day, mut good, mut scored, mut sum, mut unbroken) = (today, 0_u32, 0_u32, 0_u64, true);
    let latest = known.peek().map(|score| score.scores.mean());
    for _ in 0..terms.days {
        let Ok(before) = day.yesterday() else { break };
        day = before;
        while known.next_if(|score| score.day > day).is_some() {}
        let Some(of_day) = known.peek() else { break };
        scored += 1;
        sum += u64::from(of_day.scores.sum());
        unbroken &= of_day.scores.at_least(terms.score);
        good += u32::from(unbroken);
    }
    let marks = u64::from(ShopScores::MARKS) * u64::from(scored);
    let mean = sum.checked_div(marks).and_then(|mean| u32::try_from(mean).ok());
    let (good_days, score, reached) = if terms.each_day {
        (good, latest, good == terms.days)
    } else {
        let enough = sum >= u64::from(terms.score) * marks;
        (scored, mean, scored == terms.days && enough)
    };
    let subject = subject == RAISED_SUBJECT;
    let met = subject && reached && trading_days >= terms.days;
    RaiseProgress { subject, trading_days, good_days, score, met }
}

fn days_between(since: Date, until: Date) -> u32 {
    since.until(until).ok().and_then(|span| u32::try_from(span.get_days()).ok()).unwrap_or(0)
}

words! {
    /// Where a shop stands with the raise.
    pub enum RaiseState {
        /// The usual quota.
        Standard = "standard",
        /// The raised quota.
        Raised = "raised",
        /// Still the raised quota; it ends on a day unless the score recovers.
        Falling = "falling",
    }
}

/// Where a shop stands, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaiseStanding {
    /// The state.
    pub state: RaiseState,
    /// The first day of the usual quota again, while it is falling.
    pub falls_on: Option<Date>,
}

impl RaiseStanding {
    /// Of a shop that was never looked at.
    pub const STANDARD: Self = Self { state: RaiseState::Standard, falls_on: None };

    /// Whether the raise is in force on a day. The end of the grace holds by itself, whoever looks when.
    pub fn holds(&self, day: Date) -> bool {
        match self.state {
            RaiseState::Standard => false,
            RaiseState::Raised => true,
            RaiseState::Falling => self.falls_on.is_some_and(|end| day < end),
        }
    }
}

/// What the daily look changed; people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaiseTurn {
    /// The raise is reached.
    Reached,
    /// Below the terms; the raise ends on this day.
    Falling(Date),
    /// Reached again before the end of the grace.
    Recovered,
    /// The raise has ended.
    Fell,
}

/// The daily look: where the shop stands from now on, and what is to be told.
pub fn next_standing(
    was: RaiseStanding,
    met: bool,
    today: Date,
    terms: &RaiseTerms,
) -> (RaiseStanding, Option<RaiseTurn>) {
    const RAISED: RaiseStanding = RaiseStanding { state: RaiseState::Raised, falls_on: None };
    let end = today.saturating_add(jiff::Span::new().days(terms.grace_days));
    match (was.state, met) {
        (RaiseState::Standard, false) => (RaiseStanding::STANDARD, None),
        (RaiseState::Standard, true) => (RAISED, Some(RaiseTurn::Reached)),
        (RaiseState::Raised, true) => (RAISED, None),
        (RaiseState::Falling, true) if was.holds(today) => (RAISED, Some(RaiseTurn::Recovered)),
        (RaiseState::Falling, true) => (RAISED, Some(RaiseTurn::Reached)),
        (RaiseState::Raised, false) if terms.grace_days > 0 => {
            let falling = RaiseStanding { state: RaiseState::Falling, falls_on: Some(end) };
            (falling, Some(RaiseTurn::Falling(end)))
        }
        (RaiseState::Falling, false) if was.holds(today) => (was, None),
        (RaiseState::Raised | RaiseState::Falling, false) => (RaiseStanding::STANDARD, Some(RaiseTurn::Fell)),
    }
}

/// A raise in force for a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// Accounts of a kind.
    pub limit: u32,
    /// Which row says so.
    pub rule: RuleId,
}

#[cfg(test)]
mod tests;
