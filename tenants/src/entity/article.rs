//! Row of `articles`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "articles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub title: String,
    pub author: String,
    pub digest: String,
    pub content: String,
    pub source_url: Option<String>,
    pub cover_id: Uuid,
    pub listing_id: Option<Uuid>,
    pub state: String,
    pub refs: String,
    pub publish_id: Option<String>,
    pub external_id: Option<String>,
    pub url: Option<String>,
    pub error_text: Option<String>,
    pub published_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
