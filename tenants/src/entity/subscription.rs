//! Row of `subscriptions`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub plan_id: Uuid,
    pub plan_version_id: Uuid,
    pub plan_name_zh: String,
    pub plan_name_en: String,
    pub monthly_fee_fen: i64,
    pub charged_every: String,
    pub tax_ppm: i64,
    pub take_rate_ppm: i64,
    pub limits: String,
    pub charges: String,
    pub state: String,
    pub anchor_date: String,
    pub anchor_months: i64,
    pub predecessor_id: Option<Uuid>,
    pub zone: String,
    pub next_period_index: i64,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
