//! Who a merchant is: subject kinds, the two official numbers and the naming rules of a shop.
//!
//! Every number is a newtype that can only be made by parsing, so code that holds one knows that its
//! check digit is right. Whether the number belongs to the person is for the reviewer to say.
//! The application that collects these facts is in [`crate::onboarding`].

use crate::error::ErrorCode;
use crate::time::{Span, Timestamp};
use jiff::civil::Date;
use std::fmt;

mod naming;
pub use naming::{
    RULE_NAME_BRAND, RULE_NAME_SHAPE, ShopName, ShopNameError, ShopSlug, ShopSlugError, is_invisible,
};

words! {
    /// The legal kind of a merchant.
    pub enum SubjectKind {
        /// 企业.
        Enterprise = "enterprise",
        /// 个体工商户.
        IndividualBusiness = "individual_business",
        /// 个人.
        Personal = "personal",
    }
}

impl SubjectKind {
    /// Whether the kind has a business licence and so a unified social credit code.
    pub const fn has_licence(self) -> bool {
        matches!(self, Self::Enterprise | Self::IndividualBusiness)
    }
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Enterprise => "企业",
            Self::IndividualBusiness => "个体工商户",
            Self::Personal => "个人",
        }
    }
}

/// Why a text is not a unified social credit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreditCodeError {
    /// Not 18 characters.
    #[error("expected 18 characters")]
    Length,
    /// A character outside the set (I, O, S, V and Z are never used).
    #[error("expected digits and capital letters without I, O, S, V and Z")]
    Character,
    /// The department is 0 or the region (characters 3 to 8) is not six digits.
    #[error("expected a department and a region of six digits")]
    Structure,
    /// The last character does not fit.
    #[error("the check digit does not fit")]
    CheckDigit,
}

impl CreditCodeError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::CreditCodeInvalid
    }
}

/// A unified social credit code 统一社会信用代码 with a right check digit (GB 32100-2015).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CreditCode(String);

impl CreditCode {
    const SET: &'static str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

    /// Reads a code. Small letters are taken for capitals; nothing else is repaired.
    pub fn parse(text: &str) -> Result<Self, CreditCodeError> {
        let text = text.to_ascii_uppercase();
        if text.chars().count() != 18 {
            return Err(CreditCodeError::Length);
        }
        let mut sum = 0;
        let mut weight = 1;
        let mut last = 0;
        for (index, character) in text.chars().enumerate() {
            let value = Self::SET.find(character).ok_or(CreditCodeError::Character)?;
            if index < 17 {
                sum = (sum + value * weight) % 31;
                weight = weight * 3 % 31;
            } else {
                last = value;
            }
        }
        let region = text.chars().skip(2).take(6);
        if text.starts_with('0') || region.into_iter().any(|c| !c.is_ascii_digit()) {
            return Err(CreditCodeError::Structure);
        }
        if last != (31 - sum) % 31 {
            return Err(CreditCodeError::CheckDigit);
        }
        Ok(Self(text))
    }
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CreditCode({})", self.0)
    }
}

/// Why a text is not an ID card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdCardError {
    /// Not 18 characters.
    #[error("expected 18 characters")]
    Length,
    /// Something other than 17 digits and a digit or X.
    #[error("expected 17 digits and a last digit or X")]
    Character,
    /// The first two digits are no province.
    #[error("the first two digits are no province")]
    Region,
    /// The day of birth does not exist, lies ahead, or is more than 130 years back.
    #[error("the date of birth is not plausible")]
    Birth,
    /// The last character does not fit.
    #[error("the check digit does not fit")]
    CheckDigit,
}

impl IdCardError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::IdCardInvalid
    }
}

/// A resident ID card number 公民身份号码 with a right check digit (GB 11643-1999).
///
/// `Debug` and [`Self::masked`] never show the whole number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdCardNumber {
    text: String,
    birth: Date,
}

