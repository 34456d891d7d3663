//! Row of `showcase_items`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "showcase_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_account_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: String,
    pub source_id: String,
    pub state: String,
    pub native_state: String,
    pub title: Option<String>,
    pub picture_url: Option<String>,
    pub price_fen: Option<i64>,
    pub stock: Option<i64>,
    pub hidden: bool,
    pub barred: Option<String>,
    pub listing_id: Option<Uuid>,
    pub refusal: Option<String>,
    pub position: i64,
    pub read_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
