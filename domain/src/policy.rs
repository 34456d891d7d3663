//! The policy calendar: dated rows that set the numbers of the rules.
//!
//! A row has a kind, a scope (the platform's default, a provider, a merchant), parameters and the time
//! from and to which it holds. The narrowest scope wins, and within it the row that began last. Every
//! decision names the row that won. The platform's defaults are data at the end of this file and can be
//! overridden by stored rows; no number of a rule lives anywhere else.

use crate::deposit::TrialTerms;
use crate::error::ErrorCode;
use crate::ids::TenantId;
use crate::money::{Fen, MAX_FEN};
use crate::shop::{RULE_LINK_NEEDS_TRADING, ShopState};
use crate::subject::SubjectKind;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

mod expiry;
mod rate;
mod refusal;
pub use expiry::{ExpiryTerms, expiry_terms};
pub use rate::{PLAN_AT_ONCE, PLAN_PER_SECOND, RateSource, RateTerms, RequestRate, request_rates};

words! {
    /// What a policy row is about.
    pub enum PolicyKind {
        /// How many channel accounts of one kind a shop may link.
        LinkQuota = "link_quota",
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
        /// When people are told that a document ends, and when its shop is suspended.
        DocumentExpiry = "document_expiry",
        /// How often a merchant, and each person or program in it, may ask. Its default is the installation's
        /// configuration, and no row of the platform.
        RequestRate = "request_rate",
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

/// Limits by subject kind and kind of account; the kind `*` stands for every kind without its own row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkLimits(BTreeMap<(SubjectKind, String), u32>);

impl LinkLimits {
    /// The limit for a subject and a kind of account; nothing said means none may be linked.
    pub fn limit(&self, subject: SubjectKind, account_kind: &str) -> u32 {
        let own = self.0.get(&(subject, account_kind.to_owned()));
        own.or_else(|| self.0.get(&(subject, "*".to_owned()))).copied().unwrap_or(0)
    }
}

/// So many paid orders have to be counted, at most.
const MOST_TRIAL_ORDERS: i64 = 10_000;

/// The parameters of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyParams {
    /// Keys `enterprise.official_account`, `personal.*`: a whole number each.
    LinkQuota(LinkLimits),
    /// Key `minutes`, 1 to 1440.
    StockHold {
        /// How long.
        minutes: u32,
    },
    /// Key `days`, 0 to 90.
    AfterSaleWindow {
        /// How long.
        days: u32,
    },
    /// Keys `rate_ppm` (share of the order) and `tax_ppm` (tax inside that share).
    TakeRate {
        /// Share of the order in parts per million.
        rate_ppm: u32,
        /// Tax rate inside the share in parts per million.
        tax_ppm: u32,
    },
    /// Keys `days` (0 to 3650), `orders` (0 to 10000), `gmv_fen`: whichever comes first ends the trial; one of zero
    /// means that there is none.
    DepositTrial {
        /// Days since the shop began to trade.
        days: u32,
        /// Paid orders.
        orders: u32,
        /// Paid turnover.
        gmv: Fen,
    },
    /// Key `days`, 0 to 365.
    InvoiceDue {
        /// Days after the issue.
        days: u32,
    },
    /// Keys `first_days`, `second_days`, `last_days`, `grace_days` (0 to 365) and `suspends` (0 or 1).
    DocumentExpiry(ExpiryTerms),
    /// Keys `per_second`, `at_once`, `caller_per_second`, `caller_at_once`: whole numbers from 1.
    RequestRate(RateTerms),
}

/// Parameters that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A key that the kind does not know.
    #[error("unknown parameter {0}")]
    UnknownKey(String),
    /// A key given twice.
    #[error("parameter {0} given twice")]
    DuplicateKey(String),
    /// A key that is needed.
    #[error("parameter {0} is missing")]
    MissingKey(&'static str),
    /// A value out of its range.
    #[error("parameter {key}: expected {expected}")]
    Value {
        /// The key.
        key: String,
        /// What would be right.
        expected: &'static str,
    },
    /// No row of this kind holds at this time.
    #[error("no policy {0} holds at this time")]
    NoRule(PolicyKind),
    /// The row is of another kind than the decision needs.
    #[error("expected a rule of kind {0}")]
    WrongKind(PolicyKind),
}

impl PolicyError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoRule(_) | Self::WrongKind(_) => ErrorCode::PolicyMissing,
            _ => ErrorCode::PolicyInvalid,
        }
    }
}

