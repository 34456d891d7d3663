//! Row of `coupons`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "coupons")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_account_id: Uuid,
    pub external_id: Option<String>,
    pub name: String,
    pub state: String,
    pub native_state: String,
    pub native_kind: String,
    pub terms: String,
    pub received: Option<i64>,
    pub used: Option<i64>,
    pub refusal: Option<String>,
    pub asked_for: Option<String>,
    pub asked_at: Option<i64>,
    pub created_at: i64,
    pub read_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
