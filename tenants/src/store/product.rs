//! Products of a merchant and their pictures.
//!
//! `version` counts changes of what a channel is sent (content, pictures, SKUs); a change of state does not
//! raise it and is guarded by the state it started from. A deleted product stays for the orders that name
//! it, but is not found here any more.

use crate::db::TenantTx;
use crate::entity::{product as row, product_picture};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::catalog::{ProductState, Specification, WithdrawnReason};
use qianpu_domain::ids::{CategoryId, MediaId, ProductId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Select, Set,
};
use std::collections::HashMap;
use uuid::Uuid;

/// A product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// The shop it is sold in.
    pub shop: ShopId,
    /// Its category in the provider's tree.
    pub category: Option<CategoryId>,
    /// The merchant's own code, unique in the shop.
    pub code: Option<String>,
    /// Title.
    pub title: String,
    /// One line below the title.
    pub subtitle: String,
    /// Plain text.
    pub description: String,
    /// Where it stands.
    pub state: ProductState,
    /// Why it was withdrawn.
    pub withdrawn_reason: Option<WithdrawnReason>,
    /// Specifications with their values.
    pub specifications: Vec<Specification>,
    /// Changes of content so far.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change of any kind.
    pub updated_at: Timestamp,
}

/// What a product says.
#[derive(Clone, Debug)]
pub struct ProductContent<'a> {
    /// Its category in the provider's tree.
    pub category: Option<CategoryId>,
    /// The merchant's own code.
    pub code: Option<&'a str>,
    /// Title.
    pub title: &'a str,
    /// One line below the title.
    pub subtitle: &'a str,
    /// Plain text.
    pub description: &'a str,
    /// Specifications with their values.
    pub specifications: &'a [Specification],
}

/// Which products are asked for.
#[derive(Clone, Debug)]
pub struct ProductFilter<'a> {
    /// Only these shops; none for every shop of the merchant.
    pub shops: Option<&'a [ShopId]>,
    /// Only this state; none for every state but deleted.
    pub state: Option<ProductState>,
    /// Only titles or codes that contain this.
    pub search: Option<&'a str>,
}

/// What a list shows of a product's SKUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductTotals {
    /// Lowest price.
    pub price_min: Fen,
    /// Highest price.
    pub price_max: Fen,
    /// SKUs.
    pub skus: i64,
    /// Pieces on hand.
    pub on_hand: i64,
    /// Of these, held.
    pub held: i64,
    /// Sold so far.
    pub sold: i64,
}

impl ProductTotals {
    /// What may still be promised.
    pub const fn available(&self) -> i64 {
        self.on_hand - self.held
    }
}

fn specifications_text(specifications: &[Specification]) -> String {
    let pairs: Vec<(&str, &[String])> =
        specifications.iter().map(|spec| (spec.name.as_str(), spec.values.as_slice())).collect();
    serde_json::json!(pairs).to_string()
}

fn from_model(model: row::Model) -> StoreResult<Product> {
    let pairs: Vec<(String, Vec<String>)> = serde_json::from_str(&model.specifications)
        .map_err(|_| StoreError::Corrupt("products.specifications"))?;
    let withdrawn_reason = match model.withdrawn_reason.as_deref() {
        None => None,
        Some(word) => {
            Some(WithdrawnReason::from_text(word).ok_or(StoreError::Corrupt("products.withdrawn_reason"))?)
        }
    };
    Ok(Product {
        id: ProductId(model.id),
        shop: ShopId(model.shop_id),
        category: model.category_id.map(CategoryId),
        code: model.code,
        title: model.title,
        subtitle: model.subtitle,
        description: model.description,
        state: ProductState::from_text(&model.state).ok_or(StoreError::Corrupt("products.state"))?,
        withdrawn_reason,
        specifications: pairs.into_iter().map(|(name, values)| Specification { name, values }).collect(),
        version: model.version,
        created_at: Timestamp::from_micros(model.created_at),
        updated_at: Timestamp::from_micros(model.updated_at),
    })
}

/// What titles are searched by.
fn title_key(title: &str) -> String {
    title.to_lowercase()
}

/// Adds a draft. `Conflict("product_code")` when the shop has the code already.
pub async fn product_insert(
    tx: &mut TenantTx,
    shop: ShopId,
    content: &ProductContent<'_>,
) -> StoreResult<ProductId> {
    let id = ProductId(tx.new_id());
    code_is_free(tx, shop, content.code, id).await?;
    let now = tx.now().micros();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id.0),
        provider_id: Set(tx.provider()?),
        shop_id: Set(shop.0),
        category_id: Set(content.category.map(|id| id.0)),
        code: Set(content.code.map(str::to_owned)),
        title: Set(content.title.to_owned()),
        title_key: Set(title_key(content.title)),
        subtitle: Set(content.subtitle.to_owned()),
        description: Set(content.description.to_owned()),
        state: Set(ProductState::Draft.as_str().to_owned()),
        withdrawn_reason: Set(None),
        specifications: Set(specifications_text(content.specifications)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await?;
    Ok(id)
}

