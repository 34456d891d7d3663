//! Row of `deposits`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deposits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub shop_id: Uuid,
    pub scheme: String,
    pub state: String,
    pub due_fen: i64,
    pub rule_id: String,
    pub trial_rule_id: String,
    pub trial_ends_at: i64,
    pub trial_orders: i64,
    pub trial_turnover_fen: i64,
    pub trial_ended_by: Option<String>,
    pub trial_ended_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
