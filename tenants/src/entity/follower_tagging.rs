//! Row of `follower_taggings`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "follower_taggings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub tag_id: Uuid,
    pub tag_name: String,
    pub puts_on: bool,
    pub choice: String,
    pub state: String,
    pub behind: Option<Uuid>,
    pub total: i64,
    pub done: i64,
    pub refused: i64,
    pub refusals: String,
    pub error_code: Option<String>,
    pub error_text: Option<String>,
    pub by_name: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub finished_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
