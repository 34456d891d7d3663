//! Row of `receipts`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "receipts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub purpose: String,
    pub invoice_id: Option<Uuid>,
    pub deposit_id: Option<Uuid>,
    pub amount_fen: i64,
    pub bank_reference: String,
    pub state: String,
    pub reason: Option<String>,
    pub declared_by: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<i64>,
    pub reversed_by: Option<String>,
    pub reversed_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
