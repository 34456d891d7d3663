//! Row of `follower_notices`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "follower_notices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub follower_id: Uuid,
    pub template_id: Uuid,
    pub title: String,
    pub fields: String,
    pub url: Option<String>,
    pub happening: Option<String>,
    pub order_id: Option<Uuid>,
    pub by_name: Option<String>,
    pub state: String,
    pub native_message_id: Option<String>,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub plain_text: Option<String>,
    pub first_sent_at: Option<i64>,
    pub created_at: i64,
    pub settled_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