/// Reads stored or typed parameters of a kind.
pub fn parse(kind: PolicyKind, pairs: &[(String, String)]) -> Result<PolicyParams, PolicyError> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.insert(key.as_str(), value.as_str()).is_some() {
            return Err(PolicyError::DuplicateKey(key.clone()));
        }
    }
    if kind == PolicyKind::LinkQuota {
        return parse_limits(&map);
    }
    let mut take = |key: &'static str, max: i64, expected: &'static str| {
        let text = map.remove(key).ok_or(PolicyError::MissingKey(key))?;
        whole(text, max).ok_or(PolicyError::Value { key: key.to_owned(), expected })
    };
    let params = match kind {
        PolicyKind::StockHold => match take("minutes", 1440, "1 to 1440")? {
            0 => return Err(PolicyError::Value { key: "minutes".to_owned(), expected: "1 to 1440" }),
            minutes => PolicyParams::StockHold { minutes: small(minutes) },
        },
        PolicyKind::AfterSaleWindow => {
            PolicyParams::AfterSaleWindow { days: small(take("days", 90, "0 to 90")?) }
        }
        PolicyKind::TakeRate => PolicyParams::TakeRate {
            rate_ppm: small(take("rate_ppm", 1_000_000, "0 to 1000000")?),
            tax_ppm: small(take("tax_ppm", 1_000_000, "0 to 1000000")?),
        },
        PolicyKind::DepositTrial => PolicyParams::DepositTrial {
            days: small(take("days", 3650, "0 to 3650")?),
            orders: small(take("orders", MOST_TRIAL_ORDERS, "0 to 10000")?),
            gmv: Fen::new(take("gmv_fen", MAX_FEN, "fen, not negative")?),
        },
        PolicyKind::InvoiceDue => PolicyParams::InvoiceDue { days: small(take("days", 365, "0 to 365")?) },
        PolicyKind::DocumentExpiry => {
            PolicyParams::DocumentExpiry(ExpiryTerms::read(|key, max, expected| {
                take(key, max, expected).map(small)
            })?)
        }
        PolicyKind::RequestRate => PolicyParams::RequestRate(RateTerms::read(|key, max, expected| {
            take(key, max, expected).map(small)
        })?),
        PolicyKind::LinkQuota => return Err(PolicyError::WrongKind(kind)),
    };
    match map.keys().next() {
        Some(key) => Err(PolicyError::UnknownKey((*key).to_owned())),
        None => Ok(params),
    }
}

fn parse_limits(map: &BTreeMap<&str, &str>) -> Result<PolicyParams, PolicyError> {
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

fn whole(text: &str, max: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| digits && (0..=max).contains(value))
}