/// The unique index decides between two at once; this look-up gives the ordinary case its name.
async fn code_is_free(tx: &TenantTx, shop: ShopId, code: Option<&str>, except: ProductId) -> StoreResult<()> {
    let Some(code) = code else { return Ok(()) };
    match product_by_code(tx, shop, code).await? {
        Some(found) if found != except => Err(StoreError::Conflict("product_code")),
        _ => Ok(()),
    }
}

/// Changes what a product says and raises its version.
pub async fn product_save(
    tx: &mut TenantTx,
    product: &Product,
    version: i64,
    content: &ProductContent<'_>,
) -> StoreResult<i64> {
    code_is_free(tx, product.shop, content.code, product.id).await?;
    let done = row::Entity::update_many()
        .col_expr(row::Column::CategoryId, Expr::value(content.category.map(|id| id.0)))
        .col_expr(row::Column::Code, Expr::value(content.code.map(str::to_owned)))
        .col_expr(row::Column::Title, Expr::value(content.title))
        .col_expr(row::Column::TitleKey, Expr::value(title_key(content.title)))
        .col_expr(row::Column::Subtitle, Expr::value(content.subtitle))
        .col_expr(row::Column::Description, Expr::value(content.description))
        .col_expr(row::Column::Specifications, Expr::value(specifications_text(content.specifications)))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(product.id.0))
        .filter(row::Column::Version.eq(version))
        .filter(row::Column::State.ne(ProductState::Deleted.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(version + 1) } else { Err(StoreError::VersionConflict) }
}

/// Moves a product from the state it was read in to the next one.
pub async fn product_move(
    tx: &mut TenantTx,
    id: ProductId,
    from: ProductState,
    to: (ProductState, Option<WithdrawnReason>),
) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(to.0.as_str()))
        .col_expr(row::Column::WithdrawnReason, Expr::value(to.1.map(|reason| reason.as_str().to_owned())))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq(from.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// A product that is not deleted.
pub async fn product_get(tx: &TenantTx, id: ProductId) -> StoreResult<Product> {
    row::Entity::find_by_id((tx.tenant(), id.0))
        .filter(row::Column::State.ne(ProductState::Deleted.as_str()))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()?
        .ok_or(StoreError::NotFound)
}

/// The product of a shop with this code.
pub async fn product_by_code(tx: &TenantTx, shop: ShopId, code: &str) -> StoreResult<Option<ProductId>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::Code.eq(code))
        .filter(row::Column::State.ne(ProductState::Deleted.as_str()))
        .one(tx.conn())
        .await?;
    Ok(found.map(|model| ProductId(model.id)))
}

fn filtered(tx: &TenantTx, filter: &ProductFilter<'_>) -> Select<row::Entity> {
    let mut query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    query = match filter.state {
        Some(state) => query.filter(row::Column::State.eq(state.as_str())),
        None => query.filter(row::Column::State.ne(ProductState::Deleted.as_str())),
    };
    if let Some(shops) = filter.shops {
        query = query.filter(row::Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    if let Some(search) = filter.search.map(str::trim).filter(|search| !search.is_empty()) {
        let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = LikeExpr::new(format!("%{escaped}%")).escape('\\');
        let by_code = Expr::col(row::Column::Code).eq(search);
        query = query.filter(Expr::col(row::Column::TitleKey).like(pattern).or(by_code));
    }
    query
}

/// Products, newest first.
pub async fn product_list(
    tx: &TenantTx,
    filter: &ProductFilter<'_>,
    page: PageRequest,
) -> StoreResult<Page<Product>> {
    let query = filtered(tx, filter);
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |product| Cursor { at: product.created_at, id: product.id.0 }))
}

/// The categories of a shop's products on sale, each once, at most 1000.
pub async fn product_categories(tx: &TenantTx, shop: ShopId) -> StoreResult<Vec<CategoryId>> {
    let ids: Vec<Option<Uuid>> = row::Entity::find()
        .select_only()
        .column(row::Column::CategoryId)
        .distinct()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::State.eq(ProductState::OnSale.as_str()))
        .filter(row::Column::CategoryId.is_not_null())
        .limit(1000)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(ids.into_iter().flatten().map(CategoryId).collect())
}

