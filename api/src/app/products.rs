//! Products: making, changing, putting on sale and off, deleting. Stock of existing SKUs changes in
//! [`super::stock`].

pub mod input;
mod write;

use super::categories;
use crate::error::{Answer, ApiError};
use input::ProductInput;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::catalog::{self, ProductCheck, ProductCommand, ProductState};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{MediaId, ProductId, ShopId, SkuId};
use qianpu_domain::stock::StockLevel;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::{Db, TenantTx};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::category::Category;
use qianpu_tenants::store::product::{
    Product, ProductFilter, ProductTotals, picture_list, product_count_by_state, product_get, product_list,
    product_move, product_totals,
};
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::sku::{Sku, sku_list, sku_page};
use qianpu_tenants::store::stock::stock_levels;
use serde_json::json;

pub(crate) use write::{create_in, draft_errors};

/// A product with all that belongs to it.
#[derive(Debug, Clone)]
pub struct ProductDetail {
    pub product: Product,
    pub pictures: Vec<MediaId>,
    pub skus: Vec<SkuDetail>,
    /// Top first; empty when it has none.
    pub category_path: Vec<Category>,
}

/// A SKU with its stock.
#[derive(Debug, Clone)]
pub struct SkuDetail {
    pub sku: Sku,
    pub level: StockLevel,
}

/// A product in a list.
#[derive(Debug, Clone)]
pub struct ProductSummary {
    pub product: Product,
    pub cover: Option<MediaId>,
    pub totals: ProductTotals,
}

/// What to look for in a list.
#[derive(Debug, Clone, Default)]
pub struct ProductQuery {
    pub shop: Option<ShopId>,
    pub state: Option<ProductState>,
    pub search: Option<String>,
}

/// Makes a draft in a shop.
pub async fn product_create(
    db: &Db,
    grant: &Grant<perm::ProductWrite>,
    shop: ShopId,
    input: &ProductInput,
) -> Answer<ProductDetail> {
    covers(grant, shop)?;
    let mut errors = draft_errors(input);
    if let Some(category) = input.category {
        categories::check_choice(db, grant.ctx(), category, &mut errors).await?;
    }
    let mut tx = db.begin(grant.ctx()).await?;
    shop_get(&tx, shop).await?;
    let id = create_in(&mut tx, shop, input, errors).await?;
    tx.commit().await?;
    detail(db, grant, id).await
}

/// Changes a product. `version` is the one the caller saw; without it the newest is taken.
pub async fn product_update(
    db: &Db,
    grant: &Grant<perm::ProductWrite>,
    id: ProductId,
    version: Option<i64>,
    input: &ProductInput,
) -> Answer<ProductDetail> {
    let mut errors = draft_errors(input);
    let mut tx = db.begin(grant.ctx()).await?;
    let was = covered(&tx, grant, id).await?;
    // A category that was closed after it was chosen stays until the merchant chooses another.
    if let Some(category) = input.category.filter(|category| Some(*category) != was.category) {
        categories::check_choice(db, grant.ctx(), category, &mut errors).await?;
    }
    if version.is_some_and(|seen| seen != was.version) {
        return Err(StoreError::VersionConflict.into());
    }
    write::update_in(&mut tx, &was, input, errors).await?;
    tx.commit().await?;
    detail(db, grant, id).await
}

/// A product.
pub async fn product_read(db: &Db, grant: &Grant<perm::ProductRead>, id: ProductId) -> Answer<ProductDetail> {
    detail(db, grant, id).await
}

async fn detail<P: Perm>(db: &Db, grant: &Grant<P>, id: ProductId) -> Answer<ProductDetail> {
    let tx = db.read(grant.ctx()).await?;
    let product = covered(&tx, grant, id).await?;
    let pictures = picture_list(&tx, &[id]).await?.remove(&id).unwrap_or_default();
    let skus = with_levels(&tx, sku_list(&tx, id).await?).await?;
    drop(tx);
    let category_path = match product.category {
        None => Vec::new(),
        Some(category) => categories::path_of(db, grant.ctx(), category).await?.unwrap_or_default(),
    };
    Ok(ProductDetail { product, pictures, skus, category_path })
}

/// SKUs with their stock.
pub(crate) async fn with_levels(tx: &TenantTx, skus: Vec<Sku>) -> Answer<Vec<SkuDetail>> {
    let ids: Vec<SkuId> = skus.iter().map(|sku| sku.id).collect();
    let levels = stock_levels(tx, &ids).await?;
    let detail = |sku: Sku| SkuDetail { level: levels.get(&sku.id).copied().unwrap_or_default(), sku };
    Ok(skus.into_iter().map(detail).collect())
}

/// Products of the shops the caller may see, newest first.
pub async fn product_search(
    db: &Db,
    grant: &Grant<perm::ProductRead>,
    query: &ProductQuery,
    page: PageRequest,
) -> Answer<Page<ProductSummary>> {
    let shops = shops_of(grant, query.shop)?;
    let filter =
        ProductFilter { shops: shops.as_deref(), state: query.state, search: query.search.as_deref() };
    let tx = db.read(grant.ctx()).await?;
    let found = product_list(&tx, &filter, page).await?;
    Ok(Page { next: found.next, items: summaries(&tx, found.items).await? })
}

