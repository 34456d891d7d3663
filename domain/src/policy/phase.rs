//! What a kind of channel account may still do. Platforms end generations of their shops by date (微信小商店 gave way to
//! 视频号小店, and that to 微信小店); a row of the calendar says from when no new ones are linked, and from when the kind
//! is switched off.

use super::{PolicyError, PolicyParams, PolicyRule, PolicyScope, RuleId};
use crate::ids::TenantId;
use crate::time::Timestamp;
use std::collections::BTreeMap;

words! {
    /// What a kind of account may still do.
    pub enum Phase {
        /// Everything.
        Open = "open",
        /// Accounts that are linked go on; new ones are not linked.
        Closed = "closed",
        /// Nothing: accounts of the kind are retired.
        Off = "off",
    }
}

/// Kinds that were switched off before there was a plugin for them: code, Chinese and English name.
pub const PAST_KINDS: &[(&str, &str, &str)] = &[("mini_shop", "微信小商店", "WeChat mini shop")];
const MOST_KINDS: usize = 50;

/// Phases by kind of account; the calendar's other rows decide for a kind that is not named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phases(pub(super) BTreeMap<String, Phase>);

impl Phases {
    /// From kinds with their phase.
    pub fn of<'a>(kinds: impl IntoIterator<Item = (&'a str, Phase)>) -> Self {
        Self(kinds.into_iter().map(|(kind, phase)| (kind.to_owned(), phase)).collect())
    }
    /// What the row says of a kind.
    pub fn phase(&self, account_kind: &str) -> Option<Phase> {
        self.0.get(account_kind).copied()
    }
}

pub(super) fn parse_phases(map: &BTreeMap<&str, &str>) -> Result<PolicyParams, PolicyError> {
    if map.is_empty() || map.len() > MOST_KINDS {
        return Err(PolicyError::MissingKey("account_kind"));
    }
    let mut phases = BTreeMap::new();
    for (key, value) in map {
        let word = !key.is_empty()
            && key.len() <= 64
            && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !word {
            return Err(PolicyError::UnknownKey((*key).to_owned()));
        }
        let wrong = || PolicyError::Value { key: (*key).to_owned(), expected: "open, closed or off" };
        phases.insert((*key).to_owned(), Phase::from_text(value).ok_or_else(wrong)?);
    }
    Ok(PolicyParams::ChannelPhase(Phases(phases)))
}

/// A phase with the row that says so; none when no row names the kind, which is then open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseNow {
    /// The phase.
    pub phase: Phase,
    /// The row.
    pub rule: Option<RuleId>,
}

/// A phase to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseChange {
    /// When it begins.
    pub at: Timestamp,
    /// What begins.
    pub now: PhaseNow,
}

/// The rows that speak of kinds of accounts, as they are for one merchant.
#[derive(Debug, Clone)]
pub struct PhaseCalendar {
    rows: Vec<(u8, PolicyRule)>,
}

