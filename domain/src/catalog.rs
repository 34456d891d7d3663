//! Products and their SKUs: the life of a product, and the rules a draft must meet before it is kept.
//!
//! Stock of a SKU is in [`crate::stock`]; a product published on an account is in [`crate::listing`].

use crate::error::{ErrorCode, FieldError};

mod draft;
pub use draft::{
    MAX_CODE, MAX_PICTURES, MAX_SKUS, MAX_SPECIFICATIONS, MAX_STOCK, MAX_VALUES, ProductDraft, SkuDraft,
    Specification, TITLE_CHARACTERS, check_price, check_stock,
};

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

#[cfg(test)]
mod tests;
