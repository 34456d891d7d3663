//! Row of `listings`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "listings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub shop_id: Uuid,
    pub product_id: Uuid,
    pub channel_account_id: Uuid,
    pub state: String,
    pub wanted_version: i64,
    pub sent_version: Option<i64>,
    pub listed_version: Option<i64>,
    pub reason: Option<String>,
    pub fact_at: Option<i64>,
    pub native_product_id: Option<String>,
    pub native_state: Option<String>,
    pub refs: String,
    pub category_path: String,
    pub warnings: String,
    pub attributes: String,
    pub sent_hash: Option<String>,
    pub sender_id: Option<Uuid>,
    pub brand_id: Option<String>,
    pub brand_name: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
