//! How many channel accounts of a kind a shop may link.

use super::params::{small, whole};
use super::{PhaseNow, PolicyError, PolicyKind, PolicyParams, PolicyRule, RAISED_SUBJECT, Raise, RuleId};
use crate::error::ErrorCode;
use crate::shop::{RULE_LINK_NEEDS_TRADING, ShopState};
use crate::subject::SubjectKind;
use std::collections::BTreeMap;

/// Limits by subject kind and kind of account; the kind `*` stands for every kind without its own row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkLimits(pub(super) BTreeMap<(SubjectKind, String), u32>);

impl LinkLimits {
    /// The limit for a subject and a kind of account; nothing said means none may be linked.
    pub fn limit(&self, subject: SubjectKind, account_kind: &str) -> u32 {
        let own = self.0.get(&(subject, account_kind.to_owned()));
        own.or_else(|| self.0.get(&(subject, "*".to_owned()))).copied().unwrap_or(0)
    }
}

pub(super) fn parse_limits(map: &BTreeMap<&str, &str>) -> Result<PolicyParams, PolicyError> {
    let mut limits = BTreeMap::new();
    for (key, value) in map {
        let unknown = || PolicyError::UnknownKey((*key).to_owned());
        let (subject, account_kind) = key.split_once('.').ok_or_else(unknown)?;
        let subject = SubjectKind::from_text(subject).ok_or_else(unknown)?;
        let word = account_kind == "*"
            || (!account_kind.is_empty()
                && account_kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        if !word {
            return Err(unknown());
        }
        let limit =
            whole(value, 1000).ok_or(PolicyError::Value { key: (*key).to_owned(), expected: "0 to 1000" })?;
        limits.insert((subject, account_kind.to_owned()), small(limit));
    }
    Ok(PolicyParams::LinkQuota(LinkLimits(limits)))
}

/// How many accounts are linked, how many may be, and which row says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Linked now, before the decision.
    pub used: u32,
    /// May be linked.
    pub limit: u32,
    /// May be linked without a raise.
    pub usual: u32,
    /// Which row says so.
    pub rule: RuleId,
}

/// Why an account may not be linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// 开通 ≠ 开张.
    #[error("the shop is {state}, only a trading shop links accounts")]
    NeedsTrading {
        /// The state it is in.
        state: ShopState,
    },
    /// Accounts of this kind are not linked any more.
    #[error("accounts of this kind are {}", .0.phase)]
    KindClosed(PhaseNow),
    /// No more accounts of this kind.
    #[error("{} of {} accounts of this kind are linked", .0.used, .0.limit)]
    QuotaFull(Quota),
    /// The calendar has no quota.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl LinkRefusal {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NeedsTrading { .. } => ErrorCode::LinkNeedsTrading,
            Self::KindClosed(_) => ErrorCode::LinkKindClosed,
            Self::QuotaFull(_) => ErrorCode::LinkQuotaFull,
            Self::Policy(error) => error.code(),
        }
    }
    /// The rule that refused.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::NeedsTrading { .. } => Some(RULE_LINK_NEEDS_TRADING),
            Self::KindClosed(now) => now.rule.as_ref().map(|rule| rule.0.as_str()),
            Self::QuotaFull(quota) => Some(&quota.rule.0),
            Self::Policy(_) => None,
        }
    }
}

/// What the page shows: used and limit for a kind of account under a row, and under a raise that is in force for the
/// shop. A kind of which none may be linked is not raised, and a higher limit of the row stays.
pub fn quota(
    existing: u32,
    subject: SubjectKind,
    account_kind: &str,
    rule: &PolicyRule,
    raise: Option<&Raise>,
) -> Result<Quota, PolicyError> {
    let PolicyParams::LinkQuota(limits) = &rule.params else {
        return Err(PolicyError::WrongKind(PolicyKind::LinkQuota));
    };
    let usual = limits.limit(subject, account_kind);
    let raise = raise.filter(|raise| subject == RAISED_SUBJECT && usual > 0 && raise.limit > usual);
    let (limit, rule) = raise.map_or((usual, &rule.id), |raise| (raise.limit, &raise.rule));
    Ok(Quota { used: existing, limit, usual, rule: rule.clone() })
}

/// Whether one more account of a kind may be linked. Links above a lowered limit stay; new ones do not.
pub fn decide_link(
    existing: u32,
    subject: SubjectKind,
    account_kind: &str,
    shop: ShopState,
    rule: &PolicyRule,
    raise: Option<&Raise>,
) -> Result<Quota, LinkRefusal> {
    if shop != ShopState::Trading {
        return Err(LinkRefusal::NeedsTrading { state: shop });
    }
    let quota = quota(existing, subject, account_kind, rule, raise)?;
    if quota.used >= quota.limit { Err(LinkRefusal::QuotaFull(quota)) } else { Ok(quota) }
}
