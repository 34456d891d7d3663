//! Row of `aftersales`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "aftersales")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub shop_id: Uuid,
    pub order_id: Uuid,
    pub channel_account_id: Uuid,
    pub channel: String,
    pub external_id: String,
    pub kind: String,
    pub state: String,
    pub native_state: String,
    pub waits_for: String,
    pub reason: String,
    pub buyer_words: String,
    pub refusal: Option<String>,
    pub amount_fen: i64,
    pub refunded_fen: i64,
    pub deadline_at: Option<i64>,
    pub return_carrier: Option<String>,
    pub return_waybill: Option<String>,
    pub dispute_id: Option<String>,
    pub dispute_state: Option<String>,
    pub dispute_native_state: Option<String>,
    pub dispute_detail: Option<String>,
    pub decision: Option<String>,
    pub decision_detail: String,
    pub decision_error: Option<String>,
    pub remote_updated_at: i64,
    pub synced_at: i64,
    pub reminded_at: Option<i64>,
    pub asked_at: i64,
    pub ended_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