/// How many products there are in each state; states without any are left out.
pub async fn product_count_by_state(
    tx: &TenantTx,
    filter: &ProductFilter<'_>,
) -> StoreResult<Vec<(ProductState, i64)>> {
    let rows: Vec<(String, i64)> = filtered(tx, filter)
        .select_only()
        .column(row::Column::State)
        .column_as(row::Column::Id.count(), "count")
        .group_by(row::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|(word, count)| {
            let state = ProductState::from_text(&word).ok_or(StoreError::Corrupt("products.state"))?;
            Ok((state, count))
        })
        .collect()
}

/// Prices and stock of a page of products, in one statement.
pub async fn product_totals(
    tx: &TenantTx,
    products: &[ProductId],
) -> StoreResult<HashMap<ProductId, ProductTotals>> {
    #[derive(FromQueryResult)]
    struct Totals {
        product_id: Uuid,
        price_min: i64,
        price_max: i64,
        skus: i64,
        on_hand: i64,
        held: i64,
        sold: i64,
    }
    if products.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (2..products.len() + 2).map(|index| format!("${index}")).collect();
    let sql = format!(
        "SELECT s.product_id, MIN(s.price_fen) AS price_min, MAX(s.price_fen) AS price_max,
            COUNT(DISTINCT s.id) AS skus, CAST(COALESCE(SUM(k.on_hand), 0) AS bigint) AS on_hand,
            CAST(COALESCE(SUM(k.held), 0) AS bigint) AS held, CAST(COALESCE(SUM(k.sold), 0) AS bigint) AS sold
         FROM skus AS s LEFT JOIN stocks AS k ON k.tenant_id = s.tenant_id AND k.sku_id = s.id
         WHERE s.tenant_id = $1 AND s.state = 'active' AND s.product_id IN ({})
         GROUP BY s.product_id",
        places.join(", ")
    );
    let values = std::iter::once(tx.tenant().into()).chain(products.iter().map(|id| id.0.into()));
    let statement = sea_orm::Statement::from_sql_and_values(tx.conn().get_database_backend(), sql, values);
    let rows = Totals::find_by_statement(statement).all(tx.conn()).await?;
    let totals = rows.into_iter().map(|found| {
        let totals = ProductTotals {
            price_min: Fen::new(found.price_min),
            price_max: Fen::new(found.price_max),
            skus: found.skus,
            on_hand: found.on_hand,
            held: found.held,
            sold: found.sold,
        };
        (ProductId(found.product_id), totals)
    });
    Ok(totals.collect())
}

/// Sets the pictures of a product, in order. They are files of the tenant.
pub async fn picture_replace(tx: &mut TenantTx, product: ProductId, pictures: &[MediaId]) -> StoreResult<()> {
    product_picture::Entity::delete_many()
        .filter(product_picture::Column::TenantId.eq(tx.tenant()))
        .filter(product_picture::Column::ProductId.eq(product.0))
        .exec(tx.conn())
        .await?;
    let rows = (0_i64..).zip(pictures).map(|(position, media)| product_picture::ActiveModel {
        tenant_id: Set(tx.tenant()),
        product_id: Set(product.0),
        position: Set(position),
        media_id: Set(media.0),
    });
    if !pictures.is_empty() {
        product_picture::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Pictures of some products, each product's in order.
pub async fn picture_list(
    tx: &TenantTx,
    products: &[ProductId],
) -> StoreResult<HashMap<ProductId, Vec<MediaId>>> {
    let rows = product_picture::Entity::find()
        .filter(product_picture::Column::TenantId.eq(tx.tenant()))
        .filter(product_picture::Column::ProductId.is_in(products.iter().map(|id| id.0)))
        .order_by_asc(product_picture::Column::Position)
        .all(tx.conn())
        .await?;
    let mut pictures: HashMap<ProductId, Vec<MediaId>> = HashMap::new();
    for found in rows {
        pictures.entry(ProductId(found.product_id)).or_default().push(MediaId(found.media_id));
    }
    Ok(pictures)
}

/// Whether a file is the picture of a product on sale in this shop: only then may the public see it.
pub async fn picture_is_public(tx: &TenantTx, shop: ShopId, media: MediaId) -> StoreResult<bool> {
    let products: Vec<Uuid> = product_picture::Entity::find()
        .select_only()
        .column(product_picture::Column::ProductId)
        .filter(product_picture::Column::TenantId.eq(tx.tenant()))
        .filter(product_picture::Column::MediaId.eq(media.0))
        .limit(100)
        .into_tuple()
        .all(tx.conn())
        .await?;
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.is_in(products))
        .filter(row::Column::ShopId.eq(shop.0))
        .filter(row::Column::State.eq(ProductState::OnSale.as_str()))
        .one(tx.conn())
        .await?;
    Ok(found.is_some())
}
