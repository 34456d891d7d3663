//! Row of `live_rooms`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "live_rooms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_account_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub room_id: String,
    pub title: Option<String>,
    pub day: Option<String>,
    pub started_at: i64,
    pub seconds: Option<i64>,
    pub on_air: Option<bool>,
    pub figures: String,
    pub products: String,
    pub read_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
