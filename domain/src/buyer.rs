//! Buyers: shoppers of one shop, known by a phone or by a channel's open id.

use crate::error::FieldError;

words! {
    /// What became of a buyer.
    pub enum BuyerState {
        /// May sign in.
        Active = "active",
        /// The personal data was erased; orders and amounts stay.
        Erased = "erased",
    }
}

words! {
    /// Whether a buyer is joined with the same person's rows in other shops of the provider.
    pub enum PersonLink {
        /// Not joined: the provider does not, or nothing was there to join by.
        None = "none",
        /// Joined; the buyer was told.
        Linked = "linked",
        /// The buyer does not want it.
        Refused = "refused",
    }
}

words! {
    /// How a buyer proved who they are.
    pub enum SignInMethod {
        /// A code sent to the phone.
        Phone = "phone",
        /// The authorisation page of a channel.
        Channel = "channel",
    }
}

words! {
    /// What a session is for.
    pub enum BuyerSessionKind {
        /// A cookie of the shop's pages.
        Browser = "browser",
        /// A bearer token.
        Api = "api",
    }
}

/// How many digits a code has.
pub const CODE_DIGITS: usize = 6;

/// A code of [`CODE_DIGITS`] digits out of 64 random bits; the bias of the remainder is below 10⁻¹³.
pub fn code_of(random: u64) -> String {
    format!("{:06}", random % 1_000_000)
}

/// Whether a text can be a code at all.
pub fn is_code(text: &str) -> bool {
    text.len() == CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Longest name of a buyer, in characters.
pub const NAME_LONGEST: usize = 40;

/// A buyer's name as typed: trimmed, one line, bounded; empty takes the name away.
pub fn buyer_name(text: &str) -> Result<String, FieldError> {
    let name = text.trim();
    if name.chars().count() > NAME_LONGEST {
        let (en, zh) = (format!("at most {NAME_LONGEST} characters"), format!("最多 {NAME_LONGEST} 个字"));
        return Err(FieldError::new("name", "too_long", en, zh));
    }
    if name.chars().any(char::is_control) {
        return Err(FieldError::new(
            "name",
            "characters",
            "letters and digits in one line",
            "请勿使用特殊字符",
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_six_digits() {
        for (random, code) in [(0, "000000"), (7, "000007"), (1_000_042, "000042"), (u64::MAX, "551615")] {
            assert_eq!(code_of(random), code);
            assert!(is_code(code));
        }
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert!(!is_code(bad), "{bad}");
        }
    }

    #[test]
    fn names_are_one_line_of_bounded_length() {
        assert_eq!(buyer_name("  林小满 ").as_deref(), Ok("林小满"));
        assert_eq!(buyer_name("").as_deref(), Ok(""));
        assert!(buyer_name(&"长".repeat(41)).is_err());
        assert!(buyer_name("a\nb").is_err());
    }
}
