//! What a shop may be called and where it may live: the naming rule, registered brands, the address.

use crate::error::ErrorCode;
use crate::ids::ShopId;

/// The rule that a brand in a shop name needs an accepted authorisation.
pub const RULE_NAME_BRAND: &str = "shop_name.brand_authorisation";
/// The rule about length and characters of a shop name.
pub const RULE_NAME_SHAPE: &str = "shop_name.shape";

/// Why a name is refused for a shop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShopNameError {
    /// Fewer than 2 or more than 30 characters.
    #[error("expected 2 to 30 characters")]
    Length,
    /// A blank at the beginning or the end.
    #[error("expected no blank at the beginning or the end")]
    Blank,
    /// A control or invisible character.
    #[error("expected no control or invisible characters")]
    Control,
    /// No letter and no digit at all (only emoji or signs).
    #[error("expected at least one letter or digit")]
    NoLetter,
    /// The name contains a registered brand without an accepted authorisation.
    #[error("the name contains the brand {0}, which needs an authorisation")]
    Brand(String),
}

impl ShopNameError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Brand(_) => ErrorCode::ShopNameNeedsBrand,
            _ => ErrorCode::ShopNameInvalid,
        }
    }
    /// The rule that refused.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Brand(_) => RULE_NAME_BRAND,
            _ => RULE_NAME_SHAPE,
        }
    }
}

/// A shop name that passed the rule on length and characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ShopName(String);

impl ShopName {
    /// Reads a name; checks its shape only. See [`Self::check_brands`].
    pub fn parse(text: &str) -> Result<Self, ShopNameError> {
        if !(2..=30).contains(&text.chars().count()) {
            return Err(ShopNameError::Length);
        }
        if text.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(ShopNameError::Control);
        }
        if text.trim() != text {
            return Err(ShopNameError::Blank);
        }
        if !text.chars().any(char::is_alphanumeric) {
            return Err(ShopNameError::NoLetter);
        }
        Ok(Self(text.to_owned()))
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The form under which names are unique within a provider: small letters, full-width letters and
    /// digits as half-width, no blanks.
    pub fn uniqueness_key(&self) -> String {
        folded(&self.0)
    }
    /// Refuses a name that contains a registered brand which is not among the authorised ones.
    pub fn check_brands(&self, registered: &[&str], authorised: &[&str]) -> Result<(), ShopNameError> {
        let key = self.uniqueness_key();
        let authorised: Vec<String> = authorised.iter().map(|brand| folded(brand)).collect();
        for brand in registered {
            let folded = folded(brand);
            if !folded.is_empty() && key.contains(&folded) && !authorised.contains(&folded) {
                return Err(ShopNameError::Brand((*brand).to_owned()));
            }
        }
        Ok(())
    }
}

fn folded(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            other => other,
        })
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a character shows nothing, or turns the direction of what stands beside it.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200C}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFD}' | '\u{E000}'..='\u{F8FF}')
}

/// The text cannot be the address of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShopSlugError {
    /// Not 3 to 40 of a–z, 0–9 and single hyphens inside.
    #[error("expected 3 to 40 of a-z, 0-9 and single hyphens inside")]
    Shape,
    /// A word that the installation needs for itself.
    #[error("this address is reserved")]
    Reserved,
}

impl ShopSlugError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::ShopSlugInvalid
    }
}

/// The address of a shop in `/s/{shop}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ShopSlug(String);

impl ShopSlug {
    const RESERVED: &'static [&'static str] = &[
        "admin", "api", "assets", "console", "docs", "healthz", "hooks", "login", "metrics", "new", "readyz",
        "static", "www",
    ];

    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, ShopSlugError> {
        let good = (3..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if !good {
            return Err(ShopSlugError::Shape);
        }
        if Self::RESERVED.contains(&text) {
            return Err(ShopSlugError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
    /// An address for a shop that chose none: the Latin part of its name and the end of its id.
    pub fn suggest(name: &ShopName, shop: ShopId) -> Self {
        let mut latin = String::new();
        for c in folded(name.as_str()).chars().filter(char::is_ascii_alphanumeric).take(24) {
            latin.push(c);
        }
        let head = if latin.is_empty() { "shop" } else { latin.as_str() };
        let id = shop.0.simple().to_string();
        Self(format!("{head}-{}", id.get(24..).unwrap_or_default()))
    }
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shop_names() {
        use ShopNameError::*;
        for (text, expected) in [
            ("山里茶铺", Ok(())),
            ("Tea 88", Ok(())),
            ("茶", Err(Length)),
            (&"茶".repeat(31), Err(Length)),
            (" 茶铺", Err(Blank)),
            ("茶铺\u{3000}", Err(Blank)),
            ("茶\n铺", Err(Control)),
            ("茶\u{202E}铺", Err(Control)),
            ("🍵🍵🍵", Err(NoLetter)),
            ("ＡＣＭＥ 旗舰店", Err(Brand("Acme".into()))),
            ("Lumen 专卖", Ok(())),
        ] {
            let got =
                ShopName::parse(text).and_then(|name| name.check_brands(&["Acme", "Lumen"], &["lumen"]));
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn shop_addresses() {
        for (text, expected) in [
            ("tea-88", Ok(())),
            ("ab", Err(ShopSlugError::Shape)),
            ("Tea", Err(ShopSlugError::Shape)),
            ("-tea", Err(ShopSlugError::Shape)),
            ("tea--88", Err(ShopSlugError::Shape)),
            ("console", Err(ShopSlugError::Reserved)),
        ] {
            assert_eq!(ShopSlug::parse(text).map(|_| ()), expected, "{text}");
        }
        let shop = ShopId(uuid::Uuid::from_u128(0x1234_5678));
        for name in ["山里茶铺", "Tea 88"] {
            let slug = ShopSlug::suggest(&ShopName::parse(name).unwrap(), shop);
            assert_eq!(ShopSlug::parse(slug.as_str()).as_ref(), Ok(&slug));
        }
    }
}
