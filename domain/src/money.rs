//! Money: integer minor units with a currency. No floats anywhere (specification: billing_ledger §3.3,
//! rules R1 and R2).

use std::fmt;

/// The only currency of this release; the type is here so that amounts of two currencies never meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Currency {
    /// Renminbi; minor unit fen 分.
    Cny,
}

impl Currency {
    /// ISO 4217 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
        }
    }
    /// From an ISO 4217 code.
    pub fn from_code(code: &str) -> Option<Self> {
        (code == "CNY").then_some(Self::Cny)
    }
}

/// The largest amount a journal leg, price or limit may have: 10^14 fen (R11).
pub const MAX_FEN: i64 = 100_000_000_000_000;

/// An amount of fen. May be negative in differences; prices and legs check their own range.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct Fen(i64);

/// Arithmetic left the range of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is out of range")]
pub struct MoneyOverflow;

#[expect(clippy::should_implement_trait, reason = "the operators would hide that every sum is checked (R1)")]
impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// From fen.
    pub const fn new(fen: i64) -> Self {
        Self(fen)
    }
    /// In fen.
    pub const fn get(self) -> i64 {
        self.0
    }
    /// Checked sum.
    pub fn add(self, other: Self) -> Result<Self, MoneyOverflow> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyOverflow)
    }
    /// Checked difference.
    pub fn sub(self, other: Self) -> Result<Self, MoneyOverflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyOverflow)
    }
    /// Checked multiple.
    pub fn times(self, factor: i64) -> Result<Self, MoneyOverflow> {
        self.0.checked_mul(factor).map(Self).ok_or(MoneyOverflow)
    }
    /// Checked sum of many.
    pub fn sum(parts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyOverflow> {
        parts.into_iter().try_fold(Self::ZERO, Self::add)
    }
    /// `self · numerator / denominator`, multiplied first, rounded once, half away from zero (R2).
    ///
    /// Errors when the denominator is not positive or the result leaves the range.
    pub fn ratio(self, numerator: i64, denominator: i64) -> Result<Self, MoneyOverflow> {
        if denominator <= 0 {
            return Err(MoneyOverflow);
        }
        let product = i128::from(self.0) * i128::from(numerator);
        let half_up = (product.unsigned_abs() * 2 + u128::from(denominator.unsigned_abs()))
            / (u128::from(denominator.unsigned_abs()) * 2);
        let signed = i128::try_from(half_up).map_err(|_| MoneyOverflow)? * product.signum();
        i64::try_from(signed).map(Self).map_err(|_| MoneyOverflow)
    }
    /// A share in parts per million (R2).
    pub fn ppm(self, ppm: i64) -> Result<Self, MoneyOverflow> {
        self.ratio(ppm, 1_000_000)
    }
}

impl fmt::Display for Fen {
    /// In yuan with two digits and thousands separators: `1,234.56`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let yuan = (magnitude / 100).to_string();
        let mut grouped = String::with_capacity(yuan.len() + yuan.len() / 3);
        for (index, digit) in yuan.chars().enumerate() {
            if index > 0 && (yuan.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{grouped}.{:02}", magnitude % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero_once() {
        for (fen, numerator, denominator, expected) in [
            (199_900, 6, 106, 11_315),
            (9_800, 2, 100, 196),
            (1, 1, 2, 1),
            (-1, 1, 2, -1),
            (3, 1, 2, 2),
            (12_345, 45, 10, 55_553),
            (0, 7, 9, 0),
        ] {
            assert_eq!(
                Fen::new(fen).ratio(numerator, denominator),
                Ok(Fen::new(expected)),
                "{fen}·{numerator}/{denominator}"
            );
        }
        assert_eq!(Fen::new(i64::MAX).ratio(2, 1), Err(MoneyOverflow));
        assert_eq!(Fen::new(1).ratio(1, 0), Err(MoneyOverflow));
    }

    #[test]
    fn shows_yuan() {
        assert_eq!(Fen::new(123_456).to_string(), "1,234.56");
        assert_eq!(Fen::new(-5).to_string(), "-0.05");
        assert_eq!(Fen::new(100_000_000_000).to_string(), "1,000,000,000.00");
    }
}
