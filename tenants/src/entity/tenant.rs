//! Row of `tenants`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    pub kind: String,
    pub parent_id: Option<Uuid>,
    pub provider_id: Option<Uuid>,
    pub name: String,
    pub state: String,
    pub subject_kind: Option<String>,
    pub locale: String,
    pub zone: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub state_reason: Option<String>,
    pub state_at: Option<i64>,
    pub stops_merchants: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
