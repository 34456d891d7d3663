//! The two languages of the product and how a request asks for one: `?lang=`, then the cookie the
//! language switch sets, then `Accept-Language`, then the configured default.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// For templates' folders, cookies and configuration.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
    /// For the `lang` attribute, where script matters to fonts and screen readers.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-Hans",
            Self::En => "en",
        }
    }
    /// One of two texts.
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
    /// From a code or a longer tag such as `zh-CN`.
    pub fn parse(text: &str) -> Option<Self> {
        let primary = text.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| primary.eq_ignore_ascii_case(lang.code()))
    }
    /// The best of an `Accept-Language` header: the supported tag with the highest weight.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(Self, u32)> = None;
        for part in header.split(',').take(20) {
            let mut pieces = part.split(';');
            let Some(lang) = pieces.next().and_then(Self::parse) else { continue };
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(1000, thousandths);
            if weight > 0 && best.is_none_or(|(_, other)| weight > other) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }
}

/// A weight `0`, `0.8`, `1.000` in thousandths; unreadable ones count as nothing.
fn thousandths(text: &str) -> u32 {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(part)) => (whole.min(1) * 1000 + part).min(1000),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_the_best_supported_language() {
        for (header, expected) in [
            ("en-US,en;q=0.9,zh-CN;q=0.8", Some(Lang::En)),
            ("fr, zh-TW;q=0.7, en;q=0.3", Some(Lang::Zh)),
            ("en;q=0, zh;q=0.1", Some(Lang::Zh)),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(Lang::accepted(header), expected, "{header}");
        }
    }
}