impl IdCardNumber {
    const PROVINCES: &'static [&'static str] = &[
        "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42",
        "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
        "83", "91",
    ];

    /// Reads a number; `now` bounds the date of birth.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, IdCardError> {
        let text = text.to_ascii_uppercase();
        if text.chars().count() != 18 {
            return Err(IdCardError::Length);
        }
        let mut sum: u32 = 0;
        let mut last: u32 = 0;
        for (index, character) in text.chars().enumerate() {
            let value = match character {
                '0'..='9' => u32::from(character) - u32::from('0'),
                'X' if index == 17 => 10,
                _ => return Err(IdCardError::Character),
            };
            // The weights are 2^(17 - index) mod 11.
            if index < 17 {
                sum += value * ((1 << (17 - index)) % 11);
            } else {
                last = value;
            }
        }
        if !Self::PROVINCES.iter().any(|province| text.starts_with(province)) {
            return Err(IdCardError::Region);
        }
        let birth = Self::birth_in(&text).ok_or(IdCardError::Birth)?;
        let today = china_date(now).ok_or(IdCardError::Birth)?;
        if birth > today || i32::from(today.year()) - i32::from(birth.year()) > 130 {
            return Err(IdCardError::Birth);
        }
        if last != (12 - sum % 11) % 11 {
            return Err(IdCardError::CheckDigit);
        }
        Ok(Self { text, birth })
    }
    /// Reads a number that was parsed before and stored: the same checks without a `now`.
    pub fn stored(text: &str) -> Result<Self, IdCardError> {
        let birth = Self::birth_in(text).ok_or(IdCardError::Birth)?;
        Ok(Self { text: text.to_owned(), birth })
    }
    fn birth_in(text: &str) -> Option<Date> {
        let year = text.get(6..10)?.parse().ok()?;
        let month = text.get(10..12)?.parse().ok()?;
        let day = text.get(12..14)?.parse().ok()?;
        Date::new(year, month, day).ok()
    }
    /// The 18 characters: personal data; seal it at rest, never log it.
    pub fn reveal(&self) -> &str {
        &self.text
    }
    /// The day of birth.
    pub fn birth(&self) -> Date {
        self.birth
    }
    /// What pages show: `110***********002X`.
    pub fn masked(&self) -> String {
        let head = self.text.get(..3).unwrap_or_default();
        let tail = self.text.get(14..).unwrap_or_default();
        format!("{head}***********{tail}")
    }
}

impl fmt::Debug for IdCardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdCardNumber({})", self.masked())
    }
}

/// The calendar day in China (UTC+8, no summer time since 1991) at a moment.
pub fn china_date(now: Timestamp) -> Option<Date> {
    let shifted = now.plus(Span::hours(8));
    let moment = jiff::Timestamp::from_microsecond(shifted.micros()).ok()?;
    Some(jiff::tz::TimeZone::UTC.to_datetime(moment).date())
}

/// The text is not a mobile number of the mainland.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 11 digits beginning with 13 to 19")]
pub struct PhoneError;

impl PhoneError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::PhoneInvalid
    }
}

/// A mobile number of the mainland, 11 digits. `Debug` shows it masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number; a `+86` in front is dropped.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix("+86").unwrap_or(text);
        let mut bytes = digits.bytes();
        let head = (bytes.next(), bytes.next());
        let good = digits.len() == 11
            && digits.bytes().all(|b| b.is_ascii_digit())
            && matches!(head, (Some(b'1'), Some(b'3'..=b'9')));
        good.then(|| Self(digits.to_owned())).ok_or(PhoneError)
    }
    /// The 11 digits.
    pub fn reveal(&self) -> &str {
        &self.0
    }
    /// What pages show: `138****0000`.
    pub fn masked(&self) -> String {
        let head = self.0.get(..3).unwrap_or_default();
        let tail = self.0.get(7..).unwrap_or_default();
        format!("{head}****{tail}")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T03:00:00Z".parse().unwrap()
    }

    #[test]
    fn credit_codes() {
        use CreditCodeError::*;
        for (text, expected) in [
            ("91350100M000100Y43", Ok("91350100M000100Y43")),
            ("91350100m000100y43", Ok("91350100M000100Y43")),
            ("91350100M000100Y44", Err(CheckDigit)),
            ("91350100M000100Y34", Err(CheckDigit)),
            ("91350100M000100Y4", Err(Length)),
            ("91350100M000100I43", Err(Character)),
            ("９1350100M000100Y43", Err(Character)),
            ("000000000000000000", Err(Structure)),
            ("", Err(Length)),
        ] {
            assert_eq!(
                CreditCode::parse(text).as_ref().map(CreditCode::as_str),
                expected.as_ref().copied(),
                "{text}"
            );
        }
    }

    #[test]
    fn id_cards() {
        use IdCardError::*;
        for (text, expected) in [
            ("11010519491231002X", Ok("110***********002X")),
            ("11010519491231002x", Ok("110***********002X")),
            ("110105194912310021", Err(CheckDigit)),
            ("110105194902300025", Err(Birth)),
            ("440524188001010014", Err(Birth)),
            ("11010520270101002X", Err(Birth)),
            ("99010519491231002X", Err(Region)),
            ("1101051949123100X2", Err(Character)),
            ("1101051949123100", Err(Length)),
        ] {
            let got = IdCardNumber::parse(text, now()).map(|number| number.masked());
            assert_eq!(got.as_deref(), expected.as_ref().copied(), "{text}");
        }
        let shown = format!("{:?}", IdCardNumber::parse("11010519491231002X", now()));
        assert!(!shown.contains("19491231"), "{shown}");
    }

    #[test]
    fn phones() {
        assert_eq!(Phone::parse("+8613800000000").map(|p| p.masked()).as_deref(), Ok("138****0000"));
        for bad in ["", "1380000000", "12800000000", "138000000001", "1380000000a", "１３８00000000"] {
            assert_eq!(Phone::parse(bad), Err(PhoneError), "{bad}");
        }
    }
}
