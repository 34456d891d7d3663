//! Row of `order_lines`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub order_id: Uuid,
    pub line_no: i64,
    pub product_id: Option<Uuid>,
    pub sku_id: Option<Uuid>,
    pub external_product_id: Option<String>,
    pub external_sku_id: Option<String>,
    pub title: String,
    pub spec_text: String,
    pub picture_url: Option<String>,
    pub unit_price_fen: i64,
    pub quantity: i64,
    pub line_total_fen: i64,
    pub shipped_quantity: i64,
    pub after_sale_quantity: i64,
    pub refunded_quantity: i64,
    pub stock_state: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
