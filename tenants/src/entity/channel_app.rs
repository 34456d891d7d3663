//! Row of `channel_apps`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_apps")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel: String,
    pub family: String,
    pub app_id: String,
    pub secret: Vec<u8>,
    pub push_token: Vec<u8>,
    pub aes_key: Vec<u8>,
    pub previous_aes_key: Option<Vec<u8>>,
    pub hook_token: String,
    pub ticket: Option<Vec<u8>>,
    pub ticket_at: Option<i64>,
    pub settings: String,
    pub state: String,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
