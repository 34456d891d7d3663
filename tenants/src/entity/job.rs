//! Row of `jobs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub dedup_key: Option<String>,
    pub payload: String,
    pub priority: i64,
    pub state: String,
    pub run_at: i64,
    pub attempt: i64,
    pub lease_until: Option<i64>,
    pub lease_token: Option<Uuid>,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub created_at: i64,
    pub part: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
