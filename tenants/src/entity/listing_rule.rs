//! Row of `listing_rules`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "listing_rules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    pub owner_kind: String,
    pub price_ppm: Option<i64>,
    pub price_add_fen: Option<i64>,
    pub price_step_fen: Option<i64>,
    pub title_prefix: Option<String>,
    pub title_suffix: Option<String>,
    pub safety_stock: Option<i64>,
    pub stock_ppm: Option<i64>,
    pub version: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
