//! Products and SKUs on the wire.

use crate::app::products::input::{ProductInput, SkuInput, StockInput};
use crate::app::products::{ProductDetail, ProductSummary, SkuDetail};
use crate::error::{Answer, ApiError};
use crate::http::wire::{Id, Money, Time};
use qianpu_domain::catalog::Specification;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{CategoryId, MediaId, SkuId};
use qianpu_domain::money::Fen;
use qianpu_domain::stock::StockLevel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductView {
    id: String,
    shop_id: String,
    category_id: Option<String>,
    /// From the top of the tree to the product's category.
    category_path: Vec<CategoryStep>,
    code: Option<String>,
    title: String,
    subtitle: String,
    description: String,
    /// `draft`, `checking`, `on_sale`, `off_sale` or `withdrawn`.
    state: &'static str,
    withdrawn_reason: Option<&'static str>,
    /// Ids of the pictures, the first is the cover.
    pictures: Vec<String>,
    specifications: Vec<SpecificationBody>,
    skus: Vec<SkuView>,
    /// Changes of content so far; give it back as `If-Match` or `version`.
    version: i64,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = String)]
    updated_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct CategoryStep {
    id: String,
    name_zh: String,
    name_en: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkuView {
    id: String,
    product_id: String,
    /// One per specification of the product.
    values: Vec<String>,
    price: Money,
    /// The crossed-out price.
    market_price: Option<Money>,
    code: Option<String>,
    barcode: Option<String>,
    weight_g: Option<i64>,
    stock: StockView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockView {
    /// In the merchant's hands.
    on_hand: i64,
    /// Of these, promised to orders.
    held: i64,
    /// What may still be promised.
    available: i64,
    /// Sold so far.
    sold: i64,
}

impl From<StockLevel> for StockView {
    fn from(level: StockLevel) -> Self {
        Self { on_hand: level.on_hand, held: level.held, available: level.available(), sold: level.sold }
    }
}

impl From<SkuDetail> for SkuView {
    fn from(SkuDetail { sku, level }: SkuDetail) -> Self {
        Self {
            id: sku.id.to_string(),
            product_id: sku.product.to_string(),
            values: sku.values,
            price: sku.price.into(),
            market_price: sku.market_price.map(Money::from),
            code: sku.code,
            barcode: sku.barcode,
            weight_g: sku.weight_g,
            stock: level.into(),
        }
    }
}

impl From<ProductDetail> for ProductView {
    fn from(detail: ProductDetail) -> Self {
        let ProductDetail { product, pictures, skus, category_path } = detail;
        let step = |category: qianpu_tenants::store::category::Category| CategoryStep {
            id: category.id.to_string(),
            name_zh: category.name_zh,
            name_en: category.name_en,
        };
        Self {
            id: product.id.to_string(),
            shop_id: product.shop.to_string(),
            category_id: product.category.map(|id| id.to_string()),
            category_path: category_path.into_iter().map(step).collect(),
            code: product.code,
            title: product.title,
            subtitle: product.subtitle,
            description: product.description,
            state: product.state.as_str(),
            withdrawn_reason: product.withdrawn_reason.map(|reason| reason.as_str()),
            pictures: pictures.iter().map(ToString::to_string).collect(),
            specifications: product.specifications.into_iter().map(SpecificationBody::from).collect(),
            skus: skus.into_iter().map(SkuView::from).collect(),
            version: product.version,
            created_at: Time(product.created_at),
            updated_at: Time(product.updated_at),
        }
    }
}

/// A product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductSummaryView {
    id: String,
    shop_id: String,
    category_id: Option<String>,
    code: Option<String>,
    title: String,
    /// `draft`, `checking`, `on_sale`, `off_sale` or `withdrawn`.
    state: &'static str,
    withdrawn_reason: Option<&'static str>,
    /// Id of the first picture.
    cover: Option<String>,
    price_min: Money,
    price_max: Money,
    sku_count: i64,
    /// Over all SKUs.
    stock: StockView,
    version: i64,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = String)]
    updated_at: Time,
}

