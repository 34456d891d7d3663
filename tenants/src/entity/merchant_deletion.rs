//! Row of `merchant_deletions`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merchant_deletions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub state: String,
    pub reason: String,
    pub asked_by_kind: String,
    pub asked_by: String,
    pub asked_by_name: String,
    pub asked_at: i64,
    pub due_at: i64,
    pub blocked: Option<String>,
    pub withdrawn_by_name: Option<String>,
    pub withdrawn_at: Option<i64>,
    pub outside: Option<String>,
    pub proof: Option<String>,
    pub proof_sha256: Option<String>,
    pub deleted_at: Option<i64>,
    pub keep_until: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