/// Products with cover, prices and stock.
pub(crate) async fn summaries(tx: &TenantTx, products: Vec<Product>) -> Answer<Vec<ProductSummary>> {
    let ids: Vec<ProductId> = products.iter().map(|product| product.id).collect();
    let totals = product_totals(tx, &ids).await?;
    let mut pictures = picture_list(tx, &ids).await?;
    let summary = |product: Product| ProductSummary {
        cover: pictures.remove(&product.id).and_then(|list| list.first().copied()),
        totals: totals.get(&product.id).copied().unwrap_or_default(),
        product,
    };
    Ok(products.into_iter().map(summary).collect())
}

/// SKUs with their stock, newest first; of one product or with one code when given.
pub async fn sku_search(
    db: &Db,
    grant: &Grant<perm::ProductRead>,
    product: Option<ProductId>,
    code: Option<&str>,
    page: PageRequest,
) -> Answer<Page<SkuDetail>> {
    let tx = db.read(grant.ctx()).await?;
    let shops = grant.shops();
    let found = sku_page(&tx, shops.as_deref(), product, code, page).await?;
    Ok(Page { next: found.next, items: with_levels(&tx, found.items).await? })
}

/// How many products match in each state, and in all together.
pub async fn product_counts(
    db: &Db,
    grant: &Grant<perm::ProductRead>,
    query: &ProductQuery,
) -> Answer<(i64, Vec<(ProductState, i64)>)> {
    let shops = shops_of(grant, query.shop)?;
    let filter = ProductFilter { shops: shops.as_deref(), state: None, search: query.search.as_deref() };
    let tx = db.read(grant.ctx()).await?;
    let counts = product_count_by_state(&tx, &filter).await?;
    Ok((counts.iter().map(|(_, count)| count).sum(), counts))
}

/// What a person may do with a product in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductAction {
    PutOnSale,
    TakeOffSale,
    Delete,
}

impl ProductAction {
    /// Its word in addresses and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PutOnSale => "put_on_sale",
            Self::TakeOffSale => "take_off_sale",
            Self::Delete => "delete",
        }
    }
    /// From its word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::PutOnSale, Self::TakeOffSale, Self::Delete].into_iter().find(|action| action.as_str() == text)
    }
    const fn audited(self) -> AuditAction {
        match self {
            Self::PutOnSale => AuditAction::ProductPutOnSale,
            Self::TakeOffSale => AuditAction::ProductTakenOffSale,
            Self::Delete => AuditAction::ProductDeleted,
        }
    }
}

/// Puts a product on sale, takes it off, or deletes it. Done again, it is refused by its state.
pub async fn product_act(
    db: &Db,
    grant: &Grant<perm::ProductWrite>,
    id: ProductId,
    action: ProductAction,
) -> Answer<()> {
    let mut tx = db.begin(grant.ctx()).await?;
    let was = covered(&tx, grant, id).await?;
    let command = match action {
        ProductAction::PutOnSale => ProductCommand::PutOnSale(ProductCheck::None),
        ProductAction::TakeOffSale => ProductCommand::TakeOffSale,
        ProductAction::Delete => ProductCommand::Delete,
    };
    let next = catalog::decide(was.state, command)?;
    if let (ProductAction::PutOnSale, Some(category)) = (action, was.category) {
        let mut errors = Vec::new();
        categories::check_choice(db, grant.ctx(), category, &mut errors).await?;
        if !errors.is_empty() {
            return Err(errors.into());
        }
    }
    product_move(&mut tx, id, was.state, next).await?;
    let public = id.to_string();
    let change = json!({ "from": was.state.as_str(), "to": next.0.as_str() });
    outbox_append(&mut tx, EventType::ProductStateChanged, &public, was.version, change.clone()).await?;
    audit_append(&mut tx, action.audited(), "product", &public, change).await?;
    // Channels are told through their stock: what is not on sale here has none to offer.
    for sku in sku_list(&tx, id).await? {
        qianpu_tenants::store::stock::stock_tell(&mut tx, sku.id).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn covered<P: Perm>(tx: &TenantTx, grant: &Grant<P>, id: ProductId) -> Answer<Product> {
    let product = product_get(tx, id).await?;
    covers(grant, product.shop)?;
    Ok(product)
}

/// Another shop's things look missing to somebody who may only see one shop.
pub(crate) fn covers<P: Perm>(grant: &Grant<P>, shop: ShopId) -> Answer<()> {
    if grant.covers_shop(shop) { Ok(()) } else { Err(ApiError::not_found()) }
}

fn shops_of<P: Perm>(grant: &Grant<P>, wanted: Option<ShopId>) -> Answer<Option<Vec<ShopId>>> {
    match wanted {
        Some(shop) => {
            covers(grant, shop)?;
            Ok(Some(vec![shop]))
        }
        None => Ok(grant.shops()),
    }
}

/// The field error of a product code that is taken.
pub(crate) fn code_taken() -> FieldError {
    FieldError::new("code", "taken", "another product of the shop has this code", "店铺中已有商品使用该编码")
}
