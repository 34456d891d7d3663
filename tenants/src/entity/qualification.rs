//! Row of `qualifications`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "qualifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub kind: String,
    pub subject_id: String,
    pub subject_name: String,
    pub state: String,
    pub content: String,
    pub application_id: Option<String>,
    pub earlier_id: Option<String>,
    pub reason: Option<String>,
    pub asked_by: String,
    pub sent_at: Option<i64>,
    pub read_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
