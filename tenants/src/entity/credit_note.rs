//! Row of `credit_notes`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credit_notes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub invoice_id: Uuid,
    pub plan_change_id: Uuid,
    pub year: i64,
    pub count_no: i64,
    pub credited_from: String,
    pub net_fen: i64,
    pub tax_fen: i64,
    pub total_fen: i64,
    pub receivable_fen: i64,
    pub wallet_fen: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
