//! Products from a file: one row per SKU, rows of one product beside each other under one product code.

use super::kind::{ImportKind, RowReader, Unit, Work};
use crate::app::categories;
use crate::app::products::input::{ProductInput, SkuInput, StockInput};
use crate::app::products::{create_in, draft_errors};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use async_trait::async_trait;
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{CategoryId, ShopId};
use qianpu_domain::import::product::{COLUMNS, Grouped, ImportedProduct, ProductRows, read_row};
use qianpu_domain::import::{Column, Header, Row};
use qianpu_tenants::authz::{Caller, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::category::Category;
use qianpu_tenants::store::import::Import;
use qianpu_tenants::store::shop::{shop_get, shop_list};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) static PRODUCTS: Products = Products;

pub(super) struct Products;

#[async_trait]
impl ImportKind for Products {
    fn name(&self) -> &'static str {
        "products"
    }
    fn permission(&self) -> Permission {
        Permission::ProductWrite
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn examples(&self) -> &'static [&'static [&'static str]] {
        &[
            &[
                "TEA-01",
                "高山乌龙茶 250克",
                "食品饮料/茶叶/乌龙茶",
                "春茶，轻火",
                "",
                "128.00",
                "200",
                "TEA-01-A",
            ],
            &["TEE-07", "纯棉短袖T恤", "10.01.02", "", "颜色:白;尺码:M", "59.90", "30", "TEE-07-W-M"],
            &["TEE-07", "", "", "", "颜色:白;尺码:L", "59.90", "25", "TEE-07-W-L"],
        ]
    }
    fn options(&self) -> &'static [&'static str] {
        &["shop_id"]
    }

    async fn accept(
        &self,
        state: &AppState,
        caller: &Caller,
        options: &BTreeMap<String, String>,
    ) -> Answer<Value> {
        if let Some(unknown) = options.keys().find(|key| !self.options().contains(&key.as_str())) {
            let (en, zh) = ("products take only shop_id", "商品导入仅支持 shop_id");
            return Err(FieldError::new(unknown.clone(), "unknown", en, zh).into());
        }
        let grant = caller.grant::<perm::ProductWrite>()?;
        let tx = state.db.read(grant.ctx()).await?;
        let missing = || FieldError::new("shop_id", "unknown", "no such shop", "店铺不存在");
        let shop = match options.get("shop_id").map(String::as_str).filter(|text| !text.is_empty()) {
            Some(text) => {
                let id: ShopId = text.parse().map_err(|_| missing())?;
                shop_get(&tx, id).await.map_err(|_| missing())?
            }
            // With one shop only there is nothing to choose.
            None => {
                let mine = grant.shops();
                let mut shops = shop_list(&tx, mine.as_deref(), PageRequest::first(2)).await?.items;
                match (shops.pop(), shops.is_empty()) {
                    (Some(only), true) => only,
                    _ => return Err(FieldError::required("shop_id").into()),
                }
            }
        };
        if !grant.covers_shop(shop.id) {
            return Err(missing().into());
        }
        Ok(json!({ "shop_id": shop.id.to_string() }))
    }

    async fn open(
        &self,
        state: &AppState,
        ctx: &TenantCtx,
        import: &Import,
        header: Header,
    ) -> Answer<Box<dyn RowReader>> {
        let shop = import.options.get("shop_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let shop = shop.ok_or_else(|| ApiError::internal("an import of products without a shop"))?;
        let tree = categories::tree_of(&state.db, ctx).await?;
        Ok(Box::new(ProductReader { shop, header, tree, rows: ProductRows::default() }))
    }
}

struct ProductReader {
    shop: ShopId,
    header: Header,
    tree: Vec<Category>,
    rows: ProductRows,
}

impl RowReader for ProductReader {
    fn push(&mut self, number: u64, cells: &[String]) -> Vec<Unit> {
        let code = Row::new(&self.header, cells).text("product_code");
        let grouped = self.rows.push(number, code, read_row(&self.header, cells));
        grouped.into_iter().map(|group| self.unit(group)).collect()
    }
    fn finish(&mut self) -> Vec<Unit> {
        self.rows.finish().into_iter().map(|group| self.unit(group)).collect()
    }
}

impl ProductReader {
    fn unit(&self, group: Grouped) -> Unit {
        let product = match group {
            Grouped::Refused(rows) => return Unit::Refused(rows),
            Grouped::Product(product) => *product,
        };
        let category = match product.category.as_deref().map(|words| self.category(words)) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(error)) => return Unit::Refused(on_first(&product.rows, vec![error])),
        };
        let rows = product.rows.clone();
        let input = input_of(product, category);
        Unit::Ready { rows, work: Box::new(MakeProduct { shop: self.shop, input }) }
    }

    fn category(&self, words: &str) -> Result<CategoryId, FieldError> {
        let unknown = || FieldError::new("category", "unknown", "no such category", "类目不存在或不唯一");
        let node = categories::category_by_words(&self.tree, words).ok_or_else(unknown)?;
        let mut at = Some(node);
        while let Some(step) = at {
            if !step.admission.may_be_chosen() {
                let en = format!("{}: {}", step.name_en, step.admission.title_en().to_lowercase());
                let zh = format!("类目“{}”{}", step.name_zh, step.admission.title_zh());
                return Err(FieldError::new("category", "not_open", en, zh));
            }
            at = self.tree.iter().find(|other| Some(other.id) == step.parent);
        }
        Ok(node.id)
    }
}

fn input_of(product: ImportedProduct, category: Option<CategoryId>) -> ProductInput {
    let ImportedProduct { draft, .. } = product;
    let skus = draft.skus.into_iter().map(|sku| SkuInput {
        id: None,
        values: sku.values,
        price: sku.price,
        market_price: None,
        code: sku.code,
        barcode: None,
        weight_g: None,
        stock: StockInput::Open(sku.stock),
    });
    ProductInput {
        title: draft.title,
        subtitle: String::new(),
        description: draft.description,
        category,
        code: draft.code,
        pictures: Vec::new(),
        specifications: draft.specifications,
        skus: skus.collect(),
    }
}

/// A fault of the whole product is told on its first row.
pub(super) fn on_first(rows: &[u64], errors: Vec<FieldError>) -> Vec<(u64, Vec<FieldError>)> {
    let mut errors = Some(errors);
    rows.iter()
        .map(|number| {
            let told = errors.take().unwrap_or_else(|| {
                let (en, zh) = ("another row of this product has an error", "该商品的其他行有错误");
                vec![FieldError::new("product_code", "other_row", en, zh)]
            });
            (*number, told)
        })
        .collect()
}

struct MakeProduct {
    shop: ShopId,
    input: ProductInput,
}

#[async_trait]
impl Work for MakeProduct {
    async fn apply(&self, tx: &mut TenantTx) -> Answer<String> {
        let errors = draft_errors(&self.input);
        match create_in(tx, self.shop, &self.input, errors).await {
            Ok(id) => Ok(id.to_string()),
            // The file's column has another name than the field.
            Err(error) if error.errors().iter().any(|field| field.path == "code") => {
                let renamed = error.errors().iter().cloned().map(|field| match field.path.as_str() {
                    "code" => FieldError { path: "product_code".to_owned(), ..field },
                    _ => field,
                });
                Err(ApiError::fields(renamed.collect()))
            }
            Err(other) => Err(other),
        }
    }
}
