//! The policy calendar: dated rows that set the numbers of the rules.
//!
//! A row has a kind, a scope (the platform's default, a provider, a merchant), parameters and the time
//! from and to which it holds. The narrowest scope wins, and within it the row that began last. Every
//! decision names the row that won. The platform's defaults are data at the end of this file and can be
//! overridden by stored rows; no number of a rule lives anywhere else.

use crate::billing::ChangeRules;
use crate::deposit::TrialTerms;
use crate::ids::TenantId;
use crate::money::Fen;
use crate::subject::SubjectKind;
use crate::time::{Span, Timestamp};
use std::fmt;

mod expiry;
mod link;
mod params;
mod phase;
mod raise;
mod rate;
mod refusal;
pub use expiry::{ExpiryTerms, expiry_terms};
pub use link::{LinkLimits, LinkRefusal, Quota, decide_link, quota};
pub use params::{PolicyError, PolicyParams, parse};
pub use phase::{
    PAST_KINDS, PHASE_NOTICE_DAYS, Phase, PhaseCalendar, PhaseChange, PhaseNow, Phases, notice_due,
};
pub use raise::{
    RAISED_SUBJECT, Raise, RaiseProgress, RaiseStanding, RaiseState, RaiseTerms, RaiseTurn, next_standing,
    raise_progress, raise_terms,
};
pub use rate::{PLAN_AT_ONCE, PLAN_PER_SECOND, RateSource, RateTerms, RequestRate, request_rates};

words! {
    /// What a policy row is about.
    pub enum PolicyKind {
        /// How many channel accounts of one kind a shop may link.
        LinkQuota = "link_quota",
        /// When a shop may link more, and how many.
        LinkQuotaRaise = "link_quota_raise",
        /// How long an unpaid order holds stock.
        StockHold = "stock_hold",
        /// How long after receipt a buyer may ask for an after-sale case.
        AfterSaleWindow = "after_sale_window",
        /// What the provider takes of an order, and the tax inside it.
        TakeRate = "take_rate",
        /// How long, and how much, a shop may trade without a deposit.
        DepositTrial = "deposit_trial",
        /// How long after its issue an invoice may be paid.
        InvoiceDue = "invoice_due",
        /// How long after it was opened a merchant may appeal in a case against its deposit.
        DepositAppeal = "deposit_appeal",
        /// When a change to another plan takes place, and whether merchants may change by themselves.
        PlanChange = "plan_change",
        /// When people are told that a document ends, and when its shop is suspended.
        DocumentExpiry = "document_expiry",
        /// How often a merchant, and each person or program in it, may ask. Its default is the installation's
        /// configuration, and no row of the platform.
        RequestRate = "request_rate",
        /// Which kinds of channel accounts are still linked, and which are switched off.
        ChannelPhase = "channel_phase",
    }
}

/// Whom a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyScope {
    /// Everybody.
    Platform,
    /// A provider and its merchants.
    Provider(TenantId),
    /// One merchant.
    Merchant(TenantId),
}

impl PolicyScope {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Provider(_) => "provider",
            Self::Merchant(_) => "merchant",
        }
    }
    /// From a stored word and the tenant it is about.
    pub fn from_parts(word: &str, tenant: Option<TenantId>) -> Option<Self> {
        match (word, tenant) {
            ("platform", _) => Some(Self::Platform),
            ("provider", Some(tenant)) => Some(Self::Provider(tenant)),
            ("merchant", Some(tenant)) => Some(Self::Merchant(tenant)),
            _ => None,
        }
    }
}

/// The id of a row, as decisions record it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(pub String);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRule {
    /// What decisions record.
    pub id: RuleId,
    /// Whom it is for.
    pub scope: PolicyScope,
    /// What it says; the kind follows.
    pub params: PolicyParams,
    /// From when it holds.
    pub effective_from: Timestamp,
    /// Until when it holds, not included; none = open.
    pub effective_to: Option<Timestamp>,
}

impl PolicyRule {
    /// Whether the row holds at a time.
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.effective_from <= at && self.effective_to.is_none_or(|end| at < end)
    }
}

/// The row that wins for a merchant at a time: merchant before provider before platform; within one
/// scope the one that began last, then the greater id.
pub fn resolve(
    rules: &[PolicyRule],
    kind: PolicyKind,
    provider: TenantId,
    merchant: TenantId,
    at: Timestamp,
) -> Result<&PolicyRule, PolicyError> {
    rules
        .iter()
        .filter(|rule| rule.params.kind() == kind && rule.holds_at(at))
        .filter_map(|rule| {
            let rank = match rule.scope {
                PolicyScope::Merchant(tenant) if tenant == merchant => 2,
                PolicyScope::Provider(tenant) if tenant == provider => 1,
                PolicyScope::Platform => 0,
                _ => return None,
            };
            Some((rank, rule.effective_from, &rule.id, rule))
        })
        .max_by_key(|(rank, from, id, _)| (*rank, *from, *id))
        .map(|(_, _, _, rule)| rule)
        .ok_or(PolicyError::NoRule(kind))
}

