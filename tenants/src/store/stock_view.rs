//! Stock of many SKUs beside their products, for lists.

use crate::db::TenantTx;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, MAX_LIMIT, Page, PageRequest};
use crate::store::product::product_get;
use crate::store::sku::{SkuState, sku_get};
use crate::store::stock::stock_level;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::ids::{ProductId, ShopId, SkuId};
use qianpu_domain::money::Fen;
use qianpu_domain::stock::StockLevel;
use qianpu_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

/// Which SKUs are asked for.
#[derive(Clone, Debug)]
pub struct StockFilter<'a> {
    /// Only these shops; none for every shop of the merchant.
    pub shops: Option<&'a [ShopId]>,
    /// Only titles that contain this, or SKUs with this code.
    pub search: Option<&'a str>,
    /// Only SKUs of which no more than this is available.
    pub at_most: Option<i64>,
}

/// A SKU with its stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLine {
    /// The SKU.
    pub sku: SkuId,
    /// Its product.
    pub product: ProductId,
    /// The product's title.
    pub title: String,
    /// The SKU's values.
    pub values: Vec<String>,
    /// Its code.
    pub code: Option<String>,
    /// Its price.
    pub price: Fen,
    /// Its stock.
    pub level: StockLevel,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(FromQueryResult)]
struct Found {
    id: Uuid,
    product_id: Uuid,
    title: String,
    spec_values: String,
    code: Option<String>,
    price_fen: i64,
    created_at: i64,
    on_hand: i64,
    held: i64,
    sold: i64,
}

/// Values of a statement, numbered as they are added.
struct Values(Vec<Value>);

impl Values {
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }
}

/// SKUs with their stock, newest first.
pub async fn stock_line_list(
    tx: &TenantTx,
    filter: &StockFilter<'_>,
    page: PageRequest,
) -> StoreResult<Page<StockLine>> {
    let mut values = Values(Vec::new());
    let tenant = values.add(tx.tenant());
    let mut wanted = String::new();
    if let Some(shops) = filter.shops {
        let places: Vec<String> = shops.iter().map(|shop| values.add(shop.0)).collect();
        // No shop at all means no row at all.
        let places = if places.is_empty() { "NULL".to_owned() } else { places.join(", ") };
        wanted.push_str(&format!(" AND p.shop_id IN ({places})"));
    }
    if let Some(search) = filter.search.map(str::trim).filter(|search| !search.is_empty()) {
        let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = values.add(format!("%{escaped}%"));
        let code = values.add(search);
        wanted.push_str(&format!(" AND (p.title_key LIKE {pattern} ESCAPE '\\' OR s.code = {code})"));
    }
    if let Some(cursor) = page.cursor {
        let at = values.add(cursor.at.micros());
        let id = values.add(cursor.id);
        wanted.push_str(&format!(" AND (s.created_at < {at} OR (s.created_at = {at} AND s.id < {id}))"));
    }
    let having = match filter.at_most {
        None => String::new(),
        Some(most) => {
            let most = values.add(most);
            format!(" HAVING COALESCE(SUM(k.on_hand), 0) - COALESCE(SUM(k.held), 0) <= {most}")
        }
    };
    let limit = values.add(i64::try_from(page.limit.clamp(1, MAX_LIMIT) + 1).unwrap_or(101));
    let sql = format!(
        "SELECT s.id, s.product_id, p.title, s.spec_values, s.code, s.price_fen, s.created_at,
            CAST(COALESCE(SUM(k.on_hand), 0) AS bigint) AS on_hand,
            CAST(COALESCE(SUM(k.held), 0) AS bigint) AS held, CAST(COALESCE(SUM(k.sold), 0) AS bigint) AS sold
         FROM skus AS s
            JOIN products AS p ON p.tenant_id = s.tenant_id AND p.id = s.product_id
            LEFT JOIN stocks AS k ON k.tenant_id = s.tenant_id AND k.sku_id = s.id
         WHERE s.tenant_id = {tenant} AND s.state = 'active' AND p.state <> 'deleted'{wanted}
         GROUP BY s.id, s.product_id, p.title, s.spec_values, s.code, s.price_fen, s.created_at{having}
         ORDER BY s.created_at DESC, s.id DESC LIMIT {limit}"
    );
    let statement = Statement::from_sql_and_values(tx.conn().get_database_backend(), sql, values.0);
    let rows = Found::find_by_statement(statement).all(tx.conn()).await?;
    let rows = rows.into_iter().map(line).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |line| Cursor { at: line.created_at, id: line.sku.0 }))
}

/// What of a SKU may be offered: its level, or nothing while it is not sold.
pub async fn stock_sellable(tx: &TenantTx, sku: SkuId) -> StoreResult<StockLevel> {
    let found = sku_get(tx, sku).await?;
    let on_sale = match product_get(tx, found.product).await {
        Ok(product) => product.state == ProductState::OnSale,
        Err(StoreError::NotFound) => false,
        Err(other) => return Err(other),
    };
    if on_sale && found.state == SkuState::Active {
        stock_level(tx, sku).await
    } else {
        Ok(StockLevel::default())
    }
}

fn line(found: Found) -> StoreResult<StockLine> {
    Ok(StockLine {
        sku: SkuId(found.id),
        product: ProductId(found.product_id),
        title: found.title,
        values: serde_json::from_str(&found.spec_values)
            .map_err(|_| StoreError::Corrupt("skus.spec_values"))?,
        code: found.code,
        price: Fen::new(found.price_fen),
        level: StockLevel { on_hand: found.on_hand, held: found.held, sold: found.sold },
        created_at: Timestamp::from_micros(found.created_at),
    })
}
