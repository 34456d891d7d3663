//! Products and their SKUs: the life of a product, and the rules a draft must meet before it is kept.
//!
//! Stock of a SKU is in [`crate::stock`]; a product published on an account is in [`crate::listing`].

use crate::error::{ErrorCode, FieldError};
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

words! {
    /// Where a product stands.
    pub enum ProductState {
        /// Being written.
        Draft = "draft",
        /// Checked by the provider before it is sold.
        Checking = "checking",
        /// Sold.
        OnSale = "on_sale",
        /// Not sold, by the merchant's will.
        OffSale = "off_sale",
        /// Not sold, against the merchant's will; the reason stands beside it.
        Withdrawn = "withdrawn",
        /// Gone; kept for orders that name it.
        Deleted = "deleted",
    }
}

impl ProductState {
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Draft => "草稿",
            Self::Checking => "审核中",
            Self::OnSale => "在售",
            Self::OffSale => "已下架",
            Self::Withdrawn => "已被下架",
            Self::Deleted => "已删除",
        }
    }
}

words! {
    /// Why a product was withdrawn.
    pub enum WithdrawnReason {
        /// The deposit is short 保证金不足.
        DepositShort = "deposit_short",
        /// The brand authorisation expired 品牌过期.
        BrandExpired = "brand_expired",
        /// A rule was broken 违规.
        Violation = "violation",
    }
}

/// What may be done with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductCommand {
    /// Put on sale; where the provider checks products first, it waits for that.
    PutOnSale(ProductCheck),
    /// The check went well.
    PassCheck,
    /// The check did not go well: back to draft.
    FailCheck,
    /// Take off sale.
    TakeOffSale,
    /// Withdraw.
    Withdraw(WithdrawnReason),
    /// The reason is gone: off sale, and the merchant decides.
    Reinstate,
    /// Delete.
    Delete,
}

/// Whether a provider checks products before they are sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductCheck {
    /// No: on sale at once.
    None,
    /// Yes.
    Required,
}

/// Why a product cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// The move does not exist in this state.
    #[error("the product is {0}")]
    WrongState(ProductState),
    /// Fields are wrong.
    #[error("{} fields are not valid", .0.len())]
    Fields(Vec<FieldError>),
}

impl ProductError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::WrongState(_) => ErrorCode::ProductWrongState,
            Self::Fields(_) => ErrorCode::InvalidField,
        }
    }
}

