//! Row of `app_authorisations`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_authorisations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_app_id: Uuid,
    pub external_id: String,
    pub code_hash: Option<Vec<u8>>,
    pub code: Option<Vec<u8>>,
    pub access_token: Option<Vec<u8>>,
    pub access_expires_at: Option<i64>,
    pub refresh_token: Option<Vec<u8>>,
    pub kind: Option<String>,
    pub profile: String,
    pub state: String,
    pub outcome: Option<String>,
    pub merchant_id: Option<Uuid>,
    pub channel_account_id: Option<Uuid>,
    pub received_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
