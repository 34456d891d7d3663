//! Row of `plan_changes`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_changes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub subscription_id: Uuid,
    pub plan_id: Uuid,
    pub plan_version_id: Uuid,
    pub plan_name_zh: String,
    pub plan_name_en: String,
    pub fee_fen: i64,
    pub charged_every: String,
    pub tax_ppm: i64,
    pub take_rate_ppm: i64,
    pub limits: String,
    pub charges: String,
    pub direction: String,
    pub timing: String,
    pub rule: String,
    pub effective_on: String,
    pub state: String,
    pub successor_id: Option<Uuid>,
    pub asked_by: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
