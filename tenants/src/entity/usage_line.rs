//! Row of `usage_lines`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub invoice_id: Uuid,
    pub subscription_id: Uuid,
    pub metric: String,
    pub period_start: String,
    pub period_end: String,
    pub part: i64,
    pub description_zh: String,
    pub description_en: String,
    pub quantity: i64,
    pub billed_before_fen: i64,
    pub steps: String,
    pub net_fen: i64,
    pub tax_fen: i64,
    pub total_fen: i64,
    pub tax_ppm: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
