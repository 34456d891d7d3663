//! Row of `mail_senders`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail_senders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    pub host: String,
    pub port: i64,
    pub security: String,
    pub user_name: String,
    pub sealed_password: Option<Vec<u8>>,
    pub from_address: String,
    pub state: String,
    pub error: Option<String>,
    pub checked_at: Option<i64>,
    pub version: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
