//! Row of `order_desks`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_desks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: Uuid,
    pub urged_at: Option<i64>,
    pub urges: i64,
    pub wish_asked_at: Option<i64>,
    pub wish_until: Option<i64>,
    pub wish_name: String,
    pub wish_phone: String,
    pub wish_region: String,
    pub wish_detail: String,
    pub proposed_at: Option<i64>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
