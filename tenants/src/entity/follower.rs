//! Row of `followers`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "followers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub open_id: String,
    pub state: String,
    pub scene: Option<String>,
    pub followed_at: Option<i64>,
    pub left_at: Option<i64>,
    pub last_seen_at: i64,
    pub message_opened_at: Option<i64>,
    pub message_sent: i64,
    pub moment_opened_at: Option<i64>,
    pub moment_sent: i64,
    pub version: i64,
    pub created_at: i64,
    pub union_id: Option<String>,
    pub listed_at: Option<i64>,
    pub detailed_at: Option<i64>,
    pub erased_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
