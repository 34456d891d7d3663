//! How often a tenant, and each person or program in it, may ask.

use super::{PolicyError, PolicyKind, PolicyParams, PolicyRule, PolicyScope, resolve};
use crate::ids::TenantId;
use crate::time::Timestamp;

/// The largest number a rule may hold; the installation has a bound of its own below it.
pub const MOST_PER_SECOND: u32 = 100_000;
/// The same for what may come at once.
pub const MOST_AT_ONCE: u32 = 1_000_000;

/// Names of a plan's limits.
pub const PLAN_PER_SECOND: &str = "requests_per_second";
/// What may come at once after a pause; ten seconds' worth when the plan does not say.
pub const PLAN_AT_ONCE: &str = "requests_at_once";

/// Requests that may go on for ever, and at once after a pause. 0 per second is no limit; only an installation says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRate {
    /// For ever.
    pub per_second: u32,
    /// At once after a pause.
    pub at_once: u32,
}

/// Rates of a tenant: of all its people and programs together, and of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateTerms {
    /// All together.
    pub tenant: RequestRate,
    /// Each person, API key and app.
    pub caller: RequestRate,
}

impl RateTerms {
    /// From a reader of whole numbers: key, greatest value, what would be right.
    pub(super) fn read(
        mut take: impl FnMut(&'static str, i64, &'static str) -> Result<u32, PolicyError>,
    ) -> Result<Self, PolicyError> {
        let mut one = |key: &'static str, most: u32| {
            let expected = "a whole number from 1";
            match take(key, most.into(), expected)? {
                0 => Err(PolicyError::Value { key: key.to_owned(), expected }),
                number => Ok(number),
            }
        };
        let terms = Self {
            tenant: RequestRate {
                per_second: one("per_second", MOST_PER_SECOND)?,
                at_once: one("at_once", MOST_AT_ONCE)?,
            },
            caller: RequestRate {
                per_second: one("caller_per_second", MOST_PER_SECOND)?,
                at_once: one("caller_at_once", MOST_AT_ONCE)?,
            },
        };
        let not_less = |key: &str, per_second: u32, at_once: u32| {
            let expected = "at least as many at once as per second";
            if at_once >= per_second {
                Ok(())
            } else {
                Err(PolicyError::Value { key: key.to_owned(), expected })
            }
        };
        not_less("at_once", terms.tenant.per_second, terms.tenant.at_once)?;
        not_less("caller_at_once", terms.caller.per_second, terms.caller.at_once)?;
        Ok(terms)
    }

    /// As keys and values.
    pub(super) fn pairs(&self) -> [(&'static str, i64); 4] {
        [
            ("per_second", self.tenant.per_second.into()),
            ("at_once", self.tenant.at_once.into()),
            ("caller_per_second", self.caller.per_second.into()),
            ("caller_at_once", self.caller.at_once.into()),
        ]
    }

    /// Every number of it, with its key.
    pub fn numbers(&self) -> [(&'static str, RequestRate); 2] {
        [("", self.tenant), ("caller_", self.caller)]
    }

    /// What a plan's limits say; a plan that names no rate leaves it to the rules. Whoever is alone in the tenant may
    /// use all of it.
    pub fn of_plan(limits: &[(String, i64)]) -> Option<Self> {
        let number = |name: &str| {
            let (_, number) = limits.iter().find(|(own, _)| own == name)?;
            u32::try_from(*number).ok().filter(|number| *number > 0)
        };
        let per_second = number(PLAN_PER_SECOND)?.min(MOST_PER_SECOND);
        let at_once = number(PLAN_AT_ONCE).unwrap_or(per_second.saturating_mul(10));
        let rate = RequestRate { per_second, at_once: at_once.clamp(per_second, MOST_AT_ONCE) };
        Some(Self { tenant: rate, caller: rate })
    }

    /// The same, but nothing above what the installation allows at most.
    #[must_use]
    pub fn at_most(self, most: RequestRate) -> Self {
        let within = |rate: RequestRate| RequestRate {
            per_second: rate.per_second.min(most.per_second),
            at_once: rate.at_once.min(most.at_once),
        };
        Self { tenant: within(self.tenant), caller: within(self.caller) }
    }
}

/// Who decided how often a tenant may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateSource {
    /// The provider's rule for this merchant.
    MerchantRule,
    /// The merchant's plan.
    Plan,
    /// The provider's rule for all its merchants.
    ProviderRule,
    /// A rule of the platform.
    PlatformRule,
    /// The installation's configuration.
    Installation,
}

impl RateSource {
    /// The word of the API and of the pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MerchantRule => "merchant_rule",
            Self::Plan => "plan",
            Self::ProviderRule => "provider_rule",
            Self::PlatformRule => "platform_rule",
            Self::Installation => "installation",
        }
    }
}

