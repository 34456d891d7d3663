//! SKUs of products. A removed SKU stays for the orders that name it and keeps its stock row.

use crate::db::TenantTx;
use crate::entity::{product as parent, sku as row};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::ids::{ProductId, ShopId, SkuId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set,
};

/// Whether a SKU is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkuState {
    /// Part of its product.
    Active,
    /// Taken out of its product.
    Removed,
}

/// A SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// Its id.
    pub id: SkuId,
    /// Its product.
    pub product: ProductId,
    /// Order within the product.
    pub position: i64,
    /// Whether it is sold.
    pub state: SkuState,
    /// One value per specification of the product.
    pub values: Vec<String>,
    /// The price.
    pub price: Fen,
    /// The crossed-out price.
    pub market_price: Option<Fen>,
    /// The merchant's own code.
    pub code: Option<String>,
    /// Bar code.
    pub barcode: Option<String>,
    /// Weight in grams.
    pub weight_g: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a SKU says.
#[derive(Clone, Debug)]
pub struct SkuContent<'a> {
    /// Order within the product.
    pub position: i64,
    /// One value per specification of the product.
    pub values: &'a [String],
    /// The price.
    pub price: Fen,
    /// The crossed-out price.
    pub market_price: Option<Fen>,
    /// The merchant's own code.
    pub code: Option<&'a str>,
    /// Bar code.
    pub barcode: Option<&'a str>,
    /// Weight in grams.
    pub weight_g: Option<i64>,
}

fn from_model(model: row::Model) -> StoreResult<Sku> {
    Ok(Sku {
        id: SkuId(model.id),
        product: ProductId(model.product_id),
        position: model.position,
        state: match model.state.as_str() {
            "active" => SkuState::Active,
            "removed" => SkuState::Removed,
            _ => return Err(StoreError::Corrupt("skus.state")),
        },
        values: serde_json::from_str(&model.spec_values)
            .map_err(|_| StoreError::Corrupt("skus.spec_values"))?,
        price: Fen::new(model.price_fen),
        market_price: model.market_price_fen.map(Fen::new),
        code: model.code,
        barcode: model.barcode,
        weight_g: model.weight_g,
        created_at: Timestamp::from_micros(model.created_at),
    })
}

/// Adds a SKU. Its stock is opened by [`crate::store::stock::stock_open`].
pub async fn sku_insert(
    tx: &mut TenantTx,
    product: ProductId,
    content: &SkuContent<'_>,
) -> StoreResult<SkuId> {
    let id = SkuId(tx.new_id());
    let now = tx.now().micros();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id.0),
        product_id: Set(product.0),
        position: Set(content.position),
        state: Set("active".to_owned()),
        spec_values: Set(serde_json::json!(content.values).to_string()),
        price_fen: Set(content.price.get()),
        market_price_fen: Set(content.market_price.map(Fen::get)),
        code: Set(content.code.map(str::to_owned)),
        barcode: Set(content.barcode.map(str::to_owned)),
        weight_g: Set(content.weight_g),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await?;
    Ok(id)
}

/// Changes a SKU; a removed one is part of its product again.
pub async fn sku_save(tx: &mut TenantTx, id: SkuId, content: &SkuContent<'_>) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::Position, Expr::value(content.position))
        .col_expr(row::Column::State, Expr::value("active"))
        .col_expr(row::Column::SpecValues, Expr::value(serde_json::json!(content.values).to_string()))
        .col_expr(row::Column::PriceFen, Expr::value(content.price.get()))
        .col_expr(row::Column::MarketPriceFen, Expr::value(content.market_price.map(Fen::get)))
        .col_expr(row::Column::Code, Expr::value(content.code.map(str::to_owned)))
        .col_expr(row::Column::Barcode, Expr::value(content.barcode.map(str::to_owned)))
        .col_expr(row::Column::WeightG, Expr::value(content.weight_g))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Takes a SKU out of its product.
pub async fn sku_remove(tx: &mut TenantTx, id: SkuId) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("removed"))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// A SKU, also a removed one.
pub async fn sku_get(tx: &TenantTx, id: SkuId) -> StoreResult<Sku> {
    row::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()?
        .ok_or(StoreError::NotFound)
}

/// The SKUs a product is sold in, in their order.
pub async fn sku_list(tx: &TenantTx, product: ProductId) -> StoreResult<Vec<Sku>> {
    let all = sku_list_with_removed(tx, product).await?;
    Ok(all.into_iter().filter(|sku| sku.state == SkuState::Active).collect())
}

/// All SKUs a product ever had, in their order.
pub async fn sku_list_with_removed(tx: &TenantTx, product: ProductId) -> StoreResult<Vec<Sku>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ProductId.eq(product.0))
        .order_by_asc(row::Column::Position)
        .order_by_asc(row::Column::Id)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Active SKUs of the merchant, newest first; of some shops, one product, or with one code when given.
pub async fn sku_page(
    tx: &TenantTx,
    shops: Option<&[ShopId]>,
    product: Option<ProductId>,
    code: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<Sku>> {
    let mut products = parent::Entity::find()
        .select_only()
        .column(parent::Column::Id)
        .filter(parent::Column::TenantId.eq(tx.tenant()))
        .filter(parent::Column::State.ne(ProductState::Deleted.as_str()));
    if let Some(shops) = shops {
        products = products.filter(parent::Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("active"))
        .filter(row::Column::ProductId.in_subquery(products.into_query()));
    if let Some(product) = product {
        query = query.filter(row::Column::ProductId.eq(product.0));
    }
    if let Some(code) = code {
        query = query.filter(row::Column::Code.eq(code));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |sku| Cursor { at: sku.created_at, id: sku.id.0 }))
}
