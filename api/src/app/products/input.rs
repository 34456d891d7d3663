//! A product as a caller gives it, before the checks.

use qianpu_domain::catalog::Specification;
use qianpu_domain::ids::{CategoryId, MediaId, SkuId};
use qianpu_domain::money::Fen;

/// A product.
#[derive(Debug, Clone, Default)]
pub struct ProductInput {
    pub title: String,
    pub subtitle: String,
    pub description: String,
    pub category: Option<CategoryId>,
    pub code: Option<String>,
    /// The first is the cover.
    pub pictures: Vec<MediaId>,
    pub specifications: Vec<Specification>,
    pub skus: Vec<SkuInput>,
}

/// A SKU.
#[derive(Debug, Clone)]
pub struct SkuInput {
    /// The SKU it is, when it is known; else it is found by its values.
    pub id: Option<SkuId>,
    /// One value per specification.
    pub values: Vec<String>,
    pub price: Fen,
    pub market_price: Option<Fen>,
    pub code: Option<String>,
    pub barcode: Option<String>,
    pub weight_g: Option<i64>,
    pub stock: StockInput,
}

/// What becomes of the stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockInput {
    /// An existing SKU keeps it, a new one has none.
    Keep,
    /// A new SKU opens with this. Refused for an existing one: a count that is old by now must not
    /// overwrite what orders did meanwhile.
    Open(i64),
    /// An existing SKU gains or loses this; a new one opens with it.
    Change(i64),
}

impl StockInput {
    pub(super) const fn opening(self) -> i64 {
        match self {
            Self::Keep => 0,
            Self::Open(pieces) | Self::Change(pieces) => pieces,
        }
    }
}
