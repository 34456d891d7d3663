//! Row of `stock_movements`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_movements")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sku_id: Uuid,
    pub bucket: i64,
    pub kind: String,
    pub on_hand_change: i64,
    pub held_change: i64,
    pub sold_change: i64,
    pub order_id: Option<Uuid>,
    pub note: String,
    pub actor_kind: String,
    pub actor_name: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