impl From<ProductSummary> for ProductSummaryView {
    fn from(ProductSummary { product, cover, totals }: ProductSummary) -> Self {
        Self {
            id: product.id.to_string(),
            shop_id: product.shop.to_string(),
            category_id: product.category.map(|id| id.to_string()),
            code: product.code,
            title: product.title,
            state: product.state.as_str(),
            withdrawn_reason: product.withdrawn_reason.map(|reason| reason.as_str()),
            cover: cover.map(|id| id.to_string()),
            price_min: totals.price_min.into(),
            price_max: totals.price_max.into(),
            sku_count: totals.skus,
            stock: StockLevel { on_hand: totals.on_hand, held: totals.held, sold: totals.sold }.into(),
            version: product.version,
            created_at: Time(product.created_at),
            updated_at: Time(product.updated_at),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpecificationBody {
    /// Such as 颜色.
    name: String,
    /// In the order they are shown.
    values: Vec<String>,
}

impl From<Specification> for SpecificationBody {
    fn from(Specification { name, values }: Specification) -> Self {
        Self { name, values }
    }
}

/// A product to make or to change. Fields left out are empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductBody {
    title: String,
    #[serde(default)]
    subtitle: String,
    #[serde(default)]
    description: String,
    #[schema(value_type = Option<String>)]
    category_id: Option<Id<CategoryId>>,
    /// The merchant's own code, unique in the shop.
    code: Option<String>,
    /// Ids of uploaded pictures, the first is the cover.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pictures: Vec<Id<MediaId>>,
    #[serde(default)]
    specifications: Vec<SpecificationBody>,
    /// One per combination of specification values; exactly one without specifications.
    skus: Vec<SkuBody>,
    /// The version that was seen; `If-Match` says the same.
    version: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SkuBody {
    /// When changing a product; without it the SKU is found by its values.
    #[schema(value_type = Option<String>)]
    id: Option<Id<SkuId>>,
    #[serde(default)]
    values: Vec<String>,
    price: Money,
    market_price: Option<Money>,
    code: Option<String>,
    barcode: Option<String>,
    weight_g: Option<i64>,
    /// Pieces on hand of a new SKU; an existing SKU's stock is changed at `/stock/{sku_id}`.
    stock: Option<i64>,
}

impl ProductBody {
    /// The command and the version that was seen.
    pub(super) fn input(self) -> Answer<(ProductInput, Option<i64>)> {
        let mut errors = Vec::new();
        let skus = (0..).zip(self.skus).map(|(index, sku)| sku.input(index, &mut errors)).collect();
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let specifications = self
            .specifications
            .into_iter()
            .map(|SpecificationBody { name, values }| Specification { name, values })
            .collect();
        let input = ProductInput {
            title: self.title,
            subtitle: self.subtitle,
            description: self.description,
            category: self.category_id.map(|id| id.0),
            code: self.code,
            pictures: self.pictures.into_iter().map(|id| id.0).collect(),
            specifications,
            skus,
        };
        Ok((input, self.version))
    }
}

impl SkuBody {
    fn input(self, index: usize, errors: &mut Vec<FieldError>) -> SkuInput {
        let mut amount = |field: &str, money: &Money| {
            let read: Result<Fen, ApiError> = money.fen(&format!("skus[{index}].{field}"));
            read.unwrap_or_else(|error| {
                errors.extend(error.errors().iter().cloned());
                Fen::ZERO
            })
        };
        SkuInput {
            id: self.id.map(|id| id.0),
            values: self.values,
            price: amount("price", &self.price),
            market_price: self.market_price.as_ref().map(|money| amount("market_price", money)),
            code: self.code,
            barcode: self.barcode,
            weight_g: self.weight_g,
            stock: self.stock.map_or(StockInput::Keep, StockInput::Open),
        }
    }
}
