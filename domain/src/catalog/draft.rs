//! A product as typed or imported, and the rules it must meet before it is kept.

use super::ProductError;
use crate::error::FieldError;
use crate::ids::{CategoryId, MediaId};
use crate::money::{Fen, MAX_FEN};
use std::collections::BTreeSet;

/// Longest and shortest title, in characters.
pub const TITLE_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=60;
/// Most pictures.
pub const MAX_PICTURES: usize = 9;
/// Most specifications, such as colour and size.
pub const MAX_SPECIFICATIONS: usize = 3;
/// Most values of one specification.
pub const MAX_VALUES: usize = 50;
/// Most SKUs.
pub const MAX_SKUS: usize = 200;
/// Most pieces of a SKU.
pub const MAX_STOCK: i64 = 10_000_000;
/// Longest merchant code of a SKU or product, in characters.
pub const MAX_CODE: usize = 20;

/// A specification with its values, such as 颜色: 红, 蓝.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specification {
    /// Its name.
    pub name: String,
    /// Its values, in the order of show.
    pub values: Vec<String>,
}

/// A SKU of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuDraft {
    /// One value per specification, in their order; empty when there are none.
    pub values: Vec<String>,
    /// The price.
    pub price: Fen,
    /// Pieces on hand.
    pub stock: i64,
    /// The merchant's own code.
    pub code: Option<String>,
}

/// A product as typed or imported, before the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDraft {
    /// Title.
    pub title: String,
    /// Plain text.
    pub description: String,
    /// Pictures, the first is the cover.
    pub pictures: Vec<MediaId>,
    /// Category.
    pub category: Option<CategoryId>,
    /// The merchant's own code.
    pub code: Option<String>,
    /// Specifications.
    pub specifications: Vec<Specification>,
    /// SKUs; exactly one when there are no specifications, else one per combination.
    pub skus: Vec<SkuDraft>,
}

