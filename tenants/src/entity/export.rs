//! Row of `exports`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub state: String,
    pub asked_by_kind: String,
    pub asked_by: String,
    pub asked_by_name: String,
    pub done_rows: i64,
    pub total_rows: i64,
    pub files: i64,
    pub missing_files: i64,
    pub size_bytes: i64,
    pub sha256: Option<String>,
    pub content_sha256: Option<String>,
    pub error_code: Option<String>,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub ready_at: Option<i64>,
    pub expires_at: Option<i64>,
    pub removed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
