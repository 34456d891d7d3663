//! Row of `funds_withdrawals`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "funds_withdrawals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub amount_fen: i64,
    pub state: String,
    pub native_state: String,
    pub code_state: Option<String>,
    pub scanned_by: Option<String>,
    pub problem: Option<String>,
    pub ticket: Option<String>,
    pub external_id: Option<String>,
    pub note: String,
    pub bank_memo: String,
    pub bank: Option<String>,
    pub bank_tail: Option<String>,
    pub reason: Option<String>,
    pub asked_by: Option<String>,
    pub sent_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
