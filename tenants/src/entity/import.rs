//! Row of `imports`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub media_id: Uuid,
    pub file_name: String,
    pub encoding: String,
    pub options: String,
    pub state: String,
    pub total_rows: i64,
    pub done_rows: i64,
    pub failed_rows: i64,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub created_by: String,
    pub version: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
