//! The parameters of rows, and how they are read and written.

use super::link::parse_limits;
use super::phase::parse_phases;
use super::{ExpiryTerms, LinkLimits, Phases, PolicyKind, RaiseTerms, RateTerms};
use crate::billing::{ChangeRules, ChangeTiming};
use crate::error::ErrorCode;
use crate::money::{Fen, MAX_FEN};
use std::collections::BTreeMap;

/// So many paid orders have to be counted, at most.
const MOST_TRIAL_ORDERS: i64 = 10_000;

/// The parameters of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyParams {
    /// Keys `enterprise.official_account`, `personal.*`: a whole number each.
    LinkQuota(LinkLimits),
    /// Keys `days` (1 to 365), `score` (hundredths, 100 to 500), `each_day` (0 or 1), `limit` (0 to 1000), `grace_days`
    /// (0 to 365).
    LinkQuotaRaise(RaiseTerms),
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
    /// Key `days`, 0 to 90.
    DepositAppeal {
        /// Days after the case was opened.
        days: u32,
    },
    /// Keys `interval_now`, `up_now`, `same_now`, `down_now`, `self_service`: 0 or 1 each.
    PlanChange(ChangeRules),
    /// Keys `first_days`, `second_days`, `last_days`, `grace_days` (0 to 365) and `suspends` (0 or 1).
    DocumentExpiry(ExpiryTerms),
    /// Keys `per_second`, `at_once`, `caller_per_second`, `caller_at_once`: whole numbers from 1.
    RequestRate(RateTerms),
    /// Keys are kinds of accounts, values `open`, `closed` (no new links) or `off`.
    ChannelPhase(Phases),
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
    if kind == PolicyKind::ChannelPhase {
        return parse_phases(&map);
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
        PolicyKind::DepositAppeal => {
            PolicyParams::DepositAppeal { days: small(take("days", 90, "0 to 90")?) }
        }
        PolicyKind::PlanChange => {
            let mut now = |key| match take(key, 1, "0 or 1")? {
                0 => Ok(ChangeTiming::PeriodEnd),
                _ => Ok(ChangeTiming::Now),
            };
            let (interval, up, same, down) =
                (now("interval_now")?, now("up_now")?, now("same_now")?, now("down_now")?);
            let self_service = take("self_service", 1, "0 or 1")? == 1;
            PolicyParams::PlanChange(ChangeRules { interval, up, same, down, self_service })
        }
        PolicyKind::DocumentExpiry => {
            PolicyParams::DocumentExpiry(ExpiryTerms::read(|key, max, expected| {
                take(key, max, expected).map(small)
            })?)
        }
        PolicyKind::RequestRate => PolicyParams::RequestRate(RateTerms::read(|key, max, expected| {
            take(key, max, expected).map(small)
        })?),
        PolicyKind::LinkQuotaRaise => {
            PolicyParams::LinkQuotaRaise(RaiseTerms::read(|key, max, expected| {
                take(key, max, expected).map(small)
            })?)
        }
        PolicyKind::LinkQuota | PolicyKind::ChannelPhase => return Err(PolicyError::WrongKind(kind)),
    };
    match map.keys().next() {
        Some(key) => Err(PolicyError::UnknownKey((*key).to_owned())),
        None => Ok(params),
    }
}

pub(super) fn whole(text: &str, max: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| digits && (0..=max).contains(value))
}

/// Every caller has bounded the value far below `u32::MAX`.
pub(super) fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl PolicyParams {
    /// The kind these parameters are for.
    pub const fn kind(&self) -> PolicyKind {
        match self {
            Self::LinkQuota(_) => PolicyKind::LinkQuota,
            Self::LinkQuotaRaise(_) => PolicyKind::LinkQuotaRaise,
            Self::StockHold { .. } => PolicyKind::StockHold,
            Self::AfterSaleWindow { .. } => PolicyKind::AfterSaleWindow,
            Self::TakeRate { .. } => PolicyKind::TakeRate,
            Self::DepositTrial { .. } => PolicyKind::DepositTrial,
            Self::InvoiceDue { .. } => PolicyKind::InvoiceDue,
            Self::DepositAppeal { .. } => PolicyKind::DepositAppeal,
            Self::PlanChange(_) => PolicyKind::PlanChange,
            Self::DocumentExpiry(_) => PolicyKind::DocumentExpiry,
            Self::RequestRate(_) => PolicyKind::RequestRate,
            Self::ChannelPhase(_) => PolicyKind::ChannelPhase,
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
            Self::LinkQuotaRaise(terms) => terms.pairs().map(|(key, value)| pair(key, value)).to_vec(),
            Self::DocumentExpiry(terms) => terms.pairs().map(|(key, value)| pair(key, value)).to_vec(),
            Self::RequestRate(terms) => terms.pairs().map(|(key, value)| pair(key, value)).to_vec(),
            Self::ChannelPhase(phases) => {
                phases.0.iter().map(|(kind, phase)| (kind.clone(), phase.as_str().to_owned())).collect()
            }
            Self::StockHold { minutes } => vec![pair("minutes", (*minutes).into())],
            Self::AfterSaleWindow { days } | Self::InvoiceDue { days } | Self::DepositAppeal { days } => {
                vec![pair("days", (*days).into())]
            }
            Self::TakeRate { rate_ppm, tax_ppm } => {
                vec![pair("rate_ppm", (*rate_ppm).into()), pair("tax_ppm", (*tax_ppm).into())]
            }
            Self::PlanChange(rules) => {
                let now = |timing| i64::from(timing == ChangeTiming::Now);
                vec![
                    pair("interval_now", now(rules.interval)),
                    pair("up_now", now(rules.up)),
                    pair("same_now", now(rules.same)),
                    pair("down_now", now(rules.down)),
                    pair("self_service", rules.self_service.into()),
                ]
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
