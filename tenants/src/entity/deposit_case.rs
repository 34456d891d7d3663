//! Row of `deposit_cases`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deposit_cases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub deposit_id: Uuid,
    pub shop_id: Uuid,
    pub order_id: Option<Uuid>,
    pub aftersale_id: Option<Uuid>,
    pub violation: String,
    pub state: String,
    pub facts: String,
    pub opened_by_name: String,
    pub waiting: bool,
    pub asked_fen: i64,
    pub frozen_fen: i64,
    pub deducted_fen: i64,
    pub released_fen: i64,
    pub claimed_fen: i64,
    pub appeal_until: i64,
    pub appeal_rule_id: String,
    pub appeal: Option<String>,
    pub appealed_by_name: Option<String>,
    pub appealed_at: Option<i64>,
    pub verdict: Option<String>,
    pub reasons: Option<String>,
    pub decided_by_name: Option<String>,
    pub decided_at: Option<i64>,
    pub closed_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