/// What holds for a merchant: a rule for it alone, else its plan, else a rule for all, else the installation's own.
/// Nothing but the installation's own goes above `most`.
pub fn request_rates(
    rules: &[PolicyRule],
    plan: &[(String, i64)],
    (provider, merchant): (TenantId, TenantId),
    at: Timestamp,
    (installation, most): (RateTerms, RequestRate),
) -> (RateTerms, RateSource) {
    let rule = resolve(rules, PolicyKind::RequestRate, provider, merchant, at).ok();
    let said = rule.and_then(|rule| match rule.params {
        PolicyParams::RequestRate(terms) => Some((terms, rule.scope)),
        _ => None,
    });
    let of_plan = || RateTerms::of_plan(plan).map(|terms| (terms.at_most(most), RateSource::Plan));
    match said {
        Some((terms, PolicyScope::Merchant(_))) => (terms.at_most(most), RateSource::MerchantRule),
        Some((terms, PolicyScope::Provider(_))) => {
            of_plan().unwrap_or((terms.at_most(most), RateSource::ProviderRule))
        }
        Some((terms, PolicyScope::Platform)) => {
            of_plan().unwrap_or((terms.at_most(most), RateSource::PlatformRule))
        }
        None => of_plan().unwrap_or((installation, RateSource::Installation)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RuleId, parse};
    use super::*;

    const AT: Timestamp = Timestamp::from_seconds(1_000);
    const MOST: RequestRate = RequestRate { per_second: 500, at_once: 5_000 };
    const OWN: RateTerms = RateTerms {
        tenant: RequestRate { per_second: 200, at_once: 2_000 },
        caller: RequestRate { per_second: 100, at_once: 1_000 },
    };

    fn tenant(number: u128) -> TenantId {
        TenantId(uuid::Uuid::from_u128(number))
    }

    fn rule(scope: PolicyScope, per_second: u32) -> PolicyRule {
        let rate = RequestRate { per_second, at_once: per_second * 10 };
        PolicyRule {
            id: RuleId(scope.as_str().to_owned()),
            scope,
            params: PolicyParams::RequestRate(RateTerms { tenant: rate, caller: rate }),
            effective_from: Timestamp::from_seconds(0),
            effective_to: None,
        }
    }

    #[test]
    fn the_nearest_word_decides_and_nothing_goes_above_the_bound() {
        let plan = vec![(PLAN_PER_SECOND.to_owned(), 30)];
        let (all, one) =
            (rule(PolicyScope::Provider(tenant(1)), 20), rule(PolicyScope::Merchant(tenant(2)), 40));
        let other = rule(PolicyScope::Merchant(tenant(3)), 1);
        let decide = |rules: &[PolicyRule], plan: &[(String, i64)]| {
            let (terms, source) = request_rates(rules, plan, (tenant(1), tenant(2)), AT, (OWN, MOST));
            (terms.tenant.per_second, source)
        };
        assert_eq!(decide(&[], &[]), (200, RateSource::Installation));
        assert_eq!(decide(&[rule(PolicyScope::Platform, 10)], &[]), (10, RateSource::PlatformRule));
        assert_eq!(decide(&[all.clone(), other.clone()], &[]), (20, RateSource::ProviderRule));
        assert_eq!(decide(std::slice::from_ref(&all), &plan), (30, RateSource::Plan));
        assert_eq!(decide(&[all, one], &plan), (40, RateSource::MerchantRule));
        assert_eq!(
            decide(&[rule(PolicyScope::Merchant(tenant(2)), 9_000)], &[]),
            (500, RateSource::MerchantRule)
        );
    }

    #[test]
    fn a_plan_says_what_may_come_at_once_or_ten_seconds_worth() {
        let plan = |pairs: &[(&str, i64)]| {
            let limits: Vec<(String, i64)> =
                pairs.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
            RateTerms::of_plan(&limits).map(|terms| (terms.tenant.per_second, terms.caller.at_once))
        };
        assert_eq!(plan(&[]), None);
        assert_eq!(plan(&[("shops", 3)]), None);
        assert_eq!(plan(&[(PLAN_PER_SECOND, 0)]), None, "nothing said is not: nothing allowed");
        assert_eq!(plan(&[(PLAN_PER_SECOND, 5)]), Some((5, 50)));
        assert_eq!(plan(&[(PLAN_PER_SECOND, 5), (PLAN_AT_ONCE, 7)]), Some((5, 7)));
        assert_eq!(plan(&[(PLAN_PER_SECOND, 5), (PLAN_AT_ONCE, 1)]), Some((5, 5)));
    }

    #[test]
    fn a_rule_is_read_with_its_bounds() {
        let read = |per_second: &str, at_once: &str| {
            let pairs = [
                ("per_second", per_second),
                ("at_once", at_once),
                ("caller_per_second", "1"),
                ("caller_at_once", "1"),
            ];
            parse(PolicyKind::RequestRate, &pairs.map(|(key, value)| (key.to_owned(), value.to_owned())))
        };
        assert!(read("10", "100").is_ok());
        for (per_second, at_once) in [("0", "5"), ("10", "9"), ("100001", "999999"), ("x", "1"), ("1", "0")] {
            assert!(read(per_second, at_once).is_err(), "{per_second} {at_once}");
        }
        let terms = read("10", "100").unwrap();
        assert_eq!(parse(PolicyKind::RequestRate, &terms.to_pairs()), Ok(terms));
    }
}
