//! Row of `link_intents`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "link_intents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub shop_id: Uuid,
    pub channel: String,
    pub kind: String,
    pub link_mode: String,
    pub channel_app_id: Uuid,
    pub external_id: Option<String>,
    pub state: String,
    pub outcome_code: Option<String>,
    pub outcome_rule: Option<String>,
    pub channel_account_id: Option<Uuid>,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
