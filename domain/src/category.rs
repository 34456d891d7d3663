//! Categories of a provider's tree: who may sell in them, and what a node must look like.
//!
//! The tree has three levels; products hang on any node that is open to the merchant. The deposit of a
//! node is what a shop that sells there has to keep (several categories: the maximum, not the sum).

use crate::error::FieldError;
use crate::money::{Fen, MAX_FEN};

/// Depth of the tree.
pub const LEVELS: i64 = 3;

words! {
    /// Who may sell in a category 类目准入.
    pub enum Admission {
        /// Anyone may 申请开放.
        Open = "open",
        /// Subjects the platform chose 定向准入.
        Targeted = "targeted",
        /// Only who was invited 定向招商.
        Invited = "invited",
        /// Nobody, for now 暂不开放.
        Closed = "closed",
    }
}

impl Admission {
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Open => "申请开放",
            Self::Targeted => "定向准入",
            Self::Invited => "定向招商",
            Self::Closed => "暂不开放",
        }
    }
    /// The word in English.
    pub const fn title_en(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Targeted => "Targeted",
            Self::Invited => "By invitation",
            Self::Closed => "Closed",
        }
    }
    /// Whether a merchant may choose it by itself.
    pub const fn may_be_chosen(self) -> bool {
        matches!(self, Self::Open)
    }
}

/// Everything that is wrong with a node.
pub fn node_errors(code: &str, name_zh: &str, name_en: &str, deposit: Fen) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if code.is_empty() || code.len() > 40 || !plain {
        errors.push(FieldError::new(
            "code",
            "characters",
            "expected 1 to 40 letters, digits, dots or hyphens",
            "编码需1至40个字母、数字、点或连字符",
        ));
    }
    for (path, name) in [("name_zh", name_zh), ("name_en", name_en)] {
        let count = name.chars().count();
        if count == 0 || count > 60 || name.trim() != name || name.contains('/') {
            errors.push(FieldError::new(
                path,
                "length",
                "expected 1 to 60 characters without /",
                "需1至60个字符，不含 /",
            ));
        }
    }
    if !(0..=MAX_FEN).contains(&deposit.get()) {
        errors.push(FieldError::new("deposit", "range", "expected 0 or more", "保证金不能为负"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes() {
        assert!(node_errors("10.01", "女装", "Women's wear", Fen::new(100_000)).is_empty());
        let errors = node_errors("a b", "", "a/b", Fen::new(-1));
        let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths, ["code", "name_zh", "name_en", "deposit"]);
        assert!(Admission::Open.may_be_chosen() && !Admission::Invited.may_be_chosen());
    }
}
