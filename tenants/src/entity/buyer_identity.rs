//! Row of `buyer_identities`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "buyer_identities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub buyer_id: Uuid,
    pub shop_id: Uuid,
    pub kind: String,
    pub lookup: String,
    pub sealed: Option<Vec<u8>>,
    pub channel: Option<String>,
    pub channel_account_id: Option<Uuid>,
    pub open_id: Option<String>,
    pub union_id: Option<String>,
    pub verified_at: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
