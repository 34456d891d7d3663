//! Row of `channel_accounts`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub shop_id: Uuid,
    pub channel: String,
    pub kind: String,
    pub external_id: String,
    pub user_name: Option<String>,
    pub name: String,
    pub link_mode: String,
    pub channel_app_id: Option<Uuid>,
    pub hook_token: String,
    pub secret: Option<Vec<u8>>,
    pub push_token: Option<Vec<u8>>,
    pub aes_key: Option<Vec<u8>>,
    pub previous_aes_key: Option<Vec<u8>>,
    pub push_format: String,
    pub state: String,
    pub native_state: Option<String>,
    pub scopes: String,
    pub settings: String,
    pub generation: i64,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub linked_at: i64,
    pub last_push_at: Option<i64>,
    pub last_reconcile_at: Option<i64>,
    pub reconcile_cursor: Option<String>,
    /// Since when its kind is switched off; the state is kept for the day it is switched on again.
    pub retired_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
