//! Row of `account_funds`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_funds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_account_id: Uuid,
    pub available_fen: i64,
    pub pending_fen: i64,
    pub sub_merchant: Option<String>,
    pub bank: Option<String>,
    pub bank_holder: Option<String>,
    pub bank_tail: Option<String>,
    pub read_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
