//! Row of `ledger_entries`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub journal_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub leg_no: i64,
    pub next_leg_no: i64,
    pub id: Uuid,
    pub provider_id: Uuid,
    pub currency: String,
    pub account_id: Uuid,
    pub side: String,
    pub amount_fen: i64,
    pub before_fen: i64,
    pub after_fen: i64,
    pub balance_after_fen: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