/// The platform's defaults, as data. Sources are in the documentation; those without one are ours.
pub fn defaults() -> Vec<PolicyRule> {
    // 2024-08-25 00:00 in China, the day the 5 + 5 quota came with the renewed 微信小店.
    const QUOTA_FROM: Timestamp = Timestamp::from_seconds(1_724_515_200);
    const ALWAYS: Timestamp = Timestamp::from_seconds(0);
    // 2022-11-30 00:00 in China, the day 微信小商店 ended; its shops had moved to 视频号小店.
    const MINI_SHOP_OFF: Timestamp = Timestamp::from_seconds(1_669_737_600);
    let limits =
        [(SubjectKind::Enterprise, 5), (SubjectKind::IndividualBusiness, 1), (SubjectKind::Personal, 1)]
            .into_iter()
            .map(|(subject, limit)| ((subject, "*".to_owned()), limit))
            .collect();
    let row = |date: &str, params: PolicyParams, effective_from| PolicyRule {
        id: RuleId(format!("policy/{}/platform/{date}", params.kind())),
        scope: PolicyScope::Platform,
        params,
        effective_from,
        effective_to: None,
    };
    vec![
        row("2024-08-25", PolicyParams::LinkQuota(LinkLimits(limits)), QUOTA_FROM),
        row("2024-08-25", PolicyParams::LinkQuotaRaise(RaiseTerms::DEFAULT), QUOTA_FROM),
        row("default", PolicyParams::StockHold { minutes: 15 }, ALWAYS),
        row("default", PolicyParams::AfterSaleWindow { days: 7 }, ALWAYS),
        row("default", PolicyParams::TakeRate { rate_ppm: 20_000, tax_ppm: 60_000 }, ALWAYS),
        row(
            "default",
            PolicyParams::DepositTrial { days: 30, orders: 100, gmv: Fen::new(1_000_000) },
            ALWAYS,
        ),
        row("default", PolicyParams::InvoiceDue { days: 7 }, ALWAYS),
        row("default", PolicyParams::DepositAppeal { days: 7 }, ALWAYS),
        row("default", PolicyParams::PlanChange(ChangeRules::DEFAULT), ALWAYS),
        row("default", PolicyParams::DocumentExpiry(ExpiryTerms::DEFAULT), ALWAYS),
        row("2022-11-30", PolicyParams::ChannelPhase(Phases::of([("mini_shop", Phase::Off)])), MINI_SHOP_OFF),
    ]
}

/// The span of a stock hold under a row.
pub fn stock_hold(rule: &PolicyRule) -> Result<Span, PolicyError> {
    match rule.params {
        PolicyParams::StockHold { minutes } => Ok(Span::minutes(minutes.into())),
        _ => Err(PolicyError::WrongKind(PolicyKind::StockHold)),
    }
}

/// The time an invoice may stay unpaid under a row.
pub fn invoice_due(rule: &PolicyRule) -> Result<Span, PolicyError> {
    match rule.params {
        PolicyParams::InvoiceDue { days } => Ok(Span::days(days.into())),
        _ => Err(PolicyError::WrongKind(PolicyKind::InvoiceDue)),
    }
}

/// The time a merchant has for an appeal under a row.
pub fn deposit_appeal(rule: &PolicyRule) -> Result<Span, PolicyError> {
    match rule.params {
        PolicyParams::DepositAppeal { days } => Ok(Span::days(days.into())),
        _ => Err(PolicyError::WrongKind(PolicyKind::DepositAppeal)),
    }
}

/// The table of rules for changes of plans under a row.
pub fn plan_change(rule: &PolicyRule) -> Result<ChangeRules, PolicyError> {
    match rule.params {
        PolicyParams::PlanChange(rules) => Ok(rules),
        _ => Err(PolicyError::WrongKind(PolicyKind::PlanChange)),
    }
}

/// What ends a zero-deposit trial that begins at `from` under a row.
pub fn deposit_trial(rule: &PolicyRule, from: Timestamp) -> Result<TrialTerms, PolicyError> {
    match rule.params {
        PolicyParams::DepositTrial { days, orders, gmv } => {
            let ends_at = from.plus(Span::days(days.into()));
            Ok(TrialTerms { ends_at, orders: orders.into(), turnover: gmv })
        }
        _ => Err(PolicyError::WrongKind(PolicyKind::DepositTrial)),
    }
}

/// The span of the after-sale window under a row.
pub fn after_sale_window(rule: &PolicyRule) -> Result<Span, PolicyError> {
    match rule.params {
        PolicyParams::AfterSaleWindow { days } => Ok(Span::days(days.into())),
        _ => Err(PolicyError::WrongKind(PolicyKind::AfterSaleWindow)),
    }
}

#[cfg(test)]
mod tests;
