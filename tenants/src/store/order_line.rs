//! Lines of orders. Price, quantity and title are frozen; what was sent, refunded and taken from stock moves.

use crate::db::TenantTx;
use crate::entity::order_line as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{OrderId, OrderLineId, ProductId, SkuId};
use qianpu_domain::money::Fen;
use qianpu_domain::order::goods::LineStock;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// The most lines an order may have.
pub const MAX_LINES: u64 = 500;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// Its id.
    pub id: OrderLineId,
    /// Its order.
    pub order: OrderId,
    /// 1, 2, …
    pub line_no: i64,
    /// Our product, when we know it.
    pub product: Option<ProductId>,
    /// Our SKU, when we know it.
    pub sku: Option<SkuId>,
    /// The channel's product id.
    pub external_product_id: Option<String>,
    /// The channel's SKU id.
    pub external_sku_id: Option<String>,
    /// Title when sold.
    pub title: String,
    /// Specification values when sold.
    pub spec_text: String,
    /// Picture when sold.
    pub picture_url: Option<String>,
    /// Price of one piece.
    pub unit_price: Fen,
    /// Pieces.
    pub quantity: i64,
    /// What the buyer pays for the line.
    pub total: Fen,
    /// Pieces sent.
    pub shipped: i64,
    /// Pieces in an open after-sale case.
    pub after_sale: i64,
    /// Pieces whose after-sale case is done.
    pub refunded: i64,
    /// What it has of its SKU.
    pub stock: LineStock,
}

/// A line to be.
#[derive(Clone, Debug)]
pub struct NewLine<'a> {
    /// Our product, when we know it.
    pub product: Option<ProductId>,
    /// Our SKU, when we know it.
    pub sku: Option<SkuId>,
    /// The channel's product id.
    pub external_product_id: Option<&'a str>,
    /// The channel's SKU id.
    pub external_sku_id: Option<&'a str>,
    /// Title when sold.
    pub title: &'a str,
    /// Specification values when sold.
    pub spec_text: &'a str,
    /// Picture when sold.
    pub picture_url: Option<&'a str>,
    /// Price of one piece.
    pub unit_price: Fen,
    /// Pieces.
    pub quantity: i64,
    /// What the buyer pays for the line.
    pub total: Fen,
    /// Pieces in an open after-sale case.
    pub after_sale: i64,
    /// Pieces whose after-sale case is done.
    pub refunded: i64,
}

fn from_model(model: row::Model) -> StoreResult<OrderLine> {
    Ok(OrderLine {
        id: OrderLineId(model.id),
        order: OrderId(model.order_id),
        line_no: model.line_no,
        product: model.product_id.map(ProductId),
        sku: model.sku_id.map(SkuId),
        external_product_id: model.external_product_id,
        external_sku_id: model.external_sku_id,
        title: model.title,
        spec_text: model.spec_text,
        picture_url: model.picture_url,
        unit_price: Fen::new(model.unit_price_fen),
        quantity: model.quantity,
        total: Fen::new(model.line_total_fen),
        shipped: model.shipped_quantity,
        after_sale: model.after_sale_quantity,
        refunded: model.refunded_quantity,
        stock: LineStock::from_text(&model.stock_state)
            .ok_or(StoreError::Corrupt("order_lines.stock_state"))?,
    })
}

/// Adds the lines of a new order.
pub async fn order_line_insert(
    tx: &mut TenantTx,
    order: OrderId,
    lines: &[NewLine<'_>],
) -> StoreResult<Vec<OrderLine>> {
    let mut models = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        models.push(row::Model {
            tenant_id: tx.tenant(),
            id: tx.new_id(),
            order_id: order.0,
            line_no: i64::try_from(index + 1).unwrap_or(i64::MAX),
            product_id: line.product.map(|id| id.0),
            sku_id: line.sku.map(|id| id.0),
            external_product_id: line.external_product_id.map(str::to_owned),
            external_sku_id: line.external_sku_id.map(str::to_owned),
            title: line.title.to_owned(),
            spec_text: line.spec_text.to_owned(),
            picture_url: line.picture_url.map(str::to_owned),
            unit_price_fen: line.unit_price.get(),
            quantity: line.quantity,
            line_total_fen: line.total.get(),
            shipped_quantity: 0,
            after_sale_quantity: line.after_sale,
            refunded_quantity: line.refunded,
            stock_state: LineStock::None.as_str().to_owned(),
        });
    }
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let rows = models.iter().cloned().map(|model| row::ActiveModel::from(model).reset_all());
    row::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    models.into_iter().map(from_model).collect()
}

/// Lines of an order in their order.
pub async fn order_line_list(tx: &TenantTx, order: OrderId) -> StoreResult<Vec<OrderLine>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.eq(order.0))
        .order_by_asc(row::Column::LineNo)
        .limit(MAX_LINES)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Lines of a page of orders, by order and line number; at most 1000.
pub async fn order_line_list_of(tx: &TenantTx, orders: &[OrderId]) -> StoreResult<Vec<OrderLine>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OrderId.is_in(orders.iter().map(|id| id.0)))
        .order_by_asc(row::Column::OrderId)
        .order_by_asc(row::Column::LineNo)
        .limit(1000)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Saves what may move of a line: mapping, price while unpaid, quantities, stock. The order's version guards it.
pub async fn order_line_save(tx: &mut TenantTx, line: &OrderLine) -> StoreResult<()> {
    use row::Column;
    let done = row::Entity::update_many()
        .col_expr(Column::ProductId, Expr::value(line.product.map(Uuid::from)))
        .col_expr(Column::SkuId, Expr::value(line.sku.map(Uuid::from)))
        .col_expr(Column::UnitPriceFen, Expr::value(line.unit_price.get()))
        .col_expr(Column::LineTotalFen, Expr::value(line.total.get()))
        .col_expr(Column::ShippedQuantity, Expr::value(line.shipped))
        .col_expr(Column::AfterSaleQuantity, Expr::value(line.after_sale))
        .col_expr(Column::RefundedQuantity, Expr::value(line.refunded))
        .col_expr(Column::StockState, Expr::value(line.stock.as_str()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(line.id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}
