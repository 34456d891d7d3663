//! Row of `orders`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub shop_id: Uuid,
    pub number: String,
    pub state: String,
    pub cancelled_by: Option<String>,
    pub channel_account_id: Option<Uuid>,
    pub channel: Option<String>,
    pub scene: String,
    pub external_id: Option<String>,
    pub native_state: Option<String>,
    pub attribution: String,
    pub buyer_open_id: Option<String>,
    pub buyer_union_id: Option<String>,
    pub receiver_name: String,
    pub receiver_phone: String,
    pub phone_tail: String,
    pub receiver_region: String,
    pub receiver_detail: String,
    pub buyer_notes: String,
    pub merchant_notes: String,
    pub goods_fen: i64,
    pub freight_fen: i64,
    pub discount_fen: i64,
    pub total_fen: i64,
    pub take_rate_ppm: i64,
    pub tax_ppm: i64,
    pub transaction_id: Option<String>,
    pub remote_updated_at: Option<i64>,
    pub synced_at: Option<i64>,
    pub placed_at: i64,
    pub paid_at: Option<i64>,
    pub shipped_at: Option<i64>,
    pub received_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub cancelled_at: Option<i64>,
    pub settled_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub buyer_id: Option<Uuid>,
    pub personal_erased_at: Option<i64>,
    pub refunded_fen: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