impl ProductDraft {
    /// Everything that is wrong with it; empty = it may be kept.
    pub fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.check_texts(&mut errors);
        self.check_specifications(&mut errors);
        self.check_skus(&mut errors);
        errors
    }
    /// Errors as a refusal.
    pub fn check(&self) -> Result<(), ProductError> {
        let errors = self.errors();
        if errors.is_empty() { Ok(()) } else { Err(ProductError::Fields(errors)) }
    }

    fn check_texts(&self, errors: &mut Vec<FieldError>) {
        let title = self.title.trim();
        if !TITLE_CHARACTERS.contains(&title.chars().count()) {
            errors.push(FieldError::new(
                "title",
                "length",
                "expected 3 to 60 characters",
                "标题需3至60个字符",
            ));
        } else if title.chars().any(char::is_control) {
            errors.push(FieldError::new(
                "title",
                "characters",
                "expected no control characters",
                "标题不能包含控制字符",
            ));
        } else if !title.chars().any(char::is_alphabetic) {
            errors.push(FieldError::new(
                "title",
                "characters",
                "expected some words",
                "标题不能只有数字或符号",
            ));
        }
        if self.description.chars().count() > 5000 {
            errors.push(FieldError::new(
                "description",
                "too_long",
                "expected at most 5000 characters",
                "描述最多5000个字符",
            ));
        }
        if self.pictures.len() > MAX_PICTURES {
            errors.push(FieldError::new(
                "pictures",
                "too_many",
                "expected at most 9 pictures",
                "图片最多9张",
            ));
        }
        if self.pictures.iter().collect::<BTreeSet<_>>().len() != self.pictures.len() {
            errors.push(FieldError::new("pictures", "duplicate", "a picture is there twice", "图片重复"));
        }
        check_code("code", self.code.as_deref(), errors);
    }

    fn check_specifications(&self, errors: &mut Vec<FieldError>) {
        if self.specifications.len() > MAX_SPECIFICATIONS {
            errors.push(FieldError::new(
                "specifications",
                "too_many",
                "expected at most 3 specifications",
                "规格最多3种",
            ));
        }
        let mut names = BTreeSet::new();
        for (index, specification) in self.specifications.iter().enumerate() {
            let path = format!("specifications[{index}]");
            check_word(&format!("{path}.name"), &specification.name, errors);
            if !names.insert(specification.name.as_str()) {
                errors.push(FieldError::new(
                    format!("{path}.name"),
                    "duplicate",
                    "the name is there twice",
                    "规格名重复",
                ));
            }
            if specification.values.is_empty() {
                errors.push(FieldError::required(format!("{path}.values")));
            }
            if specification.values.len() > MAX_VALUES {
                errors.push(FieldError::new(
                    format!("{path}.values"),
                    "too_many",
                    "expected at most 50 values",
                    "规格值最多50个",
                ));
            }
            let mut values = BTreeSet::new();
            for (position, value) in specification.values.iter().enumerate() {
                let path = format!("{path}.values[{position}]");
                check_word(&path, value, errors);
                if !values.insert(value.as_str()) {
                    errors.push(FieldError::new(path, "duplicate", "the value is there twice", "规格值重复"));
                }
            }
        }
    }

    fn check_skus(&self, errors: &mut Vec<FieldError>) {
        let expected = self
            .specifications
            .iter()
            .try_fold(1_usize, |count, specification| count.checked_mul(specification.values.len()))
            .unwrap_or(usize::MAX);
        if expected > MAX_SKUS || self.skus.len() > MAX_SKUS {
            errors.push(FieldError::new("skus", "too_many", "expected at most 200 SKUs", "SKU最多200个"));
            return;
        }
        let mut seen = BTreeSet::new();
        let mut codes = BTreeSet::new();
        for (index, sku) in self.skus.iter().enumerate() {
            let path = format!("skus[{index}]");
            let fits = sku.values.len() == self.specifications.len()
                && sku
                    .values
                    .iter()
                    .zip(&self.specifications)
                    .all(|(value, specification)| specification.values.contains(value));
            if !fits {
                errors.push(FieldError::new(
                    format!("{path}.values"),
                    "unknown_value",
                    "expected one value of each specification",
                    "规格值与商品规格不符",
                ));
            } else if !seen.insert(&sku.values) {
                errors.push(FieldError::new(
                    format!("{path}.values"),
                    "duplicate",
                    "this combination is there twice",
                    "规格组合重复",
                ));
            }
            check_price(&format!("{path}.price"), sku.price, errors);
            check_stock(&format!("{path}.stock"), sku.stock, errors);
            check_code(&format!("{path}.code"), sku.code.as_deref(), errors);
            if sku.code.as_deref().is_some_and(|code| !codes.insert(code)) {
                errors.push(FieldError::new(
                    format!("{path}.code"),
                    "duplicate",
                    "the code is there twice",
                    "编码重复",
                ));
            }
        }
        if seen.len() < expected {
            errors.push(FieldError::new(
                "skus",
                "incomplete",
                format!("expected {expected} combinations, {} are given", seen.len()),
                format!("应有{expected}个规格组合，目前{}个", seen.len()),
            ));
        }
    }
}

/// A price is more than nothing and not beyond what the ledger books.
pub fn check_price(path: &str, price: Fen, errors: &mut Vec<FieldError>) {
    if !(1..=MAX_FEN).contains(&price.get()) {
        errors.push(FieldError::new(path, "range", "expected a price of at least 0.01", "价格至少为0.01元"));
    }
}

/// Stock is 0 to ten million.
pub fn check_stock(path: &str, stock: i64, errors: &mut Vec<FieldError>) {
    if !(0..=MAX_STOCK).contains(&stock) {
        errors.push(FieldError::new(path, "range", "expected 0 to 10000000", "库存需在0至10000000之间"));
    }
}

fn check_code(path: &str, code: Option<&str>, errors: &mut Vec<FieldError>) {
    let Some(code) = code else { return };
    if code.is_empty() || code.chars().count() > MAX_CODE || code.chars().any(|c| c.is_control() || c == ' ')
    {
        errors.push(FieldError::new(
            path,
            "length",
            "expected 1 to 20 characters without blanks",
            "编码需1至20个字符，不含空格",
        ));
    }
}

fn check_word(path: &str, word: &str, errors: &mut Vec<FieldError>) {
    let count = word.chars().count();
    if count == 0 || count > 40 || word.trim() != word || word.chars().any(char::is_control) {
        errors.push(FieldError::new(path, "length", "expected 1 to 40 characters", "需1至40个字符"));
    }
}