/// Every caller has bounded the value far below `u32::MAX`.
fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl PolicyParams {
    /// The kind these parameters are for.
    pub const fn kind(&self) -> PolicyKind {
        match self {
            Self::LinkQuota(_) => PolicyKind::LinkQuota,
            Self::StockHold { .. } => PolicyKind::StockHold,
            Self::AfterSaleWindow { .. } => PolicyKind::AfterSaleWindow,
            Self::TakeRate { .. } => PolicyKind::TakeRate,
            Self::DepositTrial { .. } => PolicyKind::DepositTrial,
            Self::InvoiceDue { .. } => PolicyKind::InvoiceDue,
            Self::DocumentExpiry(_) => PolicyKind::DocumentExpiry,
            Self::RequestRate(_) => PolicyKind::RequestRate,
        }
    }
    /// As key and value pairs, the inverse of [`parse`].
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let pair = |key: &str, value: i64| (key.to_owned(), value.to_string());
        match self {
            Self::LinkQuota(limits) => limits
                .0
                .iter()
                .map(|((subject, kind), limit)| (format!("{subject}.{kind}"), limit.to_string()))
                .collect(),
            Self::DocumentExpiry(terms) => terms.pairs().map(|(key, value)| pair(key, value)).to_vec(),
            Self::RequestRate(terms) => terms.pairs().map(|(key, value)| pair(key, value)).to_vec(),
            Self::StockHold { minutes } => vec![pair("minutes", (*minutes).into())],
            Self::AfterSaleWindow { days } | Self::InvoiceDue { days } => vec![pair("days", (*days).into())],
            Self::TakeRate { rate_ppm, tax_ppm } => {
                vec![pair("rate_ppm", (*rate_ppm).into()), pair("tax_ppm", (*tax_ppm).into())]
            }
            Self::DepositTrial { days, orders, gmv } => {
                vec![
                    pair("days", (*days).into()),
                    pair("orders", (*orders).into()),
                    pair("gmv_fen", gmv.get()),
                ]
            }
        }
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

/// How many accounts are linked, how many may be, and which row says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Linked now, before the decision.
    pub used: u32,
    /// May be linked.
    pub limit: u32,
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
            Self::QuotaFull(_) => ErrorCode::LinkQuotaFull,
            Self::Policy(error) => error.code(),
        }
    }
    /// The rule that refused.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::NeedsTrading { .. } => Some(RULE_LINK_NEEDS_TRADING),
            Self::QuotaFull(quota) => Some(&quota.rule.0),
            Self::Policy(_) => None,
        }
    }
}

/// What the page shows: used and limit for a kind of account under a row.
pub fn quota(
    existing: u32,
    subject: SubjectKind,
    account_kind: &str,
    rule: &PolicyRule,
) -> Result<Quota, PolicyError> {
    match &rule.params {
        PolicyParams::LinkQuota(limits) => {
            Ok(Quota { used: existing, limit: limits.limit(subject, account_kind), rule: rule.id.clone() })
        }
        _ => Err(PolicyError::WrongKind(PolicyKind::LinkQuota)),
    }
}

/// Whether one more account of a kind may be linked. Links above a lowered limit stay; new ones do not.
pub fn decide_link(
    existing: u32,
    subject: SubjectKind,
    account_kind: &str,
    shop: ShopState,
    rule: &PolicyRule,
) -> Result<Quota, LinkRefusal> {
    if shop != ShopState::Trading {
        return Err(LinkRefusal::NeedsTrading { state: shop });
    }
    let quota = quota(existing, subject, account_kind, rule)?;
    if quota.used >= quota.limit { Err(LinkRefusal::QuotaFull(quota)) } else { Ok(quota) }
}

/// The platform's defaults, as data. Sources are in the documentation; those without one are ours.
pub fn defaults() -> Vec<PolicyRule> {
    // 2024-08-25 00:00 in China, the day the 5 + 5 quota came with the renewed 微信小店.
    const QUOTA_FROM: Timestamp = Timestamp::from_seconds(1_724_515_200);
    const ALWAYS: Timestamp = Timestamp::from_seconds(0);
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
        row("default", PolicyParams::StockHold { minutes: 15 }, ALWAYS),
        row("default", PolicyParams::AfterSaleWindow { days: 7 }, ALWAYS),
        row("default", PolicyParams::TakeRate { rate_ppm: 20_000, tax_ppm: 60_000 }, ALWAYS),
        row(
            "default",
            PolicyParams::DepositTrial { days: 30, orders: 100, gmv: Fen::new(1_000_000) },
            ALWAYS,
        ),
        row("default", PolicyParams::InvoiceDue { days: 7 }, ALWAYS),
        row("default", PolicyParams::DocumentExpiry(ExpiryTerms::DEFAULT), ALWAYS),
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
