//! Row of `exchange_logs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exchange_logs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub operation: String,
    pub method: String,
    pub path: String,
    pub status: Option<i64>,
    pub outcome: String,
    pub remote_code: Option<String>,
    pub remote_message: Option<String>,
    pub remote_request_id: Option<String>,
    pub millis: i64,
    pub response_bytes: i64,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