impl PhaseCalendar {
    /// Of all rows of the calendar those that matter.
    pub fn new(rules: &[PolicyRule], provider: TenantId, merchant: TenantId) -> Self {
        let rank = |scope: PolicyScope| match scope {
            PolicyScope::Merchant(tenant) if tenant == merchant => Some(2),
            PolicyScope::Provider(tenant) if tenant == provider => Some(1),
            PolicyScope::Platform => Some(0),
            PolicyScope::Provider(_) | PolicyScope::Merchant(_) => None,
        };
        let speaks = |rule: &&PolicyRule| matches!(rule.params, PolicyParams::ChannelPhase(_));
        let rows = rules.iter().filter(speaks).filter_map(|rule| Some((rank(rule.scope)?, rule.clone())));
        Self { rows: rows.collect() }
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = (u8, Phase, &PolicyRule)> {
        self.rows.iter().filter_map(move |(rank, rule)| match &rule.params {
            PolicyParams::ChannelPhase(phases) => Some((*rank, phases.phase(kind)?, rule)),
            _ => None,
        })
    }

    /// The phase of a kind at a moment: of the rows that name it, merchant before provider before platform; within one
    /// scope the one that began last, then the greater id.
    pub fn phase(&self, kind: &str, at: Timestamp) -> PhaseNow {
        let winner = self
            .of_kind(kind)
            .filter(|(_, _, rule)| rule.holds_at(at))
            .max_by_key(|(rank, _, rule)| (*rank, rule.effective_from, &rule.id));
        match winner {
            Some((_, phase, rule)) => PhaseNow { phase, rule: Some(rule.id.clone()) },
            None => PhaseNow { phase: Phase::Open, rule: None },
        }
    }

    /// The changes of a kind after a moment, soonest first.
    pub fn changes(&self, kind: &str, after: Timestamp) -> Vec<PhaseChange> {
        let mut times: Vec<Timestamp> = self
            .of_kind(kind)
            .flat_map(|(_, _, rule)| [Some(rule.effective_from), rule.effective_to])
            .flatten()
            .filter(|at| *at > after)
            .collect();
        times.sort_unstable();
        times.dedup();
        let mut was = self.phase(kind, after).phase;
        let mut changes = Vec::new();
        for at in times {
            let now = self.phase(kind, at);
            if now.phase != was {
                was = now.phase;
                changes.push(PhaseChange { at, now });
            }
        }
        changes
    }

    /// Whether a row decides for some kind at a moment.
    pub fn decides(&self, rule: &PolicyRule, at: Timestamp) -> bool {
        match &rule.params {
            PolicyParams::ChannelPhase(phases) => {
                phases.0.keys().any(|kind| self.phase(kind, at).rule.as_ref() == Some(&rule.id))
            }
            _ => false,
        }
    }
}

/// So many days before a change people are told of it, the longest first.
pub const PHASE_NOTICE_DAYS: [i64; 3] = [30, 7, 1];

/// Which of the notices is due with so many days left: the last whose time has come.
pub fn notice_due(days_left: i64) -> Option<i64> {
    PHASE_NOTICE_DAYS.into_iter().rev().find(|days| days_left <= *days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;
    use uuid::Uuid;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_seconds(number * 86_400)
    }
    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }
    fn row(id: &str, scope: PolicyScope, from: i64, to: Option<i64>, kinds: &[(&str, Phase)]) -> PolicyRule {
        PolicyRule {
            id: RuleId(id.to_owned()),
            scope,
            params: PolicyParams::ChannelPhase(Phases::of(kinds.iter().copied())),
            effective_from: day(from),
            effective_to: to.map(day),
        }
    }

    #[test]
    fn a_row_decides_only_for_the_kinds_it_names() {
        let rules = [
            row("all", PolicyScope::Platform, 0, None, &[("old", Phase::Closed)]),
            row("later", PolicyScope::Platform, 10, None, &[("other", Phase::Off)]),
            row("own", PolicyScope::Provider(tenant(1)), 20, Some(30), &[("old", Phase::Off)]),
            row("foreign", PolicyScope::Provider(tenant(9)), 0, None, &[("old", Phase::Off)]),
            row("kept", PolicyScope::Merchant(tenant(2)), 25, None, &[("old", Phase::Open)]),
        ];
        let calendar = PhaseCalendar::new(&rules, tenant(1), tenant(3));
        for (kind, at, phase, rule) in [
            ("old", 15, Phase::Closed, Some("all")),
            ("old", 20, Phase::Off, Some("own")),
            ("old", 30, Phase::Closed, Some("all")),
            ("other", 9, Phase::Open, None),
            ("other", 10, Phase::Off, Some("later")),
            ("third", 10, Phase::Open, None),
        ] {
            let found = calendar.phase(kind, day(at));
            assert_eq!(
                (found.phase, found.rule.as_ref().map(|id| id.0.as_str())),
                (phase, rule),
                "{kind} {at}"
            );
        }
        let changes = |calendar: &PhaseCalendar, kind, after| {
            let found = calendar.changes(kind, day(after));
            found.iter().map(|change| (change.at.seconds() / 86_400, change.now.phase)).collect::<Vec<_>>()
        };
        assert_eq!(changes(&calendar, "old", 5), [(20, Phase::Off), (30, Phase::Closed)]);
        assert!(changes(&calendar, "old", 30).is_empty());
        let spared = PhaseCalendar::new(&rules, tenant(1), tenant(2));
        assert_eq!(changes(&spared, "old", 5), [(20, Phase::Off), (25, Phase::Open)]);
        assert!(spared.decides(&rules[4], day(25)) && !spared.decides(&rules[2], day(25)));
    }

    #[test]
    fn notices_come_a_month_a_week_and_a_day_before() {
        let due: Vec<_> = [31, 30, 8, 7, 2, 1, 0].map(notice_due).into();
        assert_eq!(due, [None, Some(30), Some(30), Some(7), Some(7), Some(1), Some(1)]);
    }
}