/// The next state of a product, with the reason when it is withdrawn.
pub fn decide(
    state: ProductState,
    command: ProductCommand,
) -> Result<(ProductState, Option<WithdrawnReason>), ProductError> {
    use ProductState::{Checking, Deleted, Draft, OffSale, OnSale, Withdrawn};
    let next = match (state, command) {
        (Draft | OffSale, ProductCommand::PutOnSale(ProductCheck::None)) => OnSale,
        (Draft | OffSale, ProductCommand::PutOnSale(ProductCheck::Required)) => Checking,
        (Checking, ProductCommand::PassCheck) => OnSale,
        (Checking, ProductCommand::FailCheck) => Draft,
        (OnSale | Checking, ProductCommand::TakeOffSale) => OffSale,
        (Draft | Checking | OnSale | OffSale, ProductCommand::Withdraw(reason)) => {
            return Ok((Withdrawn, Some(reason)));
        }
        (Withdrawn, ProductCommand::Reinstate) => OffSale,
        (Draft | OffSale | Withdrawn, ProductCommand::Delete) => Deleted,
        _ => return Err(ProductError::WrongState(state)),
    };
    Ok((next, None))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// `颜色=红,蓝;尺码=S,M` and `红/S:100:5;…` (values:price:stock[:code]).
    fn draft(title: &str, specifications: &str, skus: &str) -> ProductDraft {
        let list = |text: &str, by: char| -> Vec<String> {
            if text.is_empty() { vec![] } else { text.split(by).map(str::to_owned).collect() }
        };
        ProductDraft {
            title: title.into(),
            description: String::new(),
            pictures: vec![],
            category: None,
            code: None,
            specifications: list(specifications, ';')
                .into_iter()
                .map(|text| {
                    let (name, values) = text.split_once('=').unwrap();
                    Specification { name: name.into(), values: list(values, ',') }
                })
                .collect(),
            skus: list(skus, ';')
                .into_iter()
                .map(|text| {
                    let parts: Vec<_> = text.split(':').collect();
                    SkuDraft {
                        values: list(parts[0], '/'),
                        price: Fen::new(parts[1].parse().unwrap()),
                        stock: parts[2].parse().unwrap(),
                        code: parts.get(3).map(|code| (*code).to_owned()),
                    }
                })
                .collect(),
        }
    }

    fn check(title: &str, specifications: &str, skus: &str, expected: &str) {
        let got: Vec<_> = draft(title, specifications, skus)
            .errors()
            .into_iter()
            .map(|error| format!("{} {}", error.path, error.code))
            .collect();
        assert_eq!(got.join(", "), expected, "{title} | {specifications} | {skus}");
    }

    #[test]
    fn drafts() {
        check("高山乌龙茶", "", ":12800:10", "");
        check("Oolong", "", ":1:0:TEA-1", "");
        check("茶叶", "", ":1:0", "title length");
        check(&"茶".repeat(61), "", ":1:0", "title length");
        check("12345!", "", ":1:0", "title characters");
        check("高山乌龙茶", "", "", "skus incomplete");
        check("高山乌龙茶", "", ":1:0;:1:0", "skus[1].values duplicate");
        check("高山乌龙茶", "", ":0:0", "skus[0].price range");
        check("高山乌龙茶", "", ":-5:-1", "skus[0].price range, skus[0].stock range");
        check("高山乌龙茶", "", ":100000000000001:10000001", "skus[0].price range, skus[0].stock range");
        check("高山乌龙茶", "", ":1:0:123456789012345678901", "skus[0].code length");
        check("T 恤衫", "颜色=红,蓝;尺码=S,M", "红/S:1:0;红/M:1:0;蓝/S:1:0;蓝/M:1:0", "");
        check("T 恤衫", "颜色=红,蓝;尺码=S,M", "红/S:1:0;红/M:1:0;蓝/S:1:0", "skus incomplete");
        check("T 恤衫", "颜色=红,蓝", "红:1:0;红:1:0;蓝:1:0", "skus[1].values duplicate");
        check("T 恤衫", "颜色=红,蓝", "红:1:0;绿:1:0;蓝:1:0", "skus[1].values unknown_value");
        check("T 恤衫", "颜色=红,蓝", "红:1:0:A;蓝:1:0:A", "skus[1].code duplicate");
        check("T 恤衫", "颜色=红,红", "红:1:0", "specifications[0].values[1] duplicate, skus incomplete");
        check("T 恤衫", "颜色=红;颜色=蓝", "红/蓝:1:0", "specifications[1].name duplicate");
        check("T 恤衫", "颜色=", "", "specifications[0].values required");
        check("T 恤衫", "a=1;b=1;c=1;d=1", "1/1/1/1:1:0", "specifications too_many");
        let many = (0..15).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        check("T 恤衫", &format!("a={many};b={many}"), "", "skus too_many");
    }

    #[test]
    fn pictures() {
        let mut draft = draft("高山乌龙茶", "", ":1:0");
        draft.pictures = (0..10).map(|n| MediaId(Uuid::from_u128(n))).collect();
        assert_eq!(draft.errors().len(), 1);
        draft.pictures.truncate(9);
        assert_eq!(draft.check(), Ok(()));
        draft.pictures[8] = draft.pictures[0];
        assert_eq!(draft.errors()[0].code, "duplicate");
    }

    #[test]
    fn moves() {
        use ProductCommand::*;
        use ProductState::*;
        let violation = WithdrawnReason::Violation;
        for (state, command, expected) in [
            (Draft, PutOnSale(ProductCheck::None), Some((OnSale, None))),
            (Draft, PutOnSale(ProductCheck::Required), Some((Checking, None))),
            (Checking, PassCheck, Some((OnSale, None))),
            (Checking, FailCheck, Some((Draft, None))),
            (OnSale, TakeOffSale, Some((OffSale, None))),
            (OffSale, PutOnSale(ProductCheck::None), Some((OnSale, None))),
            (OnSale, Withdraw(violation), Some((Withdrawn, Some(violation)))),
            (Withdrawn, PutOnSale(ProductCheck::None), None),
            (Withdrawn, Reinstate, Some((OffSale, None))),
            (OnSale, Delete, None),
            (OffSale, Delete, Some((Deleted, None))),
            (Deleted, PutOnSale(ProductCheck::None), None),
            (Deleted, Withdraw(violation), None),
        ] {
            assert_eq!(decide(state, command).ok(), expected, "{state} {command:?}");
        }
    }
}
